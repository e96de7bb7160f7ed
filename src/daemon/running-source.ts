import type { CameraDesk } from '../cameras/index.ts';
import type { SourceView } from '../commands/index.ts';
import type { EventActivity, PrerollBudget, RecordingRule, StartGate } from '../ingest/index.ts';
import type { Live } from '../live/index.ts';
import { type CameraAddress, parseCameraUrl } from '../media/index.ts';
import type { Clock, Datagrams, Log, Processes, Random, Sockets } from '../platform/index.ts';
import type { StreamId, StreamName } from '../protocol/index.ts';
import type { Vault } from '../vault/index.ts';
import type { SourceConfig } from './config.ts';
import { RecordedStream } from './recorded-stream.ts';
import { ScheduleWatch } from './schedule-watch.ts';
import { VirtualCameraChild } from './virtual-camera-child.ts';

export interface RunningSourceDeps {
  clock: Clock;
  random: Random;
  log: Log;
  processes: Processes;
  sockets: Sockets;
  datagrams: Datagrams;
  vault: Pick<Vault, 'openStream' | 'list'>;
  live: Live;
  /** What the node knows of its cameras; null where it keeps in touch with none. */
  cameras: Pick<CameraDesk, 'view' | 'admits' | 'reported'> | null;
  /** Name of the time zone that schedules go by. */
  timezone: string;
  startGate: StartGate;
  budget: PrerollBudget;
  activity: EventActivity;
}

const FOREIGN = 'another camera answers at this address';

/** One configured source at work: its generated camera where it has one, the recorders of its streams, and what is kept of them. */
export class RunningSource {
  readonly #deps: RunningSourceDeps;
  readonly #child: VirtualCameraChild | null;
  readonly #streams: readonly RecordedStream[];
  readonly #schedule: ScheduleWatch;
  #config: SourceConfig;

  /** `ids`: the ids of its streams, in the order of `streamNames`. */
  constructor(deps: RunningSourceDeps, config: SourceConfig, ids: readonly StreamId[]) {
    const { id, enabled, input } = config;
    this.#deps = deps;
    this.#config = config;
    this.#child =
      input.kind === 'virtual' && enabled
        ? new VirtualCameraChild(
            { ...deps, log: deps.log.child({ room: 'camera', source: id }) },
            input.camera,
            `virtual-${id}`,
          )
        : null;
    this.#schedule = new ScheduleWatch(deps.clock, deps.timezone, () => {
      for (const stream of this.#streams) stream.look();
    });
    const recorderDeps = { ...deps, log: deps.log.child({ room: 'ingest' }) };
    this.#streams = streamNames(config).map(
      (stream, i) =>
        new RecordedStream(recorderDeps, config, {
          place: { sourceId: id, stream, streamId: ids[i]! },
          camera: () => this.#cameraOf(stream),
          rule: this.#ruleOf(stream),
          mayBegin: (signal) => this.#mayBegin(signal),
          onCameraTime: (time) => deps.cameras?.reported(id, time),
        }),
    );
  }

  get config(): SourceConfig {
    return this.#config;
  }

  /** Its camera's device service; of a generated camera once that has been started. */
  get onvif(): SourceConfig['onvif'] {
    const service = this.#child?.service ?? null;
    return service === null ? this.#config.onvif : { service, hardwareId: null };
  }

  /** Begins recording, whatever the camera does; waits only for the device service of a generated camera, which is asked next. */
  async start(): Promise<void> {
    this.#schedule.follow(this.#config.record.schedule);
    await this.#child?.start();
    if (this.#child?.service) await this.#child.listening();
    for (const stream of this.#streams) await stream.start();
  }

  /** Resolves when its recordings are closed and its children are gone; what went wrong on the way is told in the log. */
  async stop(): Promise<void> {
    this.#schedule.stop();
    const results = await Promise.allSettled(this.#streams.map((stream) => stream.stop()));
    results.push(...(await Promise.allSettled([this.#child?.stop()])));
    for (const result of results) {
      if (result.status === 'rejected') {
        this.#deps.log.error({ source: this.#config.id, error: result.reason }, 'a source did not stop cleanly');
      }
    }
  }

  /** Takes over what no recorder goes by; false where something else changed too, and the source must begin anew. */
  adopt(config: SourceConfig): boolean {
    if (recordingFacts(config) !== recordingFacts(this.#config)) return false;
    const before = this.#config;
    this.#config = config;
    if (JSON.stringify(config.record) !== JSON.stringify(before.record)) {
      this.#schedule.follow(config.record.schedule);
      for (const stream of this.#streams) stream.rules(this.#ruleOf(stream.place.stream));
    }
    return true;
  }

  /** What is known of the camera changed: another one is not recorded, and the right one is at once. */
  cameraChanged(): void {
    const state = this.#deps.cameras?.view(this.#config.id)?.state;
    for (const stream of this.#streams) {
      if (state === 'foreign') stream.interrupt('foreign', FOREIGN);
      else stream.reconsider();
    }
  }

  view(): SourceView {
    const { id, name, enabled } = this.#config;
    const camera = this.#deps.cameras?.view(id) ?? null;
    return { id, name, enabled, camera, streams: this.#streams.map((stream) => stream.view()) };
  }

  #ruleOf(stream: StreamName): RecordingRule {
    const { record } = this.#config;
    const { on, beforeMs, afterMs } = record;
    return { mode: record[stream], on, beforeMs, afterMs, scheduled: () => this.#schedule.allows };
  }

  async #mayBegin(signal: AbortSignal) {
    await this.#child?.listening(signal);
    const { cameras } = this.#deps;
    const { id, onvif } = this.#config;
    if (!cameras || !onvif) return null;
    return (await cameras.admits(id, signal)) === 'foreign' ? { cause: 'foreign' as const, reason: FOREIGN } : null;
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
function recordingFacts({ id, enabled, input, audio, reader, certificate }: SourceConfig): string {
  return JSON.stringify([id, enabled, input, audio, reader, certificate]);
}
