export type { Call, Caller, CallHandler, ReplyStream, Role, UnitMarks } from './call.ts';
export { GAP_CAUSES, type GapCause } from './gap.ts';
export {
  type DeviceKey,
  isDeviceKey,
  isSegmentId,
  isSourceId,
  isStreamId,
  isStreamName,
  type SegmentId,
  SOURCE_ID_RULE,
  type SourceId,
  type StreamId,
  type StreamName,
} from './ids.ts';
