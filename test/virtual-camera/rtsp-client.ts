import { createConnection, type Socket } from 'node:net';

export interface Answer {
  status: number;
  headers: Map<string, string>;
  body: string;
}

/** One RTP packet, taken apart. */
export interface RtpPacket {
  payloadType: number;
  marker: boolean;
  sequence: number;
  timestamp: number;
  ssrc: number;
  payload: Buffer;
}

export function readRtp(bytes: Buffer): RtpPacket {
  return {
    payloadType: bytes[1]! & 0x7f,
    marker: bytes[1]! > 127,
    sequence: bytes.readUInt16BE(2),
    timestamp: bytes.readUInt32BE(4),
    ssrc: bytes.readUInt32BE(8),
    payload: bytes.subarray(12),
  };
}

type Keep = 'answers' | 'bytes' | 'nothing';

const WAIT_MS = 8000;

/** A plain RTSP client for tests: it says exactly what it is told, and keeps what comes. */
export class RtspClient {
  readonly frames: Array<{ channel: number; payload: Buffer }> = [];
  readonly closed: Promise<void>;
  isClosed = false;
  wasReset = false;
  /** Bytes received in all. */
  received = 0;
  readonly socket: Socket;
  readonly #answers: Answer[] = [];
  readonly #chunks: Buffer[] = [];
  #buffer: Buffer = Buffer.alloc(0);
  #cseq = 0;
  #watchers = new Set<() => void>();
  #keep: Keep;

  private constructor(socket: Socket, keep: Keep) {
    this.socket = socket;
    this.#keep = keep;
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.wasReset = error.code === 'ECONNRESET' || error.code === 'EPIPE';
    });
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.isClosed = true;
        this.#look();
        resolve();
      });
    });
    socket.on('data', (chunk) => {
      this.received += chunk.length;
      if (this.#keep === 'bytes') this.#chunks.push(chunk);
      if (this.#keep !== 'answers') return this.#look();
      this.#buffer = this.#buffer.length > 0 ? Buffer.concat([this.#buffer, chunk]) : chunk;
      while (this.#take());
      this.#look();
    });
  }

  /** Connects; what comes is understood (`answers`), only kept (`bytes`) or only counted (`nothing`). */
  static connect(port: number, options: { keep?: Keep } = {}): Promise<RtspClient> {
    return new Promise((resolve, reject) => {
      const socket = createConnection({ port, host: '127.0.0.1' });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new RtspClient(socket, options.keep ?? 'answers'));
      });
    });
  }

  send(method: string, url: string, headers: Record<string, string> = {}, body = ''): void {
    const lines = [`${method} ${url} RTSP/1.0`, `CSeq: ${++this.#cseq}`];
    for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
    if (body) lines.push(`Content-Length: ${Buffer.byteLength(body)}`);
    this.socket.write(`${lines.join('\r\n')}\r\n\r\n${body}`);
  }

  /** Sends a request and waits for the next answer. */
  async ask(method: string, url: string, headers: Record<string, string> = {}, body = ''): Promise<Answer> {
    this.send(method, url, headers, body);
    return this.answer();
  }

  async answer(): Promise<Answer> {
    await this.until(() => this.#answers.length > 0);
    return this.#answers.shift()!;
  }

  get answersWaiting(): number {
    return this.#answers.length;
  }

  /** Sets up every track of a mount over TCP and plays; gives the session id and PLAY's answer. */
  async play(url: string, tracks = 1): Promise<{ session: string; answer: Answer }> {
    let session = '';
    for (let track = 0; track < tracks; track++) {
      const answer = await this.ask('SETUP', `${url}/trackID=${track}`, {
        Transport: `RTP/AVP/TCP;unicast;interleaved=${track * 2}-${track * 2 + 1}`,
        ...(session ? { Session: session } : {}),
      });
      if (answer.status !== 200) throw new Error(`SETUP was answered ${answer.status}`);
      session = answer.headers.get('session')!.split(';')[0]!;
    }
    return { session, answer: await this.ask('PLAY', url, { Session: session, Range: 'npt=0.000-' }) };
  }

  rtp(channel = 0): RtpPacket[] {
    return this.frames.filter((frame) => frame.channel === channel).map((frame) => readRtp(frame.payload));
  }

  /** Waits for a condition that arriving bytes may fulfil; rejects when it does not in time. */
  until(condition: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = () => {
        if (!condition()) return;
        clearTimeout(timer);
        this.#watchers.delete(look);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#watchers.delete(look);
        reject(new Error(`condition not met in ${WAIT_MS} ms: ${condition}`));
      }, WAIT_MS);
      this.#watchers.add(look);
      look();
    });
  }

  /** Everything that came, where bytes are kept. */
  get bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  close(): Promise<void> {
    this.socket.destroy();
    return this.closed;
  }

  #look(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }

  #take(): boolean {
    const data = this.#buffer;
    if (data[0] === 0x24) {
      if (data.length < 4 || data.length < 4 + data.readUInt16BE(2)) return false;
      const end = 4 + data.readUInt16BE(2);
      this.frames.push({ channel: data[1]!, payload: Buffer.from(data.subarray(4, end)) });
      this.#buffer = data.subarray(end);
      return true;
    }
    const headEnd = data.indexOf('\r\n\r\n');
    if (headEnd < 0) return false;
    const [first, ...lines] = data.toString('latin1', 0, headEnd).split('\r\n');
    const headers = new Map(
      lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)] as const),
    );
    const bodyAt = headEnd + 4;
    const bodyEnd = bodyAt + Math.max(0, Number(headers.get('content-length') ?? 0));
    if (data.length < bodyEnd) return false;
    this.#answers.push({ status: Number(first!.split(' ')[1]), headers, body: data.toString('utf8', bodyAt, bodyEnd) });
    this.#buffer = data.subarray(bodyEnd);
    return true;
  }
}
