import type { Clock, Log, Random } from '../../platform/index.ts';
import type { CameraEventSink, CameraTrouble } from '../api.ts';
import { CameraError } from '../errors.ts';
import { eventTopicOf } from './event-topics.ts';
import { EventTracker } from './event-tracker.ts';
import { NAMESPACES } from './namespaces.ts';
import { notificationsOf } from './notification.ts';
import type { SoapSession } from './soap-session.ts';
import { Subscription, type SubscriptionLessons, type SubscriptionWish } from './subscription.ts';
import { filterOf } from './topic-filter.ts';

export interface PullPointDeps {
  clock: Clock;
  random: Random;
  log: Log;
}

/** How long the camera is to wait for something to tell; the first time it tells what goes on already. */
const WAIT_MS = 20_000;
const FIRST_WAIT_MS = 1_000;
/** Cameras that answer at once, with nothing or with something, are not asked again at once. */
const EMPTY_PACE_MS = 1_000;
const FULL_PACE_MS = 200;
/** Waits between two tries to subscribe. */
const BACKOFF_MS = { min: 1_000, max: 60_000 };
/** A subscription that stood so long was a good one. */
const STOOD_MS = 60_000;
/** States are told at once where they are asked for; where a filter lets none through for so long, it is the filter. */
const SILENT_MS = 60_000;
/** All states are asked for again so often, for messages may be lost on the way. */
const SYNCHRONIZE_MS = 600_000;

/**
 * Tells `sink` what a camera says of events until the signal aborts: subscribes, asks for messages, makes the subscription last, begins
 * again where it was lost, ends it at the camera.
 *
 * Resolves on abort. Rejects with `CameraError` `unsupported` or `unauthorized`; everything else is tried again, more and more slowly,
 * up to once a minute. Source: ONVIF core specification, event handling; WS-BaseNotification 1.3.
 */
export async function pullEvents(
  session: SoapSession,
  deps: PullPointDeps,
  sink: CameraEventSink,
  signal: AbortSignal,
): Promise<void> {
  const { clock, random } = deps;
  const point = new PullPoint(session, deps, sink, signal);
  let failures = 0;
  while (!signal.aborted) {
    const began = clock.monotonic();
    const trouble = await point.stand();
    if (signal.aborted) break;
    point.lost(trouble);
    if (trouble === 'unsupported' || trouble === 'unauthorized') throw new CameraError(trouble);
    failures = clock.monotonic() - began >= STOOD_MS ? 1 : Math.min(failures + 1, 10);
    const most = Math.min(BACKOFF_MS.max, BACKOFF_MS.min * 2 ** (failures - 1));
    await clock.sleep(most * (0.5 + random.bytes(1)[0]! / 510), signal).catch(() => {});
  }
  point.lost(null);
}

/** What is asked of the camera, and what is known of it from one subscription to the next. */
class PullPoint {
  readonly #session: SoapSession;
  readonly #deps: PullPointDeps;
  readonly #sink: CameraEventSink;
  readonly #signal: AbortSignal;
  readonly #tracker = new EventTracker();
  readonly #lessons: SubscriptionLessons = { renewsBy: 'relative' };
  /** Ways to subscribe, the best first; those that were refused are gone. */
  #wishes: SubscriptionWish[] | null = null;
  #connected = false;
  /** What was told last while it was not connected. */
  #trouble: CameraTrouble | null = null;
  #synchronizes = true;
  /** Monotonic ms. */
  #synchronizedAt = 0;

  constructor(session: SoapSession, deps: PullPointDeps, sink: CameraEventSink, signal: AbortSignal) {
    this.#session = session;
    this.#deps = deps;
    this.#sink = sink;
    this.#signal = signal;
  }

