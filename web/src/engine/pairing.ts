import { toHex } from '../../../src/bytes/index.ts';
import { type Connection, pairByCode, pairConnect } from '../../../src/client/index.ts';
import { schnorrPublicKey } from '../../../src/crypto/index.ts';
import { NvrError } from '../../../src/errors.ts';
import { type DeviceKey, parseInvitation, readPairingCode } from '../../../src/protocol/index.ts';
import type { KeptNode } from './device-store.ts';
import { deviceKeys } from './node-link.ts';
import type { BrowserPlatform } from './platform.ts';

/** What the person says when a device is paired. */
export interface PairingWords {
  /** What this device is called at the node. */
  label: string;
  /** What the node and its place are called here. */
  name: string;
  site: string;
}

export interface Paired {
  kept: KeptNode;
  connection: Connection;
}

/** Reads an invitation; throws `ERR_VIEWER_INVITATION` (`invalid`). */
export function readInvitation(platform: BrowserPlatform, text: string) {
  const invitation = parseInvitation(platform.suite.hashes, text);
  if (typeof invitation === 'string') {
    throw new NvrError('ERR_VIEWER_INVITATION', 'invalid', `expected an invitation of a node (${invitation})`);
  }
  return invitation;
}

/** Pairs by an invitation. */
export async function pairByInvitation(
  platform: BrowserPlatform,
  text: string,
  { label, name, site }: PairingWords,
  signal: AbortSignal,
): Promise<Paired> {
  const invitation = readInvitation(platform, text);
  const { nodeId, channelKey, addresses } = invitation;
  const kept = await freshKeys(platform, {
    node: nodeId,
    name,
    site,
    channelKey: channelKey.slice(),
    addresses: [...addresses],
  });
  const device = await deviceKeys(platform, kept);
  const { connection, pin } = await pairConnect(platform, { invitation, device, label, signal });
  return { kept: { ...kept, addresses: pin.addresses }, connection };
}

/** Pairs by the eight digits somebody reads from a device that may let others in. */
export async function pairByDigits(
  platform: BrowserPlatform,
  address: string,
  digits: string,
  { label, name, site }: PairingWords,
  options: { signal: AbortSignal; onPending(waiting: { node: DeviceKey; device: DeviceKey; expiresAt: number }): void },
): Promise<Paired> {
  const code = readPairingCode(digits);
  if (code === null) throw new NvrError('ERR_VIEWER_CODE', 'invalid', 'expected eight digits');
  // Whose keys these are is known once the node proved itself.
  const unproved = await freshKeys(platform, {
    node: '' as DeviceKey,
    name,
    site,
    channelKey: new Uint8Array(32),
    addresses: [address],
  });
  const channelKey = unproved.channelPair ?? (await platform.suite.x25519.fromScalar(unproved.secrets.channelScalar!));
  const { connection, pin } = await pairByCode(platform, {
    address,
    code,
    label,
    channelKey,
    device: (node) => deviceKeys(platform, { ...unproved, node }),
    onPending: ({ pin: { nodeId }, device, expiresAt }) => options.onPending({ node: nodeId, device, expiresAt }),
    signal: options.signal,
  });
  const kept = { ...unproved, node: pin.nodeId, channelKey: pin.channelKey.slice(), addresses: pin.addresses };
  return { kept, connection };
}

type Known = Pick<KeptNode, 'node' | 'name' | 'site' | 'channelKey' | 'addresses'>;

async function freshKeys(platform: BrowserPlatform, known: Known): Promise<KeptNode> {
  const { random, suite } = platform;
  const secretKey = freshScalar(random);
  const pair = await suite.x25519.generate();
  const native = typeof CryptoKey !== 'undefined' && pair.secret instanceof CryptoKey;
  return {
    ...known,
    device: toHex(schnorrPublicKey(secretKey)) as DeviceKey,
    pairedAt: platform.now(),
    secrets: { secretKey, wrapSeed: random.bytes(32), channelScalar: native ? null : random.bytes(32) },
    channelPair: native ? { publicKey: pair.publicKey, secret: pair.secret as CryptoKey } : null,
  };
}

/** 32 random bytes that are a secp256k1 scalar (all but one in 2^128 are). */
function freshScalar(random: BrowserPlatform['random']): Uint8Array<ArrayBuffer> {
  for (;;) {
    const scalar = random.bytes(32);
    try {
      schnorrPublicKey(scalar);
      return scalar;
    } catch {
      // zero, or not below the order: draw again
    }
  }
}
