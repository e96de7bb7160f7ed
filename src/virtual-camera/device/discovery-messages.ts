import { utf8 } from '../../bytes/index.ts';
import { childrenOf, readXml, type XmlElement } from '../../protocol/index.ts';
import { el, elWith, type Markup } from './xml-writer.ts';

// WS-Discovery of April 2005, as the ONVIF core specification asks for.
const SOAP = 'http://www.w3.org/2003/05/soap-envelope';
const ADDRESSING = 'http://schemas.xmlsoap.org/ws/2004/08/addressing';
const DISCOVERY = 'http://schemas.xmlsoap.org/ws/2005/04/discovery';
const EVERYBODY = 'urn:schemas-xmlsoap-org:ws:2005:04:discovery';
const PREFIX_RULE = `${DISCOVERY}/rfc3986`;
const EXACT_RULE = `${DISCOVERY}/strcmp0`;

/** What the device is: the type all cameras have, and the one that came later. */
const TYPES = [
  { prefix: 'dn', namespace: 'http://www.onvif.org/ver10/network/wsdl', name: 'NetworkVideoTransmitter' },
  { prefix: 'tds', namespace: 'http://www.onvif.org/ver10/device/wsdl', name: 'Device' },
] as const;

/** Longest message that is read. */
export const MESSAGE_BYTES_MAX = 16 * 1024;
const MESSAGE_ID_MAX = 256;
const WORDS_MAX = 32;

/** What a device tells of itself. */
export interface DiscoveredSelf {
  endpoint: string;
  scopes: readonly string[];
  /** URLs of the device service. */
  addresses: readonly string[];
  metadataVersion: number;
}

/** Whom somebody looks for. */
export interface DiscoveryQuestion {
  kind: 'Probe' | 'Resolve';
  messageId: string;
}

/** A probe or resolve that is meant for this device, or null where it is neither, or means others. Total. */
export function readDiscovery(bytes: Uint8Array, self: DiscoveredSelf): DiscoveryQuestion | null {
  if (bytes.length > MESSAGE_BYTES_MAX) return null;
  const root = readXml(bytes);
  if (typeof root === 'string' || root.name !== 'Envelope' || root.namespace !== SOAP) return null;
  const header = childrenOf(root, [SOAP], 'Header')[0];
  const body = childrenOf(root, [SOAP], 'Body')[0];
  const messageId = header && childrenOf(header, [ADDRESSING], 'MessageID')[0]?.text.trim();
  const action = header && childrenOf(header, [ADDRESSING], 'Action')[0]?.text.trim();
  if (!body || !messageId || messageId.length > MESSAGE_ID_MAX) return null;
  const probe = childrenOf(body, [DISCOVERY], 'Probe')[0];
  if (probe && action === `${DISCOVERY}/Probe`) return matches(probe, self) ? { kind: 'Probe', messageId } : null;
  const resolve = childrenOf(body, [DISCOVERY], 'Resolve')[0];
  if (!resolve || action !== `${DISCOVERY}/Resolve`) return null;
  const reference = childrenOf(resolve, [ADDRESSING], 'EndpointReference')[0];
  const asked = reference && childrenOf(reference, [ADDRESSING], 'Address')[0]?.text.trim();
  return asked === self.endpoint ? { kind: 'Resolve', messageId } : null;
}

/** The answer to a question that meant this device. */
export function writeMatch(
  { kind, messageId }: DiscoveryQuestion,
  self: DiscoveredSelf,
  message: { id: string; instance: number; number: number },
): Uint8Array<ArrayBuffer> {
  const name = `${kind}Match`;
  const relates = el('wsa:RelatesTo', messageId);
  return envelope(
    `${kind}Matches`,
    `${ADDRESSING}/role/anonymous`,
    relates,
    message,
    el(`wsdd:${name}es`, el(`wsdd:${name}`, described(self))),
  );
}

