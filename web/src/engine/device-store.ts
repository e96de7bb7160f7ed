import type { DeviceKey } from '../../../src/protocol/index.ts';
import type { BrowserPlatform } from './platform.ts';

/** This browser's secrets for one node. */
export interface DeviceSecretBytes {
  /** secp256k1 scalar, 32 bytes. */
  secretKey: Uint8Array<ArrayBuffer>;
  /** X-Wing seed, 32 bytes. */
  wrapSeed: Uint8Array<ArrayBuffer>;
  /** X25519 scalar, 32 bytes; null where the pair is a native one that cannot be read. */
  channelScalar: Uint8Array<ArrayBuffer> | null;
}

/** What is kept of a paired node. */
export interface KeptNode {
  node: DeviceKey;
  name: string;
  site: string;
  /** The node's static X25519 key. */
  channelKey: Uint8Array<ArrayBuffer>;
  addresses: string[];
  device: DeviceKey;
  pairedAt: number;
  secrets: DeviceSecretBytes;
  /** The native X25519 pair; null where the browser has none. */
  channelPair: { publicKey: Uint8Array<ArrayBuffer>; secret: CryptoKey } | null;
}

/** As it lies in the database: the secrets sealed under a key that cannot be read, where the browser has such keys. */
interface StoredNode extends Omit<KeptNode, 'secrets'> {
  sealed: { nonce: Uint8Array<ArrayBuffer>; bytes: ArrayBuffer } | null;
  open: DeviceSecretBytes | null;
}

const NAME = 'constitute-nvr';
const VERSION = 1;
const NODES = 'nodes';
const KEYS = 'keys';
const GUARD = 'guard';

/** Pairings of this browser, in IndexedDB. Each node gets keys of its own. */
export class DeviceStore {
  readonly #database: IDBDatabase;
  readonly #platform: BrowserPlatform;
  /** AES-256-GCM, not extractable; null on plain http. */
  readonly #guard: CryptoKey | null;

  private constructor(database: IDBDatabase, platform: BrowserPlatform, guard: CryptoKey | null) {
    this.#database = database;
    this.#platform = platform;
    this.#guard = guard;
  }

  static async open(platform: BrowserPlatform): Promise<DeviceStore> {
    const request = indexedDB.open(NAME, VERSION);
    request.onupgradeneeded = () => {
      request.result.createObjectStore(NODES, { keyPath: 'node' });
      request.result.createObjectStore(KEYS);
    };
    const database = await settled(request);
    const kept = await settled<CryptoKey | undefined>(database.transaction(KEYS).objectStore(KEYS).get(GUARD));
    if (kept || !platform.subtle) return new DeviceStore(database, platform, kept ?? null);
    const guard = await platform.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt']);
    await settled(database.transaction(KEYS, 'readwrite').objectStore(KEYS).put(guard, GUARD));
    return new DeviceStore(database, platform, guard);
  }

  /** True where the secrets lie sealed under a key no script can read. */
  get guarded(): boolean {
    return this.#guard !== null;
  }

  /** Every pairing, the oldest first. One that cannot be opened (another browser profile's copy) is left out. */
  async list(): Promise<KeptNode[]> {
    const stored = await settled<StoredNode[]>(this.#database.transaction(NODES).objectStore(NODES).getAll());
    const opened = await Promise.all(stored.map((each) => this.#open(each)));
    return opened.filter((each) => each !== null).sort((a, b) => a.pairedAt - b.pairedAt);
  }

  async put(kept: KeptNode): Promise<void> {
    const { secrets, ...rest } = kept;
    const sealed = await this.#seal(secrets, kept.node);
    const stored: StoredNode = { ...rest, sealed, open: sealed ? null : secrets };
    await settled(this.#database.transaction(NODES, 'readwrite').objectStore(NODES).put(stored));
  }

  async remove(node: DeviceKey): Promise<void> {
    await settled(this.#database.transaction(NODES, 'readwrite').objectStore(NODES).delete(node));
    await settled(this.#database.transaction(KEYS, 'readwrite').objectStore(KEYS).delete(seenOf(node)));
  }

  /** When the node was last connected, epoch ms; null: never noted. */
  async seenAt(node: DeviceKey): Promise<number | null> {
    const at = await settled<unknown>(this.#database.transaction(KEYS).objectStore(KEYS).get(seenOf(node)));
    return typeof at === 'number' ? at : null;
  }

  /** Notes that a node is connected. */
  async saw(node: DeviceKey, at: number): Promise<void> {
    await settled(this.#database.transaction(KEYS, 'readwrite').objectStore(KEYS).put(at, seenOf(node)));
  }

  async #seal(
    { secretKey, wrapSeed, channelScalar }: DeviceSecretBytes,
    node: DeviceKey,
  ): Promise<StoredNode['sealed']> {
    if (!this.#guard) return null;
    const plain = new Uint8Array(96);
    plain.set(secretKey);
    plain.set(wrapSeed, 32);
    if (channelScalar) plain.set(channelScalar, 64);
    const nonce = this.#platform.random.bytes(12);
    const bytes = await this.#platform.subtle!.encrypt(this.#parameters(nonce, node), this.#guard, plain);
    plain.fill(0);
    return { nonce, bytes };
  }

  async #open({ sealed, open, ...rest }: StoredNode): Promise<KeptNode | null> {
    if (open) return { ...rest, secrets: open };
    if (!sealed || !this.#guard) return null;
    try {
      const parameters = this.#parameters(sealed.nonce, rest.node);
      const plain = new Uint8Array(await this.#platform.subtle!.decrypt(parameters, this.#guard, sealed.bytes));
      const part = (at: number) => plain.slice(at, at + 32);
      const channelScalar = rest.channelPair ? null : part(64);
      return { ...rest, secrets: { secretKey: part(0), wrapSeed: part(32), channelScalar } };
    } catch {
      return null;
    }
  }

  /** Bound to the node: a record copied under another name does not open. */
  #parameters(iv: Uint8Array<ArrayBuffer>, node: DeviceKey): AesGcmParams {
    return { name: 'AES-GCM', iv, additionalData: new TextEncoder().encode(`device secrets ${node}`) };
  }
}

/** Beside the guard: small things by name. */
function seenOf(node: DeviceKey): string {
  return `seen ${node}`;
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
