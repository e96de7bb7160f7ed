import { join } from 'node:path';
import { fromUtf8, toHex, utf8 } from '../bytes/index.ts';
import type { SyncAeadKey, SyncCryptoSuite } from '../crypto/index.ts';
import { isNvrError } from '../errors.ts';
import type { Files, Log, Random } from '../platform/index.ts';
import {
  type CameraSecret,
  readCameraSecrets,
  SECRET_FILE_BYTES_MAX,
  SECRETS_MAX,
  writeCameraSecrets,
} from './camera-secret-file.ts';
import { secretsFull } from './errors.ts';

/** Below the data folder. */
export const SECRETS_PATH = 'secrets/cameras.sealed';
const FOLDER = 'secrets';
const GENERATION_PATH = 'secrets/cameras.generation';
/** Label of the key these are sealed under (`Identity.deriveKey`). */
export const SECRETS_LABEL = 'constitute camera secrets v1';

/** Whose password is looked for, and where it would be sent. */
export type SecretPlace = Omit<CameraSecret, 'password' | 'origins'> & { origin: string };

/** Where a configuration finds the passwords that do not stand in it. */
export interface PasswordBook {
  find(place: SecretPlace): string | null;
  /** A mark of a password that tells it from others and tells nothing of it to who holds no key. */
  mark(password: string): string;
}

/**
 * The sealed passwords of cameras, in memory and in `secrets/cameras.sealed`. A password is bound to a source, a user name and the
 * places it was given for; several may stand for one source while a change is under way, and the configuration chooses between them.
 */
export class CameraSecrets implements PasswordBook {
  readonly #deps: { files: Files; random: Random; suite: SyncCryptoSuite; log: Log };
  readonly #folder: string;
  #key: SyncAeadKey | null = null;
  #marking: Uint8Array | null = null;
  /** Bounded by `SECRETS_MAX`; the newest of those with one place stands last. */
  #secrets: readonly CameraSecret[] = [];
  #generation = 0;
  #refused = false;
  #warning: string | null = null;

  constructor(deps: { files: Files; random: Random; suite: SyncCryptoSuite; log: Log }, folder: string) {
    this.#deps = deps;
    this.#folder = folder;
  }

