import assert from 'node:assert/strict';
import { createHmac, createPrivateKey, createPublicKey, diffieHellman, hkdfSync, randomBytes } from 'node:crypto';
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';

/** What the old wire's two sides know beforehand. */
export interface OldPlace {
  /** `host:port`. */
  address: string;
  identityId: string;
  identitySecret: Uint8Array;
}

/** Heads of the DER forms in which an X25519 key is handed to the platform (RFC 8410). */
const PRIVATE_HEAD = Buffer.from('302e020100300506032b656e04220420', 'hex');
const PUBLIC_HEAD = Buffer.from('302a300506032b656e032100', 'hex');
const DEADLINE_MS = 10_000;

/** A browser of the first version, written from the contract of the old wire and from nothing of `src`. */
export class OldClient {
  readonly #socket: WebSocket;
  readonly #inbox: Inbox;
  readonly #key: Uint8Array;

  private constructor(socket: WebSocket, inbox: Inbox, key: Uint8Array) {
    this.#socket = socket;
    this.#inbox = inbox;
    this.#key = key;
  }

  /** Opens a session as `devicePk`, or gives the text of the refusal. */
  static async connect(
    { address, identityId, identitySecret }: OldPlace,
    devicePk: string,
  ): Promise<OldClient | string> {
    const socket = new WebSocket(`ws://${address}/session`);
    const inbox = new Inbox(socket);
    await inbox.opened;
    const scalar = createPrivateKey({
      key: Buffer.concat([PRIVATE_HEAD, randomBytes(32)]),
      format: 'der',
      type: 'pkcs8',
    });
    const clientKey = createPublicKey(scalar).export({ format: 'der', type: 'spki' }).subarray(-32).toString('base64');
    const ts = Math.floor(Date.now() / 1000);
    const proof = createHmac('sha256', identitySecret)
      .update(`${identityId}|${devicePk}|${clientKey}|${ts}`)
      .digest('hex');
    socket.send(JSON.stringify({ type: 'hello', identityId, devicePk, clientKey, ts, proof }));
    const answer = await inbox.next();
    const told = JSON.parse(answer) as { type?: string; sessionId: string; serverKey: string };
    if (told.type !== 'hello_ack') {
      socket.close();
      return answer;
    }
    const serverKey = createPublicKey({
      key: Buffer.concat([PUBLIC_HEAD, Buffer.from(told.serverKey, 'base64')]),
      format: 'der',
      type: 'spki',
    });
    const shared = diffieHellman({ privateKey: scalar, publicKey: serverKey });
    const info = `constitute-nvr:${identityId}:${told.sessionId}`;
    return new OldClient(socket, inbox, new Uint8Array(hkdfSync('sha256', shared, identitySecret, info, 32)));
  }

  /** Sends a command and gives the first reply. */
  async ask(command: Record<string, unknown>): Promise<Record<string, unknown>> {
    const nonce = randomBytes(24);
    const sealed = xchacha20poly1305(this.#key, nonce).encrypt(Buffer.from(JSON.stringify(command)));
    this.#socket.send(
      JSON.stringify({
        type: 'cipher',
        nonce: nonce.toString('base64'),
        data: Buffer.from(sealed).toString('base64'),
      }),
    );
    return this.next();
  }

  /** The next reply, opened. */
  async next(): Promise<Record<string, unknown>> {
    const { type, nonce, data } = JSON.parse(await this.#inbox.next()) as Record<string, string>;
    assert.equal(type, 'cipher');
    const plain = xchacha20poly1305(this.#key, Buffer.from(nonce!, 'base64')).decrypt(Buffer.from(data!, 'base64'));
    return JSON.parse(Buffer.from(plain).toString('utf8')) as Record<string, unknown>;
  }

  /** A whole segment, its pieces in order. */
  async segment(sourceId: string, name: string): Promise<Buffer> {
    const start = await this.ask({ cmd: 'get_segment', sourceId, name });
    assert.equal(start['cmd'], 'segment_start', JSON.stringify(start));
    const pieces: Buffer[] = [];
    for (;;) {
      const reply = await this.next();
      if (reply['cmd'] === 'segment_end') break;
      assert.equal(reply['cmd'], 'segment_chunk', JSON.stringify(reply));
      assert.equal(reply['seq'], pieces.length);
      pieces.push(Buffer.from(String(reply['data']), 'base64'));
    }
    const bytes = Buffer.concat(pieces);
    assert.equal(bytes.length, start['bytes']);
    return bytes;
  }

  /** True once the node has closed. */
  get ended(): boolean {
    return this.#socket.readyState === WebSocket.CLOSED;
  }

  close(): void {
    this.#socket.close();
  }
}

/** Text frames in their order. */
class Inbox {
  readonly opened: Promise<void>;
  readonly #frames: string[] = [];
  #wake: () => void = () => {};
  #closed = false;

  constructor(socket: WebSocket) {
    socket.addEventListener('message', ({ data }) => {
      this.#frames.push(String(data));
      this.#wake();
    });
    socket.addEventListener('close', () => {
      this.#closed = true;
      this.#wake();
    });
    this.opened = new Promise((done, fail) => {
      socket.addEventListener('open', () => done());
      socket.addEventListener('error', () => fail(new Error('the node did not open the socket')));
    });
  }

  async next(): Promise<string> {
    const deadline = AbortSignal.timeout(DEADLINE_MS);
    while (this.#frames.length === 0) {
      assert.ok(!this.#closed, 'the node closed');
      assert.ok(!deadline.aborted, 'no frame came');
      await new Promise<void>((wake) => {
        this.#wake = wake;
        deadline.addEventListener('abort', () => wake(), { once: true });
      });
    }
    return this.#frames.shift()!;
  }
}
