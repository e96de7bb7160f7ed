import assert from 'node:assert/strict';
import { utf8 } from '../../src/bytes/index.ts';
import { CameraError } from '../../src/cameras/errors.ts';
import type { CameraTime, CameraTrouble } from '../../src/cameras/index.ts';
import type { CallOptions, SoapSession } from '../../src/cameras/onvif/soap-session.ts';
import type { SimulatedClock } from '../../src/platform/index.ts';
import { readXml, type XmlElement } from '../../src/protocol/index.ts';

export const SERVICE = 'http://camera.example/onvif/events';
const EVENTS = 'http://www.onvif.org/ver10/events/wsdl';
const NAMES =
  'xmlns:tev="http://www.onvif.org/ver10/events/wsdl" xmlns:wsnt="http://docs.oasis-open.org/wsn/b-2" ' +
  'xmlns:a="http://www.w3.org/2005/08/addressing" xmlns:tt="http://www.onvif.org/ver10/schema" ' +
  'xmlns:tns1="http://www.onvif.org/ver10/topics" xmlns:tnsx="http://maker.example/topics" xmlns:x="http://maker.example/"';

/** XML of our own as the reader gives it. */
export function xml(text: string): XmlElement {
  const element = readXml(utf8(text.replace(/^<([\w:]+)/, `<$1 ${NAMES}`)), { elements: 16_384, depth: 32 });
  assert.ok(typeof element !== 'string', `${element} in ${text}`);
  return element;
}

type Items = Readonly<Record<string, string>>;
const itemsOf = (part: string, items: Items) => {
  const inner = Object.entries(items).map(([name, value]) => `<tt:SimpleItem Name="${name}" Value="${value}"/>`);
  return `<tt:${part}>${inner.join('')}</tt:${part}>`;
};

/** One NotificationMessage. */
export function message(
  topic: string,
  data: Items,
  options: { source?: Items; at?: string; operation?: string } = {},
): string {
  const { source = { Source: 'video0' }, at = '2026-11-18T09:06:40Z', operation = 'Changed' } = options;
  const marked = operation === '' ? '' : ` PropertyOperation="${operation}"`;
  return (
    `<wsnt:NotificationMessage><wsnt:Topic Dialect="http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet">${topic}</wsnt:Topic>` +
    `<wsnt:Message><tt:Message UtcTime="${at}"${marked}>${itemsOf('Source', source)}${itemsOf('Data', data)}` +
    '</tt:Message></wsnt:Message></wsnt:NotificationMessage>'
  );
}

/** How a camera behaves. */
export interface Manners {
  /** What it lets a subscription live, ms; absent: what is asked. */
  lifeMs?: number;
  refuseFilter?: boolean;
  /** Takes a filter and then lets nothing through. */
  silentFilter?: boolean;
  /** Without plain questions nothing works. */
  refuseComplete?: boolean;
  renews?: 'both' | 'absolute' | 'never' | 'pretends';
  synchronizes?: boolean;
  /** Answers at once though it has nothing to tell. */
  impatient?: boolean;
  /** Its clock minus ours, ms. */
  clockMs?: number;
  /** Has no event service. */
  none?: boolean;
  properties?: string | null;
  hangsOnFilter?: boolean;
  /** Questions it never answers. */
  hangs?: RegExp;
}

export const PROPERTIES =
  '<tev:GetEventPropertiesResponse>' +
  '<wsnt:TopicExpressionDialect>http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet</wsnt:TopicExpressionDialect>' +
  '<a:TopicSet><tns1:RuleEngine><CellMotionDetector><Motion a:topic="true"><tt:MessageDescription/></Motion></CellMotionDetector></tns1:RuleEngine>' +
  '<tns1:Device><tnsx:IO><Port a:topic="true"/></tnsx:IO><HardwareFailure/></tns1:Device></a:TopicSet>' +
  '</tev:GetEventPropertiesResponse>';

/** A camera with a pull point, behind the session that its driver would have. Long polls wait on the simulated clock. */
export class FakePullPoint implements SoapSession {
  readonly service = 'http://camera.example/onvif/device_service';
  readonly clock: SimulatedClock;
  manners: Manners;
  /** What fails next: troubles by action, taken once each. */
  failing: { action: RegExp; trouble: CameraTrouble }[] = [];
  /** Every question: when (monotonic), which, its body. */
  asked: { at: number; action: string; body: string; url: string; header: string }[] = [];
  /** Ends of live subscriptions, monotonic ms, by id. */
  live = new Map<string, number>();
  /** True states told on request. */
  states: string[] = [];
  #queue: string[] = [];
  #filtered = false;
  #count = 0;
  #wake: (() => void)[] = [];

  constructor(clock: SimulatedClock, manners: Manners = {}) {
    this.clock = clock;
    this.manners = manners;
  }