  /**
   * Reads the file with the key derived for it. What cannot be opened is told and put aside before anything is written in its place:
   * cameras that need no password go on. Rejects where the disk does.
   */
  async open(key: Uint8Array): Promise<void> {
    const { suite, log } = this.#deps;
    this.#key = suite.aead.key(key);
    this.#marking = suite.hashes.hmacSha256(key, utf8('mark'));
    const known = await this.#knownGeneration();
    const bytes = await this.#read(SECRETS_PATH, SECRET_FILE_BYTES_MAX);
    if (bytes) {
      const found = bytes === 'large' ? { reason: 'it is too long' } : readCameraSecrets(this.#key, bytes);
      if ('reason' in found) {
        this.#refused = true;
        this.#warning = `${SECRETS_PATH} is refused: ${found.reason}`;
      } else {
        this.#secrets = found.secrets;
        this.#generation = found.generation;
        if (found.generation < known)
          this.#warning = `an older ${SECRETS_PATH} was put back: passwords in it may be old`;
      }
    } else if (known > 0) this.#warning = `${SECRETS_PATH} is gone: passwords of cameras must be given again`;
    if (this.#warning) log.error({ generation: this.#generation, known }, this.#warning);
    this.#generation = Math.max(this.#generation, known);
  }

  /** What a person should know of the file, or null. */
  get warning(): string | null {
    return this.#warning;
  }

  find(place: SecretPlace): string | null {
    return findIn(this.#secrets, place);
  }

  mark(password: string): string {
    if (!this.#marking) return '';
    return toHex(this.#deps.suite.hashes.hmacSha256(this.#marking, utf8(password)).subarray(0, 8));
  }

  /** As it will be once these are kept; nothing is written. */
  preview(fresh: readonly CameraSecret[]): PasswordBook {
    const secrets = merged(this.#secrets, fresh);
    return { find: (place) => findIn(secrets, place), mark: (password) => this.mark(password) };
  }

  /**
   * Keeps passwords, in the place of those with the same source, purpose, user and places. Gives the way back, for when the change
   * they belong to fails. `ERR_DAEMON_SECRETS_FULL` (`exhausted`), or what the disk answers.
   */
  async keep(fresh: readonly CameraSecret[]): Promise<() => Promise<void>> {
    const before = this.#secrets;
    const after = merged(before, fresh);
    if (after.length > SECRETS_MAX) throw secretsFull(SECRETS_MAX);
    if (sameSecrets(before, after)) return async () => {};
    await this.#write(after);
    return () => this.#write(before);
  }

  /** Forgets all but those that would be found for one of these places. */
  async sweep(places: readonly SecretPlace[]): Promise<void> {
    const named = new Set(places.map((place) => chosen(this.#secrets, place)));
    const left = this.#secrets.filter((each) => named.has(each));
    if (left.length < this.#secrets.length) await this.#write(left);
  }

  /** The file first, then its number beside it: a file with a smaller one was put back by somebody. */
  async #write(secrets: readonly CameraSecret[]): Promise<void> {
    const { files, random, log } = this.#deps;
    const path = join(this.#folder, SECRETS_PATH);
    await files.makeFolder(join(this.#folder, FOLDER));
    if (this.#refused) await files.rename(path, `${path}.refused`);
    this.#refused = false;
    const generation = this.#generation + 1;
    const file = { generation, secrets: [...secrets] };
    await files.replace(path, writeCameraSecrets(this.#key!, file, random.bytes(12)), { mode: 0o600 });
    this.#secrets = secrets;
    this.#generation = generation;
    this.#warning = null;
    try {
      await files.replace(join(this.#folder, GENERATION_PATH), utf8(`${generation}\n`), { mode: 0o600 });
    } catch (error) {
      // The next writing mends it; until then an older file could be put back unseen.
      log.warn({ error }, 'the number of the sealed passwords could not be written');
    }
  }

  async #knownGeneration(): Promise<number> {
    const bytes = await this.#read(GENERATION_PATH, 64);
    const text = bytes && bytes !== 'large' ? (fromUtf8(bytes) ?? '') : '';
    return /^[1-9][0-9]{0,14}\n?$/.test(text) ? Number(text) : 0;
  }

  async #read(path: string, most: number): Promise<Uint8Array | 'large' | null> {
    try {
      return await this.#deps.files.read(join(this.#folder, path), most);
    } catch (error) {
      if (isNvrError(error, 'missing')) return null;
      if (isNvrError(error, 'invalid')) return 'large';
      throw error;
    }
  }
}

function findIn(secrets: readonly CameraSecret[], place: SecretPlace): string | null {
  return chosen(secrets, place)?.password.revealText() ?? null;
}

/** The one given for that very place; else the newest of that user, for people may write another address into the file. */
function chosen(
  secrets: readonly CameraSecret[],
  { source, purpose, username, origin }: SecretPlace,
): CameraSecret | undefined {
  const all = secrets.filter(
    (each) => each.source === source && each.purpose === purpose && each.username === username,
  );
  return all.findLast(({ origins }) => origins.includes(origin)) ?? all.at(-1);
}

function merged(before: readonly CameraSecret[], fresh: readonly CameraSecret[]): CameraSecret[] {
  const isReplaced = (old: CameraSecret) => fresh.some((each) => placeText(each) === placeText(old));
  return [...before.filter((each) => !isReplaced(each)), ...fresh];
}

function placeText({ source, purpose, username, origins }: CameraSecret): string {
  return JSON.stringify([source, purpose, username, origins]);
}

function sameSecrets(a: readonly CameraSecret[], b: readonly CameraSecret[]): boolean {
  const isIn = (secret: CameraSecret) =>
    a.some((each) => placeText(each) === placeText(secret) && each.password.equals(secret.password));
  return a.length === b.length && b.every(isIn);
}
