import { REALM, sameSecret } from '../authentication.ts';
import type { DeviceAuthentication } from '../device-api.ts';
import type { HttpDigest } from './http-digest.ts';
import type { FrontAnswer, FrontRequest } from './http-front.ts';
import { readQuestion, SoapFault, type SoapQuestion, writeEnvelope } from './soap.ts';
import type { TokenJudge } from './username-token.ts';
import type { DeviceCall, DeviceService } from './world.ts';

/** What everybody may ask: the PRE_AUTH class of the ONVIF core specification. */
const OPEN_TO_ALL = new Set([
  'GetSystemDateAndTime',
  'GetCapabilities',
  'GetServices',
  'GetServiceCapabilities',
  'GetHostname',
  'GetEndpointReference',
]);
const SOAP_TYPE = 'application/soap+xml; charset=utf-8';

/** Whether somebody may go on, or what they are told. */
type Admission = 'ok' | FrontAnswer;

export interface SoapDeskDeps {
  digest: HttpDigest;
  tokens: TokenJudge;
  /** Null: everybody may do everything. */
  credentials: () => { username: string; password: string } | null;
  ways: readonly DeviceAuthentication[];
  services: readonly DeviceService[];
  /** Told of each operation that is understood, whether it is then done or not. */
  asked: (name: string) => void;
  /** The device as this client reaches it. */
  addressFor: (local: string) => Pick<DeviceCall, 'url' | 'host'>;
}

/** Takes SOAP questions: finds the service, lets in who may ask, and writes the answer. */
export class SoapDesk {
  readonly #deps: SoapDeskDeps;

  constructor(deps: SoapDeskDeps) {
    this.#deps = deps;
  }

  async answer(request: FrontRequest): Promise<FrontAnswer> {
    const path = request.url.split('?', 1)[0]!;
    const service = this.#deps.services.find((each) =>
      each.path.endsWith('/') ? path.startsWith(each.path) : path === each.path,
    );
    if (!service) return { status: 404, type: 'text/plain', body: Buffer.from('not found\n') };
    if (request.method !== 'POST') return { status: 405, type: 'text/plain', body: Buffer.from('expected POST\n') };
    const question = readQuestion(request.body);
    if (typeof question === 'string') {
      return reply(new SoapFault('Sender', ['ter:WellFormed'], `The question cannot be read: ${question}`), null);
    }
    const key = question.namespace === service.namespace ? question.name : `{${question.namespace}}${question.name}`;
    const operation = Object.hasOwn(service.operations, key) ? service.operations[key] : undefined;
    this.#deps.asked(question.name);
    const admission = this.#admit(request, question);
    if (admission !== 'ok') return admission;
    if (!operation) {
      return reply(new SoapFault('Receiver', ['ter:ActionNotSupported'], 'Optional Action Not Implemented'), question);
    }
    const call: DeviceCall = {
      question,
      ...this.#deps.addressFor(request.local),
      rest: path.slice(service.path.length),
      gone: request.gone,
    };
    return reply(await operation(call), question);
  }

  /** For what is no SOAP: whether the Authorization header is enough. */
  admitPlain(request: FrontRequest): Admission {
    const credentials = this.#deps.credentials();
    if (!credentials) return 'ok';
    const verdict = this.#judgeHeader(credentials, request, this.#plainWays());
    return verdict === 'ok' ? 'ok' : this.#challenge(verdict === 'stale', null, this.#plainWays());
  }

  #admit(request: FrontRequest, question: SoapQuestion): Admission {
    const credentials = this.#deps.credentials();
    if (!credentials || OPEN_TO_ALL.has(question.name)) return 'ok';
    const { ways, tokens } = this.#deps;
    const header = request.authorization === undefined ? 'none' : this.#judgeHeader(credentials, request, ways);
    if (header === 'ok') return 'ok';
    const token = ways.includes('token') ? tokens.judge(credentials, question.header) : 'none';
    if (token === 'ok') return 'ok';
    const fault = new SoapFault('Sender', ['ter:NotAuthorized'], 'Sender not Authorized');
    // A token that is refused is a fault; whoever showed nothing is told what else there is.
    if (token !== 'none' || !ways.some((way) => way !== 'token')) return reply(fault, question);
    return this.#challenge(header === 'stale', question, ways);
  }

  /** A token is of no use where there is no SOAP: a device that takes nothing else takes Digest there. */
  #plainWays(): readonly DeviceAuthentication[] {
    const { ways } = this.#deps;
    return ways.some((way) => way !== 'token') ? ways : ['digest'];
  }

  #judgeHeader(
    credentials: { username: string; password: string },
    request: FrontRequest,
    ways: readonly DeviceAuthentication[],
  ): 'ok' | 'stale' | 'refused' {
    const { digest } = this.#deps;
    const found = /^([A-Za-z]{1,16}) +([^\r\n]{0,4096})$/.exec(request.authorization ?? '');
    const scheme = found?.[1]?.toLowerCase();
    if (scheme === 'digest' && ways.includes('digest')) {
      return digest.judge(credentials, { method: request.method, url: request.url }, found![2]!);
    }
    if (scheme === 'basic' && ways.includes('basic')) {
      const expected = Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64');
      return sameSecret(found![2]!.trim(), expected) ? 'ok' : 'refused';
    }
    return 'refused';
  }

  #challenge(stale: boolean, question: SoapQuestion | null, ways: readonly DeviceAuthentication[]): FrontAnswer {
    const { digest } = this.#deps;
    const offers = [
      ...(ways.includes('digest') ? digest.challenges(stale) : []),
      ...(ways.includes('basic') ? [`Basic realm="${REALM}"`] : []),
    ];
    const fault = new SoapFault('Sender', ['ter:NotAuthorized'], 'Sender not Authorized', { status: 401 });
    return { ...reply(fault, question), headers: { 'www-authenticate': offers } };
  }
}

function reply(content: Parameters<typeof writeEnvelope>[0], question: SoapQuestion | null): FrontAnswer {
  const status = content instanceof SoapFault ? content.status : 200;
  return { status, type: SOAP_TYPE, body: writeEnvelope(content, question) };
}
