import type { Startable } from '../platform/index.ts';
import type { CameraEventKind, SourceId } from '../protocol/index.ts';

/**
 * What a camera is asked through: one driver for each way of speaking to cameras, ONVIF the first. Every call has an absolute
 * deadline of its own and a bounded answer; it rejects with `CameraError`, and with nothing else. Texts a driver gives are labels (`isLabel`) or
 * null: whatever a camera said that cannot be shown to people is left out.
 */
export interface CameraDriver {
  /** Who answers at this address. */
  identify(signal?: AbortSignal): Promise<CameraIdentity>;
  /** What it can do; asked once for each life of the driver, then remembered. */
  abilities(signal?: AbortSignal): Promise<CameraAbilities>;
  /** Its streams, largest picture first; at most 16. */
  streams(signal?: AbortSignal): Promise<CameraStream[]>;
  /** A picture of now as it came: JPEG, at most 8 MiB. */
  snapshot(signal?: AbortSignal): Promise<Uint8Array>;
  readonly ptz: PtzDriver;
  readonly imaging: ImagingDriver;
  /**
   * Tells what happens in front of the camera until the signal aborts: subscribes, pulls, renews, subscribes again where the camera
   * forgot. Resolves on abort, after it unsubscribed; rejects where the camera cannot tell of anything (`unsupported`) or refuses the
   * credentials. Everything else is tried again, slowly.
   */
  events(sink: CameraEventSink, signal: AbortSignal): Promise<void>;
  /** What its clock says now, against the node's. */
  time(signal?: AbortSignal): Promise<CameraTime>;
  /** Sets its clock to the node's, or tells it a time server; `null` where it shall keep what it has. */
  setTime(wish: { clock: boolean; timeServer: string | null }, signal?: AbortSignal): Promise<void>;
  /** What the camera itself keeps (edge storage), or null where it has none or does not tell. */
  recordings(signal?: AbortSignal): Promise<CameraRecordings | null>;
}

/** Why a camera did not do what it was asked. Kinds of `NvrError`: `unauthenticated`, `missing`, `unavailable`, `corrupt`, `denied`. */
export type CameraTrouble =
  /** No connection, or no answer in time. */
  | 'unreachable'
  /** It refused the user name or password, with every way of proving them it offers. */
  | 'unauthorized'
  /** It does not have this ability. */
  | 'unsupported'
  /** What it answered could not be understood, or was too large. */
  | 'malformed'
  /** It said no, for a reason of its own (a SOAP fault). */
  | 'refused'
  /** The caller gave up. */
  | 'cancelled';

export interface CameraIdentity {
  /** Serial number, or the hardware id where the serial number is empty; what tells this camera from every other of its make. */
  hardwareId: string;
  manufacturer: string | null;
  model: string | null;
  firmware: string | null;
  /** Endpoint reference of WS-Discovery, where the camera tells it. */
  endpoint: string | null;
}

export interface CameraAbilities {
  media2: boolean;
  snapshot: boolean;
  ptz: boolean;
  /** Relative and absolute moves of the head. */
  ptzAbsolute: boolean;
  presetsMax: number;
  imaging: boolean;
  events: boolean;
  recordings: boolean;
}

export interface CameraStream {
  /** Token of the profile. */
  token: string;
  name: string | null;
  codec: 'h264' | 'h265' | 'other';
  width: number;
  height: number;
  framesPerSecond: number | null;
  bitsPerSecond: number | null;
  audio: boolean;
  /** `rtsp` or `rtsps` URL without credentials; its host is the one the camera is reached at, whatever the camera wrote. */
  url: string;
}

/** Position and speed of a head: each from -1 to 1, `zoom` from 0 to 1 as a position and -1 to 1 as a speed. */
export interface PtzVector {
  pan: number;
  tilt: number;
  zoom: number;
}

export interface PtzPreset {
  token: string;
  name: string | null;
}

export interface PtzDriver {
  /** Moves until `stop`, or until the camera's own time-out of `forMs` (1,000 to 10,000). */
  move(speed: PtzVector, forMs: number, signal?: AbortSignal): Promise<void>;
  stop(signal?: AbortSignal): Promise<void>;
  goto(position: PtzVector, signal?: AbortSignal): Promise<void>;
  status(signal?: AbortSignal): Promise<{ position: PtzVector | null; moving: boolean | null }>;
  /** At most 128. */
  presets(signal?: AbortSignal): Promise<PtzPreset[]>;
  gotoPreset(token: string, signal?: AbortSignal): Promise<void>;
  /** Keeps where it looks now; gives the token. */
  setPreset(name: string, token: string | null, signal?: AbortSignal): Promise<string>;
  removePreset(token: string, signal?: AbortSignal): Promise<void>;
}

/** Each from 0 to 1 of the camera's own range; absent where the camera does not have it. */
export interface Imaging {
  brightness?: number;
  contrast?: number;
  saturation?: number;
  sharpness?: number;
  /** The filter that keeps infrared out: on by day. */
  irCut?: 'on' | 'off' | 'auto';
}

export interface ImagingDriver {
  get(signal?: AbortSignal): Promise<Imaging>;
  set(wish: Imaging, signal?: AbortSignal): Promise<void>;
}

