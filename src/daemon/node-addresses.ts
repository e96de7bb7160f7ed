import { networkInterfaces } from 'node:os';
import { encodeAddress, INVITATION_ADDRESSES_MAX } from '../protocol/index.ts';
import type { Config } from './config.ts';
import { isLoopback, type ListenAddress, writeListenAddress } from './listen-address.ts';

/** An address of one of this machine's interfaces. */
export interface InterfaceAddress {
  address: string;
  family: 'IPv4' | 'IPv6';
  internal: boolean;
}

/**
 * `host:port` texts for invitations, best first, at most 8: what the configuration says, else where the node listens, with
 * the wildcards replaced by this machine's own addresses.
 */
export function nodeAddresses(
  config: Pick<Config, 'addresses'>,
  listening: readonly ListenAddress[],
  interfaces: readonly InterfaceAddress[],
): string[] {
  const wanted = config.addresses ?? listening.flatMap((each) => reachable(each, interfaces));
  const ranked = [...wanted].sort((a, b) => Number(isLoopback(a.host)) - Number(isLoopback(b.host)));
  const texts = ranked.map((each) => writeListenAddress(each)).filter((text) => encodeAddress(text) !== null);
  return [...new Set(texts)].slice(0, INVITATION_ADDRESSES_MAX);
}

/** Every `host:port` of this machine at which it listens, loopback included. */
export function ownPlaces(listening: readonly ListenAddress[], interfaces: readonly InterfaceAddress[]): string[] {
  const loopback = (each: ListenAddress) => localAddresses([each]);
  const reached = listening.flatMap((each) => reachable(each, interfaces).map(writeListenAddress));
  return [...new Set([...reached, ...listening.flatMap(loopback)])];
}

/** Where a program on this machine reaches what listens there. */
export function localAddresses(listening: readonly ListenAddress[]): string[] {
  const loopback: Record<string, string> = { '0.0.0.0': '127.0.0.1', '::': '::1' };
  return listening.map(({ host, port }) => writeListenAddress({ host: loopback[host] ?? host, port }));
}

/** The addresses of this machine; none where the system does not let us ask. */
export function machineAddresses(): InterfaceAddress[] {
  try {
    return Object.values(networkInterfaces())
      .flatMap((each) => each ?? [])
      .map(({ address, family, internal }) => ({ address, family, internal }));
  } catch {
    return [];
  }
}

function reachable({ host, port }: ListenAddress, interfaces: readonly InterfaceAddress[]): ListenAddress[] {
  const family = host === '0.0.0.0' ? 'IPv4' : host === '::' ? 'IPv6' : null;
  if (family === null) return [{ host, port }];
  const usable = interfaces.filter((each) => each.family === family && !each.address.startsWith('fe80:'));
  const own = usable.map(({ address }) => ({ host: address, port }));
  return own.length > 0 ? own : [{ host: family === 'IPv4' ? '127.0.0.1' : '::1', port }];
}
