import type { WebSocket } from 'ws';
import { toHex } from '../bytes/index.ts';
import {
  type CertificateReason,
  type DeviceKey,
  type HandshakeReason,
  HandshakeResponder,
  type NoiseKeys,
  type Role,
  verifyCertificate,
} from '../protocol/index.ts';
import type { ChannelDeps, ProvedHello } from './api.ts';
import type { VerifiedCertificates } from './verified-certificates.ts';

/** Why a handshake came to nothing; for the log and counters, never for the peer. */
export type GreetingReason =
  | HandshakeReason
  | `certificate ${CertificateReason}`
  | 'closed'
  | 'early'
  | 'text'
  | 'refused'
  | 'failed';

/** A device that was let in. */
export interface Greeted {
  device: DeviceKey;
  role: Role;
  keys: NoiseKeys;
}

/**
 * The node's side of the handshake over one WebSocket: HS1, HS2, HS3, certificate, admission. Closes nothing itself.
 *
 * `onDevice` tells who is about to be admitted, so that a removal meanwhile can end it. The listeners it adds to the socket are gone
 * when it resolves, in the same turn as the last message's: the next owner misses none.
 */
export async function greet(
  socket: WebSocket,
  deps: ChannelDeps,
  verified: VerifiedCertificates,
  onDevice: (device: DeviceKey) => void,
): Promise<Greeted | GreetingReason> {
  const inbox = new Inbox(socket);
  try {
    const hello = await inbox.next();
    if (!hello) return inbox.reason;
    const responder = new HandshakeResponder(deps.suite, deps);
    const answer = await responder.answer(hello, { certificate: deps.certificate() });
    if (typeof answer === 'string') return answer;
    const finish = inbox.next();
    socket.send(answer);
    const message = await finish;
    if (!message) return inbox.reason;
    const proof = await responder.readFinish(message);
    if (typeof proof === 'string') return proof;
    const { payload, keys, remoteStatic } = proof;
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
    onDevice(device);
    const admitted = await deps.admit(helloOf(device, responder, payload.pairing));
    if (!admitted) return 'refused';
    return inbox.ended ? inbox.reason : { device, role: admitted.role, keys };
  } catch (error) {
    deps.log.error({ error }, 'a handshake failed here');
    return 'failed';
  } finally {
    inbox.stop();
  }
}

function helloOf(
  device: DeviceKey,
  { suite, invitationId }: HandshakeResponder,
  pairing: { label: string; wrapKey: Uint8Array } | undefined,
): ProvedHello {
  return pairing && invitationId ? { device, suite, invitationId: toHex(invitationId), ...pairing } : { device, suite };
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
