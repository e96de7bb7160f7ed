import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Clock } from '../clock.ts';
import type { Http, HttpAnswer, HttpFailure, HttpRequest } from '../http.ts';

/** Of an answer's head: names and values together, and how many. */
const HEAD_BYTES_MAX = 16_384;
const HEADERS_MAX = 64;
/** Room for an answer before it is known to be longer. */
const FIRST_BYTES = 16_384;
/** Cameras live longer than ciphers; as their certificates prove nothing, a strong one would promise what it cannot keep. */
const OLD_TLS = { rejectUnauthorized: false, minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;

/** HTTP/1.1 of this machine: no agent, no proxy of the environment, no redirect followed; each connection is closed after its answer. */
export function createNodeHttp({ clock }: { clock: Clock }): Http {
  return { request: (request) => ask(clock, request) };
}

function ask(clock: Clock, wish: HttpRequest): Promise<HttpAnswer | HttpFailure> {
  const url = URL.parse(wish.url);
  const isPlain = url?.protocol === 'http:';
  if (!url || (!isPlain && url.protocol !== 'https:') || url.username !== '' || url.password !== '') {
    return Promise.resolve('malformed');
  }
  if (wish.signal?.aborted) return Promise.resolve('cancelled');
  return new Promise((resolve) => {
    let asked: ClientRequest | null = null;
    let over = false;
    const end = (result: HttpAnswer | HttpFailure) => {
      if (over) return;
      over = true;
      cancelDeadline();
      wish.signal?.removeEventListener('abort', onAbort);
      // Whatever is still on its way, in either direction, is nobody's any more.
      asked?.destroy();
      resolve(result);
    };
    const onAbort = () => end('cancelled');
    // Not the socket's own time-out: that one begins anew with every byte a server drips.
    const cancelDeadline = clock.after(wish.deadlineMs, () => end('deadline'));
    wish.signal?.addEventListener('abort', onAbort, { once: true });
    const body = wish.body ?? (wish.method === 'POST' ? new Uint8Array(0) : null);
    try {
      asked = (isPlain ? httpRequest : httpsRequest)(url, {
        method: wish.method,
        headers: {
          ...wish.headers,
          ...(body ? { 'content-length': String(body.length) } : {}),
          connection: 'close',
        },
        agent: false,
        maxHeaderSize: HEAD_BYTES_MAX,
        ...(isPlain ? {} : OLD_TLS),
      });
    } catch {
      end('malformed'); // a header or path that cannot be written
      return;
    }
    // Its own limit cuts the list silently; one more than ours tells.
    asked.maxHeadersCount = HEADERS_MAX + 1;
    asked.on('error', (error: NodeJS.ErrnoException) => end(failureOf(error)));
    // An answer of another protocol than the one that was asked for.
    asked.on('upgrade', () => end('malformed'));
    let answered = false;
    asked.on('close', () => {
      if (!answered) end('unreachable');
    });
    asked.on('response', (response) => {
      answered = true;
      read(response, wish.bodyBytesMax, end);
    });
    if (body) asked.write(body);
    asked.end();
  });
}

function read(response: IncomingMessage, bytesMax: number, end: (result: HttpAnswer | HttpFailure) => void): void {
  const headers = headersOf(response.rawHeaders);
  if (!headers) {
    end('malformed');
    return;
  }
  if (Number(response.headers['content-length'] ?? 0) > bytesMax) {
    end('too-large');
    return;
  }
  // One buffer that grows: a list of pieces would cost a hundred times the octets of a server that sends them one by one.
  let body = new Uint8Array(Math.min(bytesMax, FIRST_BYTES));
  let length = 0;
  response.on('data', (piece: Uint8Array) => {
    if (length + piece.length > bytesMax) {
      end('too-large');
      return;
    }
    if (length + piece.length > body.length) {
      const grown = new Uint8Array(Math.min(bytesMax, Math.max(length + piece.length, body.length * 2)));
      grown.set(body.subarray(0, length));
      body = grown;
    }
    body.set(piece, length);
    length += piece.length;
  });
  response.on('error', () => end('malformed')); // cut off before its announced end
  response.on('close', () => end('malformed'));
  response.on('end', () =>
    end(response.complete ? { status: response.statusCode ?? 0, headers, body: body.slice(0, length) } : 'malformed'),
  );
}

function headersOf(raw: readonly string[]): Record<string, string[]> | null {
  if (raw.length > HEADERS_MAX * 2) return null;
  let bytes = 0;
  const headers: Record<string, string[]> = Object.create(null);
  for (let at = 0; at + 1 < raw.length; at += 2) {
    bytes += raw[at]!.length + raw[at + 1]!.length + 4;
    (headers[raw[at]!.toLowerCase()] ??= []).push(raw[at + 1]!);
  }
  return bytes > HEAD_BYTES_MAX ? null : headers;
}

/** What the parser could not read is the server's fault; everything else means that nobody was there, or not for long. */
function failureOf({ code = '' }: NodeJS.ErrnoException): HttpFailure {
  return code.startsWith('HPE_') ? 'malformed' : 'unreachable';
}
