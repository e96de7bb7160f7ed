import type { CryptoSuite, KeyPair } from '../crypto/index.ts';
import type { DeviceKey, Role, UnitMarks } from '../protocol/index.ts';

/** A WebSocket seen through the few things the client needs: the browser's own fits, and `ws` fits. */
export interface Socket {
  binaryType: string;
  readonly bufferedAmount: number;
  send(data: Uint8Array<ArrayBuffer>): void;
  close(code?: number): void;
  onopen: ((event: unknown) => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code?: number }) => void) | null;
  onerror: ((event: unknown) => void) | null;
}

/** What the isomorphic client is handed: no global is read. */
export interface ClientDeps {
  /** Epoch ms. */
  now(): number;
  random: { bytes(length: number): Uint8Array<ArrayBuffer> };
  suite: CryptoSuite;
  /** Opens a WebSocket to `url` with one subprotocol. */
  openSocket(url: string, subprotocol: string): Socket;
  /** Runs `task` once after `ms`; the returned function cancels. */
  after(ms: number, task: () => void): () => void;
}

/** This device's own keys. */
export interface DeviceKeys {
  /** secp256k1 x-only key, hex. */
  publicKey: DeviceKey;
  /** The node is told who we are by this certificate (event JSON, kind 27420, role=client) over `channelKey`. */
  certificate: string;
  /** Static X25519 pair. */
  channelKey: KeyPair;
  /** X-Wing public key (1,216 bytes) for storage keys. */
  wrapKey: Uint8Array;
}

/** A node as pinned at pairing. */
export interface NodePin {
  nodeId: DeviceKey;
  /** Static X25519 key, 32 bytes. */
  channelKey: Uint8Array;
  /** `host:port`, best first. */
  addresses: string[];
}

/** One unit that arrived on a stream. */
export interface Unit {
  bytes: Uint8Array<ArrayBuffer>;
  marks: UnitMarks;
}

/** A request in flight whose reply is followed by data. Stop reading and the sender is held back by credit. */
export interface OpenStream {
  /** The JSON-RPC result. */
  readonly result: Promise<unknown>;
  /** Units in order; ends with the stream, throws what ended it early. Read once. */
  readonly units: AsyncIterable<Unit>;
  /**
   * Notifications of this stream, in their place between the units: told when the reader of `units` comes to them (at once
   * while it waits). Listen in the turn of `open`.
   */
  onEvent(listener: (name: string, params: unknown) => void): void;
  /** Sends CANCEL; `units` ends. */
  cancel(): void;
}

/** An open channel. */
export interface Connection {
  readonly nodeId: DeviceKey;
  readonly role: Role;
  /** Resolves when the channel is gone, with the reason (null after our own `close`). */
  readonly closed: Promise<Error | null>;
  /** One request, one reply. The node's own errors are `RemoteError`s with its code and kind. */
  call(method: string, params: unknown, options?: { signal?: AbortSignal }): Promise<unknown>;
  /** One request, a reply, and units. */
  open(method: string, params: unknown, options?: { signal?: AbortSignal }): OpenStream;
  /** Notifications of the channel at once, and of every stream in their place between its units. */
  onEvent(listener: (name: string, params: unknown) => void): void;
  close(): void;
}
