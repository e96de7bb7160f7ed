interface ScriptUrls {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): string };
}

const allowed = new Set<string>();
let policy: { createScriptURL(url: string): string } | null = null;

/** Lets the page start a script of ours by its address (a worker, the service worker): the only policy there is, and it knows each by name. */
export function ourScript(address: string): string {
  allowed.add(address);
  const { trustedTypes } = globalThis as { trustedTypes?: ScriptUrls };
  if (!trustedTypes) return address;
  policy ??= trustedTypes.createPolicy('viewer', {
    createScriptURL(url) {
      if (!allowed.has(url)) throw new TypeError('expected the address of one of our own scripts');
      return url;
    },
  });
  return policy.createScriptURL(address);
}
