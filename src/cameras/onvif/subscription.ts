import type { Clock, Random } from '../../platform/index.ts';
import type { XmlElement } from '../../protocol/index.ts';
import { CameraError } from '../errors.ts';
import { uuidOf } from '../probe.ts';
import { dateOf } from './camera-date.ts';
import { first, textAt } from './element-reader.ts';
import { NAMESPACES } from './namespaces.ts';
import { escapeXml } from './soap-message.ts';
import type { SoapSession } from './soap-session.ts';
import { CONCRETE_SET, type TopicFilter } from './topic-filter.ts';

const ADDRESSING = 'http://www.w3.org/2005/08/addressing';
const NOTIFICATION = 'http://docs.oasis-open.org/wsn/b-2';
const ACTIONS = {
  create: `${NAMESPACES.events}/EventPortType/CreatePullPointSubscriptionRequest`,
  pull: `${NAMESPACES.events}/PullPointSubscription/PullMessagesRequest`,
  synchronize: `${NAMESPACES.events}/PullPointSubscription/SetSynchronizationPointRequest`,
  renew: 'http://docs.oasis-open.org/wsn/bw-2/SubscriptionManager/RenewRequest',
  unsubscribe: 'http://docs.oasis-open.org/wsn/bw-2/SubscriptionManager/UnsubscribeRequest',
} as const;

/** How long a subscription is asked for; one that a dead node left behind is gone by then. */
export const LIFE_MS = 120_000;
/** What is believed where a camera says something impossible. */
const LIFE_MS_MIN = 10_000;
const LIFE_MS_MAX = 3_600_000;
/** Messages of one answer. */
const MESSAGES_MAX = 64;
/** Longest answer; a message has about a kilobyte. */
const ANSWER_BYTES_MAX = 512 * 1024;
/** A camera that is to answer after a while gets so much longer than that. */
const MARGIN_MS = 10_000;
const DEADLINE_MS = 10_000;
const UNSUBSCRIBE_MS = 2_000;
/** Elements of an address that are sent along, and their size when written. */
const PARAMETERS_MAX = 8;
const PARAMETERS_LENGTH_MAX = 4_096;

export interface SubscriptionDeps {
  clock: Clock;
  random: Random;
}

/** What was learnt of a camera, from one subscription to the next. */
export interface SubscriptionLessons {
  /** Which way of renewing it honours; null: none. */
  renewsBy: 'relative' | 'absolute' | null;
}

/** How a subscription is asked for; the plainer, the fewer cameras refuse it. */
export interface SubscriptionWish {
  /** Null: all topics. */
  filter: TopicFilter | null;
  /** With the headers of WS-Addressing, and a time to live. */
  complete: boolean;
}

/** One subscription at one camera. Everything rejects with `CameraError`. */
export class Subscription {
  readonly #session: SoapSession;
  readonly #deps: SubscriptionDeps;
  readonly #url: string;
  /** XML of the reference parameters, sent with every question. */
  readonly #parameters: string;
  readonly #complete: boolean;
  readonly #lessons: SubscriptionLessons;
  /** Monotonic ms at which it ends. */
  #endsAt = 0;
  #lifeMs = LIFE_MS;
  /** Camera's clock minus monotonic, ms; null where it never told its time. */
  #cameraMinusMonotonic: number | null = null;

  static async create(
    session: SoapSession,
    deps: SubscriptionDeps,
    url: string,
    { filter, complete }: SubscriptionWish,
    lessons: SubscriptionLessons,
    signal: AbortSignal,
  ): Promise<Subscription> {
    const prefixes = [...(filter?.prefixes ?? [])].map(([prefix, name]) => ` xmlns:${prefix}="${escapeXml(name)}"`);
    const body =
      `<tev:CreatePullPointSubscription xmlns:tev="${NAMESPACES.events}" xmlns:wsnt="${NOTIFICATION}">` +
      (filter
        ? `<tev:Filter><wsnt:TopicExpression${prefixes.join('')} Dialect="${CONCRETE_SET}">` +
          `${escapeXml(filter.expression)}</wsnt:TopicExpression></tev:Filter>`
        : '') +
      (complete ? `<tev:InitialTerminationTime>${lengthOf(LIFE_MS)}</tev:InitialTerminationTime>` : '') +
      '</tev:CreatePullPointSubscription>';
    const header = complete ? addressing(deps, url, ACTIONS.create) : '';
    const options = { header, deadlineMs: DEADLINE_MS, bytesMax: ANSWER_BYTES_MAX, signal };
    const answer = await session.call(url, ACTIONS.create, body, options);
    const reference = first(answer, 'SubscriptionReference');
    const told = textAt(reference, 'Address');
    const address = told === '' ? url : session.addressOf(told);
    const parameters = parametersOf(first(reference, 'ReferenceParameters') ?? first(reference, 'ReferenceProperties'));
    if (!reference || address === null || parameters === null) {
      throw new CameraError('malformed', { detail: 'an address of a subscription was expected' });
    }
    return new Subscription(session, deps, { url: address, parameters, complete, answer, lessons });
  }

