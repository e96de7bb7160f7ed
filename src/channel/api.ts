import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { KeyPair, SyncCryptoSuite } from '../crypto/index.ts';
import type { Clock, Log, Random } from '../platform/index.ts';
import type { AuditSink, CallHandler, DeviceKey, Role } from '../protocol/index.ts';
import type { ChannelLimits } from './limits.ts';
import type { V1Status } from './v1/endpoint.ts';
import type { V1Limits } from './v1/limits.ts';
import type { V1Deps } from './v1/settings.ts';

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
  /** Typed codes, for suite 4; absent: it is not spoken. */
  codes?: PairingCodes;
  /** Decides on a device whose key is proved. Null refuses; a used invitation or code must be burnt here, atomically. */
  admit(hello: ProvedHello): Promise<{ role: Role } | null>;
  /** Asked after `admit` gave null: a device that waits for somebody's approval is let in by and by instead of refused. */
  awaiting?(device: DeviceKey): Awaited | null;
  handle: CallHandler;
  /** Where it is told who came, who was turned away, and who went; absent: nowhere. */
  audit?: AuditSink;
  /** The old session at `/session`; absent: it is not there (docs/protocol/session-v1.md). */
  v1?: V1Deps;
}

/** The one typed code that may wait, and the count of guesses at it. */
export interface PairingCodes {
  /** The code that may be tried at this moment, or null: then whoever comes with one is a stranger. `secret` is `pairingSecret` of it. */
  waiting(): { id: string; secret: Uint8Array } | null;
  /**
   * Counts a guess, durably, before it is judged, and gives whom to tell whether it was right (a right one is not counted). Null: it
   * must not be judged (too many, too soon, another code by now).
   */
  guess(codeId: string, address: string): Promise<((right: boolean) => Promise<void>) | null>;
}

/** A device that has proved its key and waits until somebody decides. */
export interface Awaited {
  /** Epoch ms at which nobody decides any more. */
  expiresAt: number;
  /** The decision: null for a refusal, for the end of its time, and where another channel of this device waits now. Never rejects. */
  decided: Promise<{ role: Role } | null>;
  /** The device has gone; its place among those who wait stays. */
  leave(): void;
}

/** A finished handshake: what the client proved and what it said of itself. */
export interface ProvedHello {
  device: DeviceKey;
  /** 1 known device, 3 pairing by invitation, 4 pairing by typed code. */
  suite: 1 | 3 | 4;
  /** Suite 3: the 16-byte invitation id, hex. */
  invitationId?: string;
  /** Suite 4: the id of the code. */
  codeId?: string;
  /** Suites 3 and 4: what the person calls this device; at most 64 characters. */
  label?: string;
  /** Suites 3 and 4: the device's X-Wing public key (1,216 bytes) for storage keys. */
  wrapKey?: Uint8Array;
  /** Where it comes from, numeric, without port; empty where unknown. */
  address?: string;
}

export interface ChannelOptions {
  /** Web origins allowed beside an absent one, such as `https://nvr.example`. */
  origins: readonly string[];
  /** Further origins, by what the request called this host; the viewer the node serves itself. */
  isOwnOrigin?(origin: string, host: string | undefined): boolean;
  /** Limits other than the protocol's own, for tests and small machines (docs/protocol/channel.md 4 and 6). */
  limits?: Partial<ChannelLimits>;
  /** Limits of the old session, for tests (docs/protocol/session-v1.md 6). */
  v1Limits?: Partial<V1Limits>;
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
  /** The old session, where it is configured. */
  v1?: V1Status;
}
