/** The name of an exported file: node, camera, local time of its beginning, and the part where there are several. */
export function fileName(
  facts: { node: string; camera: string; from: number; part: number },
  timeZone: string,
): string {
  const { node, camera, from, part } = facts;
  const time = localText(from, timeZone).replace('T', '_').replaceAll(':', '-');
  return `${[plain(node), plain(camera), time].filter(Boolean).join('_')}${part > 1 ? `_${part}` : ''}.mp4`;
}

/** Letters and digits of any language stay; what file systems dislike becomes one dash. */
function plain(text: string): string {
  return text
    .normalize('NFC')
    .replace(/[^\p{L}\p{M}\p{N}]+/gu, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 48);
}

/** A moment as an input of type `datetime-local` has it: `2026-11-21T14:22:07`, in a zone. */
export function localText(at: number, timeZone: string): string {
  return new Date(Math.floor(at / 1000) * 1000 + offsetAt(at, timeZone)).toISOString().slice(0, 19);
}

/**
 * The moment (epoch ms) a local time stands for in a zone; null where it is no time. In an hour that comes twice it is the first, and a
 * time that does not exist (the clock was set forward over it) is as far behind the change as it says.
 */
export function momentOf(text: string, timeZone: string): number | null {
  const match = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(?::(\d\d)(?:\.\d{1,3})?)?$/.exec(text);
  const utc = match ? Date.parse(`${match[1]}T${match[2]}:${match[3] ?? '00'}Z`) : Number.NaN;
  if (Number.isNaN(utc)) return null;
  // Offsets of a day before and after hold on either side of a change in between.
  const [before, after] = [offsetAt(utc - 86_400_000, timeZone), offsetAt(utc + 86_400_000, timeZone)];
  const fits = [utc - before, utc - after].filter((at) => at + offsetAt(at, timeZone) === utc);
  return fits.length > 0 ? Math.min(...fits) : utc - before;
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** How far local time is ahead of UTC, ms. */
function offsetAt(at: number, timeZone: string): number {
  let format = formats.get(timeZone);
  if (!format) {
    const digits = { year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit' } as const;
    format = new Intl.DateTimeFormat('en-US', { ...digits, second: '2-digit', hourCycle: 'h23', timeZone });
    formats.set(timeZone, format);
  }
  const parts = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
  const { year, month, day, hour, minute, second } = parts as Record<string, number>;
  return Date.UTC(year!, month! - 1, day!, hour, minute, second) - Math.floor(at / 1000) * 1000;
}

/** Roughly how many bytes a stretch will have. */
export function estimatedBytes(bitsPerSecond: readonly number[], from: number, to: number): number {
  return bitsPerSecond.reduce((sum, rate) => sum + (rate / 8) * Math.max(0, (to - from) / 1000), 0);
}

/** Bytes per second over the last few seconds. */
export class RateMeter {
  readonly #windowMs: number;
  #marks: { at: number; total: number }[] = [];

  constructor(windowMs = 4_000) {
    this.#windowMs = windowMs;
  }

  /** `total` bytes have come at `at` (ms of any clock that only goes forward); gives the rate, 0 where it is not known yet. */
  add(at: number, total: number): number {
    this.#marks.push({ at, total });
    while (this.#marks.length > 2 && this.#marks[1]!.at <= at - this.#windowMs) this.#marks.shift();
    const first = this.#marks[0]!;
    return at > first.at ? ((total - first.total) * 1000) / (at - first.at) : 0;
  }
}
