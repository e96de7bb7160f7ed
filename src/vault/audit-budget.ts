import type { AuditEntry, AuditEvent, AuditLost, DeviceKey } from '../protocol/index.ts';

/** Events that anybody can cause by the thousand. The others are written always: they need a right and leave a trace anyway. */
const CHATTER: ReadonlySet<AuditEvent> = new Set<AuditEvent>([
  'connected',
  'disconnected',
  'connect-refused',
  'pair-refused',
  'live-viewed',
  'played',
  'command-refused',
]);

/** Entries one actor may have written at once, and how long one more takes to grow. */
const BURST = 200;
const EVERY_MS = 10_000;
/** Actors told apart; whoever comes when so many are busy shares the budget of nobody. */
const ACTORS_MAX = 256;
const NOBODY = '';

interface Actor {
  /** When its next entry would be on time (generic cell rate algorithm), monotonic ms. */
  dueMs: number;
  omitted: { count: number; from: number; to: number } | null;
}

/**
 * Keeps anybody from rolling the log over with chatter: each device, and all who are not proved together, may have a burst of
 * entries and then one every ten seconds. What is beyond is counted, and the log says how many of whom.
 */
export class AuditBudget {
  /** Bounded by `ACTORS_MAX`; whoever has its whole budget back is forgotten. */
  readonly #actors = new Map<DeviceKey | '', Actor>();

  /** True where the entry is to be written; false where it was counted only. `nowMs` is monotonic. */
  admits({ event, device, at }: AuditEntry, nowMs: number): boolean {
    if (!CHATTER.has(event)) return true;
    const actor = this.#actorOf(device, nowMs);
    const due = Math.max(actor.dueMs, nowMs) + EVERY_MS;
    if (due - nowMs <= BURST * EVERY_MS) {
      actor.dueMs = due;
      return true;
    }
    actor.omitted ??= { count: 0, from: at, to: at };
    actor.omitted.count += 1;
    actor.omitted.to = Math.max(actor.omitted.to, at);
    return false;
  }

  /** True while something was left out and not told. */
  get owes(): boolean {
    for (const { omitted } of this.#actors.values()) if (omitted) return true;
    return false;
  }

  /** What was left out since the last time this was asked, by actor. `at` is epoch ms. */
  take(at: number): AuditLost[] {
    const told: AuditLost[] = [];
    for (const [name, actor] of this.#actors) {
      if (!actor.omitted) continue;
      const device = name === NOBODY ? null : name;
      told.push({ type: 'lost', at, cause: 'flood', device, ...actor.omitted });
      actor.omitted = null;
    }
    return told;
  }

  #actorOf(device: DeviceKey | null, nowMs: number): Actor {
    const known = this.#actors.get(device ?? NOBODY);
    if (known) return known;
    if (this.#actors.size >= ACTORS_MAX) this.#forget(nowMs);
    const name = this.#actors.size >= ACTORS_MAX ? NOBODY : (device ?? NOBODY);
    const actor = this.#actors.get(name) ?? { dueMs: 0, omitted: null };
    this.#actors.set(name, actor);
    return actor;
  }

  #forget(nowMs: number): void {
    for (const [name, { dueMs, omitted }] of this.#actors) {
      if (dueMs <= nowMs && !omitted) this.#actors.delete(name);
    }
  }
}
