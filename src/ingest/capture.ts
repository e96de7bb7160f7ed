import { toHex } from '../bytes/index.ts';
import { NvrError } from '../errors.ts';
import {
  changedPicture,
  type FragmentReaderItem,
  MediaError,
  type ParsedInit,
  sequenceParameterSets,
  type Track,
  withReferenceTime,
} from '../media/index.ts';
import type { Clock, Random } from '../platform/index.ts';
import type { GapCause } from '../protocol/index.ts';
import { type Complaint, explain, TIMESTAMPS_JUMPED } from './error-lines.ts';
import { type Arrived, arrived, Opening } from './opening.ts';
import type { StreamSink } from './sink.ts';
import { StreamMeter } from './stream-meter.ts';
import type { CameraClock, Supply, SupplyFacts, SupplyListener } from './supply.ts';
import type { Arrival, Timeline } from './timeline.ts';

export interface CaptureDeps {
  clock: Clock;
  random: Random;
  sink: StreamSink;
}

/** One try at one camera stream. */
export interface CaptureOrder {
  /** Begins what the fragments come from. */
  supply(listener: SupplyListener): Supply;
  /** False where sound is not taken along. */
  sound: boolean;
  timeline: Timeline;
  /** Take a stream whose keyframes contradict its description from the start; a camera that describes itself wrongly. */
  trusting: boolean;
  /** The first fragment of a run was stored. */
  onPicture(): void;
  /** Nothing came for too long; the supply is being ended. */
  onStall(): void;
  /** The camera told its own time. */
  onCameraTime(clock: CameraClock): void;
  /** The calendar was set by so many µs, positive forward. */
  onClockStep(stepUs: number): void;
}

/** How a try ended. */
export interface CaptureEnd {
  cause: GapCause;
  reason: string;
  complaints: ReadonlySet<Complaint>;
  /** A picture was stored. */
  pictured: boolean;
  /** How long pictures were stored, by the node's clock. */
  lastedMs: number;
  /** The camera is well and only its picture or its time changed: try again at once. */
  again: boolean;
  /** Only a person can help. */
  hopeless: boolean;
  /** It was not even tried. */
  refused?: true;
}

/** Without a fragment for this long, or for three GOPs, a stream has stalled. */
const STALL_MS_MIN = 10_000;
const STALL_GOPS = 3;
/** A camera that sends pictures and no keyframe is given up after this. */
const KEYFRAME_MS_MAX = 60_000;
const WATCH_EVERY_MS = 500;
const NOT_UNDERSTOOD = 'what the camera sent could not be understood';

/** Why a capture ends. */
interface End {
  cause: GapCause;
  reason: string;
  again?: true;
  hopeless?: true;
}

/** One supply from start to end: its fragments are placed in time and go to the sink. Used once. */
export class Capture {
  readonly #deps: CaptureDeps;
  readonly #order: CaptureOrder;
  readonly #meter = new StreamMeter();
  readonly #complaints = new Set<Complaint>();
  #supply: Supply | null = null;
  #init: ParsedInit | null = null;
  #opening: Opening | null = null;
  /** A run is open in the sink. */
  #running = false;
  /** Decode time just after the last stored picture, in the video track's ticks. */
  #videoEnd = 0n;
  /** Parameter sets the stream's own keyframes carry beside those of its description. */
  #inBand: readonly Uint8Array[] = [];
  #end: End | null = null;
  #startedMs = 0;
  #picturedMs: number | null = null;
  #lastFragment: { at: number; monotonic: number } | null = null;
  #dropped = 0;
  #busy = false;

  constructor(deps: CaptureDeps, order: CaptureOrder) {
    this.#deps = deps;
    this.#order = order;
  }

  get tracks(): readonly Track[] {
    return this.#running && this.#init ? this.#init.tracks : [];
  }

  get lastFragmentAt(): number | null {
    return this.#lastFragment?.at ?? null;
  }

  /** Fragments that came before the first keyframe of a run, or whose timestamps could not be used. */
  get dropped(): number {
    return this.#dropped;
  }

  figures() {
    return this.#meter.figures();
  }

  facts(): SupplyFacts | null {
    return this.#supply?.facts() ?? null;
  }

