import type { Clock, Log } from '../platform/index.ts';
import type { SourceId } from '../protocol/index.ts';
import type { PtzDriver, PtzVector } from './api.ts';
import { CameraError, headNotStopped } from './errors.ts';

/** What a head is made of. */
export interface PtzHeadDeps {
  clock: Clock;
  log: Log;
  /** The driver of the camera at this moment; throws where there is none, or another camera answers. */
  driver(): PtzDriver;
}

/** Moves that are sent to one camera, at most; those in between give way to newer ones. */
export const PTZ_MOVES_PER_SECOND = 20;
/** How often a camera is told to stop before it is given up, and how long after each time it may take. */
const STOP_TRIES = 3;
const STOP_TRY_MS = 2_000;
const STOP_PAUSE_MS = 250;
/** How long a stop waits for the answer to what is on its way, so that the camera does not hear the two in the wrong order. */
const FLIGHT_WAIT_MS = 150;
/** A stop that overtook what was on its way is said again after this. */
const ECHO_MS = 500;
/** Shortest time-out that cameras are given. */
const CAMERA_TIMEOUT_MIN_MS = 1_000;

interface Wish {
  speed: PtzVector;
  forMs: number;
  settle: PromiseWithResolvers<boolean>;
}

interface Flight {
  controller: AbortController;
  /** Resolves when it ended, however; the driver has a deadline of its own. */
  done: Promise<void>;
  ended: boolean;
}

/**
 * One head that people steer. At most one question to it is on its way, and whatever becomes of that question, a head that was set in
 * motion is told to stop: when its time is over, when it is asked to, and again where it did not answer.
 *
 * `steered`: it moves until it is told to stop. `aimed`: it goes to a place and ends there by itself.
 */
export class PtzHead {
  readonly #deps: PtzHeadDeps;
  readonly #source: SourceId;
  /** The newest wish that waits; those before it have given way. */
  #wish: Wish | null = null;
  #flight: Flight | null = null;
  #stopping: Promise<void> | null = null;
  /** The stop that is said again, until it was. */
  #echo: Promise<void> | null = null;
  #motion: 'still' | 'steered' | 'aimed' = 'still';
  #unstopped = false;
  /** The driver that set it in motion: that camera must hear the stop, whatever answers at its address since. */
  #driver: PtzDriver | null = null;
  #nextMoveMs = 0;
  /** Counts what was asked of it: whoever finds another number than its own was replaced. */
  #turn = 0;
  #cancelDeadline = () => {};
  #cancelPace: (() => void) | null = null;

  constructor(deps: PtzHeadDeps, source: SourceId) {
    this.#deps = deps;
    this.#source = source;
  }

  get motion(): 'still' | 'steered' | 'aimed' {
    return this.#motion;
  }

  /** It was told to stop and did not answer: it may be moving still. */
  get unstopped(): boolean {
    return this.#unstopped;
  }

  /**
   * Moves for `forMs` unless another wish renews or replaces this one; then it is stopped. True once the camera took it, false where a
   * newer wish came first. Rejects with the driver's errors: the head is stopped all the same where it may have heard.
   */
  steer(speed: PtzVector, forMs: number): Promise<boolean> {
    this.#giveWay();
    this.#turn++;
    const settle = Promise.withResolvers<boolean>();
    this.#wish = { speed, forMs, settle };
    // From now on, not from when the camera takes it: whatever happens in between, the end is set.
    this.#cancelDeadline();
    this.#cancelDeadline = this.#deps.clock.after(forMs, () => this.#expire());
    this.#next();
    return settle.promise;
  }

  /** Goes to a place by `work`, after what goes on has been stopped. False where a newer wish came first. */
  async aim(work: (driver: PtzDriver, signal: AbortSignal) => Promise<void>): Promise<boolean> {
    const turn = ++this.#turn;
    while (this.#motion === 'steered' || this.#flight || this.#wish || this.#stopping || this.#echo) {
      const isBusy = this.#motion === 'steered' || this.#flight || this.#wish || this.#stopping;
      // A move that may be heard late would turn the head away from the place.
      await (isBusy ? this.#halt() : this.#echo);
      if (turn !== this.#turn) return false;
    }
    return this.#move('aimed', turn, work);
  }

  /** Stops at once. Resolves when the camera has confirmed it; `ERR_CAMERAS_PTZ_UNSTOPPED` (`unavailable`) where it never did. */
  stop(): Promise<void> {
    this.#turn++;
    return this.#halt();
  }

  /** Nobody steers it any more: stops it where it moves. With `arrive`, what goes to a place by itself is let do so. */
  release({ arrive }: { arrive: boolean }): void {
    this.#turn++;
    this.#giveWay();
    const isAtRest = this.#motion === 'still' && !this.#flight;
    // A stop that is never confirmed is told in the log and by `unstopped`.
    if (!isAtRest && !(arrive && this.#motion === 'aimed')) this.#halt().catch(() => {});
  }

  #halt(): Promise<void> {
    this.#giveWay();
    this.#cancelDeadline();
    this.#stopping ??= this.#stopNow().finally(() => {
      this.#stopping = null;
      this.#next();
    });
    return this.#stopping;
  }

  /** The time of the last wish is over. */
  #expire(): void {
    this.#giveWay();
    if (this.#motion === 'steered') this.#halt().catch(() => {}); // told in the log and by `unstopped`
  }

  /** The wish that waits, if any, is answered: a newer one came, or a stop. */
  #giveWay(): void {
    this.#wish?.settle.resolve(false);
    this.#wish = null;
    this.#cancelPace?.();
    this.#cancelPace = null;
  }

