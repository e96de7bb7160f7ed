import type { DeviceKey } from '../protocol/index.ts';
import type { ChannelLimits } from './limits.ts';

type BudgetLimits = Pick<
  ChannelLimits,
  | 'commandsPerSecond'
  | 'commandsBurst'
  | 'requestBytesPerSecond'
  | 'requestBytesBurst'
  | 'sourceCommandsPerSecond'
  | 'sourceCommandsBurst'
  | 'budgetsMax'
>;

/** When the next command, and the next byte, would be on time (generic cell rate algorithm), monotonic ms. */
interface Due {
  commandMs: number;
  byteMs: number;
}

/**
 * How many commands, and bytes of them, devices and addresses may send; over all their channels together, so that a new channel
 * brings no new budget. Bounded by `budgetsMax` for each of both: whoever has its whole budget back is forgotten, then the quietest.
 */
export class CommandBudget {
  readonly #limits: BudgetLimits;
  readonly #devices = new Map<DeviceKey, Due>();
  readonly #sources = new Map<string, Due>();

  constructor(limits: BudgetLimits) {
    this.#limits = limits;
  }

  /** Devices and addresses remembered. */
  get size(): number {
    return this.#devices.size + this.#sources.size;
  }

  /** Takes one command of `bytes`: 0 where it was within all budgets, else how many ms later it will be. `nowMs` is monotonic. */
  take(device: DeviceKey, source: string, bytes: number, nowMs: number): number {
    const limits = this.#limits;
    const own = dueOf(this.#devices, device, nowMs, limits.budgetsMax);
    const shared = dueOf(this.#sources, source, nowMs, limits.budgetsMax);
    const command = later(own.commandMs, nowMs, 1, limits.commandsPerSecond, limits.commandsBurst);
    const byte = later(own.byteMs, nowMs, bytes, limits.requestBytesPerSecond, limits.requestBytesBurst);
    const any = later(shared.commandMs, nowMs, 1, limits.sourceCommandsPerSecond, limits.sourceCommandsBurst);
    const wait = Math.max(command.wait, byte.wait, any.wait);
    if (wait > 0) return Math.ceil(wait);
    own.commandMs = command.due;
    own.byteMs = byte.due;
    shared.commandMs = any.due;
    return 0;
  }
}

/** Where a budget stands after `amount`, and how long that is too early. */
function later(dueMs: number, nowMs: number, amount: number, perSecond: number, burst: number) {
  const due = Math.max(dueMs, nowMs) + (amount * 1000) / perSecond;
  const wait = due - nowMs - (burst * 1000) / perSecond;
  return { due, wait: wait > 1e-6 ? wait : 0 };
}

function dueOf<K>(table: Map<K, Due>, key: K, nowMs: number, max: number): Due {
  const known = table.get(key) ?? { commandMs: 0, byteMs: 0 };
  // Deleting and setting moves it to the young end of the map.
  table.delete(key);
  table.set(key, known);
  if (table.size > max) {
    for (const [old, { commandMs, byteMs }] of table) {
      if (commandMs <= nowMs && byteMs <= nowMs) table.delete(old);
    }
    const [oldest] = table.keys();
    if (table.size > max && oldest !== undefined) table.delete(oldest);
  }
  return known;
}
