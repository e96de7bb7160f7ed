import type { StoredEvent } from '../cameras/index.ts';
import { isNvrError } from '../errors.ts';
import {
  type Access,
  type CameraEventKind,
  EVENT_CHANGES_SECOND_MAX,
  EVENT_WATCHES_MAX,
  EVENTS_PAGE_MAX,
  type EventFacts,
  earliestOf,
  isLabel,
  mayAt,
  type SourceId,
  TIME_AT_MAX,
} from '../protocol/index.ts';
import { paramsRefused, tooManyWatches } from './errors.ts';
import type { CommandDeps, Family } from './handler.ts';
import type { EventsView } from './views.ts';

/** `events.list`, `events.watch`. */
export function eventCommands({
  events,
  devices,
  clock,
}: Pick<CommandDeps, 'events' | 'devices' | 'clock'>): Family<'events.list' | 'events.watch'> {
  /** Watches by session id; bounded by the open channels. */
  const watches = new Map<string, number>();

  return {
    async 'events.list'({ params, access, at }) {
      const earliest = earliestOf(access, at);
      const page = listPage(events, {
        sources: sourcesOf(access, params.sources),
        kinds: params.kinds ? new Set(params.kinds) : 'all',
        fromAt: Math.max(params.from, earliest),
        toAt: params.to,
        order: params.order,
        limit: params.limit,
        ...(params.cursor === undefined ? {} : { cursor: params.cursor }),
      });
      const told = page.events.map((event) => factsOf(events, event, earliest));
      return { events: told, ...(page.cursor === undefined ? {} : { cursor: page.cursor }) };
    },

    async 'events.watch'({ params, call, access, at, signal }) {
      const { sessionId, device } = call.caller;
      const open = watches.get(sessionId) ?? 0;
      if (open >= EVENT_WATCHES_MAX) throw tooManyWatches(EVENT_WATCHES_MAX);
      watches.set(sessionId, open + 1);
      const isWanted = wanted(params.sources, params.kinds);
      const pace = new Pace(clock, (count) => call.stream.event('events.missed', { count }));
      /** Sources may be taken from a device, and given to it, while it watches. */
      const end = events.onChange((event) => {
        const now = devices.accessOf(device, clock.now());
        if (!now || !mayAt(now, 'live', event.source) || !isWanted(event)) return;
        if (!pace.mayTell()) return;
        call.stream.event('events.changed', factsOf(events, event, earliestOf(now, clock.now())));
      });
      try {
        const going = events.open().filter((event) => mayAt(access, 'live', event.source) && isWanted(event));
        const told = going.slice(0, EVENTS_PAGE_MAX).map((event) => factsOf(events, event, earliestOf(access, at)));
        call.stream.reply({ open: told, complete: told.length === going.length });
        await new Promise((resolve) => {
          if (signal.aborted) resolve(null);
          signal.addEventListener('abort', resolve, { once: true });
        });
        signal.throwIfAborted();
        return undefined;
      } finally {
        end();
        pace.end();
        const left = (watches.get(sessionId) ?? 1) - 1;
        if (left > 0) watches.set(sessionId, left);
        else watches.delete(sessionId);
      }
    },
  };
}

/** So many changes a second; the rest is counted, and told as a number when the second is over. */
class Pace {
  readonly #clock: CommandDeps['clock'];
  readonly #missed: (count: number) => void;
  #told = 0;
  #left = 0;
  #cancel: (() => void) | null = null;

  constructor(clock: CommandDeps['clock'], missed: (count: number) => void) {
    this.#clock = clock;
    this.#missed = missed;
  }

  mayTell(): boolean {
    this.#cancel ??= this.#clock.after(1_000, () => this.#over());
    if (this.#told === EVENT_CHANGES_SECOND_MAX) this.#left += 1;
    else this.#told += 1;
    return this.#left === 0;
  }

  end(): void {
    this.#cancel?.();
    this.#cancel = null;
  }

  #over(): void {
    const missed = this.#left;
    this.#cancel = null;
    this.#told = 0;
    this.#left = 0;
    if (missed > 0) this.#missed(missed);
  }
}

function sourcesOf({ sources }: Access, named: readonly SourceId[] | undefined): 'all' | ReadonlySet<SourceId> {
  if (!named) return sources;
  return new Set(named.filter((source) => sources === 'all' || sources.has(source)));
}

function wanted(
  sources: readonly SourceId[] | undefined,
  kinds: readonly CameraEventKind[] | undefined,
): (event: StoredEvent) => boolean {
  return ({ source, kind }) => (sources?.includes(source) ?? true) && (kinds?.includes(kind) ?? true);
}

/** A cursor that the store does not know is the caller's fault. */
function listPage(events: EventsView, query: Parameters<EventsView['list']>[0]): ReturnType<EventsView['list']> {
  try {
    return events.list(query);
  } catch (error) {
    if (isNvrError(error, 'invalid')) throw paramsRefused('cursor: expected one of a page before');
    throw error;
  }
}

/** An event on the wire, with the camera's time of it: as the camera said, else as its clock was measured. */
function factsOf(events: EventsView, event: StoredEvent, earliest: number): EventFacts {
  const { id, source, kind, name, endAt, endedBy, initial, count } = event;
  const isCut = event.startAt < earliest;
  const startAt = atOf(isCut ? earliest : event.startAt);
  const end = endAt === null ? null : atOf(Math.max(endAt, startAt));
  const start = momentOf(events, source, startAt, isCut ? null : event.cameraStartAt);
  const stop = end === null ? null : momentOf(events, source, end, event.cameraEndAt);
  const uncertainties = [start, stop].flatMap((moment) => moment?.uncertaintyMs ?? []);
  return {
    id,
    source,
    kind,
    ...(name !== null && isLabel(name) ? { name } : {}),
    startAt,
    endAt: end,
    ...(endedBy === null ? {} : { endedBy }),
    ...(initial ? { initial } : {}),
    count,
    ...(start ? { cameraStartAt: start.at } : {}),
    ...(stop ? { cameraEndAt: stop.at } : {}),
    ...(uncertainties.length > 0 ? { cameraUncertaintyMs: Math.max(...uncertainties) } : {}),
  };
}

function momentOf(events: EventsView, source: SourceId, nodeAt: number, said: number | null) {
  if (said !== null) return { at: atOf(said), uncertaintyMs: null };
  const known = events.cameraTimeAt(source, nodeAt);
  return known && { at: atOf(known.cameraAt), uncertaintyMs: known.uncertaintyMs };
}

function atOf(at: number): number {
  return Math.min(Math.max(0, Math.floor(at)), TIME_AT_MAX);
}
