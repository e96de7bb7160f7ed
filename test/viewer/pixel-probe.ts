import type { Page } from 'playwright-core';
import { readStrip, type StripCode, stripTime } from '../../src/virtual-camera/index.ts';

/** One picture as it was shown: its own number and time, read from pixels, and when it was on the screen. */
export interface ShownPicture extends StripCode {
  /** Wall time at which the camera made it, ms since 1970. */
  madeAt: number;
  /** Wall time at which the browser put it on the screen, ms since 1970. */
  shownAt: number;
  /** `currentTime` of its video, s. */
  mediaTime: number;
  /** Pictures its video had put on the screen by then, itself included; 0 where it was only looked at. */
  presented: number;
  /** Pixels across the picture as it was coded. */
  width: number;
}

interface Sample {
  cells: number[];
  shownAt: number;
  mediaTime: number;
  presented: number;
  width: number;
}

/**
 * What runs in the page. The strip is drawn onto a small canvas without smoothing, four pixels a cell, so that the middle of each cell is
 * read; where it is, follows from the picture's size.
 */
export const PIXEL_PROBE = `
{
  const canvas = document.createElement('canvas');
  canvas.width = 96; canvas.height = 8;
  const context = canvas.getContext('2d', { willReadFrequently: true });
  context.imageSmoothingEnabled = false;
  const cellsOf = (video) => {
    const { videoWidth: width, videoHeight: height } = video;
    if (width === 0 || video.readyState < 2) return null;
    const tall = 2 * Math.max(4, 2 * Math.round(height / 120));
    context.drawImage(video, 0, height - tall, width, tall, 0, 0, 96, 8);
    const { data } = context.getImageData(0, 0, 96, 8);
    const cells = [];
    for (let row = 0; row < 2; row++)
      for (let column = 0; column < 24; column++) {
        const at = ((4 * row + 2) * 96 + 4 * column + 2) * 4;
        cells.push(Math.round(0.299 * data[at] + 0.587 * data[at + 1] + 0.114 * data[at + 2]));
      }
    return cells;
  };
  const seenBy = (css) => {
    // While a tile changes over there are two videos: the one that is seen counts.
    const found = [...document.querySelectorAll(css)];
    const seen = found.filter((each) => each.videoWidth > 0 && each.checkVisibility({ visibilityProperty: true }));
    return seen.at(-1) ?? found.at(-1) ?? null;
  };
  const watches = new Map();
  const follow = (watch, css) => {
    const video = seenBy(css);
    if (!video || video === watch.video) return;
    watch.video = video;
    let last = 0;
    const look = (now, { expectedDisplayTime, mediaTime, presentedFrames: presented }) => {
      const shownAt = Date.now() + Math.max(0, expectedDisplayTime - performance.now());
      last = presented;
      const note = () => {
        if (watches.get(css) !== watch || watch.video !== video || presented !== last) return;
        const cells = cellsOf(video);
        if (cells) watch.samples.push({ cells, shownAt, mediaTime, presented, width: video.videoWidth });
        // A picture that was searched for may be shown before the video calls itself ready, and until then it cannot be read.
        else requestAnimationFrame(note);
      };
      note();
      if (watches.get(css) === watch && watch.video === video) video.requestVideoFrameCallback(look);
    };
    video.requestVideoFrameCallback(look);
  };
  window.pixelProbe = {
    read: (css) => {
      const video = seenBy(css);
      const cells = video && cellsOf(video);
      if (!cells) return null;
      return { cells, shownAt: Date.now(), mediaTime: video.currentTime, presented: 0, width: video.videoWidth };
    },
    watch: (css) => {
      const watch = { samples: [], video: null, timer: setInterval(() => follow(watch, css), 100) };
      clearInterval(watches.get(css)?.timer);
      watches.set(css, watch);
      follow(watch, css);
    },
    take: (css) => watches.get(css)?.samples.splice(0) ?? [],
    unwatch: (css) => {
      clearInterval(watches.get(css)?.timer);
      watches.delete(css);
    },
  };
}`;

/** What a video shows now; null where it shows no picture of a virtual camera. */
export async function shownNow(page: Page, selector: string): Promise<ShownPicture | null> {
  const sample = await inPage<Sample | null>(page, selector, 'read');
  return sample && pictureOf(sample);
}

/** What several videos show at one moment, in the order of the selectors. */
export async function shownTogether(page: Page, selectors: readonly string[]): Promise<(ShownPicture | null)[]> {
  const samples = await page.evaluate((all) => {
    const { pixelProbe } = globalThis as unknown as { pixelProbe: { read(css: string): unknown } };
    return all.map((css) => pixelProbe.read(css)) as (Sample | null)[];
  }, selectors);
  return samples.map((sample) => sample && pictureOf(sample));
}

/** Notes every picture that is shown there from now on, whichever video shows it, until `unwatchPictures`. */
export async function watchPictures(page: Page, selector: string): Promise<void> {
  await inPage(page, selector, 'watch');
}

export async function unwatchPictures(page: Page, selector: string): Promise<void> {
  await inPage(page, selector, 'unwatch');
}

/** The pictures noted since the last call, in order; those without a readable strip are left out and counted. */
export async function takePictures(
  page: Page,
  selector: string,
): Promise<{ pictures: ShownPicture[]; unreadable: number }> {
  const samples = await inPage<Sample[]>(page, selector, 'take');
  const pictures = samples.map(pictureOf).filter((each) => each !== null);
  return { pictures, unreadable: samples.length - pictures.length };
}

function pictureOf({ cells, ...seen }: Sample): ShownPicture | null {
  const code = readStrip(cells);
  return code && { ...code, madeAt: stripTime(code.timeMs, seen.shownAt), ...seen };
}

/** Runs one of the probe's functions on the video that the selector finds. */
function inPage<T>(page: Page, selector: string, name: string): Promise<T> {
  return page.evaluate(
    ([css, verb]) => {
      const { pixelProbe } = globalThis as unknown as { pixelProbe: Record<string, (css: string) => unknown> };
      return pixelProbe[verb]!(css) as never;
    },
    [selector, name] as const,
  );
}
