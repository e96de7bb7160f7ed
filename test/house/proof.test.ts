import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { test } from 'node:test';

const PROOF = resolve('scripts/proof.mjs');

/** What `scripts/proof.mjs` tells of these files, and how it ends. */
function prove(context: { after(done: () => void): void }, files: Record<string, string>) {
  const folder = mkdtempSync(join(tmpdir(), 'proof-'));
  context.after(() => rmSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), `import test from 'node:test';\n${text}\n`);
  }
  // Else it would believe to be one of our own tests, which may not run tests.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const { status, stdout } = spawnSync(process.execPath, [PROOF, ...Object.keys(files)], {
    cwd: folder,
    env,
    encoding: 'utf8',
  });
  return { status, told: stdout, folder };
}

test('all files are told as one run, which is good only where every test passed', (context) => {
  const good = "test('holds', () => {});";
  const all = prove(context, { 'a.test.mjs': good, 'b.test.mjs': `${good} test('later', { skip: true }, () => {});` });
  assert.equal(all.status, 0, all.told);
  assert.match(all.told, /tests 3\n.*suites 0\n.*pass 2\n.*fail 0\n.*cancelled 0\n.*skipped 1\n/);
  const bad = {
    'a test that fails': "test('fails', () => { throw new Error('a reason'); });",
    'a file that cannot be read': 'test(',
    'a process that ends': "test('ends', () => process.exit(3));",
    'what fails after its test': "test('holds', () => { setImmediate(() => { throw new Error('late'); }); });",
  };
  for (const [what, text] of Object.entries(bad)) {
    const { status, told } = prove(context, { 'a.test.mjs': good, 'b.test.mjs': text, 'c.test.mjs': good });
    assert.equal(status, 1, `${what}: ${told}`);
    assert.match(told, /fail 1\n[\s\S]*failing tests:[\s\S]*b\.test\.mjs/, what);
  }
  assert.equal(prove(context, {}).status, 1, 'no test at all');
});

test('tests of the viewer run one after the other', (context) => {
  const text = `
    import { appendFileSync } from 'node:fs';
    appendFileSync('log', 'b');
    test('holds', () => new Promise((done) => setTimeout(done, 20)));
    process.on('exit', () => appendFileSync('log', 'e'));`;
  const names = ['test/viewer/a.test.mjs', 'test/viewer/b.test.mjs', 'test/viewer/c.test.mjs'];
  const { status, told, folder } = prove(context, Object.fromEntries(names.map((name) => [name, text])));
  assert.equal(status, 0, told);
  assert.equal(readFileSync(join(folder, 'log'), 'utf8'), 'bebebe');
});
