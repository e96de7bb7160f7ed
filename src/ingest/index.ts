export type { RunEnd, StreamSink } from './sink.ts';
