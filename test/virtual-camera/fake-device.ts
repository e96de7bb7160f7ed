import { createHash } from 'node:crypto';
import { request } from 'node:http';
import { type Clock, type Datagrams, type Random, SeededRandom, silentLog } from '../../src/platform/index.ts';
import { createNodeClock } from '../../src/platform/node/index.ts';
import { childrenOf, readXml, type XmlElement } from '../../src/protocol/index.ts';
import { createVirtualDevice, type VirtualDevice, type VirtualDeviceOptions } from '../../src/virtual-camera/index.ts';
import { FakeEncoders } from './fake-encoders.ts';

export const USER = { username: 'admin', password: 'p:a "ss' };

export interface FakeDevice extends AsyncDisposable {
  device: VirtualDevice;
  encoders: FakeEncoders;
}

/** A device with real sockets and encoders that never were. */
export async function startFakeDevice(
  options: VirtualDeviceOptions = {},
  deps: { clock?: Clock; datagrams?: Datagrams; random?: Random } = {},
): Promise<FakeDevice> {
  const encoders = new FakeEncoders();
  const device = createVirtualDevice(
    { clock: createNodeClock(), random: new SeededRandom(5), log: silentLog, processes: encoders, ...deps },
    { camera: { sub: null }, ...options },
  );
  await device.start();
  return { device, encoders, [Symbol.asyncDispose]: () => device.stop() };
}

export interface RawAnswer {
  status: number;
  headers: Record<string, string[]>;
  body: Buffer;
  /** The connection ended before the body did. */
  cut: boolean;
}

/** One HTTP request on a connection of its own. */
export function askRaw(
  url: string,
  options: { method?: string; body?: string; headers?: Record<string, string>; signal?: AbortSignal | undefined } = {},
): Promise<RawAnswer> {
  const { method = 'POST', body = '', headers = {}, signal } = options;
  return new Promise((done, fail) => {
    const sent = request(url, { method, headers, agent: false, signal }, (response) => {
      const pieces: Buffer[] = [];
      const end = (cut: boolean) => {
        done({
          status: response.statusCode!,
          headers: response.headersDistinct as Record<string, string[]>,
          body: Buffer.concat(pieces),
          cut,
        });
      };
      response.on('data', (piece: Buffer) => pieces.push(piece));
      response.on('end', () => end(false));
      response.on('error', () => end(true));
    });
    sent.on('error', fail);
    sent.end(body);
  });
}

export function envelope(body: string, header = ''): string {
  return (
    '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:tt="http://www.onvif.org/ver10/schema">' +
    `<s:Header>${header}</s:Header><s:Body>${body}</s:Body></s:Envelope>`
  );
}

const WSS = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss';

/** A UsernameToken as clients write it; made of the given moment and nonce. */
export function usernameToken(user: typeof USER, created: number, nonce: Uint8Array): string {
  const written = new Date(created).toISOString();
  const digest = createHash('sha1').update(nonce).update(written).update(user.password).digest('base64');
  return (
    `<w:Security xmlns:w="${WSS}-wssecurity-secext-1.0.xsd" xmlns:u="${WSS}-wssecurity-utility-1.0.xsd"><w:UsernameToken>` +
    `<w:Username>${user.username}</w:Username>` +
    `<w:Password Type="${WSS}-username-token-profile-1.0#PasswordDigest">${digest}</w:Password>` +
    `<w:Nonce>${Buffer.from(nonce).toString('base64')}</w:Nonce><u:Created>${written}</u:Created>` +
    '</w:UsernameToken></w:Security>'
  );
}

/** The first element of an answer's body; a fault is one too. */
export function contentOf({ body }: RawAnswer): XmlElement {
  const root = readXml(body, { elements: 4_096 });
  if (typeof root === 'string') throw new Error(`the answer is no document: ${root}`);
  return childrenOf(root, ['http://www.w3.org/2003/05/soap-envelope'], 'Body')[0]!.children[0]!;
}

/** Everything below an element with that local name, in order. */
export function all(element: XmlElement, name: string): XmlElement[] {
  return element.children.flatMap((each) => [...(each.name === name ? [each] : []), ...all(each, name)]);
}

/** Codes of a fault from the outside in, as `s:Sender ter:NotAuthorized`. */
export function faultOf(answer: RawAnswer): string {
  return all(contentOf(answer), 'Value')
    .map((each) => each.text)
    .join(' ');
}

const PATHS: Record<string, [path: string, namespace: string]> = {
  tds: ['device_service', 'http://www.onvif.org/ver10/device/wsdl'],
  trt: ['media_service', 'http://www.onvif.org/ver10/media/wsdl'],
  tr2: ['media2_service', 'http://www.onvif.org/ver20/media/wsdl'],
  tptz: ['ptz_service', 'http://www.onvif.org/ver20/ptz/wsdl'],
  timg: ['imaging_service', 'http://www.onvif.org/ver20/imaging/wsdl'],
  tev: ['event_service', 'http://www.onvif.org/ver10/events/wsdl'],
  tse: ['search_service', 'http://www.onvif.org/ver10/search/wsdl'],
};

/** Asks `tds:GetServices` and the like; `inner` is what stands in the operation. */
export function ask(
  device: VirtualDevice,
  operation: string,
  inner = '',
  options: { header?: string; headers?: Record<string, string>; url?: string; signal?: AbortSignal } = {},
): Promise<RawAnswer> {
  const [prefix, name] = operation.split(':') as [string, string];
  const [path, namespace] = PATHS[prefix] ?? ['', 'http://docs.oasis-open.org/wsn/b-2'];
  const url = options.url ?? new URL(`/onvif/${path}`, device.serviceUrl).href;
  const body = envelope(`<${name} xmlns="${namespace}">${inner}</${name}>`, options.header);
  return askRaw(url, { ...options, body });
}
