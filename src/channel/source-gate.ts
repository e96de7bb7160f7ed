import { isIPv4, isIPv6 } from 'node:net';
import type { ChannelLimits } from './limits.ts';

type GateLimits = Pick<
  ChannelLimits,
  | 'pendingMax'
  | 'pendingPerSourceMax'
  | 'sourcePerSecond'
  | 'sourceBurst'
  | 'totalPerSecond'
  | 'totalBurst'
  | 'sourcesMax'
>;

interface Source {
  pending: number;
  /** When its next upgrade would be on time (generic cell rate algorithm), monotonic ms. */
  dueMs: number;
}

/** Counts strangers: who may begin a handshake now. Bounded by `sourcesMax`; the source quiet for longest is forgotten first. */
export class SourceGate {
  readonly #limits: GateLimits;
  readonly #sources = new Map<string, Source>();
  #pending = 0;
  #dueMs = 0;

  constructor(limits: GateLimits) {
    this.#limits = limits;
  }

  /** Handshakes going on. */
  get pending(): number {
    return this.#pending;
  }

  /** Sources remembered. */
  get size(): number {
    return this.#sources.size;
  }

  /**
   * Lets a handshake of `source` begin: gives the function to call once when it has ended, or null where it must not.
   * Trying counts against the source's rate, a refusal for the rate of all does not. `nowMs` is monotonic.
   */
  enter(source: string, nowMs: number): (() => void) | null {
    const { pendingMax, pendingPerSourceMax, sourcePerSecond, sourceBurst, totalPerSecond, totalBurst } = this.#limits;
    const entry = this.#sources.get(source) ?? { pending: 0, dueMs: 0 };
    // Deleting and setting moves it to the young end of the map.
    this.#sources.delete(source);
    this.#sources.set(source, entry);
    this.#forget();
    const sourceDue = nextDue(entry.dueMs, nowMs, sourcePerSecond, sourceBurst);
    if (sourceDue === null) return null;
    entry.dueMs = sourceDue;
    if (this.#pending >= pendingMax || entry.pending >= pendingPerSourceMax) return null;
    const totalDue = nextDue(this.#dueMs, nowMs, totalPerSecond, totalBurst);
    if (totalDue === null) return null;
    this.#dueMs = totalDue;
    this.#pending++;
    entry.pending++;
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.#pending--;
      entry.pending--;
    };
  }

  #forget(): void {
    if (this.#sources.size <= this.#limits.sourcesMax) return;
    for (const [name, { pending }] of this.#sources) {
      if (pending > 0) continue;
      this.#sources.delete(name);
      return;
    }
  }
}

/** What counts as one source: an IPv4 address, or the /64 of an IPv6 address. */
export function sourceOf(address: string | undefined): string {
  if (address === undefined) return 'unknown';
  if (isIPv4(address)) return address;
  const plain = address.split('%')[0]!.toLowerCase();
  const mapped = plain.startsWith('::ffff:') ? plain.slice(7) : '';
  if (isIPv4(mapped)) return mapped;
  if (!isIPv6(plain)) return 'unknown';
  const [head = '', tail] = plain.split('::');
  const groups = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    const after = tail === '' ? [] : tail.split(':');
    while (groups.length + after.length < 8) groups.push('0');
    groups.push(...after);
  }
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`;
}

/** When the event after this one is due, or null where this one comes too early. */
function nextDue(dueMs: number, nowMs: number, perSecond: number, burst: number): number | null {
  const stepMs = 1000 / perSecond;
  const next = Math.max(dueMs, nowMs) + stepMs;
  return next - nowMs > burst * stepMs + 1e-6 ? null : next;
}
