import type { KeyPair, SyncCryptoSuite } from '../crypto/index.ts';
import type { Clock, Files, Log, Random, Startable } from '../platform/index.ts';
import type { Access, AccessChange, DeviceKey, GrantTerms, Role, SignedEvent } from '../protocol/index.ts';
import type { EndWish } from './device-desk.ts';
import type { GrantState, TermsWish } from './grant-rules.ts';
import type { EventVerdict } from './identity-events.ts';
import type { Invitation } from './invitation-store.ts';
import type { PairingDesk } from './pairing-code-desk.ts';

/** What identity needs of the world. */
export interface IdentityDeps {
  clock: Clock;
  random: Random;
  log: Log;
  files: Files;
  suite: SyncCryptoSuite;
}

export interface IdentityOptions {
  /** The data folder, absolute: holds `secrets/`, `invitations/`, `devices.json`, `identity.json` and, while something changes, `devices.lock`. */
  folder: string;
  /** Where a service manager put the storage key (`$CREDENTIALS_DIRECTORY/storage-kek`). */
  kekCredentialPath?: string;
  /** False refuses a folder without a node instead of making one; default true. */
  create?: boolean;
  /** True follows changes that other programs make; default false. The daemon does, a command line tool need not. */
  watch?: boolean;
  /** True demands approval of every device that comes with a typed code; default false: only where the code says so. */
  approveCodes?: boolean;
}

/** What the handshake proved of a device that asks to be let in. */
export interface ProvedDevice {
  device: DeviceKey;
  /** 1 known device, 3 pairing by invitation, 4 pairing by typed code. */
  suite: 1 | 3 | 4;
  invitationId?: string;
  /** Suite 4. */
  codeId?: string;
  label?: string;
  wrapKey?: Uint8Array;
  /** Where it comes from, numeric, without port; empty where unknown. */
  address?: string;
}

/** A storage key to wrap epoch keys for. */
export interface WrapRecipient {
  device: DeviceKey;
  /** 16 bytes: the first half of SHA-256 of the public key. */
  keyId: Uint8Array<ArrayBuffer>;
  /** X-Wing, 1,216 bytes. */
  publicKey: Uint8Array;
}

/** A paired device, and what it may do at this moment. */
export interface PairedDevice {
  device: DeviceKey;
  /** Null while it may nothing: its grant was taken away, has ended or not begun, or hangs on somebody who lost his. */
  role: Role | null;
  /** What people call it. */
  label: string;
  /** X-Wing public key for storage keys, 1,216 bytes; null where it gave none. */
  wrapKey: Uint8Array | null;
  /** The first 16 bytes of SHA-256 of `wrapKey`, hex; null where there is none. */
  wrapKeyId: string | null;
  /** Epoch ms. */
  pairedAt: number;
  /** Epoch ms; may be a minute old on disk. */
  lastSeenAt: number;
}

/** The grant of one device, and what has become of it. */
export interface HeldGrant extends GrantTerms {
  device: DeviceKey;
  generation: number;
  /** Whose authority it hangs on; the node's own key where it hangs on nobody's. */
  issuer: DeviceKey;
  /** Epoch ms. */
  createdAt: number;
  state: GrantState;
}

/** The owner's identity as this node has pinned it. */
export interface PinnedIdentity {
  /** `id-` and 16 characters. */
  identityId: string;
  label: string;
  /** Devices that the newest accepted record lists. */
  devices: readonly DeviceKey[];
  /** Epoch ms of that record; 0 before the first. */
  updatedAt: number;
}

/**
 * What is known of a device: `paired` here; `listed` by the identity; `claimed`, by itself only, to belong to the identity; `unknown`.
 * Nothing but `paired` with a grant lets it do anything.
 */
export type Standing = 'paired' | 'listed' | 'claimed' | 'unknown';

