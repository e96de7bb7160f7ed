import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { toBase64Url } from '../../src/bytes/index.ts';
import { createNvrClient, type FragmentUnit, readSegment } from '../../src/client/index.ts';
import { isNvrError, NvrError } from '../../src/errors.ts';
import { chunkOf, chunkRange, encodeKeyframeHints, type KeyframeHint } from '../../src/protocol/index.ts';
import { BEGIN, FakeNode, record, type StoredSegment, suite } from './sealed-recording.ts';

const FRONT = { source: 'front' as never, stream: 'main' } as const;
const long = { media: { seconds: 6, size: '640x352', gop: 25 }, segmentMs: 60_000 };

/** Where the keyframes of a stored segment lie, as the recorder notes it. */
function hintsOf({ fragments, plaintext }: StoredSegment): KeyframeHint[] {
  let offset = plaintext.length;
  const buffer = Buffer.from(plaintext);
  offset = buffer.indexOf(fragments[0]!.bytes);
  return fragments.flatMap(({ startUs, keyframe, bytes }) => {
    const hint = { at: Math.floor(startUs / 1000), offset, length: bytes.length };
    offset += bytes.length;
    return keyframe ? [hint] : [];
  });
}

function hinted(segments: StoredSegment[]): FakeNode {
  const node = new FakeNode(segments);
  for (const each of segments) {
    node.hints.set(each.facts.id, toBase64Url(encodeKeyframeHints(each.facts.startAt, hintsOf(each))));
  }
  return node;
}

const clientOf = (node: FakeNode) => createNvrClient({ connection: node, suite });
const gets = (node: FakeNode) =>
  node.asked.filter(({ method }) => method === 'segments.get@1').map(({ params }) => params);

/** The segment as it is told while it is being recorded: its first chunks. */
function opened(stored: StoredSegment, wholeChunks: number): StoredSegment {
  const size = chunkRange(wholeChunks).start;
  return { ...stored, facts: { ...stored.facts, size, state: 'open' } };
}

describe('the keyframe at a time', () => {
  const segments = record({ ...long, segmentMs: 3_000 });
  const keyframes = segments.flatMap(({ fragments }) => fragments.filter(({ keyframe }) => keyframe));

  test('is the last one at or before it, whether its place is told or has to be found', async () => {
    assert.equal(segments.length, 2);
    for (const node of [hinted(segments), new FakeNode(segments)]) {
      const client = clientOf(node);
      for (const offset of [0, 1, 999, 1_000, 2_400, 3_000, 3_100, 5_999, 400]) {
        const found = await client.keyframeAt({ ...FRONT, at: BEGIN + offset });
        const expected = keyframes.findLast(({ startUs }) => startUs < (BEGIN + offset) * 1000 + 1000)!;
        assert.equal(found!.fragment.startUs, expected.startUs, `+${offset} ms`);
        assert.deepEqual(Buffer.from(found!.fragment.bytes), Buffer.from(expected.bytes));
        assert.equal(found!.fragment.keyframe, true);
        assert.equal(found!.init.segment.tracks[0]!.width, 640);
      }
    }
  });

  test('costs one question for its place, and then the chunks of one fragment and the beginning', async () => {
    const node = hinted(segments);
    const client = clientOf(node);
    await client.keyframeAt({ ...FRONT, at: BEGIN + 1_500 });
    const [, hint] = hintsOf(segments[0]!);
    const first = chunkOf(hint!.offset).index;
    const last = chunkOf(hint!.offset + hint!.length - 1).index;
    const group = { offset: chunkRange(first).start, length: (last - first + 1) * 16_400 };
    assert.equal(node.asked.length, 3);
    assert.deepEqual(
      gets(node).map(({ offset, length }) => ({ offset, length })),
      [group, { offset: 0, length: 568 + 2 * 16_400 }],
    );
    // Known by now: another look into the same segment is one request of exactly its chunks.
    node.asked.length = 0;
    node.sent = 0;
    await client.keyframeAt({ ...FRONT, at: BEGIN + 2_900 });
    const third = hintsOf(segments[0]!)[2]!;
    const from = chunkOf(third.offset).index;
    const count = chunkOf(third.offset + third.length - 1).index - from + 1;
    assert.deepEqual(
      node.asked.map(({ method }) => method),
      ['segments.get@1'],
    );
    assert.equal(gets(node)[0]!['offset'], chunkRange(from).start);
    assert.ok(node.sent <= count * 16_400);
  });

  test('is nothing where nothing was recorded', async () => {
    assert.equal(await clientOf(hinted(segments)).keyframeAt({ ...FRONT, at: BEGIN - 5_000 }), null);
    assert.equal(await clientOf(hinted(segments)).keyframeAt({ ...FRONT, at: BEGIN + 60_000 }), null);
  });

  test('is looked for anew where its segment was forgotten meanwhile', async () => {
    const node = hinted([...segments]);
    const client = clientOf(node);
    await client.keyframeAt({ ...FRONT, at: BEGIN + 500 });
    const open = node.open.bind(node);
    node.open = () => {
      throw new NvrError('ERR_COMMANDS_SEGMENT', 'missing', 'gone');
    };
    node.segments.length = 0;
    assert.equal(await client.keyframeAt({ ...FRONT, at: BEGIN + 500 }), null);
    node.open = open;
  });

  test('is refused where the node tells a place that holds none', async () => {
    const node = hinted(segments);
    const { facts } = segments[0]!;
    const [first] = hintsOf(segments[0]!);
    for (const wrong of [
      { ...first!, offset: first!.offset + first!.length },
      { ...first!, offset: first!.offset + 7 },
    ]) {
      node.hints.set(facts.id, toBase64Url(encodeKeyframeHints(facts.startAt, [wrong])));
      await assert.rejects(
        clientOf(node).keyframeAt({ ...FRONT, at: BEGIN + 500 }),
        (error) => isNvrError(error) && error.kind === 'corrupt',
      );
    }
    // One that is no list at all, or points behind the end, is as if nothing was told.
    for (const useless of ['AAA', toBase64Url(encodeKeyframeHints(facts.startAt, [{ ...first!, offset: 2 ** 27 }]))]) {
      node.hints.set(facts.id, useless);
      const found = await clientOf(node).keyframeAt({ ...FRONT, at: BEGIN + 1_500 });
      assert.equal(found!.fragment.startUs, (BEGIN + 1_000) * 1000);
    }
  });
});

