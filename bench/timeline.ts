import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { timelineCommands } from '../src/commands/timeline.ts';
import { SeededRandom } from '../src/platform/index.ts';
import {
  createLeaf,
  GAP_CAUSES,
  type LogLeaf,
  OWNER_ACCESS,
  type SourceId,
  streamAssignedLeaf,
} from '../src/protocol/index.ts';
import { type SegmentExtra, SegmentIndex } from '../src/vault/segment-index.ts';
import { type Bench, measure, percentile } from './measure.ts';
import { temporaryFolder } from './node-under-test.ts';

const CAMERAS = 64;
/** Of them: recorded by events, in short clips; the others go on, but for a few gaps a day. */
const EVENT_CAMERAS = 4;
const CLIPS_A_DAY = 150;
const GAPS_A_DAY = 4;
const SOURCES = 16;
const BUCKETS = 1_000;
const REQUESTS = 60;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const DAYS = Number(process.env['BENCH_DAYS'] ?? 365);
const END_AT = Date.UTC(2026, 10, 21, 12);
const ZOOMS: Record<string, number> = {
  year: 365 * DAY_MS,
  quarter: 91 * DAY_MS,
  month: 30 * DAY_MS,
  week: 7 * DAY_MS,
  day: DAY_MS,
  '6 hours': 6 * HOUR_MS,
  hour: HOUR_MS,
  '10 minutes': 10 * MINUTE_MS,
  minute: MINUTE_MS,
};

/**
 * `timeline.coverage` for 16 of 64 cameras over an index of a year, at every zoom, with its JSON; over the same for one camera and one day
 * of one. The first camera's index is fed segment by segment (60 s), which says what that costs; the others' recorded time is fed in longer
 * pieces, which lead to the same rows of recorded time: no coverage looks at segments.
 */
export const benchTimeline: Bench = async (report, say) => {
  const folder = temporaryFolder();
  const path = join(folder, 'index.sqlite');
  const index = SegmentIndex.open(path)!;
  index.begin('bench');
  say(`building the index of ${CAMERAS} cameras, ${DAYS} days …`);
  const random = new SeededRandom(5);
  const began = performance.now();
  let segments = feed(index, 0, lifeOf(random, MINUTE_MS, GAPS_A_DAY));
  const perSegment = (performance.now() - began) / segments;
  for (let camera = 1; camera < CAMERAS; camera++) {
    const isEvent = camera >= CAMERAS - EVENT_CAMERAS;
    segments += feed(index, camera, isEvent ? clipsOf(random) : lifeOf(random, Number.POSITIVE_INFINITY, GAPS_A_DAY));
  }
  say(
    `${segments} rows in ${Math.round((performance.now() - began) / 1000)} s, ${(perSegment * 1000).toFixed(1)} µs a segment`,
  );

  const all = await times(index, random, CAMERAS, DAYS * DAY_MS, say);
  index.close();
  rmSync(path, { force: true });
  const small = SegmentIndex.open(join(folder, 'small.sqlite'))!;
  small.begin('bench');
  feed(small, 0, lifeOf(random, MINUTE_MS, GAPS_A_DAY, DAY_MS));
  const one = await times(small, random, 1, DAY_MS, () => {});
  small.close();
  rmSync(folder, { recursive: true, force: true });
  report(measure('timeline.coverage_p99', percentile(all, 0.99), 'ms', { atMost: 50 }));
  report(
    measure('timeline.coverage_p50', percentile(all, 0.5), 'ms', {
      baseline: 'one day of one camera',
      ratio: percentile(all, 0.5) / percentile(one, 0.5),
    }),
  );
  report(measure('timeline.coverage_one_p99', percentile(one, 0.99), 'ms'));
  report(measure('timeline.feed', perSegment * 1000, 'us/segment'));
};

