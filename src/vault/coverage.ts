/** A stretch of time, whole µs since the epoch. */
export interface Span {
  startUs: number;
  endUs: number;
}

/**
 * How much of each interval between neighbouring `edges` (rising, at least two) is covered, in µs. Spans in the order of time, none
 * overlapping another.
 */
export function covered(edgesUs: readonly number[], spans: readonly Span[]): Float64Array {
  const sums = new Float64Array(edgesUs.length - 1);
  let at = 0;
  for (const { startUs, endUs } of spans) {
    while (at < sums.length && edgesUs[at + 1]! <= startUs) at++;
    for (let i = at; i < sums.length && edgesUs[i]! < endUs; i++) {
      const overlap = Math.min(endUs, edgesUs[i + 1]!) - Math.max(startUs, edgesUs[i]!);
      if (overlap > 0) sums[i]! += overlap;
    }
  }
  return sums;
}

/** Spans in the order of time, those that touch or overlap made one. */
export function joined(spans: readonly Span[]): Span[] {
  const found: Span[] = [];
  for (const span of [...spans].sort((a, b) => a.startUs - b.startUs)) {
    const last = found.at(-1);
    if (last && span.startUs <= last.endUs) last.endUs = Math.max(last.endUs, span.endUs);
    else found.push({ ...span });
  }
  return found;
}

/** The parts of spans inside [fromUs, toUs). */
export function within(spans: readonly Span[], fromUs: number, toUs: number): Span[] {
  return spans.flatMap(({ startUs, endUs }) => {
    const span = { startUs: Math.max(startUs, fromUs), endUs: Math.min(endUs, toUs) };
    return span.startUs < span.endUs ? [span] : [];
  });
}

/** How many of the moments lie in each interval between neighbouring edges. */
export function counted(edgesUs: readonly number[], momentsUs: readonly number[]): Uint32Array {
  const sums = new Uint32Array(edgesUs.length - 1);
  for (const atUs of momentsUs) {
    if (atUs < edgesUs[0]! || atUs >= edgesUs.at(-1)!) continue;
    let [low, high] = [0, sums.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (edgesUs[middle]! <= atUs) low = middle;
      else high = middle - 1;
    }
    sums[low]! += 1;
  }
  return sums;
}
