import type { Clock, Random } from '../platform/index.ts';
import type { CameraDriver, CameraEvent, CameraTrouble } from './api.ts';
import { troubleOf } from './errors.ts';
import type { QuestionGate } from './question-gate.ts';

/** Waiting before a subscription that ended is begun anew; the driver itself keeps trying where it can. */
const AGAIN_MS = { min: 5_000, max: 60_000, refused: 60_000 };

/** What is heard of a camera's events. */
export interface EventListener {
  event(event: CameraEvent): void;
  /** The subscription stands, or does not any more; told only when it changes. */
  connected(connected: boolean, trouble: CameraTrouble | null): void;
}

/**
 * Keeps the subscription to a camera's events until the signal aborts; gives up where the camera has none. Its beginning waits for its
 * turn among the questions to cameras. Never rejects; what comes after the abort is not told.
 */
export async function listenToEvents(
  deps: { clock: Clock; random: Random; gate: QuestionGate },
  { driver, owner }: { driver: CameraDriver; owner: object },
  listener: EventListener,
  signal: AbortSignal,
): Promise<void> {
  const { clock, random, gate } = deps;
  let stands = false;
  const tell = (connected: boolean, trouble: CameraTrouble | null) => {
    if (stands === connected) return;
    stands = connected;
    listener.connected(connected, trouble);
  };
  let failures = 0;
  while (!signal.aborted) {
    const trouble = await listenOnce();
    if (signal.aborted) return;
    tell(false, trouble);
    if (trouble === 'unsupported') return;
    failures += 1;
    const backoffMs = Math.min(AGAIN_MS.max, AGAIN_MS.min * 2 ** Math.min(failures - 1, 10));
    const leastMs = trouble === 'unauthorized' ? AGAIN_MS.refused : backoffMs / 2;
    await clock.sleep(leastMs + (backoffMs / 2) * (random.bytes(1)[0]! / 255), signal).catch(() => {});
  }

  /** Gives why it ended; null where it was ended. */
  async function listenOnce(): Promise<CameraTrouble | null> {
    const begun = Promise.withResolvers<void>();
    let running: Promise<void> | null = null;
    const sink = {
      event: (event: CameraEvent) => {
        if (!signal.aborted) listener.event(event);
      },
      connected: (connected: boolean, trouble: CameraTrouble | null) => {
        if (connected) {
          failures = 0;
          begun.resolve();
        }
        if (!signal.aborted) tell(connected, trouble);
      },
    };
    const begin = () => {
      running = driver.events(sink, signal);
      running.catch(() => {});
      return Promise.race([begun.promise, running]);
    };
    try {
      // A slow beginning loses its place among the questions, not its subscription.
      await gate.ask(begin, { owner, signal }).catch((error: unknown) => {
        if (!running) throw error;
      });
      await running;
      return signal.aborted ? null : 'unreachable';
    } catch (error) {
      return signal.aborted ? null : troubleOf(error);
    }
  }
}
