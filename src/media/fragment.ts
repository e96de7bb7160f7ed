/** One elementary stream of a camera, as its init segment describes it. */
export interface Track {
  /** `track_ID` of ISO/IEC 14496-12. */
  id: number;
  kind: 'video' | 'audio';
  /** Sample entry, four letters: `avc1`, `hvc1`, `hev1`, `mp4a`, `Opus`. */
  format: string;
  /** Codec string of RFC 6381, such as `avc1.64001f`, `hvc1.1.6.L93.B0`, `mp4a.40.2`. */
  codec: string;
  /** Ticks per second of this track's times. */
  timescale: number;
  /** Video only, in pixels. */
  width?: number;
  height?: number;
  /** Audio only. */
  sampleRate?: number;
  channels?: number;
  /** Video only: the parameter set NAL units of the decoder configuration (no start codes), VPS, SPS, PPS. */
  parameterSets?: Uint8Array[];
  /** Video only: bytes of a NAL unit's length field in samples (1, 2 or 4). */
  nalLengthSize?: number;
}

/** `ftyp` + `moov`: what a decoder needs before the first fragment. */
export interface InitSegment {
  bytes: Uint8Array<ArrayBuffer>;
  /** The video track first; exactly one video track, at most one audio track. */
  tracks: Track[];
}

/** What one fragment says of one track. Times in the track's own ticks. */
export interface FragmentTrack {
  id: number;
  /** `tfdt`: decode time of the first sample. */
  baseDecodeTime: bigint;
  /** Sum of the sample durations. */
  duration: number;
  sampleCount: number;
}

/** One `moof` + `mdat` as it came from ffmpeg. */
export interface Fragment {
  bytes: Uint8Array<ArrayBuffer>;
  tracks: FragmentTrack[];
  /** True where the first video sample of this fragment is a keyframe. */
  keyframe: boolean;
  /** The first video sample's bytes, as a view into `bytes` (empty where there is no video): to compare parameter sets. */
  firstVideoSample: Uint8Array;
}

/**
 * A fragment with its place in time, ready to be stored and shown: `bytes` is `prft` + `moof` + `mdat`.
 *
 * Within a run, fragments tile: `startUs` of one is `endUs` of the one before. Wall times come from the node's clock through
 * a slow filter (design: no jitter, no jump); `monoUs` is the node's monotonic clock at arrival.
 */
export interface CapturedFragment {
  /** Who takes fragments copies what it keeps: the live hub, which is the last to take them, gives their memory back. */
  bytes: Uint8Array<ArrayBuffer>;
  keyframe: boolean;
  /** Wall time of the first video sample, whole µs since the epoch. */
  startUs: number;
  /** Wall time just after the last video sample, whole µs since the epoch. */
  endUs: number;
  /** Monotonic arrival, whole µs. */
  monoUs: number;
  /** Video samples in it. */
  sampleCount: number;
  /** `tfdt` of the video track in its ticks: goes into `tfra`. */
  videoDecodeTime: bigint;
}

/** An unbroken ffmpeg life of one stream. */
export interface Run {
  /** 16 random bytes, hex. */
  id: string;
  init: InitSegment;
  /** Wall time of its first sample, whole µs since the epoch. */
  startUs: number;
}
