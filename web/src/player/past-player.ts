import type { Engine } from '../engine/engine.ts';
import type { EngineError, FragmentPiece, GapPiece, InitPiece } from '../engine/messages.ts';
import { FULL_SPEED_MAX, type Playhead, type PlayheadState } from '../model/playhead.ts';
import { PastFeed } from './past-feed.ts';
import { PastGlass } from './past-glass.ts';
import { middleOf, type Picture, PictureIndex } from './past-index.ts';
import { isAway, type Motion, motionFor } from './past-motion.ts';
import { PastScrub } from './past-scrub.ts';
import type { ShownPicture, TileCamera, TilePlayer, TileState, TileStats } from './tile-player.ts';

/** How often it is looked where the picture is and where it should be. */
const TICK_MS = 50;
/** Kept behind the shown picture, for steps back; µs. */
const BEHIND_US = 15_000_000;
/** Behind what a feed has brought, so far ahead it is waited for; beyond, another one begins; µs. */
const REACH_SLACK_US = 3_000_000;
/** What ended at the newest recording is asked for again after so long. */
const AGAIN_MS = 700;
/** A node that could not answer is asked again after so long. */
const RETRY_MS = 2_500;
/** What lies ready and does not come up is fetched anew after so long. */
const STUCK_MS = 1_800;
/** A step waits so long for pictures. */
const STEP_MS_MAX = 4_000;
/** Faster than this there is no sound. */
const HEARD_SPEED_MAX = 2;

type Past = Extract<PlayheadState, { kind: 'past' }>;

/**
 * Shows one camera where the playhead stands: fetches recordings from the keyframe before on, keeps its picture in step with the clock of the
 * wall, holds that clock while it has nothing yet, tells gaps with their cause. Fast speeds and searching show keyframes only.
 */
