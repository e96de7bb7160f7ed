import {
  boxesIn,
  type Fragment,
  type FragmentPart,
  type ParsedInit,
  parseFragment,
  parseInitSegment,
  readPrft,
} from '../media/index.ts';

/** The init segment of the fragments that follow. */
export interface InitUnit {
  kind: 'init';
  /** `ftyp` + `moov`. */
  bytes: Uint8Array<ArrayBuffer>;
  segment: ParsedInit;
}

/** One fragment with its place in time. */
export interface FragmentUnit {
  kind: 'fragment';
  /** `prft`? + `moof` + `mdat`. */
  bytes: Uint8Array<ArrayBuffer>;
  fragment: Fragment & { parts: FragmentPart[] };
  /** True where a `prft` told its wall time. */
  wallTime: boolean;
  /** Video decode time, in its track's ticks. */
  time: bigint;
  /** Wall time of the first and just after the last picture, whole µs since 1970. */
  startUs: number;
  endUs: number;
  /** Its first picture decodes alone. */
  keyframe: boolean;
}

/** Reads an init segment. Throws media's errors (`corrupt`). */
export function initUnit(bytes: Uint8Array<ArrayBuffer>): InitUnit {
  return { kind: 'init', bytes, segment: parseInitSegment(bytes) };
}

/**
 * Reads a fragment and gives it its place in time: by its `prft`, else by its decode time from `origin` on (`time` null: it
 * is the origin itself). Throws media's errors (`corrupt`).
 */
export function fragmentUnit(
  bytes: Uint8Array<ArrayBuffer>,
  init: InitUnit,
  origin: { time: bigint | null; us: number },
): FragmentUnit {
  const fragment = parseFragment(bytes, init.segment);
  const video = init.segment.tracks[0]!;
  const part = fragment.parts.find((each) => each.id === video.id);
  const toUs = (ticks: bigint) => Number((ticks * 1_000_000n) / BigInt(video.timescale));
  const time = part?.baseDecodeTime ?? origin.time ?? 0n;
  const wallUs = wallTimeOf(bytes);
  const startUs = wallUs ?? origin.us + toUs(time - (origin.time ?? time));
  const endUs = startUs + toUs(BigInt(part?.duration ?? 0));
  const { keyframe } = fragment;
  return { kind: 'fragment', bytes, fragment, wallTime: wallUs !== null, time, startUs, endUs, keyframe };
}

/** What the `prft` in front of the `moof` says, µs since 1970; null where there is none. */
function wallTimeOf(bytes: Uint8Array): number | null {
  for (const box of boxesIn(bytes)) {
    if (box.type === 'prft') return readPrft(bytes, box).wallUs;
    if (box.type === 'moof') return null;
  }
  return null;
}
