import type { Clock, Random } from '../platform/index.ts';
import type { CameraTime } from './api.ts';

/** ONVIF tells whole seconds (`tt:DateTime`). */
const SECOND_MS = 1_000;
/** Most questions of one measurement: each halves what is unknown, until the way of the question is all that is left. */
export const QUESTIONS_MAX = 8;
/** Known well enough, ms. */
const ENOUGH_MS = 16;
/** A calendar that moved so much against the monotonic clock in between was set: earlier answers say nothing. */
const CALENDAR_STEP_MS = 5;

/** What the offset (camera minus node, ms) lies between. */
interface Bounds {
  low: number;
  high: number;
}

/**
 * Reads a clock that tells whole seconds more closely than that: asks again where the second would change if the middle of what is
 * known were true, and so learns in which half the truth lies. At most 8 questions in about as many seconds.
 *
 * `ask` gives the second the camera told (or its middle) as `cameraAt`, and as `uncertaintyMs` half the way there and back, plus half
 * a second. Gives what is known when a later question fails; rejects as `ask` does where the first one fails, and with the signal's reason.
 */
export async function measureOnvifClock(
  ask: () => Promise<CameraTime>,
  clock: Clock,
  random: Random,
  signal: AbortSignal,
): Promise<CameraTime> {
  let last = await ask();
  let base = clock.now() - clock.monotonic();
  let known = boundsOf(last);
  for (let questions = 1; questions < QUESTIONS_MAX && known.high - known.low > ENOUGH_MS; questions++) {
    const halfWay = halfWayOf(last);
    // The edge itself is the worst moment to be sure of; a little chance keeps two clocks in step from showing the same answer for ever.
    const width = known.high - known.low;
    const dither = ((random.bytes(1)[0]! - 127.5) / 255) * (width / 4);
    const camera = clock.now() + (known.low + known.high) / 2 + halfWay + dither;
    await clock.sleep(SECOND_MS - (((camera % SECOND_MS) + SECOND_MS) % SECOND_MS), signal);
    const next = await ask().catch((error: unknown) => {
      if (signal.aborted) throw error;
      return null;
    });
    if (!next) break;
    const moved = clock.now() - clock.monotonic() - base;
    base += moved;
    last = next;
    known = Math.abs(moved) > CALENDAR_STEP_MS ? boundsOf(next) : narrowed(known, boundsOf(next));
    if (known.high - known.low <= 2 * halfWay + ENOUGH_MS / 2) break;
  }
  const offset = (known.low + known.high) / 2;
  return {
    cameraAt: Math.round(last.nodeAt + offset),
    nodeAt: last.nodeAt,
    uncertaintyMs: Math.ceil((known.high - known.low) / 2),
  };
}

/** The camera showed this second somewhere between question and answer. */
function boundsOf(time: CameraTime): Bounds {
  const second = Math.floor(time.cameraAt / SECOND_MS) * SECOND_MS;
  const halfWay = halfWayOf(time);
  return { low: second - time.nodeAt - halfWay, high: second + SECOND_MS - time.nodeAt + halfWay };
}

/** Half the way of question and answer, ms. */
function halfWayOf({ uncertaintyMs }: CameraTime): number {
  return Math.max(0, uncertaintyMs - SECOND_MS / 2);
}

/** What both say; where they contradict each other the clock was set in between, and the newer one holds. */
function narrowed(a: Bounds, b: Bounds): Bounds {
  const both = { low: Math.max(a.low, b.low), high: Math.min(a.high, b.high) };
  return both.low < both.high ? both : b;
}
