import type { HttpAnswer } from '../../platform/index.ts';
import type { XmlElement } from '../../protocol/index.ts';
import type { CameraTime } from '../api.ts';
import { CameraError } from '../errors.ts';
import { type AccessOptions, CameraAccess } from './camera-access.ts';
import { serviceAddress } from './camera-address.ts';
import { systemDateOf } from './camera-date.ts';
import type { AccessDeps, AskOptions, Question } from './camera-questions.ts';
import { all, first, textAt } from './element-reader.ts';
import { NAMESPACES, type ServiceName } from './namespaces.ts';
import { readEnvelope, type SoapAnswer, writeEnvelope } from './soap-message.ts';

export interface CallOptions {
  /** XML of further headers, beside that of the credentials. */
  header?: string;
  /** From the call to the last byte of the last answer, ms; default 10,000. */
  deadlineMs?: number;
  /** Longest answer; default 1 MiB. */
  bytesMax?: number;
  signal?: AbortSignal | undefined;
}

/** Questions to one camera, asked as somebody who may. Everything rejects with `CameraError`. */
export interface SoapSession {
  /** URL of its device service. */
  readonly service: string;
  /**
   * Asks at `url` (one of `services`, or what `addressOf` gave) and gives the first child of the answer's body: an element named
   * like the question, with `Response` behind. `body` is one element, XML of ours with all that strangers wrote escaped
   * (`escapeXml`).
   */
  call(url: string, action: string, body: string, options?: CallOptions): Promise<XmlElement>;
  /** URLs of its services by namespace, the device service always among them; asked once, then remembered. */
  services(signal?: AbortSignal): Promise<ReadonlyMap<string, string>>;
  /** A URL the camera told, led to the address it is reached at; null where it is none of http or https. */
  addressOf(told: string): string | null;
  /** What its clock says: `cameraAt` is the middle of the second it told. */
  time(signal?: AbortSignal): Promise<CameraTime>;
  /** Gets octets at `url` (as `addressOf` gave it) over HTTP with the same credentials. */
  get(url: string, options?: Omit<CallOptions, 'header'>): Promise<{ contentType: string; body: Uint8Array }>;
}

export interface SessionOptions extends AccessOptions {
  service: string;
}

const DEADLINE_MS = 10_000;
const TIME_DEADLINE_MS = 5_000;
const BYTES_MAX = 1024 * 1024;
const SERVICES_MAX = 64;
/** A clock that told seconds, asked twice, differs by less unless it was set. */
const MOVED_MS = 3_000;

/** Asks one camera over SOAP and HTTP. Nothing is sent before the first question; that one is for the time. */
export function createSoapSession(deps: AccessDeps, { service, ...access }: SessionOptions): SoapSession {
  return new Session(deps, service, access);
}

class Session implements SoapSession {
  readonly service: string;
  readonly #deps: AccessDeps;
  readonly #access: CameraAccess;
  /** The camera's clock at a moment of the monotonic one, so that a step of our calendar changes nothing. */
  #told: { cameraAt: number; monotonicMs: number } | null = null;
  #begun = false;
  #services: ReadonlyMap<string, string> | null = null;

