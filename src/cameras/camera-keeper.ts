import type { Clock, Log, Random } from '../platform/index.ts';
import type {
  CameraAbilities,
  CameraClockView,
  CameraDeskSink,
  CameraDriver,
  CameraIdentity,
  CameraOrder,
  CameraTime,
  CameraTrouble,
  CameraView,
} from './api.ts';
import { readClock } from './clock-reading.ts';
import { type ClockWatch, createClockWatch } from './clock-watch.ts';
import { troubleOf } from './errors.ts';
import { listenToEvents } from './event-listening.ts';
import type { QuestionGate } from './question-gate.ts';

/** From one question of who is there to the next: while nothing tells that the camera lives, and while its events do. */
const CHECK_MS = 60_000;
const CHECK_RARELY_MS = 600_000;
/** Without an answer: from this to that. */
const BACKOFF_MS = { min: 1_000, max: 60_000 };
/** Refused so often, a camera is asked at most once in so long, lest it locks the account. */
const REFUSALS_MAX = 3;
const REFUSED_MS = 60_000;
/** An answer counts for so long. */
const KNOWN_MS = 60_000;
/** Somebody who waits for an answer waits for at most so long. */
const ADMIT_MS = 2_000;
/** Another camera that answered is believed to be there for so long, though nobody answers now. */
const FOREIGN_MS = 600_000;
/** Questions of one beginning, and those that a sign of life brings forward, are spread over so long. */
const SPREAD_MS = 1_000;
/** A stream that runs is a sign of life, and brings a question forward that was asked in vain so long ago. */
const SIGN_MS = 20_000;
/** Searches after which a camera that did not tell its endpoint reference in any of them is taken to have none. */
const SEARCHES_MAX = 3;

export interface KeeperDeps {
  clock: Clock;
  random: Random;
  log: Log;
  gate: QuestionGate;
  driverOf: (order: Omit<CameraOrder, 'source'>, options: { trustedAddress: boolean }) => CameraDriver;
  sink: CameraDeskSink;
}

export interface KeeperOptions {
  events: boolean;
  clockOffsetMsMax?: number;
  clockDriftMsPerDayMax?: number;
}

/** A camera that is not where it was. */
export interface LostCamera {
  order: CameraOrder;
  hardwareId: string;
  endpoint: string;
  /** Monotonic ms. */
  since: number;
}

/** Keeps in touch with one camera: asks who is there, listens to its events, reads its clock. */
export class CameraKeeper {
  readonly driver: CameraDriver;
  readonly #deps: KeeperDeps;
  readonly #options: KeeperOptions;
  readonly #watch: ClockWatch;
  readonly #end = new AbortController();
  readonly #running = new Set<Promise<void>>();
  #order: CameraOrder;
  #state: CameraView['state'] = 'unknown';
  #since: number;
  #lostSince: number | null;
  /** Of the camera that belongs here; and of the other one, while one answers. */
  #identity: CameraIdentity | null = null;
  #stranger: CameraIdentity | null = null;
  #abilities: CameraAbilities | null = null;
  #isLearning = false;
  #eventsConnected = false;
  /** The camera has no events, or does not tell of them. */
  #deaf = false;
  /** Ends listening and reading the clock. */
  #touch: AbortController | null = null;
  #asking: Promise<void> | null = null;
  #cancelNext: () => void = () => {};
  #failures = 0;
  #refusals = 0;
  #searches = 0;
  /** Monotonic ms of the last answer to who is there, missing answer, foreign answer, and before which it must not be asked. */
  #answeredAt = Number.NEGATIVE_INFINITY;
  #missedAt = Number.NEGATIVE_INFINITY;
  #foreignAt = Number.NEGATIVE_INFINITY;
  #notBefore = Number.NEGATIVE_INFINITY;

