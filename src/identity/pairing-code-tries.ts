import { fromUtf8, utf8 } from '../bytes/index.ts';
import { isNvrError } from '../errors.ts';
import type { Clock, Files, Log } from '../platform/index.ts';
import { jsonObjectOf, PAIRING_TRIES, TIME_AT_MAX } from '../protocol/index.ts';
import { isCount } from './json-shapes.ts';

/** One wrong guess. */
interface Try {
  codeId: string;
  /** Epoch ms. */
  at: number;
}

const ID = /^[0-9a-f]{32}$/;
const BYTES_MAX = 8_192;
const DAY_MS = 86_400_000;
/** Wait after the first wrong guess at a code; doubled with each further one. */
const WAIT_MS = 1_000;

/**
 * The count of wrong guesses at typed codes, as a file that only the node writes: counted there before they are judged, so that
 * neither many at once nor a restart wins one. 5 end a code, 20 within 24 hours end pairing by code until the oldest is a day old.
 */
export class PairingTries {
  readonly #deps: { files: Files; clock: Clock; log: Log };
  readonly #folder: string;
  readonly #path: string;
  #tries: readonly Try[] = [];
  #isRefused = false;
  /** Monotonic ms before which no guess is judged. */
  #notBeforeMs = 0;
  /** Readings and writings queue here. */
  #tail: Promise<unknown> = Promise.resolve();

  constructor(deps: { files: Files; clock: Clock; log: Log }, folder: string) {
    this.#deps = deps;
    this.#folder = folder;
    this.#path = `${folder}/tries`;
  }

  /** The file is not what we wrote: taking it for empty would allow new guesses, so none is judged. */
  get isRefused(): boolean {
    return this.#isRefused;
  }

  get path(): string {
    return this.#path;
  }

  get leftToday(): number {
    return Math.max(0, PAIRING_TRIES.perDay - this.#recent().length);
  }

  /** Wrong guesses that a code takes yet. */
  leftOf(codeId: string): number {
    return Math.max(0, Math.min(PAIRING_TRIES.perCode - this.#countOf(codeId), this.leftToday));
  }

  /** True where a guess at this code may be judged now. */
  allow(codeId: string): boolean {
    return !this.#isRefused && this.leftOf(codeId) > 0 && this.#deps.clock.monotonic() >= this.#notBeforeMs;
  }

  /** Counts a guess where `isOpen` still says so when its turn has come; false where nothing was counted. */
  count(codeId: string, isOpen: () => boolean): Promise<boolean> {
    return this.#alone(async () => {
      if (!isOpen() || !this.allow(codeId)) return false;
      const { clock } = this.#deps;
      await this.#write([...this.#recent(), { codeId, at: clock.now() }]);
      this.#notBeforeMs = clock.monotonic() + WAIT_MS * 2 ** (this.#countOf(codeId) - 1);
      return true;
    });
  }

  /** Takes one count back: that guess was right. */
  takeBack(codeId: string): Promise<void> {
    return this.#alone(async () => {
      const last = this.#tries.findLastIndex((each) => each.codeId === codeId);
      if (last >= 0) await this.#write(this.#tries.toSpliced(last, 1));
      this.#notBeforeMs = 0;
    });
  }

  /** Reads the file again. */
  refresh(): Promise<void> {
    return this.#alone(async () => {
      const bytes = await this.#read();
      const tries = bytes === null ? [] : readTries(bytes);
      if (!tries && !this.#isRefused) {
        this.#deps.log.error({ file: this.#path }, 'could not read the count of tries: no pairing code is taken');
      }
      this.#isRefused = tries === null;
      this.#tries = tries ?? this.#tries;
    });
  }

  #countOf(codeId: string): number {
    return this.#tries.filter((each) => each.codeId === codeId).length;
  }

  /** Guesses of the last 24 hours. One further ahead than that is of a clock that was wrong, and counts no more. */
  #recent(): Try[] {
    const now = this.#deps.clock.now();
    return this.#tries.filter(({ at }) => Math.abs(now - at) < DAY_MS);
  }

  async #write(tries: readonly Try[]): Promise<void> {
    const { files } = this.#deps;
    await files.makeFolder(this.#folder);
    await files.replace(this.#path, writeTries(tries), { mode: 0o600 });
    this.#tries = tries;
  }

  async #read(): Promise<Uint8Array | null> {
    try {
      return await this.#deps.files.read(this.#path, BYTES_MAX);
    } catch (error) {
      if (isNvrError(error, 'missing')) return null;
      if (isNvrError(error, 'invalid')) return new Uint8Array(0); // too large to be ours
      throw error;
    }
  }

  #alone<T>(task: () => Promise<T>): Promise<T> {
    const turn = this.#tail.then(task);
    this.#tail = turn.catch(() => {});
    return turn;
  }
}

/** The bytes of the file. */
export function writeTries(tries: readonly Try[]): Uint8Array<ArrayBuffer> {
  return utf8(`${JSON.stringify({ version: 1, tries: tries.map(({ codeId, at }) => ({ codeId, at })) })}\n`);
}

/** The guesses of the file's bytes, or null where they are anything else. Total. */
export function readTries(bytes: Uint8Array): Try[] | null {
  const json = jsonObjectOf(fromUtf8(bytes) ?? '');
  const list = json?.['version'] === 1 ? json['tries'] : null;
  if (!Array.isArray(list) || list.length > PAIRING_TRIES.perDay) return null;
  const tries: Try[] = [];
  for (const each of list) {
    if (typeof each !== 'object' || each === null) return null;
    const { codeId, at } = each as Record<string, unknown>;
    if (typeof codeId !== 'string' || !ID.test(codeId) || !isCount(at, TIME_AT_MAX)) return null;
    tries.push({ codeId, at });
  }
  return tries;
}
