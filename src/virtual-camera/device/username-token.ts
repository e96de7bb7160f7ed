import { createHash } from 'node:crypto';
import { childrenOf, type XmlElement } from '../../protocol/index.ts';
import { sameSecret } from '../authentication.ts';
import { dateTimeMs } from './time-text.ts';

const OASIS = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss';
const SECURITY = `${OASIS}-wssecurity-secext-1.0.xsd`;
const UTILITY = `${OASIS}-wssecurity-utility-1.0.xsd`;
const DIGEST = `${OASIS}-username-token-profile-1.0#PasswordDigest`;

/** How far from the device's clock a token may have been made. */
const CREATED_MS_MAX = 300_000;
/** Tokens remembered; while there are so many that are not too old, no further one is taken. */
const TOKENS_MAX = 65_536;
const NONCE_BYTES_MAX = 128;

export type TokenVerdict = 'ok' | 'none' | 'refused' | 'replayed' | 'clock';

/** WS-UsernameToken with PasswordDigest (OASIS UsernameToken Profile 1.0): each nonce once, Created close to the device's clock. */
export class TokenJudge {
  readonly #now: () => number;
  /** Nonces seen, with the device's time until which their Created is not too old. */
  readonly #seen = new Map<string, number>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Judges the token of a SOAP header; `none` where there is none. Total. */
  judge(credentials: { username: string; password: string }, header: XmlElement | null): TokenVerdict {
    const security = header && childrenOf(header, [SECURITY], 'Security')[0];
    const token = security && childrenOf(security, [SECURITY], 'UsernameToken')[0];
    if (!token) return 'none';
    const username = childrenOf(token, [SECURITY], 'Username')[0]?.text.trim();
    const password = childrenOf(token, [SECURITY], 'Password')[0];
    const nonce = Buffer.from(childrenOf(token, [SECURITY], 'Nonce')[0]?.text.trim() ?? '', 'base64');
    const written = childrenOf(token, [UTILITY], 'Created')[0]?.text.trim() ?? '';
    const created = dateTimeMs(written);
    if (username !== credentials.username || !password || password.attributes.get('Type') !== DIGEST) return 'refused';
    if (created === null || nonce.length === 0 || nonce.length > NONCE_BYTES_MAX) return 'refused';
    const digest = createHash('sha1').update(nonce).update(written).update(credentials.password).digest('base64');
    if (!sameSecret(password.text.trim(), digest)) return 'refused';
    const nowMs = this.#now();
    if (Math.abs(created - nowMs) > CREATED_MS_MAX) return 'clock';
    const key = nonce.toString('base64');
    if (this.#seen.has(key)) return 'replayed';
    if (this.#seen.size >= TOKENS_MAX) {
      for (const [each, untilMs] of this.#seen) if (untilMs < nowMs) this.#seen.delete(each);
      if (this.#seen.size >= TOKENS_MAX) return 'refused';
    }
    this.#seen.set(key, created + CREATED_MS_MAX);
    return 'ok';
  }

  /** Forgets all tokens, as a device does that starts again. */
  forget(): void {
    this.#seen.clear();
  }
}
