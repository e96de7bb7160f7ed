import { type ByteReader, utf8 } from '../bytes/index.ts';

/** First byte of an address: what its host is. */
const NAME = 1;
const IPV4 = 4;
const IPV6 = 6;
const NAME_MAX = 253;

const LABELS = /^(?!-)[a-z0-9-]{1,63}(?<!-)(?:\.(?!-)[a-z0-9-]{1,63}(?<!-))*$/;
const ALL_DIGITS = /(?:^|\.)[0-9]+$/;
const BYTE = /^(?:0|[1-9][0-9]{0,2})$/;
const GROUP = /^[0-9a-f]{1,4}$/;
const PORT = /^[1-9][0-9]{0,4}$/;

/**
 * Bytes of `host:port` (`192.0.2.7:8456`, `[2001:db8::7]:8456`, `nvr.example:8456`) as an invitation holds them, or null
 * where it is no such thing. Total. Source: docs/protocol/pairing.md section 1.
 */
export function encodeAddress(text: string): Uint8Array<ArrayBuffer> | null {
  const colon = text.lastIndexOf(':');
  const host = text.slice(0, Math.max(0, colon)).toLowerCase();
  const port = PORT.test(text.slice(colon + 1)) ? Number(text.slice(colon + 1)) : 0;
  if (port === 0 || port > 0xffff || host.length > NAME_MAX + 2) return null;
  const bytes = host.startsWith('[') && host.endsWith(']') ? ipv6(host.slice(1, -1)) : (ipv4(host) ?? name(host));
  return bytes && Uint8Array.of(...bytes, port >> 8, port & 255);
}

/** The next address of an invitation as `host:port`, or null. May throw `ERR_BYTES_SHORT` at the end of the bytes. */
export function decodeAddress(reader: ByteReader): string | null {
  const form = reader.u8();
  const host =
    form === IPV4
      ? [...reader.bytes(4)].join('.')
      : form === IPV6
        ? `[${ipv6Text(reader.bytes(16))}]`
        : form === NAME
          ? String.fromCharCode(...reader.bytes(reader.u8()))
          : '';
  const port = reader.u16();
  if (host === '' || port === 0 || (form === NAME && !isName(host))) return null;
  return `${host}:${port}`;
}

function ipv4(host: string): number[] | null {
  const parts = host.split('.');
  if (parts.length !== 4 || !parts.every((part) => BYTE.test(part) && Number(part) < 256)) return null;
  return [IPV4, ...parts.map(Number)];
}

function name(host: string): number[] | null {
  return isName(host) ? [NAME, host.length, ...utf8(host)] : null;
}

/** A name whose last label is all digits would be taken for an IPv4 address by browsers. */
function isName(host: string): boolean {
  return host.length <= NAME_MAX && LABELS.test(host) && !ALL_DIGITS.test(host);
}

function ipv6(host: string): number[] | null {
  const halves = host.split('::');
  if (halves.length > 2) return null;
  const [head, tail] = halves.map((half) => (half === '' ? [] : half.split(':'))) as [string[], string[] | undefined];
  const given = head.length + (tail?.length ?? 0);
  if (tail === undefined ? given !== 8 : given > 7) return null;
  const groups = [...head, ...new Array<string>(8 - given).fill('0'), ...(tail ?? [])];
  if (!groups.every((group) => GROUP.test(group))) return null;
  return [IPV6, ...groups.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255])];
}

/** RFC 5952: no leading zeros, the first longest run of two or more zero groups as `::`. */
function ipv6Text(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, i) => bytes[i * 2]! * 256 + bytes[i * 2 + 1]!);
  let [from, length] = [0, 0];
  for (let i = 0; i < 8; i++) {
    let zeros = 0;
    while (i + zeros < 8 && groups[i + zeros] === 0) zeros++;
    if (zeros > length) [from, length] = [i, zeros];
  }
  const text = (part: number[]) => part.map((group) => group.toString(16)).join(':');
  if (length < 2) return text(groups);
  return `${text(groups.slice(0, from))}::${text(groups.slice(from + length))}`;
}
