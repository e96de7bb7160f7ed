import { bodyReader, boxesIn, findBox, type ParsedInit } from '../../../src/media/index.ts';

/** More pictures than a fragment has; beyond, their times are not told. */
const PICTURES_MAX = 4_096;

/**
 * When each picture of a fragment is shown, in order: seconds of media time, as `mediaStart` of the fragment counts. Empty where the
 * fragment has no picture, too many, or does not say: then they are taken as evenly spread. Total: any bytes give a list.
 * Source: ISO/IEC 14496-12 section 8.8 (`tfhd`, `tfdt`, `trun`).
 */
export function pictureTimes(bytes: Uint8Array, init: Pick<ParsedInit, 'tracks' | 'defaults'>): number[] {
  const video = init.tracks[0];
  if (!video || !(video.timescale > 0)) return [];
  try {
    const moof = findBox(bytes, 'moof');
    if (!moof) return [];
    for (const traf of boxesIn(bytes, moof.body, moof.end)) {
      if (traf.type !== 'traf') continue;
      const tfhd = findBox(bytes, 'tfhd', traf);
      const tfdt = findBox(bytes, 'tfdt', traf);
      if (!tfhd || !tfdt) continue;
      const head = bodyReader(bytes, tfhd);
      const flags = head.u32() & 0xff_ffff;
      if (head.u32() !== video.id) continue;
      if (flags & 1) head.skip(8);
      if (flags & 2) head.skip(4);
      const duration = flags & 8 ? head.u32() : (init.defaults.get(video.id)?.durationTicks ?? 0);
      const time = bodyReader(bytes, tfdt);
      const base = time.u32() >>> 24 === 1 ? Number(time.u64()) : time.u32();
      const ticks = samplesOf(bytes, traf, base, duration);
      return ticks.length > PICTURES_MAX ? [] : ticks.sort((a, b) => a - b).map((each) => each / video.timescale);
    }
  } catch {
    // Whoever takes the fragment apart says what is wrong with it; here nothing is known.
  }
  return [];
}

/** Presentation times in ticks, as the `trun`s list them. */
function samplesOf(
  bytes: Uint8Array,
  traf: Parameters<typeof bodyReader>[1],
  base: number,
  duration: number,
): number[] {
  const ticks: number[] = [];
  let at = base;
  for (const box of boxesIn(bytes, traf.body, traf.end)) {
    if (box.type !== 'trun') continue;
    const run = bodyReader(bytes, box);
    const word = run.u32();
    const flags = word & 0xff_ffff;
    const count = run.u32();
    if (flags & 1) run.skip(4);
    if (flags & 4) run.skip(4);
    if (ticks.length + count > PICTURES_MAX) return new Array(PICTURES_MAX + 1);
    for (let i = 0; i < count; i++) {
      const own = flags & 0x100 ? run.u32() : duration;
      if (flags & 0x200) run.skip(4);
      if (flags & 0x400) run.skip(4);
      // Version 1 counts below zero too.
      const late = flags & 0x800 ? (word >>> 24 === 0 ? run.u32() : run.u32() | 0) : 0;
      ticks.push(at + late);
      at += own;
    }
  }
  return ticks;
}
