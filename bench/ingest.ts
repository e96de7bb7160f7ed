import { spawn } from 'node:child_process';
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Bench, measure } from './measure.ts';
import { startCamera, startNode, temporaryFolder, until } from './node-under-test.ts';
import { cpuSeconds, familyOf, peakBytes } from './process-cost.ts';

const CAMERAS = 8;
/** Until what runs often is compiled: what follows is how the node runs from then on. */
const SETTLE_MS = 60_000;
const MEASURE_MS = Number(process.env['BENCH_SECONDS'] ?? 60) * 1000;

/**
 * The node recording eight 4 Mbit/s cameras beside eight bare `ffmpeg -c copy` of the same cameras, in the same minute: CPU of
 * the whole node with its children over theirs, and the node process's peak memory.
 */
export const benchIngest: Bench = async (report, say) => {
  const folder = temporaryFolder();
  const camera = await startCamera(['--cameras', String(CAMERAS), '--bitrate', '4M', '--sub-size', 'none']);
  const urls = Array.from({ length: CAMERAS }, (_, i) => `rtsp://127.0.0.1:${camera.port}/cam${i + 1}/main`);
  const node = await startNode(folder, urls.map((url, i) => `  cam${i + 1}:\n    url: ${url}\n`).join(''));
  const client = await node.pair();

  const bareFolder = join(folder, 'bare');
  mkdirSync(bareFolder);
  const bare = urls.map((url, i) =>
    spawn(
      'ffmpeg',
      [
        '-hide_banner',
        '-loglevel',
        'error',
        '-rtsp_transport',
        'tcp',
        '-i',
        url,
        '-c',
        'copy',
        join(bareFolder, `${i}.mp4`),
      ],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    ),
  );
  process.on('exit', () => {
    for (const child of bare) child.kill('SIGKILL');
  });

  await until('all cameras are recorded', async () => {
    let running = 0;
    for await (const state of client.states()) if (state.state === 'running') running++;
    return running === CAMERAS;
  });
  say(`${CAMERAS} cameras run, ${MEASURE_MS / 1000} s are measured …`);
  await new Promise((done) => setTimeout(done, SETTLE_MS));

  const family = familyOf(node.pid);
  const ours = cpuSeconds(family);
  const own = cpuSeconds([node.pid]);
  const theirs = cpuSeconds(bare.map((child) => child.pid!));
  await new Promise((done) => setTimeout(done, MEASURE_MS));
  const seconds = MEASURE_MS / 1000;
  const oursUsed = cpuSeconds(family) - ours;
  const ownUsed = cpuSeconds([node.pid]) - own;
  const theirsUsed = cpuSeconds(bare.map((child) => child.pid!)) - theirs;
  const peak = peakBytes(node.pid) / 1e6;
  const status = await client.call('status.get', {});
  say(
    `recorded ${(status.storage.size / 1e6).toFixed(0)} MB; a bare file has ${(statSync(join(bareFolder, '0.mp4')).size / 1e6).toFixed(0)} MB`,
  );

  const baseline = 'ffmpeg -c copy to plain MP4, same cameras, same minute';
  report(
    measure('ingest.cpu', (oursUsed / seconds) * 100, '% of a core', {
      baseline,
      ratio: oursUsed / theirsUsed,
      atMost: 1.5,
    }),
  );
  report(
    measure('ingest.cpu.node', (ownUsed / seconds) * 100, '% of a core', { baseline, ratio: ownUsed / theirsUsed }),
  );
  report(measure('ingest.memory', peak, 'MB', { atMost: 120 + 4 * CAMERAS }));
  client.connection.close();
  for (const child of bare) child.kill('SIGINT');
  await node.stop();
  await camera.stop();
};