/** Something a camera told. A state (`active`), or a moment (`null`). */
export interface CameraEvent {
  kind: CameraEventKind;
  active: boolean | null;
  /** Which region, line or input, or null; at most 64 characters, a label. */
  name: string | null;
  /** Node's clock when it came, epoch ms. */
  at: number;
  /** The camera's own time of it, epoch ms, or null. */
  cameraAt: number | null;
  /** The state was so already when the subscription began (PropertyOperation Initialized), and did not begin now. */
  initial: boolean;
}

export interface CameraEventSink {
  event(event: CameraEvent): void;
  /** The subscription stands, or was lost: while it is lost nobody knows what goes on. */
  connected(connected: boolean, trouble: CameraTrouble | null): void;
}

export interface CameraTime {
  /** Epoch ms the camera said, and the node's clock in the middle between question and answer. */
  cameraAt: number;
  nodeAt: number;
  /** Half of the time between question and answer, and of the resolution (ONVIF tells whole seconds): how wrong it may be. */
  uncertaintyMs: number;
}

export interface CameraRecordings {
  /** Epoch ms. */
  from: number | null;
  until: number | null;
  count: number;
}

/** What the node is to keep of one camera. */
export interface CameraOrder {
  source: SourceId;
  /** URL of its ONVIF device service, without user. */
  service: string;
  credentials: { username: string; password: string } | null;
  /** What `identify` must say, or null while nobody knows. */
  hardwareId: string | null;
  /** Its endpoint reference of WS-Discovery, where it was learned before; null or absent: not known. */
  endpoint?: string | null;
  /** Whether it is looked for elsewhere when it does not answer any more; absent: yes. */
  find?: boolean;
}

/** How a camera and the node stand to each other. */
export interface CameraView {
  source: SourceId;
  /** `unknown` before the first answer; `foreign`: another camera answers there. */
  state: 'unknown' | 'reached' | 'unreachable' | 'unauthorized' | 'foreign' | 'malformed';
  /** Epoch ms it entered this state. */
  since: number;
  identity: CameraIdentity | null;
  abilities: CameraAbilities | null;
  /** True while a subscription to its events stands. */
  eventsConnected: boolean;
  clock: CameraClockView | null;
}

/** What is known of a camera's clock. */
export interface CameraClockView {
  /** Camera minus node, ms, as measured last, and how wrong that may be. */
  offsetMs: number;
  uncertaintyMs: number;
  /** Epoch ms of that measurement, and how it was made. */
  at: number;
  by: 'onvif' | 'rtcp';
  /** How fast the camera's clock runs away from ours, ms a day; null before an hour was seen. */
  driftMsPerDay: number | null;
  /** True past the limit of the configuration. */
  alarm: boolean;
}

/** A reading of a camera's clock that is worth keeping. */
export interface ClockMeasurement {
  /** Node's calendar, epoch ms. */
  at: number;
  /** Camera minus node, ms, and how wrong that may be. */
  offsetMs: number;
  uncertaintyMs: number;
  by: CameraClockView['by'];
  /** Between the measurement before and this one a clock was set: nothing may be interpolated across. */
  step: boolean;
}

/** The cameras a node keeps in touch with. `apply` may be called at any time between `start` and `stop`. */
export interface CameraDesk extends Startable {
  /** Makes these the cameras that are kept; those that stay as they were notice nothing. */
  apply(orders: readonly CameraOrder[]): void;
  view(source: SourceId): CameraView | null;
  /** The driver of a kept camera. `ERR_CAMERAS_NONE` (`missing`) where there is none, `ERR_CAMERAS_FOREIGN` (`conflict`) where another camera answers. */
  driver(source: SourceId): CameraDriver;
  /** A driver for a camera that is not configured (yet), for `sources.test`. */
  driverFor(order: Omit<CameraOrder, 'source'>): CameraDriver;
  /**
   * May this source be recorded now? Asks who answers, unless that is known for less than a minute; takes at most two seconds, and
   * a camera that does not answer may be (its stream will tell).
   */
  admits(source: SourceId, signal: AbortSignal): Promise<'ok' | 'foreign'>;
  /** A measurement of a camera's clock that others made: by the sender reports of its stream, or by asking it. */
  reported(source: SourceId, time: CameraTime, by?: CameraClockView['by']): void;
}

/** What the desk tells the daemon. */
export interface CameraDeskSink {
  event(source: SourceId, event: CameraEvent): void;
  /** Nothing is known of the source's events from here on (false), or again (true). */
  eventsConnected(source: SourceId, connected: boolean): void;
  /**
   * A camera said who it is for the first time: worth keeping, so that no other can take its place. Told again where its endpoint
   * reference was learned later.
   */
  identified(source: SourceId, identity: CameraIdentity): void;
  /** The camera of that hardware id answers at another address now: its device service there. */
  moved(source: SourceId, service: string): void;
  /** A reading of a camera's clock that is worth keeping beside the timeline (`ClockWatchDeps.keep`). */
  measured?(source: SourceId, measurement: ClockMeasurement): void;
  /** The view of a source changed. */
  changed(source: SourceId): void;
}
