import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Connection, createNvrClient, type OpenStream, type Unit } from '../../src/client/index.ts';
import type { SourceId } from '../../src/protocol/index.ts';
import { BEGIN, FakeNode, record, type StoredSegment, suite } from './sealed-recording.ts';

const front = { source: 'front' as SourceId, stream: 'main' as const };
const media = { seconds: 20, size: '320x240', gop: 50 };

function rig(segments: StoredSegment[]) {
  const node = new FakeNode(segments);
  return { node, client: createNvrClient({ connection: node, suite }) };
}

describe('a picture of a recorded moment', () => {
  const [stored] = record({ media, segmentMs: 60_000 }) as [StoredSegment];
  const keyframes = stored.fragments.filter(({ keyframe }) => keyframe);

  test('is the last keyframe at or before it, in one fragment', async () => {
    for (const ms of [0, 1, 1_999, 2_000, 2_001, 5_300, 19_999]) {
      const { client } = rig([stored]);
      const found = await client.snapshotAt({ ...front, at: BEGIN + ms });
      assert.ok(found);
      const expected = keyframes.findLast(({ startUs }) => startUs < (BEGIN + ms + 1) * 1000)!;
      assert.equal(found.keyframeUs, expected.startUs, `at +${ms}`);
      assert.deepEqual([found.fragments.length, found.fragments[0]!.keyframe, found.offsetUs], [1, true, 0]);
      assert.deepEqual(found.fragments[0]!.bytes.slice(32), Uint8Array.from(expected.bytes.slice(32)));
      assert.equal(found.init.segment.tracks[0]!.width, 320);
    }
  });

  test('exactly: the fragments up to the one that holds it, and how far into them', async () => {
    const { client } = rig([stored]);
    const found = await client.snapshotAt({ ...front, at: BEGIN + 5_300, exact: true });
    assert.ok(found);
    assert.equal(found.keyframeUs, (BEGIN + 4_000) * 1000);
    assert.equal(found.offsetUs, 1_300_000);
    const last = found.fragments.at(-1)!;
    assert.ok(last.startUs <= (BEGIN + 5_300) * 1000 && last.endUs > (BEGIN + 5_300) * 1000);
    assert.deepEqual(
      found.fragments.map(({ startUs }) => startUs),
      stored.fragments.map(({ startUs }) => startUs).filter((us) => us >= found.keyframeUs && us <= last.startUs),
    );
  });

  test('reads the ends of the segment and one group of pictures, whatever is asked', async () => {
    const size = stored.file.length;
    const group = size / keyframes.length;
    assert.ok(size > 300_000, `a segment of ${size} bytes`);
    for (const exact of [false, true]) {
      const { node, client } = rig([stored]);
      await client.snapshotAt({ ...front, at: BEGIN + 3_500, exact });
      // Five chunks at the ends, the group, and a chunk on either side of it.
      assert.ok(node.sent < 5 * 16_400 + group * 1.5 + 3 * 16_400, `${node.sent} of ${size} bytes`);
      const ranges = node.asked.filter(({ method }) => method === 'segments.get@1').slice(2);
      for (const { params } of ranges) {
        const length = Number(params['length']);
        assert.ok(length < size / 2, `asked for ${length} of ${size} bytes`);
      }
      assert.equal(ranges.length, 1);
    }
  });

  test('of nothing is null', async () => {
    const { client } = rig([stored]);
    assert.equal(await client.snapshotAt({ ...front, at: BEGIN + 60_000 }), null);
    assert.equal(await client.snapshotAt({ ...front, at: BEGIN - 1 }), null);
  });

  test('is found in a segment whose end was lost, and in one without wall times', async () => {
    for (const change of [{ crashed: true }, { bare: true }]) {
      const [other] = record({ media, segmentMs: 60_000, ...change }) as [StoredSegment];
      const { client } = rig([other]);
      const found = await client.snapshotAt({ ...front, at: BEGIN + 4_500, exact: true });
      assert.equal(found?.keyframeUs, (BEGIN + 4_000) * 1000, JSON.stringify(change));
      assert.equal(found.offsetUs, 500_000);
    }
  });

  test('is refused where its bytes are not genuine', async () => {
    const file = stored.file.slice();
    for (let at = 20_000; at < file.length; at += 5_000) file[at]! ^= 1;
    const { client } = rig([{ ...stored, file }]);
    await assert.rejects(client.snapshotAt({ ...front, at: BEGIN + 3_900 }), { code: 'ERR_CLIENT_SEGMENT_DAMAGED' });
  });
});

