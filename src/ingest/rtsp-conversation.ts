import { hash } from 'node:crypto';
import { toHex, utf8 } from '../bytes/index.ts';
import {
  basicAnswer,
  type Challenge,
  chooseChallenge,
  digestAnswer,
  parseChallenges,
  type RtspAnswer,
  type RtspDemand,
  RtspReader,
} from '../media/index.ts';
import type { Clock, Random, SocketLine } from '../platform/index.ts';
import type { Complaint } from './error-lines.ts';

export interface ConversationDeps {
  clock: Clock;
  random: Random;
  line: SocketLine;
}

export interface ConversationListener {
  /** An interleaved frame; its bytes are good for this call only. */
  onFrame(channel: number, bytes: Uint8Array, start: number, end: number): void;
  /** One read of the line is over; `more` may wait. */
  onPiece(more: boolean): void;
  /** Nothing follows: the line ended, or what came on it cannot be read. */
  onOver(complaint: Complaint): void;
}

const USER_AGENT = 'constitute-nvr';
/** Each step of the conversation has this long, from the request to the end of the answer. */
export const STEP_MS = 10_000;
/** Requests that wait for their answer: one step and one sign of life. */
const WAITING_MAX = 8;

/** The RTSP requests of one connection (RFC 2326), one at a time, with the credentials a camera asks for. */
export class RtspConversation {
  readonly #deps: ConversationDeps;
  readonly #credentials: { username: string; password: string } | null;
  readonly #listener: ConversationListener;
  readonly #reader: RtspReader;
  readonly #waiting = new Map<number, (answer: RtspAnswer | null) => void>();
  #cseq = 0;
  #challenge: Challenge | null = null;
  #uses = 0;
  /** Digest was asked for once: the password is not sent in clear after that. */
  #digest = false;
  /** The last answer was no 401. */
  #accepted = false;
  #over = false;
  #nowMs = 0;
  #roundTripMs = Number.POSITIVE_INFINITY;

