import type { Challenge } from '../../media/index.ts';
import { CameraError } from '../errors.ts';
import {
  type AccessDeps,
  type AskOptions,
  CameraQuestions,
  failure,
  type Question,
  type Tried,
  type Way,
} from './camera-questions.ts';
import type { Credentials } from './credentials.ts';

export interface AccessOptions {
  credentials: Credentials | null;
  /** The address was given by a person: only then the password may be told in clear, and only where nothing else is offered. */
  trustedAddress: boolean;
}

/** The clock of the camera. */
export interface AccessTime {
  /** Measures it anew, where it can be asked; true where it is another than was thought. */
  readClock: (options: AskOptions) => Promise<boolean>;
  /** What it shows now, epoch ms. */
  cameraNow: () => number;
}

/** After a refusal nobody asks for so long; cameras lock accounts after a few wrong passwords. */
export const REFUSED_FOR_MS = 60_000;
/** Authenticated tries of one question while nothing was refused before; after a refusal one. */
const TRIES_MAX = 2;
const ACTIONS_MAX = 64;

/**
 * Asks one camera questions as somebody who may: without credentials while it wants none, then by what it asks for (HTTP Digest,
 * WS-UsernameToken, both), and by what worked from then on. Bounds how often a wrong password is tried.
 */
export class CameraAccess {
  readonly #deps: AccessDeps;
  readonly #options: AccessOptions;
  readonly #readClock: AccessTime['readClock'];
  readonly #questions: CameraQuestions;
  /** What worked last: for SOAP, and for plain HTTP. */
  #proved: { soap: Way | null; get: Way | null } = { soap: null, get: null };
  /** Authenticated tries refused since the last success. */
  #refusals = 0;
  /** Monotonic ms; until then nothing is asked. */
  #refusedUntilMs = Number.NEGATIVE_INFINITY;
  /** The same of single questions: the user may not do all there is. */
  readonly #refusedActions = new Map<string, number>();
  /** Proving is done by one question at a time, so that many of them are not many wrong passwords. */
  #proving: Promise<void> = Promise.resolve();

  constructor(deps: AccessDeps, options: AccessOptions, time: AccessTime) {
    this.#deps = deps;
    this.#options = options;
    this.#readClock = time.readClock;
    this.#questions = new CameraQuestions(deps, options.credentials, time.cameraNow);
  }

  /** The answer to a question, after as many tries as it needs and may have. Rejects with `CameraError`. */
  async ask<T>(question: Question<T>, options: AskOptions): Promise<T> {
    const { clock } = this.#deps;
    const until = { ...options, atMs: clock.monotonic() + options.deadlineMs };
    if (this.#options.credentials === null) {
      const plain = await this.#try(question, null, until);
      if (plain.result === 'unauthorized') throw new CameraError('unauthorized', { detail: 'it wants credentials' });
      return plain.result;
    }
    this.#refuseEarly(question.name);
    const proved = this.#provedFor(question);
    if (!proved) return this.#alone(until, () => this.#prove(question, until));
    // What worked works again, nearly always; then many may ask at once.
    const tried = await this.#try(question, proved, until);
    if (tried.result !== 'unauthorized') return tried.result;
    // A nonce that is too old says nothing against the password.
    if (tried.stale) return this.#again(question, proved, until);
    this.#refusals += 1;
    return this.#alone(until, () => this.#again(question, proved, until));
  }

