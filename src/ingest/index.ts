export { type ActivityEvent, EventActivity } from './event-activity.ts';
export { PrerollBudget } from './preroll.ts';
export {
  createRecorder,
  type Recorder,
  type RecorderDeps,
  type RecorderOptions,
  type RecorderState,
  type RecorderStatus,
} from './recorder.ts';
export { type LiveTaker, RecordingGate, type RecordingGateDeps, type RecordingRule } from './recording-gate.ts';
export type { RunEnd, StreamSink } from './sink.ts';
export { StartGate } from './start-gate.ts';
export type { CameraClock, ReaderKind } from './supply.ts';
