import type { StreamSink } from '../../src/ingest/index.ts';
import type { CapturedFragment, Run } from '../../src/media/index.ts';
import type { GapCause } from '../../src/protocol/index.ts';

/** What a recorder gave, run by run; holds it to the order its contract promises. */
export class MemorySink implements StreamSink {
  readonly runs: {
    run: Run;
    fragments: CapturedFragment[];
    end: { cause: GapCause; endUs: number; reason: string } | null;
  }[] = [];

  get open(): boolean {
    return this.runs.length > 0 && this.runs.at(-1)!.end === null;
  }

  get fragments(): CapturedFragment[] {
    return this.runs.flatMap((each) => each.fragments);
  }

  get causes(): (GapCause | null)[] {
    return this.runs.map((each) => each.end?.cause ?? null);
  }

  async beginRun(run: Run): Promise<void> {
    if (this.open) throw new Error('a run began inside another');
    this.runs.push({ run, fragments: [], end: null });
  }

  async fragment(fragment: CapturedFragment): Promise<void> {
    if (!this.open) throw new Error('a fragment came outside a run');
    const { fragments, run } = this.runs.at(-1)!;
    if (fragments.length === 0 && !fragment.keyframe) throw new Error('a run began without a keyframe');
    const expected = fragments.at(-1)?.endUs ?? run.startUs;
    if (fragment.startUs !== expected) throw new Error(`a fragment began at ${fragment.startUs}, not at ${expected}`);
    fragments.push(fragment);
  }

  async endRun(end: { cause: GapCause; endUs: number; reason: string }): Promise<void> {
    if (!this.open) throw new Error('a run ended that had not begun');
    this.runs.at(-1)!.end = end;
  }
}