  private constructor(
    session: SoapSession,
    deps: SubscriptionDeps,
    made: { url: string; parameters: string; complete: boolean; answer: XmlElement; lessons: SubscriptionLessons },
  ) {
    this.#session = session;
    this.#deps = deps;
    this.#url = made.url;
    this.#parameters = made.parameters;
    this.#complete = made.complete;
    this.#lessons = made.lessons;
    this.#follow(made.answer, LIFE_MS);
  }

  /** How long it lasts still, ms. */
  get leftMs(): number {
    return this.#endsAt - this.#deps.clock.monotonic();
  }

  /** How long it was to last when it was made, or made longer. */
  get lifeMs(): number {
    return this.#lifeMs;
  }

  /** False once the camera refused every way of making it last longer. */
  get renewable(): boolean {
    return this.#lessons.renewsBy !== null;
  }

  /** Waits up to `waitMs` for messages; gives the answer with them. */
  async pull(waitMs: number, signal: AbortSignal): Promise<XmlElement> {
    const body =
      `<tev:PullMessages xmlns:tev="${NAMESPACES.events}"><tev:Timeout>${lengthOf(waitMs)}</tev:Timeout>` +
      `<tev:MessageLimit>${MESSAGES_MAX}</tev:MessageLimit></tev:PullMessages>`;
    const answer = await this.#call(ACTIONS.pull, body, { deadlineMs: waitMs + MARGIN_MS, signal });
    if (answer.name !== 'PullMessagesResponse')
      throw new CameraError('malformed', { detail: 'messages were expected' });
    this.#follow(answer, null);
    return answer;
  }

  /** Has all states told again; false where the camera does not know how, in whatever way it shows that. */
  async synchronize(signal: AbortSignal): Promise<boolean> {
    const body = `<tev:SetSynchronizationPoint xmlns:tev="${NAMESPACES.events}"/>`;
    try {
      await this.#call(ACTIONS.synchronize, body, { deadlineMs: DEADLINE_MS, signal });
      return true;
    } catch (error) {
      if (isFinal(error)) throw error;
      return false;
    }
  }

  /** Makes it last longer, by the way the camera honours; false where it honours none, or does not answer. */
  async renew(signal: AbortSignal): Promise<boolean> {
    const lessons = this.#lessons;
    while (lessons.renewsBy !== null) {
      const outcome = await this.#renewBy(lessons.renewsBy, signal);
      if (outcome !== 'refused') return outcome === 'renewed';
      lessons.renewsBy = lessons.renewsBy === 'relative' && this.#cameraMinusMonotonic !== null ? 'absolute' : null;
    }
    return false;
  }

  /** Ends it at the camera, within two seconds; never rejects. */
  async end(): Promise<void> {
    const body = `<wsnt:Unsubscribe xmlns:wsnt="${NOTIFICATION}"/>`;
    await this.#call(ACTIONS.unsubscribe, body, { deadlineMs: UNSUBSCRIBE_MS }).catch(() => {});
  }

