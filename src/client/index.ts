export type { ClientDeps, Connection, DeviceKeys, NodePin, OpenStream, Socket, Unit } from './api.ts';
export { type ConnectOptions, connect, type PairOptions, pairConnect } from './connection.ts';
export { RemoteError } from './connection-errors.ts';
export { createDeviceKeys, type DeviceSecrets } from './device-keys.ts';
export {
  type ExportedGap,
  type ExportedPart,
  type ExportOptions,
  type ExportProgress,
  type ExportReport,
  exportMovie,
  type MovieSink,
} from './exporter.ts';
export type { KeyframeAt, KeyframeAtQuery, KeyframesQuery } from './keyframe.ts';
export type { FragmentUnit, InitUnit } from './media-unit.ts';
export {
  createNvrClient,
  type GapUnit,
  type LiveQuery,
  methodText,
  type NvrClient,
  type NvrClientDeps,
  type RangeQuery,
  type SegmentUnit,
} from './nvr-client.ts';
export { type CodePairOptions, pairByCode } from './pair-code.ts';
export type { PtzHold, PtzLost, PtzWish } from './ptz-hold.ts';
export {
  type ReaderDeps,
  type ReadPurpose,
  type ReadSegmentOptions,
  readSegment,
  type SegmentPlace,
} from './segment-reader.ts';
export type { SnapshotAt, SnapshotAtQuery, SnapshotNow, SnapshotNowQuery } from './snapshot.ts';
