import { isNvrError } from '../errors.ts';
import {
  CHANNEL_CLOSE_CODE,
  CHANNEL_PATH,
  CHANNEL_SUBPROTOCOL,
  FRAME,
  FrameOpener,
  HandshakeInitiator,
  type NoiseKeys,
  parseEvent,
  ROLES,
  type Role,
  verifyCertificate,
} from '../protocol/index.ts';
import type { ClientDeps, DeviceKeys, NodePin } from './api.ts';
import type { Proved } from './channel-client.ts';
import {
  cancelledError,
  notAnsweredError,
  protocolError,
  refusedError,
  timeoutError,
  unreachableError,
  wrongNodeError,
} from './connection-errors.ts';
import { pendingError } from './pair-errors.ts';
import { SocketLine } from './socket-line.ts';

/** From opening the socket to `channel.open`. */
const ATTEMPT_MS = 8_000;
/** Silence after which a node at which we wait for approval is taken for dead; it speaks every 15 s. */
const WAITING_SILENCE_MS = 45_000;

/** What a handshake needs beside the address. */
export interface Approach {
  pin: NodePin;
  device: DeviceKeys;
  /** Present: pair by this invitation. */
  pairing?: { id: Uint8Array; secret: Uint8Array; label: string };
  /** Told that somebody must approve this device, and until when (epoch ms); absent: not waited for. */
  onPending?: ((expiresAt: number) => void) | undefined;
  signal?: AbortSignal;
}

/** A line to one address while a handshake is spoken on it. */
export interface Talk {
  line: SocketLine;
  /** Begins the time anew that the other side has: `ms` from now. */
  allow(ms: number): void;
}

/**
 * Opens a socket to one address and speaks the handshake. Throws `ERR_CLIENT_UNREACHABLE`, `_TIMEOUT`, `_NOT_ANSWERED`,
 * `_WRONG_NODE`, `_REFUSED`, `_PENDING`, `_PROTOCOL` or `_CANCELLED`; the socket is closed then.
 */
export function approach(deps: ClientDeps, address: string, wish: Approach): Promise<Proved> {
  return talkTo(deps, address, wish.signal, (talk) => shake(deps, address, talk, wish));
}

/** Opens a socket to one address and lets `speak` speak on it; closed where that fails, the other side is silent too long, or `signal` aborts. */
export async function talkTo<T>(
  deps: ClientDeps,
  address: string,
  signal: AbortSignal | undefined,
  speak: (talk: Talk) => Promise<T>,
): Promise<T> {
  if (signal?.aborted) throw cancelledError();
  const line = new SocketLine(deps.openSocket(`ws://${address}${CHANNEL_PATH}`, CHANNEL_SUBPROTOCOL));
  let cause: Error | null = null;
  const stop = (error: Error) => {
    cause ??= error;
    line.close(CHANNEL_CLOSE_CODE);
  };
  let cancelTimer = () => {};
  const allow = (ms: number) => {
    cancelTimer();
    cancelTimer = deps.after(ms, () => stop(timeoutError(address)));
  };
  allow(ATTEMPT_MS);
  const onAbort = () => stop(cancelledError());
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    if (!(await line.opened)) throw unreachableError(address);
    return await speak({ line, allow });
  } catch (error) {
    line.close(CHANNEL_CLOSE_CODE);
    throw cause ?? (isNvrError(error) ? error : protocolError('the socket failed'));
  } finally {
    cancelTimer();
    signal?.removeEventListener('abort', onAbort);
  }
}

async function shake(deps: ClientDeps, address: string, talk: Talk, wish: Approach): Promise<Proved> {
  const { suite } = deps;
  const { line } = talk;
  const { pin, device, pairing } = wish;
  const initiator = new HandshakeInitiator(suite, {
    nodeId: pin.nodeId,
    nodeKey: pin.channelKey,
    staticKey: device.channelKey,
    ...(pairing ? { invitation: pairing } : {}),
  });
  line.send(await initiator.hello());
  const answer = await line.next();
  if (!answer) throw notAnsweredError(address, pairing !== undefined);
  const told = await initiator.readAnswer(answer);
  if (typeof told === 'string') throw wrongNodeError(address, `its answer fails (${told})`);
  const checked = verifyCertificate(suite.hashes, told.certificate, {
    role: 'node',
    channelKey: pin.channelKey,
    node: pin.nodeId,
    now: deps.now(),
  });
  if ('reason' in checked) throw wrongNodeError(address, `its certificate fails (${checked.reason})`);
  const { message, keys } = await initiator.finish({
    certificate: device.certificate,
    ...(pairing ? { pairing: { label: pairing.label, wrapKey: device.wrapKey } } : {}),
  });
  line.send(message);
  const { role, opener } = await letIn(address, talk, keys, pairing !== undefined, wish.onPending);
  return { nodeId: pin.nodeId, role, line, keys, opener };
}

/** Reads the node's decision after the last message of a handshake: `channel.open`, perhaps after `channel.pending` and a long wait. */
export async function letIn(
  address: string,
  { line, allow }: Talk,
  keys: NoiseKeys,
  pairing: boolean,
  onPending?: (expiresAt: number) => void,
): Promise<{ role: Role; opener: FrameOpener }> {
  const opener = new FrameOpener(keys.receive, 'node');
  let waiting = false;
  for (;;) {
    const message = await line.next();
    if (!message) throw refusedError(address, pairing);
    const frame = await opener.open(message);
    if (waiting) allow(WAITING_SILENCE_MS);
    if (waiting && frame?.type === FRAME.ping) continue;
    const event = frame?.type === FRAME.event && frame.stream === 0 ? parseEvent(frame.body) : null;
    if (event?.name === 'channel.pending' && !waiting) {
      const { expiresAt } = event.params;
      if (!onPending) throw pendingError(address);
      waiting = true;
      allow(WAITING_SILENCE_MS);
      onPending(typeof expiresAt === 'number' ? expiresAt : 0);
      continue;
    }
    const role = event?.name === 'channel.open' ? event.params['role'] : null;
    if (!isRole(role)) throw protocolError('the channel does not open');
    return { role, opener };
  }
}

function isRole(value: unknown): value is Role {
  return (ROLES as readonly unknown[]).includes(value);
}
