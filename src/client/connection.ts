import { assert, isNvrError, NvrError } from '../errors.ts';
import { type InvitationCode, type RekeyLimits, verifyCertificate } from '../protocol/index.ts';
import type { ClientDeps, Connection, DeviceKeys, NodePin } from './api.ts';
import { ChannelClient, type Proved } from './channel-client.ts';
import { certificateError, invitationExpiredError, mostTelling } from './connection-errors.ts';
import { type Approach, approach } from './handshake-client.ts';

/** A device known to the node, and where to find it. */
export interface ConnectOptions {
  pin: NodePin;
  device: DeviceKeys;
  signal?: AbortSignal;
  /** Other rekey limits, for tests. */
  rekey?: RekeyLimits;
}

/** A device that comes with an invitation. */
export interface PairOptions {
  invitation: InvitationCode;
  /** Keys made for the node of the invitation. */
  device: DeviceKeys;
  /** What the person calls this device: 1 to 64 characters. */
  label: string;
  signal?: AbortSignal;
}

/**
 * Opens a channel to a paired node: its addresses in order, 8 s each, until one proves to be the node.
 *
 * Errors (`NvrError`): `ERR_CLIENT_UNREACHABLE`, `_TIMEOUT`, `_NOT_ANSWERED` (`unavailable`), `_WRONG_NODE`
 * (`unauthenticated`), `_REFUSED` (`denied`: this device is not known there), `_CERTIFICATE` (`invalid`), `_CANCELLED`.
 */
export async function connect(deps: ClientDeps, options: ConnectOptions): Promise<Connection> {
  const { proved } = await reach(deps, options);
  return new ChannelClient(deps, proved, options.rekey);
}

/**
 * Pairs this device with the node of an invitation and opens a channel; keep `pin` (its first address is the one that worked).
 *
 * Errors beside those of `connect`: `ERR_CLIENT_INVITATION_EXPIRED` (`invalid`), `ERR_CLIENT_NOT_ANSWERED` (`denied`:
 * the node does not take the invitation).
 */
export async function pairConnect(
  deps: ClientDeps,
  { invitation, device, label, signal }: PairOptions,
): Promise<{ connection: Connection; pin: NodePin }> {
  if (invitation.expiresAt <= deps.now()) throw invitationExpiredError();
  const { nodeId, channelKey, id, secret } = invitation;
  const pin: NodePin = { nodeId, channelKey, addresses: [...invitation.addresses] };
  const known = { pin, device, ...(signal ? { signal } : {}) };
  const { proved, address } = await reach(deps, { ...known, pairing: { id, secret, label } }).catch(async (error) => {
    // The line may have broken after the node stored us: then it knows us already.
    if (!isNvrError(error, 'denied') || error.code !== 'ERR_CLIENT_REFUSED') throw error;
    return reach(deps, known).catch(() => {
      throw error;
    });
  });
  const addresses = [address, ...pin.addresses.filter((other) => other !== address)];
  return { connection: new ChannelClient(deps, proved), pin: { ...pin, addresses } };
}

/** The first address that proves to be the node; a node that turns us away ends the search. */
async function reach(deps: ClientDeps, wish: Approach): Promise<{ proved: Proved; address: string }> {
  const { pin, device, signal } = wish;
  assert(pin.addresses.length > 0, 'an address to try');
  const own = verifyCertificate(deps.suite.hashes, device.certificate, {
    role: 'client',
    channelKey: device.channelKey.publicKey,
    node: pin.nodeId,
    now: deps.now(),
  });
  if ('reason' in own) throw certificateError(own.reason);
  const errors: NvrError[] = [];
  for (const address of pin.addresses) {
    try {
      return { proved: await approach(deps, address, wish), address };
    } catch (error) {
      if (!(error instanceof NvrError) || signal?.aborted || error.code === 'ERR_CLIENT_REFUSED') throw error;
      errors.push(error);
    }
  }
  throw mostTelling(errors);
}
