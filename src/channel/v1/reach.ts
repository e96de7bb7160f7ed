import { BlockList, isIPv4, isIPv6 } from 'node:net';

/** From where the old session may be opened. */
export type Reach = 'loopback' | 'lan' | 'any';

const LOOPBACK = listOf([['127.0.0.0', 8]], [['::1', 128]]);
/** Addresses that the Internet does not carry: RFC 1918 and 3927, unique local and link-local IPv6. */
const LAN = listOf(
  [
    ['10.0.0.0', 8],
    ['172.16.0.0', 12],
    ['192.168.0.0', 16],
    ['169.254.0.0', 16],
  ],
  [
    ['fc00::', 7],
    ['fe80::', 10],
  ],
);

/** True where an address, as a socket tells it, lies within reach. An unknown address lies within none. */
export function isWithin(reach: Reach, address: string | undefined): boolean {
  const plain = plainAddress(address);
  if (plain === '') return false;
  const family = isIPv4(plain) ? 'ipv4' : 'ipv6';
  if (reach === 'any' || LOOPBACK.check(plain, family)) return true;
  return reach === 'lan' && LAN.check(plain, family);
}

/** An address without zone, IPv4 out of its IPv6 mapping; empty where it is none. */
export function plainAddress(address: string | undefined): string {
  const plain = (address ?? '').split('%')[0]!.toLowerCase();
  const mapped = plain.startsWith('::ffff:') ? plain.slice(7) : '';
  if (isIPv4(mapped)) return mapped;
  return isIPv4(plain) || isIPv6(plain) ? plain : '';
}

function listOf(four: [string, number][], six: [string, number][]): BlockList {
  const list = new BlockList();
  for (const [net, prefix] of four) list.addSubnet(net, prefix, 'ipv4');
  for (const [net, prefix] of six) list.addSubnet(net, prefix, 'ipv6');
  return list;
}
