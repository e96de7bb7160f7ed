/** One way a client offers to be sent media (RFC 2326 12.39), as far as this camera can serve it. */
export type TransportOffer =
  | { transport: 'tcp'; channels: readonly [number, number] | undefined }
  | { transport: 'udp'; ports: readonly [number, number] };

const OFFERS_MAX = 16;
const PARAMETERS_MAX = 32;

/**
 * The offers of a Transport header that this camera understands, in the client's order; empty where there is none
 * (multicast, recording, other profiles). Total.
 */
export function parseTransport(header: string): TransportOffer[] {
  const offers: TransportOffer[] = [];
  for (const text of header.split(',', OFFERS_MAX)) {
    const offer = parseOffer(text);
    if (offer) offers.push(offer);
  }
  return offers;
}

function parseOffer(text: string): TransportOffer | null {
  const [profile, ...parameters] = text.split(';', PARAMETERS_MAX).map((part) => part.trim());
  let channels: readonly [number, number] | undefined;
  let ports: readonly [number, number] | undefined;
  for (const parameter of parameters) {
    const equals = parameter.indexOf('=');
    const name = (equals < 0 ? parameter : parameter.slice(0, equals)).trim().toLowerCase();
    const value = equals < 0 ? '' : parameter.slice(equals + 1).trim();
    if (name === 'multicast') return null;
    if (name === 'mode' && !/^"?play"?$/i.test(value)) return null;
    if (name === 'interleaved') {
      const pair = parsePair(value, 255);
      if (!pair) return null;
      channels = pair;
    }
    if (name === 'client_port') {
      const pair = parsePair(value, 65_535);
      if (!pair || pair[0] === 0) return null;
      ports = pair;
    }
  }
  switch (profile!.toUpperCase()) {
    case 'RTP/AVP/TCP':
      return { transport: 'tcp', channels };
    case 'RTP/AVP':
    case 'RTP/AVP/UDP':
      return ports ? { transport: 'udp', ports } : null;
    default:
      return null;
  }
}

/** `a-b`, or `a` alone, which means `a` and the one after it. The two differ. */
function parsePair(text: string, most: number): readonly [number, number] | null {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  if (!match) return null;
  const first = Number(match[1]);
  const second = match[2] === undefined ? first + 1 : Number(match[2]);
  return first <= most && second <= most && first !== second ? [first, second] : null;
}
