import { toHex } from '../bytes/index.ts';
import { type KeyPair, type SyncCryptoSuite, schnorrPublicKey, schnorrSign } from '../crypto/index.ts';
import { assert } from '../errors.ts';
import { DEVICES_MAX, type DeviceKey, INVITATION_EXPIRES_MS, isLabel, ROLES, type Role } from '../protocol/index.ts';
import type { Identity, IdentityDeps, IdentityOptions, ProvedDevice, WrapRecipient } from './api.ts';
import { type PairedDevice, WRAP_KEY_BYTES, wrapKeyIdOf } from './device-list.ts';
import { type DeviceLoss, DeviceStore } from './device-store.ts';
import { devicesFull, lastOwner } from './errors.ts';
import { FolderLock } from './folder-lock.ts';
import { type Invitation, InvitationStore } from './invitation-store.ts';
import { NodeCertificate } from './node-certificate.ts';
import { loadSecrets, type NodeSecrets, type SecretPlaces } from './secrets.ts';

/** How often other programs' changes are looked for. */
const POLL_MS = 250;
/** How long `lastSeenAt` may stay in memory only. */
const SEEN_FLUSH_MS = 60_000;
/** An X-Wing public key is an ML-KEM-768 key of this size, then an X25519 key. */
const ML_KEM_KEY_BYTES = 1184;

/** Makes the identity room. `start` loads or makes the keys and reads the devices; errors name the file at fault. */
export function createIdentity(deps: IdentityDeps, options: IdentityOptions): Identity {
  return new NodeIdentity(deps, options);
}

