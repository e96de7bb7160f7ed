import { once } from 'node:events';
import { WebSocket } from 'ws';
import { toHex } from '../../src/bytes/index.ts';
import type { DeviceKeys } from '../../src/client/index.ts';
import {
  CHANNEL_SUBPROTOCOL,
  decodeFrame,
  encodeRequest,
  FRAME,
  type Frame,
  FrameOpener,
  FrameSealer,
  type FrameType,
  HandshakeInitiator,
  type NoiseKeys,
  REKEY_LIMITS,
  windowBody,
} from '../../src/protocol/index.ts';
import { nodeSuite, type Rig, until } from './rig.ts';

/** A device that speaks the protocol by hand, and so can break it. */
export interface RawPeer {
  socket: WebSocket;
  /** Every frame that came, after `channel.open`. */
  frames: Frame[];
  keys: NoiseKeys;
  sessionHex: string;
  /** Close code, once closed. */
  closeCode: number | null;
  send(type: FrameType, flags: number, stream: number, body: Uint8Array): void;
  /** Seals any plaintext, also one that is no frame. */
  sendPlaintext(bytes: Uint8Array): void;
  request(stream: number, method: string, params?: Record<string, unknown>): void;
  window(stream: number, credit: number): void;
  ended(): Promise<number>;
}

export function dial(rig: Rig, options: { origin?: string; localAddress?: string; path?: string } = {}): WebSocket {
  const { path = '/session/v2', ...rest } = options;
  const socket = new WebSocket(`ws://127.0.0.1:${rig.port}${path}`, CHANNEL_SUBPROTOCOL, {
    perMessageDeflate: false,
    ...rest,
  });
  socket.on('error', () => {});
  return socket;
}

/** The messages of a socket, as they come. */
export function inboxOf(socket: WebSocket): Uint8Array[] {
  const inbox: Uint8Array[] = [];
  socket.on('message', (data) => inbox.push(data as Uint8Array));
  return inbox;
}

export async function rawPeer(rig: Rig, device: DeviceKeys): Promise<RawPeer> {
  const socket = dial(rig);
  const inbox = inboxOf(socket);
  await once(socket, 'open');
  const initiator = new HandshakeInitiator(nodeSuite, {
    nodeId: rig.pin.nodeId,
    nodeKey: rig.pin.channelKey,
    staticKey: device.channelKey,
  });
  socket.send(await initiator.hello());
  await until(() => inbox.length === 1, 'HS2 came');
  const told = await initiator.readAnswer(inbox[0]!);
  if (typeof told === 'string') throw new Error(told);
  const { message, keys } = await initiator.finish({ certificate: device.certificate });
  socket.send(message);
  await until(() => inbox.length === 2, 'channel.open came');
  const opener = new FrameOpener(keys.receive, 'node');
  await opener.open(inbox[1]!);
  const sealer = new FrameSealer(keys.send, REKEY_LIMITS, 0);
  const frames: Frame[] = [];
  socket.removeAllListeners('message');
  socket.on('message', (data) => frames.push(opener.open(data as Uint8Array) as Frame));
  const peer: RawPeer = {
    socket,
    frames,
    keys,
    sessionHex: toHex(keys.hash.subarray(0, 16)),
    closeCode: null,
    send(type, flags, stream, body) {
      for (const each of sealer.seal(type, flags, stream, body, 0) as Uint8Array[]) socket.send(each);
    },
    sendPlaintext(bytes) {
      socket.send(Uint8Array.of(0x10, ...(keys.send.seal(bytes) as Uint8Array)));
    },
    request: (stream, method, params = {}) =>
      peer.send(FRAME.request, 0, stream, encodeRequest(stream, { method, params })!),
    window: (stream, credit) => peer.send(FRAME.window, 0, stream, windowBody(credit)),
    async ended() {
      await until(() => peer.closeCode !== null, 'the node closed');
      return peer.closeCode!;
    },
  };
  socket.on('close', (code) => {
    peer.closeCode = code;
  });
  return peer;
}

/** True where a plaintext would be taken as a frame of a client. */
export function isClientFrame(bytes: Uint8Array<ArrayBuffer>): boolean {
  return typeof decodeFrame(bytes, 'client') !== 'string';
}
