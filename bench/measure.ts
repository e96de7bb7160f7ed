/** One figure of a benchmark. Ratios, where there is one, are against `baseline` measured in the same run. */
export interface Measure {
  /** `bench.what`, such as `ingest.cpu`. */
  name: string;
  value: number;
  unit: string;
  /** What `ratio` is taken against, in words. */
  baseline: string | null;
  ratio: number | null;
  /** What we aim for: of `ratio` where there is one, else of `value`. */
  target: string | null;
  met: boolean | null;
}

/** Each benchmark reports its measures as it gets them; `say` is for progress. */
export type Bench = (report: (measure: Measure) => void, say: (text: string) => void) => Promise<void>;

/** Builds a measure and says whether its target is met. */
export function measure(
  name: string,
  value: number,
  unit: string,
  options: { baseline?: string; ratio?: number; atMost?: number; atLeast?: number } = {},
): Measure {
  const { baseline, ratio, atMost, atLeast } = options;
  const judged = ratio ?? value;
  const target = atMost !== undefined ? `<= ${atMost}` : atLeast !== undefined ? `>= ${atLeast}` : null;
  const met = atMost !== undefined ? judged <= atMost : atLeast !== undefined ? judged >= atLeast : null;
  return {
    name,
    value: round(value),
    unit,
    baseline: baseline ?? null,
    ratio: ratio === undefined ? null : round(ratio),
    target,
    met,
  };
}

/** The value below which `share` (0 to 1) of the samples lie; nearest rank. */
export function percentile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))] ?? Number.NaN;
}

function round(value: number): number {
  return Number(value.toPrecision(4));
}