  /** Runs the supply to its end; never rejects. */
  async run(): Promise<CaptureEnd> {
    const { clock } = this.#deps;
    this.#startedMs = clock.monotonic();
    const supply = this.#order.supply({
      onComplaint: (complaint) => void this.#complaints.add(complaint),
      onEnd: (end) => this.#hearEnd(end),
      onCameraTime: (told) => this.#order.onCameraTime(told),
    });
    this.#supply = supply;
    // It may have said its last word before we knew it.
    if (this.#end) void supply.end();
    const unwatch = this.#watch();
    try {
      await this.#pump(supply);
      if (this.#opening) await this.#beginRun(this.#opening.release());
    } catch (error) {
      this.#endBy(error);
    }
    unwatch();
    const { broken } = await supply.end();
    if (broken !== null) this.#end ??= { cause: 'unknown', reason: broken, hopeless: true };
    const end = this.#end ?? explain(this.#complaints);
    await this.#closeRun(end);
    const pictured = this.#picturedMs !== null;
    return {
      cause: end.cause,
      reason: end.reason,
      complaints: this.#complaints,
      pictured,
      lastedMs: this.#picturedMs === null ? 0 : clock.monotonic() - this.#picturedMs,
      again: 'again' in end,
      hopeless: 'hopeless' in end,
    };
  }

  /** Asks the supply to end; `run` resolves once what it still had is stored. */
  stop(cause: GapCause, reason: string): void {
    this.#finish({ cause, reason });
  }

  #finish(end: End): void {
    this.#end ??= end;
    void this.#supply?.end();
  }

  /** Nothing more is taken; an orderly stop still takes what the supply had on its way. */
  get #over(): boolean {
    return this.#end !== null && this.#end.cause !== 'stopped';
  }

  /** The supply says why it cannot go on. Times that jump before a run began end nothing: the opening sorts them out. */
  #hearEnd(end: End): void {
    if (end.cause !== 'timestamps' || this.#running || this.#supply?.kind === 'own') this.#finish(end);
  }

  async #pump(supply: Supply): Promise<void> {
    for await (const { arrival, items } of supply.pieces()) {
      const stepUs = this.#order.timeline.calendarStepUs(arrival);
      if (stepUs !== 0) this.#order.onClockStep(stepUs);
      this.#busy = true;
      for (const item of items) {
        if (this.#over) return;
        await this.#take(item, arrival);
      }
      this.#busy = false;
      if (this.#over) return;
    }
  }

  async #take(item: FragmentReaderItem, arrival: Arrival): Promise<void> {
    if ('init' in item) {
      this.#init = item.init;
      return;
    }
    const sinceUs = (this.#lastFragment?.monotonic ?? this.#startedMs) * 1000;
    this.#lastFragment = { at: Math.floor(arrival.wallUs / 1000), monotonic: arrival.monoUs / 1000 };
    const next = arrived(item.fragment, this.#init!, arrival);
    if (next.fragment.keyframe && this.#changed(next.fragment.firstVideoSample)) {
      this.#finish({ cause: 'changed', reason: 'picture size or codec settings changed', again: true });
      return;
    }
    if (this.#running) await this.#continueRun(next);
    else await this.#open(next, sinceUs);
  }

  /** Gathers the beginning of a run. */
  async #open(next: Arrived, sinceUs: number): Promise<void> {
    if (!this.#opening && !next.fragment.keyframe) {
      this.#dropped++;
      return;
    }
    this.#opening ??= new Opening(this.#init!, sinceUs);
    const held = this.#opening.add(next);
    if (held === null) return;
    if (held === 'again') {
      this.#dropped += this.#opening.held;
      this.#opening = null;
    } else await this.#beginRun(held);
  }

  async #beginRun(held: readonly Arrived[]): Promise<void> {
    this.#opening = null;
    const pieces = held.flatMap((each) => each.video ?? []);
    const startUs = this.#order.timeline.begin(pieces);
    this.#running = true;
    await this.#deps.sink.beginRun({ id: toHex(this.#deps.random.bytes(16)), init: this.#init!, startUs });
    for (const each of held) await this.#store(each);
    this.#picturedMs ??= this.#deps.clock.monotonic();
    this.#order.onPicture();
  }

  async #continueRun(next: Arrived): Promise<void> {
    const { timeline } = this.#order;
    if (next.video && timeline.jumped(next.video)) {
      this.#dropped++;
      this.#finish({ cause: 'timestamps', reason: TIMESTAMPS_JUMPED, again: true });
    } else if (next.fragment.keyframe && timeline.leftBehind(next.arrival)) {
      await this.#closeRun({ cause: 'clock', reason: 'the calendar of this node was set forward' });
      await this.#open(next, next.arrival.monoUs);
    } else await this.#store(next);
  }

  async #store({ fragment, arrival, video }: Arrived): Promise<void> {
    const { timeline } = this.#order;
    const track = this.#init!.tracks[0]!;
    if (video) this.#meter.add(fragment, track, video.mediaStartUs, video.mediaEndUs - video.mediaStartUs);
    const place = video ? timeline.place(video) : { startUs: timeline.endUs, endUs: timeline.endUs };
    const videoDecodeTime = video?.decodeTime ?? this.#videoEnd;
    if (video) this.#videoEnd = video.decodeEnd;
    const reference = { trackId: track.id, wallUs: place.startUs, mediaTime: videoDecodeTime };
    await this.#deps.sink.fragment({
      bytes: withReferenceTime(fragment.bytes, reference),
      keyframe: fragment.keyframe,
      ...place,
      monoUs: arrival.monoUs,
      sampleCount: video?.sampleCount ?? 0,
      videoDecodeTime,
    });
  }

  /**
   * True where a keyframe's own parameter sets are not those the stream began with. Those of the very first keyframe may differ
   * from the description in details (cameras' descriptions are often stale), but not in the size of the picture.
   */
  #changed(sample: Uint8Array): boolean {
    const video = this.#init!.tracks[0]!;
    const changed = changedPicture(video, sample, this.#inBand);
    if (!changed) return false;
    const early = !this.#running && !this.#opening && this.#inBand.length === 0;
    if (!early || !(changed === 'details' || this.#order.trusting)) return true;
    this.#inBand = sequenceParameterSets(video, sample);
    return false;
  }

  async #closeRun({ cause, reason }: End): Promise<void> {
    if (!this.#running) return;
    this.#running = false;
    this.#meter.clear();
    try {
      await this.#deps.sink.endRun({ cause, endUs: this.#order.timeline.endUs, reason });
    } catch (error) {
      this.#endBy(error);
    }
  }

  #endBy(error: unknown): void {
    if (error instanceof MediaError) {
      const unsupported = error.code === 'ERR_MEDIA_UNSUPPORTED';
      // Sound of a kind we cannot carry must not cost the picture: the next try goes without.
      if (!this.#init && this.#order.sound) this.#complaints.add('audio');
      this.#end ??= unsupported
        ? { cause: 'malformed', reason: 'the picture is neither H.264 nor H.265', hopeless: true }
        : { cause: 'malformed', reason: NOT_UNDERSTOOD };
    } else if (error instanceof NvrError) {
      const full = error.kind === 'exhausted';
      this.#end ??= full
        ? { cause: 'full', reason: 'the disk is full' }
        : { cause: 'storage', reason: 'storing failed' };
    } else {
      // A pipe that broke while the supply was being ended says nothing new.
      this.#end ??= explain(this.#complaints);
    }
  }

  /** Ends the supply when nothing came for too long; not while we ourselves keep it waiting. */
  #watch(): () => void {
    const { clock } = this.#deps;
    let waitedMs = this.#startedMs;
    let cancel = () => {};
    const look = () => {
      if (this.#busy) waitedMs = clock.monotonic();
      // Pictures before the first keyframe are a sign of life too, for a while.
      const patient = this.#running || clock.monotonic() - this.#startedMs < KEYFRAME_MS_MAX;
      const heardMs = (patient ? this.#supply?.heardMs : null) ?? 0;
      const quietMs = clock.monotonic() - Math.max(this.#lastFragment?.monotonic ?? 0, heardMs, waitedMs);
      const limitMs = Math.max(STALL_MS_MIN, STALL_GOPS * (this.figures().gopMs ?? 0));
      if (quietMs > limitMs) {
        const reason = this.#init ? `no picture for ${Math.round(quietMs / 1000)} s` : 'the camera sent no picture';
        this.#finish({ cause: this.#init ? 'stalled' : 'unreachable', reason });
        this.#order.onStall();
        return;
      }
      cancel = clock.after(untilWatch(clock), look);
    };
    cancel = clock.after(untilWatch(clock), look);
    return () => cancel();
  }
}

/** All captures look in the same moments: one waking for all of them. */
function untilWatch(clock: Clock): number {
  return WATCH_EVERY_MS - (clock.monotonic() % WATCH_EVERY_MS);
}
