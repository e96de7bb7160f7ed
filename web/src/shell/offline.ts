/** `network`: as if the service worker were not there. `page`: the newest page there is. `kept`: from what is kept. */
export type Answer = 'network' | 'page' | 'kept';

/** How the service worker answers a request; `scope` is the address it stands at, with a slash at its end. */
export function answerFor(request: { method: string; mode: string; url: string }, scope: URL): Answer {
  const url = new URL(request.url);
  if (request.method !== 'GET' || url.origin !== scope.origin || !url.pathname.startsWith(scope.pathname))
    return 'network';
  const path = url.pathname.slice(scope.pathname.length);
  if (path === '' || path === 'index.html') return request.mode === 'navigate' ? 'page' : 'network';
  // Named by its hash: the same for ever. The others are few and change with the build.
  if (/^assets\/[^/]+$/.test(path)) return 'kept';
  return /^(?:icon[^/]*\.(?:svg|png)|manifest\.webmanifest|licences\.txt)$/.test(path) ? 'kept' : 'network';
}
