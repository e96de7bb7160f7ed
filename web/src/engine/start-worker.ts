import address from './worker.ts?worker&url';

interface ScriptUrls {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): string };
}

/** Starts the engine's worker. The one script the page starts by address: a policy of that name lets just this one through. */
export function startWorker(): Worker {
  const { trustedTypes } = globalThis as { trustedTypes?: ScriptUrls };
  const ours = (url: string) => {
    if (url !== address) throw new TypeError('expected the address of the engine');
    return url;
  };
  const url = trustedTypes?.createPolicy('viewer', { createScriptURL: ours }).createScriptURL(address) ?? address;
  return new Worker(url, { type: 'module', name: 'engine' });
}
