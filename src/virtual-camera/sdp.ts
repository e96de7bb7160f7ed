import type { AudioCodec, PictureOptions } from './options.ts';
import type { ParameterSets, VideoCodec } from './picture.ts';

/** Sampling frequency indices of ISO/IEC 14496-3, as far as our rates go. */
const AAC_RATE_INDEX: Record<number, number> = { 48000: 3, 44100: 4, 32000: 5, 16000: 8, 8000: 11 };

/** Media description of a picture: RFC 6184 8.2.1, RFC 7798 7.2.1. */
export function videoDescription(
  codec: VideoCodec,
  payloadType: number,
  picture: PictureOptions,
  sets: ParameterSets,
): string[] {
  const format =
    codec === 'h264'
      ? `packetization-mode=1;profile-level-id=${hex(sets.sps.subarray(1, 4))}` +
        `;sprop-parameter-sets=${base64(sets.sps)},${base64(sets.pps)}`
      : `sprop-vps=${base64(sets.vps!)};sprop-sps=${base64(sets.sps)};sprop-pps=${base64(sets.pps)}`;
  return [
    `m=video 0 RTP/AVP ${payloadType}`,
    `b=AS:${Math.ceil(picture.bitrate / 1000)}`,
    `a=rtpmap:${payloadType} ${codec === 'h264' ? 'H264' : 'H265'}/90000`,
    `a=fmtp:${payloadType} ${format}`,
    `a=framerate:${picture.fps}`,
  ];
}

/** Media description of the sound, mono: RFC 3640 4.1 (AAC-hbr) or RFC 3551 6 (G.711). */
export function audioDescription(codec: AudioCodec, payloadType: number, rate: number): string[] {
  const head = [`m=audio 0 RTP/AVP ${payloadType}`];
  if (codec !== 'aac') return [...head, 'b=AS:64', `a=rtpmap:${payloadType} ${codec.toUpperCase()}/${rate}`];
  // AudioSpecificConfig: object type 2 (AAC-LC) 5 bits, frequency index 4 bits, one channel 4 bits, three zeros.
  const config = (2 << 11) | (AAC_RATE_INDEX[rate]! << 7) | (1 << 3);
  return [
    ...head,
    'b=AS:64',
    `a=rtpmap:${payloadType} MPEG4-GENERIC/${rate}/1`,
    `a=fmtp:${payloadType} streamtype=5;profile-level-id=1;mode=AAC-hbr;sizelength=13;indexlength=3;` +
      `indexdeltalength=3;config=${config.toString(16).padStart(4, '0')}`,
  ];
}

/** The whole session description; track `n` is controlled at `trackID=n`. */
export function sessionDescription(options: {
  address: string;
  /** Decimal digits, constant for one camera life. */
  id: string;
  name: string;
  tracks: readonly (readonly string[])[];
}): string {
  const family = options.address.includes(':') ? 'IP6' : 'IP4';
  const lines = [
    'v=0',
    `o=- ${options.id} 1 IN ${family} ${options.address}`,
    `s=${options.name}`,
    `c=IN ${family} ${family === 'IP6' ? '::' : '0.0.0.0'}`,
    't=0 0',
    'a=control:*',
    'a=range:npt=now-',
  ];
  options.tracks.forEach((track, index) => {
    lines.push(...track, `a=control:trackID=${index}`);
  });
  return `${lines.join('\r\n')}\r\n`;
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex').toUpperCase();
}
