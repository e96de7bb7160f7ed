import type { Startable } from '../platform/index.ts';
import type { CameraEventKind, SourceId } from '../protocol/index.ts';
import type { CameraEvent, ClockMeasurement } from './api.ts';

/** Something a camera told of, from when to when. A moment ends where it starts. */
export interface StoredEvent {
  /** Never used again, as long as the file is whole. */
  id: number;
  source: SourceId;
  kind: CameraEventKind;
  /** Region, line or input, a label; null where the camera did not say, and where several were joined. */
  name: string | null;
  /** Node's calendar, epoch ms. */
  startAt: number;
  /** Null while it goes on. */
  endAt: number | null;
  /** Who said that it ended: `lost`, nobody: the subscription was lost; `restart`, nobody: the node stopped. Null while it goes on. */
  endedBy: EventEnd | null;
  /** It went on already when the subscription began. */
  initial: boolean;
  /** How often the camera told that it began; more than 1 where it repeated itself, or told too much. */
  count: number;
  /** What the camera's own clock said at both ends, epoch ms, where it said so. */
  cameraStartAt: number | null;
  cameraEndAt: number | null;
}

export type EventEnd = 'camera' | 'lost' | 'restart';

/** Which events: those that touch [fromAt, toAt). */
export interface EventQuery {
  sources: 'all' | ReadonlySet<SourceId>;
  kinds: 'all' | ReadonlySet<CameraEventKind>;
  fromAt: number;
  toAt: number;
  /** By start. */
  order: 'oldest' | 'newest';
  /** At most 1,000. */
  limit: number;
  /** Of the page before, with the same other fields. */
  cursor?: string;
}

export interface EventPage {
  events: StoredEvent[];
  /** Absent on the last page. */
  cursor?: string;
}

/** A moment as a camera's clock showed it, epoch ms. */
export interface CameraMoment {
  cameraAt: number;
  uncertaintyMs: number;
}

/** What cameras told, kept beside the recordings (docs/events.md). A broken disk loses events and stops nothing. */
export interface EventStore extends Startable {
  /** Takes what a camera told; repetitions change nothing. Never throws. */
  take(source: SourceId, event: CameraEvent): void;
  /** With false: nobody knows what goes on from here, so what went on ends now as `lost`. */
  connected(source: SourceId, connected: boolean): void;
  /** The kinds that go on at this moment; moments are told to `onChange` only. */
  active(source: SourceId): ReadonlySet<CameraEventKind>;
  /** Everything that goes on, oldest first. */
  open(): StoredEvent[];
  /** `ERR_CAMERAS_EVENTS_CURSOR` (`invalid`) for a cursor that is none of ours. Empty while the file cannot be read. */
  list(query: EventQuery): EventPage;
  /** Told of every event that began, ended, or was joined with another. Gives the function that ends it. */
  onChange(listener: (event: StoredEvent) => void): () => void;
  /** Keeps a reading of a camera's clock. */
  measured(source: SourceId, measurement: ClockMeasurement): void;
  /** What the camera's clock showed at a moment of the node's calendar, by the readings around it; null where there is none. */
  cameraTimeAt(source: SourceId, nodeAt: number): CameraMoment | null;
  /** Forgets what ended before `beforeAt` (epoch ms), at most 20,000 events of one source a call. Gives how many. */
  forget(source: SourceId, beforeAt: number): number;
}
