import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type FragmentUnit, type InitUnit, type ReadSegmentOptions, readSegment } from '../../src/client/index.ts';
import { createNobleSuite, createWebSuite } from '../../src/crypto/index.ts';
import { isNvrError } from '../../src/errors.ts';
import { SeededRandom } from '../../src/platform/index.ts';
import { createNodeRandom } from '../../src/platform/node/index.ts';
import { SEGMENT_CHUNKS_AT } from '../../src/protocol/index.ts';
import { BEGIN, FakeNode, record, type StoredSegment, suite } from './sealed-recording.ts';

const long = { media: { seconds: 6, size: '640x352', gop: 25 }, segmentMs: 60_000 };

async function read(
  stored: StoredSegment,
  options: ReadSegmentOptions = {},
  node = new FakeNode([stored]),
): Promise<{ units: (InitUnit | FragmentUnit)[]; fragments: FragmentUnit[]; node: FakeNode }> {
  const units: (InitUnit | FragmentUnit)[] = [];
  for await (const unit of readSegment({ connection: node, suite }, stored.facts, options)) units.push(unit);
  return { units, fragments: units.filter((unit) => unit.kind === 'fragment'), node };
}

const flat = (stored: StoredSegment) => stored.fragments.map(({ bytes }) => Buffer.from(bytes).toString('hex'));
const flatUnits = (units: FragmentUnit[]) => units.map(({ bytes }) => Buffer.from(bytes).toString('hex'));

describe('reading a stored segment', () => {
  const [stored] = record(long) as [StoredSegment];

  test('gives the init segment, then every fragment with the time it was recorded at', async () => {
    const { units, fragments } = await read(stored);
    assert.equal(units[0]!.kind, 'init');
    assert.deepEqual(flatUnits(fragments), flat(stored));
    assert.deepEqual(
      fragments.map(({ startUs, keyframe }) => ({ startUs, keyframe })),
      stored.fragments.map(({ startUs, keyframe }) => ({ startUs, keyframe })),
    );
    for (const [i, fragment] of fragments.slice(0, -1).entries()) {
      assert.ok(Math.abs(fragment.endUs - fragments[i + 1]!.startUs) <= 1, 'fragments tile');
    }
  });

  test('arrives the same whatever the borders of the units', async () => {
    for (const unitBytes of [1, 567, 16_400, 262_144]) {
      const node = new FakeNode([stored]);
      node.unitBytes = unitBytes;
      const small = unitBytes === 1 ? record({ media: { seconds: 1, size: '64x64' } })[0]! : stored;
      if (unitBytes === 1) node.segments.push(small);
      assert.deepEqual(flatUnits((await read(small, {}, node)).fragments), flat(small));
    }
  });

  test('opens with every suite alike', async () => {
    const web = await createWebSuite(globalThis.crypto);
    for (const other of [web, createNobleSuite(createNodeRandom().bytes)]) {
      const found: FragmentUnit[] = [];
      const deps = { connection: new FakeNode([stored]), suite: other };
      for await (const unit of readSegment(deps, stored.facts)) if (unit.kind === 'fragment') found.push(unit);
      assert.deepEqual(flatUnits(found), flat(stored), other.name);
    }
  });

  test('begins with the last keyframe at or before the time asked for, exactly', async () => {
    const keyframes = stored.fragments.filter(({ keyframe }) => keyframe).map(({ startUs }) => startUs);
    assert.equal(keyframes.length, 6);
    for (const offsetUs of [0, 1, 999_999, 1_000_000, 1_000_001, 2_400_000, 5_000_000, 5_999_999]) {
      const fromUs = BEGIN * 1000 + offsetUs;
      const { fragments } = await read(stored, { fromUs });
      const expected = fromUs <= BEGIN * 1000 + 1000 ? keyframes[0] : keyframes.findLast((each) => each <= fromUs);
      assert.equal(fragments[0]!.startUs, expected, `from +${offsetUs} µs`);
      assert.equal(fragments[0]!.keyframe, true);
    }
  });

  test('ends before the first fragment at or after the time asked for', async () => {
    for (const offsetUs of [200_000, 1_000_001, 3_000_000, 9_000_000]) {
      const toUs = BEGIN * 1000 + offsetUs;
      const { fragments } = await read(stored, { toUs });
      const expected = stored.fragments.filter(({ startUs }) => startUs < toUs).length;
      assert.equal(fragments.length, expected);
    }
  });

  test('reads little more than what is wanted', async () => {
    const { node } = await read(stored, { fromUs: BEGIN * 1000 + 5_000_000 });
    assert.ok(stored.file.length > 150_000, `a segment of ${stored.file.length} bytes`);
    assert.ok(node.sent < stored.file.length * 0.65, `${node.sent} of ${stored.file.length} bytes were sent`);
  });

  test('gives up its requests when the reader has enough', async () => {
    const node = new FakeNode([stored]);
    for await (const unit of readSegment({ connection: node, suite }, stored.facts))
      if (unit.kind === 'fragment') break;
    assert.equal(node.cancelled, 1);
    assert.ok(node.sent < stored.file.length / 2);
  });

  test('does not run ahead of its reader by more than a few chunks', async () => {
    const node = new FakeNode([stored]);
    node.unitBytes = 4096;
    let taken = 0;
    for await (const unit of readSegment({ connection: node, suite }, stored.facts)) {
      taken += unit.bytes.length;
      assert.ok(node.sent - taken < 12 * 16_400, `${node.sent} sent, ${taken} taken`);
    }
  });

  test('tells the bytes that arrived', async () => {
    let count = 0;
    const { node } = await read(stored, { onBytes: (bytes) => (count += bytes) });
    assert.equal(count, node.sent);
    assert.equal(count, stored.file.length);
  });
});

