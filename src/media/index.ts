export { type Box, type BoxHead, bodyReader, boxesIn, findBox, needBox, readBoxHead } from './boxes.ts';
export { type CameraAddress, cameraUrl, parseCameraUrl } from './camera-url.ts';
export {
  basicAnswer,
  type Challenge,
  chooseChallenge,
  type DigestChallenge,
  type DigestQuestion,
  digestAnswer,
  parseChallenges,
} from './digest-answer.ts';
export { MediaError } from './errors.ts';
export { type AudioTreatment, type RecordingOrder, recordingCommand } from './ffmpeg-arguments.ts';
export type { CapturedFragment, Fragment, FragmentTrack, InitSegment, Run, Track } from './fragment.ts';
export {
  FRAGMENT_READER_LIMITS,
  FragmentReader,
  type FragmentReaderItem,
  type FragmentReaderLimits,
} from './fragment-reader.ts';
export { type SampleRun, writeFragment } from './fragment-writer.ts';
export { type ParsedInit, parseInitSegment, type SampleDefaults, sameConfiguration } from './init-segment.ts';
export { type AudioDescription, type VideoDescription, writeInitSegment } from './init-writer.ts';
export { type FragmentPart, parseFragment } from './movie-fragment.ts';
export {
  changedPicture,
  nalUnits,
  type PictureFormat,
  type PictureSize,
  parameterSetKind,
  pictureFormat,
  pictureSize,
  sequenceParameterSets,
} from './parameter-sets.ts';
export { type Rebase, rebaseFragment, shortenFirstSample } from './rebase.ts';
export {
  type AnsweredTransport,
  controlUrl,
  parseAnsweredTransport,
  parseRtpInfo,
  parseSession,
} from './rtsp/answer-headers.ts';
export {
  type RtspAnswer,
  type RtspDemand,
  type RtspFault,
  type RtspListener,
  RtspReader,
} from './rtsp/message-reader.ts';
export { MovieBuilder, type MovieListener, type MovieOptions, type MovieTrouble } from './rtsp/movie-builder.ts';
export { type AssembledPicture, PictureAssembler } from './rtsp/picture-assembler.ts';
export { Reception } from './rtsp/reception.ts';
export { ReorderWindow } from './rtsp/reorder-window.ts';
export { parseRtcp, type ReceptionFacts, type Rtcp, receiverReport, type SenderReport } from './rtsp/rtcp.ts';
export { RtpPacket } from './rtsp/rtp-packet.ts';
export {
  aacConfiguration,
  describedParameterSets,
  type OfferedMedia,
  parseSessionDescription,
  type SessionDescription,
} from './rtsp/session-description.ts';
export { AacAssembler, type OnSound, opusSamples } from './rtsp/sound-assembler.ts';
export { SoundQueue } from './rtsp/sound-queue.ts';
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
