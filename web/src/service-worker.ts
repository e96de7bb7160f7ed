/// <reference lib="webworker" />
import { answerDownload, takeDownload } from './export/download-worker-part.ts';
import { type Answer, answerFor } from './shell/offline.ts';

declare const self: ServiceWorkerGlobalScope;
/** Of the files this was built with. */
declare const __VERSION__: string;

// The page without the node at hand: its files are kept as they were built together, so that it opens and says that there is no link. What
// the node answers (the channel, its health) never passes through here.

const CACHE = `viewer-${__VERSION__}`;
const scope = new URL(self.registration.scope);
/** How long the node may take to give the page before the kept one is shown. */
const PAGE_MS = 3_000;

self.addEventListener('install', (event) => {
  event.waitUntil(
    (async () => {
      const { files } = (await (await fetch('./files.json', { cache: 'no-cache' })).json()) as {
        files: Record<string, string>;
      };
      const cache = await caches.open(CACHE);
      const paths = Object.keys(files).filter((path) => path !== 'sw.js');
      await Promise.all(
        paths.map(async (path) => {
          const response = await fetch(new URL(path, scope), { cache: 'no-cache' });
          const body = await response.clone().arrayBuffer();
          // Half an update, or a copy somebody changed on the way: the old worker stays.
          if (!response.ok || (await sha256(body)) !== files[path]) throw new TypeError(`expected ${path} as listed`);
          await cache.put(new URL(path, scope), response);
        }),
      );
      await self.skipWaiting();
    })(),
  );
});

self.addEventListener('activate', (event) => {
  event.waitUntil(
    (async () => {
      for (const name of await caches.keys()) {
        if (name.startsWith('viewer-') && name !== CACHE) await caches.delete(name);
      }
      await self.clients.claim();
    })(),
  );
});

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const download = answerDownload(request.url, scope.href);
  if (download) return event.respondWith(download);
  const answer: Answer = answerFor(request, scope);
  if (answer === 'network') return;
  if (answer === 'page') event.respondWith(freshPage(request));
  else event.respondWith(keptFile(request));
});

// Exports on their way to a file (export/download-worker-part.ts).
self.addEventListener('message', (event) => void takeDownload(event));

/** The page as the node has it now, else as it was kept. */
async function freshPage(request: Request): Promise<Response> {
  const kept = () => caches.match(new URL('index.html', scope), { cacheName: CACHE });
  try {
    const response = await fetch(request, { signal: AbortSignal.timeout(PAGE_MS) });
    return response.ok ? response : ((await kept()) ?? response);
  } catch {
    return (await kept()) ?? Response.error();
  }
}

/** Files carry their hash in their name, or belong to the kept page: what is kept is right. */
async function keptFile(request: Request): Promise<Response> {
  return (await caches.match(request, { cacheName: CACHE, ignoreSearch: true })) ?? fetch(request);
}

async function sha256(bytes: ArrayBuffer): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
