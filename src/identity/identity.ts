import { toHex, utf8 } from '../bytes/index.ts';
import { hkdfSha256, type KeyPair, type SyncCryptoSuite, schnorrPublicKey, schnorrSign } from '../crypto/index.ts';
import { assert, isNvrError } from '../errors.ts';
import {
  type Access,
  type AccessChange,
  type DeviceKey,
  IDENTITY_DEVICES_MAX,
  INVITATION_EXPIRES_MS,
  isIdentityId,
  isLabel,
  may,
  type Role,
  type SignedEvent,
} from '../protocol/index.ts';
import type {
  HeldGrant,
  Identity,
  IdentityDeps,
  IdentityOptions,
  PairedDevice,
  PinnedIdentity,
  ProvedDevice,
  Standing,
  WrapRecipient,
} from './api.ts';
import { DeviceDesk, type EndWish } from './device-desk.ts';
import { DeviceFile } from './device-file.ts';
import { WRAP_KEY_BYTES } from './device-list.ts';
import { decipherNip04 } from './enrolment-cipher.ts';
import { identityPinned } from './errors.ts';
import { FolderLock } from './folder-lock.ts';
import { FolderWatch } from './folder-watch.ts';
import { checkedTerms, type TermsWish } from './grant-rules.ts';
import { type EventVerdict, IdentityEvents } from './identity-events.ts';
import { type Invitation, InvitationStore } from './invitation-store.ts';
import { NodeCertificate } from './node-certificate.ts';
import { OWNER_IDENTITY_SHAPE, type OwnerIdentity, unpinned } from './owner-identity.ts';
import { PairingDesk } from './pairing-code-desk.ts';
import { loadSecrets, type NodeSecrets, type SecretPlaces } from './secrets.ts';
import { SignedFile } from './signed-file.ts';

/** How often other programs' changes are looked for. */
const POLL_MS = 250;
/** Where the system tells of changes, the disk is looked at all the same this often. */
const UNASKED_MS = 5_000;
/** How long `lastSeenAt` may stay in memory only. */
const SEEN_FLUSH_MS = 60_000;
/** An X-Wing public key is an ML-KEM-768 key of this size, then an X25519 key. */
const ML_KEM_KEY_BYTES = 1184;
/** Salt of keys that are derived from the storage key. */
const DERIVED_SALT = utf8('constitute derived key v1');

/** Makes the identity room. `start` loads or makes the keys and reads the devices; errors name the file at fault. */
export function createIdentity(deps: IdentityDeps, options: IdentityOptions): Identity {
  return new NodeIdentity(deps, options);
}

