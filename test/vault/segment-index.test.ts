import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import fc from 'fast-check';
import {
  createLeaf,
  type LogLeaf,
  type SegmentId,
  type SourceId,
  streamAssignedLeaf,
} from '../../src/protocol/index.ts';
import type { LoggedLeaf } from '../../src/vault/log-file.ts';
import { type SegmentExtra, SegmentIndex } from '../../src/vault/segment-index.ts';

const folder = mkdtempSync(join(tmpdir(), 'vault-index-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const SLOW = process.env['SLOW'] === '1';
const streamId = new Uint8Array(16).fill(3);
const place = { sourceId: 'front' as SourceId, stream: 'main' } as const;
const idOf = (seq: number) => {
  const id = new Uint8Array(16);
  // Spread as random ids are, and found again by their number.
  new DataView(id.buffer).setUint32(0, Math.imul(seq, 0x9e37_79b1) >>> 0);
  new DataView(id.buffer).setUint32(12, seq);
  return id;
};

function fed(index: SegmentIndex, leaves: LogLeaf[], extra?: SegmentExtra): void {
  const first = index.applied;
  index.feed(
    leaves.map(
      (leaf, i): LoggedLeaf<SegmentExtra> => ({
        index: first + i,
        leaf,
        hash: new Uint8Array(32).fill(1),
        ...(extra && leaf.type === 'segment' ? { extra } : {}),
      }),
    ),
  );
}

const segment = (seq: number, startUs: number, endUs: number) =>
  createLeaf('segment', {
    state: 'final',
    segmentId: idOf(seq),
    streamId,
    seq,
    startUs,
    endUs,
    fileBytes: 1000,
    epochId: 1,
  });

test('listings touch the range, in both orders, page by page, as a plain filter would have it', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ skip: fc.nat({ max: 50 }), length: fc.integer({ min: 1, max: 90 }) }), { maxLength: 40 }),
      fc.nat({ max: 3000 }),
      fc.nat({ max: 3000 }),
      fc.integer({ min: 1, max: 7 }),
      (spans, a, b, limit) => {
        const index = SegmentIndex.open(':memory:')!;
        fed(index, [streamAssignedLeaf({ ...place, streamId }, {})]);
        let at = 0;
        const all = spans.map(({ skip, length }, i) => {
          const [startUs, endUs] = [at + skip, at + skip + length];
          at = endUs;
          return segment(i + 1, startUs, endUs);
        });
        fed(index, all);
        const [fromUs, toUs] = [Math.min(a, b), Math.max(a, b) + 1];
        const expected = all.filter((leaf) => leaf.startUs < toUs && leaf.endUs > fromUs).map(({ seq }) => seq);
        for (const order of ['oldest', 'newest'] as const) {
          const found: number[] = [];
          for (let cursor: string | undefined; ; ) {
            const page = index.list({ ...place, fromUs, toUs, order, limit, ...(cursor ? { cursor } : {}) });
            assert.ok(page.segments.length <= limit);
            found.push(...page.segments.map(({ seq }) => seq));
            cursor = page.cursor;
            if (cursor === undefined) break;
          }
          assert.deepEqual(found, order === 'oldest' ? expected : expected.toReversed());
        }
        index.close();
      },
    ),
    { numRuns: 60 },
  );
});

test('a cursor that is none of ours is refused', () => {
  const index = SegmentIndex.open(':memory:')!;
  fed(index, [streamAssignedLeaf({ ...place, streamId }, {}), segment(1, 5, 6)]);
  for (const cursor of [
    '',
    'x',
    '5',
    '5.',
    '5.zz',
    `5.${'0'.repeat(32)}.1`,
    `-5.${'0'.repeat(32)}`,
    `1e9.${'0'.repeat(32)}`,
  ]) {
    const query = { ...place, fromUs: 0, toUs: 10, order: 'oldest', limit: 1, cursor } as const;
    assert.throws(() => index.list(query), { code: 'ERR_VAULT_CURSOR_INVALID', kind: 'invalid' }, cursor);
  }
  assert.deepEqual(
    index.list({ ...place, sourceId: 'none' as SourceId, fromUs: 0, toUs: 9, order: 'oldest', limit: 1 }),
    { segments: [] },
  );
});

