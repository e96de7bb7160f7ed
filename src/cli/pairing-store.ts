import { join } from 'node:path';
import { fromHex, fromUtf8, toHex, utf8 } from '../bytes/index.ts';
import { isNvrError } from '../errors.ts';
import type { Files } from '../platform/index.ts';
import {
  type DeviceKey,
  encodeAddress,
  INVITATION_ADDRESSES_MAX,
  isDeviceKey,
  isLabel,
  isZoneKey,
} from '../protocol/index.ts';
import { nothingNamed, notPaired, pairingRefused, severalNamed } from './errors.ts';

/** What this user keeps of one node: whom to expect there, where, and the keys made for it. */
export interface Pairing {
  nodeId: DeviceKey;
  /** What the person calls the node. */
  name: string;
  /** The node's static X25519 key, 32 bytes. */
  channelKey: Uint8Array<ArrayBuffer>;
  /** `host:port`, best first. */
  addresses: string[];
  /** Epoch ms. */
  pairedAt: number;
  /** Our device key at that node. */
  device: DeviceKey;
  /** Our secrets: secp256k1 scalar, X25519 scalar, X-Wing seed; 32 bytes each. */
  secretKey: Uint8Array<ArrayBuffer>;
  channelScalar: Uint8Array<ArrayBuffer>;
  wrapSeed: Uint8Array<ArrayBuffer>;
  /** Whom to ask where the node is when it has moved; absent: nobody is known. */
  ways?: Ways;
}

/** Gateways and nodes of the swarm that meet a node, and the zones they share with it. */
export interface Ways {
  zones: string[];
  peers: { kind: 'gateway' | 'node'; host: string; port: number }[];
}

/** Most zones, and most peers, that are remembered. */
export const WAYS_MAX = 16;

const HOST = /^[a-z0-9:][a-z0-9.:-]{0,252}$/;

const BYTES_MAX = 64 * 1024;
const NODES_MAX = 1024;
const ENDING = '.json';

/**
 * Pairings of this user, one file each in `$XDG_CONFIG_HOME/constitute-nvr/nodes` (mode 0600, folder 0700). Each node gets
 * keys of its own: two nodes cannot tell that they know the same person.
 */
export class PairingStore {
  readonly #files: Files;
  readonly folder: string;

  constructor(files: Files, env: Readonly<Record<string, string | undefined>>) {
    this.#files = files;
    const base = env['XDG_CONFIG_HOME'] || join(env['HOME'] || '/', '.config');
    this.folder = join(base, 'constitute-nvr', 'nodes');
  }

  /** Every pairing, the newest first. `ERR_CLI_PAIRING_FILE` (`corrupt`) names a file that is not ours. */
  async list(): Promise<Pairing[]> {
    const found: Pairing[] = [];
    for (const { name, kind } of (await this.#files.list(this.folder)).slice(0, NODES_MAX)) {
      if (kind !== 'file' || !name.endsWith(ENDING)) continue;
      const path = join(this.folder, name);
      const pairing = readPairing(await this.#read(path));
      if ('reason' in pairing) throw pairingRefused(path, pairing.reason);
      found.push(pairing);
    }
    return found.sort((a, b) => b.pairedAt - a.pairedAt || (a.nodeId < b.nodeId ? -1 : 1));
  }

  /** The pairing of that name or beginning of a node id; without a name the newest. */
  async choose(name: string | undefined): Promise<Pairing> {
    const all = await this.list();
    if (name === undefined) {
      if (!all[0]) throw notPaired();
      return all[0];
    }
    const named = all.filter((each) => each.name === name);
    const found = named.length > 0 ? named : all.filter((each) => name.length >= 4 && each.nodeId.startsWith(name));
    if (found.length > 1)
      throw severalNamed(
        'node',
        name,
        found.map(({ nodeId }) => nodeId.slice(0, 12)),
      );
    if (!found[0]) throw all.length === 0 ? notPaired() : nothingNamed('paired node', name);
    return found[0];
  }

  async save(pairing: Pairing): Promise<void> {
    await this.#files.makeFolder(this.folder);
    await this.#files.replace(this.#pathOf(pairing.nodeId), writePairing(pairing), { mode: 0o600 });
  }

  /** Forgets a node; the node itself is not told. */
  async forget(nodeId: DeviceKey): Promise<void> {
    await this.#files.remove(this.#pathOf(nodeId)).catch((error) => {
      if (!isNvrError(error, 'missing')) throw error;
    });
  }

