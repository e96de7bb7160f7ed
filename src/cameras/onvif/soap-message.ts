import { fromUtf8, utf8 } from '../../bytes/index.ts';
import { childrenOf, readXml, type XmlElement, type XmlReason } from '../../protocol/index.ts';
import { SOAP } from './namespaces.ts';

/** How much of an answer is read: a recorder of 64 inputs tells its profiles with a few thousand elements. */
const LIMITS = { elements: 16_384, depth: 32 };
const FAULT_NAMES_MAX = 16;

/** A SOAP 1.2 message. `header` and `body` are XML of ours; what strangers or people wrote is escaped in it. */
export function writeEnvelope(header: string, body: string): Uint8Array<ArrayBuffer> {
  return utf8(
    `<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="${SOAP[0]}">` +
      (header === '' ? '' : `<s:Header>${header}</s:Header>`) +
      `<s:Body>${body}</s:Body></s:Envelope>`,
  );
}

/** Text as character data or as the value of an attribute. What XML 1.0 cannot carry is left out. */
export function escapeXml(text: string): string {
  return text
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '')
    .replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

/** What came back for a question. */
export type SoapAnswer =
  /** The first child of the body. */
  | { element: XmlElement }
  /** It said no: local names of codes and details, outermost first, and whether it is about who asks or about what it has. */
  | { fault: string[]; about: 'credentials' | 'ability' | 'other' }
  /** Nothing that is understood. */
  | { reason: XmlReason | 'shape' };

/** Codes by which cameras say that they do not believe who asks; WS-Security's own, ONVIF's, and those of some makes. */
const CREDENTIALS = new Set(
  [
    'NotAuthorized',
    'Unauthorized',
    'NotAuthenticated',
    'FailedAuthentication',
    'FailedCheck',
    'InvalidSecurity',
    'InvalidSecurityToken',
    'SecurityTokenUnavailable',
    'MessageExpired',
    'SenderNotAuthorized',
  ].map((code) => code.toLowerCase()),
);
const CREDENTIALS_TEXT =
  /not ?authori[sz]ed|unauthori[sz]ed|authori[sz]ation (?:failed|required)|authentication fail|time check failed/i;
/** Codes by which they say that they do not have it. */
const ABILITY = new Set(
  [
    'ActionNotSupported',
    'OptionalActionNotImplemented',
    'ServiceNotSupported',
    'NoSuchService',
    'PTZNotSupported',
    'NoPTZProfile',
    'NoImagingForSource',
    'SnapshotNotSupported',
    'MethodNotImplemented',
  ].map((code) => code.toLowerCase()),
);

/** Reads an answer of a camera. Total. */
export function readEnvelope(bytes: Uint8Array): SoapAnswer {
  let root = readXml(bytes, LIMITS);
  // Names in the encoding of somebody's town: the rest of the answer is worth more than those letters.
  if (root === 'encoding') root = readXml(asAscii(bytes), LIMITS);
  if (typeof root === 'string') return { reason: root };
  if (root.name !== 'Envelope' || !isSoap(root)) return { reason: 'shape' };
  const [body] = childrenOf(root, SOAP, 'Body');
  const element = body?.children[0];
  if (!element) return { reason: 'shape' };
  return element.name === 'Fault' && isSoap(element) ? faultOf(element) : { element };
}

function faultOf(fault: XmlElement): SoapAnswer {
  const named = (name: string, within = fault) => childrenOf(within, [...SOAP, ''], name)[0];
  const codes: string[] = [];
  // SOAP 1.2 nests its codes, SOAP 1.1 has one.
  for (let code = named('Code'); code && codes.length < FAULT_NAMES_MAX; code = named('Subcode', code)) {
    codes.push(localName(named('Value', code)?.text ?? ''));
  }
  codes.push(localName(named('faultcode')?.text ?? ''));
  const detail = named('Detail') ?? named('detail');
  for (const each of detail?.children.slice(0, FAULT_NAMES_MAX) ?? []) codes.push(each.name.slice(0, 64));
  const reason = named('Reason');
  const text = `${reason?.children[0]?.text ?? ''} ${named('faultstring')?.text ?? ''}`.slice(0, 512);
  const known = codes.filter((code) => code !== '').slice(0, FAULT_NAMES_MAX);
  const has = (codes: ReadonlySet<string>) => known.some((code) => codes.has(code.toLowerCase()));
  if (has(CREDENTIALS) || CREDENTIALS_TEXT.test(text)) return { fault: known, about: 'credentials' };
  return { fault: known, about: has(ABILITY) ? 'ability' : 'other' };
}

/** The part of a qualified name behind its prefix, where it is a name. */
function localName(qualified: string): string {
  return /^\s*(?:[\w.-]{1,64}:)?([A-Za-z][\w.-]{0,63})\s*$/.exec(qualified)?.[1] ?? '';
}

function isSoap({ namespace }: XmlElement): boolean {
  return (SOAP as readonly string[]).includes(namespace);
}

function asAscii(bytes: Uint8Array): Uint8Array {
  return fromUtf8(bytes) === null ? bytes.map((octet) => (octet < 0x80 ? octet : 0x3f)) : bytes;
}
