import type { Call } from '../engine/engine.ts';
import type { DeviceKey } from '../engine/messages.ts';
import type { CoverageCamera } from './coverage-source.ts';

/** Nearer than this to where one stands, an event or gap is the one one stands at; ms. */
const HERE_MS = 1_500;
/** Shorter gaps are passed over: a restart of the camera's stream leaves some of less than a second. */
const GAP_MS_MIN = 1_000;
/** The last picture before a gap may reach a little into it: a jump goes so far inside, ms. */
const INSIDE_MS = 250;
/** Events looked at for one jump. */
const EVENTS_MAX = 96;

/** A place worth going to; epoch ms. */
export interface Jump {
  at: number;
  camera: string;
}

/** The beginning of the next event after (or the last before) `at`, across cameras; null where there is none. */
export async function eventFrom(
  call: Call,
  cameras: readonly CoverageCamera[],
  at: number,
  direction: 1 | -1,
): Promise<Jump | null> {
  const found = await Promise.all(
    [...nodesOf(cameras)].map(async ([node, own]): Promise<Jump[]> => {
      const sources = own.map(({ source }) => source);
      const wish =
        direction === 1
          ? { sources, from: Math.ceil(at), order: 'oldest' as const, limit: EVENTS_MAX }
          : { sources, to: Math.max(0, Math.floor(at - HERE_MS)), order: 'newest' as const, limit: EVENTS_MAX };
      const { events } = await call(node, 'events.list', wish);
      return events.map(({ source, startAt }) => ({ at: startAt, camera: `${node}/${source}` }));
    }),
  );
  return nearestTo(found.flat(), at, direction);
}

/** Just inside the beginning of the next gap after (or the last before) `at`, across cameras; null where there is none. */
export async function gapFrom(
  call: Call,
  cameras: readonly CoverageCamera[],
  at: number,
  direction: 1 | -1,
): Promise<Jump | null> {
  const found = await Promise.all(
    cameras.map(async ({ key, node, source, stream = 'main' }): Promise<Jump[]> => {
      const common = { source, stream, lengthMin: GAP_MS_MIN, limit: 3 };
      const wish =
        direction === 1
          ? { ...common, from: Math.ceil(at), order: 'oldest' as const }
          : { ...common, to: Math.max(0, Math.floor(at - HERE_MS)), order: 'newest' as const };
      const { gaps } = await call(node, 'gaps.list', wish);
      return gaps.map(({ startAt, endAt }) => ({
        at: startAt + Math.min(INSIDE_MS, Math.floor(((endAt ?? Number.POSITIVE_INFINITY) - startAt) / 2)),
        camera: key,
      }));
    }),
  );
  return nearestTo(found.flat(), at, direction);
}

/** Of several places the nearest in a direction, not counting the one where one stands. */
export function nearestTo(places: readonly Jump[], at: number, direction: 1 | -1): Jump | null {
  let best: Jump | null = null;
  for (const place of places) {
    const beyond = (place.at - at) * direction;
    if (direction === 1 ? beyond <= HERE_MS / 10 : beyond <= HERE_MS) continue;
    if (!best || beyond < (best.at - at) * direction) best = place;
  }
  return best;
}

/** The first moment that is recorded on any of the cameras; null where nothing is. */
export async function oldestOf(call: Call, cameras: readonly CoverageCamera[]): Promise<number | null> {
  const found = await Promise.all(
    cameras.map(async ({ node, source, stream = 'main' }) => {
      const { segments } = await call(node, 'segments.list', { source, stream, order: 'oldest', limit: 1 });
      return segments[0]?.startAt ?? Number.POSITIVE_INFINITY;
    }),
  );
  const oldest = Math.min(...found);
  return Number.isFinite(oldest) ? oldest : null;
}

function nodesOf(cameras: readonly CoverageCamera[]): Map<DeviceKey, CoverageCamera[]> {
  return Map.groupBy(cameras, ({ node }) => node);
}
