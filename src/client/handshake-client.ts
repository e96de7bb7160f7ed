import { isNvrError } from '../errors.ts';
import {
  CHANNEL_CLOSE_CODE,
  CHANNEL_PATH,
  CHANNEL_SUBPROTOCOL,
  FRAME,
  FrameOpener,
  HandshakeInitiator,
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
import { SocketLine } from './socket-line.ts';

/** From opening the socket to `channel.open`. */
const ATTEMPT_MS = 8_000;

/** What a handshake needs beside the address. */
export interface Approach {
  pin: NodePin;
  device: DeviceKeys;
  /** Present: pair by this invitation. */
  pairing?: { id: Uint8Array; secret: Uint8Array; label: string };
  signal?: AbortSignal;
}

/**
 * Opens a socket to one address and speaks the handshake. Throws `ERR_CLIENT_UNREACHABLE`, `_TIMEOUT`, `_NOT_ANSWERED`,
 * `_WRONG_NODE`, `_REFUSED`, `_PROTOCOL` or `_CANCELLED`; the socket is closed then.
 */
export async function approach(deps: ClientDeps, address: string, wish: Approach): Promise<Proved> {
  const { signal } = wish;
  if (signal?.aborted) throw cancelledError();
  const line = new SocketLine(deps.openSocket(`ws://${address}${CHANNEL_PATH}`, CHANNEL_SUBPROTOCOL));
  let cause: Error | null = null;
  const stop = (error: Error) => {
    cause ??= error;
    line.close(CHANNEL_CLOSE_CODE);
  };
  const cancelTimer = deps.after(ATTEMPT_MS, () => stop(timeoutError(address)));
  const onAbort = () => stop(cancelledError());
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    if (!(await line.opened)) throw unreachableError(address);
    return await shake(deps, address, line, wish);
  } catch (error) {
    line.close(CHANNEL_CLOSE_CODE);
    throw cause ?? (isNvrError(error) ? error : protocolError('the socket failed'));
  } finally {
    cancelTimer();
    signal?.removeEventListener('abort', onAbort);
  }
}

async function shake(deps: ClientDeps, address: string, line: SocketLine, wish: Approach): Promise<Proved> {
  const { suite } = deps;
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
  const first = await line.next();
  if (!first) throw refusedError(address, pairing !== undefined);
  const opener = new FrameOpener(keys.receive, 'node');
  const frame = await opener.open(first);
  const event = frame?.type === FRAME.event && frame.stream === 0 ? parseEvent(frame.body) : null;
  const role = event?.name === 'channel.open' ? event.params['role'] : null;
  if (!isRole(role)) throw protocolError('the channel does not open');
  return { nodeId: pin.nodeId, role, line, keys, opener };
}

function isRole(value: unknown): value is Role {
  return (ROLES as readonly unknown[]).includes(value);
}
