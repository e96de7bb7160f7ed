/** What the page says about a download: first to the service worker (with a port), then through that port. */
export type ToDownload =
  | { kind: 'open'; id: string; name: string; type: string }
  /** Keeps the service worker awake; sent to it, not through the port. */
  | { kind: 'keep' }
  | { kind: 'bytes'; bytes: ArrayBuffer }
  | { kind: 'end' }
  /** The file is not whole: the browser is told that it failed. */
  | { kind: 'abort' };

/** What the service worker says through the port. */
export type FromDownload =
  /** The address may be opened. */
  | { kind: 'ready' }
  /** One more piece may come. */
  | { kind: 'pull' }
  /** The browser, or who sits before it, broke it off. */
  | { kind: 'cancel' };

/** The parts of the service worker's events that are used. */
export interface DownloadMessage {
  data: unknown;
  ports: readonly MessagePort[];
}

interface Waiting {
  name: string;
  type: string;
  stream: ReadableStream<Uint8Array>;
}

/** Addresses of downloads, below the scope of the service worker. */
export const DOWNLOAD_PATH = 'download/';
/** A download whose address is not opened is forgotten after this. */
const OPEN_MS_MAX = 60_000;
const WAITING_MAX = 32;
const ID = /^[0-9a-f]{32}$/;
const waiting = new Map<string, Waiting>();

/** Takes the page's word that a download is coming; true where the message was about downloads. For the `message` event. */
export function takeDownload({ data, ports }: DownloadMessage): boolean {
  const message = data as Partial<Extract<ToDownload, { kind: 'open' }>> | { kind: 'keep' } | null;
  if (message?.kind === 'keep') return true;
  if (message?.kind !== 'open') return false;
  const { id, name, type } = message;
  const port = ports[0];
  if (!port || !ID.test(id ?? '') || typeof name !== 'string' || typeof type !== 'string') return true;
  if (waiting.size >= WAITING_MAX) waiting.delete(waiting.keys().next().value!);
  waiting.set(id!, { name, type, stream: streamOf(port) });
  setTimeout(() => waiting.delete(id!), OPEN_MS_MAX);
  port.postMessage({ kind: 'ready' } satisfies FromDownload);
  return true;
}

/** The answer to a request for a download's address, once for each; null where it is for none. For the `fetch` event. */
export function answerDownload(url: string, scope: string): Response | null {
  const head = new URL(DOWNLOAD_PATH, scope).href;
  if (!url.startsWith(head)) return null;
  const id = url.slice(head.length);
  const found = waiting.get(id);
  waiting.delete(id);
  if (!found) return new Response('', { status: 404 });
  return new Response(found.stream, {
    headers: {
      'content-type': found.type,
      'content-disposition': disposition(found.name),
      'content-security-policy': "default-src 'none'; sandbox",
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
    },
  });
}

/** The bytes that come through a port; the browser asks for each, so that a slow disk holds the node back. */
function streamOf(port: MessagePort): ReadableStream<Uint8Array> {
  let pulled: (() => void) | null = null;
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        port.onmessage = ({ data }: MessageEvent<ToDownload>) => {
          if (data.kind === 'bytes') controller.enqueue(new Uint8Array(data.bytes));
          else if (data.kind === 'end') controller.close();
          else if (data.kind === 'abort') controller.error(new Error('the export was broken off'));
          pulled?.();
          pulled = null;
        };
      },
      pull() {
        port.postMessage({ kind: 'pull' } satisfies FromDownload);
        return new Promise<void>((done) => {
          pulled = done;
        });
      },
      cancel() {
        port.postMessage({ kind: 'cancel' } satisfies FromDownload);
      },
    },
    { highWaterMark: 1 },
  );
}

/** RFC 6266: the name as it is for all who know `filename*`, without its other letters for the rest. */
function disposition(name: string): string {
  const plain = name.replace(/[^A-Za-z0-9._ -]/g, '_');
  const whole = encodeURIComponent(name).replace(/['()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  return `attachment; filename="${plain}"; filename*=UTF-8''${whole}`;
}
