/**
 * The capture time inside the picture: an SEI message of type user_data_unregistered.
 *
 * Layout of the payload, 28 bytes, big-endian (docs/virtual-camera.md):
 * `uuid 16 ‖ capture time u64, µs since the Unix epoch ‖ frame number u32`.
 */

/** The fixed UUID that marks our message: f1c7a1d4-6f0b-4c52-9a3e-2b8d5e70c6a9. */
export const CAPTURE_TIME_UUID: Uint8Array = Uint8Array.of(
  ...[0xf1, 0xc7, 0xa1, 0xd4, 0x6f, 0x0b, 0x4c, 0x52, 0x9a, 0x3e, 0x2b, 0x8d, 0x5e, 0x70, 0xc6, 0xa9],
);

const PAYLOAD_BYTES = 28;
const TYPE_USER_DATA_UNREGISTERED = 5;
const H264_SEI = 6;
const H265_PREFIX_SEI = 39;
/** A SEI NAL unit longer than this is not ours; it is not searched. */
const SEI_BYTES_MAX = 64 * 1024;
/** NAL units of one sample that are looked at. */
const NALS_MAX = 4096;

export interface CaptureTime {
  /** Wall time at which the picture was made, whole µs since the Unix epoch. */
  captureUs: number;
  /** The number burned into the picture: pictures since the encoder began, modulo 2^32. */
  frameNumber: number;
}

/** The capture time carried by one NAL unit (H.264 or H.265, no start code), or `null` where it carries none. Total. */
export function captureTimeOf(nal: Uint8Array): CaptureTime | null {
  if (nal.length < 2 || nal.length > SEI_BYTES_MAX) return null;
  const header = nal[0]!;
  if (header & 0x80) return null;
  const headerBytes = (header & 31) === H264_SEI ? 1 : header >> 1 === H265_PREFIX_SEI && nal[1]! > 0 ? 2 : 0;
  if (headerBytes === 0) return null;
  const body = withoutEmulation(nal.subarray(headerBytes));
  let at = 0;
  while (at + 2 <= body.length) {
    let type = 0;
    let size = 0;
    while (body[at] === 255) {
      type += 255;
      at++;
    }
    type += body[at++] ?? 0;
    while (body[at] === 255) {
      size += 255;
      at++;
    }
    size += body[at++] ?? 0;
    if (at + size > body.length) return null;
    if (type === TYPE_USER_DATA_UNREGISTERED && size === PAYLOAD_BYTES) {
      const found = readPayload(body.subarray(at, at + size));
      if (found) return found;
    }
    at += size;
  }
  return null;
}

/**
 * The capture time inside one sample of an MP4 or MKV file: NAL units each behind a big-endian length of
 * `nalLengthSize` bytes. `null` where there is none, or the sample is not built that way. Total.
 */
export function captureTimeInSample(sample: Uint8Array, nalLengthSize = 4): CaptureTime | null {
  let at = 0;
  for (let count = 0; count < NALS_MAX && at + nalLengthSize <= sample.length; count++) {
    let size = 0;
    for (let i = 0; i < nalLengthSize; i++) size = size * 256 + sample[at + i]!;
    at += nalLengthSize;
    if (size > sample.length - at) return null;
    const found = captureTimeOf(sample.subarray(at, at + size));
    if (found) return found;
    at += size;
  }
  return null;
}

/** A complete SEI NAL unit (no start code, emulation prevention applied) that carries `time`. */
export function captureTimeNal(codec: 'h264' | 'h265', time: CaptureTime): Uint8Array<ArrayBuffer> {
  const header = codec === 'h264' ? [H264_SEI] : [H265_PREFIX_SEI << 1, 1];
  const message = new Uint8Array(2 + PAYLOAD_BYTES + 1);
  const view = new DataView(message.buffer);
  message[0] = TYPE_USER_DATA_UNREGISTERED;
  message[1] = PAYLOAD_BYTES;
  message.set(CAPTURE_TIME_UUID, 2);
  view.setBigUint64(18, BigInt(time.captureUs));
  view.setUint32(26, time.frameNumber >>> 0);
  message[30] = 0x80; // rbsp_trailing_bits
  return withEmulation(header, message);
}

function readPayload(payload: Uint8Array): CaptureTime | null {
  for (let i = 0; i < 16; i++) if (payload[i] !== CAPTURE_TIME_UUID[i]) return null;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  const captureUs = view.getBigUint64(16);
  if (captureUs > BigInt(Number.MAX_SAFE_INTEGER)) return null;
  return { captureUs: Number(captureUs), frameNumber: view.getUint32(24) };
}

/** Puts a 3 before any byte 0-3 that follows two zeros (ISO/IEC 14496-10 7.4.1). */
function withEmulation(header: readonly number[], body: Uint8Array): Uint8Array<ArrayBuffer> {
  const out = [...header];
  let zeros = 0;
  for (const byte of body) {
    if (zeros === 2 && byte <= 3) {
      out.push(3);
      zeros = 0;
    }
    out.push(byte);
    zeros = byte === 0 ? zeros + 1 : 0;
  }
  return Uint8Array.from(out);
}

function withoutEmulation(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(bytes.length);
  let length = 0;
  let zeros = 0;
  for (const byte of bytes) {
    if (zeros >= 2 && byte === 3) {
      zeros = 0;
      continue;
    }
    out[length++] = byte;
    zeros = byte === 0 ? zeros + 1 : 0;
  }
  return out.subarray(0, length);
}
