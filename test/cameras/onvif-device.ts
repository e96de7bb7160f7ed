import { createOnvifDriver, type OnvifOptions } from '../../src/cameras/index.ts';
import { type Clock, SeededRandom, silentLog } from '../../src/platform/index.ts';
import { createNodeClock, createNodeHttp, nodeCameraHashes } from '../../src/platform/node/index.ts';
import { createVirtualDevice, type VirtualDevice, type VirtualDeviceOptions } from '../../src/virtual-camera/index.ts';
import { FakeEncoders } from '../virtual-camera/fake-encoders.ts';

/** A real clock that a test can set forward, and that can run faster than time does. */
export class MovableClock implements Clock {
  readonly #clock = createNodeClock();
  readonly #factor: number;
  #calendarMs = 0;
  #skippedMs = 0;

  constructor(factor = 1) {
    this.#factor = factor;
  }

  now(): number {
    return Math.floor(this.#clock.now() + this.#skippedMs + this.#calendarMs);
  }

  nowUs(): number {
    return this.now() * 1_000;
  }

  monotonic(): number {
    return this.#clock.monotonic() * this.#factor + this.#skippedMs;
  }

  monotonicUs(): number {
    return Math.floor(this.monotonic() * 1_000);
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return this.#clock.sleep(ms / this.#factor, signal);
  }

  after(ms: number, task: () => void): () => void {
    return this.#clock.after(ms / this.#factor, task);
  }

  /** Lets so much time pass at once, for who looks at the clock. */
  skip(ms: number): void {
    this.#skippedMs += ms;
  }

  /** Steps the calendar alone. */
  setCalendar(ms: number): void {
    this.#calendarMs += ms;
  }
}

export const CREDENTIALS = { username: 'operator', password: 'correct "horse" & <staple>' };

/** A virtual device with a user, and a maker of drivers for it; encoders and their children are what the test pushes. */
export async function startDevice(options: VirtualDeviceOptions = {}, clock: Clock = new MovableClock()) {
  const encoders = new FakeEncoders();
  const device: VirtualDevice = createVirtualDevice(
    { clock: createNodeClock(), random: new SeededRandom(5), log: silentLog, processes: encoders },
    { credentials: CREDENTIALS, ...options },
  );
  await device.start();
  return {
    device,
    encoders,
    driver: (other: Partial<OnvifOptions> = {}) =>
      createOnvifDriver(
        {
          clock,
          random: new SeededRandom(9),
          log: silentLog,
          http: createNodeHttp({ clock }),
          hashes: nodeCameraHashes,
        },
        { service: device.serviceUrl, credentials: CREDENTIALS, trustedAddress: false, ...other },
      ),
    /** How often that was asked, whatever came of it. */
    asked: (name: string) => device.asked.filter((each) => each === name).length,
    [Symbol.asyncDispose]: () => device.stop(),
  };
}
