import type { Picture, PictureIndex } from './past-index.ts';
import { isAway, type Motion, motionFor } from './past-motion.ts';

/** What lies ready and does not come up is fetched anew after so long. */
const STUCK_MS = 1_800;
/** Faster than this there is no sound. */
const HEARD_SPEED_MAX = 2;

/** What is needed of a `<video>`. */
export type PastVideo = Pick<
  HTMLVideoElement,
  'currentTime' | 'muted' | 'paused' | 'pause' | 'play' | 'playbackRate' | 'readyState' | 'seeking' | 'volume'
>;

/** How the wall's clock goes at this moment. */
export interface Pace {
  atUs: number;
  playing: boolean;
  /** Somebody holds the clock. */
  held: boolean;
  speed: number;
}

/** What came of it: it is in step, the clock must wait for it, or the picture must be fetched again. */
export type Kept = 'ready' | 'late' | 'stuck';

/** Keeps what one `<video>` shows in step with the clock: searches, runs a little faster or slower, stands. */
export class PastPictures {
  readonly #video: PastVideo;
  readonly #index: PictureIndex;
  readonly #clock: () => number;
  #moving = false;
  /** The picture that was searched for last; 0 since it runs. */
  #exactUs = 0;
  /** Since when a picture that lies there has not come up; 0: it has. */
  #stuckAt = 0;
  #keyShown = 0;
  /** The place that was searched for last; null since it runs. */
  #sought: number | null = null;
  stalls = 0;
  jumps = 0;

  constructor(video: PastVideo, index: PictureIndex, clock: () => number = () => performance.now()) {
    this.#video = video;
    this.#index = index;
    this.#clock = clock;
  }

  /** All pictures: `picture` is the one of `atUs`. `onReady` comes before it runs: nobody needs to wait for it any more. */
  keep(picture: Picture, pace: Pace, held: () => boolean, onReady: () => void): Kept {
    const { atUs, playing, speed } = pace;
    const video = this.#video;
    const stands = !playing || pace.held;
    const wanted = stands ? (picture.glass + picture.glassEnd) / 2 : picture.glass + (atUs - picture.startUs) / 1e6;
    const onGlass = this.#index.wallAt(video.currentTime);
    const away = onGlass === null || this.#index.endOfStretch(onGlass) !== this.#index.endOfStretch(atUs);
    const motion: Motion = { current: video.currentTime, wanted, picture, speed, stands, away };
    // A picture that ran and stopped may be the neighbour of what its time says: only a search is exact.
    const inexact = !playing && this.#exactUs !== picture.startUs && !video.seeking;
    if (inexact || isAway(motion)) {
      // One search at a time; where it stood out too long the next one corrects it.
      if (!video.seeking || Math.abs(video.currentTime - wanted) > 1) this.show(picture, wanted);
      return 'late';
    }
    if (!this.#isReady(pace, stands)) return this.#wait(playing);
    this.#stuckAt = 0;
    onReady();
    video.volume = speed > HEARD_SPEED_MAX ? 0 : 1;
    if (!playing || held()) {
      this.rest();
      return 'ready';
    }
    const rate = motionFor(motion, video.muted);
    if (Math.abs(video.playbackRate - rate) > 0.002) video.playbackRate = rate;
    this.#moving = true;
    this.#exactUs = 0;
    this.#sought = null;
    if (video.paused) video.play().catch(() => {});
    return 'ready';
  }

  /** One keyframe after the other: that one, unless it is on the glass already. */
  keepKey(startUs: number): void {
    this.#video.pause();
    if (startUs === this.#keyShown || this.#video.seeking) return;
    const picture = this.#index.pictureAt(startUs);
    if (!picture) return;
    this.#keyShown = startUs;
    this.show(picture);
  }

  /** Searches a picture; `glass`: a time in it, absent: its middle. */
  show(picture: Picture, glass = (picture.glass + picture.glassEnd) / 2): void {
    this.jumps++;
    this.rest();
    this.#exactUs = picture.startUs;
    this.#sought = Math.min(Math.max(glass, picture.glass + 0.001), picture.glassEnd - 0.0005);
    this.#video.currentTime = this.#sought;
  }

  /** A browser forgets what was searched for before any picture lay on the glass: it is searched for again. */
  insist(): void {
    const video = this.#video;
    if (this.#sought === null || video.seeking || video.readyState === 0) return;
    if (Math.abs(video.currentTime - this.#sought) > 0.001) video.currentTime = this.#sought;
  }

  /** Stands still. */
  rest(): void {
    this.#video.pause();
    this.#moving = false;
  }

  /** The present is shown elsewhere in a moment: runs on as it is, at the pace of time. */
  leave(): void {
    if (this.#video.playbackRate !== 1) this.#video.playbackRate = 1;
  }

  /** What lay on the glass is let go of. */
  renew(): void {
    this.#keyShown = 0;
  }

  #isReady({ atUs, playing }: Pace, stands: boolean): boolean {
    const { seeking, readyState } = this.#video;
    const leftS = (this.#index.endOfStretch(atUs) - atUs) / 1e6;
    return !seeking && (readyState >= 3 || (readyState >= 2 && ((stands && !playing) || leftS < 0.4)));
  }

  /** The browser let go of it, or could not use it: after a while it is to be fetched again, from the keyframe before. */
  #wait(playing: boolean): Kept {
    this.#stuckAt ||= this.#clock();
    const stuck = this.#clock() - this.#stuckAt > STUCK_MS;
    if (stuck) this.#stuckAt = 0;
    if (playing && this.#moving && !this.#video.seeking) this.stalls++;
    this.#moving = false;
    return stuck ? 'stuck' : 'late';
  }
}
