import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Clock, Log, Random } from '../../platform/index.ts';
import { portError } from '../errors.ts';
import { hugePieces, malformedBody } from './broken-bodies.ts';
import type { FaultSwitches } from './fault-switches.ts';

/** Longest question that is read. */
const QUESTION_BYTES_MAX = 256 * 1024;
const CONNECTIONS_MAX = 256;
const HEAD_MS_MAX = 30_000;

/** What is answered to one request. */
export interface FrontAnswer {
  status: number;
  type: string;
  body: Uint8Array;
  headers?: Record<string, string | string[]>;
}

export interface FrontRequest {
  method: string;
  /** Request target as it stands in the request line. */
  url: string;
  authorization: string | undefined;
  body: Uint8Array;
  /** Address the client has reached us at. */
  local: string;
  /** Aborts when the client has gone. */
  gone: AbortSignal;
}

/** The HTTP side of a device: bounds what comes in, and does the faults that have nothing to do with what was asked. */
export class HttpFront {
  readonly #deps: { clock: Clock; log: Log; random: Random; faults: FaultSwitches };
  readonly #answer: (request: FrontRequest) => Promise<FrontAnswer>;
  #server: Server | null = null;
  #port = 0;

  constructor(
    deps: { clock: Clock; log: Log; random: Random; faults: FaultSwitches },
    answer: (request: FrontRequest) => Promise<FrontAnswer>,
  ) {
    this.#deps = deps;
    this.#answer = answer;
  }

  get port(): number {
    return this.#port;
  }

  /** Listens; `ERR_VIRTUAL_CAMERA_PORT` (`conflict`) where that is refused. */
  async open(host: string, port: number): Promise<void> {
    const server = createServer({ connectionsCheckingInterval: 5_000 }, (request, response) => {
      this.#serve(request, response).catch((error) => {
        this.#deps.log.debug({ error }, 'a question was not answered');
        response.destroy();
      });
    });
    server.maxConnections = CONNECTIONS_MAX;
    server.headersTimeout = HEAD_MS_MAX;
    server.requestTimeout = HEAD_MS_MAX;
    await new Promise<void>((done, fail) => {
      server.once('error', (error) => fail(portError(host, port, error)));
      server.listen(port, host, done);
    });
    server.removeAllListeners('error');
    server.on('error', (error) => this.#deps.log.warn({ error }, 'listening failed'));
    this.#server = server;
    this.#port = (server.address() as AddressInfo).port;
  }

  /** Ends every connection at once, answered or not. */
  async close(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (!server) return;
    const closed = new Promise<void>((done) => server.close(() => done()));
    server.closeAllConnections();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { clock, faults, random } = this.#deps;
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const body = await bodyOf(request);
    if (body === null) {
      response.writeHead(413, { connection: 'close' }).end();
      return;
    }
    if (faults.hang) return;
    const { slowMs } = faults;
    if (slowMs !== null) await clock.sleep(slowMs, gone.signal);
    if (faults.hugeBytes !== null) return this.#writeHuge(response, faults.hugeBytes, gone.signal);
    const answer = await this.#answer({
      method: request.method ?? '',
      url: request.url ?? '',
      authorization: request.headers.authorization,
      body,
      local: (request.socket.localAddress ?? '').replace(/^::ffff:/, ''),
      gone: gone.signal,
    });
    if (gone.signal.aborted) return;
    const broken = faults.malformed && malformedBody(faults.malformed, answer.body, random);
    const sent = broken ?? { status: answer.status, body: answer.body, length: answer.body.length };
    response.writeHead(sent.status, {
      'content-type': answer.type,
      'content-length': sent.length,
      ...answer.headers,
    });
    if (sent.body.length === sent.length) response.end(sent.body);
    else response.write(sent.body, () => response.destroy());
  }

  async #writeHuge(response: ServerResponse, sizeBytes: number, gone: AbortSignal): Promise<void> {
    response.writeHead(200, { 'content-type': 'application/soap+xml; charset=utf-8', 'content-length': sizeBytes });
    for (const piece of hugePieces(sizeBytes)) {
      if (gone.aborted) return;
      if (response.write(piece)) continue;
      await new Promise<void>((done) => {
        response.once('drain', done);
        gone.addEventListener('abort', () => done(), { once: true });
      });
    }
    response.end();
  }
}

/** The whole body, or null where it is too long. */
async function bodyOf(request: IncomingMessage): Promise<Uint8Array | null> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of request as AsyncIterable<Uint8Array>) {
    length += piece.length;
    if (length > QUESTION_BYTES_MAX) return null;
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}
