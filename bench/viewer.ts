import { readFileSync } from 'node:fs';
import { takePictures, watchPictures } from '../test/viewer/pixel-probe.ts';
import { tile, type Viewer, ViewerWorld, WALL_SCREEN } from '../test/viewer/support.ts';
import { scrubTimes, show } from '../test/viewer/timeline-hand.ts';
import type { GlassElement } from '../web/src/player/tile-screen.ts';
import { type Bench, measure, percentile } from './measure.ts';
import { cpuSeconds, familyOf } from './process-cost.ts';

/** Each row is watched for so long. */
const SECONDS = Number(process.env['BENCH_SECONDS'] ?? 300);
/** Drift is looked for as long as this: in a row of minutes the slow breathing of the delay would pass for it. */
const DRIFT_SECONDS = Number(process.env['BENCH_DRIFT_SECONDS'] ?? 1_800);
const DRIFT_TILES = 4;
const TELL_EVERY_MS = 60_000;
/** So often the wall is left and entered again, for its first pictures. */
const ENTRIES = 20;
/** Getting under way is not measured. */
const SETTLE_MS_MAX = 20_000;
/** Medians of so long are what drift is read from. */
const BIN_MS = 10_000;
const BINS_MIN = 30;
const MS_PER_HOUR = 3_600_000;

interface Seen {
  shownAt: number;
  delay: number;
}

/** Searching: tiles that follow, how many times, and how far apart: farther than the keyframes, within a minute. */
const SCRUB_TILES = 4;
const SCRUB_TIMES = 30;
const SCRUB_STEP_MS = 1_300;

interface Row {
  /** From the moment a tile wants its stream to its first picture on the screen, ms; one for each tile each time the wall is entered. */
  firstPictures: number[];
  seen: Seen[];
  seconds: number;
  /** Share of a core, percent. */
  pageCpu: number;
  nodeCpu: number;
}

/**
 * Glass to glass: from the camera's clock, drawn into the picture as it is made, to the browser's, when that picture is on the screen, read
 * from the pixels of every picture shown. Camera, node and browser run on this machine, so the clock is the same.
 */
export const benchViewer: Bench = async (report, say) => {
  for (const tiles of SECONDS > 0 ? [1, 4, 9] : []) {
    const { firstPictures, seen, seconds, pageCpu, nodeCpu } = await watch(tiles, SECONDS, say);
    const delays = seen.map(({ delay }) => delay);
    report(measure(`viewer.delay_p95_${tiles}`, percentile(delays, 0.95), 'ms', { atMost: 500 }));
    report(measure(`viewer.delay_p50_${tiles}`, percentile(delays, 0.5), 'ms'));
    report(measure(`viewer.first_picture_p95_${tiles}`, percentile(firstPictures, 0.95), 'ms', { atMost: 500 }));
    report(measure(`viewer.first_picture_p50_${tiles}`, percentile(firstPictures, 0.5), 'ms'));
    report(measure(`viewer.pictures_${tiles}`, seen.length / tiles / seconds, '1/s a tile'));
    report(measure(`viewer.page_cpu_${tiles}`, pageCpu, '% of a core'));
    report(measure(`viewer.node_cpu_${tiles}`, nodeCpu, '% of a core'));
  }
  const scrubs = await scrub(say);
  report(measure('viewer.scrub_p95', percentile(scrubs, 0.95), 'ms', { atMost: 150 }));
  report(measure('viewer.scrub_p50', percentile(scrubs, 0.5), 'ms'));
  const drift = driftOf((await watch(DRIFT_TILES, DRIFT_SECONDS, say)).seen);
  if (!drift) return say(`too short for a drift: at least ${(BINS_MIN * BIN_MS) / 1000} s`);
  report(measure('viewer.drift_per_hour', Math.abs(drift.perHour), 'ms', { atMost: 50 }));
  report(measure('viewer.drift_error', drift.error, 'ms'));
  report(measure('viewer.delay_span', drift.span, 'ms'));
};

/** From a move of the pointer on the timeline to the first picture of that time on the screen, ms; four tiles that follow, one of them looked at. */
async function scrub(say: (line: string) => void): Promise<number[]> {
  const world = await ViewerWorld.start({ cameras: SCRUB_TILES });
  try {
    await world.recording();
    const viewer = await world.paired({ size: WALL_SCREEN });
    for (let each = 1; each <= SCRUB_TILES; each++) await viewer.playing(tile(`cam${each}`), 30_000);
    say(`${SCRUB_TIMES} times are searched …`);
    await viewer.page.waitForTimeout((SCRUB_TIMES + 3) * SCRUB_STEP_MS + 5_000);
    await show(viewer, '1 minute');
    const first = Date.now() - SCRUB_TIMES * SCRUB_STEP_MS - 5_000;
    const times = Array.from({ length: SCRUB_TIMES + 1 }, (_, index) => first + index * SCRUB_STEP_MS);
    return await scrubTimes(viewer, 'cam1', times, 1_000);
  } finally {
    await world.stop();
  }
}

