import type { AudioTreatment, CameraAddress, Track } from '../media/index.ts';
import type { Clock, Datagrams, Log, Processes, Random, Sockets, Startable } from '../platform/index.ts';
import type { GapCause } from '../protocol/index.ts';
import { Backoff } from './backoff.ts';
import { Capture, type CaptureEnd } from './capture.ts';
import { FfmpegSupply } from './ffmpeg-supply.ts';
import { RtspSupply } from './rtsp-supply.ts';
import type { StreamSink } from './sink.ts';
import type { StartGate } from './start-gate.ts';
import type { CameraClock, ReaderKind, Supply, SupplyListener } from './supply.ts';
import { Timeline } from './timeline.ts';

/** `failed` is said when only a person can help: refused credentials, a program that is missing. Tries go on, slowly. */
export type RecorderState = 'starting' | 'running' | 'stalled' | 'backoff' | 'disabled' | 'failed';

/** What a recorder says of itself; nothing in it is secret. */
export interface RecorderStatus {
  state: RecorderState;
  /** Wall time it entered this state, epoch ms. */
  since: number;
  /** Why it does not run, or why it last ended. */
  cause?: GapCause;
  reason?: string;
  /** Tries after the first. */
  restarts: number;
  /** Epoch ms of the next try. */
  retryAt?: number;
  lastFragmentAt?: number;
  /** Of the current run; empty while none runs. */
  tracks: readonly Track[];
  transport: 'tcp' | 'udp';
  audio: AudioTreatment;
  bitsPerSecond: number | null;
  framesPerSecond: number | null;
  gopMs: number | null;
  /** Fragments that could not be used: no keyframe had come yet, or their timestamps jumped. */
  droppedFragments: number;
  /** What takes the stream in, or will at the next try. */
  reader: ReaderKind;
  /** RTP packets that never came, over all runs; counted by our own reader only. */
  lostPackets: number;
  /** By the newest sender report of this run; null where the camera sends none, or one that is no wall time. */
  cameraClock: CameraClock | null;
  /** rtsps by our own reader: SHA-256 of the certificate the camera shows, 64 hex digits; null elsewhere. */
  certificate: string | null;
}

export interface RecorderDeps {
  clock: Clock;
  random: Random;
  log: Log;
  processes: Processes;
  sockets: Sockets;
  datagrams: Datagrams;
  sink: StreamSink;
  /** Shared by the recorders of a node; without it each begins when it likes. */
  startGate?: StartGate;
}

export interface RecorderOptions {
  camera: CameraAddress;
  enabled: boolean;
  /** `auto` begins with TCP and falls back to UDP, and back. */
  transport: 'auto' | 'tcp' | 'udp';
  /** `keep` copies AAC and Opus and transcodes the rest to AAC; `copy` drops the rest; `none` takes no sound. */
  audio: 'keep' | 'copy' | 'none';
  /** End of what this stream already holds, whole µs; nothing is placed before it. */
  notBeforeUs: number;
  /** The program to run. */
  ffmpeg: string;
  /**
   * `auto` (the default) reads by itself and leaves to ffmpeg, for the rest of this recorder's life, what it does not read: other
   * codecs, sound that must be transcoded, pictures sent in another order than shown, and what three times could not be understood.
   */
  reader?: 'auto' | ReaderKind;
  /** rtsps: SHA-256 of the certificate the camera must show, 64 lower-case hex digits; ffmpeg is not used then. */
  certificate?: string;
  /** Told of the camera's own time, at most once a minute. */
  onCameraTime?: (clock: CameraClock) => void;
  /** Told when the calendar was set, by how many µs (positive forward); a running recording's times do not jump. */
  onClockStep?: (stepUs: number) => void;
  /** Asked before each try: null, or why this camera must not be recorded. It is asked again a minute later. */
  mayBegin?: (signal: AbortSignal) => Promise<{ cause: GapCause; reason: string } | null>;
}

