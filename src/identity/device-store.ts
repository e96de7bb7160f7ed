import { equalBytes, toHex } from '../bytes/index.ts';
import { type SyncCryptoSuite, schnorrPublicKey, schnorrSign } from '../crypto/index.ts';
import { isNvrError } from '../errors.ts';
import type { Files, Log, Random } from '../platform/index.ts';
import type { DeviceKey } from '../protocol/index.ts';
import {
  DEVICE_LIST_BYTES_MAX,
  type DeviceList,
  deviceListDigest,
  type PairedDevice,
  readDeviceList,
  writeDeviceList,
} from './device-list.ts';
import { devicesRefused, devicesRolledBack } from './errors.ts';
import type { FolderLock } from './folder-lock.ts';

const TRIES_MAX = 3;

/** What became of a device between two generations of the list. */
export interface DeviceLoss {
  device: DeviceKey;
  change: 'removed' | 'role';
}

/**
 * `devices.json` on disk and in memory. Every change is read-modify-write under the folder's lock, on what the disk holds
 * at that moment, one generation further: no program's change is lost under another's.
 */
export class DeviceStore {
  readonly #deps: { files: Files; random: Random; log: Log; suite: SyncCryptoSuite };
  readonly #path: string;
  readonly #lock: FolderLock;
  readonly #nodeKey: Uint8Array;
  readonly #nodeId: DeviceKey;
  readonly #onLoss: (loss: DeviceLoss) => void;
  #list: DeviceList = { generation: 0, devices: [] };
  #bytes: Uint8Array = new Uint8Array(0);

  constructor(
    deps: { files: Files; random: Random; log: Log; suite: SyncCryptoSuite },
    options: { path: string; lock: FolderLock; nodeKey: Uint8Array; onLoss: (loss: DeviceLoss) => void },
  ) {
    this.#deps = deps;
    this.#path = options.path;
    this.#lock = options.lock;
    this.#nodeKey = options.nodeKey;
    this.#nodeId = toHex(schnorrPublicKey(options.nodeKey)) as DeviceKey;
    this.#onLoss = options.onLoss;
  }

  /** The list as last read or written. */
  get list(): DeviceList {
    return this.#list;
  }

  /**
   * Takes what is on disk, where it changed. `ERR_IDENTITY_DEVICES_REFUSED`, `ERR_IDENTITY_DEVICES_ROLLED_BACK`
   * (`corrupt`): memory then stays as it was.
   */
  async refresh(): Promise<void> {
    const bytes = await this.#read();
    if (equalBytes(bytes, this.#bytes)) return;
    this.#adopt(this.#parse(bytes), bytes);
  }

  /**
   * Applies `change` to the list on disk; null writes nothing. `change` may run again when another program interferes.
   * Gives the list that holds afterwards.
   */
  async update(change: (devices: readonly PairedDevice[]) => PairedDevice[] | null): Promise<DeviceList> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#lock.run((held) => this.#updateAlone(change, held));
      } catch (error) {
        if (!isLockLost(error) || tries >= TRIES_MAX) throw error;
      }
    }
  }

  async #updateAlone(
    change: (devices: readonly PairedDevice[]) => PairedDevice[] | null,
    held: () => Promise<void>,
  ): Promise<DeviceList> {
    await this.refresh();
    const devices = change(this.#list.devices);
    if (!devices) return this.#list;
    const { suite, random, files } = this.#deps;
    const list = { generation: this.#list.generation + 1, devices };
    const digest = deviceListDigest(suite.hashes, this.#nodeId, list);
    const signature = schnorrSign(this.#nodeKey, digest, random.bytes(32));
    const bytes = writeDeviceList(this.#nodeId, list, signature);
    await held();
    await files.replace(this.#path, bytes, { mode: 0o600 });
    await this.#keepOrStartOver(bytes, held);
    this.#adopt(list, bytes);
    return list;
  }

  /** A lock lost while we wrote is no harm as long as what is on disk is ours. */
  async #keepOrStartOver(bytes: Uint8Array, held: () => Promise<void>): Promise<void> {
    try {
      await held();
    } catch (error) {
      if (!isLockLost(error) || !equalBytes(await this.#read(), bytes)) throw error;
    }
  }

  #parse(bytes: Uint8Array): DeviceList {
    if (bytes.length === 0) {
      if (this.#list.generation > 0) throw devicesRolledBack(this.#path, 0, this.#list.generation);
      return { generation: 0, devices: [] };
    }
    const list = readDeviceList(this.#deps.suite.hashes, this.#nodeId, bytes);
    if ('reason' in list) throw devicesRefused(this.#path, list.reason);
    // The same generation with other bytes is a write that another program's retry has overtaken: the disk is right.
    if (list.generation < this.#list.generation) {
      throw devicesRolledBack(this.#path, list.generation, this.#list.generation);
    }
    return list;
  }

  #adopt(list: DeviceList, bytes: Uint8Array): void {
    const before = this.#list;
    this.#list = list;
    this.#bytes = bytes;
    for (const { device, role } of before.devices) {
      const after = list.devices.find((each) => each.device === device);
      if (after?.role === role) continue;
      const change = after ? 'role' : 'removed';
      this.#deps.log.info({ device, change, generation: list.generation }, 'a device lost what it was allowed');
      this.#onLoss({ device, change });
    }
  }

  async #read(): Promise<Uint8Array> {
    try {
      return await this.#deps.files.read(this.#path, DEVICE_LIST_BYTES_MAX);
    } catch (error) {
      if (isNvrError(error, 'missing')) return new Uint8Array(0);
      if (isNvrError(error, 'invalid'))
        throw devicesRefused(this.#path, `expected at most ${DEVICE_LIST_BYTES_MAX} bytes`);
      throw error;
    }
  }
}

function isLockLost(error: unknown): boolean {
  return isNvrError(error, 'conflict') && error.code === 'ERR_IDENTITY_LOCK_LOST';
}