async function watch(tiles: number, forSeconds: number, say: (line: string) => void): Promise<Row> {
  const world = await ViewerWorld.start({ cameras: tiles, segment: '60s' });
  try {
    await world.recording();
    const viewer = await world.paired({ size: WALL_SCREEN });
    const cameras = Array.from({ length: tiles }, (_, index) => tile(`cam${index + 1}`));
    for (const camera of cameras) await viewer.playing(camera, 30_000);
    const firstPictures = await enterAgain(viewer, cameras);
    await viewer.page.waitForTimeout(Math.min(SETTLE_MS_MAX, forSeconds * 200));
    for (const camera of cameras) await watchPictures(viewer.page, camera);

    say(`${tiles} tiles for ${forSeconds} s …`);
    const page = familyOf(process.pid).filter(isBrowser);
    const node = familyOf(world.node.node!.child.pid!);
    const before = { page: cpuSeconds(page), node: cpuSeconds(node), at: Date.now() };
    const seen: Seen[] = [];
    let unreadable = 0;
    let told = { at: before.at, count: 0 };
    while (Date.now() < before.at + forSeconds * 1000) {
      await viewer.page.waitForTimeout(Math.min(5_000, forSeconds * 250));
      for (const camera of cameras) {
        const taken = await takePictures(viewer.page, camera);
        unreadable += taken.unreadable;
        for (const { shownAt, madeAt } of taken.pictures) seen.push({ shownAt, delay: shownAt - madeAt });
      }
      if (Date.now() - told.at < TELL_EVERY_MS) continue;
      const latest = seen.slice(told.count).map(({ delay }) => delay);
      told = { at: Date.now(), count: seen.length };
      say(`${Math.round((told.at - before.at) / 1000)} s: the last minute's half ${percentile(latest, 0.5)} ms`);
    }
    const seconds = (Date.now() - before.at) / 1000;
    if (unreadable > 0) say(`${unreadable} of ${unreadable + seen.length} pictures could not be read`);
    const share = (pids: readonly number[], from: number) => ((cpuSeconds(pids) - from) / seconds) * 100;
    return { firstPictures, seen, seconds, pageCpu: share(page, before.page), nodeCpu: share(node, before.node) };
  } finally {
    await world.stop();
  }
}

/** Leaves the wall for another page and comes back, again and again: every stream begins anew. The tiles tell how long that took. */
async function enterAgain({ page }: Viewer, cameras: readonly string[]): Promise<number[]> {
  const taken: number[] = [];
  for (let entry = 0; entry < ENTRIES; entry++) {
    await page.getByRole('link', { name: 'Health', exact: true }).click();
    await page.locator(cameras[0]!).waitFor({ state: 'detached' });
    await page.getByRole('link', { name: 'Wall', exact: true }).click();
    const told = await page.waitForFunction((count) => {
      const screens = [...document.querySelectorAll<GlassElement>('.wall-glass')].map((each) =>
        each.tileScreen?.stats(),
      );
      const times = screens.map((stats) => stats?.firstPictureMs ?? null);
      return times.length === count && times.every((each) => each !== null) ? times : null;
    }, cameras.length);
    taken.push(...((await told.jsonValue()) as number[]));
  }
  return taken;
}

/**
 * How much later pictures come after an hour: the straight line through the medians of every ten seconds, with its standard error; and how far the
 * medians lie apart, the latest from the earliest. All ms. Null where it was watched too shortly.
 */
function driftOf(seen: readonly Seen[]): { perHour: number; error: number; span: number } | null {
  const bins = Map.groupBy(seen, ({ shownAt }) => Math.floor(shownAt / BIN_MS));
  if (bins.size < BINS_MIN) return null;
  const points = [...bins].map(([bin, inside]) => ({
    x: (bin * BIN_MS) / MS_PER_HOUR,
    y: percentile(
      inside.map(({ delay }) => delay),
      0.5,
    ),
  }));
  const sum = (pick: (point: { x: number; y: number }) => number) => points.reduce((all, each) => all + pick(each), 0);
  const [x, y] = [sum((point) => point.x) / points.length, sum((point) => point.y) / points.length];
  const spread = sum((point) => (point.x - x) ** 2);
  const perHour = sum((point) => (point.x - x) * (point.y - y)) / spread;
  const rest = sum((point) => (point.y - y - perHour * (point.x - x)) ** 2) / (points.length - 2);
  const medians = points.map((point) => point.y);
  return { perHour, error: Math.sqrt(rest / spread), span: Math.max(...medians) - Math.min(...medians) };
}

function isBrowser(pid: number): boolean {
  try {
    return /chrom/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0', 1)[0]!);
  } catch {
    return false;
  }
}