/**
 * Who we are and whom we trust: the node's keys at rest, its certificate, paired devices, their grants, the owner's identity.
 *
 * Secrets leave it only as signatures, as the channel's key pair, as the storage key for the vault, and as keys derived from it.
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
  /** A 32-byte key of its own for another thing to be sealed at rest, derived from the storage key by a label (docs/formats/secrets.md). */
  deriveKey(label: string): Uint8Array<ArrayBuffer>;
  /** Paired devices, oldest first. */
  devices(): PairedDevice[];
  /**
   * What a device may do, or null for nothing; `now` (epoch ms) is the clock's where it is left out, and never before a time that was.
   * The node's own key is the operator at the machine: owner of everything.
   */
  accessOf(device: DeviceKey, now?: number): Access | null;
  /** Grants of paired devices, in the order of pairing. */
  grants(): HeldGrant[];
  /** The time by which grants are judged, epoch ms: the clock's, or a later one that was known before. */
  judgedAt(): number;
  /** Raises that time to one that is known to have been, such as that of the newest leaf of a log. */
  raiseTime(at: number): void;
  /** Takes the clock as it is, also where it stands behind what was known: the way out after it once ran far ahead. */
  trustClock(): Promise<void>;
  /** Storage keys of owner devices that may play back. */
  recipients(): WrapRecipient[];
  /**
   * Makes a one-time invitation to these terms, on the word of `by` (absent: the operator's); `expiresMs` within
   * `INVITATION_EXPIRES_MS`. `ERR_IDENTITY_INVITATIONS_FULL` (`exhausted`), `ERR_IDENTITY_GRANT_TERMS`, `ERR_IDENTITY_GRANT_DENIED`.
   */
  invite(wish: TermsWish & { expiresMs?: number; by?: DeviceKey }): Promise<Invitation>;
  /** Invitations that wait. */
  invitations(): Invitation[];
  /** Takes a waiting invitation back by its id, hex; false where none waits. */
  withdraw(invitationId: string): Promise<boolean>;
  /** The 16-byte secret of a waiting, unexpired invitation, or null. Sees another program's invitation within 250 ms. */
  invitationSecret(invitationId: Uint8Array): Uint8Array | null;
  /**
   * Decides on a device whose key is proved: null refuses. Pairing burns the invitation, for exactly one device; the first
   * device becomes owner, others are granted what their invitation says (a device that has as much or more keeps it).
   */
  admit(hello: ProvedDevice): Promise<{ role: Role } | null>;
  /** Pairing by typed code, and devices that wait for approval. */
  readonly pairing: PairingDesk;
  /**
   * Grants on the word of `by` (absent: the operator's), signed by the node, in place of what the device had. The device is paired, or
   * listed by the identity. `ERR_IDENTITY_GRANT_TERMS`, `ERR_IDENTITY_GRANT_DENIED`, `ERR_IDENTITY_DEVICE_UNKNOWN`, `ERR_IDENTITY_LAST_OWNER`.
   */
  grant(device: DeviceKey, wish: TermsWish, by?: DeviceKey): Promise<HeldGrant>;
  /** Takes a grant that `caller` signed itself. As above, and `ERR_IDENTITY_GRANT_REFUSED`, `ERR_IDENTITY_GRANT_OUTDATED`. */
  acceptGrant(event: SignedEvent, caller: DeviceKey): Promise<HeldGrant>;
  /** Takes a device's grant away, and all that hung on it; false where it has none. `ERR_IDENTITY_LAST_OWNER` (`conflict`). */
  revoke(device: DeviceKey, wish?: EndWish): Promise<boolean>;
  /** Unpairs a device, and ends all that hung on it; false where it is not paired. `ERR_IDENTITY_LAST_OWNER` (`conflict`). */
  remove(device: DeviceKey, wish?: EndWish): Promise<boolean>;
  /** Names a device; false where it is not paired. */
  rename(device: DeviceKey, label: string): Promise<boolean>;
  /**
   * Calls `listener` when what a device may do has changed: by whatever program, by the end or the beginning of a grant (within
   * 250 ms, where `watch` is set). Null: it may nothing now. The returned function ends that.
   */
  onAccessChange(listener: (change: AccessChange) => void): () => void;
  /** The pinned identity, or null. */
  pinned(): PinnedIdentity | null;
  /** Pins an identity that the operator or an owner confirmed. `ERR_IDENTITY_PINNED` (`conflict`) where another one is. */
  pin(identity: Omit<PinnedIdentity, 'updatedAt'>): Promise<void>;
  /** Forgets the pinned identity; devices and grants stay. */
  unpin(): Promise<void>;
  /** What is known of a device; `claimed` is the identity it says it belongs to. */
  standingOf(device: DeviceKey, claimed?: string): Standing;
  /** True for a key that is paired or once was, and where that cannot be known any more: such a device has left the old session. */
  wasPaired(device: DeviceKey): boolean;
  /** Hears an event of the swarm: identity records, revocations, new names. Trusts none because of the way it came; never rejects. */
  onEvent(event: SignedEvent): Promise<EventVerdict>;
  /** How often each verdict on events was given since the start. */
  verdicts(): Readonly<Record<string, number>>;
}
