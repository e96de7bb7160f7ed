import { spawnSync } from 'node:child_process';

/** What to make: a few seconds of generated picture as ffmpeg's fragmented MP4. */
export interface SampleMedia {
  codec?: 'h264' | 'h265';
  audio?: 'aac' | 'opus' | 'none';
  seconds?: number;
  size?: string;
  fps?: number;
  gop?: number;
  /** H.264 only: repeat the parameter sets in each keyframe, as cameras do. */
  inBand?: boolean;
}

const made = new Map<string, Uint8Array<ArrayBuffer>>();

/** Fragmented MP4 as a recording child would write it, made by the real ffmpeg and kept in memory for this process. */
export function sampleMedia(options: SampleMedia = {}): Uint8Array<ArrayBuffer> {
  const { codec = 'h264', audio = 'none', seconds = 4, size = '160x96', fps = 25, gop = 25, inBand = false } = options;
  const key = JSON.stringify([codec, audio, seconds, size, fps, gop, inBand]);
  const known = made.get(key);
  if (known) return known;
  const video =
    codec === 'h264'
      ? [
          '-c:v',
          'libx264',
          '-preset',
          'ultrafast',
          '-tune',
          'zerolatency',
          '-sc_threshold',
          '0',
          ...(inBand ? ['-x264-params', 'repeat-headers=1'] : []),
        ]
      : [
          '-c:v',
          'libx265',
          '-preset',
          'ultrafast',
          '-x265-params',
          'log-level=none:scenecut=0:bframes=0:pools=1',
          '-tag:v',
          'hvc1',
        ];
  const sound =
    audio === 'none' ? [] : ['-f', 'lavfi', '-i', `sine=frequency=440:sample_rate=48000:duration=${seconds}`];
  const soundCodec = audio === 'none' ? [] : ['-c:a', audio === 'aac' ? 'aac' : 'libopus', '-b:a', '32k'];
  const run = spawnSync(
    'ffmpeg',
    [
      ...[
        '-hide_banner',
        '-loglevel',
        'error',
        '-f',
        'lavfi',
        '-i',
        `testsrc=size=${size}:rate=${fps}:duration=${seconds}`,
      ],
      ...sound,
      ...video,
      ...['-pix_fmt', 'yuv420p', '-g', String(gop), '-keyint_min', String(gop)],
      ...soundCodec,
      ...['-f', 'mp4', '-movflags', 'empty_moov+default_base_moof+frag_keyframe', '-frag_duration', '200000', 'pipe:1'],
    ],
    { maxBuffer: 256 * 1024 * 1024 },
  );
  if (run.status !== 0) throw new Error(`ffmpeg made no sample: ${run.stderr}`);
  const bytes = Uint8Array.from(run.stdout);
  made.set(key, bytes);
  return bytes;
}
