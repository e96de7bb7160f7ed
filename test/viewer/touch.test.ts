import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { CDPSession } from 'playwright-core';
import { until } from '../support/wait.ts';
import { PHONE, tile, type Viewer, ViewerWorld } from './support.ts';
import { playheadTime, reach } from './timeline-hand.ts';

interface Point {
  x: number;
  y: number;
}

describe('fingers on a phone', { skip: process.env['SLOW'] ? false : 'SLOW=1' }, () => {
  let world: ViewerWorld;
  let viewer: Viewer;
  let fingers: Fingers;

  before(async () => {
    world = await ViewerWorld.start({
      cameras: 2,
      camera: { main: { width: 640, height: 360, fps: 10, gop: 10, bitrate: 400_000 }, sub: null },
    });
    await world.recording();
    viewer = await world.paired({ size: PHONE, locale: 'es-ES', theme: 'light', touch: true });
    await viewer.playing(tile('cam1'));
    fingers = new Fingers(await viewer.context.newCDPSession(viewer.page));
    await until('ten minutes are shown', async () => {
      const { from, to } = await reach(viewer);
      return Math.abs(to - from - 600_000) < 30_000;
    });
  });
  after(() => world?.stop());

  test('nothing of the bar is cut off in the longer language', async () => {
    await viewer.page.getByText('En vivo ahora').waitFor();
    const cut = await viewer.page.evaluate(() =>
      [...document.querySelectorAll<HTMLElement>('.time-bar :is(time, span, button)')]
        .filter((each) => each.checkVisibility() && !each.matches('.spoken') && each.textContent !== '')
        .filter((each) => {
          const box = each.getBoundingClientRect();
          return each.scrollWidth > each.clientWidth + 1 && getComputedStyle(each).display !== 'inline'
            ? true
            : box.right > innerWidth || box.left < 0;
        })
        .map((each) => `${each.className}: ${each.textContent}`),
    );
    assert.deepEqual(cut, []);
    await viewer.screenshot('phone-es-live');
    assert.deepEqual(await viewer.axe(), []);
  });

  test('two fingers on the timeline zoom about the point between them', async () => {
    const box = (await viewer.page.locator('.time-field').boundingBox())!;
    const [x, y] = [box.x + box.width * 0.6, box.y + box.height - 14];
    const timeAt = ({ from, to, left, width }: Awaited<ReturnType<typeof reach>>) =>
      from + ((x - left) / width) * (to - from);
    const before = await reach(viewer);
    await fingers.pinch({ x, y }, 30, 90);
    let after = before;
    await until('a third of the time is shown', async () => {
      after = await reach(viewer);
      return Math.abs((before.to - before.from) / (after.to - after.from) - 3) < 0.3;
    });
    assert.ok(Math.abs(timeAt(after) - timeAt(before)) < 6_000, `${timeAt(after) - timeAt(before)} ms off`);
    await fingers.pinch({ x, y }, 90, 45);
    await until('more time is shown', async () => {
      const { from, to } = await reach(viewer);
      return Math.abs((to - from) / (after.to - after.from) - 2) < 0.2;
    });
    // The cursor is where it was: nobody asked for the past.
    assert.equal(await viewer.page.getByText('En vivo ahora').count(), 1);
  });

  test('one finger on the scale moves time, on the lanes the cursor', async () => {
    const { page } = viewer;
    const box = (await page.locator('.time-field').boundingBox())!;
    const before = await reach(viewer);
    const y = box.y + 8;
    await fingers.stroke({ x: box.x + 60, y }, { x: box.x + 160, y });
    await until('earlier time is shown', async () => {
      const { from } = await reach(viewer);
      return before.from - from > ((before.to - before.from) / box.width) * 70;
    });
    // Nearer, and back at the present: the last seconds are under a finger.
    const lanes = box.y + box.height - 14;
    for (let i = 0; i < 2; i++) await fingers.pinch({ x: box.x + box.width / 2, y: lanes }, 30, 100);
    await page.getByRole('button', { name: /^En vivo$/ }).tap();
    await until('the present is seen', async () => (await reach(viewer)).to > Date.now());
    await viewer.playing(tile('cam1'));
    await until('the cursor follows to some seconds ago', async () => {
      const { from, to, width } = await reach(viewer);
      // A few pixels are still the present, however many seconds that is.
      const back = Math.max(6_000, (10 / width) * (to - from));
      await fingers.tap({ x: box.x + ((Date.now() - back - from) / (to - from)) * width, y: lanes });
      return Date.now() - (await playheadTime(viewer)) > 3_500;
    });
    await page.getByText('grabado', { exact: true }).first().waitFor();
    await until('a picture of the past', async () => ((await viewer.age(tile('cam1'))) ?? 0) > 3_000);
    await viewer.screenshot('phone-es-past');
    assert.deepEqual(await viewer.axe(), []);
    await page.getByRole('button', { name: /^En vivo$/ }).tap();
    await viewer.playing(tile('cam1'));
  });

  test('two fingers on a picture enlarge it, and a double tap shows all of it again', async () => {
    const { page } = viewer;
    const first = page.locator('.wall-tile').first();
    const camera = await first.getAttribute('data-camera');
    const box = (await first.boundingBox())!;
    const middle = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
    await fingers.pinch(middle, 40, 120);
    await first.and(page.locator('[data-zoomed]')).waitFor();
    const scale = async () =>
      Number(/scale\(([\d.]+)\)/.exec((await first.locator('.wall-glass').getAttribute('style')) ?? '')?.[1] ?? 1);
    assert.ok(Math.abs((await scale()) - 3) < 0.4, `${await scale()} times as large`);
    // A finger of a pinch goes far and quickly: that is no stroke to the next camera.
    assert.equal(await first.getAttribute('data-camera'), camera);
    const { width } = page.viewportSize()!;
    assert.equal(await page.evaluate(() => visualViewport!.scale), 1, 'the page itself is not enlarged');
    assert.ok(width === PHONE.width);
    await viewer.screenshot('phone-es-zoom');
    await fingers.tap(middle);
    await fingers.tap(middle);
    await until('all of it is shown', async () => (await first.getAttribute('data-zoomed')) === null);
    // Once it is whole again a stroke leads to the next camera.
    await fingers.stroke({ x: middle.x + 90, y: middle.y }, { x: middle.x - 90, y: middle.y });
    await until('the next camera', async () => (await first.getAttribute('data-camera')) !== camera);
  });

  test('nothing was complained about', () => viewer.assertQuiet());
});

