import type { WebSocket } from 'ws';
import { toHex } from '../bytes/index.ts';
import {
  type CertificateReason,
  type ClientProof,
  CodeResponder,
  type DeviceKey,
  encodeEvent,
  FRAME,
  FrameSealer,
  type HandshakeReason,
  HandshakeResponder,
  MESSAGE_CODE_HELLO,
  type NoiseKeys,
  PING_NO_ANSWER,
  type Role,
  verifyCertificate,
} from '../protocol/index.ts';
import type { Awaited, ChannelDeps, ProvedHello } from './api.ts';
import type { ChannelLimits } from './limits.ts';
import type { VerifiedCertificates } from './verified-certificates.ts';

const EMPTY = new Uint8Array(0);

/** Why a handshake came to nothing; for the log and counters, never for the peer. */
export type GreetingReason =
  | HandshakeReason
  | `certificate ${CertificateReason}`
  | 'closed'
  | 'early'
  | 'text'
  | 'no code'
  | 'tries'
  | 'wrong code'
  | 'not approved'
  | 'refused'
  | 'failed';

/** A device that was let in. */
export interface Greeted {
  device: DeviceKey;
  role: Role;
  keys: NoiseKeys;
}

/** Who comes, and who is told how far it has come. */
export interface Visit {
  /** Where it comes from, numeric, without port; empty where unknown. */
  address: string;
  limits: ChannelLimits;
  /** It proved that it knows the code: from here on it may take its time. */
  onCode(): void;
  /** It is about to be admitted; a removal meanwhile can end it. */
  onDevice(device: DeviceKey): void;
  /** It waits for approval, for minutes perhaps. */
  onAwaited(): void;
}

/** What a handshake gave, whatever its suite. */
type Shaken = ClientProof & Pick<ProvedHello, 'suite' | 'invitationId' | 'codeId'>;

/**
 * The node's side of the handshake over one WebSocket: its messages, certificate, admission, and the wait for an approval.
 * Closes nothing itself.
 *
 * The listeners it adds to the socket are gone when it resolves, in the same turn as the last message's: the next owner misses
 * none.
 */
export async function greet(
  socket: WebSocket,
  deps: ChannelDeps,
  verified: VerifiedCertificates,
  visit: Visit,
): Promise<Greeted | GreetingReason> {
  const inbox = new Inbox(socket);
  try {
    const first = await inbox.next();
    if (!first) return inbox.reason;
    const shaken = await (first[0] === MESSAGE_CODE_HELLO
      ? shakeByCode(first, socket, inbox, deps, visit)
      : shake(first, socket, inbox, deps));
    if (typeof shaken === 'string') return shaken;
    const { payload, keys, remoteStatic } = shaken;
    const checked = verifyCertificate(deps.suite.hashes, payload.certificate, {
      role: 'client',
      channelKey: remoteStatic,
      node: deps.nodeId,
      now: deps.clock.now(),
      verified,
    });
    if ('reason' in checked) return `certificate ${checked.reason}`;
    if (inbox.ended) return inbox.reason;
    const device = checked.claim.author;
    visit.onDevice(device);
    const admitted = await deps.admit({ ...helloOf(device, shaken), address: visit.address });
    if (inbox.ended) return inbox.reason;
    if (admitted) return { device, role: admitted.role, keys };
    const awaited = deps.awaiting?.(device);
    if (!awaited) return 'refused';
    visit.onAwaited();
    const decided = await untilDecided(socket, inbox, deps, visit, awaited, keys);
    if (typeof decided === 'string') return decided;
    return { device, role: decided.role, keys };
  } catch (error) {
    deps.log.error({ error }, 'a handshake failed here');
    return 'failed';
  } finally {
    inbox.stop();
  }
}

/** Suites 1 and 3: HS1, HS2, HS3. */
async function shake(
  hello: Uint8Array,
  socket: WebSocket,
  inbox: Inbox,
  deps: ChannelDeps,
): Promise<Shaken | GreetingReason> {
  const responder = new HandshakeResponder(deps.suite, deps);
  const answer = await responder.answer(hello, { certificate: deps.certificate() });
  if (typeof answer === 'string') return answer;
  const message = await replied(socket, inbox, answer);
  if (!message) return inbox.reason;
  const proof = await responder.readFinish(message);
  if (typeof proof === 'string') return proof;
  const { suite, invitationId } = responder;
  return { ...proof, suite, ...(invitationId ? { invitationId: toHex(invitationId) } : {}) };
}