  constructor(deps: KeeperDeps, order: CameraOrder, options: KeeperOptions) {
    const { clock, sink, driverOf } = deps;
    this.#deps = deps;
    this.#order = order;
    this.#options = options;
    this.#since = clock.now();
    this.#lostSince = clock.monotonic();
    this.driver = driverOf(order, { trustedAddress: true });
    this.#watch = createClockWatch(
      { clock, keep: (measurement) => sink.measured?.(order.source, measurement) },
      {
        ...(options.clockOffsetMsMax === undefined ? {} : { offsetMsMax: options.clockOffsetMsMax }),
        ...(options.clockDriftMsPerDayMax === undefined ? {} : { driftMsPerDayMax: options.clockDriftMsPerDayMax }),
      },
    );
    this.#next(0, SPREAD_MS);
  }

  get order(): CameraOrder {
    return this.#order;
  }

  get isForeign(): boolean {
    return this.#state === 'foreign' || this.#deps.clock.monotonic() - this.#foreignAt < FOREIGN_MS;
  }

  view(): CameraView {
    const { source } = this.#order;
    const identity = this.#state === 'foreign' ? this.#stranger : this.#identity;
    return {
      source,
      state: this.#state,
      since: this.#since,
      identity: identity && { ...identity },
      abilities: this.#abilities && { ...this.#abilities },
      eventsConnected: this.#eventsConnected,
      clock: this.#watch.view(),
    };
  }

  /** The same camera at the same place, of which something else is known now. */
  change(order: CameraOrder): void {
    // Whoever takes back what must answer there, takes whoever answers.
    if (order.hardwareId === null && this.#order.hardwareId !== null) this.#identity = null;
    this.#order = order;
    if (this.#state === 'foreign') {
      this.#foreignAt = Number.NEGATIVE_INFINITY;
      this.#answeredAt = Number.NEGATIVE_INFINITY;
      this.#next(0, 0);
    } else if (this.#state === 'reached' && this.#identity && this.#isOther(this.#identity)) {
      this.#met(this.#identity);
    }
  }

  /** Ends it; resolves when nothing of it goes on. Told first that nothing is known of its events any more. */
  async stop(): Promise<void> {
    this.#cancelNext();
    this.#letGo();
    this.#end.abort();
    await Promise.all([this.#asking, ...this.#running]);
  }

  /** As `CameraDesk.admits`. */
  async admits(signal: AbortSignal): Promise<'ok' | 'foreign'> {
    const { clock } = this.#deps;
    const now = clock.monotonic();
    if (this.#expected !== null && now - this.#answeredAt >= KNOWN_MS && now >= this.#notBefore) {
      const over = Promise.withResolvers<void>();
      const end = () => over.resolve();
      const cancel = clock.after(ADMIT_MS, end);
      signal.addEventListener('abort', end, { once: true });
      if (signal.aborted) end();
      await Promise.race([this.#ask(true), over.promise]);
      cancel();
      signal.removeEventListener('abort', end);
    }
    return this.isForeign ? 'foreign' : 'ok';
  }

  /** As `CameraDesk.reported`; a camera that sends a stream is there, and is asked again if it did not answer. */
  reported(time: CameraTime, by: CameraClockView['by']): void {
    const before = this.#watch.view()?.alarm ?? false;
    this.#watch.take(time, by);
    if ((this.#watch.view()?.alarm ?? false) !== before) this.#tell();
    const { clock } = this.#deps;
    if (this.#state === 'unreachable' && !this.#asking && clock.monotonic() - this.#missedAt > SIGN_MS) {
      this.#next(0, SPREAD_MS);
    }
  }

  /** Where it is not reached, and enough is known to tell it from others: since when. */
  lost(): LostCamera | null {
    const endpoint = this.endpoint;
    const { find = true } = this.#order;
    if (!find || this.#lostSince === null || this.#state === 'unknown' || !this.#expected || !endpoint) return null;
    return { order: this.#order, hardwareId: this.#expected, endpoint, since: this.#lostSince };
  }

  /** Its endpoint reference, where one is known. */
  get endpoint(): string | null {
    return this.#identity?.endpoint ?? this.#order.endpoint ?? null;
  }

  /** It is reached, would be looked for, and does not say its endpoint reference itself, nor did it in some searches. */
  get lacksEndpoint(): boolean {
    const isWanted = this.#state === 'reached' && (this.#order.find ?? true);
    return isWanted && this.endpoint === null && this.#searches < SEARCHES_MAX;
  }

  /** What a search told of it; null: nothing. */
  learnEndpoint(endpoint: string | null): void {
    this.#searches += 1;
    if (!this.#identity || endpoint === null) return;
    this.#identity = { ...this.#identity, endpoint };
    this.#deps.sink.identified(this.#order.source, { ...this.#identity });
    this.#tell();
  }

  /** What must answer: as configured, else who answered first. */
  get #expected(): string | null {
    return this.#order.hardwareId ?? this.#identity?.hardwareId ?? null;
  }

  #isOther({ hardwareId }: CameraIdentity): boolean {
    const expected = this.#expected;
    return expected !== null && expected !== hardwareId;
  }

  /** Asks who is there; one question at a time. Never rejects. */
  #ask(urgent: boolean): Promise<void> {
    if (this.#asking) {
      if (urgent) this.#deps.gate.hurry(this);
      return this.#asking;
    }
    this.#cancelNext();
    const { gate } = this.#deps;
    const { signal } = this.#end;
    const asked = gate.ask((until) => this.driver.identify(until), { owner: this, signal, urgent });
    this.#asking = asked
      .then(
        (identity) => signal.aborted || this.#met(identity),
        (error: unknown) => signal.aborted || this.#missed(troubleOf(error)),
      )
      .then(() => {
        this.#asking = null;
      });
    return this.#asking;
  }

  #met(identity: CameraIdentity): void {
    const { clock, log, sink } = this.#deps;
    const { source } = this.#order;
    this.#failures = 0;
    this.#refusals = 0;
    this.#notBefore = Number.NEGATIVE_INFINITY;
    this.#answeredAt = clock.monotonic();
    if (this.#isOther(identity)) {
      const { hardwareId: answered, model } = identity;
      if (this.#state !== 'foreign') {
        log.warn({ source, expected: this.#expected, answered, model }, 'another camera answered; it is not recorded');
      }
      if (this.#identity?.hardwareId === answered) this.#identity = null;
      this.#stranger = { ...identity };
      this.#foreignAt = this.#answeredAt;
      this.#letGo();
      this.#enter('foreign');
      this.#next(CHECK_MS * 0.8, CHECK_MS * 0.4);
      return;
    }
    this.#stranger = null;
    this.#foreignAt = Number.NEGATIVE_INFINITY;
    const isFirst = this.#identity === null && this.#order.hardwareId === null;
    const isNew = this.#identity?.firmware !== identity.firmware || this.#identity?.model !== identity.model;
    this.#identity = { ...identity, endpoint: identity.endpoint ?? this.endpoint };
    if (isFirst) sink.identified(source, { ...this.#identity });
    if (this.#state !== 'reached') this.#enter('reached');
    else if (isNew) this.#tell();
    this.#keepTouch();
    const everyMs = this.#eventsConnected ? CHECK_RARELY_MS : CHECK_MS;
    this.#next(everyMs * 0.8, everyMs * 0.4);
  }

  #missed(trouble: CameraTrouble): void {
    const { clock } = this.#deps;
    this.#failures += 1;
    this.#missedAt = clock.monotonic();
    const backoffMs = Math.min(BACKOFF_MS.max, BACKOFF_MS.min * 2 ** Math.min(this.#failures - 1, 10));
    if (trouble === 'unauthorized') {
      this.#refusals += 1;
      const leastMs = this.#refusals >= REFUSALS_MAX ? REFUSED_MS : backoffMs;
      this.#notBefore = clock.monotonic() + leastMs;
      this.#letGo();
      this.#enter('unauthorized');
      this.#next(leastMs, leastMs / 2);
      return;
    }
    this.#refusals = 0;
    // Its events go on: one answer that is missing says little.
    if (!this.#eventsConnected || this.#failures > 1) {
      if (!this.#eventsConnected) this.#letGo();
      this.#enter(trouble === 'unreachable' || trouble === 'cancelled' ? 'unreachable' : 'malformed');
    }
    this.#next(backoffMs / 2, backoffMs / 2);
  }

  /** Asks again after `leastMs` and by chance up to `spreadMs` more. */
  #next(leastMs: number, spreadMs: number): void {
    this.#cancelNext();
    if (this.#end.signal.aborted) return;
    const { clock, random } = this.#deps;
    const chance = random.bytes(2).reduce((sum, byte) => sum * 256 + byte, 0) / 65_536;
    const waitMs = Math.max(leastMs + spreadMs * chance, this.#notBefore - clock.monotonic());
    this.#cancelNext = clock.after(waitMs, () => void this.#ask(false));
  }

  #enter(state: CameraView['state']): void {
    if (this.#state === state) return;
    const { clock, log } = this.#deps;
    const { source } = this.#order;
    if (state === 'reached') {
      this.#lostSince = null;
      log.info({ source, model: this.#identity?.model ?? null }, 'reached a camera');
    } else {
      this.#lostSince ??= clock.monotonic();
      if (state !== 'foreign') log.info({ source, state }, 'a camera is not as it should be');
    }
    this.#state = state;
    this.#since = clock.now();
    this.#tell();
  }

  /** Begins what goes on while it is reached. */
  #keepTouch(): void {
    if (!this.#abilities && !this.#isLearning) this.#run((signal) => this.#learnAbilities(signal), this.#end.signal);
    if (this.#touch) return;
    const touch = new AbortController();
    this.#touch = touch;
    const { clock, random, gate, sink } = this.#deps;
    const { driver } = this;
    const { source } = this.#order;
    const deps = { clock, random, gate };
    this.#run(
      (signal) => readClock(deps, { driver, owner: this, watch: this.#watch }, () => this.#tell(), signal),
      touch.signal,
    );
    if (!this.#options.events || this.#deaf) return;
    const listener = {
      event: (event: Parameters<CameraDeskSink['event']>[1]) => sink.event(source, event),
      connected: (connected: boolean) => this.#heard(connected),
    };
    this.#run(async (signal) => {
      await listenToEvents(deps, { driver, owner: this }, listener, signal);
      if (!signal.aborted) this.#deaf = true;
    }, touch.signal);
  }

  #heard(connected: boolean): void {
    if (this.#eventsConnected === connected) return;
    this.#eventsConnected = connected;
    this.#deps.sink.eventsConnected(this.#order.source, connected);
    this.#tell();
    // A subscription that broke is the first sign of a camera that has gone.
    if (!connected && this.#touch && !this.#asking) this.#next(0, SPREAD_MS);
  }

  async #learnAbilities(signal: AbortSignal): Promise<void> {
    this.#isLearning = true;
    try {
      const ask = (until: AbortSignal) => this.driver.abilities(until);
      this.#abilities = await this.#deps.gate.ask(ask, { owner: this, signal });
      if (!signal.aborted) this.#tell();
    } catch {
      // Asked again with the next answer.
    } finally {
      this.#isLearning = false;
    }
  }

  #letGo(): void {
    const touch = this.#touch;
    this.#touch = null;
    touch?.abort();
    this.#heard(false);
  }

  #run(work: (signal: AbortSignal) => Promise<void>, signal: AbortSignal): void {
    const running = work(signal).finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  #tell(): void {
    if (!this.#end.signal.aborted) this.#deps.sink.changed(this.#order.source);
  }
}
