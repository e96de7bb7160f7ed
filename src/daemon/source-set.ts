import type { SourceView } from '../commands/index.ts';
import { type ActivityEvent, EventActivity, PrerollBudget, StartGate } from '../ingest/index.ts';
import type { SourceId } from '../protocol/index.ts';
import type { SourceConfig } from './config.ts';
import { RunningSource, type RunningSourceDeps, streamNames } from './running-source.ts';
import type { StreamIds } from './stream-ids.ts';

/** What each source gets from the set, and the rest, without which schedules go by the system's zone and no camera is asked. */
type Shared = 'vault' | 'cameras' | 'timezone' | 'startGate' | 'budget' | 'activity';

export interface SourceSetDeps extends Omit<RunningSourceDeps, Shared> {
  streamIds: StreamIds;
  cameras?: RunningSourceDeps['cameras'];
  timezone?: string;
  /** Known once the vault has started. */
  vault(): RunningSourceDeps['vault'];
}

/** What a new configuration did to the sources. */
export interface SourceChanges {
  started: SourceId[];
  restarted: SourceId[];
  stopped: SourceId[];
  /** Only told differently: a name, or limits that the vault goes by. */
  adopted: SourceId[];
}

/**
 * The sources at work, in the order of the configuration. A change touches the sources it is about and no other: the others'
 * recorders do not notice. Calls of `start`, `apply` and `stop` must not overlap; their owner takes turns.
 */
export class SourceSet {
  readonly #deps: SourceSetDeps;
  readonly #startGate: StartGate;
  readonly #budget = new PrerollBudget();
  /** What goes on in front of the cameras: kept while a source begins anew. Of the running ones. */
  readonly #activities = new Map<SourceId, EventActivity>();
  /** Bounded by `SOURCES_MAX` of the configuration. */
  #running = new Map<SourceId, RunningSource>();

  constructor(deps: SourceSetDeps) {
    this.#deps = deps;
    this.#startGate = new StartGate(deps.clock);
  }

  /** Loads the stream ids and begins every source. A camera that does not answer holds up nothing. */
  async start(sources: readonly SourceConfig[]): Promise<void> {
    await this.#deps.streamIds.load();
    await this.apply(sources);
  }

  /** Writes down ids for streams that have none yet: the one step of `apply` that a disk can refuse. */
  async reserve(sources: readonly SourceConfig[]): Promise<void> {
    await this.#deps.streamIds.assign(sources.flatMap(placesOf));
  }

  /** Makes these the configured sources. Rejects, having changed nothing, where ids could not be written down. */
  async apply(sources: readonly SourceConfig[]): Promise<SourceChanges> {
    await this.reserve(sources);
    const changes: SourceChanges = { started: [], restarted: [], stopped: [], adopted: [] };
    const before = this.#running;
    const next = new Map<SourceId, RunningSource>();
    const tasks: Promise<void>[] = [];
    for (const config of sources) {
      const { id } = config;
      const known = before.get(id);
      const was = known?.config;
      if (known?.adopt(config)) {
        next.set(id, known);
        if (JSON.stringify(was) !== JSON.stringify(config)) changes.adopted.push(id);
        continue;
      }
      (known ? changes.restarted : changes.started).push(id);
      const fresh = await this.#create(config);
      next.set(id, fresh);
      tasks.push(this.#replace(known, fresh));
    }
    for (const [id, source] of before) {
      if (next.has(id)) continue;
      changes.stopped.push(id);
      this.#activities.delete(id);
      tasks.push(this.#remove(source));
    }
    this.#running = next;
    await Promise.all(tasks);
    return changes;
  }

  /** All at once: each waits for its own camera and disk, not for the others'. */
  async stop(): Promise<void> {
    await Promise.all([...this.#running.values()].map((source) => source.stop()));
  }

  /** A camera told of something. */
  event(source: SourceId, event: ActivityEvent): void {
    this.#activities.get(source)?.tell(event);
  }

  /** Nobody knows what goes on in front of a camera from here on (false), or again (true). */
  eventsConnected(source: SourceId, connected: boolean): void {
    this.#activities.get(source)?.connect(connected);
  }

  /** What is known of a camera changed. */
  cameraChanged(source: SourceId): void {
    this.#running.get(source)?.cameraChanged();
  }

  /** Where the device service of a source's camera is, and who must answer there; null where it has none. */
  onvifOf(source: SourceId): SourceConfig['onvif'] {
    return this.#running.get(source)?.onvif ?? null;
  }

  list(): SourceView[] {
    return [...this.#running.values()].map((source) => source.view());
  }

  /** Sources that were configured once and may have left recordings. */
  retained(): SourceId[] {
    return this.#deps.streamIds.sources().filter((id) => !this.#running.has(id));
  }

  async #create(config: SourceConfig): Promise<RunningSource> {
    const ids = await this.#deps.streamIds.assign(placesOf(config));
    const { clock, cameras = null, timezone = systemTimezone() } = this.#deps;
    const shared = { vault: this.#deps.vault(), startGate: this.#startGate, budget: this.#budget };
    const connected = cameras?.view(config.id)?.eventsConnected ?? false;
    const activity = this.#activities.get(config.id) ?? new EventActivity(clock, connected);
    this.#activities.set(config.id, activity);
    return new RunningSource({ ...this.#deps, ...shared, cameras, timezone, activity }, config, ids);
  }

  /** The old recordings are closed before the new ones begin: a stream has one writer. */
  async #replace(known: RunningSource | undefined, fresh: RunningSource): Promise<void> {
    const { log, live } = this.#deps;
    await known?.stop();
    if (known && streamNames(known.config).length > streamNames(fresh.config).length) {
      // Who watches the small picture that is no more would wait for ever.
      live.removeSource(known.config.id);
    }
    try {
      await fresh.start();
    } catch (error) {
      log.error({ source: fresh.config.id, error }, 'a source could not begin');
    }
  }

  async #remove(source: RunningSource): Promise<void> {
    await source.stop();
    this.#deps.live.removeSource(source.config.id);
  }
}

function systemTimezone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

function placesOf(source: SourceConfig) {
  return streamNames(source).map((stream) => ({ sourceId: source.id, stream }));
}
