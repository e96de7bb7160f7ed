// `npm test`: all set-up for the proof, then the proof: types, lint, tests.
// `--vectors` runs only the published vectors of others; `--slow` runs everything longer; `--only-tests` leaves types and lint out; other
// words narrow the tests by path.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  ensureDependencies,
  ensurePackages,
  ensureRuntime,
  ensureViewer,
  giveUp,
  handOver,
  root,
  say,
  TESTING,
  TESTING_OPTIONAL,
} from './setup.mjs';

const words = process.argv.slice(2);
const flags = new Set(words.filter((word) => word.startsWith('--')));
const patterns = words.filter((word) => !word.startsWith('--'));

try {
  const node = await ensureRuntime();
  await ensureDependencies(node, { development: true });
  await ensurePackages(TESTING, TESTING_OPTIONAL);
  if (!(await ensureViewer(node))) throw new Error('the tests need the viewer');
  process.chdir(root);

  let failed = false;
  if (!flags.has('--vectors') && !flags.has('--only-tests')) {
    say('test: types, types of the viewer, lint and format …');
    const checks = [
      [join(root, 'node_modules/typescript/bin/tsc')],
      [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'web'],
      [join(root, 'scripts/lint/biome.mjs'), 'check', '--error-on-warnings', '.'],
    ];
    const codes = await Promise.all(checks.map((args) => handOver(node, args)));
    failed = codes.some((code) => code !== 0);
  }
  // Every file of tests is a process of its own: what one compiled the next need not.
  const env = { NODE_COMPILE_CACHE: join(root, '.runtime/compile-cache'), ...process.env, NODE_NO_WARNINGS: '1' };
  if (flags.has('--slow')) env.SLOW = '1';
  const files = testFiles(flags.has('--vectors') ? ['test/vectors-third-party/'] : patterns);
  say(`test: ${files.length} files …`);
  const code = await handOver(node, [join(root, 'scripts/proof.mjs'), ...files], env);
  process.exitCode = failed ? 1 : code;
} catch (error) {
  giveUp(error);
}

/**
 * Every test whose path holds one of the words (all where there is none). Those of the viewer first, which run one after the other, then
 * other long ones: little runs alone last.
 */
function testFiles(holding) {
  const found = readdirSync(join(root, 'test'), { recursive: true })
    .map((name) => `test/${name}`)
    .filter(
      (name) => name.endsWith('.test.ts') && (holding.length === 0 || holding.some((word) => name.includes(word))),
    );
  if (found.length === 0) throw new Error(`no test file has ${holding.join(' or ')} in its path`);
  const place = (file) => [/^test\/viewer\//, /^test\/(e2e|crash)\//, /^/].findIndex((folder) => folder.test(file));
  return found.sort((a, b) => place(a) - place(b) || (a < b ? -1 : 1));
}