  /** Tells something to whoever asks. */
  tell(...messages: string[]): void {
    this.#queue.push(...messages);
    for (const wake of this.#wake.splice(0)) wake();
  }

  times(action: string): number {
    return this.asked.filter((each) => each.action === action).length;
  }

  addressOf(told: string): string | null {
    return told.startsWith('http') ? told.replace('wrong.example', 'camera.example') : null;
  }

  async services(): Promise<ReadonlyMap<string, string>> {
    this.#fail('services');
    return this.manners.none ? new Map() : new Map([[EVENTS, SERVICE]]);
  }

  async time(): Promise<CameraTime> {
    this.#fail('time');
    return { cameraAt: this.#now(), nodeAt: this.clock.now(), uncertaintyMs: 500 };
  }

  async get(): Promise<never> {
    throw new Error('not asked here');
  }

  async call(url: string, action: string, body: string, options: CallOptions = {}): Promise<XmlElement> {
    const name = action.split('/').at(-1)!.replace('Request', '');
    const header = options.header ?? '';
    // Both are XML on their own, whatever came from the camera.
    for (const part of [body, `<h>${header}</h>`]) assert.ok(typeof readXml(utf8(part)) !== 'string', part);
    this.asked.push({ at: this.clock.monotonic(), action: name, body, url, header });
    if (options.signal?.aborted) throw new CameraError('cancelled');
    assert.ok((options.deadlineMs ?? 10_000) <= 40_000 && (options.bytesMax ?? 0) <= 1 << 20);
    this.#fail(name);
    if (name === 'GetEventProperties') {
      const { properties = PROPERTIES } = this.manners;
      if (properties === null) throw new CameraError('refused');
      return xml(properties);
    }
    if (name === 'CreatePullPointSubscription') return this.#create(body, header);
    const id = /<r:Id [^>]*>(\d+)</.exec(header)?.[1] ?? '';
    if (!this.live.has(id) || this.live.get(id)! <= this.clock.monotonic()) {
      this.live.delete(id);
      throw new CameraError('refused', { fault: ['ResourceUnknown'] });
    }
    if (name === 'PullMessages') return this.#pull(body, options);
    if (name === 'Renew') return this.#renew(id, body);
    if (name === 'Unsubscribe') {
      this.live.delete(id);
      return xml('<wsnt:UnsubscribeResponse/>');
    }
    if (this.manners.synchronizes === false) throw new CameraError('unsupported');
    this.#queue.push(...this.states);
    return xml('<tev:SetSynchronizationPointResponse/>');
  }

  #create(body: string, header: string): XmlElement {
    const { refuseFilter, refuseComplete, lifeMs } = this.manners;
    const filter = body.includes('Filter');
    if (filter && this.manners.hangsOnFilter) throw new CameraError('unreachable');
    if (filter && refuseFilter) throw new CameraError('refused', { fault: ['InvalidFilterFault'] });
    if (refuseComplete && header !== '') throw new CameraError('malformed');
    this.#filtered = filter;
    const id = String(++this.#count);
    const life = lifeMs ?? (header === '' ? 60_000 : 120_000);
    this.live.set(id, this.clock.monotonic() + life);
    return xml(
      '<tev:CreatePullPointSubscriptionResponse><tev:SubscriptionReference>' +
        '<a:Address>http://wrong.example/onvif/subscription?Idx=1&amp;x=%22</a:Address>' +
        `<a:ReferenceParameters><x:Id x:note="&lt;&quot;&gt;">${id}</x:Id><x:Deep><x:Inner>&amp;</x:Inner></x:Deep></a:ReferenceParameters>` +
        `</tev:SubscriptionReference>${this.#times(life)}</tev:CreatePullPointSubscriptionResponse>`,
    );
  }

  async #pull(body: string, { signal, deadlineMs }: CallOptions): Promise<XmlElement> {
    const seconds = Number(/<tev:Timeout>PT(\d+)S</.exec(body)?.[1]);
    assert.ok(deadlineMs! > seconds * 1_000);
    if (this.#queue.length === 0 && !this.manners.impatient) {
      const woken = new Promise<void>((resolve) => this.#wake.push(resolve));
      const cancel = new AbortController();
      const waiting = this.clock.sleep(seconds * 1_000, AbortSignal.any([cancel.signal, ...(signal ? [signal] : [])]));
      await Promise.race([woken, waiting.catch(() => {})]);
      cancel.abort();
      if (signal?.aborted) throw new CameraError('cancelled');
    }
    const messages = this.#queue.splice(0).join('');
    const shown = this.#filtered && this.manners.silentFilter ? '' : messages;
    return xml(`<tev:PullMessagesResponse>${shown}</tev:PullMessagesResponse>`);
  }

  #renew(id: string, body: string): XmlElement {
    const { renews = 'both', lifeMs } = this.manners;
    const wish = /<wsnt:TerminationTime>([^<]*)</.exec(body)![1]!;
    const absolute = !wish.startsWith('P');
    if (renews === 'never' || (renews === 'absolute' && !absolute)) throw new CameraError('refused');
    const left = this.live.get(id)! - this.clock.monotonic();
    if (renews === 'pretends') return xml(`<wsnt:RenewResponse>${this.#times(left)}</wsnt:RenewResponse>`);
    const asked = absolute ? Date.parse(wish) - this.#now() : Number(/^PT(\d+)S$/.exec(wish)?.[1]) * 1_000;
    const life = Math.min(asked, lifeMs ?? asked);
    assert.ok(life > 0 && life < 200_000, `${wish} is not in the camera's future`);
    this.live.set(id, this.clock.monotonic() + life);
    return xml(`<wsnt:RenewResponse>${this.#times(life)}</wsnt:RenewResponse>`);
  }

  #now(): number {
    return this.clock.now() + (this.manners.clockMs ?? 0);
  }

  #times(life: number): string {
    const at = (ms: number) => new Date(this.#now() + ms).toISOString();
    return `<wsnt:CurrentTime>${at(0)}</wsnt:CurrentTime><wsnt:TerminationTime>${at(life)}</wsnt:TerminationTime>`;
  }

  #fail(action: string): void {
    const at = this.failing.findIndex((each) => each.action.test(action));
    if (this.manners.hangs?.test(action)) throw new CameraError('unreachable');
    if (at >= 0) throw new CameraError(this.failing.splice(at, 1)[0]!.trouble);
  }
}
