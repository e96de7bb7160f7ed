import { captureTimeInSample } from '../src/virtual-camera/index.ts';
import { type Bench, measure, percentile } from './measure.ts';
import { startCamera, startNode, temporaryFolder, until } from './node-under-test.ts';

const SECONDS = Number(process.env['BENCH_SECONDS'] ?? 60);

/** From the camera's clock in the picture to the fragment opened at a paired client on loopback, per fragment. */
export const benchLive: Bench = async (report, say) => {
  const camera = await startCamera(['--cameras', '1', '--bitrate', '4M', '--sub-size', 'none']);
  const node = await startNode(temporaryFolder(), `  front:\n    url: rtsp://127.0.0.1:${camera.port}/cam1/main\n`);
  const client = await node.pair();
  await until('the camera is recorded', async () => {
    for await (const state of client.states()) if (state.state === 'running') return true;
    return false;
  });
  say(`watching for ${SECONDS} s …`);
  const first: number[] = [];
  const last: number[] = [];
  const endAt = Date.now() + SECONDS * 1000;
  let settled = false;
  for await (const unit of client.live({ source: 'front' as never, stream: 'main' })) {
    if (unit.kind !== 'fragment') continue;
    const nowMs = Date.now();
    if (nowMs > endAt) break;
    // What was held from the newest keyframe on comes at once and is not measured.
    const samples = captureTimes(unit.bytes);
    if (samples.length === 0) continue;
    const delay = nowMs - samples.at(-1)! / 1000;
    settled ||= delay < 1_000;
    if (!settled) continue;
    first.push(nowMs - samples[0]! / 1000);
    last.push(delay);
  }
  report(measure('live.delay_p95', percentile(first, 0.95), 'ms', { atMost: 400 }));
  report(measure('live.delay_p50', percentile(first, 0.5), 'ms'));
  report(measure('live.delay_last_p95', percentile(last, 0.95), 'ms'));
  client.connection.close();
  await node.stop();
  await camera.stop();
};

/** Capture times (µs) of the pictures in one fragment, first to last: every SEI message in it. */
function captureTimes(fragment: Uint8Array): number[] {
  const at = Buffer.from(fragment.buffer, fragment.byteOffset, fragment.length).indexOf('mdat') + 4;
  const times: number[] = [];
  const rest = fragment.subarray(at);
  const view = new DataView(rest.buffer, rest.byteOffset, rest.byteLength);
  for (let offset = 0; offset + 4 <= rest.length; ) {
    const size = view.getUint32(offset);
    const unit = rest.subarray(offset, offset + 4 + size);
    const time = captureTimeInSample(unit, 4);
    if (time) times.push(time.captureUs);
    offset += 4 + size;
  }
  return times;
}
