import { utf8 } from '../bytes/index.ts';
import { type CameraAddress, cameraUrl } from './camera-url.ts';

/** What to do with a camera's sound. `transcode` makes AAC of whatever it is. */
export type AudioTreatment = 'copy' | 'transcode' | 'none';

/** One recording child. */
export interface RecordingOrder {
  camera: CameraAddress;
  transport: 'tcp' | 'udp';
  audio: AudioTreatment;
  /** After this long without a byte from the camera ffmpeg gives up by itself. */
  timeoutMs: number;
}

/** Longest fragment ffmpeg writes, in µs. */
const FRAGMENT_US = 200_000;
/**
 * How long sound may hold the picture back in the muxer, in µs: as good as not at all (0 would be for ever). With 200,000 transcoded
 * sound delayed each picture by 260 ms instead of 80.
 */
const INTERLEAVE_US = 1;
/** How long ffmpeg looks at a stream before the first fragment, in µs. */
const ANALYSE_US = 500_000;

/**
 * Arguments and standard input of the ffmpeg child that turns one camera stream into fragmented MP4 on its standard output.
 *
 * The camera's address and credentials stand in the input only (an ffconcat script), never in the arguments. The protocols
 * ffmpeg may open are listed; nothing on disk is among them.
 */
export function recordingCommand(order: RecordingOrder): { args: string[]; input: Uint8Array<ArrayBuffer> } {
  const audio = {
    copy: ['-map', '0:a:0?', '-c:a', 'copy'],
    // At 16 kHz an AAC frame is 64 ms, not the 128 ms of G.711's own rate by which the muxer would hold the picture back.
    transcode: ['-map', '0:a:0?', '-c:a', 'aac', '-b:a', '64k', '-ac', '1', '-ar', '16000'],
    none: ['-an'],
  }[order.audio];
  const args = [
    ...['-hide_banner', '-nostats', '-loglevel', 'level+info'],
    ...['-protocol_whitelist', 'pipe,rtsp,rtsps,rtp,tcp,udp,tls,crypto'],
    ...['-analyzeduration', String(ANALYSE_US), '-fflags', '+genpts+nobuffer'],
    ...['-f', 'concat', '-safe', '0', '-i', 'pipe:0'],
    ...['-map', '0:v:0', '-c:v', 'copy'],
    ...audio,
    ...['-dn', '-sn', '-map_metadata', '-1'],
    ...['-max_interleave_delta', String(INTERLEAVE_US)],
    // Without skip_trailer ffmpeg remembers each fragment for an index at the end: 20 MB a day.
    ...['-f', 'mp4', '-movflags', 'empty_moov+default_base_moof+frag_keyframe+skip_trailer'],
    ...['-frag_duration', String(FRAGMENT_US)],
    ...['-flush_packets', '1', 'pipe:1'],
  ];
  const script = [
    'ffconcat version 1.0',
    `file '${cameraUrl(order.camera)}'`,
    `option rtsp_transport ${order.transport}`,
    `option timeout ${order.timeoutMs * 1000}`,
    '',
  ];
  return { args, input: utf8(script.join('\n')) };
}