  /** Subscribes and takes messages until something goes wrong; gives what. */
  async stand(): Promise<CameraTrouble> {
    let subscription: Subscription | null = null;
    let trouble: CameraTrouble = 'refused';
    try {
      subscription = await this.#subscribe();
      for (;;) subscription = await this.#take(subscription);
    } catch (error) {
      if (this.#signal.aborted) trouble = 'cancelled';
      else if (error instanceof CameraError) trouble = error.trouble;
      else throw error;
    }
    // A camera that is not there cannot be told.
    if (trouble !== 'unreachable') await subscription?.end();
    return trouble;
  }

  /** Nothing is known from here on; null where that is as it was wished. */
  lost(trouble: CameraTrouble | null): void {
    const news = this.#connected || (trouble !== null && trouble !== this.#trouble);
    this.#connected = false;
    this.#trouble = trouble;
    this.#tracker.lost();
    // What it refused may have been the subscription it had forgotten.
    this.#lessons.renewsBy = 'relative';
    this.#synchronizes = true;
    if (news) this.#sink.connected(false, trouble);
  }

  /** Takes messages of a subscription until it needs another in its place, and gives that. */
  async #take(subscription: Subscription): Promise<Subscription> {
    const { clock } = this.#deps;
    const began = clock.monotonic();
    let [told, failures, wait] = [0, 0, FIRST_WAIT_MS];
    await this.#synchronize(subscription);
    // However short it says it is, it is asked once.
    while (wait === FIRST_WAIT_MS || (await this.#lasts(subscription))) {
      if (clock.monotonic() - this.#synchronizedAt >= SYNCHRONIZE_MS) await this.#synchronize(subscription);
      const asked = clock.monotonic();
      try {
        // Never near its end, however short it is.
        const messages = await this.#pull(subscription, Math.min(wait, Math.max(1_000, subscription.leftMs / 4)));
        told += messages;
        failures = 0;
        await this.#pace(asked, messages > 0 ? FULL_PACE_MS : EMPTY_PACE_MS);
      } catch (error) {
        failures += 1;
        if (!(error instanceof CameraError) || !isPassing(error.trouble) || failures > 1) throw error;
        await this.#pace(asked, EMPTY_PACE_MS);
      }
      wait = WAIT_MS;
      if (told > 0 || !this.#wishes?.[0]?.filter || clock.monotonic() - began < SILENT_MS) continue;
      this.#deps.log.info({}, 'a camera told nothing through a filter of topics; it is asked for all from now on');
      this.#wishes.shift();
      break;
    }
    // The new one stands before the old one ends, so that nothing is missed in between.
    const next = await this.#subscribe();
    await subscription.end();
    return next;
  }

  async #pull(subscription: Subscription, wait: number): Promise<number> {
    const answer = await subscription.pull(wait, this.#signal);
    this.#signal.throwIfAborted();
    if (!this.#connected) {
      this.#connected = true;
      this.#trouble = null;
      this.#sink.connected(true, null);
    }
    const { notifications, passedOver } = notificationsOf(answer);
    const at = this.#deps.clock.now();
    for (const notification of notifications) {
      const event = this.#tracker.take(notification, at);
      if (event) this.#sink.event(event);
    }
    return notifications.length + passedOver;
  }

  /** True where the subscription lasts for another wait; made longer in the second half of its life. */
  async #lasts(subscription: Subscription): Promise<boolean> {
    if (subscription.leftMs >= subscription.lifeMs / 2) return true;
    if (subscription.renewable && (await subscription.renew(this.#signal))) return true;
    return subscription.leftMs >= subscription.lifeMs / 4;
  }

  async #subscribe(): Promise<Subscription> {
    const services = await this.#session.services(this.#signal);
    const url = services.get(NAMESPACES.events);
    if (url === undefined) throw new CameraError('unsupported');
    this.#wishes ??= await this.#wishesAt(url);
    for (;;) {
      const [wish, ...plainer] = this.#wishes;
      try {
        return await Subscription.create(this.#session, this.#deps, url, wish!, this.#lessons, this.#signal);
      } catch (error) {
        if (!(error instanceof CameraError)) throw error;
        const hangs = error.trouble === 'unreachable' && (await this.#isThere());
        if (!hangs && !PLAINER.has(error.trouble)) throw error;
        // Where nothing is plain enough it was not the question: the camera is busy with itself, and all is tried again later.
        this.#wishes = plainer.length > 0 ? plainer : null;
        if (!this.#wishes) throw error;
      }
    }
  }

  /** From a filter of what the camera says it has, to the plainest question there is. */
  async #wishesAt(url: string): Promise<SubscriptionWish[]> {
    const plain: SubscriptionWish[] = [
      { filter: null, complete: true },
      { filter: null, complete: false },
    ];
    const action = `${NAMESPACES.events}/EventPortType/GetEventPropertiesRequest`;
    const body = `<tev:GetEventProperties xmlns:tev="${NAMESPACES.events}"/>`;
    try {
      const properties = await this.#session.call(url, action, body, { signal: this.#signal });
      const filter = filterOf(properties, (path) => eventTopicOf(path) !== null);
      return filter ? [{ filter, complete: true }, ...plain] : plain;
    } catch (error) {
      this.#signal.throwIfAborted();
      if (!(error instanceof CameraError) || error.trouble === 'unauthorized') throw error;
      if (error.trouble === 'unreachable' && !(await this.#isThere())) throw error;
      return plain;
    }
  }

  /** True where the camera answers the plainest question of all: some hang where others refuse. */
  #isThere(): Promise<boolean> {
    return this.#session.time(this.#signal).then(
      () => true,
      () => false,
    );
  }

  async #synchronize(subscription: Subscription): Promise<void> {
    this.#synchronizedAt = this.#deps.clock.monotonic();
    if (this.#synchronizes) this.#synchronizes = await subscription.synchronize(this.#signal);
  }

  /** Waits until so much has passed since `asked` (monotonic ms). */
  async #pace(asked: number, paceMs: number): Promise<void> {
    const { clock } = this.#deps;
    const left = asked + paceMs - clock.monotonic();
    if (left > 0) await clock.sleep(left, this.#signal);
  }
}

/** Troubles after which a plainer question is tried. */
const PLAINER: ReadonlySet<CameraTrouble> = new Set(['refused', 'malformed', 'unsupported']);

/** Troubles of one question that the next one may not have. */
function isPassing(trouble: CameraTrouble): boolean {
  return trouble === 'unreachable' || trouble === 'malformed';
}