  #pathOf(nodeId: DeviceKey): string {
    return join(this.folder, `${nodeId}${ENDING}`);
  }

  async #read(path: string): Promise<Uint8Array> {
    try {
      return await this.#files.read(path, BYTES_MAX);
    } catch (error) {
      if (isNvrError(error, 'invalid')) throw pairingRefused(path, `expected at most ${BYTES_MAX} bytes`);
      throw error;
    }
  }
}

/** The bytes of a pairing's file. */
export function writePairing(pairing: Pairing): Uint8Array<ArrayBuffer> {
  const { channelKey, secretKey, channelScalar, wrapSeed, ...open } = pairing;
  const keys = {
    channelKey: toHex(channelKey),
    secretKey: toHex(secretKey),
    channelScalar: toHex(channelScalar),
    wrapSeed: toHex(wrapSeed),
  };
  return utf8(`${JSON.stringify({ version: 1, ...open, ...keys }, null, 2)}\n`);
}

/** A pairing of its file's bytes, or why they are refused. Total. */
export function readPairing(bytes: Uint8Array): Pairing | { reason: string } {
  let json: Record<string, unknown>;
  try {
    json = JSON.parse(fromUtf8(bytes) ?? '') as Record<string, unknown>;
  } catch {
    return { reason: 'expected JSON' };
  }
  if (typeof json !== 'object' || json === null || json['version'] !== 1) return { reason: 'expected version 1' };
  const { nodeId, name, addresses, pairedAt, device } = json;
  if (typeof nodeId !== 'string' || !isDeviceKey(nodeId)) return { reason: 'expected a node id' };
  if (typeof device !== 'string' || !isDeviceKey(device)) return { reason: 'expected a device key' };
  if (typeof name !== 'string' || !isLabel(name)) return { reason: 'expected a name' };
  if (!Number.isSafeInteger(pairedAt)) return { reason: 'expected a time of pairing' };
  if (!Array.isArray(addresses) || addresses.length < 1 || addresses.length > INVITATION_ADDRESSES_MAX) {
    return { reason: 'expected one to eight addresses' };
  }
  if (!addresses.every((each) => typeof each === 'string' && encodeAddress(each) !== null)) {
    return { reason: 'expected addresses of the form host:port' };
  }
  const [channelKey, secretKey, channelScalar, wrapSeed] = ['channelKey', 'secretKey', 'channelScalar', 'wrapSeed'].map(
    (key) => (typeof json[key] === 'string' ? fromHex(json[key], 32) : null),
  );
  if (!channelKey || !secretKey || !channelScalar || !wrapSeed) return { reason: 'expected keys of 32 bytes in hex' };
  const ways = json['ways'] === undefined ? undefined : readWays(json['ways']);
  if (ways === null) return { reason: 'expected zones and peers to ask' };
  return {
    nodeId,
    name,
    addresses: addresses as string[],
    pairedAt: pairedAt as number,
    device,
    channelKey,
    secretKey,
    channelScalar,
    wrapSeed,
    ...(ways ? { ways } : {}),
  };
}

function readWays(value: unknown): Ways | null {
  const { zones, peers } = (value ?? {}) as Record<string, unknown>;
  if (!Array.isArray(zones) || zones.length > WAYS_MAX || !Array.isArray(peers) || peers.length > WAYS_MAX) return null;
  if (!zones.every((key) => typeof key === 'string' && isZoneKey(key)) || !peers.every(isPeer)) return null;
  return { zones, peers: peers.map(({ kind, host, port }) => ({ kind, host, port })) };
}

function isPeer(value: unknown): value is Ways['peers'][number] {
  const { kind, host, port } = (value ?? {}) as Record<string, unknown>;
  if (kind !== 'gateway' && kind !== 'node') return false;
  return (
    typeof host === 'string' && HOST.test(host) && Number.isInteger(port) && Number(port) > 0 && Number(port) < 65_536
  );
}
