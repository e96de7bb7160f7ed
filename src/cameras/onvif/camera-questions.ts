import { toHex } from '../../bytes/index.ts';
import {
  basicAnswer,
  type Challenge,
  chooseChallenge,
  type DigestChallenge,
  digestAnswer,
  parseChallenges,
} from '../../media/index.ts';
import type { Clock, Http, HttpAnswer, HttpFailure, Log, Random } from '../../platform/index.ts';
import { CameraError } from '../errors.ts';
import { type CameraHashes, type Credentials, fromHeader, toHeader } from './credentials.ts';
import { TOKEN_NONCE_BYTES, usernameToken } from './username-token.ts';

/** What it takes to ask a camera. */
export interface AccessDeps {
  clock: Clock;
  random: Random;
  log: Log;
  http: Http;
  hashes: CameraHashes;
}

/** One question, whichever way it is proved who asks. */
export interface Question<T> {
  /** Same questions have the same name: one of them that is refused tells nothing of the others. */
  name: string;
  url: string;
  method: 'GET' | 'POST';
  headers: Readonly<Record<string, string>>;
  /** The octets to send with that header of WS-Security (empty: without); null where the way is HTTP alone. */
  body: ((security: string) => Uint8Array) | null;
  /** The answer, which is no 401, as it is understood, or that it was about credentials. Throws `CameraError` for everything else. */
  read(answer: HttpAnswer): T | 'unauthorized';
}

export interface AskOptions {
  deadlineMs: number;
  bytesMax: number;
  signal?: AbortSignal | undefined;
}

/** How it is proved who asks; both `http` and `token` for cameras that want both. */
export interface Way {
  http: 'digest' | 'basic' | null;
  /** By which clock a token is made, or none: some cameras judge by another time than the one they tell (summer time, mostly). */
  token: 'camera' | 'node' | null;
}

/** What came of one try. */
export interface Tried<T> {
  result: T | 'unauthorized';
  /** What the server asks for instead. */
  challenges: readonly Challenge[];
  /** It says that the password was right, and only its nonce too old. */
  stale: boolean;
}

/** What is known of one server of the camera. */
interface Origin {
  /** Its last Digest challenge, and how often its nonce was used. */
  digest: DigestChallenge | null;
  uses: number;
  /** False for a server whose nonces are good for one use: it is asked for a new one each time, instead of failing first. */
  reuse: boolean;
}

const ORIGINS_MAX = 4;
const CNONCE_BYTES = 12;

/** Sends questions to one camera and proves each in a given way; keeps the nonces of its servers and counts their use. */
export class CameraQuestions {
  readonly #deps: AccessDeps;
  readonly #credentials: Credentials | null;
  readonly #cameraNow: () => number;
  readonly #origins = new Map<string, Origin>();

  /** `cameraNow` tells what the camera's clock shows, epoch ms. */
  constructor(deps: AccessDeps, credentials: Credentials | null, cameraNow: () => number) {
    this.#deps = deps;
    this.#credentials = credentials;
    this.#cameraNow = cameraNow;
  }

  /** True where the server of this URL gave a Digest challenge that can be answered. */
  hasDigest(url: string): boolean {
    return this.#originOf(url).digest !== null;
  }

  /** The server of this URL took a nonce once, and not again. */
  learnSingleUse(url: string): void {
    this.#originOf(url).reuse = false;
  }

  /** Sends a question, in that way or (null) without credentials; for a nonce where none can be used it asks first. */
  async send<T>(question: Question<T>, way: Way | null, left: () => AskOptions): Promise<Tried<T>> {
    const origin = this.#originOf(question.url);
    if (way?.http === 'digest' && (!origin.digest || !origin.reuse)) {
      const plain = await this.#request(question, null, left());
      if (plain.result !== 'unauthorized') return { ...plain, stale: false };
    }
    return this.#request(question, way, left());
  }

  async #request<T>(question: Question<T>, way: Way | null, left: AskOptions): Promise<Tried<T>> {
    const origin = this.#originOf(question.url);
    const headers: Record<string, string> = { ...question.headers };
    const authorization = this.#authorization(question, way, origin);
    if (authorization !== null) headers['authorization'] = authorization;
    const body = question.body?.(this.#token(way));
    const answer = await this.#deps.http.request({
      url: question.url,
      method: question.method,
      headers,
      deadlineMs: left.deadlineMs,
      bodyBytesMax: left.bytesMax,
      ...(body ? { body } : {}),
      ...(left.signal ? { signal: left.signal } : {}),
    });
    if (typeof answer === 'string') throw failure(answer);
    const refused = answer.status === 401;
    const challenges = refused ? parseChallenges((answer.headers['www-authenticate'] ?? []).map(fromHeader)) : [];
    const chosen = chooseChallenge(challenges, { basic: false });
    const digest = chosen?.scheme === 'digest' ? chosen : null;
    if (refused) {
      // The same nonce again goes on being counted.
      if (digest?.nonce !== origin.digest?.nonce) origin.uses = 0;
      origin.digest = digest;
    }
    // Some cameras do not say what a question without credentials lacks, and only refuse it.
    const lacks = !way && this.#credentials !== null && (answer.status === 400 || answer.status === 403);
    const result = refused || lacks ? 'unauthorized' : question.read(answer);
    return { result, challenges, stale: digest?.stale ?? false };
  }

  #authorization({ url, method }: Question<unknown>, way: Way | null, origin: Origin): string | null {
    const credentials = this.#credentials;
    if (!credentials) return null;
    if (way?.http === 'basic') return basicAnswer(credentials.username, credentials.password);
    if (way?.http !== 'digest' || !origin.digest) return null;
    const { md5, sha256 } = this.#deps.hashes;
    const { pathname, search } = new URL(url);
    const cnonce = toHex(this.#deps.random.bytes(CNONCE_BYTES));
    origin.uses += 1;
    // Not spread: a password that shows itself to who asks for it by name only is none of the object's own.
    const { username, password } = credentials;
    const proof = { username, password, cnonce, nc: origin.uses, md5, sha256 };
    return toHeader(digestAnswer({ challenge: origin.digest, method, uri: pathname + search, ...proof }));
  }

  #token(way: Way | null): string {
    if (!way?.token || !this.#credentials) return '';
    const { clock, random, hashes } = this.#deps;
    const createdAt = way.token === 'node' ? clock.now() : this.#cameraNow();
    return usernameToken(hashes, this.#credentials, { nonce: random.bytes(TOKEN_NONCE_BYTES), createdAt });
  }

  #originOf(url: string): Origin {
    const { origin } = new URL(url);
    const known = this.#origins.get(origin) ?? { digest: null, uses: 0, reuse: true };
    this.#origins.set(origin, known);
    for (const oldest of this.#origins.keys()) {
      if (this.#origins.size <= ORIGINS_MAX) break;
      this.#origins.delete(oldest);
    }
    return known;
  }
}

/** What a request that had no answer means for who asked. */
export function failure(reason: HttpFailure): CameraError {
  if (reason === 'cancelled') return new CameraError('cancelled');
  if (reason === 'too-large') return new CameraError('malformed', { detail: 'it was too large' });
  if (reason === 'malformed') return new CameraError('malformed', { detail: 'it was no HTTP' });
  return new CameraError('unreachable', reason === 'deadline' ? { detail: 'its time was over' } : {});
}
