import { needBox } from './boxes.ts';
import { malformed } from './errors.ts';
import type { ParsedInit } from './init-segment.ts';
import { parseFragment } from './movie-fragment.ts';

/** How a fragment is moved in time when it is joined to others. */
export interface Rebase {
  /** `mfhd` sequence number it gets, from 1. */
  sequence: number;
  /** Ticks to subtract from each track's decode times, by track id; a result below 0 is `ERR_MEDIA_MALFORMED`. */
  subtract: ReadonlyMap<number, bigint>;
}

/**
 * A copy of a fragment with its decode times and sequence number rewritten in place and a `prft` in front left out; samples are
 * untouched. Input: `prft`? + `moof` + `mdat`.
 */
export function rebaseFragment(
  bytes: Uint8Array<ArrayBuffer>,
  init: ParsedInit,
  rebase: Rebase,
): Uint8Array<ArrayBuffer> {
  const start = needBox(bytes, 'moof').start;
  const out = bytes.slice(start);
  const view = new DataView(out.buffer);
  const sequence = needBox(out, 'moof.mfhd');
  if (sequence.end - sequence.body < 8) throw malformed('a short mfhd');
  view.setUint32(sequence.body + 4, rebase.sequence);
  for (const part of parseFragment(out, init).parts) {
    const time = part.baseDecodeTime - (rebase.subtract.get(part.id) ?? 0n);
    if (time < 0n || (part.decodeTimeWidth === 4 && time >= 2n ** 32n)) throw malformed('a decode time out of place');
    if (part.decodeTimeWidth === 8) view.setBigUint64(part.decodeTimeAt, time);
    else view.setUint32(part.decodeTimeAt, Number(time));
  }
  return out;
}

/**
 * A copy of a fragment whose only video sample lasts `durationTicks` instead of what it says, and ends where it ended: for the first
 * picture of a stream whose timestamps were not settled yet. Null where the fragment has another shape.
 */
export function shortenFirstSample(
  bytes: Uint8Array<ArrayBuffer>,
  init: ParsedInit,
  durationTicks: number,
): Uint8Array<ArrayBuffer> | null {
  const out = bytes.slice();
  const part = parseFragment(out, init).parts.find((each) => each.id === init.tracks[0]!.id);
  if (part?.sampleCount !== 1 || part.firstDurationAt === null || part.duration < durationTicks) return null;
  const view = new DataView(out.buffer);
  const time = part.baseDecodeTime + BigInt(part.duration - durationTicks);
  if (part.decodeTimeWidth === 8) view.setBigUint64(part.decodeTimeAt, time);
  else view.setUint32(part.decodeTimeAt, Number(time));
  view.setUint32(part.firstDurationAt, durationTicks);
  return out;
}
