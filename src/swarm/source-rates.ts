import type { SwarmLimits } from './api.ts';
import { Rate } from './rate.ts';

interface Source {
  datagrams: Rate;
  checks: Rate;
}

/** How many rested sources are looked at to make room for one. */
const LOOKED_AT = 8;

/**
 * What addresses that have proved nothing may cost us: datagrams and signature checks, each source for itself.
 *
 * Bounded by `sourcesMax`: a source that rests makes room; where none does, all further ones share one count.
 */
export class SourceRates {
  readonly #limits: SwarmLimits;
  readonly #sources = new Map<string, Source>();
  readonly #overflow: Source = { datagrams: new Rate(), checks: new Rate() };

  constructor(limits: SwarmLimits) {
    this.#limits = limits;
  }

  /** Sources remembered one by one. */
  get size(): number {
    return this.#sources.size;
  }

  /** Takes one datagram of a source. `nowMs` is monotonic, here and below. */
  datagram(source: string, nowMs: number): boolean {
    const { sourcePerSecond, sourceBurst } = this.#limits;
    return this.#of(source, nowMs).datagrams.take(nowMs, sourcePerSecond, sourceBurst);
  }

  /** Takes one signature check for a source. */
  check(source: string, nowMs: number): boolean {
    const { checksPerSource, checksPerSourceBurst } = this.#limits;
    return this.#of(source, nowMs).checks.take(nowMs, checksPerSource, checksPerSourceBurst);
  }

  #of(source: string, nowMs: number): Source {
    const known = this.#sources.get(source);
    if (known) return known;
    if (this.#sources.size >= this.#limits.sourcesMax && !this.#makeRoom(nowMs)) return this.#overflow;
    const fresh = { datagrams: new Rate(), checks: new Rate() };
    this.#sources.set(source, fresh);
    return fresh;
  }

  /** The oldest stand first; those that do not rest yet go to the end, so that others are looked at next time. */
  #makeRoom(nowMs: number): boolean {
    let looked = 0;
    for (const [name, source] of this.#sources) {
      if (looked++ === LOOKED_AT) return false;
      this.#sources.delete(name);
      if (source.datagrams.isRested(nowMs) && source.checks.isRested(nowMs)) return true;
      this.#sources.set(name, source);
    }
    return false;
  }
}
