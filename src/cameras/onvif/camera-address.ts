/** Longest address a camera may tell. */
const ADDRESS_LENGTH_MAX = 1_024;

/**
 * A URL the camera told of itself, led to where it is reached: cameras behind a translating router, on two networks, or moved since,
 * tell addresses that lead nowhere or to somebody else, and credentials must go to nobody else. Where its host is not that of
 * `service`, scheme, host and port become those of `service`. Users and fragments are dropped. Null for anything but http and https.
 */
export function serviceAddress(service: string, told: string): string | null {
  const url = readAddress(told);
  const base = new URL(service);
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:')) return null;
  const place = url.hostname === base.hostname ? url : base;
  return `${place.protocol}//${place.host}${url.pathname}${url.search}`;
}

/**
 * URL of a stream at the host `service` is reached at, with its own port, without a user; null for anything but `rtsp` and `rtsps`.
 */
export function streamAddress(service: string, told: string): string | null {
  const url = readAddress(told);
  if (!url || (url.protocol !== 'rtsp:' && url.protocol !== 'rtsps:')) return null;
  const port = url.port === '' ? '' : `:${url.port}`;
  return `${url.protocol}//${new URL(service).hostname}${port}${url.pathname}${url.search}`;
}

function readAddress(text: string): URL | null {
  const trimmed = text.trim();
  if (trimmed.length > ADDRESS_LENGTH_MAX || !/^[!#-;=?-[\]_a-z{-~]+$/i.test(trimmed)) return null;
  const url = URL.parse(trimmed);
  return url && url.hostname !== '' ? url : null;
}
