// Runs one of our TypeScript programs with all set-up done: `node scripts/run.mjs FILE [ARGUMENT …]`.
import { resolve } from 'node:path';
import { ensureDependencies, ensurePackages, ensureRuntime, giveUp, handOver, root, TESTING } from './setup.mjs';

try {
  const [file, ...args] = process.argv.slice(2);
  if (file === undefined) throw new Error('expected: node scripts/run.mjs FILE [ARGUMENT …]');
  const node = await ensureRuntime();
  await ensureDependencies(node, { development: true });
  await ensurePackages(TESTING);
  process.exitCode = await handOver(node, [resolve(root, file), ...args]);
} catch (error) {
  giveUp(error);
}
