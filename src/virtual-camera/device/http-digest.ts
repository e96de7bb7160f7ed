import { createHash } from 'node:crypto';
import type { Clock, Random } from '../../platform/index.ts';
import { digestFields, sameSecret } from '../authentication.ts';

/** How long a nonce is good, and how many are remembered; a forgotten one is stale. */
const NONCE_MS = 300_000;
const NONCES_MAX = 1_024;

export type DigestVerdict = 'ok' | 'stale' | 'refused';

const ALGORITHMS = { MD5: 'md5', 'SHA-256': 'sha256' } as const;

/** HTTP Digest (RFC 7616) with MD5 and SHA-256, qop=auth, and nonces whose counts must grow. */
export class HttpDigest {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #realm: string;
  /** Nonces given out, oldest first, with the highest count seen. */
  readonly #nonces = new Map<string, { untilMs: number; count: number }>();

  constructor(deps: { clock: Clock; random: Random }, realm: string) {
    this.#clock = deps.clock;
    this.#random = deps.random;
    this.#realm = realm;
  }

  /** Values of WWW-Authenticate, one for each algorithm, MD5 first as cameras have it; all with one new nonce. */
  challenges(stale: boolean): string[] {
    const nonce = Buffer.from(this.#random.bytes(16)).toString('hex');
    this.#nonces.set(nonce, { untilMs: this.#clock.monotonic() + NONCE_MS, count: 0 });
    for (const oldest of this.#nonces.keys()) {
      if (this.#nonces.size <= NONCES_MAX) break;
      this.#nonces.delete(oldest);
    }
    return Object.keys(ALGORITHMS).map(
      (algorithm) =>
        `Digest realm="${this.#realm}", qop="auth", algorithm=${algorithm}, nonce="${nonce}", opaque=""` +
        (stale ? ', stale=true' : ''),
    );
  }

  /**
   * Judges what stands behind `Digest` in an Authorization header. Without qop (RFC 2069) a nonce is good once. Total;
   * `stale`: everything is right but the nonce, or its count.
   */
  judge(
    credentials: { username: string; password: string },
    request: { method: string; url: string },
    text: string,
  ): DigestVerdict {
    const fields = digestFields(text);
    const written = (fields.get('algorithm') ?? 'MD5').toUpperCase();
    if (!Object.hasOwn(ALGORITHMS, written)) return 'refused';
    const hash = (value: string) =>
      createHash(ALGORITHMS[written as keyof typeof ALGORITHMS])
        .update(value)
        .digest('hex');
    const uri = fields.get('uri') ?? '';
    if (fields.get('username') !== credentials.username || fields.get('realm') !== this.#realm) return 'refused';
    if (pathOf(uri) !== request.url) return 'refused';
    const nonce = fields.get('nonce') ?? '';
    const qop = fields.get('qop');
    const counted = fields.get('nc') ?? '';
    if (qop !== undefined && (qop !== 'auth' || !/^[0-9a-f]{8}$/i.test(counted))) return 'refused';
    const middle = qop === undefined ? nonce : `${nonce}:${counted}:${fields.get('cnonce') ?? ''}:${qop}`;
    const secret = hash(`${credentials.username}:${this.#realm}:${credentials.password}`);
    const response = hash(`${secret}:${middle}:${hash(`${request.method}:${uri}`)}`);
    if (!sameSecret((fields.get('response') ?? '').toLowerCase(), response)) return 'refused';
    const known = this.#nonces.get(nonce);
    const count = qop === undefined ? 1 : Number.parseInt(counted, 16);
    if (!known || known.untilMs <= this.#clock.monotonic() || count <= known.count) return 'stale';
    known.count = qop === undefined ? Number.MAX_SAFE_INTEGER : count;
    return 'ok';
  }
}

/** A request target as it stands in the request line; clients may sign the whole URL. */
function pathOf(uri: string): string {
  return uri.replace(/^https?:\/\/[^/]*/i, '');
}
