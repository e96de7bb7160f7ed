export { type Box, type BoxHead, bodyReader, boxesIn, findBox, needBox, readBoxHead } from './boxes.ts';
export { type CameraAddress, cameraUrl, parseCameraUrl } from './camera-url.ts';
export { MediaError } from './errors.ts';
export { type AudioTreatment, type RecordingOrder, recordingCommand } from './ffmpeg-arguments.ts';
export type { CapturedFragment, Fragment, FragmentTrack, InitSegment, Run, Track } from './fragment.ts';
export {
  FRAGMENT_READER_LIMITS,
  FragmentReader,
  type FragmentReaderItem,
  type FragmentReaderLimits,
} from './fragment-reader.ts';
export { type ParsedInit, parseInitSegment, type SampleDefaults, sameConfiguration } from './init-segment.ts';
export { type FragmentPart, parseFragment } from './movie-fragment.ts';
export {
  changedPicture,
  nalUnits,
  type PictureSize,
  parameterSetKind,
  pictureSize,
  sequenceParameterSets,
} from './parameter-sets.ts';
export { type Rebase, rebaseFragment, shortenFirstSample } from './rebase.ts';
export {
  FREE_BYTES_MIN,
  free,
  type KeyframeEntry,
  mfra,
  mfraSize,
  PRFT_BYTES,
  prft,
  type ReferenceTime,
  readMfra,
  readPrft,
  TFRA_ENTRY_BYTES,
  withReferenceTime,
} from './segment-boxes.ts';