/** A node that answers one streaming request with a result, units and events. */
function answering(result: unknown, units: Unit[], events: [string, unknown][] = []) {
  const state = { cancelled: 0, asked: [] as unknown[] };
  const node = new FakeNode([]);
  const open = (method: string, params: unknown): OpenStream => {
    state.asked.push([method, params]);
    const listeners: ((name: string, params: unknown) => void)[] = [];
    let end = () => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    async function* given() {
      yield* units;
      for (const [name, told] of events) for (const listener of listeners) listener(name, told);
      if (events.length === 0 && method.startsWith('ptz')) await ended;
    }
    return {
      result: Promise.resolve(result),
      units: given(),
      onEvent: (listener) => listeners.push(listener),
      cancel: () => {
        state.cancelled++;
        end();
      },
    };
  };
  const calls: unknown[] = [];
  const call = async (method: string, params: unknown) => {
    calls.push([method, params]);
    return { sent: true };
  };
  const connection = Object.assign(node, { open, call }) as Connection;
  return { client: createNvrClient({ connection, suite }), state, calls };
}

test('a picture of now is the JPEG of the camera, or a keyframe with its init segment', async () => {
  const jpeg = Uint8Array.of(0xff, 0xd8, 1, 2);
  const camera = answering({ at: BEGIN }, [{ bytes: jpeg, marks: {} }]);
  assert.deepEqual(await camera.client.snapshotNow({ source: front.source, from: 'camera' }), {
    from: 'camera',
    at: BEGIN,
    jpeg,
  });
  for (const units of [[], [{ bytes: Uint8Array.of(1, 2), marks: {} }]]) {
    const broken = answering({ at: BEGIN }, units);
    await assert.rejects(broken.client.snapshotNow({ source: front.source, from: 'camera' }), {
      code: 'ERR_CLIENT_MEDIA',
    });
  }
  const [stored] = record({ media: { seconds: 2, size: '64x64' } }) as [StoredSegment];
  const bytes = stored.plaintext.slice(0, stored.plaintext.length);
  const view = new DataView(bytes.buffer);
  const init = bytes.slice(0, view.getUint32(0) + view.getUint32(view.getUint32(0)));
  const units = [
    { bytes: init, marks: { init: true } },
    { bytes: Uint8Array.from(stored.fragments[0]!.bytes), marks: { keyframe: true } },
  ];
  const live = answering({ at: BEGIN }, units);
  const found = await live.client.snapshotNow({ ...front, from: 'live' });
  assert.ok(found.from === 'live');
  assert.deepEqual([found.fragments.length, found.fragments[0]!.startUs], [1, BEGIN * 1000]);
  const later = answering({ at: BEGIN }, [
    units[0]!,
    { bytes: Uint8Array.from(stored.fragments[1]!.bytes), marks: {} },
  ]);
  await assert.rejects(later.client.snapshotNow({ ...front, from: 'live' }), { code: 'ERR_CLIENT_MEDIA' });
});

test('the lease of a camera is held until it is released, or the node says why it ended', async () => {
  const held = { lease: '00112233445566aa', since: BEGIN };
  const kept = answering(held, []);
  const hold = await kept.client.ptz(front.source, { take: true });
  assert.deepEqual(kept.state.asked, [['ptz.hold@1', { source: 'front', take: true }]]);
  assert.equal(await hold.move({ pan: 0.5 }, 700), true);
  await hold.stop();
  await hold.recall('3');
  assert.deepEqual(kept.calls, [
    ['ptz.move@1', { source: 'front', lease: held.lease, pan: 0.5, tilt: 0, zoom: 0, forMs: 700 }],
    ['ptz.stop@1', { source: 'front', lease: held.lease }],
    ['ptz.recall@1', { source: 'front', lease: held.lease, preset: '3' }],
  ]);
  hold.release();
  assert.equal(await hold.ended, null);
  assert.equal(kept.state.cancelled, 1);
  const lost = answering(held, [], [['ptz.lost', { reason: 'taken' }]]);
  assert.equal(await (await lost.client.ptz(front.source)).ended, 'taken');
});
