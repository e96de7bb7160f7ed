import type { Engine, Feed } from '../engine/engine.ts';
import type { EngineError, FragmentPiece, GapCause, Piece } from '../engine/messages.ts';
import { LiveGlass } from './live-glass.ts';
import { clocksOf } from './node-clock.ts';
import type { ShownPicture, TileCamera, TilePlayer, TileState, TileStats } from './tile-player.ts';

const TICK_MS = 200;
/** Without a fragment for so long the picture is told to stand. */
const SILENT_MS = 4_000;
/** A fragment older than this when it comes has waited on its way. */
const OLD_MS = 4_000;
const PATIENCE_MS = 4_000;
const PATIENCE_MAX_MS = 120_000;
/** Asked again after what may pass by itself. */
const RETRY_MS = 3_000;
const PASSING: readonly string[] = ['unavailable', 'exhausted', 'conflict'];
const FAULTS_MAX = 4;
const FAULTS_WITHIN_MS = 30_000;

/** A camera as it is now, as near to now as the network lets it. */
export class LivePlayer implements TilePlayer {
  readonly #engine: Engine;
  #video: HTMLVideoElement | null = null;
  #glass: LiveGlass | null = null;
  #camera: TileCamera | null = null;
  #feed: Feed | null = null;
  #codecs = '';
  #state: TileState = { kind: 'idle' };
  #running = false;
  #startedAt = 0;
  #openedAt = 0;
  /** So long after asking old pieces are borne with. */
  #patienceMs = PATIENCE_MS;
  /** So long a picture may stand before what lies ready. */
  #stuckMaxMs = PATIENCE_MS;
  #fragmentAt = 0;
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
    this.#glass = new LiveGlass(video, {
      first: () => this.#first(),
      stalled: () => {
        if (this.#state.kind === 'playing') this.#counts.stalls++;
      },
      jumped: () => {
        this.#counts.jumps++;
      },
      fault: (reason, dropped) => this.#fault(reason, dropped),
    });
  }

  setCamera(camera: TileCamera): void {
    const { node, source, stream } = this.#camera ?? {};
    if (camera.node === node && camera.source === source && camera.stream === stream) return;
    const running = this.#running;
    if (running) this.stop();
    this.#camera = camera;
    this.#codecs = '';
    this.#counts = noCounts();
    this.#glass?.clear();
    if (running) this.start();
  }

  start(): void {
    if (this.#running || !this.#camera || !this.#glass) return;
    this.#running = true;
    this.#startedAt = performance.now();
    this.#counts.firstPictureMs = null;
    this.#faults = [];
    this.#patienceMs = PATIENCE_MS;
    this.#stuckMaxMs = PATIENCE_MS;
    this.#enter({ kind: 'opening', since: Date.now() });
    this.#endClock = clocksOf(this.#engine).use(this.#camera.node);
    this.#glass.start();
    this.#open();
    this.#tick = setInterval(() => this.#look(), TICK_MS);
  }

  stop(): void {
    if (!this.#running) return;
    this.#running = false;
    clearInterval(this.#tick);
    clearTimeout(this.#retry);
    this.#endClock();
    this.#endFeed();
    this.#glass!.stop();
    this.#enter({ kind: 'idle' });
  }

  close(): void {
    this.stop();
    this.#stateListeners.clear();
    this.#pictureListeners.clear();
    this.#glass?.close();
  }

  state(): TileState {
    return this.#state;
  }

  stats(): TileStats {
    const video = this.#video;
    const shown = this.shown();
    const offset = this.#camera ? clocksOf(this.#engine).offset(this.#camera.node) : null;
    const presentedAt = shown ? shown.presentedAt + Date.now() - performance.now() : 0;
    return {
      ...this.#counts,
      stream: this.#camera?.stream ?? 'main',
      codecs: this.#codecs,
      width: video?.videoWidth ?? 0,
      height: video?.videoHeight ?? 0,
      framesPerSecond: this.#glass?.framesPerSecond ?? 0,
      delayMs: shown ? presentedAt + (offset?.ms ?? 0) - shown.wallUs / 1000 : null,
      aheadMs: this.#glass?.aheadMs ?? 0,
      playbackRate: video?.playbackRate ?? 1,
    };
  }

  shown(): ShownPicture | null {
    return this.#glass?.shown() ?? null;
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
    this.#endFeed();
    this.#glass!.begin();
    this.#openedAt = this.#fragmentAt = performance.now();
    const feed: Feed = this.#engine.live(this.#camera!, {
      piece: (piece) => feed === this.#feed && this.#take(piece),
      event: (name, params) => feed === this.#feed && this.#news(name, params),
      ended: (error) => feed === this.#feed && this.#over(error),
    });
    this.#feed = feed;
  }

  #endFeed(): void {
    this.#feed?.close();
    this.#feed = null;
  }

  #take(piece: Piece): void {
    if (piece.kind === 'fragment') this.#takeFragment(piece);
    else if (piece.kind === 'init') {
      this.#codecs = piece.codecs;
      if (this.#glass!.init(piece)) return;
      this.#endFeed();
      this.#enter({ kind: 'unplayable', since: Date.now(), codecs: piece.codecs });
    }
  }

  #takeFragment(piece: FragmentPiece): void {
    this.#counts.fragments++;
    this.#counts.bytes += piece.bytes.byteLength;
    this.#fragmentAt = performance.now();
    const isOld = this.#isOld(piece);
    if (!this.#glass!.fragment(piece)) this.#counts.dropped++;
    const { kind } = this.#state;
    if (kind === 'waiting' || kind === 'gap')
      this.#enter({ kind: this.#glass!.seen ? 'playing' : 'opening', since: Date.now() });
    if (!isOld) return;
    // Asking anew begins with the newest keyframe and leaves out what waits.
    this.#counts.jumps++;
    this.#open();
  }

  /** It waited on its way, in a network, a node or a browser that had too much to do. */
  #isOld({ endUs }: FragmentPiece): boolean {
    const offset = clocksOf(this.#engine).offset(this.#camera!.node);
    if (!offset || performance.now() - this.#openedAt < this.#patienceMs) return false;
    const ageMs = Date.now() + offset.ms - endUs / 1000 - offset.uncertaintyMs;
    if (ageMs < OLD_MS / 2) this.#patienceMs = PATIENCE_MS;
    if (ageMs < OLD_MS) return false;
    this.#patienceMs = Math.min(this.#patienceMs * 2, PATIENCE_MAX_MS);
    return true;
  }

  #look(): void {
    if (this.#state.kind === 'playing' && performance.now() - this.#fragmentAt > SILENT_MS)
      this.#enter({ kind: 'waiting', since: Date.now() - SILENT_MS, why: 'data' });
    this.#glass!.steer();
    if (!this.#feed || this.#glass!.stuckMs < this.#stuckMaxMs) return;
    // The browser makes nothing of what lies before it, for a reason of its own: it is given a new beginning, the next time later.
    this.#stuckMaxMs = Math.min(this.#stuckMaxMs * 2, PATIENCE_MAX_MS);
    this.#counts.jumps++;
    this.#glass!.clear();
    this.#open();
  }

  #first(): void {
    this.#counts.firstPictureMs ??= performance.now() - this.#startedAt;
    if (this.#state.kind !== 'gap') this.#enter({ kind: 'playing', since: Date.now() });
    for (const listener of [...this.#pictureListeners]) listener();
  }

  #news(name: string, params: unknown): void {
    const now = Date.now();
    if (name === 'live.gap') {
      const { cause, startAt, endAt } = params as { cause: GapCause; startAt: number; endAt: number | null };
      if (endAt === null) this.#enter({ kind: 'gap', since: startAt, until: null, cause });
    } else if (name === 'live.dropped') {
      this.#counts.leftOut += (params as { fragments: number }).fragments;
    } else if (name === 'live.lost') {
      // What comes when it is back begins with the newest keyframe.
      this.#glass!.interrupted();
      this.#openedAt = performance.now();
      this.#enter({ kind: 'waiting', since: now, why: 'link' });
    } else if (name === 'live.ended') this.#enter({ kind: 'ended', since: now });
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
  #fault(reason: string, dropped: number): void {
    this.#counts.dropped += dropped;
    if (!this.#running) return;
    const now = performance.now();
    this.#faults = [...this.#faults.filter((at) => at > now - FAULTS_WITHIN_MS), now];
    if (this.#faults.length < FAULTS_MAX) {
      this.#open();
      return;
    }
    this.#endFeed();
    const message = `this browser does not play it (${reason})`;
    const error = { code: 'ERR_VIEWER_DECODE', kind: 'unavailable', message };
    this.#enter({ kind: 'failed', since: Date.now(), error });
  }

  #enter(state: TileState): void {
    this.#state = state;
    for (const listener of [...this.#stateListeners]) listener(state);
  }
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