describe('the keyframes of a stretch', () => {
  const segments = record({ ...long, segmentMs: 3_000 });
  const all = segments.flatMap(({ fragments }) => fragments.filter(({ keyframe }) => keyframe));
  const wide = { ...FRONT, from: BEGIN, to: BEGIN + 60_000 };

  /** `i` for an init segment, a gap's cause, the keyframe's second. */
  const read = async (node: FakeNode, query = {}, onUnit: (count: number) => void = () => {}) => {
    const found: (string | number)[] = [];
    for await (const unit of clientOf(node).keyframes({ ...wide, ...query })) {
      if (unit.kind === 'fragment') {
        assert.ok(unit.keyframe);
        const same = all.find(({ startUs }) => startUs === unit.startUs)!;
        assert.deepEqual(Buffer.from(unit.bytes), Buffer.from(same.bytes));
        found.push((unit.startUs / 1000 - BEGIN) / 1000);
      } else found.push(unit.kind === 'gap' ? unit.cause : 'i');
      onUnit(found.length);
    }
    return found;
  };

  test('come in order, by what the node tells and without it, with the gaps between segments', async () => {
    for (const make of [hinted, (each: StoredSegment[]) => new FakeNode(each)]) {
      const node = make(segments);
      assert.deepEqual(await read(node), ['i', 0, 1, 2, 'i', 3, 4, 5]);
      assert.deepEqual(await read(node, { from: BEGIN + 1_700, to: BEGIN + 4_500 }), ['i', 1, 2, 'i', 3, 4]);
      assert.deepEqual(await read(node, { spacingMs: 1_600 }), ['i', 0, 2, 'i', 4]);
      assert.deepEqual(await read(node, { from: BEGIN + 60_000, to: BEGIN + 61_000 }), []);
      node.gaps.set(segments[1]!.facts.id, { cause: 'stalled', startAt: BEGIN + 3_000, endAt: BEGIN + 3_000 });
      assert.deepEqual(await read(node, { spacingMs: 2_500 }), ['i', 0, 'stalled', 'i', 3]);
    }
  });

  test('cost their own chunks and the beginning of each segment, a few on their way at once', async () => {
    const node = hinted(segments);
    const chunks = segments.map((each) =>
      hintsOf(each).map(({ offset, length }) => chunkOf(offset + length - 1).index - chunkOf(offset).index + 1),
    );
    const expected = chunks.flat().reduce((sum, count) => sum + count * 16_400, 0);
    let ahead = 0;
    await read(node, {}, () => {
      ahead = Math.max(ahead, gets(node).length);
      node.asked.length = 0;
    });
    assert.ok(ahead > 1 && ahead <= 6, `${ahead} requests at once`);
    assert.ok(node.sent <= expected + segments.length * (568 + 2 * 16_400), `${node.sent} of ${expected}`);
  });

  test('end with the caller: nothing is asked for afterwards', async () => {
    const node = hinted(segments);
    const abort = new AbortController();
    const units = clientOf(node).keyframes({ ...wide, signal: abort.signal });
    for await (const unit of units) if (unit.kind === 'fragment') break;
    const asked = node.asked.length;
    assert.deepEqual(await units.next(), { value: undefined, done: true });
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(node.asked.length, asked);
  });

  test('are refused where a told place holds none', async () => {
    const node = hinted(segments);
    const [first] = hintsOf(segments[1]!);
    const wrong = encodeKeyframeHints(segments[1]!.facts.startAt, [{ ...first!, offset: first!.offset + 7 }]);
    node.hints.set(segments[1]!.facts.id, toBase64Url(wrong));
    await assert.rejects(read(node), (error) => isNvrError(error) && error.kind === 'corrupt');
  });
});