  constructor(deps: AccessDeps, service: string, access: AccessOptions) {
    this.#deps = deps;
    this.service = service;
    this.#access = new CameraAccess(deps, access, {
      readClock: (options) => this.#readClock(options),
      cameraNow: () => this.#cameraNow(),
    });
  }

  async call(url: string, action: string, body: string, options: CallOptions = {}): Promise<XmlElement> {
    const ask = await this.#begin(options);
    return this.#access.ask(questionOf(url, action, body, options.header ?? ''), ask);
  }

  async get(
    url: string,
    options: Omit<CallOptions, 'header'> = {},
  ): Promise<{ contentType: string; body: Uint8Array }> {
    const read = ({ status, headers, body }: HttpAnswer) => {
      if (status === 200) return { contentType: headers['content-type']?.[0] ?? '', body };
      if (status === 403) return 'unauthorized' as const;
      throw new CameraError(isMissing(status) ? 'unsupported' : 'refused', { detail: `status ${status}` });
    };
    return this.#access.ask(
      { name: 'GET', url, method: 'GET', headers: {}, body: null, read },
      await this.#begin(options),
    );
  }

  addressOf(told: string): string | null {
    return serviceAddress(this.service, told);
  }

  async time(signal?: AbortSignal): Promise<CameraTime> {
    this.#begun = true;
    return this.#measure({ deadlineMs: TIME_DEADLINE_MS, bytesMax: BYTES_MAX, signal }, (question, options) =>
      this.#access.ask(question, options),
    );
  }

  async services(signal?: AbortSignal): Promise<ReadonlyMap<string, string>> {
    this.#services ??= await this.#askServices(signal);
    return this.#services;
  }

  async #askServices(signal: AbortSignal | undefined): Promise<ReadonlyMap<string, string>> {
    const { device } = NAMESPACES;
    const ask = (name: string, inside: string) =>
      this.call(this.service, `${device}/${name}`, `<${name} xmlns="${device}">${inside}</${name}>`, { signal });
    const found = new Map<string, string>();
    const take = (namespace: string, told: string) => {
      const address = this.addressOf(told);
      if (address !== null && found.size < SERVICES_MAX && !found.has(namespace)) found.set(namespace, address);
    };
    try {
      const response = await ask('GetServices', '<IncludeCapability>false</IncludeCapability>');
      for (const each of all(response, 'Service')) take(textAt(each, 'Namespace'), textAt(each, 'XAddr'));
    } catch (error) {
      // The first edition of ONVIF did not have it, and some answer with something of their own.
      if (!(error instanceof CameraError) || !['unsupported', 'refused', 'malformed'].includes(error.trouble))
        throw error;
    }
    if (!found.has(NAMESPACES.media) && !found.has(NAMESPACES.media2)) {
      const capabilities = first(await ask('GetCapabilities', '<Category>All</Category>'), 'Capabilities');
      for (const [name, path] of CAPABILITIES) take(NAMESPACES[name], textAt(capabilities, ...path, 'XAddr'));
    }
    // Who was reached at an address is asked there.
    return found.set(device, this.service);
  }

  async #begin({ deadlineMs = DEADLINE_MS, bytesMax = BYTES_MAX, signal }: CallOptions): Promise<AskOptions> {
    const { clock } = this.#deps;
    const atMs = clock.monotonic() + deadlineMs;
    if (!this.#begun) {
      await this.#readClock({ deadlineMs, bytesMax, signal });
      this.#begun = true;
    }
    return { deadlineMs: Math.max(1, atMs - clock.monotonic()), bytesMax, signal };
  }

  /** Reads the clock without credentials. A camera that does not tell it so is taken to be right. True where it was set since. */
  async #readClock(options: AskOptions): Promise<boolean> {
    const thought = this.#told;
    try {
      await this.#measure(options, async (question, ask) => {
        const answer = await this.#access.askPlain(question, ask);
        if (answer === 'unauthorized') throw new CameraError('unauthorized');
        return answer;
      });
    } catch (error) {
      const trouble = error instanceof CameraError ? error.trouble : 'unreachable';
      if (trouble === 'unreachable' || trouble === 'cancelled') throw error;
    }
    if (!thought || !this.#told || thought === this.#told) return false;
    const shift = this.#told.cameraAt - thought.cameraAt - (this.#told.monotonicMs - thought.monotonicMs);
    return Math.abs(shift) > MOVED_MS;
  }

  async #measure(
    options: AskOptions,
    ask: (question: Question<XmlElement>, options: AskOptions) => Promise<XmlElement>,
  ): Promise<CameraTime> {
    const { clock } = this.#deps;
    const { device } = NAMESPACES;
    const name = 'GetSystemDateAndTime';
    let sentMs = clock.monotonic();
    const question = questionOf(this.service, `${device}/${name}`, `<${name} xmlns="${device}"/>`, '');
    const timed = {
      ...question,
      body: (security: string) => {
        sentMs = clock.monotonic(); // of the try that was answered
        return question.body!(security);
      },
    };
    const response = await ask(timed, options);
    const halfMs = (clock.monotonic() - sentMs) / 2;
    const cameraAt = systemDateOf(response);
    if (cameraAt === null) throw new CameraError('malformed', { detail: 'it told no time' });
    this.#told = { cameraAt, monotonicMs: sentMs + halfMs };
    const half = Math.ceil(halfMs);
    return { cameraAt: cameraAt + 500, nodeAt: Math.round(clock.now() - halfMs), uncertaintyMs: half + 500 };
  }

  #cameraNow(): number {
    const { clock } = this.#deps;
    return this.#told ? this.#told.cameraAt + (clock.monotonic() - this.#told.monotonicMs) : clock.now();
  }
}

/** Where `GetCapabilities` tells the addresses of services. */
const CAPABILITIES: readonly (readonly [ServiceName, readonly string[]])[] = [
  ['media', ['Media']],
  ['ptz', ['PTZ']],
  ['imaging', ['Imaging']],
  ['events', ['Events']],
  ['media2', ['Extension', 'Media2']],
  ['search', ['Extension', 'Search']],
  ['recording', ['Extension', 'Recording']],
  ['replay', ['Extension', 'Replay']],
  ['deviceIo', ['Extension', 'DeviceIO']],
];

function questionOf(url: string, action: string, body: string, header: string): Question<XmlElement> {
  const operation = /^<(?:[\w.-]+:)?([\w.-]+)/.exec(body.trimStart())?.[1] ?? '';
  return {
    name: action,
    url,
    method: 'POST',
    headers: { 'content-type': `application/soap+xml; charset=utf-8; action="${action}"` },
    body: (security) => writeEnvelope(header + security, body),
    read: (answer) => responseOf(answer.status, readEnvelope(answer.body), operation),
  };
}

function responseOf(status: number, answer: SoapAnswer, operation: string): XmlElement | 'unauthorized' {
  if ('element' in answer) {
    if (answer.element.name === `${operation}Response`) return answer.element;
    throw new CameraError('malformed', { detail: 'it answered something else' });
  }
  if ('fault' in answer) {
    if (answer.about === 'credentials') return 'unauthorized';
    throw new CameraError(answer.about === 'ability' ? 'unsupported' : 'refused', { fault: answer.fault });
  }
  if (isMissing(status)) throw new CameraError('unsupported', { detail: `status ${status}` });
  if (status === 403) return 'unauthorized';
  throw new CameraError('malformed', { detail: status === 200 ? answer.reason : `status ${status}` });
}

function isMissing(status: number): boolean {
  return status === 404 || status === 405 || status === 501;
}
