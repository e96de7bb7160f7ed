import { fromBase64Url, fromUtf8, toBase64Url, toHex, utf8 } from '../bytes/index.ts';
import type { Hashes } from '../crypto/index.ts';
import { isNvrError } from '../errors.ts';
import type { Clock, Files, Log, Random } from '../platform/index.ts';
import {
  type DeviceKey,
  type GrantTerms,
  isDeviceKey,
  jsonObjectOf,
  makePairingCode,
  PAIRING_CODE_EXPIRES_MS,
  PAIRING_SECRET_SIZE,
  PAIRING_TRIES,
  pairingSecret,
  TIME_AT_MAX,
} from '../protocol/index.ts';
import { codeTriesSpent, triesRefused } from './errors.ts';
import { readTerms } from './invitation-store.ts';
import { isCount } from './json-shapes.ts';
import { PairingTries } from './pairing-code-tries.ts';

/** A typed code that waits. */
export interface PairingCode {
  /** 16 random bytes, hex; not part of the code. */
  id: string;
  /** What the device is granted that comes with it. */
  terms: GrantTerms;
  /** The device on whose word it was made; null: the operator at the machine. */
  by: DeviceKey | null;
  /** Somebody must approve the device that comes with it. */
  approve: boolean;
  /** Epoch ms. */
  madeAt: number;
  expiresAt: number;
  /** What CPace is given of the code, 32 bytes: as secret as the code. */
  secret: Uint8Array<ArrayBuffer>;
}

const ID = /^[0-9a-f]{32}$/;
/** 64 source ids, and room. */
const CODE_BYTES_MAX = 16_384;
const FILES_MAX = 64;
/**
 * The typed code, as a file `<id>` of a folder, which any program of the node's user may put there, and the guesses at it. One code at
 * a time: the newest counts, others are removed, and only the one whose removal succeeds has used it.
 */
export class PairingCodeStore {
  readonly #deps: { files: Files; clock: Clock; random: Random; hashes: Hashes };
  readonly #folder: string;
  readonly #tries: PairingTries;
  #code: PairingCode | null = null;

  constructor(deps: { files: Files; clock: Clock; random: Random; log: Log; hashes: Hashes }, folder: string) {
    this.#deps = deps;
    this.#folder = folder;
    this.#tries = new PairingTries(deps, folder);
  }

  /** The code that waits, unexpired and not guessed to death; null where there is none. */
  get code(): PairingCode | null {
    return this.#code && this.#isValid(this.#code) && this.#tries.leftOf(this.#code.id) > 0 ? this.#code : null;
  }

  /** The code where a guess at it may be judged now. */
  get open(): PairingCode | null {
    return this.#code && this.#tries.allow(this.#code.id) ? this.code : null;
  }

  /** Wrong guesses that the waiting code takes yet. */
  get triesLeft(): number {
    return this.#code ? this.#tries.leftOf(this.#code.id) : 0;
  }

  get triesLeftToday(): number {
    return this.#tries.leftToday;
  }

