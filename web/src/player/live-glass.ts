import type { FragmentPiece, InitPiece } from '../engine/messages.ts';
import { DelayKeeper } from './delay.ts';
import { isPlayable, MediaBuffer, placeBeyond } from './media-buffer.ts';
import { MediaLine } from './media-line.ts';
import { PictureClock } from './picture-clock.ts';
import type { ShownPicture } from './tile-player.ts';

export interface LiveGlassListener {
  /** The first picture since `begin` is seen. */
  first(): void;
  /** The picture stood because nothing lay ready. */
  stalled(): void;
  /** It was moved to the newest pictures. */
  jumped(): void;
  /** The browser's decoder gave up; so many pieces were not shown. What comes next begins anew. */
  fault(reason: string, dropped: number): void;
}

/** Kept behind the picture, seconds. */
const BEHIND_S = 20;
const TRIM_EVERY_MS = 4_000;
/** After the first picture of a start standing still is no stall. */
const SETTLING_MS = 1_500;
/** With so much ready a picture has no reason to stand; s. */
const READY_S = 1;

/** Live pieces on a video element: laid one behind the other, kept as near to now as the network lets it. */
export class LiveGlass {
  readonly #video: HTMLVideoElement;
  readonly #listener: LiveGlassListener;
  readonly #keeper = new DelayKeeper();
  readonly #pictures: PictureClock;
  #line = new MediaLine();
  #buffer: MediaBuffer | null = null;
  #running = false;
  /** Where the first fragment of this start lies, until the video stands there. */
  #enterAt: number | null = null;
  /** Pictures of this start begin here: what was shown before is not its first. */
  #from = Infinity;
  #seenAt: number | null = null;
  #trimmedAt = 0;
  #stands: { at: number; since: number } | null = null;

