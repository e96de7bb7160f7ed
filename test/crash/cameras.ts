import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { freePort } from '../e2e/node-process.ts';

const program = resolve(import.meta.dirname, '../../bin/constitute-nvr');

/** What the killed node records: a 4 Mbit/s main stream, and another camera's small stream that rarely fills a chunk. */
export const CRASH_SOURCES = [
  { id: 'front', path: 'cam1/main' },
  { id: 'yard', path: 'cam2/sub' },
] as const;

/** Two virtual cameras in a process of their own, which outlives every kill. */
export async function startCameras(): Promise<{ sources: string; stop(): Promise<void> }> {
  const port = await freePort();
  const words = [program, 'virtual-camera', '--port', String(port), '--cameras', '2', '--gop', '25', '--bitrate', '4M'];
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  const closed = once(child, 'close');
  const end = () => child.kill('SIGKILL');
  process.on('exit', end);
  await once(child.stdout!, 'data');
  return {
    sources: CRASH_SOURCES.map(({ id, path }) => `  ${id}: { url: 'rtsp://127.0.0.1:${port}/${path}' }\n`).join(''),
    async stop() {
      child.kill('SIGTERM');
      await closed;
      process.off('exit', end);
    },
  };
}