export class PastPlayer implements TilePlayer {
  readonly #engine: Engine;
  readonly #playhead: Playhead;
  readonly #me = Symbol('past');
  readonly #index = new PictureIndex();
  readonly #listeners = new Set<(state: TileState) => void>();
  readonly #firstListeners = new Set<() => void>();
  readonly #arrivals = new Set<() => void>();
  #video: HTMLVideoElement | null = null;
  #glass: PastGlass | null = null;
  #scrub: PastScrub | null = null;
  #camera: TileCamera | null = null;
  #feed: PastFeed | null = null;
  #state: TileState = { kind: 'idle' };
  #shown: ShownPicture | null = null;
  #timer: ReturnType<typeof setInterval> | undefined;
  #unsubscribe = () => {};
  #startedAt = 0;
  #lost = false;
  #moving = false;
  #ticking = false;
  #lastInit: ArrayBuffer | null = null;
  /** The picture that was searched for last; 0 since it runs. */
  #exactUs = 0;
  /** `performance.now()` since when a picture that lies there has not come up; 0: it has. */
  #stuckAt = 0;
  #keyShown = 0;
  #counts = {
    codecs: '',
    frames: [] as number[],
    firstPictureMs: null as number | null,
    fragments: 0,
    bytes: 0,
    stalls: 0,
    jumps: 0,
  };

  constructor(engine: Engine, playhead: Playhead) {
    this.#engine = engine;
    this.#playhead = playhead;
  }

  attach(video: HTMLVideoElement): void {
    this.#video = video;
  }

  setCamera(camera: TileCamera): void {
    const before = this.#camera;
    if (before?.node === camera.node && before.source === camera.source && before.stream === camera.stream) return;
    const runs = this.#timer !== undefined;
    if (runs) this.stop();
    this.#camera = camera;
    this.#glass?.close();
    this.#glass = null;
    this.#counts = { codecs: '', frames: [], firstPictureMs: null, fragments: 0, bytes: 0, stalls: 0, jumps: 0 };
    if (runs) this.start();
  }

  start(): void {
    const [video, camera] = [this.#video, this.#camera];
    if (!video || !camera || this.#timer !== undefined) return;
    this.#startedAt = performance.now();
    this.#shown = null;
    this.#counts.firstPictureMs = null;
    this.#lastInit = null;
    const before = this.#glass;
    this.#glass = new PastGlass(video, (what) =>
      this.#fail({ code: 'ERR_VIEWER_MEDIA', kind: 'corrupt', message: what }),
    );
    before?.close();
    this.#scrub = new PastScrub(this.#engine, camera, this.#index, {
      lay: (init, fragment) => this.#lay(init, fragment),
      show: (picture) => this.#seekTo(picture),
      gap: (gap) => this.#enterGap(gap),
      free: (from, to) => this.#glass?.remove(from, to),
      failed: (error) => this.#fail(error),
    });
    this.#enter({ kind: 'opening', since: Date.now() });
    this.#playhead.join(this.#me, {
      camera: `${camera.node}/${camera.source}`,
      step: (at, direction) => this.#step(at * 1000, direction),
    });
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.#unsubscribe = this.#playhead.state.subscribe(() => this.#tick());
    this.#watchPictures(video);
    this.#tick();
  }

  stop(): void {
    if (this.#timer === undefined) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#unsubscribe();
    this.#closeFeed();
    this.#scrub?.close();
    this.#playhead.leave(this.#me);
    this.#video?.pause();
    this.#index.clear();
    this.#enter({ kind: 'idle' });
  }

  close(): void {
    this.stop();
    this.#glass?.close();
    this.#glass = null;
    this.#listeners.clear();
    this.#firstListeners.clear();
  }

  state(): TileState {
    return this.#state;
  }

  stats(): TileStats {
    const video = this.#video;
    const now = performance.now();
    const { codecs, frames, firstPictureMs, fragments, bytes, stalls, jumps } = this.#counts;
    return {
      stream: this.#camera?.stream ?? 'main',
      codecs,
      width: video?.videoWidth ?? 0,
      height: video?.videoHeight ?? 0,
      framesPerSecond: frames.filter((each) => each > now - 2_000).length / 2,
      delayMs: null,
      aheadMs: this.#shown ? this.#index.aheadUs(this.#shown.wallUs) / 1000 : 0,
      playbackRate: video?.playbackRate ?? 1,
      firstPictureMs,
      fragments,
      bytes,
      dropped: 0,
      leftOut: 0,
      stalls,
      jumps,
    };
  }

  shown(): ShownPicture | null {
    return this.#shown;
  }

  onState(listener: (state: TileState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  onPicture(listener: () => void): () => void {
    this.#firstListeners.add(listener);
    return () => this.#firstListeners.delete(listener);
  }

  #tick(): void {
    // Holding the clock tells everybody who goes by it, ourselves included.
    if (this.#ticking) return;
    this.#ticking = true;
    this.#look();
    this.#ticking = false;
  }

  #look(): void {
    const state = this.#playhead.state.get();
    if (this.#timer === undefined || state.kind !== 'past' || ['failed', 'unplayable'].includes(this.#state.kind))
      return;
    const atUs = this.#playhead.now() * 1000;
    if (state.scrubbing) {
      this.#closeFeed();
      this.#video!.pause();
      this.#release();
      this.#scrub!.want(atUs);
      return;
    }
    this.#scrub!.rest();
    const keyframesOnly = state.playing && state.speed > FULL_SPEED_MAX;
    this.#wantFeed(atUs, keyframesOnly);
    if (keyframesOnly) this.#runKeys(atUs);
    else this.#runPictures(atUs, state);
    const gone = this.#index.dropBefore(atUs - BEHIND_US);
    if (gone === null) return;
    this.#glass!.remove(0, gone);
    if (this.#feed)
      this.#feed.fromUs = Math.max(this.#feed.fromUs, this.#index.fragments[0]?.startUs ?? atUs - BEHIND_US);
  }

  /** All pictures, in step with the clock. */
  #runPictures(atUs: number, { playing, speed }: Past): void {
    const video = this.#video!;
    const picture = this.#index.pictureAt(atUs);
    if (!picture) {
      video.pause();
      const gap = this.#index.gapAt(atUs);
      if (gap) this.#enterGap(gap);
      else this.#starve(atUs);
      return;
    }
    this.#playhead.report(this.#me, { kind: 'picture' });
    const stands = !playing || this.#playhead.waiting.get();
    const wanted = stands ? (picture.glass + picture.glassEnd) / 2 : picture.glass + (atUs - picture.startUs) / 1e6;
    const onGlass = this.#index.wallAt(video.currentTime);
    const away = onGlass === null || this.#index.endOfStretch(onGlass) !== this.#index.endOfStretch(atUs);
    const motion: Motion = { current: video.currentTime, wanted, picture, speed, stands, away };
    // A picture that ran and stopped may be the neighbour of what its time says: only a search is exact.
    const inexact = !playing && this.#exactUs !== picture.startUs && !video.seeking;
    if (inexact || isAway(motion)) {
      // One search at a time; where it stood out too long the next one corrects it.
      if (!video.seeking || Math.abs(video.currentTime - wanted) > 1) this.#seekTo(picture, wanted);
      if (playing) this.#playhead.hold(this.#me);
      return;
    }
    const leftS = (this.#index.endOfStretch(atUs) - atUs) / 1e6;
    const ready =
      !video.seeking && (video.readyState >= 3 || (video.readyState >= 2 && ((stands && !playing) || leftS < 0.4)));
    if (!ready) {
      // The browser let go of it, or could not use it: it is fetched again, from the keyframe before.
      this.#stuckAt ||= performance.now();
      if (performance.now() - this.#stuckAt > STUCK_MS) {
        this.#stuckAt = 0;
        this.#open(atUs, false);
      }
      if (playing && this.#moving && !video.seeking) this.#counts.stalls++;
      this.#moving = false;
      if (playing) this.#playhead.hold(this.#me);
      return;
    }
    this.#stuckAt = 0;
    this.#release();
    video.volume = speed > HEARD_SPEED_MAX ? 0 : 1;
    if (!playing || this.#playhead.waiting.get()) {
      video.pause();
      this.#moving = false;
      return;
    }
    const rate = motionFor(motion, video.muted);
    if (Math.abs(video.playbackRate - rate) > 0.002) video.playbackRate = rate;
    this.#moving = true;
    this.#exactUs = 0;
    if (video.paused) video.play().catch(() => {});
  }

  /** One keyframe after the other, each at its time. */
  #runKeys(atUs: number): void {
    const video = this.#video!;
    video.pause();
    const gap = this.#index.gapAt(atUs);
    const key = this.#index.lastAt(atUs);
    const feed = this.#feed!;
    if (gap && (!key || key.endUs <= gap.startUs + 1_000)) {
      this.#enterGap(gap);
      return;
    }
    const next = this.#index.fragments.some(({ startUs }) => startUs > atUs);
    if (!key || (!next && feed.endedAt === null)) {
      this.#playhead.report(this.#me, { kind: 'unknown' });
      this.#playhead.hold(this.#me);
      if (!key) return;
    } else {
      this.#playhead.report(this.#me, { kind: 'picture' });
      this.#release();
    }
    if (key.startUs === this.#keyShown || video.seeking) return;
    this.#keyShown = key.startUs;
    this.#seekTo(this.#index.pictureAt(key.startUs)!);
  }

  /** There should be something here, and there is nothing yet. */
  #starve(atUs: number): void {
    const feed = this.#feed;
    this.#playhead.report(this.#me, { kind: 'unknown' });
    this.#playhead.hold(this.#me);
    if (feed?.endedAt != null && atUs >= feed.reachUs) {
      const behindMs = Date.now() - atUs / 1000;
      // The end of everything recorded: a recorder writes its newest seconds yet, or nothing was recorded from here to the present.
      if (behindMs > 90_000 && !feed.error) {
        this.#enterGap({ kind: 'gap', startUs: feed.reachUs, endUs: null, cause: 'unknown' });
        return;
      }
      const since = performance.now() - feed.endedAt;
      if (since < AGAIN_MS * 2 && !this.#isWaiting()) return;
    }
    if (!this.#isWaiting() && this.#state.kind !== 'opening') {
      this.#enter({ kind: 'waiting', since: Date.now(), why: this.#lost ? 'link' : 'data' });
    }
  }

  /** Sees to it that what is shown is on its way. */
  #wantFeed(atUs: number, keyframesOnly: boolean): void {
    const feed = this.#feed;
    if (feed && feed.keyframesOnly === keyframesOnly && feed.fromUs <= atUs + 1_000) {
      const near = atUs <= feed.reachUs + (keyframesOnly ? 20 * REACH_SLACK_US : REACH_SLACK_US) || !feed.begun;
      if (feed.endedAt === null && near) {
        const ahead = keyframesOnly
          ? this.#index.fragments.filter(({ startUs }) => startUs > atUs).length
          : this.#index.aheadUs(atUs) / 1e6;
        feed.order(ahead);
        return;
      }
      if (feed.endedAt !== null) {
        const since = performance.now() - feed.endedAt;
        const gapHere = this.#index.gapAt(atUs);
        if (feed.error) {
          if (since > RETRY_MS) this.#open(atUs, keyframesOnly);
          return;
        }
        if (atUs < feed.reachUs - 8_000_000 || since < AGAIN_MS || (gapHere && since < RETRY_MS)) return;
        // Goes on where that one ended; what it brought stays.
        this.#open(feed.reachUs, keyframesOnly, feed);
        return;
      }
    }
    this.#open(atUs, keyframesOnly);
  }

  #open(fromUs: number, keyframesOnly: boolean, before?: PastFeed): void {
    const knownFromUs = before?.fromUs;
    this.#closeFeed();
    // What lies there is let go of with the first answer: until then the picture stays.
    let fresh = before === undefined;
    const renew = () => {
      this.#lost = false;
      if (!fresh) return;
      fresh = false;
      this.#index.clear();
      this.#glass!.clear();
    };
    if (fresh) {
      this.#index.clear();
      this.#keyShown = 0;
    }
    const wish = { fromUs, keyframesOnly, ...(before ? { knownUs: before.reachUs } : {}) };
    const feed = new PastFeed(this.#engine, this.#camera!, wish, {
      init: (piece) => {
        renew();
        this.#init(piece);
      },
      fragment: (piece) => {
        renew();
        this.#lay(null, piece);
      },
      gap: (piece) => {
        renew();
        this.#index.addGap(piece);
        this.#arrived();
      },
      lost: () => {
        this.#lost = true;
        if (this.#isWaiting()) this.#enter({ kind: 'waiting', since: Date.now(), why: 'link' });
      },
      ended: (error) => {
        if (error && ['denied', 'missing', 'invalid', 'unauthenticated', 'corrupt'].includes(error.kind))
          this.#fail(error);
        this.#arrived();
      },
    });
    if (knownFromUs !== undefined) feed.fromUs = knownFromUs;
    this.#feed = feed;
    feed.order(0);
  }

  #init(piece: InitPiece): void {
    // Segments of one run have the same: told once, so that the decoder need not wait for a keyframe.
    if (this.#lastInit && sameBytes(this.#lastInit, piece.bytes)) return;
    this.#lastInit = piece.bytes;
    this.#index.beginRun();
    this.#counts.codecs = piece.codecs;
    if (this.#glass!.init(piece)) return;
    this.#closeFeed();
    this.#release();
    this.#playhead.leave(this.#me);
    this.#enter({ kind: 'unplayable', since: Date.now(), codecs: piece.codecs });
  }

  #lay(init: InitPiece | null, piece: FragmentPiece): void {
    if (init) this.#init(init);
    this.#counts.fragments++;
    this.#counts.bytes += piece.bytes.byteLength;
    this.#glass!.append(piece.bytes, this.#index.lay(piece).offset);
    this.#arrived();
  }

  #seekTo(picture: Picture, glass?: number): void {
    const video = this.#video!;
    const inside = glass ?? (picture.glass + picture.glassEnd) / 2;
    this.#counts.jumps++;
    this.#moving = false;
    this.#exactUs = picture.startUs;
    video.pause();
    video.currentTime = Math.min(Math.max(inside, picture.glass + 0.001), picture.glassEnd - 0.0005);
  }

  /** The middle of the next or previous picture; waits for it where it must be fetched. */
  async #step(atUs: number, direction: 1 | -1): Promise<number | null> {
    const until = performance.now() + STEP_MS_MAX;
    let from: Picture | null = null;
    while (performance.now() < until && this.#timer !== undefined) {
      from ??= this.#index.pictureAt(atUs);
      if (from) {
        const found = direction === 1 ? this.#index.next(from) : this.#index.previous(from);
        if (found) return middleOf(found);
        const beforeUs = this.#index.gapAt(from.startUs - 2_000)?.startUs ?? from.startUs;
        if (direction === -1 && this.#feed && this.#feed.fromUs > beforeUs - 2_000) this.#open(beforeUs - 2_000, false);
      } else if (this.#index.gapAt(atUs)) return null;
      if (direction === 1) this.#feed?.order(0);
      await this.#arrival(until - performance.now());
    }
    return null;
  }

  #arrived(): void {
    for (const arrived of [...this.#arrivals]) arrived();
  }

  #arrival(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#arrivals.delete(done);
        resolve();
      };
      const timer = setTimeout(done, Math.min(Math.max(ms, 0), 250));
      this.#arrivals.add(done);
    });
  }

  #watchPictures(video: HTMLVideoElement): void {
    const seen = (_now: number, { mediaTime, expectedDisplayTime }: VideoFrameCallbackMetadata) => {
      if (this.#timer === undefined || !this.#glass) return;
      const wallUs = this.#index.wallAt(mediaTime);
      if (wallUs !== null) this.#onShown({ wallUs, presentedAt: expectedDisplayTime });
      video.requestVideoFrameCallback(seen);
    };
    video.requestVideoFrameCallback(seen);
  }

  #onShown(shown: ShownPicture): void {
    const first = this.#shown === null;
    const now = performance.now();
    this.#shown = shown;
    this.#counts.frames = [...this.#counts.frames.filter((each) => each > now - 2_000), now];
    const { kind } = this.#state;
    if (kind !== 'playing' && kind !== 'gap') this.#enter({ kind: 'playing', since: Date.now() });
    if (kind === 'gap' && this.#index.pictureAt(this.#playhead.now() * 1000))
      this.#enter({ kind: 'playing', since: Date.now() });
    if (!first) return;
    this.#counts.firstPictureMs = now - this.#startedAt;
    for (const listener of [...this.#firstListeners]) listener();
  }

  #enterGap({ startUs, endUs, cause }: GapPiece): void {
    const until = endUs === null ? null : endUs / 1000;
    this.#release();
    this.#video!.pause();
    this.#moving = false;
    this.#playhead.report(this.#me, { kind: 'gap', until });
    const before = this.#state;
    if (before.kind === 'gap' && before.since === startUs / 1000 && before.until === until) return;
    this.#enter({ kind: 'gap', since: startUs / 1000, until, cause });
  }

  #fail(error: EngineError): void {
    this.#closeFeed();
    this.#playhead.leave(this.#me);
    this.#enter({ kind: 'failed', since: Date.now(), error });
  }

  #isWaiting(): boolean {
    return this.#state.kind === 'waiting';
  }

  #release(): void {
    this.#playhead.release(this.#me);
    if (this.#isWaiting()) this.#enter({ kind: 'playing', since: Date.now() });
  }

  #closeFeed(): void {
    this.#feed?.close();
    this.#feed = null;
  }

  #enter(state: TileState): void {
    this.#state = state;
    for (const listener of [...this.#listeners]) listener(state);
  }
}

function sameBytes(a: ArrayBuffer, b: ArrayBuffer): boolean {
  if (a === b) return true;
  const [one, other] = [new Uint8Array(a), new Uint8Array(b)];
  return one.length === other.length && one.every((byte, i) => byte === other[i]);
}
