import type { CapturedFragment } from '../media/index.ts';

/** Most bytes of one stream, and of all streams of a node, that wait for an event. */
const STREAM_BYTES_MAX = 16 * 1024 * 1024;
const NODE_BYTES_MAX = 256 * 1024 * 1024;
/** What a held fragment costs beside its bytes: a camera that sends tiny ones is bounded too. */
const FRAGMENT_COST_BYTES = 512;
/** Smaller pieces are left to the collector. */
const GIVE_BACK_BYTES_MIN = 4096;

/** A keyframe and what follows it. */
interface Group {
  fragments: CapturedFragment[];
  sizeBytes: number;
  /** Monotonic µs at which its picture began. */
  startMonoUs: number;
}

/** Memory for pictures before events, shared by all streams of a node: where it runs out, who holds most gives first. */
export class PrerollBudget {
  readonly #bytesMax: number;
  /** Bounded by the configured streams. */
  readonly #holders = new Set<Preroll>();
  #usedBytes = 0;

  constructor(bytesMax = NODE_BYTES_MAX) {
    this.#bytesMax = bytesMax;
  }

  /** Bytes held by all streams. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Makes room; false where nobody can give any. */
  take(holder: Preroll, sizeBytes: number): boolean {
    while (this.#usedBytes + sizeBytes > this.#bytesMax) {
      let largest: Preroll | null = null;
      for (const each of this.#holders) if (each.canGive && each.sizeBytes > (largest?.sizeBytes ?? 0)) largest = each;
      if (!largest) return false;
      largest.cutOldest();
    }
    this.#usedBytes += sizeBytes;
    this.#holders.add(holder);
    return true;
  }

  give(holder: Preroll, sizeBytes: number): void {
    this.#usedBytes -= sizeBytes;
    if (holder.sizeBytes === 0) this.#holders.delete(holder);
  }
}

/**
 * The newest pictures of a stream that is not being stored, from a keyframe on: copies, bounded in time and bytes. Whole groups of
 * pictures go, the oldest first; the group that is coming stays as long as it fits.
 */
export class Preroll {
  readonly #budget: PrerollBudget;
  readonly #bytesMax: number;
  #groups: Group[] = [];
  #sizeBytes = 0;
  #cut = 0;
  #taking = false;

  constructor(budget: PrerollBudget, bytesMax = STREAM_BYTES_MAX) {
    this.#budget = budget;
    this.#bytesMax = bytesMax;
  }

  /** Bytes held, with what holding them costs. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** True where something is held; it begins with a keyframe then. */
  get holds(): boolean {
    return this.#groups.length > 0;
  }

  /** Fragments that memory could not hold long enough, since the start. */
  get cut(): number {
    return this.#cut;
  }

  /** False while its pictures are on their way to the vault. */
  get canGive(): boolean {
    return !this.#taking && this.holds;
  }

  /** Holds a copy of a fragment, and lets go of groups that lie whole before the last `beforeMs`. */
  add(fragment: CapturedFragment, beforeMs: number): void {
    const startMonoUs = fragment.monoUs - (fragment.endUs - fragment.startUs);
    if (fragment.keyframe) this.#groups.push({ fragments: [], sizeBytes: 0, startMonoUs });
    else if (!this.holds) return;
    while (this.#groups.length > 1 && this.#groups[1]!.startMonoUs <= fragment.monoUs - beforeMs * 1000) {
      this.#sizeDown(this.#groups.shift()!);
    }
    const sizeBytes = fragment.bytes.length + FRAGMENT_COST_BYTES;
    while (this.holds && this.#sizeBytes + sizeBytes > this.#bytesMax) this.cutOldest();
    if (!this.holds || !this.#budget.take(this, sizeBytes)) {
      this.#refuse();
      return;
    }
    // Making room may have cost this very group.
    const group = this.#groups.at(-1);
    if (!group) {
      this.#budget.give(this, sizeBytes);
      this.#refuse();
      return;
    }
    group.fragments.push({ ...fragment, bytes: fragment.bytes.slice() });
    group.sizeBytes += sizeBytes;
    this.#sizeBytes += sizeBytes;
  }

  /** Lets go of the oldest group for want of memory. */
  cutOldest(): void {
    const group = this.#groups.shift();
    if (!group) return;
    this.#cut += group.fragments.length;
    this.#sizeDown(group);
  }

  /** Hands over all that is held, oldest first, and holds nothing then; a fragment is valid until `store` has resolved. */
  async take(store: (fragment: CapturedFragment) => Promise<void>): Promise<void> {
    this.#taking = true;
    try {
      for (const { fragments } of this.#groups) for (const fragment of fragments) await store(fragment);
    } finally {
      this.#taking = false;
      this.clear();
    }
  }

  /** When what is held begins, wall µs; null where nothing is. */
  get startUs(): number | null {
    return this.#groups[0]?.fragments[0]?.startUs ?? null;
  }

  /** Lets go of everything. */
  clear(): void {
    const groups = this.#groups;
    this.#groups = [];
    for (const group of groups) this.#sizeDown(group);
  }

  /** A group without its beginning is worth nothing: what cannot be held ends the one it belongs to. */
  #refuse(): void {
    this.#cut++;
    const group = this.#groups.pop();
    if (!group) return;
    this.#cut += group.fragments.length;
    this.#sizeDown(group);
  }

  #sizeDown({ fragments, sizeBytes }: Group): void {
    this.#sizeBytes -= sizeBytes;
    this.#budget.give(this, sizeBytes);
    for (const { bytes } of fragments) if (bytes.length >= GIVE_BACK_BYTES_MIN) bytes.buffer.transfer(0);
  }
}
