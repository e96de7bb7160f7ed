import { assert } from '../errors.ts';
import type { Fragment, FragmentTrack } from './fragment.ts';
import { AUDIO_TRACK, VIDEO_TRACK } from './init-writer.ts';
import { PRFT_BYTES } from './segment-boxes.ts';

/** Samples of one track that follow each other without a hole. */
export interface SampleRun {
  /** Decode time of the first, in ticks. */
  decodeTime: number;
  /** Durations (ticks) and sizes of the first `count`. */
  durations: Uint32Array;
  sizes: Uint32Array;
  count: number;
  /** Their bytes, one behind the other. */
  data: Uint8Array;
}

const MOOF_FIXED_BYTES = 8 + 16;
const TRAF_FIXED_BYTES = 8 + 16 + 20 + 20;
const MDAT_HEAD_BYTES = 8;
const SYNC = 0x0200_0000;
const DATA_OFFSET = 0x01;
const FIRST_FLAGS = 0x04;
const DURATIONS_AND_SIZES = 0x300;

/**
 * Writes one fragment (`moof` + `mdat`) of a picture, a sound or both behind `writeInitSegment` (ISO/IEC 14496-12 section 8.8):
 * default-base-is-moof, 64-bit decode times, a duration and a size for each sample. The array has room in front for a `prft`
 * (`withReferenceTime`), and nothing behind: it can be given back as a whole.
 */
export function writeFragment(
  sequence: number,
  video: SampleRun | null,
  keyframe: boolean,
  audio: SampleRun | null,
): Fragment {
  const videoTraf = video ? trafBytes(video, keyframe) : 0;
  const audioTraf = audio ? trafBytes(audio, false) : 0;
  const moofBytes = MOOF_FIXED_BYTES + videoTraf + audioTraf;
  const mdatBytes = MDAT_HEAD_BYTES + (video?.data.length ?? 0) + (audio?.data.length ?? 0);
  const bytes = new Uint8Array(PRFT_BYTES + moofBytes + mdatBytes).subarray(PRFT_BYTES);
  const view = new DataView(bytes.buffer, PRFT_BYTES);
  boxHead(view, 0, moofBytes, 0x6d6f_6f66);
  boxHead(view, 8, 16, 0x6d66_6864);
  view.setUint32(20, sequence >>> 0);
  let dataAt = moofBytes + MDAT_HEAD_BYTES;
  const tracks: FragmentTrack[] = [];
  let firstVideoSample = bytes.subarray(0, 0);
  if (video) {
    tracks.push(writeTraf(view, MOOF_FIXED_BYTES, VIDEO_TRACK, video, dataAt, keyframe));
    bytes.set(video.data, dataAt);
    firstVideoSample = bytes.subarray(dataAt, dataAt + video.sizes[0]!);
    dataAt += video.data.length;
  }
  if (audio) {
    tracks.push(writeTraf(view, MOOF_FIXED_BYTES + videoTraf, AUDIO_TRACK, audio, dataAt, false));
    bytes.set(audio.data, dataAt);
  }
  boxHead(view, moofBytes, mdatBytes, 0x6d64_6174);
  return { bytes, tracks, keyframe, firstVideoSample };
}

function trafBytes({ count }: SampleRun, keyframe: boolean): number {
  assert(count > 0, 'a run of samples');
  return TRAF_FIXED_BYTES + (keyframe ? 4 : 0) + count * 8;
}

function writeTraf(
  view: DataView,
  at: number,
  id: number,
  run: SampleRun,
  dataAt: number,
  keyframe: boolean,
): FragmentTrack {
  const sizeBytes = trafBytes(run, keyframe);
  boxHead(view, at, sizeBytes, 0x7472_6166);
  boxHead(view, at + 8, 16, 0x7466_6864);
  view.setUint32(at + 16, 0x02_0000);
  view.setUint32(at + 20, id);
  boxHead(view, at + 24, 20, 0x7466_6474);
  view.setUint32(at + 32, 0x0100_0000);
  view.setUint32(at + 36, Math.floor(run.decodeTime / 2 ** 32));
  view.setUint32(at + 40, run.decodeTime % 2 ** 32);
  boxHead(view, at + 44, sizeBytes - 44, 0x7472_756e);
  view.setUint32(at + 52, DURATIONS_AND_SIZES | DATA_OFFSET | (keyframe ? FIRST_FLAGS : 0));
  view.setUint32(at + 56, run.count);
  view.setUint32(at + 60, dataAt);
  let next = at + 64;
  if (keyframe) {
    view.setUint32(next, SYNC);
    next += 4;
  }
  let duration = 0;
  for (let i = 0; i < run.count; i++, next += 8) {
    view.setUint32(next, run.durations[i]!);
    view.setUint32(next + 4, run.sizes[i]!);
    duration += run.durations[i]!;
  }
  return { id, baseDecodeTime: BigInt(run.decodeTime), duration, sampleCount: run.count };
}

function boxHead(view: DataView, at: number, sizeBytes: number, type: number): void {
  view.setUint32(at, sizeBytes);
  view.setUint32(at + 4, type);
}
