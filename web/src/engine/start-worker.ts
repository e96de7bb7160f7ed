import { ourScript } from './trusted-scripts.ts';
import address from './worker.ts?worker&url';

/** Starts the engine's worker. */
export function startWorker(): Worker {
  return new Worker(ourScript(address), { type: 'module', name: 'engine' });
}