  /** Asks without credentials, whatever else is known. */
  async askPlain<T>(question: Question<T>, options: AskOptions): Promise<T | 'unauthorized'> {
    const until = { ...options, atMs: this.#deps.clock.monotonic() + options.deadlineMs };
    return (await this.#try(question, null, until)).result;
  }

  /** What worked before did not: its nonce or the clock may have moved, the password may be another, or this user may not do that. */
  async #again<T>(question: Question<T>, proved: Way, until: Until): Promise<T> {
    this.#refuseEarly(question.name);
    if (proved.token) await this.#readClock(this.#left(until));
    const tried = await this.#try(question, proved, until);
    if (tried.result !== 'unauthorized') {
      // Refused with the old nonce, and not called stale: it was good for one use.
      if (proved.http === 'digest' && this.#refusals > 0) this.#questions.learnSingleUse(question.url);
      this.#worked(question, proved);
      return tried.result;
    }
    this.#refusals += 1;
    // The next question, of whatever name, proves anew; this one has to wait.
    this.#proved = { soap: null, get: null };
    this.#rest(question.name);
    throw new CameraError('unauthorized');
  }

  async #prove<T>(question: Question<T>, until: Until): Promise<T> {
    this.#refuseEarly(question.name);
    const meanwhile = this.#provedFor(question);
    if (meanwhile) {
      const tried = await this.#try(question, meanwhile, until);
      if (tried.result !== 'unauthorized') return tried.result;
      if (!tried.stale) this.#refusals += 1;
      return this.#again(question, meanwhile, until);
    }
    // Without credentials first: the refusal tells what to prove by, and is no wrong password.
    let { result, challenges } = await this.#try(question, null, until);
    if (result !== 'unauthorized') return result;
    const tries = this.#refusals === 0 ? TRIES_MAX : 1;
    for (let done = 0; done < tries; done++) {
      const moved = this.#refusals > 0 && question.body !== null && (await this.#readClock(this.#left(until)));
      const way = this.#wayFor(question, challenges, { done, moved });
      if (!way) {
        if (done > 0) break;
        throw new CameraError('unauthorized', { detail: 'it offers no way to prove them that is used here' });
      }
      const tried = await this.#try(question, way, until);
      if (tried.result !== 'unauthorized') {
        this.#worked(question, way);
        return tried.result;
      }
      if (tried.challenges.length > 0) challenges = tried.challenges;
      this.#refusals += 1;
    }
    // Where other questions are answered, this one alone is the trouble.
    if (this.#proved.soap) this.#rest(question.name);
    else this.#refusedUntilMs = this.#deps.clock.monotonic() + REFUSED_FOR_MS;
    this.#deps.log.warn({ refusals: this.#refusals }, 'a camera refused the user name or password');
    throw new CameraError('unauthorized');
  }

  #wayFor(
    question: Question<unknown>,
    challenges: readonly Challenge[],
    { done, moved }: { done: number; moved: boolean },
  ): Way | null {
    const soap = question.body !== null;
    // A camera that takes one proof may choke on two, and another wants both; one goes by the time it tells, another does not: turn about.
    const second = soap && this.#refusals % 2 === 1;
    if (this.#questions.hasDigest(question.url)) return { http: 'digest', token: second ? 'camera' : null };
    // Last of all, and only where it is all there is.
    const basic = this.#options.trustedAddress && challenges.some(({ scheme }) => scheme === 'basic');
    if (basic && (!soap || done > 0 || second)) return { http: 'basic', token: null };
    return soap ? { http: null, token: second && !moved ? 'node' : 'camera' } : null;
  }

  #try<T>(question: Question<T>, way: Way | null, until: Until): Promise<Tried<T>> {
    return this.#questions.send(question, way, () => this.#left(until));
  }

  #refuseEarly(name: string): void {
    const nowMs = this.#deps.clock.monotonic();
    const until = Math.max(this.#refusedUntilMs, this.#refusedActions.get(name) ?? Number.NEGATIVE_INFINITY);
    if (nowMs < until) throw new CameraError('unauthorized', { detail: 'it is not asked again for a while' });
  }

  #provedFor({ body }: Question<unknown>): Way | null {
    return body ? this.#proved.soap : this.#proved.get;
  }

  #worked(question: Question<unknown>, way: Way): void {
    this.#refusals = 0;
    this.#refusedActions.delete(question.name);
    if (question.body) this.#proved.soap = way;
    else this.#proved.get = way;
  }

  #left(until: Until): AskOptions {
    const deadlineMs = until.atMs - this.#deps.clock.monotonic();
    if (deadlineMs <= 0) throw failure('deadline');
    return { deadlineMs, bytesMax: until.bytesMax, signal: until.signal };
  }

  /** Runs a task when those before it are done, if it still wants to then. */
  async #alone<T>(until: Until, task: () => Promise<T>): Promise<T> {
    const { clock } = this.#deps;
    const { deadlineMs, signal } = this.#left(until);
    const turn = this.#proving;
    const mine = Promise.withResolvers<void>();
    this.#proving = turn.then(() => mine.promise);
    const over = Promise.withResolvers<never>();
    const onAbort = () => over.reject(failure('cancelled'));
    const cancel = clock.after(deadlineMs, () => over.reject(failure('deadline')));
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      if (signal?.aborted) throw failure('cancelled');
      await Promise.race([turn, over.promise]);
      return await task();
    } finally {
      cancel();
      signal?.removeEventListener('abort', onAbort);
      mine.resolve();
    }
  }

  #rest(name: string): void {
    remember(this.#refusedActions, name, this.#deps.clock.monotonic() + REFUSED_FOR_MS, ACTIONS_MAX);
  }
}

interface Until extends AskOptions {
  /** Monotonic ms. */
  atMs: number;
}

/** Keeps a value under its key as the newest of at most `max`. */
function remember<V>(map: Map<string, V>, key: string, value: V, max: number): void {
  map.delete(key);
  map.set(key, value);
  for (const oldest of map.keys()) {
    if (map.size <= max) break;
    map.delete(oldest);
  }
}