/** A run that lasted this long was well: what went wrong before it is forgotten. */
const WELL_MS = 10_000;
/** Of the tries without a picture each third goes by UDP. */
const TRIES_FOR_UDP = 3;
/** Tries at once, without waiting, within a minute. */
const AT_ONCE_MAX = 4;
const AT_ONCE_WINDOW_MS = 60_000;
/** Runs that sound ended or disturbed before it is left out. */
const SOUND_TROUBLES_MAX = 3;
/** Tries of our own reader without a picture, for not understanding, before ffmpeg is asked. */
const MALFORMED_MAX = 3;
const CAMERA_TIME_EVERY_MS = 60_000;

/** Keeps one stream coming in, by our own reader or an ffmpeg child, for ever. */
export interface Recorder extends Startable {
  status(): RecorderStatus;
  /** Ends the run that goes on; what `mayBegin` says then decides. */
  interrupt(cause: GapCause, reason: string): void;
  /** Asks again at once whether it may begin, where that was refused. */
  reconsider(): void;
  /** Told after every change of state. */
  onState(listener: (status: RecorderStatus) => void): void;
}

/** Makes the recorder of one stream. `start` resolves at once, whatever the camera does; `stop` once the last run is closed. */
export function createRecorder(deps: RecorderDeps, options: RecorderOptions): Recorder {
  return new StreamRecorder(deps, options);
}

class StreamRecorder implements Recorder {
  readonly #deps: RecorderDeps;
  readonly #options: RecorderOptions;
  readonly #timeline: Timeline;
  readonly #backoff: Backoff;
  readonly #stopping = new AbortController();
  readonly #listeners: ((status: RecorderStatus) => void)[] = [];
  #life: Promise<void> | null = null;
  #capture: Capture | null = null;
  #state: RecorderState;
  #since: number;
  #last: { cause: GapCause; reason: string } | null = null;
  #retryAt: number | null = null;
  #lastFragmentAt: number | null = null;
  #tries = 0;
  /** When tries at once were made (monotonic ms), at most `AT_ONCE_MAX`. */
  #atOnce: number[] = [];
  #soundTroubles = 0;
  /** Tries since the last picture that connected, as far as we know, and got none. */
  #silentTries = 0;
  #trusting = false;
  #dropped = 0;
  /** How long it waited for its turn to begin, ms: its next pause is shorter by that. */
  #queuedMs = 0;
  /** Ends the pause after a refusal. */
  #reconsider: AbortController | null = null;
  /** Ends the turn to begin. */
  #begun: () => void = () => {};
  #transport: 'tcp' | 'udp';
  #audio: AudioTreatment;
  #reader: ReaderKind;
  /** Tries of our own reader in a row that understood nothing. */
  #malformed = 0;
  #lostPackets = 0;
  #certificate: string | null = null;
  #toldTimeMs = Number.NEGATIVE_INFINITY;

  constructor(deps: RecorderDeps, options: RecorderOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#timeline = new Timeline(options.notBeforeUs);
    this.#backoff = new Backoff(deps.random);
    this.#transport = options.transport === 'udp' ? 'udp' : 'tcp';
    this.#audio = options.audio === 'none' ? 'none' : 'copy';
    this.#reader = options.reader === 'ffmpeg' && options.certificate === undefined ? 'ffmpeg' : 'own';
    this.#state = options.enabled ? 'starting' : 'disabled';
    this.#since = deps.clock.now();
  }