  constructor(video: HTMLVideoElement, listener: LiveGlassListener) {
    this.#video = video;
    this.#listener = listener;
    this.#pictures = new PictureClock(video, (mediaTime) => this.#drawn(mediaTime));
    video.addEventListener('waiting', this.#onWaiting);
    video.addEventListener('error', this.#onError);
  }

  start(): void {
    this.#running = true;
    this.#pictures.start();
  }

  /** The picture stays; what led to it need not. */
  stop(): void {
    this.#running = false;
    this.#pictures.stop();
    this.#video.pause();
    this.#buffer?.trim(this.#video.currentTime - 1);
    this.#line.forget(this.#video.currentTime - 1);
  }

  /** What comes next is a feed's first: it is shown from its beginning on. */
  begin(): void {
    this.interrupted();
    this.#enterAt = null;
    this.#from = Infinity;
    this.#seenAt = null;
    this.#stands = null;
  }

  /** What comes next does not follow on what was there. */
  interrupted(): void {
    this.#keeper.restart();
    this.#line.begin();
  }

  /** Another camera: nothing of this one stays. */
  clear(): void {
    this.#buffer?.close();
    this.#buffer = null;
    this.#line = new MediaLine();
  }

  close(): void {
    this.stop();
    this.clear();
    this.#video.removeEventListener('waiting', this.#onWaiting);
    this.#video.removeEventListener('error', this.#onError);
  }

  /** False where this browser has no decoder for it. */
  init({ bytes, codecs }: InitPiece): boolean {
    if (!isPlayable(codecs)) return false;
    this.interrupted();
    if (this.#buffer?.init(bytes, codecs)) return true;
    this.clear();
    this.#enterAt = null;
    this.#from = Infinity;
    const buffer: MediaBuffer = new MediaBuffer(this.#video, codecs, {
      fed: () => buffer === this.#buffer && this.#fed(),
      fault: (reason) => buffer === this.#buffer && this.#fault(reason),
    });
    this.#buffer = buffer;
    return buffer.init(bytes, codecs);
  }

  /** False where there is nothing to put it into. */
  fragment(piece: FragmentPiece): boolean {
    if (!this.#buffer) return false;
    const { fragment, offset } = this.#line.place(piece);
    if (this.#from === Infinity) this.#from = this.#enterAt = fragment.start;
    this.#keeper.arrived({ at: performance.now() / 1000, start: fragment.start, end: fragment.end });
    this.#buffer.append(piece.bytes, offset);
    return true;
  }

  /** A picture of this start has been seen. */
  get seen(): boolean {
    return this.#seenAt !== null;
  }

  get framesPerSecond(): number {
    return this.#pictures.framesPerSecond;
  }

  get aheadMs(): number {
    return Math.max(0, ((this.#buffer?.end ?? 0) - this.#video.currentTime) * 1000);
  }

  /** How long the picture has stood without a reason, ms. */
  get stuckMs(): number {
    return this.#stands ? performance.now() - this.#stands.since : 0;
  }

  shown(): ShownPicture | null {
    const { last } = this.#pictures;
    const wallUs = last && this.seen ? this.#line.wallUs(last.mediaTime) : null;
    return wallUs === null ? null : { wallUs, presentedAt: last!.presentedAt };
  }

  /** Holds the delay; asked a few times a second. */
  steer(): void {
    const video = this.#video;
    const now = performance.now();
    const buffer = this.#buffer;
    const end = buffer?.end ?? null;
    if (!buffer || end === null || this.#enterAt !== null) return;
    this.#leap(buffer.ranges);
    this.#watch(end);
    if (video.seeking) return;
    if (video.paused) void video.play().catch(() => {});
    const { rate, seek } = this.#keeper.steer({
      at: now / 1000,
      position: video.currentTime,
      end,
      keyframe: (from, to) => this.#line.keyframe(from, to),
    });
    if (seek !== null) {
      this.#listener.jumped();
      video.currentTime = seek;
    }
    if (Math.abs(video.playbackRate - rate) > 0.001) video.playbackRate = rate;
    if (now - this.#trimmedAt > TRIM_EVERY_MS) {
      this.#trimmedAt = now;
      buffer.trim(video.currentTime - BEHIND_S);
      this.#line.forget(video.currentTime - BEHIND_S - 5);
    }
  }

  /** More lies ready. */
  #fed(): void {
    const video = this.#video;
    if (!this.#running) return;
    const ranges = this.#buffer!.ranges;
    if (this.#enterAt !== null) {
      // Its first picture may lie a little after the fragment's own start, where pictures are not sent in their order.
      const range = ranges.find(([from, to]) => to > this.#enterAt! + 0.001 && from < this.#enterAt! + 1);
      if (!range) return;
      video.currentTime = Math.max(range[0], this.#enterAt) + 0.001;
      this.#enterAt = null;
    } else this.#leap(ranges);
    if (video.paused) void video.play().catch(() => {});
  }

  /** Notes since when the picture stands although much lies ready. Out of sight a browser may let it stand. */
  #watch(end: number): void {
    const { currentTime } = this.#video;
    if (currentTime !== this.#stands?.at || end - currentTime < READY_S || document.hidden)
      this.#stands = { at: currentTime, since: performance.now() };
  }

  /** Over a stretch in which there is nothing; also where a search ended just before it and is never done. */
  #leap(ranges: readonly (readonly [number, number])[]): void {
    const video = this.#video;
    const stands = video.seeking || video.readyState < HTMLMediaElement.HAVE_FUTURE_DATA;
    const beyond = placeBeyond(ranges, video.currentTime, stands);
    if (beyond !== null) video.currentTime = beyond;
  }

  #drawn(mediaTime: number): void {
    if (this.seen || mediaTime < this.#from - 0.05) return;
    this.#seenAt = performance.now();
    this.#listener.first();
  }

  #fault(reason: string): void {
    const dropped = this.#buffer?.waiting ?? 0;
    this.clear();
    this.#listener.fault(reason, dropped);
  }

  readonly #onWaiting = () => {
    // Waiting for a seek, or while a start settles, is no stall.
    if (!this.#running || this.#seenAt === null || this.#video.seeking) return;
    const now = performance.now();
    if (now - this.#seenAt < SETTLING_MS) return;
    this.#keeper.stalled(now / 1000);
    this.#listener.stalled();
  };

  readonly #onError = () => {
    if (this.#video.error && this.#buffer) this.#fault('decode');
  };
}
