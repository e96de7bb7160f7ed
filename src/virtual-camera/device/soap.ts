import { utf8 } from '../../bytes/index.ts';
import { childrenOf, readXml, type XmlElement, type XmlReason } from '../../protocol/index.ts';
import { el, elWith, type Markup } from './xml-writer.ts';

/** Prefixes of everything the device writes, as cameras have them: all of them are declared in each envelope. */
export const NAMESPACES = {
  s: 'http://www.w3.org/2003/05/soap-envelope',
  wsa5: 'http://www.w3.org/2005/08/addressing',
  tds: 'http://www.onvif.org/ver10/device/wsdl',
  trt: 'http://www.onvif.org/ver10/media/wsdl',
  tr2: 'http://www.onvif.org/ver20/media/wsdl',
  tptz: 'http://www.onvif.org/ver20/ptz/wsdl',
  timg: 'http://www.onvif.org/ver20/imaging/wsdl',
  tev: 'http://www.onvif.org/ver10/events/wsdl',
  tse: 'http://www.onvif.org/ver10/search/wsdl',
  tt: 'http://www.onvif.org/ver10/schema',
  ter: 'http://www.onvif.org/ver10/error',
  tns1: 'http://www.onvif.org/ver10/topics',
  wsnt: 'http://docs.oasis-open.org/wsn/b-2',
  wstop: 'http://docs.oasis-open.org/wsn/t-1',
  wsrfr: 'http://docs.oasis-open.org/wsrf/r-2',
} as const;

const ENVELOPES = [NAMESPACES.s, 'http://schemas.xmlsoap.org/soap/envelope/'];
const ADDRESSING = [NAMESPACES.wsa5, 'http://schemas.xmlsoap.org/ws/2004/08/addressing'];
/** A message id longer than this is not repeated in the answer. */
const MESSAGE_ID_MAX = 256;

/** What somebody asks, in SOAP 1.2 or 1.1. */
export interface SoapQuestion {
  /** Namespace and local name of the operation. */
  namespace: string;
  name: string;
  /** The operation with its arguments. */
  element: XmlElement;
  header: XmlElement | null;
  /** Message id of WS-Addressing, where there is one. */
  messageId: string | null;
}

/** Reads a question, or says why it is none. Total. */
export function readQuestion(bytes: Uint8Array): SoapQuestion | XmlReason | 'shape' {
  const root = readXml(bytes);
  if (typeof root === 'string') return root;
  if (root.name !== 'Envelope' || !ENVELOPES.includes(root.namespace)) return 'shape';
  const body = childrenOf(root, ENVELOPES, 'Body')[0];
  const element = body?.children[0];
  if (!element || body.children.length !== 1) return 'shape';
  const header = childrenOf(root, ENVELOPES, 'Header')[0] ?? null;
  const id = (header && childrenOf(header, ADDRESSING, 'MessageID')[0]?.text.trim()) ?? '';
  const messageId = id !== '' && id.length <= MESSAGE_ID_MAX ? id : null;
  return { namespace: element.namespace, name: element.name, element, header, messageId };
}

const KNOWN: ReadonlySet<string> = new Set(Object.values(NAMESPACES));

/** The first child of that local name, in any of the namespaces of ONVIF: clients differ in which they write. */
export function argument(element: XmlElement | undefined, name: string): XmlElement | undefined {
  return element?.children.find((each) => each.name === name && KNOWN.has(each.namespace));
}

/** Trimmed text of an argument, or undefined where it is not there. */
export function argumentText(element: XmlElement | undefined, name: string): string | undefined {
  return argument(element, name)?.text.trim();
}

/** Why an operation is not done. */
export class SoapFault {
  readonly code: 'Sender' | 'Receiver';
  /** From the outside in, `ter:InvalidArgVal` then `ter:NoProfile`. */
  readonly subcodes: readonly string[];
  readonly reason: string;
  /** Status of the HTTP answer. */
  readonly status: number;
  readonly detail: Markup | null;

  constructor(
    code: 'Sender' | 'Receiver',
    subcodes: readonly string[],
    reason: string,
    { status = code === 'Sender' ? 400 : 500, detail = null }: { status?: number; detail?: Markup | null } = {},
  ) {
    this.code = code;
    this.subcodes = subcodes;
    this.reason = reason;
    this.status = status;
    this.detail = detail;
  }
}

/** A wrong argument, in the words of the ONVIF core specification. */
export function invalidArgument(subcode: string, reason: string): SoapFault {
  return new SoapFault('Sender', ['ter:InvalidArgVal', `ter:${subcode}`], reason);
}

/** The envelope of an answer or a fault. `question` is told by WS-Addressing what it is answered by. */
export function writeEnvelope(
  content: Markup | SoapFault,
  question: SoapQuestion | null = null,
): Uint8Array<ArrayBuffer> {
  const declared = Object.entries(NAMESPACES)
    .map(([prefix, namespace]) => ` xmlns:${prefix}="${namespace}"`)
    .join('');
  const header = question?.messageId
    ? el('s:Header', el('wsa5:RelatesTo', question.messageId), el('wsa5:To', `${NAMESPACES.wsa5}/anonymous`))
    : null;
  const body = el('s:Body', content instanceof SoapFault ? faultMarkup(content) : content);
  const inner = `${header?.text ?? ''}${body.text}`;
  return utf8(`<?xml version="1.0" encoding="UTF-8"?>\n<s:Envelope${declared}>${inner}</s:Envelope>`);
}

function faultMarkup(fault: SoapFault): Markup {
  const subcode = fault.subcodes.reduceRight<Markup | null>(
    (inner, code) => el('s:Subcode', el('s:Value', code), inner),
    null,
  );
  return el(
    's:Fault',
    el('s:Code', el('s:Value', `s:${fault.code}`), subcode),
    el('s:Reason', elWith('s:Text', { 'xml:lang': 'en' }, fault.reason)),
    fault.detail && el('s:Detail', fault.detail),
  );
}
