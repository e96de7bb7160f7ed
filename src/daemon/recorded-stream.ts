import type { StreamView } from '../commands/index.ts';
import {
  createRecorder,
  type EventActivity,
  type PrerollBudget,
  type Recorder,
  type RecorderOptions,
  RecordingGate,
  type RecordingRule,
  type StartGate,
  type StreamSink,
} from '../ingest/index.ts';
import type { Live } from '../live/index.ts';
import type { CameraAddress } from '../media/index.ts';
import type { Clock, Datagrams, Log, Processes, Random, Sockets } from '../platform/index.ts';
import type { GapCause } from '../protocol/index.ts';
import type { StreamPlace, StreamWriter, Vault } from '../vault/index.ts';
import type { SourceConfig } from './config.ts';

export interface RecordedStreamDeps {
  clock: Clock;
  random: Random;
  log: Log;
  processes: Processes;
  sockets: Sockets;
  datagrams: Datagrams;
  vault: Pick<Vault, 'openStream' | 'list'>;
  live: Live;
  /** Shared by all streams of the node. */
  startGate: StartGate;
  budget: PrerollBudget;
  /** Shared by the streams of a source. */
  activity: EventActivity;
}

/** What a stream is told by its source. */
export interface StreamOrder {
  place: StreamPlace;
  camera(): CameraAddress;
  rule: RecordingRule;
  mayBegin: NonNullable<RecorderOptions['mayBegin']>;
  onCameraTime: NonNullable<RecorderOptions['onCameraTime']>;
}

/** One stream on its way: recorder, then the gate that decides what is kept, then vault and live. */
export class RecordedStream {
  readonly place: StreamPlace;
  readonly #deps: RecordedStreamDeps;
  readonly #source: SourceConfig;
  readonly #order: StreamOrder;
  readonly #writer: VaultSink;
  readonly #gate: RecordingGate;
  #recorder: Recorder | null = null;

  constructor(deps: RecordedStreamDeps, source: SourceConfig, order: StreamOrder) {
    const { place, rule } = order;
    this.#deps = { ...deps, log: deps.log.child({ source: place.sourceId, stream: place.stream }) };
    this.#source = source;
    this.#order = order;
    this.place = place;
    this.#writer = new VaultSink(() => deps.vault.openStream(place));
    const sinks = { vault: this.#writer, live: deps.live.sink(place) };
    this.#gate = new RecordingGate({ ...this.#deps, ...sinks }, rule);
  }

  /** Begins recording; resolves at once, whatever the camera does. */
  async start(): Promise<void> {
    const { input, enabled, audio, reader, certificate } = this.#source;
    this.#recorder = createRecorder(
      { ...this.#deps, sink: this.#gate },
      {
        camera: this.#order.camera(),
        enabled,
        transport: input.kind === 'camera' ? input.transport : 'auto',
        audio: audio === 'auto' ? 'keep' : audio,
        notBeforeUs: this.#recordedUntilUs(),
        ffmpeg: 'ffmpeg',
        mayBegin: this.#order.mayBegin,
        reader,
        ...(certificate === null ? {} : { certificate }),
        onCameraTime: this.#order.onCameraTime,
      },
    );
    await this.#recorder.start();
  }

  async stop(): Promise<void> {
    await this.#recorder?.stop();
    this.#gate.close();
    await this.#writer.release();
  }

  /** Keeps something else of what comes from now on; the recorder does not notice. */
  rules(rule: RecordingRule): void {
    this.#gate.rules(rule);
  }

  /** Looks whether the schedule changed what is wanted. */
  look(): void {
    this.#gate.look();
  }

  /** Ends the run that goes on; the recorder asks then whether it may begin again. */
  interrupt(cause: GapCause, reason: string): void {
    this.#recorder?.interrupt(cause, reason);
  }

  /** Asks again at once where recording was refused. */
  reconsider(): void {
    this.#recorder?.reconsider();
  }

  view(): StreamView {
    const { stream, streamId } = this.place;
    const { enabled } = this.#source;
    const status = this.#recorder?.status() ?? {
      state: enabled ? ('starting' as const) : ('disabled' as const),
      since: this.#deps.clock.now(),
      restarts: 0,
      tracks: [],
    };
    const { sizeBytes, cut } = this.#gate.held;
    return {
      stream,
      streamId,
      status,
      recording: enabled ? this.#gate.recording : 'never',
      heldBytes: sizeBytes,
      heldCut: cut,
    };
  }

  /** Nothing new is placed before this: a calendar that was set back must not lay recordings over each other. */
  #recordedUntilUs(): number {
    const { sourceId, stream } = this.place;
    const everything = { fromUs: 0, toUs: Number.MAX_SAFE_INTEGER };
    const newest = this.#deps.vault.list({ sourceId, stream, ...everything, order: 'newest', limit: 1 }).segments[0];
    return newest?.endUs ?? 0;
  }
}

/** A stream of the vault that is opened when it is needed first: a stream that is only watched has none. */
class VaultSink implements StreamSink {
  readonly #open: () => StreamWriter;
  #writer: StreamWriter | null = null;

  constructor(open: () => StreamWriter) {
    this.#open = open;
  }

  async beginRun(...[run]: Parameters<StreamSink['beginRun']>): Promise<void> {
    this.#writer ??= this.#open();
    await this.#writer.beginRun(run);
  }

  async fragment(...[fragment]: Parameters<StreamSink['fragment']>): Promise<void> {
    await this.#writer!.fragment(fragment);
  }

  async endRun(...[end]: Parameters<StreamSink['endRun']>): Promise<void> {
    await this.#writer!.endRun(end);
  }

  async release(): Promise<void> {
    await this.#writer?.release();
  }
}
