import type { KeyPair, SyncCryptoSuite } from '../crypto/index.ts';
import type { Clock, Files, Log, Random, Startable } from '../platform/index.ts';
import type { DeviceKey, Role } from '../protocol/index.ts';
import type { PairedDevice } from './device-list.ts';
import type { DeviceLoss } from './device-store.ts';
import type { Invitation } from './invitation-store.ts';

/** What identity needs of the world. */
export interface IdentityDeps {
  clock: Clock;
  random: Random;
  log: Log;
  files: Files;
  suite: SyncCryptoSuite;
}

export interface IdentityOptions {
  /** The data folder, absolute: holds `secrets/`, `invitations/`, `devices.json` and, while something changes, `devices.lock`. */
  folder: string;
  /** Where a service manager put the storage key (`$CREDENTIALS_DIRECTORY/storage-kek`). */
  kekCredentialPath?: string;
  /** False refuses a folder without a node instead of making one; default true. */
  create?: boolean;
  /** True follows changes that other programs make; default false. The daemon does, a command line tool need not. */
  watch?: boolean;
}

/** What the handshake proved of a device that asks to be let in. */
export interface ProvedDevice {
  device: DeviceKey;
  /** 1 known device, 3 pairing by invitation. */
  suite: 1 | 3;
  invitationId?: string;
  label?: string;
  wrapKey?: Uint8Array;
}

/** A storage key to wrap epoch keys for. */
export interface WrapRecipient {
  device: DeviceKey;
  /** 16 bytes: the first half of SHA-256 of the public key. */
  keyId: Uint8Array<ArrayBuffer>;
  /** X-Wing, 1,216 bytes. */
  publicKey: Uint8Array;
}

/**
 * Who we are and whom we trust: the node's keys at rest, its certificate, paired devices, invitations.
 *
 * Secrets leave it only as signatures, as the channel's key pair, and as the storage key for the vault.
 */
export interface Identity extends Startable {
  /** The node's x-only device key. Asserts that `start` has resolved, as everything below does. */
  readonly nodeId: DeviceKey;
  /** The node's static X25519 pair. */
  readonly channelKey: KeyPair;
  /** The event that certifies `channelKey`, as JSON text; signed anew when half of its 30 days are over. */
  certificate(): string;
  /** BIP-340 signature, 64 bytes, of the node's device key over a 32-byte digest. */
  sign(digest: Uint8Array): Uint8Array<ArrayBuffer>;
  /** The vault's 32-byte key encryption key, a copy. */
  kek(): Uint8Array<ArrayBuffer>;
  /** Paired devices, oldest first. */
  devices(): PairedDevice[];
  /** The role a device has now, or null where it is not paired. */
  roleOf(device: DeviceKey): Role | null;
  /** Storage keys of owner devices. */
  recipients(): WrapRecipient[];
  /** Makes a one-time invitation; `expiresMs` within `INVITATION_EXPIRES_MS`. `ERR_IDENTITY_INVITATIONS_FULL` (`exhausted`). */
  invite(wish: { role: Role; expiresMs?: number }): Promise<Invitation>;
  /** Invitations that wait. */
  invitations(): Invitation[];
  /** The 16-byte secret of a waiting, unexpired invitation, or null. Sees another program's invitation within 250 ms. */
  invitationSecret(invitationId: Uint8Array): Uint8Array | null;
  /**
   * Decides on a device whose key is proved: null refuses. Pairing burns the invitation, for exactly one device; the first
   * device becomes owner, others get the role of their invitation (a device known before keeps the higher of both).
   */
  admit(hello: ProvedDevice): Promise<{ role: Role } | null>;
  /** Unpairs a device; false where it is not paired. `ERR_IDENTITY_LAST_OWNER` (`conflict`). */
  remove(device: DeviceKey): Promise<boolean>;
  /** Names a device; false where it is not paired. */
  rename(device: DeviceKey, label: string): Promise<boolean>;
  /** Calls `listener` when a device was removed or its role changed, by whatever program; the returned function ends that. */
  onLoss(listener: (loss: DeviceLoss) => void): () => void;
}
