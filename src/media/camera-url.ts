import { NvrError } from '../errors.ts';

/** A camera's address with its credentials taken apart; `address` is safe to log and to show. */
export interface CameraAddress {
  /** `rtsp://host[:port]/path?query`, without credentials, only URL characters of RFC 3986 and no quote. */
  address: string;
  /** Decoded; null where the URL named none. */
  credentials: { username: string; password: string } | null;
}

/** Longest URL of a camera we take. */
const URL_MAX = 2_048;

// RFC 3986 without the single quote; what is behind the host may hold anything a URL may, percent-encoded or not.
const SHAPE =
  /^(rtsps?):\/\/(?:([^@/?#]*)@)?(\[[0-9a-fA-F:.]{2,45}\]|[a-zA-Z0-9](?:[a-zA-Z0-9._-]{0,252}))(?::([0-9]{1,5}))?(\/[^#]*|\?[^#]*)?$/;
const PATH = /^(?:[A-Za-z0-9._~!$&()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*$/;
const USERINFO = /^(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*$/;

/**
 * Takes a camera's URL apart: rtsp or rtsps, a host, a path; nothing ffmpeg could take for something else.
 *
 * Throws `ERR_MEDIA_CAMERA_URL` (`invalid`), whose text names the part that was wrong and never repeats it.
 */
export function parseCameraUrl(text: string): CameraAddress {
  if (text.length > URL_MAX) throw wrong(`at most ${URL_MAX} characters`);
  if (/[\s"'`\\<>^{|}]/.test(text.replace(/^(rtsps?:\/\/)[^@/?#]*@/, '$1'))) {
    throw wrong("no white space, quotes or backslashes (percent-encode them: a space is %20, ' is %27)");
  }
  const match = SHAPE.exec(text);
  if (!match) throw wrong('the form rtsp://[user[:password]@]host[:port]/path');
  const [, scheme, userinfo, host, port, rest] = match;
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65_535)) throw wrong('a port from 1 to 65535');
  if (rest !== undefined && !PATH.test(rest)) throw wrong('a path of URL characters (percent-encode others)');
  return {
    address: `${scheme}://${host}${port === undefined ? '' : `:${Number(port)}`}${rest ?? '/'}`,
    credentials: userinfo === undefined ? null : parseUserinfo(userinfo),
  };
}

/** The same address with credentials inside, percent-encoded: for ffmpeg's standard input only. */
export function cameraUrl({ address, credentials }: CameraAddress): string {
  if (!credentials) return address;
  const userinfo = `${percentEncode(credentials.username)}:${percentEncode(credentials.password)}`;
  return address.replace('://', `://${userinfo}@`);
}

function parseUserinfo(userinfo: string): { username: string; password: string } {
  const colon = userinfo.indexOf(':');
  const parts = colon < 0 ? [userinfo, ''] : [userinfo.slice(0, colon), userinfo.slice(colon + 1)];
  if (!parts.every((part) => USERINFO.test(part.replaceAll(':', '')))) {
    throw wrong('credentials of URL characters (percent-encode others: @ is %40, # is %23, / is %2F)');
  }
  try {
    return { username: decodeURIComponent(parts[0]!), password: decodeURIComponent(parts[1]!) };
  } catch {
    throw wrong('credentials that are percent-encoded UTF-8');
  }
}

/** Everything but letters, digits and `-._~` as %XX, so that no quoting rule of any reader can matter. */
function percentEncode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}

function wrong(expected: string): NvrError {
  return new NvrError('ERR_MEDIA_CAMERA_URL', 'invalid', `expected a camera url with ${expected}`);
}