/** What everybody is told when the device comes or goes. */
export function writeAnnouncement(
  kind: 'Hello' | 'Bye',
  self: DiscoveredSelf,
  message: { id: string; instance: number; number: number },
): Uint8Array<ArrayBuffer> {
  const content = kind === 'Hello' ? described(self) : [reference(self)];
  return envelope(kind, EVERYBODY, null, message, el(`wsdd:${kind}`, content));
}

function envelope(
  action: string,
  to: string,
  relates: Markup | null,
  message: { id: string; instance: number; number: number },
  content: Markup,
): Uint8Array<ArrayBuffer> {
  const namespaces = {
    'xmlns:s': SOAP,
    'xmlns:wsa': ADDRESSING,
    'xmlns:wsdd': DISCOVERY,
    ...Object.fromEntries(TYPES.map(({ prefix, namespace }) => [`xmlns:${prefix}`, namespace])),
  };
  const header = el(
    's:Header',
    el('wsa:MessageID', `urn:uuid:${message.id}`),
    relates,
    el('wsa:To', to),
    el('wsa:Action', `${DISCOVERY}/${action}`),
    elWith('wsdd:AppSequence', { InstanceId: message.instance, MessageNumber: message.number }),
  );
  return utf8(
    `<?xml version="1.0" encoding="UTF-8"?>\n${elWith('s:Envelope', namespaces, header, el('s:Body', content)).text}`,
  );
}

function described(self: DiscoveredSelf): Markup[] {
  return [
    reference(self),
    el('wsdd:Types', TYPES.map(({ prefix, name }) => `${prefix}:${name}`).join(' ')),
    el('wsdd:Scopes', self.scopes.join(' ')),
    el('wsdd:XAddrs', self.addresses.join(' ')),
    el('wsdd:MetadataVersion', self.metadataVersion),
  ];
}

function reference({ endpoint }: DiscoveredSelf): Markup {
  return el('wsa:EndpointReference', el('wsa:Address', endpoint));
}

/** Whether a probe asks for something that this device is: all types and all scopes it names. */
function matches(probe: XmlElement, self: DiscoveredSelf): boolean {
  const types = childrenOf(probe, [DISCOVERY], 'Types')[0];
  const known = words(types).every((word) => {
    const [prefix, name] = word.includes(':') ? (word.split(':', 2) as [string, string]) : ['', word];
    const namespace = types!.prefixes.get(prefix);
    return TYPES.some((type) => type.name === name && type.namespace === namespace);
  });
  if (!known) return false;
  const scopes = childrenOf(probe, [DISCOVERY], 'Scopes')[0];
  const rule = scopes?.attributes.get('MatchBy') ?? PREFIX_RULE;
  const wanted = words(scopes);
  if (wanted.length === 0) return true;
  if (rule === EXACT_RULE) return wanted.every((scope) => self.scopes.includes(scope));
  return rule === PREFIX_RULE && wanted.every((scope) => self.scopes.some((each) => isBelow(each, scope)));
}

/** RFC 3986 matching of WS-Discovery: same scheme and host, and whole segments of the path from its beginning. */
function isBelow(scope: string, wanted: string): boolean {
  const [mine, theirs] = [URL.parse(scope), URL.parse(wanted)];
  if (!mine || !theirs || mine.protocol !== theirs.protocol) return false;
  if (mine.host.toLowerCase() !== theirs.host.toLowerCase()) return false;
  const segments = (url: URL) => url.pathname.split('/').filter((segment) => segment !== '');
  const [ours, asked] = [segments(mine), segments(theirs)];
  if (asked.some((segment) => segment === '.' || segment === '..')) return false;
  return asked.every((segment, index) => segment === ours[index]);
}

function words(element: XmlElement | undefined): string[] {
  const text = element?.text.slice(0, MESSAGE_BYTES_MAX) ?? '';
  return text
    .split(/[ \t\r\n]+/)
    .filter((word) => word !== '')
    .slice(0, WORDS_MAX);
}
