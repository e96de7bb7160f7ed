import type { Gap, Lane } from './coverage-source.ts';
import type { EventMark } from './event-source.ts';
import type { Scale } from './time-view.ts';

/** Rows of the drawing, from the top: the scale, then a lane for each camera; px. */
export interface LaneLayout {
  scale: number;
  /** Distance of lanes, and the height of the bar in it. */
  pitch: number;
  bar: number;
  height: number;
}

/** Lanes get thinner as they get more. */
export function laneLayout(lanes: number, isCoarse: boolean): LaneLayout {
  const pitch = lanes <= 4 ? (isCoarse ? 22 : 20) : lanes <= 9 ? 16 : 13;
  const bar = lanes <= 4 ? 12 : lanes <= 9 ? 10 : 8;
  const scale = isCoarse ? 30 : 24;
  return { scale, pitch, bar, height: scale + Math.max(1, lanes) * pitch + 4 };
}

/** Index of the lane at a height; null on the scale. */
export function laneAt(layout: LaneLayout, y: number, lanes: number): number | null {
  if (y < layout.scale) return null;
  const index = Math.floor((y - layout.scale) / layout.pitch);
  return index < lanes ? index : null;
}

/** Where the first recording that is seen begins, epoch ms; `to` where there is none; null while that is not known of every camera. */
export function beginningOf(
  lanes: readonly Lane[],
  cameras: readonly string[],
  from: number,
  to: number,
): number | null {
  let first = to;
  for (const key of cameras) {
    const lane = lanes.find(({ camera }) => camera === key);
    if (!lane) return null;
    for (let i = 0; i < lane.buckets.length; i++) {
      const at = lane.from + i * lane.bucketMs;
      if (at + lane.bucketMs <= from || at >= to) continue;
      if (lane.known[i] === 0) return null;
      if (lane.buckets[i]! > 0) first = Math.min(first, Math.max(at, from));
    }
  }
  return first;
}

/** What stands at a time of a lane. */
export type Hit =
  | { kind: 'event'; event: EventMark }
  | { kind: 'gap'; gap: Gap }
  /** So many gaps begin here; too many to be told one by one. */
  | { kind: 'gaps'; count: number }
  | { kind: 'recorded' }
  | { kind: 'nothing' }
  | { kind: 'unknown' };

/** What a pointer at `x` means: events first (they are narrow), then gaps, each a little wider than drawn. */
export function hitOf(lane: Lane, events: readonly EventMark[], scale: Scale, x: number, slackPx = 4): Hit {
  const at = scale.at(x);
  const slack = slackPx * scale.msPerPixel;
  const event = nearest(events, at, slack, scale.to);
  if (event) return { kind: 'event', event };
  const gap = nearest(lane.gaps, at, slack / 2, scale.to);
  if (gap) return { kind: 'gap', gap };
  return standingOf(lane, at);
}

/** Whether a time of a lane is recorded, as far as is known. */
export function standingOf(lane: Lane, at: number): Hit {
  const gap = lane.gaps.find(({ from, to }) => from <= at && at < (to ?? Number.POSITIVE_INFINITY));
  if (gap) return { kind: 'gap', gap };
  if (lane.stretches?.some(({ from, to }) => from <= at && at < to)) return { kind: 'recorded' };
  const bucket = Math.floor((at - lane.from) / lane.bucketMs);
  if (bucket < 0 || bucket >= lane.buckets.length) return { kind: 'unknown' };
  if (lane.stretches && lane.known[bucket]) return { kind: 'nothing' };
  const count = lane.gapCounts[bucket]!;
  if (count > 0) return { kind: 'gaps', count };
  if (lane.buckets[bucket]! > 0) return { kind: 'recorded' };
  return lane.known[bucket] ? { kind: 'nothing' } : { kind: 'unknown' };
}

function nearest<T extends { from: number; to: number | null }>(
  marks: readonly T[],
  at: number,
  slack: number,
  end: number,
): T | null {
  let best: T | null = null;
  let away = slack;
  for (const mark of marks) {
    const to = mark.to ?? end;
    const distance = at < mark.from ? mark.from - at : at > to ? at - to : 0;
    // Of several at the same place the shortest: the others can be had beside it.
    if (distance < away || (distance === away && (!best || to - mark.from < (best.to ?? end) - best.from))) {
      best = mark;
      away = distance;
    }
  }
  return best;
}

/** A stretch of a lane that is drawn as one: `level` 1 to 8 eighths recorded. */
export interface Block {
  from: number;
  to: number;
  level: number;
  known: boolean;
}

/** A lane as blocks: exact stretches where they are told, buckets of about equal filling joined where not. */
export function blocksOf(lane: Lane, from: number, to: number): Block[] {
  if (lane.stretches) {
    return lane.stretches
      .filter((each) => each.to > from && each.from < to)
      .map((each) => ({ from: each.from, to: each.to, level: 8, known: true }));
  }
  const blocks: Block[] = [];
  const first = Math.max(0, Math.floor((from - lane.from) / lane.bucketMs));
  const last = Math.min(lane.buckets.length, Math.ceil((to - lane.from) / lane.bucketMs));
  for (let i = first; i < last; i++) {
    const fill = lane.buckets[i]!;
    if (fill === 0) continue;
    const level = fill === 255 ? 8 : Math.max(1, Math.min(7, Math.round((fill / 255) * 8)));
    const known = lane.known[i] === 1;
    const [begin, end] = [lane.from + i * lane.bucketMs, lane.from + (i + 1) * lane.bucketMs];
    const before = blocks.at(-1);
    if (before && before.to === begin && before.level === level && before.known === known) before.to = end;
    else blocks.push({ from: begin, to: end, level, known });
  }
  return blocks;
}