  async start(): Promise<void> {
    if (!this.#options.enabled || this.#life) return;
    this.#life = this.#live();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#capture?.stop('stopped', 'the recorder was stopped');
    await this.#life;
  }

  status(): RecorderStatus {
    const capture = this.#capture;
    const lastFragmentAt = capture?.lastFragmentAt ?? this.#lastFragmentAt;
    const facts = capture?.facts() ?? null;
    const figures = capture?.figures() ?? { bitsPerSecond: null, framesPerSecond: null, gopMs: null };
    return {
      state: this.#state,
      since: this.#since,
      ...(this.#last && this.#state !== 'running' ? this.#last : {}),
      restarts: Math.max(0, this.#tries - 1),
      ...(this.#retryAt === null ? {} : { retryAt: this.#retryAt }),
      ...(lastFragmentAt === null ? {} : { lastFragmentAt }),
      tracks: capture?.tracks ?? [],
      transport: this.#transport,
      audio: this.#audio,
      ...figures,
      droppedFragments: this.#dropped + (capture?.dropped ?? 0),
      reader: this.#reader,
      lostPackets: this.#lostPackets + (facts?.lostPackets ?? 0),
      cameraClock: facts?.cameraClock ?? null,
      certificate: facts?.certificate ?? this.#certificate,
    };
  }

  interrupt(cause: GapCause, reason: string): void {
    this.#capture?.stop(cause, reason);
  }

  reconsider(): void {
    this.#reconsider?.abort();
  }

  onState(listener: (status: RecorderStatus) => void): void {
    this.#listeners.push(listener);
  }

  async #live(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const refusal = await this.#refusal();
      if (!refusal) await this.#queue();
      if (signal.aborted) return this.#begun();
      const end = refusal ?? (await this.#attempt());
      if (signal.aborted) return;
      this.#last = { cause: end.cause, reason: end.reason };
      if (end.lastedMs >= WELL_MS) this.#backoff.reset();
      if ((this.#adapt(end) || end.again) && this.#mayTryAtOnce()) continue;
      await this.#wait(end);
    }
  }

  /** Why this camera is not to be recorded now, or null. Who asks for us and cannot tell does not stop a recording. */
  async #refusal(): Promise<CaptureEnd | null> {
    const { clock, sink } = this.#deps;
    const refused = await this.#options.mayBegin?.(this.#stopping.signal).catch(() => null);
    if (!refused || this.#stopping.signal.aborted) return null;
    const { cause, reason } = refused;
    if (this.#last?.cause !== cause) this.#deps.log.warn({ cause, reason }, 'a camera is not to be recorded');
    await sink.refused?.({ cause, atUs: clock.nowUs() });
    return {
      ...{ cause, reason },
      complaints: new Set(),
      pictured: false,
      lastedMs: 0,
      again: false,
      hopeless: true,
      refused: true,
    };
  }

  /** Waits for the turn to begin. */
  async #queue(): Promise<void> {
    const { clock, startGate } = this.#deps;
    const sinceMs = clock.monotonic();
    this.#begun = (await startGate?.enter(this.#stopping.signal).catch(() => undefined)) ?? (() => {});
    this.#queuedMs = clock.monotonic() - sinceMs;
  }

  async #attempt(): Promise<CaptureEnd> {
    this.#tries++;
    this.#enter('starting');
    const capture = new Capture(this.#deps, {
      supply: (listener) => this.#supply(listener),
      sound: this.#audio !== 'none',
      timeline: this.#timeline,
      trusting: this.#trusting,
      onPicture: () => {
        this.#begun();
        this.#enter('running');
      },
      onStall: () => this.#enter('stalled'),
      onCameraTime: (told) => this.#hearTime(told),
      onClockStep: (stepUs) => this.#options.onClockStep?.(stepUs),
    });
    this.#capture = capture;
    const end = await capture.run();
    this.#begun();
    this.#lastFragmentAt = capture.lastFragmentAt ?? this.#lastFragmentAt;
    this.#dropped += capture.dropped;
    const facts = capture.facts();
    this.#lostPackets += facts?.lostPackets ?? 0;
    this.#certificate = facts?.certificate ?? this.#certificate;
    this.#capture = null;
    const { cause, reason } = end;
    const by = { reader: this.#reader, transport: this.#transport, audio: this.#audio };
    this.#deps.log.info({ cause, reason, ...by }, 'a run ended');
    return end;
  }

  #supply(listener: SupplyListener): Supply {
    const { camera, ffmpeg, audio, certificate, reader } = this.#options;
    const transport = this.#transport;
    if (this.#reader === 'ffmpeg') {
      return new FfmpegSupply(this.#deps, { ffmpeg, camera, transport, audio: this.#audio }, listener);
    }
    // Where ffmpeg is not asked, sound it would have to transcode is left out.
    const alone = reader === 'own' || certificate !== undefined;
    const sound = this.#audio === 'none' ? 'none' : audio === 'keep' && !alone ? 'keep' : 'copy';
    return new RtspSupply(this.#deps, { camera, transport, sound, certificate: certificate ?? null }, listener);
  }

  #hearTime(told: CameraClock): void {
    const nowMs = this.#deps.clock.monotonic();
    if (nowMs - this.#toldTimeMs < CAMERA_TIME_EVERY_MS) return;
    this.#toldTimeMs = nowMs;
    this.#options.onCameraTime?.(told);
  }

  /** Changes what the camera could not do; true when that is worth a try at once. */
  #adapt(end: CaptureEnd): boolean {
    if (end.refused) return false;
    if (this.#leaveToFfmpeg(end)) return true;
    if (end.cause === 'changed' && !end.pictured) this.#trusting = true;
    if (this.#leaveSoundOut(end)) return true;
    if (this.#options.transport !== 'auto') return false;
    if (end.pictured) {
      this.#transport = 'tcp';
      this.#silentTries = 0;
      return false;
    }
    // Both transports begin with the same connection: where that fails, or the password does, the other would fare no better.
    const refused = end.complaints.has('transport');
    if (!refused && (end.cause === 'unauthorized' || end.complaints.has('unreachable'))) return false;
    const other = this.#transport === 'tcp' ? 'udp' : 'tcp';
    this.#transport = refused ? other : ++this.#silentTries % TRIES_FOR_UDP === 0 ? 'udp' : 'tcp';
    return refused && this.#transport === 'udp';
  }

  /** Leaves the stream to ffmpeg where our own reader cannot carry it; for good, since cameras do not change their kind. */
  #leaveToFfmpeg({ cause, complaints, pictured }: CaptureEnd): boolean {
    if (this.#reader === 'ffmpeg' || this.#options.certificate !== undefined) return false;
    if (pictured || cause !== 'malformed') this.#malformed = 0;
    else this.#malformed++;
    const beyond = complaints.has('beyond') || complaints.has('sound-beyond');
    if ((this.#options.reader ?? 'auto') !== 'auto' || !(beyond || this.#malformed >= MALFORMED_MAX)) return false;
    this.#reader = 'ffmpeg';
    if (complaints.has('sound-beyond')) this.#audio = 'transcode';
    return true;
  }

  /** Sound never costs the picture: what cannot be copied is transcoded, and what ends or disturbs runs is left out. */
  #leaveSoundOut(end: CaptureEnd): boolean {
    if (this.#audio === 'none') return false;
    const blamed = end.complaints.has('audio') && ['malformed', 'ended', 'unknown'].includes(end.cause);
    const suspect = blamed || end.cause === 'timestamps';
    if (end.lastedMs >= WELL_MS || !suspect) this.#soundTroubles = 0;
    else this.#soundTroubles++;
    if (!(blamed && !end.pictured) && this.#soundTroubles < SOUND_TROUBLES_MAX) return false;
    this.#audio = this.#audio === 'copy' && this.#options.audio === 'keep' && blamed ? 'transcode' : 'none';
    this.#soundTroubles = 0;
    return true;
  }

  /** A camera that makes us begin again and again is not run after without a pause. */
  #mayTryAtOnce(): boolean {
    const nowMs = this.#deps.clock.monotonic();
    this.#atOnce = this.#atOnce.filter((atMs) => nowMs - atMs < AT_ONCE_WINDOW_MS);
    if (this.#atOnce.length >= AT_ONCE_MAX) return false;
    this.#atOnce.push(nowMs);
    return true;
  }

  async #wait(end: CaptureEnd): Promise<void> {
    const { clock } = this.#deps;
    this.#reconsider = end.refused ? new AbortController() : null;
    const waitMs = end.refused ? this.#backoff.slow() : this.#backoff.next(end.cause === 'unauthorized');
    const hopeless = this.#backoff.refused || end.hopeless;
    this.#retryAt = clock.now() + Math.round(waitMs);
    this.#enter(hopeless ? 'failed' : 'backoff');
    // Who had to queue has waited already; a refused password is not tried sooner for that.
    const pauseMs = hopeless ? waitMs : Math.max(0, waitMs - this.#queuedMs);
    const stopping = this.#stopping.signal;
    const woken = this.#reconsider ? AbortSignal.any([stopping, this.#reconsider.signal]) : stopping;
    await clock.sleep(pauseMs, woken).catch(() => {});
    this.#reconsider = null;
    this.#retryAt = null;
  }

  #enter(state: RecorderState): void {
    if (this.#state !== state) {
      this.#state = state;
      this.#since = this.#deps.clock.now();
    }
    for (const listener of this.#listeners) listener(this.status());
  }
}