test('a year of segments lists a page in about a millisecond, wherever it begins', () => {
  const rows = SLOW ? 1_000_000 : 200_000;
  const index = SegmentIndex.open(join(folder, 'large.sqlite'))!;
  index.begin('test');
  const extra = { run: new Uint8Array(16), tracks: [] };
  fed(index, [streamAssignedLeaf({ ...place, streamId }, {})]);
  for (let at = 0; at < rows; at += 10_000) {
    const batch = Array.from({ length: 10_000 }, (_, i) =>
      segment(at + i + 1, (at + i) * 60_000_000, (at + i + 1) * 60_000_000),
    );
    fed(index, batch, extra);
  }
  const times: number[] = [];
  for (let i = 0; i < 200; i++) {
    const fromUs = ((i * 7919) % rows) * 60_000_000;
    const began = performance.now();
    const order = i % 2 === 0 ? 'oldest' : 'newest';
    const page = index.list({ ...place, fromUs, toUs: fromUs + 6_000_000_000, order, limit: 100 });
    times.push(performance.now() - began);
    assert.ok(page.segments.length > 0);
  }
  const find: number[] = [];
  for (let i = 0; i < 200; i++) {
    const id = Buffer.from(idOf(((i * 104_729) % rows) + 1)).toString('hex') as SegmentId;
    const began = performance.now();
    assert.ok(index.find(id));
    find.push(performance.now() - began);
  }
  const median = (list: number[]) => list.toSorted((a, b) => a - b)[list.length >> 1]!;
  assert.equal(index.places()[0]?.segments, rows);
  assert.ok(median(times) < 5, `a page of 100 took ${median(times)} ms`);
  assert.ok(median(find) < 1, `a segment took ${median(find)} ms`);
  if (SLOW)
    console.log(
      `index: ${rows} rows, page of 100 in ${median(times).toFixed(2)} ms, find in ${median(find).toFixed(3)} ms`,
    );
  index.close();
});

test('what is not an index of ours is not opened, and one that is open elsewhere is left alone', () => {
  const path = join(folder, 'other.sqlite');
  writeFileSync(path, 'no database at all, but long enough to be looked at as one');
  assert.equal(SegmentIndex.open(path), null);
  const foreign = join(folder, 'foreign.sqlite');
  const database = new DatabaseSync(foreign);
  database.exec('CREATE TABLE theirs (a)');
  database.close();
  assert.equal(SegmentIndex.open(foreign), null);
  const newer = join(folder, 'newer.sqlite');
  SegmentIndex.open(newer)!.close();
  const changed = new DatabaseSync(newer);
  changed.exec('PRAGMA user_version = 999');
  changed.close();
  assert.equal(SegmentIndex.open(newer), null);
  const ours = join(folder, 'ours.sqlite');
  const index = SegmentIndex.open(ours)!;
  assert.throws(() => SegmentIndex.open(ours), { code: 'ERR_VAULT_LOCKED', kind: 'conflict' });
  index.close();
  SegmentIndex.open(ours)!.close();
});

test('an index that cannot be written goes on with the streams, and says so', () => {
  const index = SegmentIndex.open(':memory:')!;
  fed(index, [streamAssignedLeaf({ ...place, streamId }, {}), segment(1, 0, 10)]);
  fed(index, [segment(1, 0, 10)]);
  assert.equal(index.broken?.code, 'ERR_VAULT_INDEX_FAILED');
  assert.equal(index.applied, 2);
  fed(index, [segment(2, 10, 20)]);
  const [stream] = index.streams();
  assert.deepEqual([stream!.lastSeq, stream!.atUs], [2, 20]);
});
