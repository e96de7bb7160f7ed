/** Of an address: what `location` has. */
type Place = Pick<URL, 'protocol' | 'hostname' | 'port' | 'origin'>;

/**
 * The origin that a node may have to be told before this page may connect, or null where every node takes it: a page that came from the very
 * address at which the node is asked. Browsers do not say why a socket did not open, so this is what can be known.
 */
export function originToAllow(page: Place, addresses: readonly string[]): string | null {
  const { protocol, hostname, origin } = page;
  const isAddress = hostname === 'localhost' || /^(?:\d+\.){3}\d+$|^\[/.test(hostname);
  const own = protocol === 'http:' && isAddress && addresses.includes(pageAddress(page));
  return own ? null : origin;
}

/** True where this page may open sealed sockets only, and one of these addresses is asked for one. */
export function needsTls({ protocol }: Pick<Place, 'protocol'>, addresses: readonly string[]): boolean {
  return protocol === 'https:' && addresses.some((each) => !/^(?:localhost|127(?:\.\d+){3}|\[::1\]):\d+$/.test(each));
}

/** `host:port` of a page, the port of its protocol where it names none. */
export function pageAddress({ protocol, hostname, port }: Pick<Place, 'protocol' | 'hostname' | 'port'>): string {
  return `${hostname}:${port || (protocol === 'https:' ? 443 : 80)}`;
}
