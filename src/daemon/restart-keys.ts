import type { Config } from './config.ts';

/** Keys whose change holds at once. */
const AT_ONCE: ReadonlySet<string> = new Set(['file', 'sources', 'addresses', 'viewer']);

/** Names, as in config.yaml, of what differs between the two and holds only after a restart; sorted. */
export function keysToRestart(started: Config, config: Config): string[] {
  const before = restartFacts(started);
  const now = restartFacts(config);
  const names = new Set([...before.keys(), ...now.keys()]);
  return [...names].filter((name) => before.get(name) !== now.get(name)).sort();
}

/** Every such value as text by its name. */
function restartFacts({ storage, v1, ...rest }: Config): Map<string, string> {
  const { segmentMs, reserve } = storage;
  const facts = new Map<string, string>();
  const tell = (name: string, value: unknown) => facts.set(name, JSON.stringify(value));
  for (const [name, value] of Object.entries(rest)) if (!AT_ONCE.has(name)) tell(name, value);
  // Its devices are asked about each time.
  tell('v1', v1 && { ...v1, devices: [] });
  tell('storage.segment', segmentMs);
  tell('storage.reserve', reserve);
  return facts;
}
