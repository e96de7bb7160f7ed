import type { Picture } from './past-index.ts';

/** Further off than this a tile searches instead of hurrying; s of wall time. */
const HURRY_S_MAX = 0.35;
/** Nearer than this it is in step. */
const DEAD_S = 0.008;
/** How much faster or slower a picture may run: unheard more, heard less. */
const HASTE = 0.25;
const HASTE_HEARD = 0.04;
/** An error is made up for in about a third of a second. */
const GAIN = 3;

/** Where the picture of a tile is, and where it should be; seconds of the glass. */
export interface Motion {
  current: number;
  wanted: number;
  /** The picture that should be shown. */
  picture: Picture;
  speed: number;
  /** Nothing moves: just that picture is to be shown. */
  stands: boolean;
  /** Between the two lies a gap. */
  away: boolean;
}

/** True where the picture must be searched for. */
export function isAway({ current, wanted, picture, speed, stands, away }: Motion): boolean {
  if (away) return true;
  if (stands) {
    // A little inside: a time on the edge may show the neighbour.
    const edge = Math.min(0.0005, (picture.glassEnd - picture.glass) / 4);
    return current < picture.glass - edge || current >= picture.glassEnd;
  }
  return Math.abs(wanted - current) > HURRY_S_MAX * Math.max(1, speed);
}

/** The playback rate that brings a running picture in step with the clock. */
export function motionFor({ current, wanted, speed }: Motion, muted: boolean): number {
  const late = (wanted - current) / Math.max(speed, 0.25);
  if (Math.abs(late) < DEAD_S) return speed;
  const haste = muted ? HASTE : HASTE_HEARD;
  return speed * (1 + Math.min(Math.max(late * GAIN, -haste), haste));
}
