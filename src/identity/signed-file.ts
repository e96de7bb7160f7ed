import { concatBytes, equalBytes, fromHex, fromUtf8, toHex, utf8 } from '../bytes/index.ts';
import { type Hashes, type SyncCryptoSuite, schnorrPublicKey, schnorrSign, schnorrVerify } from '../crypto/index.ts';
import { isNvrError } from '../errors.ts';
import type { Files, Random } from '../platform/index.ts';
import type { DeviceKey } from '../protocol/index.ts';
import { jsonObjectOf } from '../protocol/index.ts';
import { fileRefused, fileRolledBack, fileTooLarge } from './errors.ts';
import type { FolderLock } from './folder-lock.ts';
import { isCount } from './json-shapes.ts';

const TRIES_MAX = 3;

/** What one kind of signed file holds. */
export interface SignedShape<T> {
  /** What the signature is for, such as `constitute.devices/2`. */
  readonly domain: string;
  readonly version: number;
  /** Most bytes of the file. */
  readonly bytesMax: number;
  /** What holds while there is no file. */
  readonly empty: T;
  /** The fields between `generation` and `signature`, in their order. */
  write(value: T): Record<string, unknown>;
  /** The value of such fields, or the reason why they are refused. Total. */
  read(json: Record<string, unknown>): T | string;
}

/** The text of a signed file, UTF-8; `sign` signs a 32-byte digest with the node's key. */
export function writeSigned<T>(
  shape: SignedShape<T>,
  hashes: Hashes,
  nodeId: DeviceKey,
  { generation, value }: { generation: number; value: T },
  sign: (digest: Uint8Array) => Uint8Array,
): Uint8Array<ArrayBuffer> {
  const body = { version: shape.version, nodeId, generation, ...shape.write(value) };
  return textOf(body, sign(digestOf(shape, hashes, body)));
}

/**
 * Reads a signed file, or gives the reason why it is refused. Total; bounded by the size its caller read. Every field is checked,
 * then that this node signed exactly these statements, then the layout: one value has one text.
 */
export function readSigned<T>(
  shape: SignedShape<T>,
  hashes: Hashes,
  nodeId: DeviceKey,
  bytes: Uint8Array,
): { generation: number; value: T } | { reason: string } {
  const text = fromUtf8(bytes);
  const json = text === null ? null : jsonObjectOf(text);
  if (!json) return { reason: 'expected one JSON object' };
  if (json['version'] !== shape.version) return { reason: `expected version ${shape.version}` };
  if (json['nodeId'] !== nodeId) return { reason: 'expected the file of this node, found one of another' };
  const { generation } = json;
  if (!isCount(generation, Number.MAX_SAFE_INTEGER) || generation === 0) return { reason: 'expected a generation' };
  const signature = typeof json['signature'] === 'string' ? fromHex(json['signature'], 64) : null;
  if (!signature) return { reason: 'expected a signature of 64 bytes in hex' };
  const value = shape.read(json);
  if (typeof value === 'string') return { reason: value };
  const body = { version: shape.version, nodeId, generation, ...shape.write(value) };
  if (!schnorrVerify(fromHex(nodeId, 32)!, digestOf(shape, hashes, body), signature)) {
    return { reason: 'the signature is not this node’s: the file was changed by something else' };
  }
  if (!equalBytes(textOf(body, signature), bytes)) return { reason: 'expected the layout we write' };
  return { generation, value };
}

/** What is signed: SHA-256(domain ‖ 0 ‖ the compact JSON of everything before the signature). */
function digestOf<T>(shape: SignedShape<T>, hashes: Hashes, body: Record<string, unknown>): Uint8Array<ArrayBuffer> {
  return hashes.sha256(concatBytes(utf8(`${shape.domain}\0`), utf8(JSON.stringify(body))));
}

function textOf(body: Record<string, unknown>, signature: Uint8Array): Uint8Array<ArrayBuffer> {
  return utf8(`${JSON.stringify({ ...body, signature: toHex(signature) }, null, 2)}\n`);
}

/**
 * A signed file on disk and in memory. Every change is read-modify-write under the folder's lock, on what the disk holds
 * at that moment, one generation further: no program's change is lost under another's.
 */
export class SignedFile<T> {
  readonly #deps: { files: Files; random: Random; suite: SyncCryptoSuite };
  readonly #path: string;
  readonly #lock: FolderLock;
  readonly #nodeKey: Uint8Array;
  readonly #nodeId: DeviceKey;
  readonly #shape: SignedShape<T>;
  readonly #onAdopted: (after: T, before: T) => void;
  #value: T;
  #generation = 0;
  #bytes: Uint8Array = new Uint8Array(0);

