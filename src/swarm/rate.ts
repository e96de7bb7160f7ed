/** So many per second, and so many at once (generic cell rate algorithm); one number of state. */
export class Rate {
  /** When the next one would be on time, monotonic ms. */
  #dueMs = 0;

  /** Takes `cost` where the rate allows it; a refusal costs nothing. `nowMs` is monotonic. */
  take(nowMs: number, perSecond: number, burst: number, cost = 1): boolean {
    const stepMs = 1000 / perSecond;
    const next = Math.max(this.#dueMs, nowMs) + stepMs * cost;
    if (next - nowMs > burst * stepMs + 1e-6) return false;
    this.#dueMs = next;
    return true;
  }

  /** True where nothing taken is remembered any more. */
  isRested(nowMs: number): boolean {
    return this.#dueMs <= nowMs;
  }
}
