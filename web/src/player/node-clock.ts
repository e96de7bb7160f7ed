import type { Engine } from '../engine/engine.ts';
import type { DeviceKey } from '../engine/messages.ts';

/** One question about the time: when it was asked and answered by our clock, and what the node's said between. Epoch ms. */
export interface ClockProbe {
  askedAt: number;
  answeredAt: number;
  nodeAt: number;
}

/** How far the node's clock is ahead of this browser's. */
export interface ClockOffset {
  ms: number;
  /** It may be wrong by so much either way. */
  uncertaintyMs: number;
}

/** The probe with the shortest way there and back says it best; the node tells whole ms, rounded down. */
export function offsetOf(probes: readonly ClockProbe[]): ClockOffset | null {
  const best = probes.reduce<ClockProbe | null>(
    (found, each) => (found && found.answeredAt - found.askedAt <= each.answeredAt - each.askedAt ? found : each),
    null,
  );
  if (!best) return null;
  const tripMs = best.answeredAt - best.askedAt;
  return { ms: best.nodeAt + 0.5 - (best.askedAt + tripMs / 2), uncertaintyMs: tripMs / 2 + 0.5 };
}

const KEPT = 6;
const FIRST_PROBES = 3;
const EVERY_MS = 60_000;

/** The clocks of nodes, asked while somebody wants to know. */
export class NodeClocks {
  readonly #engine: Engine;
  readonly #nodes = new Map<
    DeviceKey,
    { users: number; probes: ClockProbe[]; timer: ReturnType<typeof setTimeout> | undefined }
  >();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  offset(node: DeviceKey): ClockOffset | null {
    return offsetOf(this.#nodes.get(node)?.probes ?? []);
  }

  /** Asks now and then until the returned function is called. */
  use(node: DeviceKey): () => void {
    const found = this.#nodes.get(node);
    const clock = found ?? { users: 0, probes: [], timer: undefined };
    if (!found) this.#nodes.set(node, clock);
    if (clock.users++ === 0) void this.#ask(node);
    let used = true;
    return () => {
      if (!used) return;
      used = false;
      if (--clock.users === 0) clearTimeout(clock.timer);
    };
  }

  async #ask(node: DeviceKey): Promise<void> {
    const clock = this.#nodes.get(node)!;
    clearTimeout(clock.timer);
    try {
      const askedAt = performance.timeOrigin + performance.now();
      const { node: told } = await this.#engine.call(node, 'status.get', {}, AbortSignal.timeout(10_000));
      const answeredAt = performance.timeOrigin + performance.now();
      // Our own clock may have been set meanwhile: what is kept is told by the calendar of now.
      const shift = Date.now() - answeredAt;
      clock.probes = [
        ...clock.probes,
        { askedAt: askedAt + shift, answeredAt: answeredAt + shift, nodeAt: told.now },
      ].slice(-KEPT);
    } catch {
      // The link tells by itself what is wrong with it; asked again later.
    }
    if (clock.users === 0) return;
    const waitMs = clock.probes.length < FIRST_PROBES ? 1_500 : EVERY_MS;
    clock.timer = setTimeout(() => void this.#ask(node), waitMs);
  }
}

const known = new WeakMap<Engine, NodeClocks>();

/** The clocks of an engine's nodes, shared by all players. */
export function clocksOf(engine: Engine): NodeClocks {
  const found = known.get(engine) ?? new NodeClocks(engine);
  known.set(engine, found);
  return found;
}