  /**
   * Makes a code in place of any other and gives its digits, which are kept nowhere. Callers hold the folder's lock.
   * `ERR_IDENTITY_CODE_TRIES` (`exhausted`) where today's guesses are used up, `ERR_IDENTITY_TRIES_REFUSED` (`corrupt`) where
   * nobody knows how many there were: it would let nobody in.
   */
  async make(
    wish: Pick<PairingCode, 'terms' | 'by' | 'approve'> & { expiresMs: number },
  ): Promise<{ code: PairingCode; digits: string }> {
    const { files, clock, random, hashes } = this.#deps;
    await files.makeFolder(this.#folder);
    await this.refresh();
    if (this.#tries.isRefused) throw triesRefused(this.#tries.path);
    if (this.triesLeftToday === 0) throw codeTriesSpent(PAIRING_TRIES.perDay);
    const digits = makePairingCode(random);
    const { expiresMs, ...asked } = wish;
    const madeAt = clock.now();
    const secret = pairingSecret(hashes, digits);
    const code = { id: toHex(random.bytes(16)), ...asked, madeAt, expiresAt: madeAt + expiresMs, secret };
    for (const id of await this.#ids()) await this.#remove(id);
    await files.replace(this.#path(code.id), writePairingCode(code), { mode: 0o600 });
    this.#code = code;
    return { code, digits };
  }

  /** Takes the waiting code back; false where there is none. */
  async cancel(): Promise<boolean> {
    const waited = this.code !== null;
    for (const id of await this.#ids()) await this.#remove(id);
    this.#code = null;
    return waited;
  }

  /** Uses the code up: gives it to exactly one caller, of this process or another; null to everybody else. */
  async burn(id: string): Promise<PairingCode | null> {
    const found = this.#code?.id === id ? this.#code : null;
    if (!found || !(await this.#remove(id))) return null;
    if (this.#code === found) this.#code = null;
    return this.#isValid(found) ? found : null;
  }

  /** Counts a guess at the code before it is judged; false where it must not be. */
  spend(id: string): Promise<boolean> {
    return this.#tries.count(id, () => this.code?.id === id);
  }

  /** Takes one count back: that guess was right. */
  giveBack(id: string): Promise<void> {
    return this.#tries.takeBack(id);
  }

  /** Reads the folder again; codes that have expired, or have a newer one beside them, are removed from it. */
  async refresh(): Promise<void> {
    const found: PairingCode[] = [];
    for (const id of await this.#ids()) {
      const code = this.#code?.id === id ? this.#code : await this.#read(id);
      if (code && this.#isValid(code)) found.push(code);
      else await this.#remove(id);
    }
    found.sort((a, b) => b.madeAt - a.madeAt || (a.id < b.id ? -1 : 1));
    for (const { id } of found.slice(1)) await this.#remove(id);
    this.#code = found[0] ?? null;
    await this.#tries.refresh();
  }

  /** Expiry far beyond what we ever give means that the clock was set back: as good as expired. */
  #isValid({ expiresAt }: PairingCode): boolean {
    const left = expiresAt - this.#deps.clock.now();
    return left > 0 && left <= PAIRING_CODE_EXPIRES_MS.max;
  }

  /** The code in a file; null where it is gone, or holds anything else. */
  async #read(id: string): Promise<PairingCode | null> {
    try {
      return readPairingCodeFile(id, await this.#deps.files.read(this.#path(id), CODE_BYTES_MAX));
    } catch (error) {
      if (isNvrError(error, 'missing') || isNvrError(error, 'invalid')) return null;
      throw error;
    }
  }

  /** Names of code files; a folder somebody filled with names is read only so far. */
  async #ids(): Promise<string[]> {
    const entries = await this.#deps.files.list(this.#folder);
    return entries.flatMap(({ name }) => (ID.test(name) ? [name] : [])).slice(0, FILES_MAX);
  }

  /** True for the one caller whose removal took effect. */
  async #remove(id: string): Promise<boolean> {
    try {
      await this.#deps.files.remove(this.#path(id));
      return true;
    } catch (error) {
      if (isNvrError(error, 'missing')) return false;
      throw error;
    }
  }

  #path(name: string): string {
    return `${this.#folder}/${name}`;
  }
}

/** The bytes of a code's file. */
export function writePairingCode(code: PairingCode): Uint8Array<ArrayBuffer> {
  const { terms, by, approve, madeAt, expiresAt, secret } = code;
  return utf8(
    `${JSON.stringify({ version: 1, terms, by, approve, madeAt, expiresAt, secret: toBase64Url(secret) })}\n`,
  );
}

/** A code of its file's bytes, or null where they are anything else. Total. */
export function readPairingCodeFile(id: string, bytes: Uint8Array): PairingCode | null {
  const json = jsonObjectOf(fromUtf8(bytes) ?? '');
  if (json?.['version'] !== 1) return null;
  const { by, approve, madeAt, expiresAt } = json;
  const terms = readTerms(json['terms']);
  const secret = typeof json['secret'] === 'string' ? fromBase64Url(json['secret']) : null;
  if (!terms || typeof approve !== 'boolean' || secret?.length !== PAIRING_SECRET_SIZE) return null;
  if (!isCount(madeAt, TIME_AT_MAX) || !isCount(expiresAt, TIME_AT_MAX)) return null;
  if (by !== null && (typeof by !== 'string' || !isDeviceKey(by))) return null;
  return { id, terms, by, approve, madeAt, expiresAt, secret };
}
