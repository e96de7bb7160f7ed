/** Where to listen, or where to be reached. */
export interface ListenAddress {
  /** IPv4, IPv6 without brackets, or a DNS name in lower case. */
  host: string;
  port: number;
}

const PLAIN = /^([a-z0-9](?:[a-z0-9.-]{0,252}))(?::(\d{1,5}))?$/;
const BRACKETED = /^\[([0-9a-f:.]{2,45})\](?::(\d{1,5}))?$/;

/** The port where none is named. */
export const STANDARD_PORT = 8456;

/** An address of `host:port`, `host`, `[v6]:port`, or null. Port 0 takes a free one. Total. */
export function parseListenAddress(text: string): ListenAddress | null {
  const parts = PLAIN.exec(text) ?? BRACKETED.exec(text);
  if (!parts) return null;
  const port = parts[2] === undefined ? STANDARD_PORT : Number(parts[2]);
  return port <= 65_535 ? { host: parts[1]!, port } : null;
}

/** The text of an address. */
export function writeListenAddress({ host, port }: ListenAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** True for an address that only this machine reaches. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host) || /^::ffff:127\./.test(host);
}
