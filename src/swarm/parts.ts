import type { Admission } from './admission.ts';
import type { Announcer } from './announcer.ts';
import type { SwarmDeps, SwarmLimits, SwarmOptions } from './api.ts';
import type { Counters } from './counters.ts';
import type { Outbox } from './outbox.ts';
import type { Peer } from './peer.ts';
import type { PeerTable } from './peer-table.ts';
import type { SourceRates } from './source-rates.ts';

/** What both wires work with. */
export interface SwarmParts {
  deps: SwarmDeps;
  options: SwarmOptions;
  limits: SwarmLimits;
  counters: Counters;
  peers: PeerTable;
  sources: SourceRates;
  outbox: Outbox;
  admission: Admission;
  announcer: Announcer;
  /** Asks to be woken by then (monotonic ms), where the next turn would come later. */
  hasten(atMs: number): void;
}

/** Zones of ours that may be named to a peer: its share, or for a stranger any it proves to know. */
export function zonesFor({ options }: SwarmParts, peer: Peer | null): string[] {
  const ours = options.zones.map((zone) => zone.key);
  const { configured } = peer ?? {};
  return configured ? ours.filter((zone) => configured.zones.includes(zone)) : ours;
}
