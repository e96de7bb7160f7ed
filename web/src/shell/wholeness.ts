import type { GapCause } from '../engine/messages.ts';

/** Gaps somebody wanted: nothing is missing there. */
const WANTED: ReadonlySet<GapCause> = new Set<GapCause>(['disabled', 'unwanted']);

export interface KnownGap {
  cause: GapCause;
  /** Epoch ms; null: it lasts. */
  startAt: number;
  endAt: number | null;
}

/** The newest gap of one camera that counts, or null where none of those given does. */
export function newestLoss(gaps: readonly KnownGap[]): KnownGap | null {
  const losses = gaps.filter(({ cause }) => !WANTED.has(cause));
  return losses.reduce<KnownGap | null>(
    (newest, gap) => (newest === null || endOf(gap) > endOf(newest) ? gap : newest),
    null,
  );
}

export interface Loss {
  name: string;
  gap: KnownGap | null;
}

/** What the wall says of all cameras: how many lack a recording right now, else since when nothing is missing. */
export function wholeness(
  losses: readonly Loss[],
  oldestAt: number | null,
): { missingNow: number; since: number | null } {
  const missingNow = losses.filter(({ gap }) => gap !== null && gap.endAt === null).length;
  const ends = losses.flatMap(({ gap }) => (gap?.endAt == null ? [] : [gap.endAt]));
  return { missingNow, since: ends.length === 0 ? oldestAt : Math.max(...ends) };
}

function endOf(gap: KnownGap): number {
  return gap.endAt ?? Number.POSITIVE_INFINITY;
}
