import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, Socket as TcpSocket } from 'node:net';
import { WebSocket } from 'ws';
import { toBase64Url, toHex } from '../../src/bytes/index.ts';
import {
  type ChannelLimits,
  type ChannelServer,
  createChannelServer,
  type V1Deps,
  type V1Limits,
} from '../../src/channel/index.ts';
import { openEnvelope, parseEnvelope, sealEnvelope } from '../../src/channel/v1/envelope.ts';
import { sessionKey, writeHello } from '../../src/channel/v1/hello.ts';
import { ChunkSealer, type KeyPair, schnorrPublicKey } from '../../src/crypto/index.ts';
import { NvrError } from '../../src/errors.ts';
import { type LogFields, SeededRandom, SimulatedClock, silentLog } from '../../src/platform/index.ts';
import { createNodeSuite } from '../../src/platform/node/index.ts';
import {
  type AuditEntry,
  type CallHandler,
  type DeviceKey,
  encodeBoundHeader,
  encodeSegmentHeader,
  type SegmentsGetResult,
  segmentContext,
} from '../../src/protocol/index.ts';
import { until } from './rig.ts';

export const START = 1_795_000_000_000;
export const suite = createNodeSuite();
const { hashes } = suite;
const IDENTITY_ID = 'id-b64urlExample012';

/** A node that lets old clients in, behind a real HTTP server on loopback, with a clock that stands still. */
export interface OldRig {
  server: ChannelServer;
  clock: SimulatedClock;
  random: SeededRandom;
  port: number;
  nodeId: DeviceKey;
  /** May be changed while it runs. */
  v1: { -readonly [K in keyof V1Deps]: V1Deps[K] };
  identitySecret: Uint8Array;
  audited: AuditEntry[];
  warnings: { fields: LogFields; text: string }[];
  sockets: TcpSocket[];
  close(): Promise<void>;
}

export const DEVICE = '80458417abe625c06b00ca66d855c10eda763e0cdfc9b925f1abd8db5a51a9d0' as DeviceKey;

