import { readFileSync } from 'node:fs';
import { takePictures, watchPictures } from '../test/viewer/pixel-probe.ts';
import { tile, ViewerWorld, WALL_SCREEN } from '../test/viewer/support.ts';
import { type Bench, measure, percentile } from './measure.ts';
import { cpuSeconds, familyOf } from './process-cost.ts';

const SECONDS = Number(process.env['BENCH_SECONDS'] ?? 300);
/** Getting under way is not measured. */
const SETTLE_MS = Math.min(20_000, SECONDS * 200);
/** Medians of so long are what drift is read from. */
const BIN_MS = 10_000;
const MS_PER_HOUR = 3_600_000;

interface Seen {
  shownAt: number;
  delay: number;
}

/**
 * Glass to glass: from the camera's clock, drawn into the picture as it is made, to the browser's, when that picture is on the screen, read
 * from the pixels of every picture shown. Camera, node and browser run on this machine, so the clock is the same.
 */
export const benchViewer: Bench = async (report, say) => {
  for (const tiles of [1, 4, 9]) {
    const world = await ViewerWorld.start({ cameras: tiles, segment: '60s' });
    try {
      await world.recording();
      const viewer = await world.paired({ size: WALL_SCREEN });
      const cameras = Array.from({ length: tiles }, (_, index) => tile(`cam${index + 1}`));
      for (const camera of cameras) await viewer.playing(camera, 30_000);
      await viewer.page.waitForTimeout(SETTLE_MS);
      for (const camera of cameras) await watchPictures(viewer.page, camera);

      say(`${tiles} tiles for ${SECONDS} s …`);
      const page = familyOf(process.pid).filter(isBrowser);
      const node = familyOf(world.node.node!.child.pid!);
      const before = { page: cpuSeconds(page), node: cpuSeconds(node), at: Date.now() };
      const seen: Seen[] = [];
      let unreadable = 0;
      while (Date.now() < before.at + SECONDS * 1000) {
        await viewer.page.waitForTimeout(Math.min(5_000, SECONDS * 250));
        for (const camera of cameras) {
          const taken = await takePictures(viewer.page, camera);
          unreadable += taken.unreadable;
          for (const { shownAt, madeAt } of taken.pictures) seen.push({ shownAt, delay: shownAt - madeAt });
        }
      }
      const seconds = (Date.now() - before.at) / 1000;
      const delays = seen.map(({ delay }) => delay);
      if (unreadable > 0) say(`${unreadable} of ${unreadable + seen.length} pictures could not be read`);
      report(measure(`viewer.delay_p95_${tiles}`, percentile(delays, 0.95), 'ms', { atMost: 500 }));
      report(measure(`viewer.delay_p50_${tiles}`, percentile(delays, 0.5), 'ms'));
      report(measure(`viewer.pictures_${tiles}`, seen.length / tiles / seconds, '1/s a tile'));
      const share = (pids: readonly number[], from: number) => ((cpuSeconds(pids) - from) / seconds) * 100;
      report(measure(`viewer.page_cpu_${tiles}`, share(page, before.page), '% of a core'));
      report(measure(`viewer.node_cpu_${tiles}`, share(node, before.node), '% of a core'));
      const drift = driftOf(seen);
      if (drift !== null) report(measure(`viewer.drift_per_hour_${tiles}`, Math.abs(drift), 'ms', { atMost: 50 }));
      else say('too short for a drift');
    } finally {
      await world.stop();
    }
  }
};

/** How much later pictures come after an hour, ms: the straight line through the medians of every ten seconds. Null below a minute. */
function driftOf(seen: readonly Seen[]): number | null {
  const bins = Map.groupBy(seen, ({ shownAt }) => Math.floor(shownAt / BIN_MS));
  if (bins.size < 6) return null;
  const points = [...bins].map(([bin, inside]) => ({
    x: bin * BIN_MS,
    y: percentile(
      inside.map(({ delay }) => delay),
      0.5,
    ),
  }));
  const mean = (pick: (point: { x: number; y: number }) => number) =>
    points.reduce((sum, point) => sum + pick(point), 0) / points.length;
  const [x, y] = [mean((point) => point.x), mean((point) => point.y)];
  const slope = mean((point) => (point.x - x) * (point.y - y)) / mean((point) => (point.x - x) ** 2);
  return slope * MS_PER_HOUR;
}

function isBrowser(pid: number): boolean {
  try {
    return /chrom/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0', 1)[0]!);
  } catch {
    return false;
  }
}