class NodeIdentity implements Identity {
  readonly #deps: IdentityDeps;
  readonly #options: IdentityOptions;
  readonly #lock: FolderLock;
  readonly #invitations: InvitationStore;
  readonly #listeners = new Set<(loss: DeviceLoss) => void>();
  /** `lastSeenAt` newer than on disk; bounded by the paired devices. */
  readonly #seen = new Map<DeviceKey, number>();
  #life: {
    secrets: NodeSecrets;
    devices: DeviceStore;
    nodeId: DeviceKey;
    channelKey: KeyPair;
    certificate: NodeCertificate;
  } | null = null;
  #cancelPoll: () => void = () => {};
  #polling: Promise<void> = Promise.resolve();
  #stopped = false;
  #pollFault = '';
  #flushedAt = 0;

  constructor(deps: IdentityDeps, options: IdentityOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#lock = new FolderLock(deps, `${options.folder}/devices.lock`);
    this.#invitations = new InvitationStore(deps, `${options.folder}/invitations`);
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
    const devices = new DeviceStore(this.#deps, {
      path: `${folder}/devices.json`,
      lock: this.#lock,
      nodeKey: secrets.nodeKey,
      onLoss: (loss) => this.#tellLoss(loss),
    });
    await devices.refresh();
    await this.#invitations.refresh();
    this.#life = { secrets, devices, nodeId, channelKey, certificate };
    this.#flushedAt = clock.monotonic();
    if (this.#options.watch) this.#schedulePoll();
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#cancelPoll();
    await this.#polling;
    if (!this.#life) return;
    await this.#flushSeen();
    const { secrets } = this.#life;
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

  devices(): PairedDevice[] {
    return this.#alive().devices.list.devices.map((each) => this.#withSeen(each));
  }

  roleOf(device: DeviceKey): Role | null {
    return this.#find(device)?.role ?? null;
  }

  recipients(): WrapRecipient[] {
    const { hashes } = this.#deps.suite;
    return this.#alive().devices.list.devices.flatMap(({ device, role, wrapKey }) =>
      role === 'owner' && wrapKey ? [{ device, keyId: hashes.sha256(wrapKey).slice(0, 16), publicKey: wrapKey }] : [],
    );
  }

  invite({
    role,
    expiresMs = INVITATION_EXPIRES_MS.standard,
  }: {
    role: Role;
    expiresMs?: number;
  }): Promise<Invitation> {
    this.#alive();
    const { min, max } = INVITATION_EXPIRES_MS;
    assert(Number.isInteger(expiresMs) && expiresMs >= min && expiresMs <= max, 'an expiry within its limits');
    return this.#lock.run(() => this.#invitations.create(role, expiresMs));
  }

  invitations(): Invitation[] {
    this.#alive();
    return this.#invitations.list();
  }

  invitationSecret(invitationId: Uint8Array): Uint8Array | null {
    this.#alive();
    return this.#invitations.secretOf(toHex(invitationId));
  }

  async admit(hello: ProvedDevice): Promise<{ role: Role } | null> {
    if (hello.suite === 3) return this.#pair(hello);
    const role = this.roleOf(hello.device);
    if (!role) return null;
    this.#seen.set(hello.device, this.#deps.clock.now());
    return { role };
  }

  async #pair({ device, invitationId, label, wrapKey }: ProvedDevice): Promise<{ role: Role } | null> {
    const { devices: store, nodeId } = this.#alive();
    const { clock, log, suite } = this.#deps;
    if (device === nodeId || (wrapKey && !(await isUsable(suite, wrapKey)))) return null;
    if (!this.#find(device) && store.list.devices.length >= DEVICES_MAX) throw devicesFull(DEVICES_MAX);
    // Burnt before anything is stored: a crash in between costs an invitation, never lets it be used twice.
    const invitation = await this.#invitations.burn(invitationId ?? '');
    if (!invitation) return null;
    const list = await store.update((devices) => {
      const before = devices.find((each) => each.device === device);
      if (!before && devices.length >= DEVICES_MAX) throw devicesFull(DEVICES_MAX);
      const paired: PairedDevice = {
        device,
        role: devices.length === 0 ? 'owner' : higher(invitation.role, before?.role),
        label: label !== undefined && isLabel(label) ? label : `device ${device.slice(0, 8)}`,
        wrapKey: wrapKey?.slice() ?? null,
        wrapKeyId: wrapKey ? wrapKeyIdOf(suite.hashes, wrapKey) : null,
        pairedAt: clock.now(),
        lastSeenAt: clock.now(),
      };
      return [...devices.filter((each) => each !== before).map((each) => this.#withSeen(each)), paired];
    });
    const { role } = list.devices.find((each) => each.device === device)!;
    log.info({ device, role, invitation: invitation.id }, 'paired a device');
    return { role };
  }

  async remove(device: DeviceKey): Promise<boolean> {
    let found = false;
    await this.#alive().devices.update((devices) => {
      const rest = devices.filter((each) => each.device !== device);
      found = rest.length < devices.length;
      if (!found) return null;
      if (rest.length > 0 && !rest.some((each) => each.role === 'owner')) throw lastOwner();
      return rest.map((each) => this.#withSeen(each));
    });
    this.#seen.delete(device);
    return found;
  }

  async rename(device: DeviceKey, label: string): Promise<boolean> {
    assert(isLabel(label), 'a label');
    let found = false;
    await this.#alive().devices.update((devices) => {
      found = devices.some((each) => each.device === device);
      if (!found) return null;
      return devices.map((each) => this.#withSeen(each.device === device ? { ...each, label } : each));
    });
    return found;
  }

  onLoss(listener: (loss: DeviceLoss) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #tellLoss(loss: DeviceLoss): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(loss);
      } catch (fault) {
        // The list is written already: one listener's fault must not hide the loss from the others.
        this.#deps.log.error({ device: loss.device, fault: String(fault) }, 'could not tell of a lost device');
      }
    }
  }

  #alive() {
    assert(this.#life, 'identity is started before it is used');
    return this.#life;
  }

  #find(device: DeviceKey): PairedDevice | undefined {
    return this.#alive().devices.list.devices.find((each) => each.device === device);
  }

  #withSeen(paired: PairedDevice): PairedDevice {
    const seenAt = this.#seen.get(paired.device) ?? 0;
    return seenAt > paired.lastSeenAt ? { ...paired, lastSeenAt: seenAt } : paired;
  }

  #schedulePoll(): void {
    this.#cancelPoll = this.#deps.clock.after(POLL_MS, () => {
      this.#polling = this.#poll().then(() => {
        if (!this.#stopped) this.#schedulePoll();
      });
    });
  }

  async #poll(): Promise<void> {
    try {
      await this.#alive().devices.refresh();
      await this.#invitations.refresh();
      if (this.#deps.clock.monotonic() - this.#flushedAt >= SEEN_FLUSH_MS) await this.#flushSeen();
      this.#pollFault = '';
    } catch (error) {
      const fault = error instanceof Error ? error.message : String(error);
      // A list that is refused leaves the one in memory in force; said once, not four times a second.
      if (fault !== this.#pollFault) this.#deps.log.error({ fault }, 'could not follow the devices on disk');
      this.#pollFault = fault;
    }
  }

  /** Writes `lastSeenAt` where it changed; not doing so harms nothing. */
  async #flushSeen(): Promise<void> {
    this.#flushedAt = this.#deps.clock.monotonic();
    const { devices } = this.#alive();
    if (!devices.list.devices.some((each) => this.#withSeen(each) !== each)) return;
    try {
      await devices.update((list) => list.map((each) => this.#withSeen(each)));
    } catch (error) {
      this.#deps.log.warn({ fault: String(error) }, 'could not note when devices were last seen');
    }
  }
}

function higher(role: Role, other: Role | undefined): Role {
  return other && ROLES.indexOf(other) > ROLES.indexOf(role) ? other : role;
}

/** True for an X-Wing key that something can be sealed to: a bad one would fail the vault each day at midnight. */
async function isUsable(suite: SyncCryptoSuite, wrapKey: Uint8Array): Promise<boolean> {
  if (wrapKey.length !== WRAP_KEY_BYTES) return false;
  if (!(await suite.mlKem768.encapsulate(wrapKey.subarray(0, ML_KEM_KEY_BYTES)))) return false;
  return (await suite.x25519.shared(await suite.x25519.generate(), wrapKey.subarray(ML_KEM_KEY_BYTES))) !== null;
}
