export type { CapturedFragment, Fragment, FragmentTrack, InitSegment, Run, Track } from './fragment.ts';
