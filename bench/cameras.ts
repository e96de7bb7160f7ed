import { readFileSync } from 'node:fs';
import type { NvrClient } from '../src/client/index.ts';
import { silentLog } from '../src/platform/index.ts';
import { createNodeClock, createNodeProcesses, createNodeRandom } from '../src/platform/node/index.ts';
import type { SourceId } from '../src/protocol/index.ts';
import { createVirtualCamera, type VirtualCamera } from '../src/virtual-camera/index.ts';
import { type Bench, measure, percentile } from './measure.ts';
import { startNode, temporaryFolder, until } from './node-under-test.ts';

const CAMERAS = 64;
/** Those that go down and come back together. */
const FLAPPING = CAMERAS / 4;
const CYCLE_MS = 20_000;
const DOWN_MS = 10_000;
/** Until what runs often is compiled and every pool has its size; the index's page cache (8 MB) is the slowest to fill. */
const SETTLE_MS = 120_000;
const MEASURE_MS = Number(process.env['BENCH_SECONDS'] ?? 180) * 1000;
/** Memory is the mean of so long a time at either end. */
const MEMORY_MS = Math.min(30_000, MEASURE_MS / 3);
/** Small pictures, all of one encoder. */
const SUB = { width: 320, height: 180, fps: 10, gop: 10, bitrate: 200_000 };

/**
 * One node and 64 small streams; a quarter of the cameras is away for ten of every twenty seconds. What the others lost, how long those
 * that return take until their first picture is stored, and whether the node grows.
 */
export const benchCameras: Bench = async (report, say) => {
  const deps = {
    clock: createNodeClock(),
    random: createNodeRandom(),
    log: silentLog,
    processes: createNodeProcesses(),
  };
  const camera = createVirtualCamera(deps, { cameras: CAMERAS, main: SUB, sub: null });
  await camera.start();
  const mounts = camera.mounts.filter((mount) => mount.endsWith('/main'));
  const ids = mounts.map((_, i) => `cam${i + 1}` as SourceId);
  const sources = ids.map((id, i) => `  ${id}: { url: '${camera.url(mounts[i]!)}' }\n`).join('');
  const node = await startNode(temporaryFolder(), sources, { segment: '10s' });
  const client = await node.pair();
  await until(
    'all cameras are recorded',
    async () => (await statesOf(client)).filter(isRunning).length === CAMERAS,
    180_000,
  );
  say(`${CAMERAS} cameras run; ${SETTLE_MS / 1000} s to settle, then ${MEASURE_MS / 1000} s are measured …`);

  const away = mounts.slice(0, FLAPPING);
  const flapping = new Set<string>(ids.slice(0, FLAPPING));
  await flap(camera, away, SETTLE_MS, async () => {});
  const before = new Map((await statesOf(client)).map((state) => [state.source, state]));
  const fromAt = Date.now();
  const memory: { at: number; sizeBytes: number }[] = [];
  const sampler = setInterval(() => memory.push({ at: Date.now(), sizeBytes: residentBytes(node.pid) }), 1000);
  const took: number[] = [];
  await flap(camera, away, MEASURE_MS, async (backAt) => {
    for (const state of await statesOf(client)) {
      if (!flapping.has(state.source)) continue;
      const returned = isRunning(state) && state.since >= backAt;
      took.push(returned ? (state.since - backAt) / 1000 : CYCLE_MS / 1000);
    }
  });
  clearInterval(sampler);
  const toAt = Date.now();

  let lostSeconds = 0;
  for (const state of await statesOf(client)) {
    if (flapping.has(state.source)) continue;
    const began = before.get(state.source)!;
    const dropped = (state.lost?.fragments ?? 0) - (began.lost?.fragments ?? 0);
    const unbroken = isRunning(state) && state.since === began.since;
    lostSeconds += (await holes(client, state.source as SourceId, fromAt, toAt, unbroken)) + dropped * 0.2;
  }
  const mean = (part: readonly { sizeBytes: number }[]) =>
    part.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) / part.length;
  const early = mean(memory.filter(({ at }) => at < fromAt + MEMORY_MS));
  const late = mean(memory.filter(({ at }) => at > toAt - MEMORY_MS));
  say(`node: ${(early / 1e6).toFixed(0)} MB early, ${(late / 1e6).toFixed(0)} MB late; ${took.length} returns`);
  report(measure('cameras.lost_seconds', lostSeconds, 's', { atMost: 0 }));
  report(
    measure('cameras.memory_growth', late / 1e6, 'MB', {
      baseline: `the same node ${Math.round((toAt - fromAt - MEMORY_MS) / 1000)} s before`,
      ratio: late / early,
      atMost: 1.05,
    }),
  );
  report(measure('cameras.reconnect_p95', percentile(took, 0.95), 's', { atMost: 10 }));
  report(measure('cameras.reconnect_p50', percentile(took, 0.5), 's'));
  client.connection.close();
  await node.stop();
  await camera.stop();
};

/** Takes cameras away and gives them back, over and over; `onEnd` is told at the end of each cycle when they came back. */
async function flap(
  camera: VirtualCamera,
  mounts: readonly string[],
  lengthMs: number,
  onEnd: (backAt: number) => Promise<void>,
): Promise<void> {
  const begunAt = Date.now();
  for (let cycle = 1; cycle * CYCLE_MS <= lengthMs; cycle++) {
    for (const mount of mounts) {
      await camera.faults.set({ name: 'refuse' }, mount);
      await camera.faults.set({ name: 'drop', afterMs: 0 }, mount);
    }
    await sleepUntil(begunAt + (cycle - 1) * CYCLE_MS + DOWN_MS);
    const backAt = Date.now();
    for (const mount of mounts) await camera.faults.clear(undefined, mount);
    await sleepUntil(begunAt + cycle * CYCLE_MS);
    await onEnd(backAt);
  }
}

/** Seconds without recording between two moments. What is being written now counts as stored where its run is unbroken. */
async function holes(
  client: NvrClient,
  source: SourceId,
  fromAt: number,
  toAt: number,
  unbroken: boolean,
): Promise<number> {
  let [lostMs, storedAt] = [0, fromAt];
  for await (const { startAt, endAt } of client.segments({
    source,
    stream: 'main',
    from: fromAt,
    to: toAt,
    order: 'oldest',
  })) {
    // Times of segments are rounded to milliseconds.
    if (startAt - storedAt > 1) lostMs += startAt - storedAt;
    storedAt = Math.max(storedAt, endAt);
  }
  if (!unbroken && storedAt < toAt) lostMs += toAt - storedAt;
  return lostMs / 1000;
}

async function statesOf(client: NvrClient) {
  const states = [];
  for await (const state of client.states()) states.push(state);
  return states;
}

function isRunning({ state }: { state: string }): boolean {
  return state === 'running';
}

function residentBytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
}

function sleepUntil(at: number): Promise<void> {
  return new Promise((done) => setTimeout(done, Math.max(0, at - Date.now())));
}
