import { until } from '../support/wait.ts';
import { type ShownPicture, shownNow, takePictures, unwatchPictures, watchPictures } from './pixel-probe.ts';
import { tile, type Viewer } from './support.ts';

/** What the timeline shows, and where it lies on the page. */
export interface Reach {
  from: number;
  to: number;
  left: number;
  width: number;
}

/** From the slider that tells it to readers (whole seconds). */
export async function reach(viewer: Viewer): Promise<Reach> {
  const slider = viewer.page.locator('.time-field').getByRole('slider');
  const [from, to] = await Promise.all(
    ['aria-valuemin', 'aria-valuemax'].map(async (name) => Number(await slider.getAttribute(name)) * 1000),
  );
  const box = (await viewer.page.locator('.time-field').boundingBox())!;
  return { from: from!, to: to!, left: box.x, width: box.width };
}

/** Pixels of a millisecond. */
export async function scaleOf(viewer: Viewer): Promise<number> {
  const { from, to, width } = await reach(viewer);
  return width / (to - from);
}

export async function xOfNow(viewer: Viewer): Promise<number> {
  const { from, to, left, width } = await reach(viewer);
  return left + ((Date.now() - from) * width) / (to - from);
}

/** A height at which the timeline takes hold of the cursor. */
export async function laneY(viewer: Viewer): Promise<number> {
  const box = (await viewer.page.locator('.time-field').boundingBox())!;
  return box.y + box.height - 12;
}

/** Chooses how much time the timeline shows. */
export async function show(viewer: Viewer, span: '1 minute' | '10 minutes'): Promise<void> {
  const { page } = viewer;
  await page.getByRole('button', { name: 'Length of time shown' }).click();
  await page.getByRole('menuitem', { name: span, exact: true }).click();
  const lengthMs = span === '1 minute' ? 60_000 : 600_000;
  await until('the timeline shows that much', async () => {
    const { from, to } = await reach(viewer);
    return Math.abs(to - from - lengthMs) < lengthMs / 4;
  });
}

/** The picture on a tile once it does not change any more. */
export async function still(viewer: Viewer, camera: string): Promise<ShownPicture> {
  let before: ShownPicture | null = null;
  let same = 0;
  await until(`the picture of ${camera} stands`, async () => {
    const now = await shownNow(viewer.page, tile(camera));
    same = now && now.frame === before?.frame ? same + 1 : 0;
    before = now;
    return same >= 8;
  });
  return before!;
}

/** The moment the clock of the page shows. */
export async function playheadTime(viewer: Viewer): Promise<number> {
  return Date.parse((await viewer.page.locator('time.time-now').getAttribute('datetime'))!);
}

export async function play(viewer: Viewer): Promise<void> {
  await viewer.page.getByRole('button', { name: 'Play', exact: true }).click();
}

export async function pause(viewer: Viewer): Promise<void> {
  const button = viewer.page.getByRole('button', { name: 'Pause', exact: true });
  if ((await button.count()) > 0) await button.click();
  await viewer.page.getByRole('button', { name: 'Play', exact: true }).waitFor();
}

/** Stands still at a moment, by a press on the timeline. */
export async function seekTo(viewer: Viewer, at: number): Promise<void> {
  const { page } = viewer;
  await page.keyboard.press('l');
  await show(viewer, Date.now() - at < 45_000 ? '1 minute' : '10 minutes');
  const x = (await xOfNow(viewer)) - (Date.now() - at) * (await scaleOf(viewer));
  await page.mouse.click(x, await laneY(viewer));
  await pause(viewer);
  await until('the playhead went there', async () => Math.abs((await playheadTime(viewer)) - at) < 2_500);
  await still(viewer, 'cam1');
}

export async function chooseSpeed(viewer: Viewer, speed: number): Promise<void> {
  const { page } = viewer;
  await page.getByRole('button', { name: /^Speed/ }).click();
  await page.getByRole('menuitemradio', { name: new RegExp(`^${String(speed).replace('.', '\\.')}×`) }).click();
}

/**
 * Drags the cursor from one time to the next and gives for each how long it took from the pointer's move to the first picture of that time on
 * the screen, ms. `gopMs`: as far as the keyframe before may lie.
 */
export async function scrubTimes(
  viewer: Viewer,
  camera: string,
  times: readonly number[],
  gopMs: number,
): Promise<number[]> {
  const { page } = viewer;
  const y = await laneY(viewer);
  const scale = await scaleOf(viewer);
  await page.evaluate(() => {
    const noted = globalThis as unknown as { movedAt: number };
    noted.movedAt = 0;
    const note = (event: PointerEvent) => {
      noted.movedAt = performance.timeOrigin + event.timeStamp;
    };
    document.addEventListener('pointermove', note, { capture: true });
  });
  const now = await xOfNow(viewer);
  await page.mouse.move(now - 10, y);
  await page.mouse.down();
  await page.mouse.move(now - (Date.now() - times[0]!) * scale, y);
  await until('the past is under way', async () => ((await viewer.age(tile(camera))) ?? 0) > 3_000);
  await watchPictures(page, tile(camera));
  const took: number[] = [];
  for (const at of times.slice(1)) {
    const before = await playheadTime(viewer);
    await takePictures(page, tile(camera));
    // Under a held cursor the timeline stands: places keep their times.
    await page.mouse.move(now - (Date.now() - at) * scale, y);
    // The picture may be on the screen before the time is told, and is drawn once.
    const drawn: ShownPicture[] = [];
    await until(`a picture of ${Date.now() - at} ms ago`, async () => {
      const cursor = await playheadTime(viewer);
      drawn.push(...(await takePictures(page, tile(camera))).pictures);
      if (cursor === before) return false;
      const found = drawn.find(({ madeAt }) => madeAt > cursor - gopMs - 300 && madeAt < cursor + 150);
      const movedAt = await page.evaluate(() => (globalThis as unknown as { movedAt: number }).movedAt);
      if (found) took.push(found.shownAt - movedAt);
      return found !== undefined;
    });
  }
  await page.mouse.up();
  await unwatchPictures(page, tile(camera));
  return took;
}
