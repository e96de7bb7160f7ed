import type { Lane } from './coverage-source.ts';
import type { EventMark } from './event-source.ts';
import { blocksOf, type LaneLayout } from './lane-layout.ts';
import type { TickLabel } from './tick-labels.ts';
import type { Scale, Seen } from './time-view.ts';

/** The colours of the page, as the theme has them now. */
export interface Colors {
  text: string;
  dim: string;
  faint: string;
  line: string;
  raise: string;
  bg: string;
  covered: string;
  gap: string;
  event: string;
  live: string;
  sealed: string;
  font: string;
}

export function colorsOf(element: Element): Colors {
  const style = getComputedStyle(element);
  const of = (name: string) => style.getPropertyValue(`--${name}`).trim();
  return {
    text: of('text'),
    dim: of('dim'),
    faint: of('faint'),
    line: of('line'),
    raise: of('raise'),
    bg: of('bg'),
    covered: of('covered'),
    gap: of('gap'),
    event: of('event'),
    live: of('live'),
    sealed: of('sealed'),
    font: style.fontFamily,
  };
}

/** Everything that stands still while the cursor moves. */
export interface Drawing {
  scale: Scale;
  layout: LaneLayout;
  lanes: readonly (Lane | null)[];
  marks: readonly (readonly EventMark[])[];
  labels: readonly TickLabel[];
  colors: Colors;
  now: number;
}

/** Narrower marks than this are drawn so wide; px. */
const MARK_MIN = 3;
const GAP_MIN = 2;

export function drawLanes(context: CanvasRenderingContext2D, drawing: Drawing): void {
  const { scale, layout, lanes, marks, colors, now } = drawing;
  context.clearRect(0, 0, scale.width, layout.height);
  drawTicks(context, drawing);
  const nowX = Math.min(scale.width, scale.x(now));
  for (const [index, lane] of lanes.entries()) {
    const top = layout.scale + index * layout.pitch + (layout.pitch - layout.bar) / 2;
    // The bed of the lane ends with the present: behind it there is no time yet.
    context.globalAlpha = 0.55;
    context.fillStyle = colors.line;
    rounded(context, 0, top, Math.max(0, nowX), layout.bar);
    context.globalAlpha = 1;
    if (!lane) continue;
    drawCovered(context, lane, scale, top, layout.bar, colors);
    drawGaps(context, lane, scale, top, layout.bar, colors, now);
    drawEvents(context, marks[index] ?? [], scale, top, layout.bar, colors, now);
  }
  if (nowX < scale.width) drawPresent(context, nowX, layout, colors);
}

function drawCovered(
  context: CanvasRenderingContext2D,
  lane: Lane,
  scale: Scale,
  top: number,
  bar: number,
  colors: Colors,
) {
  context.fillStyle = colors.covered;
  for (const { from, to, level, known } of blocksOf(lane, scale.from, scale.to)) {
    const left = Math.max(0, scale.x(from));
    const right = Math.min(scale.width, scale.x(to));
    const height = Math.max(2, Math.round((bar * level) / 8));
    context.globalAlpha = known ? 1 : 0.5;
    // Stretches that touch are drawn without a seam.
    context.fillRect(left, top + bar - height, Math.max(1, right - left), height);
  }
  context.globalAlpha = 1;
}

function drawGaps(
  context: CanvasRenderingContext2D,
  lane: Lane,
  scale: Scale,
  top: number,
  bar: number,
  colors: Colors,
  now: number,
) {
  const foot = Math.max(2, Math.round(bar / 4));
  for (const { from, to } of lane.gaps) {
    const left = scale.x(from);
    const width = Math.max(GAP_MIN, scale.x(to ?? now) - left);
    if (left > scale.width || left + width < 0) continue;
    // A notch in the bar with a foot: seen without its colour too.
    context.fillStyle = colors.raise;
    context.fillRect(left, top, width, bar);
    context.fillStyle = colors.gap;
    context.fillRect(left, top + bar - foot, width, foot);
  }
  if (lane.stretches) return;
  context.fillStyle = colors.gap;
  const first = Math.max(0, Math.floor((scale.from - lane.from) / lane.bucketMs));
  const last = Math.min(lane.gapCounts.length, Math.ceil((scale.to - lane.from) / lane.bucketMs));
  for (let i = first; i < last; i++) {
    if (lane.gapCounts[i] === 0) continue;
    const left = scale.x(lane.from + i * lane.bucketMs);
    context.fillRect(left, top + bar - foot, Math.max(GAP_MIN, lane.bucketMs / scale.msPerPixel), foot);
  }
}

