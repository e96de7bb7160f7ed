export {
  createRecorder,
  type Recorder,
  type RecorderDeps,
  type RecorderOptions,
  type RecorderState,
  type RecorderStatus,
} from './recorder.ts';
export type { RunEnd, StreamSink } from './sink.ts';
