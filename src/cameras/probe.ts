import { toHex, utf8 } from '../bytes/index.ts';
import {
  childrenOf,
  DISCOVERED_DEVICE_MAX,
  DISCOVERED_URL_MAX,
  isLabel,
  readXml,
  type XmlElement,
  type XmlReason,
} from '../protocol/index.ts';

// WS-Discovery (April 2005) with SOAP 1.2, as the ONVIF core specification asks for; answers in the later namespaces are taken too.
const SOAP = ['http://www.w3.org/2003/05/soap-envelope', 'http://schemas.xmlsoap.org/soap/envelope/'];
const ADDRESSING = ['http://schemas.xmlsoap.org/ws/2004/08/addressing', 'http://www.w3.org/2005/08/addressing'];
const DISCOVERY = [
  'http://schemas.xmlsoap.org/ws/2005/04/discovery',
  'http://docs.oasis-open.org/ws-dd/ns/discovery/2009/01',
];
/** What cameras call themselves: the old type, and the one that came later. Some answer to one of them only. */
export const PROBE_TYPES = {
  'dn:NetworkVideoTransmitter': 'xmlns:dn="http://www.onvif.org/ver10/network/wsdl"',
  'tds:Device': 'xmlns:tds="http://www.onvif.org/ver10/device/wsdl"',
} as const;

/** Most octets of an answer that are read. */
export const ANSWER_BYTES_MAX = 16 * 1024;
/** Most cameras one answer may tell of, and most URLs of one camera. */
const MATCHES_MAX = 8;
const URLS_MAX = 4;
/** Longest list of URLs or scopes that is split. */
const LIST_LENGTH_MAX = 4_096;

/** A random (version 4) UUID of 16 random octets. */
export function uuidOf(random: Uint8Array): string {
  const hex = toHex(random);
  const variant = ((Number.parseInt(hex[16]!, 16) & 3) | 8).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20)}`;
}

/** One probe, to be sent to the discovery group. */
export function writeProbe(uuid: string, type: keyof typeof PROBE_TYPES): Uint8Array<ArrayBuffer> {
  return utf8(
    '<?xml version="1.0" encoding="UTF-8"?>' +
      `<s:Envelope xmlns:s="${SOAP[0]}" xmlns:a="${ADDRESSING[0]}" xmlns:d="${DISCOVERY[0]}">` +
      '<s:Header>' +
      `<a:Action s:mustUnderstand="1">${DISCOVERY[0]}/Probe</a:Action>` +
      `<a:MessageID>uuid:${uuid}</a:MessageID>` +
      `<a:ReplyTo><a:Address>${ADDRESSING[0]}/role/anonymous</a:Address></a:ReplyTo>` +
      '<a:To s:mustUnderstand="1">urn:schemas-xmlsoap-org:ws:2005:04:discovery</a:To>' +
      '</s:Header>' +
      `<s:Body><d:Probe><d:Types ${PROBE_TYPES[type]}>${type}</d:Types></d:Probe></s:Body>` +
      '</s:Envelope>',
  );
}

/** A camera as it describes itself; nothing of it is proved. */
export interface ProbeMatch {
  /** Its endpoint reference, `urn:uuid:…` as a rule: 1 to 100 visible ASCII characters, no quote, no backslash. */
  device: string;
  /** URLs of its device service, `http` or `https`, canonical. At least one. */
  urls: string[];
  name?: string;
  hardware?: string;
}

/** Why an answer is not used; `unasked`: it relates to none of our probes. */
export type ProbeReason = XmlReason | 'size' | 'shape' | 'unasked' | 'empty';

/**
 * The cameras an answer tells of, or why it is not used. `asked` knows our probes by UUID. Total; a camera without a usable
 * name or URL is left out.
 */
export function parseProbeMatches(
  bytes: Uint8Array,
  asked: (uuid: string) => boolean,
): { matches: ProbeMatch[] } | { reason: ProbeReason } {
  if (bytes.length > ANSWER_BYTES_MAX) return { reason: 'size' };
  const root = readXml(bytes);
  if (typeof root === 'string') return { reason: root };
  if (root.name !== 'Envelope' || !SOAP.includes(root.namespace)) return { reason: 'shape' };
  const header = childrenOf(root, SOAP, 'Header')[0];
  const body = childrenOf(root, SOAP, 'Body')[0];
  const list = body && childrenOf(body, DISCOVERY, 'ProbeMatches')[0];
  if (!header || !list) return { reason: 'shape' };
  const related = childrenOf(header, ADDRESSING, 'RelatesTo')[0]?.text.trim().toLowerCase() ?? '';
  const uuid = /^(?:urn:)?(?:uuid:)?([0-9a-f-]{36})$/.exec(related)?.[1];
  if (!uuid || !asked(uuid)) return { reason: 'unasked' };
  const found = childrenOf(list, DISCOVERY, 'ProbeMatch').slice(0, MATCHES_MAX).flatMap(matchOf);
  return found.length > 0 ? { matches: found } : { reason: 'empty' };
}

function matchOf(match: XmlElement): ProbeMatch[] {
  const reference = childrenOf(match, ADDRESSING, 'EndpointReference')[0];
  const device = (reference && childrenOf(reference, ADDRESSING, 'Address')[0]?.text.trim()) ?? '';
  if (device.length > DISCOVERED_DEVICE_MAX || !/^[!#-[\]-~]+$/.test(device)) return [];
  const written = words(childrenOf(match, DISCOVERY, 'XAddrs')[0]).map(deviceUrl);
  const urls = [...new Set(written.filter((each) => each !== null))].slice(0, URLS_MAX);
  if (urls.length === 0) return [];
  const scopes = words(childrenOf(match, DISCOVERY, 'Scopes')[0]);
  const name = scopeOf(scopes, 'name');
  const hardware = scopeOf(scopes, 'hardware');
  return [{ device, urls, ...(name === null ? {} : { name }), ...(hardware === null ? {} : { hardware }) }];
}

/**
 * A URL of a device service in canonical form, or null: `http` or `https`, a host that is a name or an address, no user, no
 * fragment, at most 200 visible ASCII characters. Total.
 */
export function deviceUrl(text: string): string | null {
  if (text.length > DISCOVERED_URL_MAX || !/^https?:\/\/[A-Za-z0-9[][^\s"'<>\\^`{|}#@]*$/i.test(text)) return null;
  if (!/^[\x21-\x7e]+$/.test(text)) return null;
  const url = URL.parse(text);
  if (!url || !/^(?:[a-z0-9](?:[a-z0-9._-]{0,252})|\[[0-9a-f:.]{2,45}\])$/.test(url.hostname)) return null;
  return url.href.length <= DISCOVERED_URL_MAX ? url.href : null;
}

function words(element: XmlElement | undefined): string[] {
  return (element?.text.slice(0, LIST_LENGTH_MAX) ?? '').split(/[ \t\r\n]+/).filter((word) => word !== '');
}

/** What a scope `onvif://www.onvif.org/<kind>/<value>` says, where it may be shown to people. */
function scopeOf(scopes: readonly string[], kind: string): string | null {
  const start = `onvif://www.onvif.org/${kind}/`;
  const scope = scopes.find((each) => each.toLowerCase().startsWith(start));
  if (scope === undefined) return null;
  try {
    const value = decodeURIComponent(scope.slice(start.length)).trim();
    return isLabel(value) ? value : null;
  } catch {
    return null; // percent signs without digits behind them
  }
}
