import { toHex } from '../../src/bytes/index.ts';
import {
  type ClientDeps,
  createDeviceKeys,
  type DeviceKeys,
  type NodePin,
  type Socket,
} from '../../src/client/index.ts';
import { type KeyPair, schnorrPublicKey } from '../../src/crypto/index.ts';
import { SeededRandom, SimulatedClock } from '../../src/platform/index.ts';
import { createNodeSuite } from '../../src/platform/node/index.ts';
import {
  type DeviceKey,
  encodeEvent,
  FRAME,
  type Frame,
  FrameOpener,
  FrameSealer,
  type FrameType,
  HandshakeResponder,
  type NoiseKeys,
  REKEY_LIMITS,
  signCertificate,
} from '../../src/protocol/index.ts';

const suite = createNodeSuite();
const NOW = 1_795_000_000_000;

/** How the node behind a socket behaves. */
export interface Manners {
  /** Never opens the socket. */
  unreachable?: boolean;
  /** Opens it and says nothing. */
  mute?: boolean;
  /** Closes at this message of the handshake: 1 HS1, 3 HS3. */
  closeAt?: 1 | 3;
  /** Answers HS1 with this. */
  answer?: Uint8Array<ArrayBuffer>;
  /** Certifies with changes. */
  certificate?: { expiresAtS?: number; channelKey?: Uint8Array; secretKey?: Uint8Array };
  /** Sends another first event. */
  first?: { name: string; params: unknown };
}

/** A node at the other end of a socket made of memory: it shakes hands properly, then sends whatever a test wants. */
export class FakeNode {
  readonly clock = new SimulatedClock(NOW);
  readonly nodeId: DeviceKey;
  readonly pin: NodePin;
  readonly deps: ClientDeps;
  /** Addresses dialled, in order. */
  readonly dialled: string[] = [];
  /** Frames of the client. */
  readonly frames: Frame[] = [];
  closed = false;
  #socket: Socket | null = null;
  #sealer: FrameSealer | null = null;
  readonly #random = new SeededRandom(17);
  readonly #secretKey = this.#random.bytes(32);
  readonly #staticKey = suite.x25519.fromScalar(this.#random.bytes(32)) as KeyPair;

  /** `manners` by address; an address without an entry has good ones. */
  constructor(addresses: string[] = ['node:1'], manners: Record<string, Manners> = {}) {
    this.nodeId = toHex(schnorrPublicKey(this.#secretKey)) as DeviceKey;
    this.pin = { nodeId: this.nodeId, channelKey: this.#staticKey.publicKey, addresses };
    this.deps = {
      now: () => this.clock.now(),
      random: this.#random,
      suite,
      after: (ms, task) => this.clock.after(ms, task),
      openSocket: (url) => {
        const address = url.slice('ws://'.length, -'/session/v2'.length);
        this.dialled.push(address);
        return this.#open(manners[address] ?? {});
      },
    };
  }

  device(): Promise<DeviceKeys> {
    return createDeviceKeys(suite, {
      secretKey: new SeededRandom(1).bytes(32),
      channel: new SeededRandom(2).bytes(32),
      wrapKey: new SeededRandom(3).bytes(1216),
      nodeId: this.nodeId,
      now: NOW,
      auxiliary: new SeededRandom(4).bytes(32),
    });
  }

  send(type: FrameType, flags: number, stream: number, body: Uint8Array): void {
    for (const message of this.#sealer!.seal(type, flags, stream, body, 0) as Uint8Array[]) this.sendRaw(message);
  }

  sendRaw(data: unknown): void {
    this.#socket?.onmessage?.({ data });
  }

  hangUp(): void {
    this.closed = true;
    this.#socket?.onclose?.({ code: 4000 });
  }

  #open(manners: Manners): Socket {
    const inbox: Uint8Array<ArrayBuffer>[] = [];
    let wake = () => {};
    const socket: Socket = {
      binaryType: '',
      bufferedAmount: 0,
      send: (data) => {
        inbox.push(data);
        wake();
      },
      close: () => {
        this.closed = true;
      },
      onopen: null,
      onmessage: null,
      onclose: null,
      onerror: null,
    };
    this.#socket = socket;
    this.closed = false;
    const next = async () => {
      while (inbox.length === 0) await new Promise<void>((resolve) => (wake = resolve));
      return inbox.shift()!;
    };
    void this.#serve(socket, manners, next);
    return socket;
  }

  async #serve(socket: Socket, manners: Manners, next: () => Promise<Uint8Array<ArrayBuffer>>): Promise<void> {
    await Promise.resolve();
    const close = () => socket.onclose?.({ code: 4000 });
    if (manners.unreachable) return close();
    socket.onopen?.({});
    if (manners.mute) return;
    const hello = await next();
    if (manners.closeAt === 1) return close();
    const responder = new HandshakeResponder(suite, {
      nodeId: this.nodeId,
      staticKey: this.#staticKey,
      invitationSecret: () => new Uint8Array(16).fill(6),
    });
    const seconds = NOW / 1000;
    const { secretKey = this.#secretKey, ...change } = manners.certificate ?? {};
    const certificate = signCertificate(
      suite.hashes,
      secretKey,
      {
        role: 'node',
        channelKey: this.#staticKey.publicKey,
        node: this.nodeId,
        createdAtS: seconds - 100,
        expiresAtS: seconds + 100,
        ...change,
      },
      new Uint8Array(32),
    );
    const answer = manners.answer ?? (await responder.answer(hello, { certificate }));
    if (typeof answer === 'string') return close();
    // As browsers hand it over.
    socket.onmessage?.({ data: answer.buffer.slice(0) });
    const proof = await responder.readFinish(await next());
    if (typeof proof === 'string' || manners.closeAt === 3) return close();
    this.#channel(proof.keys, manners.first ?? { name: 'channel.open', params: { role: 'viewer', session: '00' } });
    for (;;) {
      const frame = await this.#opener!.open(await next());
      if (!frame) return close();
      this.frames.push(frame);
    }
  }

  #opener: FrameOpener | null = null;

  #channel(keys: NoiseKeys, { name, params }: { name: string; params: unknown }): void {
    this.#sealer = new FrameSealer(keys.send, REKEY_LIMITS, 0);
    this.#opener = new FrameOpener(keys.receive, 'client');
    this.send(FRAME.event, 0, 0, encodeEvent(name, params)!);
  }
}
