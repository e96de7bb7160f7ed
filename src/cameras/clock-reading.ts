import type { Clock, Random } from '../platform/index.ts';
import type { CameraDriver } from './api.ts';
import { measureOnvifClock } from './clock-measure.ts';
import type { ClockWatch } from './clock-watch.ts';
import type { QuestionGate } from './question-gate.ts';

/** From one reading to the next, and after one that failed. */
const EVERY_MS = 600_000;
const AGAIN_MS = 60_000;
/** Part of the wait that chance may take away or add, so that cameras of one start drift apart. */
const JITTER = 0.1;

/** Reads a camera's clock now and every ten minutes, until the signal aborts. Never rejects; `onReading` follows each reading. */
export async function readClock(
  { clock, random, gate }: { clock: Clock; random: Random; gate: QuestionGate },
  { driver, owner, watch }: { driver: CameraDriver; owner: object; watch: ClockWatch },
  onReading: () => void,
  signal: AbortSignal,
): Promise<void> {
  const ask = () => gate.ask((until) => driver.time(until), { owner, signal });
  while (!signal.aborted) {
    let waitMs = AGAIN_MS;
    try {
      const time = await measureOnvifClock(ask, clock, random, signal);
      if (signal.aborted) return;
      watch.take(time, 'onvif');
      onReading();
      waitMs = EVERY_MS;
    } catch {
      // What keeps it from answering shows where it is asked who it is.
    }
    const jitter = 1 + JITTER * (random.bytes(1)[0]! / 127.5 - 1);
    await clock.sleep(waitMs * jitter, signal).catch(() => {});
  }
}