  /** Sends the wish that waits, as soon as it may be. */
  #next(): void {
    const wish = this.#wish;
    if (!wish || this.#flight || this.#stopping || this.#cancelPace) return;
    const { clock } = this.#deps;
    const waitMs = this.#nextMoveMs - clock.monotonic();
    if (waitMs > 0) {
      this.#cancelPace = clock.after(Math.ceil(waitMs), () => {
        this.#cancelPace = null;
        this.#next();
      });
      return;
    }
    this.#wish = null;
    this.#nextMoveMs = clock.monotonic() + 1000 / PTZ_MOVES_PER_SECOND;
    const { speed, forMs, settle } = wish;
    const cameraMs = Math.max(forMs, CAMERA_TIMEOUT_MIN_MS);
    const moved = this.#move('steered', this.#turn, (driver, signal) => driver.move(speed, cameraMs, signal));
    moved.then(settle.resolve, settle.reject);
  }

  /** Sends what sets the head in motion. False where it failed and something newer was asked meanwhile. */
  async #move(
    motion: 'steered' | 'aimed',
    turn: number,
    work: (driver: PtzDriver, signal: AbortSignal) => Promise<void>,
  ): Promise<boolean> {
    const driver = this.#deps.driver();
    const before = this.#motion;
    // Before it is sent: from here on the camera may have heard.
    this.#motion = motion;
    this.#driver = driver;
    try {
      await this.#send((signal) => work(driver, signal));
      return true;
    } catch (error) {
      if (turn !== this.#turn) return false;
      // Only what certainly did not begin need not be ended.
      if (isCertainRefusal(error)) this.#motion = before;
      throw error;
    }
  }

  /** One question on its way. */
  #send(ask: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const controller = new AbortController();
    const asked = Promise.resolve().then(() => ask(controller.signal));
    const flight: Flight = { controller, done: asked.catch(() => {}), ended: false };
    this.#flight = flight;
    flight.done.then(() => {
      flight.ended = true;
      if (this.#flight !== flight) return;
      this.#flight = null;
      this.#next();
    });
    return asked;
  }

  async #stopNow(): Promise<void> {
    const overtaken = await this.#landFlight();
    for (let tried = 1; ; tried++) {
      try {
        await this.#tellStop(tried);
        break;
      } catch (error) {
        if (tried < STOP_TRIES) {
          await this.#deps.clock.sleep(STOP_PAUSE_MS);
          continue;
        }
        this.#unstopped = true;
        this.#deps.log.error({ source: this.#source, tries: tried }, 'a camera did not confirm that it stopped moving');
        throw headNotStopped(error);
      }
    }
    this.#motion = 'still';
    this.#unstopped = false;
    if (overtaken) this.#sayAgain(overtaken);
  }

  /** Waits a little for what is on its way, then gives it up; gives it where it may arrive after the stop. */
  async #landFlight(): Promise<Flight | null> {
    const flight = this.#flight;
    if (!flight) return null;
    const { clock } = this.#deps;
    const waiting = new AbortController();
    const late = clock.sleep(FLIGHT_WAIT_MS, waiting.signal).then(
      () => true,
      () => false,
    );
    const isLate = await Promise.race([late, flight.done.then(() => false)]);
    waiting.abort();
    if (!isLate) return null;
    flight.controller.abort();
    if (this.#flight === flight) this.#flight = null;
    return flight;
  }

  /** After a stop that overtook a move the camera is told again: a little later, and once the move is over for good. */
  #sayAgain(flight: Flight): void {
    const again = async () => {
      if (this.#motion === 'still' && !this.#flight && !this.#stopping) await this.#halt().catch(() => {});
    };
    if (!flight.ended) flight.done.then(again);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#echo = promise;
    this.#deps.clock.after(ECHO_MS, async () => {
      await again();
      if (this.#echo === promise) this.#echo = null;
      resolve();
    });
  }

  /** One try, with a deadline of our own around that of the driver. */
  async #tellStop(tried: number): Promise<void> {
    const driver = this.#driverFor(tried);
    const controller = new AbortController();
    const deadline = Promise.withResolvers<never>();
    const cancel = this.#deps.clock.after(STOP_TRY_MS, () => {
      deadline.reject(new Error('no answer in time'));
      controller.abort();
    });
    try {
      await Promise.race([driver.stop(controller.signal), deadline.promise]);
    } finally {
      cancel();
    }
  }

  /** The camera that was set in motion; from the second try on, wherever it answers now. */
  #driverFor(tried: number): PtzDriver {
    if (this.#driver && tried === 1) return this.#driver;
    try {
      return this.#deps.driver();
    } catch (error) {
      if (this.#driver) return this.#driver;
      throw error;
    }
  }
}

/** True where the camera said that it does nothing: everything else may have moved it. */
function isCertainRefusal(error: unknown): boolean {
  return error instanceof CameraError && ['unsupported', 'unauthorized', 'refused'].includes(error.trouble);
}
