import type { DatagramAddress } from '../platform/index.ts';

/** `host:port`, IPv6 in brackets: the name of an address in tables, cookies and status. */
export function addressText({ host, port, family }: DatagramAddress): string {
  return family === 6 ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Who counts as one source of datagrams: an IPv4 address, or the /64 of an IPv6 address. */
export function sourceOf({ host, family }: DatagramAddress): string {
  return family === 4 ? host : groupsOf(host).slice(0, 4).join(':');
}

/** The network that may hold so many peers: an IPv4 /24, or an IPv6 /48. */
export function networkOf({ host, family }: DatagramAddress): string {
  return family === 4 ? host.slice(0, host.lastIndexOf('.')) : groupsOf(host).slice(0, 3).join(':');
}

/** The eight groups of an IPv6 address as the system writes it. */
function groupsOf(host: string): string[] {
  const [head = '', tail] = host.split('::');
  const groups = head === '' ? [] : head.split(':');
  const after = tail ? tail.split(':') : [];
  while (groups.length + after.length < 8) groups.push('0');
  return groups.concat(after);
}