  async #renewBy(way: 'relative' | 'absolute', signal: AbortSignal): Promise<'renewed' | 'refused' | 'silent'> {
    const before = this.leftMs;
    const now = this.#deps.clock.monotonic();
    const until = new Date((this.#cameraMinusMonotonic ?? 0) + now + LIFE_MS);
    const text = way === 'relative' ? lengthOf(LIFE_MS) : until.toISOString().replace(/\.\d+Z$/, 'Z');
    const body = `<wsnt:Renew xmlns:wsnt="${NOTIFICATION}"><wsnt:TerminationTime>${text}</wsnt:TerminationTime></wsnt:Renew>`;
    try {
      const answer = await this.#call(ACTIONS.renew, body, { deadlineMs: DEADLINE_MS, signal });
      this.#follow(answer, LIFE_MS);
    } catch (error) {
      if (isFinal(error)) throw error;
      // Silence is no refusal: the next pull tells whether anybody is there.
      return error instanceof CameraError && error.trouble === 'unreachable' ? 'silent' : 'refused';
    }
    // Some say yes and mean no.
    return this.leftMs > before + 1_000 || this.leftMs >= LIFE_MS ? 'renewed' : 'refused';
  }

  #call(action: string, body: string, options: { deadlineMs: number; signal?: AbortSignal }): Promise<XmlElement> {
    const plain = this.#parameters;
    const header = this.#complete ? addressing(this.#deps, this.#url, action) + plain : plain;
    return this.#session.call(this.#url, action, body, { ...options, header, bytesMax: ANSWER_BYTES_MAX });
  }

  /** Takes how long it lasts from an answer: both times are the camera's own, so its clock may be wrong. */
  #follow(answer: XmlElement, assumedMs: number | null): void {
    const now = this.#deps.clock.monotonic();
    const [current, end] = ['CurrentTime', 'TerminationTime'].map((name) => dateOf(textAt(answer, name)));
    if (current !== null && current !== undefined) this.#cameraMinusMonotonic = current - now;
    const cameraNow = current ?? (this.#cameraMinusMonotonic === null ? null : this.#cameraMinusMonotonic + now);
    const told = end === null || end === undefined || cameraNow === null ? null : end - cameraNow;
    const left = told ?? assumedMs;
    if (left === null) return;
    // A camera that says it has ended, or never ends, is not believed.
    this.#endsAt = now + (left > 0 ? Math.min(LIFE_MS_MAX, left) : LIFE_MS_MIN);
    if (assumedMs !== null) this.#lifeMs = this.#endsAt - now;
  }
}

/** Errors after which nothing else is worth asking. */
function isFinal(error: unknown): boolean {
  return !(error instanceof CameraError) || error.trouble === 'unauthorized' || error.trouble === 'cancelled';
}

function addressing({ random }: SubscriptionDeps, url: string, action: string): string {
  const id = uuidOf(random.bytes(16));
  return (
    `<a:Action xmlns:a="${ADDRESSING}">${action}</a:Action><a:MessageID xmlns:a="${ADDRESSING}">urn:uuid:${id}</a:MessageID>` +
    `<a:ReplyTo xmlns:a="${ADDRESSING}"><a:Address>${ADDRESSING}/anonymous</a:Address></a:ReplyTo>` +
    `<a:To xmlns:a="${ADDRESSING}">${escapeXml(url)}</a:To>`
  );
}

/** A length as XML Schema writes it, in whole seconds. */
function lengthOf(ms: number): string {
  return `PT${Math.max(1, Math.round(ms / 1000))}S`;
}

/** Reference parameters written again as headers; null where they are more than anybody needs. */
function parametersOf(element: XmlElement | undefined): string | null {
  if (!element) return '';
  if (element.children.length > PARAMETERS_MAX) return null;
  const text = element.children
    .map((child) => written(child, ` a:IsReferenceParameter="true" xmlns:a="${ADDRESSING}"`))
    .join('');
  return text.length > PARAMETERS_LENGTH_MAX ? null : text;
}

/** An element as XML, each with its own namespace; its depth is bounded by the reader it came from. */
function written({ namespace, name, attributes, text, children }: XmlElement, more: string): string {
  const own = [...attributes].flatMap(([each, value], i) => {
    const parts = /^\{(.*)\}([^}]+)$/.exec(each);
    if (!parts) return ` ${each}="${escapeXml(value)}"`;
    return parts[1] === ADDRESSING
      ? ''
      : ` xmlns:p${i}="${escapeXml(parts[1]!)}" p${i}:${parts[2]}="${escapeXml(value)}"`;
  });
  const inside = children.length > 0 ? children.map((child) => written(child, '')).join('') : escapeXml(text);
  return `<r:${name} xmlns:r="${escapeXml(namespace)}"${more}${own.join('')}>${inside}</r:${name}>`;
}
