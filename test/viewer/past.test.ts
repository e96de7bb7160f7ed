import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import type { Download } from 'playwright-core';
import { readStrip, stripCells, stripTime } from '../../src/virtual-camera/index.ts';
import { until } from '../support/wait.ts';
import { shownNow, takePictures, watchPictures } from './pixel-probe.ts';
import { LAPTOP, tile, type Viewer, ViewerWorld } from './support.ts';
import { laneY, pause, playheadTime, scaleOf, seekTo, show, still, xOfNow } from './timeline-hand.ts';

const FPS = 25;
const RECORDED_MS = 24_000;

describe('the past', () => {
  let world: ViewerWorld;
  let viewer: Viewer;
  let from = 0;
  /** From here on both cameras are recorded without a gap. */
  let whole = 0;
  const folder = mkdtempSync(join(tmpdir(), 'nvr-export-'));

  before(async () => {
    world = await ViewerWorld.start({ cameras: 2, segment: '4s' });
    await world.recording();
    viewer = await world.paired({ size: LAPTOP, timeZone: 'Asia/Kathmandu' });
    await viewer.playing(tile('cam1'));
    from = Date.now();
    // A gap of the second camera in the middle of what is recorded.
    await until('some seconds are recorded', () => Date.now() - from > 6_000);
    for (const mount of ['/cam2/main', '/cam2/sub']) {
      await world.camera.faults.set({ name: 'refuse' }, mount);
      await world.camera.faults.set({ name: 'drop', afterMs: 0 }, mount);
    }
    await until('the gap is long enough', () => Date.now() - from > 10_000);
    await world.camera.faults.clear();
    await world.recording();
    whole = Date.now() + 1_000;
    await until('enough is recorded', () => Date.now() > Math.max(from + RECORDED_MS, whole + 9_000), 60_000);
    await show(viewer, '1 minute');
  });
  afterEach(() => viewer?.page.keyboard.press('Escape'));
  after(async () => {
    await world?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test('a drag along the timeline shows pictures at once and settles on the exact one', async () => {
    const { page } = viewer;
    const y = await laneY(viewer);
    const live = await xOfNow(viewer);
    const pixelsPerMs = await scaleOf(viewer);
    const start = live - 3_000 * pixelsPerMs;
    await page.mouse.move(start, y);
    await page.mouse.down();
    const first = Date.now();
    await page.mouse.move(start - 2_000 * pixelsPerMs, y, { steps: 4 });
    await until('a picture of the past is shown', async () => {
      const shown = await shownNow(page, tile('cam1'));
      return shown !== null && shown.shownAt - shown.madeAt > 3_000;
    });
    const ms = Date.now() - first;
    await page.mouse.move(start - 10_000 * pixelsPerMs, y, { steps: 12 });
    await page.mouse.up();
    await pause(viewer);
    const at = await playheadTime(viewer);
    assert.ok(Date.now() - at > 9_000 && at > from, `the playhead stands at ${at - from} ms`);
    const shown = await still(viewer, 'cam1');
    assert.ok(Math.abs(shown.madeAt - at) <= 150, `${shown.madeAt - at} ms from the playhead`);
    assert.ok(ms < 1_500, `the first picture took ${ms} ms`);
    assert.ok(await page.getByText('recorded').first().isVisible());
    await viewer.screenshot('past');
  });

  test('pictures are stepped through one by one, both ways', async () => {
    const { page } = viewer;
    await page.locator('.wall-tile[data-camera$="/cam1"]').focus();
    let { frame } = await still(viewer, 'cam1');
    for (const [key, by] of [...Array(5).fill(['ArrowRight', 1]), ...Array(7).fill(['ArrowLeft', -1])] as [
      string,
      number,
    ][]) {
      await page.keyboard.press(key);
      await until(`the picture ${frame + by} is shown`, async () => {
        const shown = await shownNow(page, tile('cam1'));
        return shown?.frame === frame + by;
      });
      frame += by;
    }
    const at = await playheadTime(viewer);
    const { madeAt } = await still(viewer, 'cam1');
    assert.ok(Math.abs(madeAt - at) <= 150, 'the playhead goes along');
  });

  test('cameras stay in step', async () => {
    await seekTo(viewer, whole + 3_000);
    // Each encoder counts its own pictures: only those of one stream can be compared. The camera that came back may have been shown large.
    await until('both stand at one time, in the small stream', async () => {
      const [one, two] = [await still(viewer, 'cam1'), await still(viewer, 'cam2')];
      if (one.width !== 480 || two.width !== 480) return false;
      return Math.abs(one.frame - two.frame) <= 1;
    });
    await viewer.page.keyboard.press('Space');
    await watchPictures(viewer.page, tile('cam1'));
    await watchPictures(viewer.page, tile('cam2'));
    await viewer.page.waitForTimeout(2_500);
    const [first, second] = [
      (await takePictures(viewer.page, tile('cam1'))).pictures,
      (await takePictures(viewer.page, tile('cam2'))).pictures,
    ];
    const late = first.filter(({ shownAt }) => shownAt > first[0]!.shownAt + 1_000);
    const apart = late.map((each) => {
      const beside = second.reduce((best, other) =>
        Math.abs(other.shownAt - each.shownAt) < Math.abs(best.shownAt - each.shownAt) ? other : best,
      );
      return Math.abs(beside.frame - each.frame);
    });
    assert.ok(late.length >= 20, `${late.length} pictures`);
    const median = apart.toSorted((a, b) => a - b)[Math.floor(apart.length / 2)]!;
    assert.ok(median <= 2, `${median} pictures apart`);
  });

  test('a gap says its cause on the tile and on the timeline, and can be jumped to', async () => {
    const { page } = viewer;
    await page.locator('.wall-tile[data-camera$="/cam2"]').focus();
    await seekTo(viewer, from + 1_500);
    await page.keyboard.press('g');
    await until('the playhead stands at the gap', async () => {
      const at = await playheadTime(viewer);
      return at > from + 4_000 && at < whole;
    });
    const dark = page.locator('.wall-tile[data-camera$="/cam2"]');
    let told = '';
    await until('the tile tells something', async () => {
      told =
        (await dark
          .locator('.wall-message')
          .textContent()
          .catch(() => '')) ?? '';
      return told !== '' && !/fetching|loading/i.test(told);
    });
    assert.match(told, /hung up|unreachable/i);
    const slider = page.getByRole('slider', { name: /timeline/i });
    await until('readers are told of the gap', async () =>
      /Camera 2 gap/i.test((await slider.getAttribute('aria-valuetext'))!),
    );
    await viewer.screenshot('gap');
    assert.deepEqual(await viewer.axe(), []);
  });

  test('an export holds what was asked for, picture by picture', async () => {
    const { page } = viewer;
    await page.keyboard.press('l');
    await viewer.playing(tile('cam1'));
    const [start, end] = [whole + 2_000, whole + 7_000].map((each) => Math.floor(each / 1_000) * 1_000) as [
      number,
      number,
    ];
    await page.keyboard.press('e');
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('textbox', { name: 'From', exact: true }).fill(localText(start));
    await dialog.getByRole('textbox', { name: 'To', exact: true }).fill(localText(end));
    assert.deepEqual(await viewer.axe(), []);
    await viewer.screenshot('export');
    const downloads: Download[] = [];
    page.on('download', (download) => void downloads.push(download));
    await dialog.getByRole('button', { name: 'Export', exact: true }).click();
    await dialog.getByRole('heading', { name: 'Export finished' }).waitFor({ timeout: 20_000 });
    await viewer.screenshot('exported');
    assert.deepEqual(await viewer.axe(), []);
    await until('both files are there', () => downloads.length === 2);
    for (const [index, download] of downloads.entries()) {
      const stamp = localText(start).replace('T', '_').replaceAll(':', '-');
      assert.match(download.suggestedFilename(), new RegExp(`_Camera-${index + 1}_${stamp}\\.mp4$`));
      const path = join(folder, `${index}.mp4`);
      await download.saveAs(path);
      assert.equal(await download.failure(), null);
      checkMovie(path, start, end);
    }
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
  });

  test('an export across a gap tells what is missing', async () => {
    const { page } = viewer;
    await page.keyboard.press('e');
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('textbox', { name: 'From', exact: true }).fill(localText(from + 3_000));
    await dialog.getByRole('textbox', { name: 'To', exact: true }).fill(localText(whole + 2_000));
    await dialog.getByRole('checkbox', { name: /Camera 1/ }).uncheck();
    await dialog.getByRole('button', { name: 'Export', exact: true }).click();
    await dialog.getByRole('heading', { name: 'Export finished' }).waitFor({ timeout: 20_000 });
    await dialog
      .getByText(/left out: .*(hung up|unreachable)/i)
      .first()
      .waitFor();
    await page.keyboard.press('Escape');
  });

  test('one press goes back to live', async () => {
    await seekTo(viewer, from + 5_000);
    await viewer.page.keyboard.press('l');
    await viewer.playing(tile('cam1'));
  });

  test('the calendar knows the day, and axe finds nothing in it', async () => {
    const { page } = viewer;
    await page.getByRole('button', { name: 'Calendar' }).click();
    await page
      .getByRole('dialog')
      .getByText(/recorded/i)
      .first()
      .waitFor({ state: 'attached' });
    assert.deepEqual(await viewer.axe(), []);
    await viewer.screenshot('calendar');
    await page.keyboard.press('Escape');
  });

  test('nothing was complained about', () => viewer.assertQuiet());
});

/** As an input for local time has it, in the zone of the browser of this test. */
function localText(at: number): string {
  return new Date(at + 345 * 60_000).toISOString().slice(0, 19);
}

/** Plays without a word of ffprobe and ffmpeg, begins and ends where it should, and no picture is missing or twice. */
function checkMovie(path: string, start: number, end: number): void {
  const probe = spawnSync('ffprobe', [
    '-v',
    'error',
    '-show_entries',
    'stream=codec_name,width,height',
    '-of',
    'csv=p=0',
    path,
  ]);
  assert.equal(String(probe.stderr), '');
  assert.match(String(probe.stdout), /^h264,1280,720/);
  const cells = stripCells(1280, 720);
  const top = 720 - 48;
  const raw = execFileSync(
    'ffmpeg',
    [
      '-v',
      'error',
      '-i',
      path,
      '-vf',
      `crop=1280:48:0:${top}`,
      '-fps_mode',
      'passthrough',
      '-f',
      'rawvideo',
      '-pix_fmt',
      'gray',
      'pipe:1',
    ],
    { maxBuffer: 1 << 28 },
  );
  const size = 1280 * 48;
  const codes = Array.from({ length: raw.length / size }, (_, at) => {
    const code = readStrip(cells.map(({ x, y }) => raw[at * size + (y - top) * 1280 + x]!));
    assert.ok(code, `picture ${at} can be read`);
    return { frame: code.frame, madeAt: stripTime(code.timeMs, start) };
  });
  const [first, last] = [codes[0]!, codes.at(-1)!];
  // It begins with the key picture before, at most a group of pictures early, and ends with the fragment that holds the end. The node knows
  // when a picture came, which is later than when it was made.
  assert.ok(first.madeAt <= start + 100 && first.madeAt > start - 1_700, `begins ${first.madeAt - start} ms after`);
  assert.ok(last.madeAt >= end - 700 && last.madeAt < end + 1_300, `ends ${last.madeAt - end} ms after`);
  const numbers = codes.map(({ frame }) => frame);
  assert.deepEqual(
    numbers,
    numbers.map((_, at) => first.frame + at),
    'no picture is missing or twice',
  );
  assert.ok(codes.length >= ((end - start) / 1000) * FPS, `${codes.length} pictures`);
}
