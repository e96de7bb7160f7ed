import type { Engine, Feed } from '../engine/engine.ts';
import type { EngineError, FragmentPiece, GapCause, InitPiece, Piece } from '../engine/messages.ts';
import { DelayKeeper } from './delay.ts';
import { isPlayable, MediaBuffer } from './media-buffer.ts';
import { MediaLine } from './media-line.ts';
import { clocksOf } from './node-clock.ts';
import { PictureClock } from './picture-clock.ts';
import type { ShownPicture, TileCamera, TilePlayer, TileState, TileStats } from './tile-player.ts';

const TICK_MS = 200;
/** Kept behind the picture, seconds. */
const BEHIND_S = 20;
const TRIM_EVERY_MS = 4_000;
/** Without a fragment for so long the picture is told to stand. */
const SILENT_MS = 4_000;
/** A fragment older than this when it comes has waited on its way. */
const OLD_MS = 4_000;
const PATIENCE_MS = 4_000;
const PATIENCE_MAX_MS = 120_000;
/** Asked again after what may pass by itself. */
const RETRY_MS = 3_000;
/** After the first picture of a start. */
const SETTLING_MS = 1_500;
const FAULTS_MAX = 4;
const FAULTS_WITHIN_MS = 30_000;
const PASSING: readonly string[] = ['unavailable', 'exhausted', 'conflict'];

