import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { KeyPair, SyncCryptoSuite } from '../crypto/index.ts';
import type { Clock, Log, Random } from '../platform/index.ts';
import type { CallHandler, DeviceKey, Role } from '../protocol/index.ts';
import type { ChannelLimits } from './limits.ts';

/** What the endpoint is given by the daemon. */
export interface ChannelDeps {
  clock: Clock;
  random: Random;
  log: Log;
  suite: SyncCryptoSuite;
  /** The node's static X25519 pair. */
  staticKey: KeyPair;
  /** The node's x-only device key. */
  nodeId: DeviceKey;
  /** The event that certifies `staticKey` (kind 27420, role=node), as JSON text; asked anew for each handshake. */
  certificate(): string;
  /** The one-time secret (16 bytes) of a pending, unexpired invitation, or null: suite 3 only. */
  invitationSecret(invitationId: Uint8Array): Uint8Array | null;
  /** Decides on a device whose key is proved. Null refuses; a used invitation must be burnt here, atomically. */
  admit(hello: ProvedHello): Promise<{ role: Role } | null>;
  handle: CallHandler;
}

/** A finished handshake: what the client proved and what it said of itself. */
export interface ProvedHello {
  device: DeviceKey;
  /** 1 known device, 3 pairing by invitation. */
  suite: 1 | 3;
  /** Suite 3: the 16-byte invitation id, hex. */
  invitationId?: string;
  /** Suite 3: what the person calls this device; at most 64 characters. */
  label?: string;
  /** Suite 3: the device's X-Wing public key (1,216 bytes) for storage keys. */
  wrapKey?: Uint8Array;
}

export interface ChannelOptions {
  /** Web origins allowed beside an absent one, such as `https://nvr.example`. */
  origins: readonly string[];
  /** Limits other than the protocol's own, for tests and small machines (docs/protocol/channel.md 4 and 6). */
  limits?: Partial<ChannelLimits>;
}

/** The encrypted WebSocket endpoint at `/session/v2`. It opens no port: the daemon's HTTP server hands it upgrades. */
export interface ChannelServer {
  /** Takes any upgrade request; wrong paths, origins and subprotocols are closed without a word. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Uint8Array): void;
  /** Ends every channel of a device, at once. */
  closeDevice(device: DeviceKey): void;
  /** Devices with an open channel, and counters for status. */
  status(): ChannelStatus;
  /** Says GOAWAY, lets running frames out (bounded), closes all. */
  stop(): Promise<void>;
}

export interface ChannelStatus {
  open: number;
  pending: number;
  devices: DeviceKey[];
  accepted: number;
  refused: number;
  bytesOut: number;
  bytesIn: number;
}
