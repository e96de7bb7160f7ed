/** A picture on the glass. */
export interface DrawnPicture {
  /** Where it lies on the video element's line, seconds. */
  mediaTime: number;
  /** When it is seen; `performance.now()`, ms. */
  presentedAt: number;
}

const LATELY_MS = 2_000;

/** Which picture of a video element is seen, and how many come in a second: told by the browser for each picture, not asked. */
export class PictureClock {
  readonly #video: HTMLVideoElement;
  readonly #onDrawn: (mediaTime: number) => void;
  #last: DrawnPicture | null = null;
  /** `[when, pictures so far]` of the last two seconds. */
  #counts: [number, number][] = [];
  #handle: number | null = null;

  constructor(video: HTMLVideoElement, onDrawn: (mediaTime: number) => void) {
    this.#video = video;
    this.#onDrawn = onDrawn;
  }

  get last(): DrawnPicture | null {
    return this.#last;
  }

  /** Lately; 0 where the picture stands. */
  get framesPerSecond(): number {
    const counts = this.#counts.filter(([at]) => at > performance.now() - LATELY_MS);
    const first = counts[0];
    const last = counts.at(-1);
    if (!first || !last || last[0] - first[0] < 100) return 0;
    return ((last[1] - first[1]) * 1000) / (last[0] - first[0]);
  }

  start(): void {
    if (this.#handle !== null) return;
    this.#last = null;
    this.#counts = [];
    this.#ask();
  }

  stop(): void {
    if (this.#handle !== null) this.#video.cancelVideoFrameCallback(this.#handle);
    this.#handle = null;
  }

  #ask(): void {
    this.#handle = this.#video.requestVideoFrameCallback((_, { mediaTime, expectedDisplayTime, presentedFrames }) => {
      this.#last = { mediaTime, presentedAt: expectedDisplayTime };
      this.#counts.push([expectedDisplayTime, presentedFrames]);
      if (this.#counts.length > 240) this.#counts = this.#counts.slice(120);
      this.#onDrawn(mediaTime);
      if (this.#handle !== null) this.#ask();
    });
  }
}