function drawEvents(
  context: CanvasRenderingContext2D,
  events: readonly EventMark[],
  scale: Scale,
  top: number,
  bar: number,
  colors: Colors,
  now: number,
) {
  context.fillStyle = colors.event;
  let drawnTo = Number.NEGATIVE_INFINITY;
  for (const { from, to } of events) {
    const left = Math.round(scale.x(from));
    const right = Math.max(left + MARK_MIN, Math.round(scale.x(Math.min(to ?? now, now))));
    if (right < 0 || left > scale.width || right <= drawnTo) continue;
    drawnTo = right;
    // Higher than the bar, so that it is told from it by shape.
    context.fillRect(left, top - 1, right - left, bar + 2);
  }
}

function drawPresent(context: CanvasRenderingContext2D, x: number, layout: LaneLayout, colors: Colors) {
  context.fillStyle = colors.live;
  context.fillRect(Math.round(x), layout.scale - 2, 2, layout.height - layout.scale);
  context.beginPath();
  context.moveTo(x - 4, layout.scale - 7);
  context.lineTo(x + 6, layout.scale - 7);
  context.lineTo(x + 1, layout.scale - 1);
  context.fill();
}

function drawTicks(context: CanvasRenderingContext2D, { scale, layout, labels, colors }: Drawing) {
  context.textBaseline = 'middle';
  for (const { at, x, text, left, strong, shown } of labels) {
    context.globalAlpha = shown ? 0.9 : 0.45;
    context.fillStyle = colors.line;
    const place = Math.round(x ?? scale.x(at));
    context.fillRect(place, shown ? layout.scale - 5 : layout.scale - 3, 1, layout.height);
    context.globalAlpha = 1;
    if (!shown) continue;
    context.font = labelFont(colors.font, strong);
    context.fillStyle = strong ? colors.dim : colors.faint;
    context.fillText(text, left, layout.scale / 2 - 1);
  }
}

export function labelFont(family: string, strong: boolean): string {
  return `${strong ? '600 ' : ''}11px ${family}`;
}

/** What moves: the cursor, the pointer, what was marked. */
export interface Overlay {
  scale: Scale;
  layout: LaneLayout;
  colors: Colors;
  cursor: number;
  isLive: boolean;
  hover: number | null;
  selection: Seen | null;
}

export function drawOverlay(context: CanvasRenderingContext2D, overlay: Overlay): void {
  const { scale, layout, colors, cursor, isLive, hover, selection } = overlay;
  context.clearRect(0, 0, scale.width, layout.height);
  const top = layout.scale - 4;
  if (selection) {
    const [left, right] = [scale.x(selection.from), scale.x(selection.to)];
    context.globalAlpha = 0.22;
    context.fillStyle = colors.sealed;
    context.fillRect(left, top, right - left, layout.height - top);
    context.globalAlpha = 1;
    for (const [x, inward] of [
      [left, 1],
      [right, -1],
    ] as const) {
      context.fillRect(x - (inward === 1 ? 0 : 2), top, 2, layout.height - top);
      context.fillRect(Math.min(x, x + 6 * inward), top, 6, 2);
      context.fillRect(Math.min(x, x + 6 * inward), layout.height - 2, 6, 2);
    }
  }
  if (hover !== null) {
    context.globalAlpha = 0.35;
    context.fillStyle = colors.text;
    context.fillRect(Math.round(scale.x(hover)), top, 1, layout.height - top);
    context.globalAlpha = 1;
  }
  if (isLive) return;
  const x = Math.round(scale.x(cursor));
  context.fillStyle = colors.bg;
  context.globalAlpha = 0.6;
  context.fillRect(x - 2, top, 4, layout.height - top);
  context.globalAlpha = 1;
  context.fillStyle = colors.text;
  context.fillRect(x - 1, top, 2, layout.height - top);
}

function rounded(context: CanvasRenderingContext2D, x: number, y: number, width: number, height: number): void {
  context.beginPath();
  context.roundRect(x, y, width, height, 3);
  context.fill();
}