describe('a segment whose end was lost', () => {
  const [stored] = record({ ...long, crashed: true }) as [StoredSegment];
  const whole = flat(stored).slice(0, -1);

  test('is read as far as whole chunks reach', async () => {
    const got = flatUnits((await read(stored)).fragments);
    assert.ok(got.length >= whole.length - 3 && got.length > 20);
    assert.deepEqual(got, flat(stored).slice(0, got.length));
  });

  test('is found its way in without an index', async () => {
    const fromUs = BEGIN * 1000 + 3_500_000;
    const { fragments } = await read(stored, { fromUs });
    assert.equal(fragments[0]!.startUs, BEGIN * 1000 + 3_000_000);
    assert.equal(fragments[0]!.keyframe, true);
  });

  test('may have a torn tail that is passed over', async () => {
    const torn = { ...stored, file: Uint8Array.from([...stored.file, ...new Uint8Array(500).fill(9)]) };
    torn.facts = { ...stored.facts, size: torn.file.length };
    const { fragments } = await read(torn);
    assert.deepEqual(flatUnits(fragments), flat(stored).slice(0, fragments.length));
  });
});

test('fragments without a wall time are placed by their decode times', async () => {
  const [bare] = record({ ...long, bare: true }) as [StoredSegment];
  const all = (await read(bare)).fragments;
  assert.deepEqual(
    all.map(({ startUs }) => startUs),
    bare.fragments.map(({ startUs }) => startUs),
  );
  const later = (await read(bare, { fromUs: BEGIN * 1000 + 2_500_000 })).fragments;
  assert.equal(later[0]!.startUs, BEGIN * 1000 + 2_000_000);
});

describe('what is not genuine', () => {
  const [stored] = record({ media: { seconds: 2, size: '160x96' } }) as [StoredSegment];

  const refused = async (changed: Partial<StoredSegment>, code: string, options: ReadSegmentOptions = {}) => {
    await assert.rejects(
      read({ ...stored, ...changed }, options),
      (error) => isNvrError(error) && error.code === code,
      `expected ${code}`,
    );
  };

  test('is refused wherever a bit changed', async () => {
    const rng = new SeededRandom(11);
    const places = [0, 9, 200, 515, 540, SEGMENT_CHUNKS_AT, stored.file.length - 1];
    for (let i = 0; i < 60; i++) places.push(rng.below(stored.file.length));
    // Bytes 256 to 507 of the header are not bound to the payload: the wrapped key is not used here, the checksum is.
    for (const at of places) {
      const file = stored.file.slice();
      file[at]! ^= 1 << rng.below(8);
      await refused({ file }, 'ERR_CLIENT_SEGMENT_DAMAGED');
    }
  });

  test('is refused wherever it was cut', async () => {
    for (const size of [600, SEGMENT_CHUNKS_AT + 1, SEGMENT_CHUNKS_AT + 16_400, stored.file.length - 1]) {
      const file = stored.file.slice(0, size);
      await refused({ file, facts: { ...stored.facts, size } }, 'ERR_CLIENT_SEGMENT_DAMAGED');
      await refused({ file }, 'ERR_CLIENT_SEGMENT_DAMAGED');
    }
  });

  test('is refused where it is another segment than the one asked for', async () => {
    for (const change of [{ seq: 2 }, { startAt: BEGIN + 5 }, { streamId: 'ee'.repeat(16) }]) {
      await refused({ facts: { ...stored.facts, ...change } }, 'ERR_CLIENT_SEGMENT_DAMAGED');
    }
    const [other] = record({ media: { seconds: 2, size: '160x96' } }) as [StoredSegment];
    await refused({ facts: { ...stored.facts, fileKey: other.facts.fileKey } }, 'ERR_CLIENT_SEGMENT_DAMAGED');
  });

  test('needs a key', async () => {
    const { fileKey: _, ...facts } = stored.facts;
    await refused({ facts }, 'ERR_CLIENT_SEGMENT_KEY');
    await refused({ facts: { ...facts, fileKey: 'AAAA' } }, 'ERR_CLIENT_SEGMENT_KEY');
  });
});