/** Touches as a screen gives them. */
class Fingers {
  readonly #session: CDPSession;

  constructor(session: CDPSession) {
    this.#session = session;
  }

  async tap(at: Point): Promise<void> {
    await this.#send('touchStart', [at]);
    await this.#send('touchEnd', []);
  }

  async stroke(from: Point, to: Point): Promise<void> {
    await this.#send('touchStart', [from]);
    for (let step = 1; step <= 6; step++) await this.#send('touchMove', [between(from, to, step / 6)]);
    await this.#send('touchEnd', []);
  }

  /** Two fingers beside a point, from so far off it to so far. */
  async pinch(middle: Point, from: number, to: number): Promise<void> {
    const at = (off: number) => [
      { x: middle.x - off, y: middle.y },
      { x: middle.x + off, y: middle.y },
    ];
    await this.#send('touchStart', at(from).slice(0, 1));
    await this.#send('touchStart', at(from));
    for (let step = 1; step <= 6; step++) await this.#send('touchMove', at(from + ((to - from) * step) / 6));
    await this.#send('touchEnd', at(to).slice(1));
    await this.#send('touchEnd', []);
  }

  #send(type: 'touchStart' | 'touchMove' | 'touchEnd', points: readonly Point[]): Promise<unknown> {
    // The finger that is left keeps its number.
    const first = type === 'touchEnd' ? 1 : 0;
    const touchPoints = points.map(({ x, y }, index) => ({ x: Math.round(x), y: Math.round(y), id: index + first }));
    return this.#session.send('Input.dispatchTouchEvent', { type, touchPoints });
  }
}

function between(from: Point, to: Point, share: number): Point {
  return { x: from.x + (to.x - from.x) * share, y: from.y + (to.y - from.y) * share };
}