/** A camera as it is now, as near to now as the network lets it. */
export class LivePlayer implements TilePlayer {
  readonly #engine: Engine;
  readonly #keeper = new DelayKeeper();
  #line = new MediaLine();
  #pictures: PictureClock | null = null;
  #video: HTMLVideoElement | null = null;
  #camera: TileCamera | null = null;
  #buffer: MediaBuffer | null = null;
  #feed: Feed | null = null;
  #init: InitPiece | null = null;
  #state: TileState = { kind: 'idle' };
  #running = false;
  #startedAt = 0;
  #openedAt = 0;
  /** So long after asking old pieces are borne with. */
  #patienceMs = PATIENCE_MS;
  /** Where the first fragment of this start lies, until the video stands there. */
  #enterAt: number | null = null;
  /** Pictures of this start begin here: what was shown before is not its first. */
  #from = Infinity;
  #seen = false;
  #seenAt = 0;
  #fragmentAt = 0;
  #trimmedAt = 0;
  #faults: number[] = [];
  #tick: ReturnType<typeof setInterval> | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #endClock = () => {};
  #counts = noCounts();
  readonly #stateListeners = new Set<(state: TileState) => void>();
  readonly #pictureListeners = new Set<() => void>();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  attach(video: HTMLVideoElement): void {
    this.#video = video;
    this.#pictures = new PictureClock(video, (mediaTime) => this.#drawn(mediaTime));
    video.addEventListener('waiting', this.#onWaiting);
    video.addEventListener('error', this.#onError);
  }

  setCamera(camera: TileCamera): void {
    const { node, source, stream } = this.#camera ?? {};
    if (camera.node === node && camera.source === source && camera.stream === stream) return;
    const running = this.#running;
    if (running) this.stop();
    this.#camera = camera;
    this.#counts = noCounts();
    this.#release();
    if (running) this.start();
  }

  start(): void {
    if (this.#running || !this.#camera || !this.#video) return;
    this.#running = true;
    this.#startedAt = performance.now();
    this.#counts.firstPictureMs = null;
    this.#faults = [];
    this.#enter({ kind: 'opening', since: Date.now() });
    this.#endClock = clocksOf(this.#engine).use(this.#camera.node);
    this.#open();
    this.#pictures!.start();
    this.#tick = setInterval(() => this.#steer(), TICK_MS);
  }

  stop(): void {
    if (!this.#running) return;
    this.#running = false;
    clearInterval(this.#tick);
    clearTimeout(this.#retry);
    this.#endClock();
    this.#feed?.close();
    this.#feed = null;
    this.#pictures!.stop();
    this.#video!.pause();
    // The picture stays; what led to it need not.
    this.#buffer?.trim(this.#video!.currentTime - 1);
    this.#line.forget(this.#video!.currentTime - 1);
    this.#enter({ kind: 'idle' });
  }

  close(): void {
    this.stop();
    this.#stateListeners.clear();
    this.#pictureListeners.clear();
    this.#video?.removeEventListener('waiting', this.#onWaiting);
    this.#video?.removeEventListener('error', this.#onError);
    this.#release();
  }

  state(): TileState {
    return this.#state;
  }

  stats(): TileStats {
    const video = this.#video;
    const last = this.#pictures?.last ?? null;
    const wallUs = last && this.#seen ? this.#line.wallUs(last.mediaTime) : null;
    const offset = this.#camera ? clocksOf(this.#engine).offset(this.#camera.node) : null;
    const calendarMs = last ? last.presentedAt + Date.now() - performance.now() : 0;
    return {
      ...this.#counts,
      stream: this.#camera?.stream ?? 'main',
      codecs: this.#init?.codecs ?? '',
      width: video?.videoWidth ?? 0,
      height: video?.videoHeight ?? 0,
      framesPerSecond: this.#pictures?.framesPerSecond ?? 0,
      delayMs: wallUs === null ? null : calendarMs + (offset?.ms ?? 0) - wallUs / 1000,
      aheadMs: video && this.#buffer ? Math.max(0, ((this.#buffer.end ?? 0) - video.currentTime) * 1000) : 0,
      playbackRate: video?.playbackRate ?? 1,
    };
  }

  shown(): ShownPicture | null {
    const last = this.#pictures?.last;
    if (!last || !this.#seen) return null;
    const wallUs = this.#line.wallUs(last.mediaTime);
    return wallUs === null ? null : { wallUs, presentedAt: last.presentedAt };
  }

  onState(listener: (state: TileState) => void): () => void {
    this.#stateListeners.add(listener);
    return () => this.#stateListeners.delete(listener);
  }

  onPicture(listener: () => void): () => void {
    this.#pictureListeners.add(listener);
    return () => this.#pictureListeners.delete(listener);
  }

  /** Asks for the stream from its newest keyframe on. */
  #open(): void {
    this.#feed?.close();
    this.#openedAt = performance.now();
    this.#keeper.restart();
    this.#line.begin();
    this.#enterAt = null;
    this.#from = Infinity;
    this.#seen = false;
    this.#fragmentAt = performance.now();
    const feed: Feed = this.#engine.live(this.#camera!, {
      piece: (piece) => feed === this.#feed && this.#take(piece),
      event: (name, params) => feed === this.#feed && this.#news(name, params),
      ended: (error) => feed === this.#feed && this.#over(error),
    });
    this.#feed = feed;
  }

  #take(piece: Piece): void {
    if (piece.kind === 'init') this.#takeInit(piece);
    else if (piece.kind === 'fragment') this.#takeFragment(piece);
  }

  #takeInit(init: InitPiece): void {
    this.#init = init;
    this.#line.begin();
    this.#keeper.restart();
    if (!isPlayable(init.codecs)) {
      this.#feed?.close();
      this.#feed = null;
      this.#enter({ kind: 'unplayable', since: Date.now(), codecs: init.codecs });
      return;
    }
    if (this.#buffer?.init(init.bytes.slice(0), init.codecs)) return;
    this.#release();
    this.#enterAt = null;
    this.#from = Infinity;
    const buffer: MediaBuffer = new MediaBuffer(this.#video!, init.codecs, {
      fed: () => buffer === this.#buffer && this.#fed(),
      fault: (reason) => buffer === this.#buffer && this.#fault(reason),
    });
    this.#buffer = buffer;
    buffer.init(init.bytes.slice(0), init.codecs);
  }

  #takeFragment(piece: FragmentPiece): void {
    this.#counts.fragments++;
    this.#counts.bytes += piece.bytes.byteLength;
    this.#fragmentAt = performance.now();
    if (!this.#buffer) {
      this.#counts.dropped++;
      return;
    }
    const { fragment, offset } = this.#line.place(piece);
    if (this.#from === Infinity) this.#from = this.#enterAt = fragment.start;
    this.#weighAge(piece);
    this.#keeper.arrived({ at: this.#fragmentAt / 1000, start: fragment.start, end: fragment.end });
    this.#buffer.append(piece.bytes, offset);
    const { kind } = this.#state;
    if (this.#seen && (kind === 'waiting' || kind === 'gap')) this.#enter({ kind: 'playing', since: Date.now() });
    else if (kind === 'gap') this.#enter({ kind: 'opening', since: Date.now() });
  }

  /**
   * What comes is old: it waited somewhere on its way, in a network, a node or a browser that had too much to do. Asking anew begins with the newest
   * keyframe and leaves out what waits.
   */
  #weighAge({ endUs }: FragmentPiece): void {
    const offset = clocksOf(this.#engine).offset(this.#camera!.node);
    if (!offset || performance.now() - this.#openedAt < this.#patienceMs) return;
    const ageMs = Date.now() + offset.ms - endUs / 1000 - offset.uncertaintyMs;
    if (ageMs < OLD_MS / 2) this.#patienceMs = PATIENCE_MS;
    if (ageMs < OLD_MS) return;
    this.#patienceMs = Math.min(this.#patienceMs * 2, PATIENCE_MAX_MS);
    this.#counts.jumps++;
    // Not in the middle of this piece.
    queueMicrotask(() => this.#running && this.#feed && this.#open());
  }

  /** More lies ready. */
  #fed(): void {
    const video = this.#video!;
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

  /** Over a stretch in which there is nothing. */
  #leap(ranges: readonly (readonly [number, number])[]): void {
    const video = this.#video!;
    const at = video.currentTime;
    if (video.seeking || ranges.some(([from, to]) => at >= from - 0.01 && at < to - 0.05)) return;
    const next = ranges.find(([from]) => from > at);
    if (next) video.currentTime = next[0] + 0.001;
  }

  #steer(): void {
    const video = this.#video!;
    const now = performance.now();
    const buffer = this.#buffer;
    if (!buffer) return;
    const { kind } = this.#state;
    if (kind === 'playing' && now - this.#fragmentAt > SILENT_MS)
      this.#enter({ kind: 'waiting', since: Date.now() - SILENT_MS, why: 'data' });
    const end = buffer.end;
    if (end === null || this.#enterAt !== null || video.seeking) return;
    this.#leap(buffer.ranges);
    if (video.paused) void video.play().catch(() => {});
    const { rate, seek } = this.#keeper.steer({
      at: now / 1000,
      position: video.currentTime,
      end,
      keyframe: (from, to) => this.#line.keyframe(from, to),
    });
    if (seek !== null) {
      this.#counts.jumps++;
      video.currentTime = seek;
    }
    if (Math.abs(video.playbackRate - rate) > 0.001) video.playbackRate = rate;
    if (now - this.#trimmedAt > TRIM_EVERY_MS) {
      this.#trimmedAt = now;
      buffer.trim(video.currentTime - BEHIND_S);
      this.#line.forget(video.currentTime - BEHIND_S - 5);
    }
  }

  #drawn(mediaTime: number): void {
    if (this.#seen || mediaTime < this.#from - 0.05) return;
    this.#seen = true;
    this.#seenAt = performance.now();
    this.#counts.firstPictureMs ??= performance.now() - this.#startedAt;
    if (this.#state.kind !== 'gap') this.#enter({ kind: 'playing', since: Date.now() });
    for (const listener of [...this.#pictureListeners]) listener();
  }

  #news(name: string, params: unknown): void {
    const now = Date.now();
    switch (name) {
      case 'live.gap': {
        const { cause, startAt, endAt } = params as { cause: GapCause; startAt: number; endAt: number | null };
        if (endAt === null) this.#enter({ kind: 'gap', since: startAt, until: null, cause });
        break;
      }
      case 'live.dropped':
        this.#counts.leftOut += (params as { fragments: number }).fragments;
        break;
      case 'live.lost':
        // What comes when it is back begins with the newest keyframe.
        this.#line.begin();
        this.#keeper.restart();
        this.#enter({ kind: 'waiting', since: now, why: 'link' });
        break;
      case 'live.ended':
        this.#enter({ kind: 'ended', since: now });
        break;
    }
  }

  #over(error: EngineError | null): void {
    this.#feed = null;
    if (!error || error.kind === 'cancelled') return;
    if (!PASSING.includes(error.kind)) {
      this.#enter({ kind: 'failed', since: Date.now(), error });
      return;
    }
    if (this.#state.kind !== 'waiting') this.#enter({ kind: 'waiting', since: Date.now(), why: 'data' });
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#open(), RETRY_MS);
  }

  /** The browser's decoder gave up: begins anew, unless it does so all the time. */
  #fault(reason: string): void {
    const now = performance.now();
    this.#counts.dropped += this.#buffer?.waiting ?? 0;
    this.#release();
    if (!this.#running) return;
    this.#faults = [...this.#faults.filter((at) => at > now - FAULTS_WITHIN_MS), now];
    if (this.#faults.length < FAULTS_MAX) {
      this.#open();
      return;
    }
    this.#feed?.close();
    this.#feed = null;
    const error = {
      code: 'ERR_VIEWER_DECODE',
      kind: 'unavailable',
      message: `this browser does not play it (${reason})`,
    };
    this.#enter({ kind: 'failed', since: Date.now(), error });
  }

  #release(): void {
    this.#buffer?.close();
    this.#buffer = null;
    this.#line = new MediaLine();
  }

  #enter(state: TileState): void {
    this.#state = state;
    for (const listener of [...this.#stateListeners]) listener(state);
  }

  readonly #onWaiting = () => {
    // Waiting for a seek, or while a start settles, is no stall.
    if (!this.#running || !this.#seen || this.#video!.seeking || this.#state.kind !== 'playing') return;
    if (performance.now() - this.#seenAt < SETTLING_MS) return;
    this.#counts.stalls++;
    this.#keeper.stalled(performance.now() / 1000);
  };

  readonly #onError = () => {
    if (this.#video!.error && this.#buffer) this.#fault('decode');
  };
}

function noCounts() {
  return {
    firstPictureMs: null as number | null,
    fragments: 0,
    bytes: 0,
    dropped: 0,
    leftOut: 0,
    stalls: 0,
    jumps: 0,
  };
}