export async function createOldRig(
  handle: CallHandler,
  wish: {
    v1?: Partial<V1Deps>;
    v1Limits?: Partial<V1Limits>;
    origins?: string[];
    limits?: Partial<ChannelLimits>;
  } = {},
): Promise<OldRig> {
  const clock = new SimulatedClock(START);
  const random = new SeededRandom(17);
  const nodeId = toHex(schnorrPublicKey(random.bytes(32))) as DeviceKey;
  const identitySecret = random.bytes(32);
  const audited: AuditEntry[] = [];
  const warnings: OldRig['warnings'] = [];
  const log = { ...silentLog, warn: (fields: LogFields, text: string) => void warnings.push({ fields, text }) };
  log.child = () => log;
  const v1: OldRig['v1'] = {
    identityId: IDENTITY_ID,
    identitySecret,
    serverSecret: random.bytes(32),
    devices: () => [{ device: DEVICE, role: 'viewer' }],
    isPaired: () => false,
    allowFrom: 'loopback',
    audit: { note: (entry) => void audited.push(entry) },
    ...wish.v1,
  };
  const open = 1e4;
  const server = createChannelServer(
    {
      clock,
      random,
      log,
      suite,
      staticKey: suite.x25519.fromScalar(random.bytes(32)) as KeyPair,
      nodeId,
      certificate: () => '{}',
      invitationSecret: () => null,
      admit: async () => null,
      handle,
      v1,
    },
    {
      origins: wish.origins ?? [],
      limits: {
        sourcePerSecond: open,
        sourceBurst: open,
        totalPerSecond: open,
        totalBurst: open,
        pendingPerSourceMax: 64,
        ...wish.limits,
      },
      v1Limits: wish.v1Limits ?? {},
    },
  );
  const http = createServer((_, response) => response.end('plain'));
  const sockets: TcpSocket[] = [];
  http.on('upgrade', (request, socket, head) => {
    sockets.push(socket as TcpSocket);
    server.upgrade(request, socket, head);
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  return {
    server,
    clock,
    random,
    port: (http.address() as AddressInfo).port,
    nodeId,
    v1,
    identitySecret,
    audited,
    warnings,
    sockets,
    async close() {
      for (const socket of sockets) socket.destroy();
      const stopped = server.stop();
      await clock.advance(10_000);
      await stopped;
      http.close();
      http.closeAllConnections();
    },
  };
}

/** A socket of an old client, before its hello. */
export interface OldLine {
  socket: WebSocket;
  /** Text frames that came. */
  inbox: string[];
  /** True once closed. */
  closed(): boolean;
}

export async function dialOld(
  rig: OldRig,
  { path = '/session', protocol, ...options }: { path?: string; protocol?: string; origin?: string } = {},
): Promise<OldLine> {
  const socket = new WebSocket(`ws://127.0.0.1:${rig.port}${path}`, protocol ?? [], {
    perMessageDeflate: false,
    ...options,
  });
  const inbox: string[] = [];
  let closed = false;
  socket.on('error', () => {});
  socket.on('message', (data) => inbox.push(String(data)));
  socket.on('close', () => {
    closed = true;
  });
  await until(() => closed || socket.readyState === socket.OPEN, 'the socket opened or was refused');
  return { socket, inbox, closed: () => closed };
}

/** A first frame that holds, unless `wish` says otherwise. */
export function helloOf(
  rig: OldRig,
  wish: { device?: string; tsOff?: number; secret?: Uint8Array; identityId?: string; clientKey?: Uint8Array } = {},
): { frame: string; pair: KeyPair } {
  const pair = suite.x25519.fromScalar(rig.random.bytes(32)) as KeyPair;
  const frame = writeHello(hashes, wish.secret ?? rig.identitySecret, {
    identityId: wish.identityId ?? IDENTITY_ID,
    devicePk: wish.device ?? DEVICE,
    clientKey: Buffer.from(wish.clientKey ?? pair.publicKey).toString('base64'),
    ts: Math.floor(rig.clock.now() / 1000) + (wish.tsOff ?? 0),
  });
  return { frame, pair };
}

/** An old client that was let in. */
export class OldClient {
  readonly line: OldLine;
  readonly sessionId: string;
  readonly key: Uint8Array;
  readonly #rig: OldRig;
  #read = 1;

  private constructor(rig: OldRig, line: OldLine, sessionId: string, key: Uint8Array) {
    this.#rig = rig;
    this.line = line;
    this.sessionId = sessionId;
    this.key = key;
  }

  static async connect(rig: OldRig, wish: Parameters<typeof helloOf>[1] = {}): Promise<OldClient> {
    const line = await dialOld(rig);
    const { frame, pair } = helloOf(rig, wish);
    line.socket.send(frame);
    await until(() => line.inbox.length === 1, 'the hello was answered');
    const ack = JSON.parse(line.inbox[0]!);
    if (ack.type !== 'hello_ack') throw new Error(line.inbox[0]);
    const shared = suite.x25519.shared(pair, Buffer.from(ack.serverKey, 'base64')) as Uint8Array;
    const place = { identityId: IDENTITY_ID, sessionId: ack.sessionId };
    return new OldClient(rig, line, ack.sessionId, sessionKey(hashes, shared, rig.identitySecret, place));
  }

  get socket(): WebSocket {
    return this.line.socket;
  }

  seal(text: string, nonce: Uint8Array = this.#rig.random.bytes(24)): string {
    return sealEnvelope(this.key, nonce, text);
  }

  command(command: unknown): void {
    this.socket.send(this.seal(JSON.stringify(command)));
  }

  /** The next reply's text, as it was sealed. */
  async next(): Promise<string> {
    await until(() => this.line.inbox.length > this.#read, 'a reply came');
    const frame = this.line.inbox[this.#read]!;
    this.line.inbox[this.#read++] = '';
    const envelope = parseEnvelope(frame);
    if (typeof envelope === 'string') throw new Error(envelope);
    const opened = openEnvelope(this.key, envelope);
    if (opened === 'decrypt' || opened.text === null) throw new Error('a reply did not open');
    return opened.text;
  }

  async ask(command: unknown): Promise<string> {
    this.command(command);
    return this.next();
  }

  async ended(): Promise<void> {
    await until(() => this.line.closed(), 'the node closed');
  }
}

/** A sealed segment whose bytes are made as they are read. */
export interface StoredOld {
  facts: SegmentsGetResult;
  plainSize: number;
  /** Stored bytes from `offset` on, in units. */
  units(offset: number, length?: number): Generator<Uint8Array>;
}

/** `byteAt` chunk: the plaintext of chunk `index`. `torn`: stored bytes cut off at the end. */
export function storedSegment(
  random: SeededRandom,
  {
    plainSize,
    source = 'front',
    stream = 'main',
    seq = 7,
    state = 'final',
    torn = 0,
  }: {
    plainSize: number;
    source?: string;
    stream?: 'main' | 'sub';
    seq?: number;
    state?: 'final' | 'recovered';
    torn?: number;
  },
): StoredOld {
  const [segmentId, streamId, fileKey, salt] = [16, 16, 32, 24].map((length) => random.bytes(length));
  const bound = encodeBoundHeader({
    flags: 0,
    segmentId: segmentId!,
    streamId: streamId!,
    nodeId: random.bytes(32),
    seq,
    startUs: START * 1000,
    startMonoUs: 1,
    bootId: random.bytes(16),
    clockState: 'synced',
    kind: 'video',
    chainIndex: 0,
    clockErrorMs: 0,
    epochId: 1,
    epochKeyId: random.bytes(16),
    prevLeaf: new Uint8Array(32),
  });
  const context = segmentContext(hashes, bound);
  const head = Buffer.concat([
    encodeSegmentHeader(bound, new Uint8Array(48)),
    new ChunkSealer(suite, fileKey!, salt!, context).header,
  ]);
  const whole = Math.floor(plainSize / 16_384);
  const size = 568 + whole * 16_400 + (plainSize % 16_384) + 16 - torn;
  const facts: SegmentsGetResult = {
    source,
    stream,
    id: toHex(segmentId!),
    streamId: toHex(streamId!),
    seq,
    startAt: START,
    endAt: START + 60_500,
    size,
    state,
    epochId: 1,
    run: '00'.repeat(16),
    fileKey: toBase64Url(fileKey!),
    tracks: [],
    offset: 0,
    length: size,
  };
  function* stored(): Generator<Uint8Array> {
    yield head;
    const sealer = new ChunkSealer(suite, fileKey!, salt!, context);
    for (let i = 0; i <= whole; i++) yield sealer.seal(plainChunk(i, i < whole ? 16_384 : plainSize % 16_384));
  }
  function* units(offset: number, length = size - offset): Generator<Uint8Array> {
    let at = 0;
    for (const bytes of stored()) {
      const from = Math.max(offset, at);
      const to = Math.min(offset + length, at + bytes.length, size);
      if (from < to) yield bytes.subarray(from - at, to - at);
      at += bytes.length;
    }
  }
  return { facts, plainSize, units };
}

/** The plaintext of one chunk: recognisable, and different for each. */
export function plainChunk(index: number, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length).fill(index % 251);
  if (length >= 4) new DataView(bytes.buffer).setUint32(0, index);
  return bytes;
}

/** A `segments.get@1` over stored segments, as `commands` answers it; `unitSize`: the same bytes in units of that size. */
export function segmentsGet(
  segments: readonly StoredOld[],
  { onUnit = () => {}, unitSize }: { onUnit?: (bytes: number) => void; unitSize?: number } = {},
): CallHandler {
  return async ({ params, stream, signal }) => {
    const { segment, offset, length } = params as { segment: string; offset: number; length?: number };
    const found = segments.find(({ facts }) => facts.id === segment);
    if (!found) throw missingError();
    const left = Math.min(length ?? found.facts.size, found.facts.size - offset);
    stream.reply({ ...found.facts, offset, length: left });
    const units = found.units(offset, left);
    for (const unit of unitSize === undefined ? units : resized(units, unitSize)) {
      signal.throwIfAborted();
      onUnit(unit.length);
      await stream.data(unit);
      // Whoever keeps a unit keeps it no longer than that.
      if (unitSize !== undefined) unit.fill(0);
    }
    return undefined;
  };
}

function* resized(units: Iterable<Uint8Array>, size: number): Generator<Uint8Array> {
  const whole = Buffer.concat([...units]);
  for (let at = 0; at < whole.length; at += size) yield whole.subarray(at, at + size);
}

export const missingError = () => new NvrError('ERR_COMMANDS_SOURCE', 'missing', 'no such source');
