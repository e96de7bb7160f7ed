import { concatBytes, utf8 } from '../../src/bytes/index.ts';
import type { Clock, SocketEnd, SocketLine, Sockets } from '../../src/platform/index.ts';

/** One request as a scripted camera got it. */
export interface Request {
  method: string;
  url: string;
  headers: ReadonlyMap<string, string>;
}

/** What it answers: a status with headers and a body, nothing at all, or the end of the connection. */
export type Reply = { status: number; headers?: Record<string, string>; body?: string } | 'silence' | 'close';

/** A camera in memory: what it answers is in the hands of a test, and so is every byte it sends. */
export class ScriptedCamera implements Sockets {
  readonly requests: Request[] = [];
  /** Where it was asked for, in order. */
  readonly dialled: string[] = [];
  /** Frames and answers of the other end, that are no requests. */
  readonly heard: Uint8Array[] = [];
  refusal: SocketEnd | null = null;
  paused = false;
  closed = 0;
  answer: (request: Request) => Reply;
  #listener: ((bytes: Uint8Array, more: boolean) => void) | null = null;
  #end: ((end: SocketEnd) => void) | null = null;
  #queue: Uint8Array[] = [];

  constructor(answer: (request: Request) => Reply) {
    this.answer = answer;
  }

  async connect({ host, port, tls }: Parameters<Sockets['connect']>[0]): Promise<SocketLine | SocketEnd> {
    this.dialled.push(`${tls ? 'tls ' : ''}${host}:${port}`);
    if (this.refusal) return this.refusal;
    this.paused = false;
    const ended = new Promise<SocketEnd>((resolve) => {
      this.#end = resolve;
    });
    return {
      ...{ local: '10.0.0.1', remote: '10.0.0.2', ended },
      onBytes: (listener) => {
        this.#listener = listener;
      },
      pause: () => {
        this.paused = true;
      },
      resume: () => {
        this.paused = false;
        this.#flow();
      },
      send: (bytes) => {
        this.#take(bytes);
        return true;
      },
      close: () => {
        this.closed++;
        this.hangUp('closed');
      },
    };
  }

  /** Bytes from the camera; they wait while the other end does not read. */
  send(bytes: Uint8Array): void {
    this.#queue.push(bytes.slice());
    this.#flow();
  }

  frame(channel: number, payload: Uint8Array): void {
    this.send(concatBytes(Uint8Array.of(0x24, channel, payload.length >> 8, payload.length & 255), payload));
  }

  hangUp(end: SocketEnd): void {
    this.#end?.(end);
  }

  #flow(): void {
    if (this.paused || !this.#listener || this.#queue.length === 0) return;
    // What gathered while nobody read comes at once, as from a real socket.
    this.#listener(concatBytes(...this.#queue.splice(0)), false);
  }

  #take(bytes: Uint8Array): void {
    const text = new TextDecoder().decode(bytes);
    const match = /^([A-Z_]+) (\S+) RTSP\/1\.0\r\n/.exec(text);
    if (!match) {
      this.heard.push(bytes.slice());
      return;
    }
    const lines = text.split('\r\n').slice(1);
    const headers = new Map(lines.flatMap((line) => (line ? [split(line)] : [])));
    const request = { method: match[1]!, url: match[2]!, headers };
    this.requests.push(request);
    const reply = this.answer(request);
    if (reply === 'silence') return;
    if (reply === 'close') {
      this.hangUp('reset');
      return;
    }
    const { status, headers: told = {}, body = '' } = reply;
    const head = [`RTSP/1.0 ${status} X`, `CSeq: ${headers.get('cseq')}`];
    for (const [name, value] of Object.entries(told)) head.push(`${name}: ${value}`);
    if (body !== '') head.push(`Content-Length: ${utf8(body).length}`);
    queueMicrotask(() => this.send(utf8(`${head.join('\r\n')}\r\n\r\n${body}`)));
  }
}

function split(line: string): [string, string] {
  const colon = line.indexOf(':');
  return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
}

/** Turns of the event loop until nothing is left to do at this moment of a simulated clock. */
export async function settle(clock: Clock & { advance(ms: number): Promise<void> }, ms = 0): Promise<void> {
  await clock.advance(ms);
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
}