class NodeIdentity implements Identity {
  readonly #deps: IdentityDeps;
  readonly #options: IdentityOptions;
  readonly #lock: FolderLock;
  readonly #invitations: InvitationStore;
  readonly pairing: PairingDesk;
  #life: {
    secrets: NodeSecrets;
    file: DeviceFile;
    devices: DeviceDesk;
    owner: SignedFile<OwnerIdentity>;
    events: IdentityEvents;
    nodeId: DeviceKey;
    channelKey: KeyPair;
    certificate: NodeCertificate;
  } | null = null;
  #cancelPoll: () => void = () => {};
  readonly #folders: FolderWatch;
  #polledAt = 0;
  #polling: Promise<void> | null = null;
  #stopped = false;
  #pollFault = '';
  #flushedAt = 0;

  constructor(deps: IdentityDeps, options: IdentityOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#lock = new FolderLock(deps, `${options.folder}/devices.lock`);
    this.#invitations = new InvitationStore(deps, `${options.folder}/invitations`);
    this.#folders = new FolderWatch(deps.files, { root: options.folder, below: ['invitations', 'pairing'] });
    this.pairing = new PairingDesk(
      {
        ...deps,
        hashes: deps.suite.hashes,
        lock: this.#lock,
        fits: (hello) => this.#fits(hello),
        node: () => ({
          nodeId: this.nodeId,
          sign: (digest) => this.sign(digest),
          decipher: (peer, text) => decipherNip04(this.#alive().secrets.nodeKey, peer, text),
        }),
        terms: (wish, by) => {
          const terms = checkedTerms(wish);
          this.#alive().devices.requireMayInvite(terms, by ?? this.nodeId);
          return terms;
        },
        store: (device, told) => this.#alive().devices.store(device, told),
      },
      { folder: `${options.folder}/pairing`, approveAlways: options.approveCodes ?? false },
    );
  }

  async start(): Promise<void> {
    assert(!this.#life, 'identity is started once');
    const { folder, kekCredentialPath, create = true } = this.#options;
    const { suite, clock } = this.#deps;
    const places = { folder, secrets: `${folder}/secrets`, ...(kekCredentialPath ? { kekCredentialPath } : {}) };
    const secrets = await this.#loadSecrets(places, create);
    const nodeId = toHex(schnorrPublicKey(secrets.nodeKey)) as DeviceKey;
    const channelKey = await suite.x25519.fromScalar(secrets.channelKey);
    const certificate = new NodeCertificate(this.#deps, { nodeKey: secrets.nodeKey, channelKey: channelKey.publicKey });
    const { nodeKey } = secrets;
    const owner = new SignedFile(this.#deps, {
      path: `${folder}/identity.json`,
      lock: this.#lock,
      nodeKey,
      shape: OWNER_IDENTITY_SHAPE,
    });
    const place = { path: `${folder}/devices.json`, lock: this.#lock, nodeKey, nodeId };
    const file = new DeviceFile(this.#deps, place);
    const devices = new DeviceDesk(this.#deps, file, {
      nodeId,
      sign: (digest) => this.sign(digest),
      isListed: (device) => owner.value.devices.includes(device),
    });
    const events = new IdentityEvents({
      ...this.#deps,
      hashes: suite.hashes,
      nodeId,
      file: owner,
      now: () => file.watch.now(),
      accessOf: (device) => file.watch.accessOf(device),
      isRevoked: (device) => devices.isGone(device),
      remove: (device, by) => devices.remove(device, { by }),
      rename: (device, label) => devices.rename(device, label),
    });
    await file.refresh();
    await owner.refresh();
    await this.#invitations.refresh();
    await this.pairing.refresh();
    this.#life = { secrets, file, devices, owner, events, nodeId, channelKey, certificate };
    this.#flushedAt = clock.monotonic();
    if (this.#options.watch) {
      this.#folders.start();
      this.#scheduleLook();
    }
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#cancelPoll();
    this.#folders.stop();
    this.pairing.stop();
    await this.#polling;
    if (!this.#life) return;
    const { secrets, file, events } = this.#life;
    await events.settled();
    await file.flush({ leaving: true });
    for (const secret of [secrets.nodeKey, secrets.channelKey, secrets.storageKek]) secret.fill(0);
    this.#life = null;
  }

  /** A folder that has a node is only read, so that a node also starts on a full disk. */
  async #loadSecrets(places: SecretPlaces, create: boolean): Promise<NodeSecrets> {
    const { files } = this.#deps;
    if (!create || (await files.stat(`${places.secrets}/node-key`))) return loadSecrets(this.#deps, places, false);
    await files.makeFolder(places.folder);
    return this.#lock.run(() => loadSecrets(this.#deps, places, true));
  }

  get nodeId(): DeviceKey {
    return this.#alive().nodeId;
  }

  get channelKey(): KeyPair {
    return this.#alive().channelKey;
  }

  certificate(): string {
    return this.#alive().certificate.text();
  }

  sign(digest: Uint8Array): Uint8Array<ArrayBuffer> {
    return schnorrSign(this.#alive().secrets.nodeKey, digest, this.#deps.random.bytes(32));
  }

  kek(): Uint8Array<ArrayBuffer> {
    return this.#alive().secrets.storageKek.slice();
  }

  deriveKey(label: string): Uint8Array<ArrayBuffer> {
    const { storageKek } = this.#alive().secrets;
    return hkdfSha256(this.#deps.suite.hashes, storageKek, DERIVED_SALT, utf8(label), 32);
  }

  devices(): PairedDevice[] {
    return this.#alive().devices.devices();
  }

  accessOf(device: DeviceKey, now?: number): Access | null {
    return this.#alive().file.watch.accessOf(device, now);
  }

  grants(): HeldGrant[] {
    return this.#alive().devices.grants();
  }

  judgedAt(): number {
    return this.#alive().file.watch.now();
  }

  raiseTime(at: number): void {
    this.#alive().file.watch.raise(at);
  }

  trustClock(): Promise<void> {
    return this.#alive().file.trustClock();
  }

  recipients(): WrapRecipient[] {
    const { hashes } = this.#deps.suite;
    return this.devices().flatMap(({ device, wrapKey }) => {
      const access = this.accessOf(device);
      if (access?.role !== 'owner' || !may(access, 'playback') || !wrapKey) return [];
      return [{ device, keyId: hashes.sha256(wrapKey).slice(0, 16), publicKey: wrapKey }];
    });
  }

  async invite(wish: TermsWish & { expiresMs?: number; by?: DeviceKey }): Promise<Invitation> {
    const { devices, nodeId } = this.#alive();
    const { expiresMs = INVITATION_EXPIRES_MS.standard, by = nodeId, ...asked } = wish;
    const { min, max } = INVITATION_EXPIRES_MS;
    assert(Number.isInteger(expiresMs) && expiresMs >= min && expiresMs <= max, 'an expiry within its limits');
    const terms = checkedTerms(asked);
    devices.requireMayInvite(terms, by);
    return this.#lock.run(() => this.#invitations.create(terms, by === nodeId ? null : by, expiresMs));
  }

  invitations(): Invitation[] {
    this.#alive();
    return this.#invitations.list();
  }

  async withdraw(invitationId: string): Promise<boolean> {
    this.#alive();
    const withdrawn = await this.#invitations.burn(invitationId);
    if (withdrawn) this.#deps.log.info({ invitation: invitationId }, 'took an invitation back');
    return withdrawn !== null;
  }

  invitationSecret(invitationId: Uint8Array): Uint8Array | null {
    this.#alive();
    return this.#invitations.secretOf(toHex(invitationId));
  }

  async admit(hello: ProvedDevice): Promise<{ role: Role } | null> {
    if (hello.suite === 3) return this.#pair(hello);
    if (hello.suite === 4) return this.pairing.admit(hello);
    const role = this.accessOf(hello.device)?.role;
    if (!role) return null;
    this.#alive().file.noteSeen(hello.device);
    return { role };
  }

  async #pair(hello: ProvedDevice): Promise<{ role: Role } | null> {
    if (!(await this.#fits(hello))) return null;
    // Burnt before anything is stored: a crash in between costs an invitation, never lets it be used twice.
    const invitation = await this.#invitations.burn(hello.invitationId ?? '');
    if (!invitation) return null;
    const { device, label, wrapKey } = hello;
    const { terms, by } = invitation;
    const told = { ...(by ? { by } : {}), ...(label ? { label } : {}), ...(wrapKey ? { wrapKey } : {}) };
    try {
      return { role: await this.#alive().devices.store(device, { terms, ...told }) };
    } catch (error) {
      // Whoever invited may no longer, or never might have had this device: no way in, and no fault of ours.
      if (!isNvrError(error, 'denied') && !isNvrError(error, 'invalid')) throw error;
      this.#deps.log.warn({ device, by, reason: error.message }, 'refused a pairing');
      return null;
    }
  }

  /** True where this device could be stored. `ERR_IDENTITY_DEVICES_FULL` (`exhausted`). */
  async #fits({ device, wrapKey }: Pick<ProvedDevice, 'device' | 'wrapKey'>): Promise<boolean> {
    const { devices, nodeId } = this.#alive();
    if (device === nodeId || (wrapKey && !(await isUsable(this.#deps.suite, wrapKey)))) return false;
    devices.requireRoom(device);
    return true;
  }

  grant(device: DeviceKey, wish: TermsWish, by?: DeviceKey): Promise<HeldGrant> {
    return this.#alive().devices.grant(device, wish, by);
  }

  acceptGrant(event: SignedEvent, caller: DeviceKey): Promise<HeldGrant> {
    return this.#alive().devices.accept(event, caller);
  }

  revoke(device: DeviceKey, wish?: EndWish): Promise<boolean> {
    return this.#alive().devices.revoke(device, wish);
  }

  remove(device: DeviceKey, wish?: EndWish): Promise<boolean> {
    return this.#alive().devices.remove(device, wish);
  }

  rename(device: DeviceKey, label: string): Promise<boolean> {
    assert(isLabel(label), 'a label');
    return this.#alive().devices.rename(device, label);
  }

  onAccessChange(listener: (change: AccessChange) => void): () => void {
    return this.#alive().file.watch.onChange(listener);
  }

  pinned(): PinnedIdentity | null {
    const { identityId, label, devices, updatedAt } = this.#alive().owner.value;
    return identityId === '' ? null : { identityId, label, devices, updatedAt };
  }

  async pin({ identityId, label, devices }: Omit<PinnedIdentity, 'updatedAt'>): Promise<void> {
    assert(isIdentityId(identityId) && isLabel(label), 'an identity');
    assert(devices.length <= IDENTITY_DEVICES_MAX && new Set(devices).size === devices.length, 'a list of devices');
    await this.#alive().owner.update((value) => {
      if (value.identityId !== '' && value.identityId !== identityId) throw identityPinned();
      return { ...value, identityId, label, devices };
    });
  }

  async unpin(): Promise<void> {
    await this.#alive().owner.update(unpinned);
  }

  wasPaired(device: DeviceKey): boolean {
    return this.#alive().devices.wasPaired(device);
  }

  standingOf(device: DeviceKey, claimed?: string): Standing {
    const { file, devices, owner } = this.#alive();
    if (file.has(device)) return 'paired';
    if (devices.isGone(device)) return 'unknown';
    const { identityId, devices: listed } = owner.value;
    if (listed.includes(device)) return 'listed';
    return identityId !== '' && claimed === identityId ? 'claimed' : 'unknown';
  }

  onEvent(event: SignedEvent): Promise<EventVerdict> {
    return this.#alive().events.hear(event);
  }

  verdicts(): Readonly<Record<string, number>> {
    return this.#alive().events.verdicts();
  }

  #alive() {
    assert(this.#life, 'identity is started before it is used');
    return this.#life;
  }

  #scheduleLook(): void {
    this.#cancelPoll = this.#deps.clock.after(POLL_MS, () => {
      // Grants end by the clock, also while the disk does not answer.
      this.#alive().file.watch.sweep();
      const now = this.#deps.clock.monotonic();
      if (!this.#polling && (this.#folders.take() || now - this.#polledAt >= UNASKED_MS)) {
        this.#polledAt = now;
        this.#polling = this.#poll().finally(() => {
          this.#polling = null;
        });
      }
      this.#scheduleLook();
    });
  }

  async #poll(): Promise<void> {
    try {
      const { file, owner } = this.#alive();
      await file.refresh();
      await owner.refresh();
      await this.#invitations.refresh();
      await this.pairing.refresh();
      if (this.#deps.clock.monotonic() - this.#flushedAt >= SEEN_FLUSH_MS) {
        this.#flushedAt = this.#deps.clock.monotonic();
        await file.flush({ leaving: false });
      }
      this.#pollFault = '';
    } catch (error) {
      const fault = error instanceof Error ? error.message : String(error);
      // A list that is refused leaves the one in memory in force; said once, not four times a second.
      if (fault !== this.#pollFault) this.#deps.log.error({ fault }, 'could not follow the devices on disk');
      this.#pollFault = fault;
    }
  }
}

/** True for an X-Wing key that something can be sealed to: a bad one would fail the vault each day at midnight. */
async function isUsable(suite: SyncCryptoSuite, wrapKey: Uint8Array): Promise<boolean> {
  if (wrapKey.length !== WRAP_KEY_BYTES) return false;
  if (!(await suite.mlKem768.encapsulate(wrapKey.subarray(0, ML_KEM_KEY_BYTES)))) return false;
  return (await suite.x25519.shared(await suite.x25519.generate(), wrapKey.subarray(ML_KEM_KEY_BYTES))) !== null;
}
