// `npm start`: all set-up, then the recorder.
import { join } from 'node:path';
import {
  ensureDependencies,
  ensurePackages,
  ensureRuntime,
  ensureViewer,
  giveUp,
  handOver,
  RECORDING,
  root,
} from './setup.mjs';

try {
  const node = await ensureRuntime();
  await ensureDependencies(node, { development: false });
  await ensurePackages(RECORDING);
  await ensureViewer(node);
  process.exitCode = await handOver(node, [join(root, 'bin/constitute-nvr'), 'start', ...process.argv.slice(2)]);
} catch (error) {
  giveUp(error);
}
