import type { SourceView } from '../commands/index.ts';
import type { Live } from '../live/index.ts';
import { type CameraAddress, parseCameraUrl } from '../media/index.ts';
import type { Clock, Log, Processes, Random } from '../platform/index.ts';
import type { StreamId, StreamName } from '../protocol/index.ts';
import type { Vault } from '../vault/index.ts';
import type { SourceConfig } from './config.ts';
import { RecordedStream } from './recorded-stream.ts';
import { VirtualCameraChild } from './virtual-camera-child.ts';

export interface RunningSourceDeps {
  clock: Clock;
  random: Random;
  log: Log;
  processes: Processes;
  vault: Pick<Vault, 'openStream' | 'list'>;
  live: Live;
}

/** One configured source at work: its generated camera where it has one, and the recorders of its streams. */
export class RunningSource {
  readonly #log: Log;
  readonly #child: VirtualCameraChild | null;
  readonly #streams: readonly RecordedStream[];
  #config: SourceConfig;

  /** `ids`: the ids of its streams, in the order of `streamNames`. */
  constructor(deps: RunningSourceDeps, config: SourceConfig, ids: readonly StreamId[]) {
    const { id, enabled, input } = config;
    this.#log = deps.log;
    this.#config = config;
    this.#child =
      input.kind === 'virtual' && enabled
        ? new VirtualCameraChild({ ...deps, log: deps.log.child({ room: 'camera', source: id }) }, input.camera)
        : null;
    const recorderDeps = { ...deps, log: deps.log.child({ room: 'ingest' }) };
    this.#streams = streamNames(config).map((stream, i) => {
      const place = { sourceId: id, stream, streamId: ids[i]! };
      return new RecordedStream(recorderDeps, config, place, () => this.#cameraOf(stream));
    });
  }

  get config(): SourceConfig {
    return this.#config;
  }

  /** Begins recording; waits for a generated camera, and for no other. */
  async start(): Promise<void> {
    await this.#child?.start();
    for (const stream of this.#streams) await stream.start();
  }

  /** Resolves when its recordings are closed and its children are gone; what went wrong on the way is told in the log. */
  async stop(): Promise<void> {
    const results = await Promise.allSettled(this.#streams.map((stream) => stream.stop()));
    results.push(...(await Promise.allSettled([this.#child?.stop()])));
    for (const result of results) {
      if (result.status === 'rejected') {
        this.#log.error({ source: this.#config.id, error: result.reason }, 'a source did not stop cleanly');
      }
    }
  }

  /** Takes over what no recorder goes by; false where something else changed too, and the source must begin anew. */
  adopt(config: SourceConfig): boolean {
    if (recordingFacts(config) !== recordingFacts(this.#config)) return false;
    this.#config = config;
    return true;
  }

  view(): SourceView {
    const { id, name, enabled } = this.#config;
    return { id, name, enabled, streams: this.#streams.map((stream) => stream.view()) };
  }

  #cameraOf(stream: StreamName): CameraAddress {
    const { input } = this.#config;
    if (input.kind === 'camera') return stream === 'main' ? input.main : input.sub!;
    return parseCameraUrl(this.#child?.url(stream) ?? 'rtsp://127.0.0.1:9/disabled');
  }
}

/** The streams a source has. */
export function streamNames({ input }: Pick<SourceConfig, 'input'>): StreamName[] {
  const hasSub = input.kind === 'camera' ? input.sub !== null : input.camera.sub;
  return hasSub ? ['main', 'sub'] : ['main'];
}

/** All that a recorder goes by, as one text to be compared and nothing else: there are passwords in it. */
function recordingFacts({ id, enabled, input, audio }: SourceConfig): string {
  return JSON.stringify([id, enabled, input, audio]);
}
