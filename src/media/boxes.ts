import { ByteReader } from '../bytes/index.ts';
import { malformed } from './errors.ts';

/** Where a box lies inside a byte string: header at `start`, body from `body` to `end`. */
export interface Box {
  /** Four letters. */
  type: string;
  start: number;
  body: number;
  end: number;
}

/** What the first bytes of a box say. */
export interface BoxHead {
  type: string;
  /** Of the whole box, header included. */
  sizeBytes: number;
  headBytes: 8 | 16;
}

/**
 * Reads a box header (ISO/IEC 14496-12 section 4.2). `null` where its 8 (for a large box 16) bytes are not all there yet.
 * Throws `ERR_MEDIA_MALFORMED` for sizes that cannot be, and for boxes that run to the end of the file (size 0).
 */
export function readBoxHead(bytes: Uint8Array, at = 0): BoxHead | null {
  if (bytes.length - at < 8) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, Math.min(16, bytes.length - at));
  const type = String.fromCharCode(bytes[at + 4]!, bytes[at + 5]!, bytes[at + 6]!, bytes[at + 7]!);
  const sizeBytes = view.getUint32(0);
  if (sizeBytes !== 1) {
    if (sizeBytes < 8) throw malformed(`a box of ${sizeBytes} bytes`);
    return { type, sizeBytes, headBytes: 8 };
  }
  if (view.byteLength < 16) return null;
  const large = view.getBigUint64(8);
  if (large < 16n || large > BigInt(Number.MAX_SAFE_INTEGER)) throw malformed('a box of an impossible size');
  return { type, sizeBytes: Number(large), headBytes: 16 };
}

/** The boxes lying one behind the other from `start` to `end`. They must fill it; `ERR_MEDIA_MALFORMED` otherwise. */
export function* boxesIn(bytes: Uint8Array, start = 0, end = bytes.length): Generator<Box> {
  let at = start;
  while (at < end) {
    const head = readBoxHead(bytes.subarray(0, end), at);
    if (head === null || head.sizeBytes > end - at) throw malformed(`a box at byte ${at} that does not fit`);
    yield { type: head.type, start: at, body: at + head.headBytes, end: at + head.sizeBytes };
    at += head.sizeBytes;
  }
}

/** The first box of a type inside another, by a path such as `mdia.minf.stbl`; null where one is missing. */
export function findBox(bytes: Uint8Array, path: string, within?: Box): Box | null {
  let found: Box | null = within ?? { type: '', start: 0, body: 0, end: bytes.length };
  for (const type of path.split('.')) {
    let next: Box | null = null;
    for (const box of boxesIn(bytes, found.body, found.end)) {
      if (box.type === type) {
        next = box;
        break;
      }
    }
    if (!next) return null;
    found = next;
  }
  return found;
}

/** Like `findBox`, but a missing box is `ERR_MEDIA_MALFORMED`. */
export function needBox(bytes: Uint8Array, path: string, within?: Box): Box {
  const box = findBox(bytes, path, within);
  if (!box) throw malformed(`no ${path}`);
  return box;
}

/** A reader over a box's body. */
export function bodyReader(bytes: Uint8Array, box: Box): ByteReader {
  return new ByteReader(bytes.subarray(box.body, box.end));
}
