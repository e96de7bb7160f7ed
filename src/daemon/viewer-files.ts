import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { fromUtf8 } from '../bytes/index.ts';
import { isNvrError } from '../errors.ts';
import type { Files } from '../platform/index.ts';

/** Written by the build beside the files: their paths and hashes, so that a copy served elsewhere can be compared. */
export const VIEWER_MANIFEST = 'files.json';

const FILES_MAX = 256;
const FILE_BYTES_MAX = 4 * 1024 * 1024;
const MANIFEST_BYTES_MAX = 256 * 1024;
const PATH = /^(?:[a-z0-9_-]+\/)*[A-Za-z0-9_.-]+$/;
const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  json: 'application/json',
  txt: 'text/plain; charset=utf-8',
  webmanifest: 'application/manifest+json',
  svg: 'image/svg+xml',
  png: 'image/png',
};
/** Files whose name carries their hash never change. */
const FOR_EVER = /^assets\//;

/**
 * What the page may do, whoever wrote into it: run our files only, speak to nodes only, be framed by nobody. `blob:` is for media
 * and workers' downloads; connections go to any node, for several may be paired, and each is proved by its key.
 */
export const VIEWER_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob: data:",
  'media-src blob:',
  "connect-src 'self' ws: wss:",
  "worker-src 'self'",
  "manifest-src 'self'",
  "frame-src 'self'",
  "frame-ancestors 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "require-trusted-types-for 'script'",
  'trusted-types viewer',
].join('; ');

const HEADERS = {
  'content-security-policy': VIEWER_POLICY,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(self), microphone=(), geolocation=(), payment=()',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
} as const;

interface ViewerFile {
  type: string;
  etag: string;
  forEver: boolean;
  /** By content coding; `identity` always. */
  bodies: Readonly<Partial<Record<'identity' | 'gzip', Uint8Array>>>;
}

/** The built viewer, in memory: what is not in its manifest does not exist, whatever a request calls it. */
export class ViewerFiles {
  readonly #files: ReadonlyMap<string, ViewerFile>;

  private constructor(files: ReadonlyMap<string, ViewerFile>) {
    this.#files = files;
  }

  /** Reads what the build wrote; null where there is none, or where a file is not as its manifest says. */
  static async load(files: Pick<Files, 'read'>, folder: string): Promise<ViewerFiles | null> {
    try {
      const listing = await files.read(join(folder, VIEWER_MANIFEST), MANIFEST_BYTES_MAX);
      const manifest = parseManifest(fromUtf8(listing));
      if (!manifest) return null;
      const found = new Map<string, ViewerFile>();
      for (const [path, hash] of manifest) {
        const bytes = await files.read(join(folder, path), FILE_BYTES_MAX);
        if (createHash('sha256').update(bytes).digest('hex') !== hash) return null;
        found.set(`/${path}`, await fileOf(path, hash, bytes));
      }
      const listingHash = createHash('sha256').update(listing).digest('hex');
      found.set(`/${VIEWER_MANIFEST}`, await fileOf(VIEWER_MANIFEST, listingHash, listing));
      const index = found.get('/index.html');
      if (!index) return null;
      return new ViewerFiles(found.set('/', index));
    } catch (error) {
      if (isNvrError(error)) return null;
      throw error;
    }
  }

  /** Answers a request for a file; false where it is for none. */
  answer(request: IncomingMessage, response: ServerResponse): boolean {
    const { method, headers } = request;
    const file = this.#files.get(request.url?.split('?', 1)[0] ?? '');
    if (!file || (method !== 'GET' && method !== 'HEAD')) return false;
    const accepted = String(headers['accept-encoding'] ?? '');
    const coding = accepted.includes('gzip') && file.bodies.gzip ? 'gzip' : 'identity';
    const body = file.bodies[coding]!;
    const common = {
      ...HEADERS,
      'cache-control': file.forEver ? 'public, max-age=31536000, immutable' : 'no-cache',
      etag: file.etag,
      vary: 'accept-encoding',
    };
    if (headers['if-none-match'] === file.etag) {
      response.writeHead(304, common).end();
      return true;
    }
    response.writeHead(200, {
      ...common,
      'content-type': file.type,
      'content-length': String(body.length),
      ...(coding === 'identity' ? {} : { 'content-encoding': coding }),
    });
    response.end(method === 'HEAD' ? undefined : body);
    return true;
  }
}

/**
 * True for a page that this node served itself: its origin is where the request went, or one of `own`, the places (`host:port`) where this
 * machine listens, and that is an address and no name. A name could be somebody else's, pointed here (DNS rebinding); names an operator
 * wants are listed in `origins`.
 */
export function isOwnOrigin(origin: string, host: string | undefined, own: readonly string[] = []): boolean {
  const url = URL.parse(origin);
  if (url?.protocol !== 'http:' || host === undefined) return false;
  const place = url.port === '' ? `${url.hostname}:80` : url.host;
  const { hostname } = url;
  if (url.host !== host.toLowerCase() && !own.includes(place.replace(/^localhost:/, '127.0.0.1:'))) return false;
  return hostname === 'localhost' || /^\d{1,3}(?:\.\d{1,3}){3}$/.test(hostname) || /^\[[0-9a-f:.]+\]$/.test(hostname);
}

/** Where people open the viewer: the first address at which the node is reached. */
export function viewerAddress(addresses: readonly string[]): string | null {
  return addresses[0] === undefined ? null : `http://${addresses[0]}/`;
}

async function fileOf(path: string, hash: string, bytes: Uint8Array): Promise<ViewerFile> {
  const ending = path.split('.').at(-1)!;
  const dense = ending === 'png';
  return {
    type: TYPES[ending] ?? 'application/octet-stream',
    etag: `"${hash.slice(0, 32)}"`,
    forEver: FOR_EVER.test(path),
    // Not brotli: it is a sixth smaller, and its encoder would be the largest thing in this process.
    bodies: dense ? { identity: bytes } : { identity: bytes, gzip: await promisify(gzip)(bytes, { level: 9 }) },
  };
}

function parseManifest(text: string | null): Map<string, string> | null {
  let values: unknown;
  try {
    values = JSON.parse(text ?? '');
  } catch {
    return null;
  }
  const listed = (values as { files?: unknown } | null)?.files;
  if (typeof listed !== 'object' || listed === null) return null;
  const entries = Object.entries(listed as Record<string, unknown>);
  const fine = entries.every(
    ([path, hash]) => PATH.test(path) && typeof hash === 'string' && /^[0-9a-f]{64}$/.test(hash),
  );
  return fine && entries.length <= FILES_MAX ? new Map(entries as [string, string][]) : null;
}
