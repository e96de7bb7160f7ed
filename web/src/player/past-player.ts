import type { Engine } from '../engine/engine.ts';
import type { EngineError, FragmentPiece, GapPiece, InitPiece } from '../engine/messages.ts';
import { FULL_SPEED_MAX, type Playhead, type PlayheadState } from '../model/playhead.ts';
import { PastGlass } from './past-glass.ts';
import { PictureIndex } from './past-index.ts';
import { PastPictures } from './past-pictures.ts';
import { PastScrub } from './past-scrub.ts';
import { PastStepper } from './past-stepper.ts';
import { AGAIN_MS, PastSupply } from './past-supply.ts';
import type { ShownPicture, TileCamera, TilePlayer, TileState, TileStats } from './tile-player.ts';

/** How often it is looked where the picture is and where it should be. */
const TICK_MS = 50;
/** Kept behind the shown picture, for steps back; µs. */
const BEHIND_US = 15_000_000;
/** A recorder has written all but the newest of so long: nearer to the present the search is for what there is. */
const WRITING_MS = 2_500;
/** So far behind the present nothing is being written any more: what is not there is a gap. */
const WRITTEN_MS = 90_000;
/** Keyframes shown in a second of fast motion, at most. */
const KEYS_PER_S = 12;

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
  #video: HTMLVideoElement | null = null;
  #glass: PastGlass | null = null;
  #pictures: PastPictures | null = null;
  #scrub: PastScrub | null = null;
  #supply: PastSupply | null = null;
  #stepper: PastStepper | null = null;
  #camera: TileCamera | null = null;
  #state: TileState = { kind: 'idle' };
  #shown: ShownPicture | null = null;
  #timer: ReturnType<typeof setInterval> | undefined;
  #unsubscribe = () => {};
  #startedAt = 0;
  #lost = false;
  #ticking = false;
  #lastInit: ArrayBuffer | null = null;
  #counts = noCounts();

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
    this.#counts = noCounts();
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
    const pictures = new PastPictures(video, this.#index);
    this.#pictures = pictures;
    this.#supply = this.#supplyOf(camera);
    const stepper = new PastStepper(this.#index, this.#supply);
    this.#stepper = stepper;
    this.#scrub = new PastScrub(this.#engine, camera, this.#index, {
      lay: (init, fragment) => this.#lay(init, fragment),
      show: (picture) => pictures.show(picture),
      gap: (gap) => this.#enterGap(gap),
      free: (from, to) => this.#glass?.remove(from, to),
      failed: (error) => this.#fail(error),
    });
    this.#enter({ kind: 'opening', since: Date.now() });
    this.#playhead.join(this.#me, {
      camera: `${camera.node}/${camera.source}`,
      step: (at, direction) => stepper.step(at * 1000, direction),
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
    this.#supply?.close();
    this.#stepper?.close();
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
    const { codecs, frames, firstPictureMs, fragments, bytes } = this.#counts;
    const { stalls = 0, jumps = 0 } = this.#pictures ?? {};
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
    if (this.#timer === undefined || ['failed', 'unplayable'].includes(this.#state.kind)) return;
    if (state.kind !== 'past') {
      this.#pictures!.leave();
      return;
    }
    const atUs = this.#playhead.now() * 1000;
    if (state.scrubbing) {
      this.#supply!.close();
      this.#video!.pause();
      this.#release();
      this.#scrub!.want(Math.min(atUs, newestWrittenUs()));
      this.#pictures!.insist();
      return;
    }
    this.#scrub!.rest();
    const keysOnly = state.playing && state.speed > FULL_SPEED_MAX;
    this.#supply!.want(atUs, keysOnly ? Math.round((state.speed * 1000) / KEYS_PER_S) : null);
    if (keysOnly) this.#runKeys(atUs);
    else this.#runPictures(atUs, state);
    const gone = this.#index.dropBefore(atUs - BEHIND_US);
    if (gone === null) return;
    this.#glass!.remove(0, gone);
    this.#supply!.forget(atUs - BEHIND_US);
  }

  /** All pictures, in step with the clock. */
  #runPictures(atUs: number, { playing, speed }: Past): void {
    const picture = this.#index.pictureAt(atUs);
    if (!picture) {
      this.#video!.pause();
      const gap = this.#index.gapAt(atUs);
      if (gap) this.#enterGap(gap);
      else this.#starve(atUs);
      return;
    }
    this.#playhead.report(this.#me, { kind: 'picture' });
    const held = () => this.#playhead.waiting.get();
    const pace = { atUs, playing, held: held(), speed };
    const kept = this.#pictures!.keep(picture, pace, held, () => this.#release());
    if (kept === 'stuck') this.#supply!.open(atUs, null);
    if (kept !== 'ready' && playing) this.#playhead.hold(this.#me);
  }

  /** One keyframe after the other, each at its time. */
  #runKeys(atUs: number): void {
    this.#video!.pause();
    const gap = this.#index.gapAt(atUs);
    const key = this.#index.lastAt(atUs);
    if (gap && (!key || key.endUs <= gap.startUs + 1_000)) {
      this.#enterGap(gap);
      return;
    }
    const next = this.#index.fragments.some(({ startUs }) => startUs > atUs);
    if (key && (next || this.#supply!.feed?.endedAt != null)) {
      this.#playhead.report(this.#me, { kind: 'picture' });
      this.#release();
    } else {
      this.#playhead.report(this.#me, { kind: 'unknown' });
      this.#playhead.hold(this.#me);
    }
    if (key) this.#pictures!.keepKey(key.startUs);
  }

  /** There should be something here, and there is nothing yet. */
  #starve(atUs: number): void {
    const feed = this.#supply!.feed;
    this.#playhead.report(this.#me, { kind: 'unknown' });
    this.#playhead.hold(this.#me);
    if (feed?.endedAt != null && atUs >= feed.reachUs) {
      // The end of everything recorded: a recorder writes its newest seconds yet, or nothing was recorded from here to the present.
      if (Date.now() - atUs / 1000 > WRITTEN_MS && !feed.error) {
        this.#enterGap({ kind: 'gap', startUs: feed.reachUs, endUs: null, cause: 'unknown' });
        return;
      }
      if (performance.now() - feed.endedAt < AGAIN_MS * 2 && !this.#isWaiting()) return;
    }
    if (!this.#isWaiting() && this.#state.kind !== 'opening') {
      this.#enter({ kind: 'waiting', since: Date.now(), why: this.#lost ? 'link' : 'data' });
    }
  }

  #supplyOf(camera: TileCamera): PastSupply {
    return new PastSupply(this.#engine, camera, this.#index, {
      renew: () => {
        this.#glass!.clear();
        this.#pictures!.renew();
      },
      init: (piece) => this.#init(piece),
      fragment: (piece) => this.#lay(null, piece),
      arrived: () => {
        this.#lost = false;
        this.#stepper?.arrived();
      },
      lost: () => {
        this.#lost = true;
        if (this.#isWaiting()) this.#enter({ kind: 'waiting', since: Date.now(), why: 'link' });
      },
      failed: (error) => this.#fail(error),
    });
  }

  #init(piece: InitPiece): void {
    // Segments of one run have the same: told once, so that the decoder need not wait for a keyframe.
    if (this.#lastInit && sameBytes(this.#lastInit, piece.bytes)) return;
    this.#lastInit = piece.bytes;
    this.#index.beginRun();
    this.#counts.codecs = piece.codecs;
    if (this.#glass!.init(piece)) return;
    this.#supply?.close();
    this.#release();
    this.#playhead.leave(this.#me);
    this.#enter({ kind: 'unplayable', since: Date.now(), codecs: piece.codecs });
  }

  #lay(init: InitPiece | null, piece: FragmentPiece): void {
    if (init) this.#init(init);
    this.#counts.fragments++;
    this.#counts.bytes += piece.bytes.byteLength;
    this.#glass!.append(piece.bytes, this.#index.lay(piece).offset);
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
    this.#pictures!.rest();
    this.#playhead.report(this.#me, { kind: 'gap', until });
    const before = this.#state;
    if (before.kind === 'gap' && before.since === startUs / 1000 && before.until === until) return;
    this.#enter({ kind: 'gap', since: startUs / 1000, until, cause });
  }

  #fail(error: EngineError): void {
    this.#supply?.close();
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

  #enter(state: TileState): void {
    this.#state = state;
    for (const listener of [...this.#listeners]) listener(state);
  }
}

/** In steps of half a second: a cursor held at the present asks no more often. */
function newestWrittenUs(): number {
  return Math.floor((Date.now() - WRITING_MS) / 500) * 500_000;
}

function noCounts() {
  return { codecs: '', frames: [] as number[], firstPictureMs: null as number | null, fragments: 0, bytes: 0 };
}

function sameBytes(a: ArrayBuffer, b: ArrayBuffer): boolean {
  if (a === b) return true;
  const [one, other] = [new Uint8Array(a), new Uint8Array(b)];
  return one.length === other.length && one.every((byte, i) => byte === other[i]);
}