/** How long questions at every zoom take, up to the text of the answer. */
async function times(
  index: SegmentIndex,
  random: SeededRandom,
  cameras: number,
  rangeMs: number,
  say: (text: string) => void,
): Promise<number[]> {
  const vault = { coverage: (query: Parameters<SegmentIndex['coverage']>[0]) => index.coverage(query, []) };
  const sources = Array.from({ length: cameras }, (_, i) => ({ id: sourceOf(i), streams: [{ stream: 'main' }] }));
  const family = timelineCommands({ vault, sources: { list: () => sources } } as never);
  const ask = async (params: object) => {
    const call = { params, access: OWNER_ACCESS, at: END_AT, signal: new AbortController().signal };
    return JSON.stringify(await family['timeline.coverage'](call as never));
  };
  const found: number[] = [];
  for (const [zoom, wishedMs] of Object.entries(ZOOMS)) {
    const lengthMs = Math.min(wishedMs, rangeMs);
    const mine: number[] = [];
    let bytes = 0;
    for (let i = -5; i < REQUESTS; i++) {
      const from = END_AT - rangeMs + Math.floor((random.below(1_000_000) / 1_000_000) * (rangeMs - lengthMs));
      const first = random.below(cameras);
      const asked = Array.from({ length: Math.min(SOURCES, cameras) }, (_, k) => ({
        source: sourceOf((first + k * 4) % cameras),
        stream: 'main',
      }));
      const began = performance.now();
      const text = await ask({ sources: asked, from, to: from + lengthMs, buckets: BUCKETS });
      if (i >= 0) mine.push(performance.now() - began);
      bytes = Math.max(bytes, text.length);
    }
    say(
      `${zoom}: p50 ${percentile(mine, 0.5).toFixed(1)}, p99 ${percentile(mine, 0.99).toFixed(1)} ms, ${bytes} bytes`,
    );
    found.push(...mine);
  }
  return found;
}

type Piece = { kind: 'segment' | 'gap'; startUs: number; endUs: number };

/** Recording that goes on, in pieces, with some gaps a day of up to ten minutes. */
function* lifeOf(random: SeededRandom, pieceMs: number, gapsADay: number, lengthMs = DAYS * DAY_MS): Generator<Piece> {
  const meanMs = DAY_MS / gapsADay;
  for (let at = END_AT - lengthMs; at < END_AT; ) {
    const end = Math.min(END_AT, at + 1 + random.below(2 * meanMs));
    for (; at < end; at = Math.min(end, at + pieceMs))
      yield { kind: 'segment', startUs: at * 1000, endUs: Math.min(end, at + pieceMs) * 1000 };
    const back = at + 1_000 + random.below(10 * MINUTE_MS);
    yield { kind: 'gap', startUs: at * 1000, endUs: back * 1000 };
    at = back;
  }
}

/** Clips of up to a minute, the rest is a gap. */
function* clipsOf(random: SeededRandom): Generator<Piece> {
  for (let at = END_AT - DAYS * DAY_MS; at < END_AT; ) {
    const end = at + 10_000 + random.below(50_000);
    yield { kind: 'segment', startUs: at * 1000, endUs: end * 1000 };
    at = end + 1_000 + random.below((2 * DAY_MS) / CLIPS_A_DAY);
    yield { kind: 'gap', startUs: end * 1000, endUs: at * 1000 };
  }
}

function sourceOf(camera: number): SourceId {
  return `camera-${camera}` as SourceId;
}

/** Feeds one camera's life as leaves, as a rebuild from the log does; gives the number of segments. */
function feed(index: SegmentIndex, camera: number, pieces: Generator<Piece>): number {
  const streamId = new Uint8Array(16).fill(camera + 1);
  const extra: SegmentExtra = { run: new Uint8Array(16), tracks: [] };
  const hash = new Uint8Array(32);
  let batch: LogLeaf[] = [streamAssignedLeaf({ sourceId: sourceOf(camera), stream: 'main', streamId }, {})];
  let seq = 0;
  const flush = () => {
    const first = index.applied;
    index.bulk(true);
    index.feed(
      batch.map((leaf, i) => ({ index: first + i, leaf, hash, ...(leaf.type === 'segment' ? { extra } : {}) })),
    );
    if (index.broken) throw index.broken;
    batch = [];
  };
  for (const { kind, startUs, endUs } of pieces) {
    if (kind === 'gap') {
      const cause = GAP_CAUSES.unreachable;
      batch.push(createLeaf('gap', { streamId, startUs, endUs: 0, cause }));
      batch.push(createLeaf('gap', { streamId, startUs, endUs, cause }));
    } else {
      seq += 1;
      const segmentId = new Uint8Array(16);
      const view = new DataView(segmentId.buffer);
      view.setUint32(0, Math.imul(seq, 0x9e37_79b1) >>> 0);
      view.setUint32(8, camera);
      view.setUint32(12, seq);
      const fields = {
        state: 'final',
        segmentId,
        streamId,
        seq,
        startUs,
        endUs,
        fileBytes: 30_000_000,
        epochId: 1,
      } as const;
      batch.push(createLeaf('segment', fields));
    }
    if (batch.length >= 20_000) flush();
  }
  flush();
  return seq;
}
