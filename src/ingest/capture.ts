import { toHex } from '../bytes/index.ts';
import { NvrError } from '../errors.ts';
import {
  type AudioTreatment,
  type CameraAddress,
  changedPicture,
  FragmentReader,
  type FragmentReaderItem,
  MediaError,
  type ParsedInit,
  recordingCommand,
  sequenceParameterSets,
  type Track,
  withReferenceTime,
} from '../media/index.ts';
import type { Clock, OwnedProcess, Processes, Random } from '../platform/index.ts';
import type { GapCause } from '../protocol/index.ts';
import { backwardTicks, type Complaint, classifyErrorLine, explain } from './error-lines.ts';
import { type Arrived, arrived, Opening } from './opening.ts';
import type { StreamSink } from './sink.ts';
import { StreamMeter } from './stream-meter.ts';
import type { Arrival, Timeline } from './timeline.ts';

export interface CaptureDeps {
  clock: Clock;
  random: Random;
  processes: Processes;
  sink: StreamSink;
}

/** One try at one camera stream. */
export interface CaptureOrder {
  ffmpeg: string;
  camera: CameraAddress;
  transport: 'tcp' | 'udp';
  audio: AudioTreatment;
  timeline: Timeline;
  /** Take a stream whose keyframes contradict its description from the start; a camera that describes itself wrongly. */
  trusting: boolean;
  /** The first fragment of a run was stored. */
  onPicture(): void;
  /** Nothing came for too long; the child is being ended. */
  onStall(): void;
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
}

/** Without a fragment for this long, or for three GOPs, a stream has stalled. */
const STALL_MS_MIN = 10_000;
const STALL_GOPS = 3;
/** ffmpeg itself gives up on a silent camera after this. */
const CAMERA_TIMEOUT_MS = 10_000;
const WATCH_EVERY_MS = 500;
/** Timestamps that go back by more than this are a jump, not disorder. */
const BACK_S_MAX = 1;
const TIMESTAMPS_JUMPED = "the camera's timestamps jumped";
const NOT_UNDERSTOOD = 'what the camera sent could not be understood';

/** Why a capture ends. */
interface End {
  cause: GapCause;
  reason: string;
  again?: true;
  hopeless?: true;
}

/** One ffmpeg child from start to end: its bytes become placed fragments in the sink. Used once. */
export class Capture {
  readonly #deps: CaptureDeps;
  readonly #order: CaptureOrder;
  readonly #meter = new StreamMeter();
  readonly #complaints = new Set<Complaint>();
  #child: OwnedProcess | null = null;
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

  /** Runs the child to its end; never rejects. */
  async run(): Promise<CaptureEnd> {
    const { clock, processes } = this.#deps;
    const { ffmpeg, camera, transport, audio } = this.#order;
    const { args, input } = recordingCommand({ camera, transport, audio, timeoutMs: CAMERA_TIMEOUT_MS });
    this.#startedMs = clock.monotonic();
    const child = processes.spawn(ffmpeg, args, { input });
    this.#child = child;
    child.onErrorLine((line) => this.#hear(line));
    const unwatch = this.#watch();
    try {
      await this.#pump(child);
      if (this.#opening) await this.#beginRun(this.#opening.release());
    } catch (error) {
      this.#endBy(error);
    }
    unwatch();
    const exit = await child.stop();
    input.fill(0);
    if (exit.failed !== undefined || exit.code === 127) {
      this.#end ??= { cause: 'unknown', reason: `${ffmpeg} is not installed or cannot be started`, hopeless: true };
    }
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

  /** Asks the child to end; `run` resolves once what it still had is stored. */
  stop(cause: GapCause, reason: string): void {
    this.#finish({ cause, reason });
  }

  #finish(end: End): void {
    this.#end ??= end;
    void this.#child?.stop();
  }

  /** Nothing more is taken; an orderly stop still takes what the child wrote last. */
  get #over(): boolean {
    return this.#end !== null && this.#end.cause !== 'stopped';
  }

  /** One line of the child's standard error. It goes no further: it may hold the camera's password. */
  #hear(line: string): void {
    const complaint = classifyErrorLine(line);
    if (complaint) this.#complaints.add(complaint);
    const timescale = this.#init ? this.#init.tracks[0]!.timescale : Number.POSITIVE_INFINITY;
    const backward = (backwardTicks(line) ?? 0) > BACK_S_MAX * timescale;
    // From here on ffmpeg throws pictures away or squeezes their times together; a new child takes them as they are.
    if ((complaint === 'timestamps' || backward) && this.#running) {
      this.#finish({ cause: 'timestamps', reason: TIMESTAMPS_JUMPED, again: true });
    }
  }

  async #pump(child: OwnedProcess): Promise<void> {
    const { clock } = this.#deps;
    const reader = new FragmentReader();
    for await (const bytes of child.stdout) {
      const arrival = { wallUs: clock.nowUs(), monoUs: clock.monotonicUs() };
      const stepUs = this.#order.timeline.calendarStepUs(arrival);
      if (stepUs !== 0) this.#order.onClockStep(stepUs);
      this.#busy = true;
      for (const item of reader.push(bytes)) {
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
      if (!this.#init && this.#order.audio !== 'none') this.#complaints.add('audio');
      this.#end ??= unsupported
        ? { cause: 'malformed', reason: 'the picture is neither H.264 nor H.265', hopeless: true }
        : { cause: 'malformed', reason: NOT_UNDERSTOOD };
    } else if (error instanceof NvrError) {
      const full = error.kind === 'exhausted';
      this.#end ??= full
        ? { cause: 'full', reason: 'the disk is full' }
        : { cause: 'storage', reason: 'storing failed' };
    } else {
      // A pipe that broke while the child was being ended says nothing new.
      this.#end ??= explain(this.#complaints);
    }
  }

  /** Ends the child when nothing came for too long; not while we ourselves keep it waiting. */
  #watch(): () => void {
    const { clock } = this.#deps;
    let waitedMs = this.#startedMs;
    let cancel = () => {};
    const look = () => {
      if (this.#busy) waitedMs = clock.monotonic();
      const quietMs = clock.monotonic() - Math.max(this.#lastFragment?.monotonic ?? 0, waitedMs);
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