/** Suite 4: PC1, PC2, HS1, HS2, HS3. Without a code that waits its speaker is a stranger like any other. */
async function shakeByCode(
  greeting: Uint8Array,
  socket: WebSocket,
  inbox: Inbox,
  deps: ChannelDeps,
  visit: Visit,
): Promise<Shaken | GreetingReason> {
  const { suite, staticKey, random, codes } = deps;
  const code = codes?.waiting();
  if (!codes || !code) return 'no code';
  const responder = new CodeResponder(suite, { secret: code.secret, staticKey, seed: random.bytes(64) });
  const share = responder.greet(greeting);
  if (typeof share === 'string') return share;
  const hello = await replied(socket, inbox, share);
  if (!hello) return inbox.reason;
  // Counted before it is judged: neither a crash nor many guesses at once win one more.
  const tell = await codes.guess(code.id, visit.address);
  if (!tell) return 'tries';
  const isRight = (await responder.judge(hello)) === null;
  await tell(isRight);
  if (!isRight) return 'wrong code';
  if (inbox.ended) return inbox.reason;
  visit.onCode();
  const message = await replied(socket, inbox, await responder.answer({ certificate: deps.certificate() }));
  if (!message) return inbox.reason;
  const proof = await responder.readFinish(message);
  return typeof proof === 'string' ? proof : { ...proof, suite: 4, codeId: code.id };
}

/** Sends a message and gives the next one that comes, or null. */
function replied(socket: WebSocket, inbox: Inbox, message: Uint8Array): Promise<Uint8Array | null> {
  const next = inbox.next();
  socket.send(message);
  return next;
}

/**
 * Tells the device by a sealed `channel.pending` that somebody must approve it, keeps the line from falling silent, and gives
 * what was decided. A device that speaks meanwhile is shown out.
 */
async function untilDecided(
  socket: WebSocket,
  inbox: Inbox,
  { clock }: ChannelDeps,
  { limits }: Visit,
  { expiresAt, decided, leave }: Awaited,
  keys: NoiseKeys,
): Promise<{ role: Role } | GreetingReason> {
  const sealer = new FrameSealer(keys.send, limits.rekey, clock.monotonic());
  const send = async (type: typeof FRAME.event | typeof FRAME.ping, flags: number, body: Uint8Array) => {
    for (const message of await sealer.seal(type, flags, 0, body, clock.monotonic())) socket.send(message);
  };
  const session = toHex(keys.hash.subarray(0, 16));
  await send(FRAME.event, 0, encodeEvent('channel.pending', { expiresAt, session })!);
  let cancelPing = () => {};
  let sending = Promise.resolve();
  const ping = () => {
    cancelPing = clock.after(limits.pingMs, () => {
      sending = sending.then(() => send(FRAME.ping, PING_NO_ANSWER, EMPTY)).then(ping);
    });
  };
  ping();
  try {
    const answer = await Promise.race([decided, inbox.next().then(() => inbox)]);
    if (answer === inbox || inbox.ended) return inbox.ended ? inbox.reason : 'early';
    return (answer as { role: Role } | null) ?? 'not approved';
  } finally {
    leave();
    await sending;
    cancelPing();
  }
}

function helloOf(device: DeviceKey, { suite, invitationId, codeId, payload: { pairing } }: Shaken): ProvedHello {
  const way = invitationId ? { invitationId } : codeId ? { codeId } : null;
  return pairing && way ? { device, suite, ...way, ...pairing } : { device, suite };
}

/** Takes messages one at a time, each only while somebody waits for it: a handshake has no reason to hurry ahead. */
class Inbox {
  readonly #socket: WebSocket;
  #waiting: ((message: Uint8Array | null) => void) | null = null;
  #reason: 'closed' | 'early' | 'text' | null = null;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', this.#onMessage);
    socket.on('close', this.#onClose);
  }

  get ended(): boolean {
    return this.#reason !== null;
  }

  get reason(): 'closed' | 'early' | 'text' {
    return this.#reason ?? 'closed';
  }

  next(): Promise<Uint8Array | null> {
    return new Promise((resolve) => {
      if (this.#reason) resolve(null);
      else this.#waiting = resolve;
    });
  }

  stop(): void {
    this.#socket.off('message', this.#onMessage);
    this.#socket.off('close', this.#onClose);
  }

  readonly #onMessage = (data: unknown, isBinary: boolean) => {
    if (!isBinary) return this.#end('text');
    const waiting = this.#waiting;
    if (!waiting) return this.#end('early');
    this.#waiting = null;
    waiting(data as Uint8Array);
  };

  readonly #onClose = () => this.#end('closed');

  #end(reason: 'closed' | 'early' | 'text'): void {
    this.#reason ??= reason;
    this.#waiting?.(null);
    this.#waiting = null;
  }
}