describe('a segment that is being recorded', () => {
  const [stored] = record(long) as [StoredSegment];
  const wholeChunks = chunkOf(stored.plaintext.length).index;

  const read = async (node: FakeNode, segment: StoredSegment, options = {}) => {
    const found: FragmentUnit[] = [];
    for await (const unit of readSegment({ connection: node, suite }, segment.facts, options)) {
      if (unit.kind === 'fragment') found.push(unit);
    }
    return found;
  };

  test('is read as far as it was told, even when it has grown since', async () => {
    for (const chunks of [2, 5, wholeChunks]) {
      const open = opened(stored, chunks);
      const node = new FakeNode([open]);
      const found = await read(node, open);
      assert.ok(node.sent <= open.facts.size, 'nothing behind it was asked for');
      assert.deepEqual(
        found.map(({ startUs }) => startUs),
        stored.fragments.slice(0, found.length).map(({ startUs }) => startUs),
      );
      const bytes = found.reduce((sum, each) => sum + each.bytes.length, 0);
      assert.ok(bytes > (chunks - 4) * 16_384, `${found.length} fragments of ${chunks} chunks`);
    }
  });

  test('is begun at a keyframe by what the node tells, without reading what lies before', async () => {
    const open = opened(stored, wholeChunks);
    const node = hinted([open]);
    const units: FragmentUnit[] = [];
    const query = { ...FRONT, from: BEGIN + 4_300, to: BEGIN + 60_000 };
    for await (const unit of clientOf(node).readRange(query)) if (unit.kind === 'fragment') units.push(unit);
    assert.equal(units[0]!.startUs, (BEGIN + 4_000) * 1000);
    assert.ok(units.length >= 5);
    assert.ok(node.sent < stored.file.length * 0.6, `${node.sent} of ${stored.file.length} bytes`);
  });

  test('is begun at a keyframe also where the node tells nothing', async () => {
    const open = opened(stored, wholeChunks);
    const found = await read(new FakeNode([open]), open, { fromUs: (BEGIN + 4_300) * 1000 });
    assert.equal(found[0]!.startUs, (BEGIN + 4_000) * 1000);
  });

  test('is gone on with by asking again', async () => {
    const node = hinted([opened(stored, Math.floor(wholeChunks / 2))]);
    const client = clientOf(node);
    const seen = new Set<number>();
    let reached = BEGIN;
    for (const now of [opened(stored, Math.floor(wholeChunks / 2)), opened(stored, wholeChunks), stored]) {
      node.segments[0] = now;
      for await (const unit of client.readRange({ ...FRONT, from: reached, to: BEGIN + 60_000 })) {
        if (unit.kind !== 'fragment') continue;
        seen.add(unit.startUs);
        reached = Math.max(reached, Math.floor(unit.endUs / 1000));
      }
    }
    assert.deepEqual(
      [...seen],
      stored.fragments.map(({ startUs }) => startUs),
    );
  });
});
