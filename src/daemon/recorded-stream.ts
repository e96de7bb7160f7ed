import type { StreamView } from '../commands/index.ts';
import { createRecorder, type Recorder, type StreamSink } from '../ingest/index.ts';
import type { Live } from '../live/index.ts';
import type { CameraAddress } from '../media/index.ts';
import type { Clock, Log, Processes, Random } from '../platform/index.ts';
import type { StreamPlace, StreamWriter, Vault } from '../vault/index.ts';
import type { SourceConfig } from './config.ts';

export interface RecordedStreamDeps {
  clock: Clock;
  random: Random;
  log: Log;
  processes: Processes;
  vault: Pick<Vault, 'openStream' | 'list'>;
  live: Live;
}

/** One stream on its way: recorder, then vault, then live. */
export class RecordedStream {
  readonly place: StreamPlace;
  readonly #deps: RecordedStreamDeps;
  readonly #source: SourceConfig;
  readonly #camera: () => CameraAddress;
  #recorder: Recorder | null = null;
  #writer: StreamWriter | null = null;

  constructor(deps: RecordedStreamDeps, source: SourceConfig, place: StreamPlace, camera: () => CameraAddress) {
    this.#deps = { ...deps, log: deps.log.child({ source: place.sourceId, stream: place.stream }) };
    this.#source = source;
    this.place = place;
    this.#camera = camera;
  }

  /** Begins recording; resolves at once, whatever the camera does. */
  async start(): Promise<void> {
    const { vault, live } = this.#deps;
    const writer = vault.openStream(this.place);
    this.#writer = writer;
    this.#recorder = createRecorder(
      { ...this.#deps, sink: bothSinks(writer, live.sink(this.place)) },
      {
        camera: this.#camera(),
        enabled: this.#source.enabled,
        transport: this.#source.input.kind === 'camera' ? this.#source.input.transport : 'auto',
        audio: this.#source.audio === 'auto' ? 'keep' : this.#source.audio,
        notBeforeUs: this.#recordedUntilUs(),
        ffmpeg: 'ffmpeg',
      },
    );
    await this.#recorder.start();
  }

  async stop(): Promise<void> {
    await this.#recorder?.stop();
    await this.#writer?.release();
  }

  view(): StreamView {
    const { stream, streamId } = this.place;
    const status = this.#recorder?.status() ?? {
      state: this.#source.enabled ? ('starting' as const) : ('disabled' as const),
      since: this.#deps.clock.now(),
      restarts: 0,
      tracks: [],
    };
    return { stream, streamId, status };
  }

  /** Nothing new is placed before this: a calendar that was set back must not lay recordings over each other. */
  #recordedUntilUs(): number {
    const { sourceId, stream } = this.place;
    const everything = { fromUs: 0, toUs: Number.MAX_SAFE_INTEGER };
    const newest = this.#deps.vault.list({ sourceId, stream, ...everything, order: 'newest', limit: 1 }).segments[0];
    return newest?.endUs ?? 0;
  }
}

/** The vault takes everything first; live gets what is on its way to the disk, and can hold nothing up. */
function bothSinks(vault: StreamSink, live: ReturnType<Live['sink']>): StreamSink {
  return {
    async beginRun(run) {
      await vault.beginRun(run);
      live.beginRun(run);
    },
    async fragment(fragment) {
      await vault.fragment(fragment);
      live.fragment(fragment);
    },
    async endRun(end) {
      live.endRun(end);
      await vault.endRun(end);
    },
  };
}