  constructor(
    deps: { files: Files; random: Random; suite: SyncCryptoSuite },
    options: {
      path: string;
      lock: FolderLock;
      nodeKey: Uint8Array;
      shape: SignedShape<T>;
      /** Told of each value that is taken, by whatever program it was written; it must not throw. */
      onAdopted?: (after: T, before: T) => void;
    },
  ) {
    this.#deps = deps;
    this.#path = options.path;
    this.#lock = options.lock;
    this.#nodeKey = options.nodeKey;
    this.#nodeId = toHex(schnorrPublicKey(options.nodeKey)) as DeviceKey;
    this.#shape = options.shape;
    this.#value = options.shape.empty;
    this.#onAdopted = options.onAdopted ?? (() => {});
  }

  /** The value as last read or written. */
  get value(): T {
    return this.#value;
  }

  /** Counts the writings of the file, from 1; never falls. 0: no file yet. */
  get generation(): number {
    return this.#generation;
  }

  /**
   * Takes what is on disk, where it changed. `ERR_IDENTITY_FILE_REFUSED`, `ERR_IDENTITY_FILE_ROLLED_BACK` (`corrupt`): memory
   * then stays as it was.
   */
  async refresh(): Promise<void> {
    const bytes = await this.#read();
    if (equalBytes(bytes, this.#bytes)) return;
    const { generation, value } = this.#parse(bytes);
    this.#adopt(generation, value, bytes);
  }

  /**
   * Applies `change` to the value on disk; null writes nothing. `change` may run again when another program interferes.
   * Gives the value that holds afterwards. `ERR_IDENTITY_FILE_LARGE` (`exhausted`) where it would not fit its file.
   */
  async update(change: (value: T) => T | null): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#lock.run((held) => this.#updateAlone(change, held));
      } catch (error) {
        if (!isLockLost(error) || tries >= TRIES_MAX) throw error;
      }
    }
  }

  async #updateAlone(change: (value: T) => T | null, held: () => Promise<void>): Promise<T> {
    await this.refresh();
    const value = change(this.#value);
    if (value === null) return this.#value;
    const { suite, random, files } = this.#deps;
    const generation = this.#generation + 1;
    const bytes = writeSigned(this.#shape, suite.hashes, this.#nodeId, { generation, value }, (digest) =>
      schnorrSign(this.#nodeKey, digest, random.bytes(32)),
    );
    // Never write what the next start could not read.
    if (bytes.length > this.#shape.bytesMax) throw fileTooLarge(this.#path, this.#shape.bytesMax);
    await held();
    await files.replace(this.#path, bytes, { mode: 0o600 });
    await this.#keepOrStartOver(bytes, held);
    this.#adopt(generation, value, bytes);
    return value;
  }

  /** A lock lost while we wrote is no harm as long as what is on disk is ours. */
  async #keepOrStartOver(bytes: Uint8Array, held: () => Promise<void>): Promise<void> {
    try {
      await held();
    } catch (error) {
      if (!isLockLost(error) || !equalBytes(await this.#read(), bytes)) throw error;
    }
  }

  #parse(bytes: Uint8Array): { generation: number; value: T } {
    if (bytes.length === 0) {
      if (this.#generation > 0) throw fileRolledBack(this.#path, 0, this.#generation);
      return { generation: 0, value: this.#shape.empty };
    }
    const read = readSigned(this.#shape, this.#deps.suite.hashes, this.#nodeId, bytes);
    if ('reason' in read) throw fileRefused(this.#path, read.reason);
    // The same generation with other bytes is a write that another program's retry has overtaken: the disk is right.
    if (read.generation < this.#generation) throw fileRolledBack(this.#path, read.generation, this.#generation);
    return read;
  }

  #adopt(generation: number, value: T, bytes: Uint8Array): void {
    const before = this.#value;
    this.#generation = generation;
    this.#value = value;
    this.#bytes = bytes;
    this.#onAdopted(value, before);
  }

  async #read(): Promise<Uint8Array> {
    try {
      return await this.#deps.files.read(this.#path, this.#shape.bytesMax);
    } catch (error) {
      if (isNvrError(error, 'missing')) return new Uint8Array(0);
      if (isNvrError(error, 'invalid')) throw fileRefused(this.#path, `expected at most ${this.#shape.bytesMax} bytes`);
      throw error;
    }
  }
}

function isLockLost(error: unknown): boolean {
  return isNvrError(error, 'conflict') && error.code === 'ERR_IDENTITY_LOCK_LOST';
}
