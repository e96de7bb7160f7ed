import type { PictureOptions } from './options.ts';

/** Cells in a row; there are two rows at the bottom edge of the picture. */
const COLUMNS = 24;
/** Bits of each field, in the order they stand in; the first cell of a bit field is its highest bit. */
const FRAME_BITS = 16;
const TIME_BITS = 20;
const CHECK_BITS = 8;
/** The check is `(frame + 7 * time) mod 251`: every single wrong bit is noticed. */
const CHECK_MODULUS = 251;
const CHECK_WEIGHT = 7;
/** The first two cells of each row tell black from white, and the rows apart. */
const MARKS: readonly (readonly boolean[])[] = [
  [true, false],
  [false, true],
];
/** White and black must be this far apart (of 255) to be believed. */
const CONTRAST_MIN = 60;

/** After so many ms the time code begins anew. */
export const STRIP_TIME_MODULUS = 2 ** TIME_BITS;
/** After so many pictures the number begins anew. */
export const STRIP_FRAME_MODULUS = 2 ** FRAME_BITS;

/** What the strip of a picture says. */
export interface StripCode {
  /** Number of the picture, the one burned in, modulo 2^16. */
  frame: number;
  /** Wall time at which it was made, ms since 1970 modulo 2^20 (17 minutes). */
  timeMs: number;
}

/** Height of both rows together in a picture of this height, pixels. */
export function stripHeight(height: number): number {
  return 2 * Math.max(4, 2 * Math.round(height / 120));
}

/**
 * ffmpeg filters that draw the strip. Each white bit is a box that is drawn where its expression in `n` (the picture's number) and `t`
 * (seconds of wall time since `originUs`, µs since 1970) is not zero.
 */
export function stripFilters({ width, height }: PictureOptions, originUs: number): string[] {
  const tall = stripHeight(height);
  const row = tall / 2;
  const frame = `mod(n,${STRIP_FRAME_MODULUS})`;
  const originMs = (originUs % (STRIP_TIME_MODULUS * 1000)) / 1000;
  const time = `mod(floor(t*1000+${originMs.toFixed(3)}),${STRIP_TIME_MODULUS})`;
  const check = `mod(${frame}+${CHECK_WEIGHT}*${time},${CHECK_MODULUS})`;
  const bits = [...bitsOf(frame, FRAME_BITS), ...bitsOf(time, TIME_BITS), ...bitsOf(check, CHECK_BITS)];
  const box = (cell: number, enable: string) => {
    const [left, right] = [cell % COLUMNS, (cell % COLUMNS) + 1].map((at) => Math.round((at * width) / COLUMNS));
    const y = height - tall + Math.floor(cell / COLUMNS) * row;
    return `drawbox=x=${left}:y=${y}:w=${right! - left!}:h=${row}:color=white:t=fill${enable}`;
  };
  return [
    `drawbox=x=0:y=${height - tall}:w=${width}:h=${tall}:color=black:t=fill`,
    ...MARKS.flatMap((marks, at) => marks.flatMap((white, column) => (white ? [box(at * COLUMNS + column, '')] : []))),
    ...bits.map((bit, at) => box(cellOfBit(at), `:enable='${bit}'`)),
  ];
}

/**
 * Reads a strip from the brightness (0 to 255) of its cells, upper row first. Null where these are not the cells of a strip: too little
 * contrast, wrong marks or a wrong check. Total.
 */
export function readStrip(cells: ArrayLike<number>): StripCode | null {
  if (cells.length !== 2 * COLUMNS) return null;
  const marked = (white: boolean) =>
    MARKS.flatMap((marks, row) => marks.flatMap((mark, at) => (mark === white ? [cells[row * COLUMNS + at]!] : [])));
  const [bright, dark] = [Math.min(...marked(true)), Math.max(...marked(false))];
  if (!(bright - dark >= CONTRAST_MIN)) return null;
  const middle = (bright + dark) / 2;
  const number = (from: number, count: number) => {
    let value = 0;
    for (let bit = from; bit < from + count; bit++) value = value * 2 + (cells[cellOfBit(bit)]! > middle ? 1 : 0);
    return value;
  };
  const frame = number(0, FRAME_BITS);
  const timeMs = number(FRAME_BITS, TIME_BITS);
  const check = number(FRAME_BITS + TIME_BITS, CHECK_BITS);
  return (frame + CHECK_WEIGHT * timeMs) % CHECK_MODULUS === check ? { frame, timeMs } : null;
}

/** The whole wall time (ms since 1970) a code of 20 bits stands for: the one nearest to `nearMs`. */
export function stripTime(timeMs: number, nearMs: number): number {
  const half = STRIP_TIME_MODULUS / 2;
  const behind = (((nearMs - timeMs + half) % STRIP_TIME_MODULUS) + STRIP_TIME_MODULUS) % STRIP_TIME_MODULUS;
  return nearMs - behind + half;
}

/** Middles of all cells in a picture of this size, upper row first; pixels from the upper left. */
export function stripCells(width: number, height: number): { x: number; y: number }[] {
  const row = stripHeight(height) / 2;
  return Array.from({ length: 2 * COLUMNS }, (_, cell) => ({
    x: Math.floor((((cell % COLUMNS) + 0.5) * width) / COLUMNS),
    y: Math.floor(height - row * (1.5 - Math.floor(cell / COLUMNS))),
  }));
}

function cellOfBit(bit: number): number {
  const perRow = COLUMNS - 2;
  return Math.floor(bit / perRow) * COLUMNS + 2 + (bit % perRow);
}

function bitsOf(value: string, count: number): string[] {
  return Array.from({ length: count }, (_, at) => `mod(floor(${value}/${2 ** (count - 1 - at)}),2)`);
}
