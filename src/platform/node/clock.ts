import type { Clock } from '../clock.ts';

/** The longest delay `setTimeout` takes without firing at once (2^31 - 1 ms, about 24.8 days). */
const TIMER_MS_MAX = 0x7fff_ffff;

/**
 * The machine's own times: the calendar of `Date`, and CLOCK_MONOTONIC of the kernel.
 *
 * `nowUs` fills in the microseconds that `Date` lacks from the monotonic clock and never leaves the millisecond `Date` is
 * in, so it follows every step of the calendar at once.
 */
export function createNodeClock(): Clock {
  let offsetUs = 0;

  const monotonicUs = () => Number(process.hrtime.bigint() / 1000n);
  const clock: Clock = {
    now: () => Date.now(),
    nowUs() {
      const monoUs = monotonicUs();
      const wallUs = Date.now() * 1000;
      const guess = monoUs + offsetUs;
      if (guess >= wallUs && guess < wallUs + 1000) return guess;
      const nearest = guess < wallUs ? wallUs : wallUs + 999;
      offsetUs = nearest - monoUs;
      return nearest;
    },
    monotonic: () => Number(process.hrtime.bigint()) / 1e6,
    monotonicUs,
    sleep(ms, signal) {
      return new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const onAbort = () => {
          cancel();
          reject(signal!.reason);
        };
        const cancel = clock.after(ms, () => {
          signal?.removeEventListener('abort', onAbort);
          resolve();
        });
        signal?.addEventListener('abort', onAbort, { once: true });
      });
    },
    after(ms, task) {
      let left = Math.max(0, ms);
      let timer: NodeJS.Timeout;
      const wait = () => {
        const step = Math.min(left, TIMER_MS_MAX);
        left -= step;
        timer = setTimeout(() => (left > 0 ? wait() : task()), step);
      };
      wait();
      return () => clearTimeout(timer);
    },
  };
  return clock;
}
