import { offsetText, type Shift, type Zone } from './zone.ts';

/** Distance of ticks: ms within a day, days, or months. */
export interface TickStep {
  unit: 'ms' | 'day' | 'month';
  size: number;
  /** About so long; ms. */
  length: number;
}

export interface Tick {
  at: number;
  /** What a label there says: parts of a second, seconds, minutes, the day, the month, the year. */
  kind: 'part' | 'second' | 'minute' | 'day' | 'month' | 'year';
  /** `+2` where the clock shows this time twice, else empty. */
  offset: string;
}

const [S, M, H, D] = [1_000, 60_000, 3_600_000, 86_400_000];
const STEPS: readonly TickStep[] = [
  ...[100, 200, 500, S, 2 * S, 5 * S, 10 * S, 15 * S, 30 * S].map(within),
  ...[M, 2 * M, 5 * M, 10 * M, 15 * M, 30 * M, H, 2 * H, 3 * H, 6 * H, 12 * H].map(within),
  ...[1, 2, 7, 14].map((size) => ({ unit: 'day' as const, size, length: size * D })),
  ...[1, 3, 6, 12].map((size) => ({ unit: 'month' as const, size, length: size * 30.4 * D })),
];
/** No view shows more. */
const TICKS_MAX = 500;

/** The finest step whose ticks stand at least `pixelsMin` apart. */
export function tickStep(spanMs: number, pixels: number, pixelsMin: number): TickStep {
  const perPixel = spanMs / Math.max(1, pixels);
  return STEPS.find(({ length }) => length / perPixel >= pixelsMin) ?? STEPS.at(-1)!;
}

/** Ticks in [from, to) where the local clock shows round times, with the changes of clocks. */
export function ticksOf(zone: Zone, from: number, to: number, step: TickStep): { ticks: Tick[]; shifts: Shift[] } {
  const shifts = zone.shifts(from - 2 * H, to + 2 * H);
  const ticks = step.unit === 'ms' ? withinDays(zone, from, to, step.size, shifts) : days(zone, from, to, step);
  return { ticks: ticks.slice(0, TICKS_MAX), shifts: shifts.filter(({ at }) => at >= from && at < to) };
}

/** Between two changes of clocks local time is UTC with one offset. */
function withinDays(zone: Zone, from: number, to: number, size: number, shifts: readonly Shift[]): Tick[] {
  const ticks: Tick[] = [];
  const borders = [from - 2 * H, ...shifts.map(({ at }) => at), to + 2 * H];
  for (let i = 0; i + 1 < borders.length; i++) {
    const [begin, end] = [Math.max(borders[i]!, from), Math.min(borders[i + 1]!, to)];
    if (begin >= end) continue;
    const offset = zone.offset(begin);
    const repeats = (at: number) =>
      shifts.some((shift) => {
        const length = (shift.before - shift.after) * M;
        return length > 0 && at >= shift.at - length && at < shift.at + length;
      });
    for (let local = Math.ceil((begin + offset) / size) * size; local - offset < end; local += size) {
      if (ticks.length >= TICKS_MAX) return ticks;
      const at = local - offset;
      ticks.push({ at, kind: kindOf(zone, local, at), offset: repeats(at) ? offsetText(offset / M) : '' });
    }
  }
  return ticks;
}

function kindOf(zone: Zone, local: number, at: number): Tick['kind'] {
  if (local % S !== 0) return 'part';
  if (local % M !== 0) return 'second';
  if (local % D !== 0) return 'minute';
  return dateKind(zone, at);
}

function days(zone: Zone, from: number, to: number, { unit, size }: TickStep): Tick[] {
  const ticks: Tick[] = [];
  const { year, month, day } = zone.local(from);
  // Round days and months: weeks begin on Monday, quarters in January.
  const first = Math.floor(Date.UTC(year, month - 1, day) / D);
  const firstDay = size >= 7 ? first - ((first + 3) % size) : first - (first % size);
  const firstMonth = year * 12 + month - 1 - ((year * 12 + month - 1) % size);
  for (let i = 0; i < TICKS_MAX; i++) {
    const date = new Date((firstDay + i * size) * D);
    const count = firstMonth + i * size;
    const at =
      unit === 'day'
        ? zone.startOfDay(date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate())
        : zone.startOfDay(Math.floor(count / 12), (count % 12) + 1, 1);
    if (at >= to) break;
    if (at >= from) ticks.push({ at, kind: dateKind(zone, at), offset: '' });
  }
  return ticks;
}

function dateKind(zone: Zone, at: number): Tick['kind'] {
  const { month, day } = zone.local(at);
  if (day !== 1) return 'day';
  return month === 1 ? 'year' : 'month';
}

function within(size: number): TickStep {
  return { unit: 'ms', size, length: size };
}

/** A label that wants to stand there. */
export interface Label {
  /** Left edge and width in pixels. */
  left: number;
  width: number;
  /** Heavier ones stay. */
  weight: number;
}

/** Indices of the labels that stay, in order, so that no two are nearer than `space`. */
export function placeLabels(labels: readonly Label[], space: number): number[] {
  const order = labels.map((_, index) => index).sort((a, b) => labels[b]!.weight - labels[a]!.weight || a - b);
  const kept: number[] = [];
  for (const index of order) {
    const { left, width } = labels[index]!;
    const free = kept.every((each) => {
      const other = labels[each]!;
      return left >= other.left + other.width + space || left + width + space <= other.left;
    });
    if (free) kept.push(index);
  }
  return kept.sort((a, b) => a - b);
}
