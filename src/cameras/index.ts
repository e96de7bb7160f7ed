export type {
  CameraAbilities,
  CameraClockView,
  CameraDesk,
  CameraDeskSink,
  CameraDriver,
  CameraEvent,
  CameraEventSink,
  CameraIdentity,
  CameraOrder,
  CameraRecordings,
  CameraStream,
  CameraTime,
  CameraTrouble,
  CameraView,
  ClockMeasurement,
  Imaging,
  ImagingDriver,
  PtzDriver,
  PtzPreset,
  PtzVector,
} from './api.ts';
export { type CameraDeskDeps, type CameraDeskOptions, createCameraDesk } from './camera-desk.ts';
export { measureOnvifClock } from './clock-measure.ts';
export {
  type ClockMeasure,
  type ClockWatch,
  type ClockWatchDeps,
  type ClockWatchOptions,
  createClockWatch,
} from './clock-watch.ts';
export {
  type CameraDiscovery,
  createCameraDiscovery,
  type DiscoveryDeps,
  type DiscoveryOptions,
  type DiscoveryWish,
  type LocalNetwork,
} from './discovery.ts';
export { CameraError } from './errors.ts';
export type { CameraMoment, EventEnd, EventPage, EventQuery, EventStore, StoredEvent } from './event-api.ts';
export { createEventStore, type EventStoreDeps, type EventStoreOptions } from './event-store.ts';
export type { KnownCamera } from './found-cameras.ts';
export type { CameraHashes } from './onvif/credentials.ts';
export { createOnvifDriver, type OnvifDeps, type OnvifOptions } from './onvif/onvif-driver.ts';
export {
  PtzDesk,
  type PtzDeskDeps,
  type PtzDeskOptions,
  type PtzHolder,
  type PtzLease,
  type PtzLeaseEnd,
  type PtzStatus,
} from './ptz-desk.ts';
export { PTZ_MOVES_PER_SECOND } from './ptz-head.ts';
export { type CameraPicture, SnapshotDesk, type SnapshotDeskDeps } from './snapshot-desk.ts';