  constructor(
    deps: ConversationDeps,
    credentials: { username: string; password: string } | null,
    listener: ConversationListener,
  ) {
    this.#deps = deps;
    this.#credentials = credentials;
    this.#listener = listener;
    this.#reader = new RtspReader({
      onFrame: (channel, bytes, start, end) => listener.onFrame(channel, bytes, start, end),
      onMessage: (message) => this.#hear(message),
    });
    deps.line.onBytes((bytes, more) => this.#take(bytes, more));
    void deps.line.ended.then((end) => this.#finish(end === 'timeout' ? 'timeout' : 'ended'));
  }

  /** When the piece that is being read, or was read last, arrived; monotonic ms. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** The quickest answer so far, ms: how far a time the camera tells may be off by its way to us. */
  get roundTripMs(): number {
    return this.#roundTripMs;
  }

  /**
   * Asks, and answers the camera's challenge where it has one. Gives the answer, or what is wrong: `unauthorized` for a password
   * that is refused or missing, `timeout`, `ended`. Never asks more than twice with a password.
   */
  async ask(
    method: string,
    url: string,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<RtspAnswer | Complaint> {
    for (let tries = 0; ; tries++) {
      const answered = this.#challenge !== null;
      const answer = await this.#send(method, url, headers);
      if (typeof answer === 'string') return answer;
      if (answer.status !== 401) {
        this.#accepted = true;
        return answer;
      }
      const challenges = parseChallenges(answer.headers.get('www-authenticate') ?? []);
      const challenge = this.#credentials && chooseChallenge(challenges, { basic: !this.#digest });
      // A nonce that was good may end without `stale` being said; a password that never was good is not tried again for that.
      const fresh = challenge?.scheme === 'digest' && (challenge.stale || this.#accepted);
      const again = !answered || fresh;
      this.#accepted = false;
      if (!challenge || !again || tries === 2) return 'unauthorized';
      this.#challenge = challenge;
      this.#uses = 0;
      if (challenge.scheme === 'digest') this.#digest = true;
    }
  }

  /** Sends bytes between requests: interleaved reports. */
  write(bytes: Uint8Array): void {
    if (!this.#over) this.#deps.line.send(bytes);
  }

  #send(method: string, url: string, headers: Readonly<Record<string, string>>): Promise<RtspAnswer | Complaint> {
    const cseq = ++this.#cseq;
    const lines = [`${method} ${url} RTSP/1.0`, `CSeq: ${cseq}`, `User-Agent: ${USER_AGENT}`];
    for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
    const authorization = this.#authorization(method, url);
    if (authorization !== null) lines.push(`Authorization: ${authorization}`);
    if (this.#over || this.#waiting.size >= WAITING_MAX) return Promise.resolve('ended');
    if (!this.#deps.line.send(utf8(`${lines.join('\r\n')}\r\n\r\n`))) return Promise.resolve('ended');
    const askedMs = this.#deps.clock.monotonic();
    return new Promise((resolve) => {
      const cancel = this.#deps.clock.after(STEP_MS, () => settle('timeout'));
      const settle = (result: RtspAnswer | Complaint) => {
        cancel();
        this.#waiting.delete(cseq);
        resolve(result);
      };
      this.#waiting.set(cseq, (answer) => {
        this.#roundTripMs = Math.min(this.#roundTripMs, this.#deps.clock.monotonic() - askedMs);
        settle(answer ?? 'ended');
      });
    });
  }

  #authorization(method: string, uri: string): string | null {
    const challenge = this.#challenge;
    if (!challenge || !this.#credentials) return null;
    const { username, password } = this.#credentials;
    if (challenge.scheme === 'basic') return basicAnswer(username, password);
    const cnonce = toHex(this.#deps.random.bytes(8));
    const nc = ++this.#uses;
    const question = { challenge, method, uri, username, password, cnonce, nc };
    return digestAnswer({ ...question, md5: (data) => hashed('md5', data), sha256: (data) => hashed('sha256', data) });
  }

  #take(bytes: Uint8Array, more: boolean): void {
    if (this.#over) return;
    this.#nowMs = this.#deps.clock.monotonic();
    const fault = this.#reader.push(bytes);
    if (fault) this.#finish('malformed');
    else this.#listener.onPiece(more);
  }

  #hear(message: RtspAnswer | RtspDemand): void {
    const cseq = Number(message.headers.get('cseq')?.[0] ?? Number.NaN);
    if (message.kind === 'answer') {
      // Cameras that leave the number out answer one after the other all the same.
      const waiting = Number.isNaN(cseq) ? [...this.#waiting.values()][0] : this.#waiting.get(cseq);
      waiting?.(message);
      return;
    }
    const known = message.method === 'OPTIONS' || message.method === 'GET_PARAMETER';
    const status = known ? '200 OK' : '405 Method Not Allowed';
    if (Number.isSafeInteger(cseq)) this.write(utf8(`RTSP/1.0 ${status}\r\nCSeq: ${cseq}\r\n\r\n`));
  }

  #finish(complaint: Complaint): void {
    if (this.#over) return;
    this.#over = true;
    for (const settle of [...this.#waiting.values()]) settle(null);
    this.#listener.onOver(complaint);
  }
}

/** What an answer that is no success complains of. */
export function complaintOf(status: number): Complaint {
  if (status === 401 || status === 403 || status === 407) return 'unauthorized';
  if (status === 404 || status === 410 || status === 454) return 'not-found';
  if (status === 461) return 'transport';
  if (status === 453 || status === 503) return 'busy';
  return status >= 300 && status < 400 ? 'redirected' : 'malformed';
}

function hashed(algorithm: 'md5' | 'sha256', data: Uint8Array): Uint8Array {
  return hash(algorithm, data, 'buffer');
}
