import { createHash } from 'node:crypto';
import { KNOWN_KEYS } from './config-schema.ts';

/**
 * SHA-256 of the secrets that the first version's configuration template published (over their lower-case hex text): whoever
 * uses one of them shares it with the world.
 */
const PUBLISHED_SECRETS = new Set([
  'd0cf2f20ec4732510ca062f1df5db6e7e0b723809887a10f1329c53eb2312d7a',
  '09a1892657208cacccb855eb586f010502f63fba10e302ae2836d3484b59a38b',
  '6a2397834859dfb21f1e8f194054136de3f577f7435c455934997f4acbb39a15',
  '4e1d4274deddc67e0bfefcdd935e2ee034df1f6fba6fec13f3687f4535394ca5',
  'f8fb05f69a4bf7f8515dae3205a6e5b3f73d003ce8788add0a36b8f6f45d9a81',
]);
/** Keys of the first version's configuration. */
const VERSION_1_KEYS = ['node_id', 'nostr_pubkey', 'nostr_sk_hex', 'api', 'cameras'];

/** Secrets that everybody knows, anywhere in the file; and a word where the whole file is of another version. */
export function publishedSecrets(values: unknown, prints: ReadonlySet<string> = PUBLISHED_SECRETS): string[] {
  const found: string[] = [];
  const walk = (value: unknown, path: string) => {
    if (typeof value === 'string' && /^[0-9a-fA-F]{64}$/.test(value)) {
      const print = createHash('sha256').update(value.toLowerCase()).digest('hex');
      if (prints.has(print)) found.push(`${path}: this secret was published in a template; make a new one`);
    } else if (typeof value === 'object' && value !== null) {
      for (const [key, inner] of Object.entries(value)) walk(inner, path ? `${path}.${key}` : key);
    }
  };
  walk(values, '');
  const top = typeof values === 'object' && values !== null ? Object.keys(values) : [];
  if (VERSION_1_KEYS.filter((key) => top.includes(key)).length >= 2) {
    found.push('this looks like the configuration of version 1; cameras go into sources (docs/configuration.md)');
  }
  return found;
}

/** Keys that mean nothing, with what may have been meant. */
export function tellUnknownKeys(values: unknown, tell: (path: readonly PropertyKey[], message: string) => void): void {
  const check = (value: unknown, known: readonly string[], path: readonly string[]) => {
    for (const key of keysOf(value)) {
      if (known.includes(key)) continue;
      const meant = nearest(key, known);
      tell(
        [...path, printable(key)],
        `unknown key; ${meant ? `did you mean ${meant}?` : `expected one of ${known.join(', ')}`}`,
      );
    }
  };
  const at = (value: unknown, key: string) => (isRecord(value) ? value[key] : undefined);
  check(values, KNOWN_KEYS.top, []);
  for (const key of ['storage', 'audit', 'identity', 'swarm', 'v1', 'cameras'] as const)
    check(at(values, key), KNOWN_KEYS[key], [key]);
  check(at(at(values, 'identity'), 'enrol'), KNOWN_KEYS.enrol, ['identity', 'enrol']);
  for (const [place, key, known] of [
    ['swarm', 'zones', KNOWN_KEYS.zone],
    ['swarm', 'peers', KNOWN_KEYS.peer],
    ['v1', 'devices', KNOWN_KEYS.v1Device],
  ] as const) {
    const told = at(at(values, place), key);
    for (const [i, each] of (Array.isArray(told) ? told : [told]).entries())
      check(each, known, [place, key, String(i)]);
  }
  const sources = at(values, 'sources');
  for (const id of keysOf(sources)) {
    const source = at(sources, id);
    check(source, KNOWN_KEYS.source, ['sources', id]);
    check(at(source, 'virtual'), KNOWN_KEYS.virtual, ['sources', id, 'virtual']);
    check(at(source, 'record'), KNOWN_KEYS.record, ['sources', id, 'record']);
  }
}

/** The known word within two edits, or null. */
export function nearest(word: string, known: readonly string[]): string | null {
  if (word.length > 64) return null;
  const ranked = known.map((each) => ({ each, edits: editsBetween(word.toLowerCase(), each) }));
  const best = ranked.sort((a, b) => a.edits - b.edits)[0];
  return best && best.edits <= 2 && best.edits < best.each.length ? best.each : null;
}

function editsBetween(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let k = 1; k <= b.length; k++) {
      next.push(Math.min(row[k]! + 1, next[k - 1]! + 1, row[k - 1]! + (a[i - 1] === b[k - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length]!;
}

function keysOf(value: unknown): string[] {
  return isRecord(value) ? Object.keys(value) : [];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A key as it may be shown. */
export function printable(text: string): string {
  return text.slice(0, 64).replace(/[^ -~]/g, '?');
}
