import type { AudioCodec, PictureOptions } from './options.ts';
import type { VideoCodec } from './picture.ts';
import { type PictureView, sceneSize, type ViewSetting, viewFilters } from './picture-view.ts';
import { stripFilters, stripHeight } from './time-strip.ts';

/** Samples per second of each audio codec; all are mono. */
export const AUDIO_RATES: Record<AudioCodec, number> = { aac: 16_000, pcma: 8000, pcmu: 8000 };
/** Samples in one packet of G.711: 20 ms. */
export const G711_PACKET_SAMPLES = 160;

const COMMON = ['-hide_banner', '-loglevel', 'warning'];

/**
 * Arguments for the encoder of one picture: an MPEG transport stream on standard output whose timestamps are the wall
 * time at which each picture was made, counted from `originUs` (µs since the epoch).
 *
 * The picture is lavfi's `testsrc2`, which moves, is nowhere black and holds a little noise; time and number of the picture are burned
 * in at the bottom, as a strip of cells and (where `text` is true) as date, time (UTC) and number to be read by people. GOPs are exact
 * and there are no B-frames. With a `view` the picture is cut out of a larger scene, and the encoder takes commands on standard input.
 */
export function videoArguments(
  codec: VideoCodec,
  picture: PictureOptions,
  originUs: number,
  text = true,
  view?: { of: PictureView; settings: readonly ViewSetting[] },
): string[] {
  const { fps, gop, bitrate } = picture;
  const { width, height } = sceneSize(picture, view?.of);
  const source = [
    `testsrc2=size=${width}x${height}:rate=${fps}`,
    'realtime',
    'settb=1/90000',
    `setpts=(RTCTIME-${originUs})/(TB*1000000)`,
  ];
  // Commands reach filters of the output only, not those of the input that makes the picture.
  const filters = view ? viewFilters(view.of, picture, view.settings) : [];
  if (text) {
    const above = `h-th-h/45-${stripHeight(picture.height)}`;
    filters.push(
      `drawtext=x=h/45:y=${above}:fontsize=h/14:fontcolor=white:box=1:boxcolor=black@0.6:boxborderw=8` +
        `:text='%{gmtime\\:%Y-%m-%d %T} UTC  %{frame_num}'`,
    );
  }
  filters.push('format=yuv420p', ...stripFilters(picture, originUs));
  return [
    ...COMMON,
    ...(view
      ? ['-f', 'lavfi', '-i', `${source.join(',')},format=yuv420p`, '-vf', filters.join(',')]
      : ['-nostdin', '-f', 'lavfi', '-i', [...source, ...filters].join(',')]),
    ...['-fps_mode', 'passthrough', '-enc_time_base', '1:90000'],
    ...(codec === 'h264' ? h264(fps, gop) : h265(fps, gop)),
    ...['-b:v', `${bitrate}`, '-maxrate', `${bitrate}`, '-bufsize', `${bitrate}`],
    ...['-f', 'mpegts', '-copyts', '-avoid_negative_ts', 'disabled', '-muxdelay', '0', '-muxpreload', '0'],
    ...['-omit_video_pes_length', '0', '-flush_packets', '1', 'pipe:1'],
  ];
}

/** Arguments for the sound: a tone with a beep each second, as ADTS frames (AAC) or bare samples (G.711) on standard output. */
export function audioArguments(codec: AudioCodec): string[] {
  const rate = AUDIO_RATES[codec];
  const samples = codec === 'aac' ? 1024 : G711_PACKET_SAMPLES;
  const encoder = {
    aac: ['-c:a', 'aac', '-b:a', '64000', '-f', 'adts'],
    pcma: ['-c:a', 'pcm_alaw', '-f', 'alaw'],
    pcmu: ['-c:a', 'pcm_mulaw', '-f', 'mulaw'],
  }[codec];
  const source = `sine=frequency=440:beep_factor=4:sample_rate=${rate}:samples_per_frame=${samples},arealtime`;
  return [...COMMON, '-nostdin', '-f', 'lavfi', '-i', source, ...encoder, '-flush_packets', '1', 'pipe:1'];
}

function h264(fps: number, gop: number): string[] {
  const settings = [
    ...[`keyint=${gop}`, `min-keyint=${gop}`, 'scenecut=0', 'bframes=0', 'repeat-headers=1'],
    ...['sliced-threads=0', 'threads=1', 'force-cfr=1', `fps=${fps}/1`],
  ];
  return [
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency'],
    ...['-x264-params', settings.join(':')],
  ];
}

function h265(fps: number, gop: number): string[] {
  const settings = [
    ...[`keyint=${gop}`, `min-keyint=${gop}`, 'scenecut=0', 'bframes=0', 'repeat-headers=1', 'open-gop=0'],
    ...['info=0', 'log-level=warning', 'pools=none', 'frame-threads=1', `fps=${fps}/1`],
  ];
  return [
    ...['-c:v', 'libx265', '-preset', 'ultrafast', '-tune', 'zerolatency'],
    ...['-x265-params', settings.join(':')],
  ];
}
