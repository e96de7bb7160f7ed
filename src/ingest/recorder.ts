import type { AudioTreatment, CameraAddress, Track } from '../media/index.ts';
import type { Clock, Log, Processes, Random, Startable } from '../platform/index.ts';
import type { GapCause } from '../protocol/index.ts';
import { Backoff } from './backoff.ts';
import { Capture, type CaptureEnd } from './capture.ts';
import type { StreamSink } from './sink.ts';
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
}

export interface RecorderDeps {
  clock: Clock;
  random: Random;
  log: Log;
  processes: Processes;
  sink: StreamSink;
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
  /** Told when the calendar was set, by how many µs (positive forward); a running recording's times do not jump. */
  onClockStep?: (stepUs: number) => void;
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

/** Keeps one ffmpeg child alive for one stream, for ever. */
export interface Recorder extends Startable {
  status(): RecorderStatus;
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
  #transport: 'tcp' | 'udp';
  #audio: AudioTreatment;

  constructor(deps: RecorderDeps, options: RecorderOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#timeline = new Timeline(options.notBeforeUs);
    this.#backoff = new Backoff(deps.random);
    this.#transport = options.transport === 'udp' ? 'udp' : 'tcp';
    this.#audio = options.audio === 'none' ? 'none' : 'copy';
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
    };
  }

  onState(listener: (status: RecorderStatus) => void): void {
    this.#listeners.push(listener);
  }

  async #live(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const end = await this.#attempt();
      if (signal.aborted) return;
      this.#last = { cause: end.cause, reason: end.reason };
      if (end.lastedMs >= WELL_MS) this.#backoff.reset();
      if ((this.#adapt(end) || end.again) && this.#mayTryAtOnce()) continue;
      await this.#wait(end);
    }
  }

  async #attempt(): Promise<CaptureEnd> {
    this.#tries++;
    this.#enter('starting');
    const capture = new Capture(this.#deps, {
      ffmpeg: this.#options.ffmpeg,
      camera: this.#options.camera,
      transport: this.#transport,
      audio: this.#audio,
      timeline: this.#timeline,
      trusting: this.#trusting,
      onPicture: () => this.#enter('running'),
      onStall: () => this.#enter('stalled'),
      onClockStep: (stepUs) => this.#options.onClockStep?.(stepUs),
    });
    this.#capture = capture;
    const end = await capture.run();
    this.#lastFragmentAt = capture.lastFragmentAt ?? this.#lastFragmentAt;
    this.#dropped += capture.dropped;
    this.#capture = null;
    const { cause, reason } = end;
    this.#deps.log.info({ cause, reason, transport: this.#transport, audio: this.#audio }, 'a run ended');
    return end;
  }

  /** Changes what the camera could not do; true when that is worth a try at once. */
  #adapt(end: CaptureEnd): boolean {
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
    const waitMs = this.#backoff.next(end.cause === 'unauthorized');
    const hopeless = this.#backoff.refused || end.hopeless;
    this.#retryAt = clock.now() + Math.round(waitMs);
    this.#enter(hopeless ? 'failed' : 'backoff');
    await clock.sleep(waitMs, this.#stopping.signal).catch(() => {});
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
