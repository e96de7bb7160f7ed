import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FeedSink } from '../../web/src/engine/engine.ts';
import type {
  FragmentPiece,
  InitPiece,
  KeyframeAnswer,
  KeyframeOrder,
  PlayOrder,
} from '../../web/src/engine/messages.ts';
import { PastFeed } from '../../web/src/player/past-feed.ts';
import { type Picture, PictureIndex } from '../../web/src/player/past-index.ts';
import { PastScrub } from '../../web/src/player/past-scrub.ts';
import type { TileCamera } from '../../web/src/player/tile-player.ts';

const camera = { node: 'n'.repeat(64), source: 'front', stream: 'main' } as TileCamera;
const init: InitPiece = {
  kind: 'init',
  bytes: new ArrayBuffer(4),
  codecs: 'avc1.64001f',
  width: 1,
  height: 1,
  timescale: 90_000,
};
const T0 = 1_795_000_000_000_000;

function fragment(startUs: number, seconds = 0.2, keyframe = false): FragmentPiece {
  const mediaStart = (startUs - T0) / 1e6;
  const endUs = startUs + seconds * 1e6;
  return { kind: 'fragment', bytes: new ArrayBuffer(0), keyframe, startUs, endUs, mediaStart, pictures: 5, times: [] };
}

/** The engine's side of a feed, by hand. */
function feedOf(wish: { fromUs: number; spacingMs?: number; knownUs?: number }) {
  const got: string[] = [];
  let [granted, order, sink] = [0, null as PlayOrder | null, null as FeedSink | null];
  const engine = {
    play(asked: PlayOrder, to: FeedSink) {
      [order, sink] = [asked, to];
      return { more: (count: number) => void (granted += count), close: () => got.push('closed') };
    },
  };
  const feed = new PastFeed(
    engine,
    camera,
    { spacingMs: null, ...wish },
    {
      init: () => got.push('init'),
      fragment: ({ startUs }) => got.push(`fragment ${(startUs - T0) / 1e6}`),
      gap: ({ cause }) => got.push(`gap ${cause}`),
      lost: () => got.push('lost'),
      ended: (error) => got.push(`ended ${error?.code ?? ''}`),
    },
    () => 77,
  );
  return { feed, got, granted: () => granted, order: () => order!, sink: () => sink! };
}

test('no more is ordered than twelve seconds ahead, by the length fragments turn out to have', () => {
  const { feed, granted, sink } = feedOf({ fromUs: T0 });
  feed.order(0);
  assert.equal(granted(), 16);
  feed.order(0);
  assert.equal(granted(), 16, 'before the first answer nothing more');
  let at = T0;
  let taken = 0;
  for (let turn = 0; turn < 200; turn++) {
    while (taken < granted()) {
      sink().piece(fragment(at, 1));
      at += 1_000_000;
      taken++;
    }
    feed.order((at - T0) / 1e6);
  }
  // Lengths are learned as they come: some of the first order may lie beyond.
  assert.ok(taken >= 12 && taken <= 17, `${taken} s ahead`);
  const before = granted();
  feed.order(5);
  assert.ok(granted() - before >= 4 && granted() - before <= 10);
});

test('keyframes are counted', () => {
  const { feed, granted, sink, order } = feedOf({ fromUs: T0, spacingMs: 1_333 });
  assert.deepEqual([order().keyframesOnly, order().spacing], [true, 1_333]);
  feed.order(0);
  for (let i = 0; i < 16; i++) sink().piece(fragment(T0 + i * 2_000_000, 0.2, true));
  feed.order(16);
  assert.equal(granted(), 24);
  for (let i = 16; i < 24; i++) sink().piece(fragment(T0 + i * 2_000_000, 0.2, true));
  feed.order(24);
  assert.equal(granted(), 24);
});

test('where recordings begin later than was asked, nothing was recorded before', () => {
  const early = feedOf({ fromUs: T0 - 60_000_000 });
  early.sink().piece(init);
  early.sink().piece(fragment(T0, 0.2, true));
  early.sink().piece(fragment(T0 + 200_000));
  assert.deepEqual(early.got, ['init', 'gap unknown', 'fragment 0', 'fragment 0.2']);
  assert.equal(early.feed.fromUs, T0 - 60_000_000);
  const told = feedOf({ fromUs: T0 - 60_000_000 });
  told.sink().piece({ kind: 'gap', startUs: T0 - 60_000_000, endUs: T0, cause: 'stalled' });
  told.sink().piece(fragment(T0, 0.2, true));
  assert.deepEqual(told.got, ['gap stalled', 'fragment 0']);
  const within = feedOf({ fromUs: T0 + 100_000 });
  within.sink().piece(fragment(T0, 0.2, true));
  assert.deepEqual(within.got, ['fragment 0']);
});

test('it knows from where to where it came, over gaps, and leaves out what was had', () => {
  const { feed, got, sink, order } = feedOf({ fromUs: T0 + 1_500_000 });
  assert.equal(order().from, T0 / 1000 + 1_500);
  sink().piece(init);
  assert.equal(feed.begun, false);
  sink().piece(fragment(T0 + 1_000_000, 0.5, true));
  assert.deepEqual([feed.fromUs - T0, feed.reachUs - T0], [1_000_000, 1_500_000]);
  sink().piece({ kind: 'gap', startUs: T0 + 1_500_000, endUs: T0 + 9_000_000, cause: 'stalled' });
  assert.equal(feed.reachUs - T0, 9_000_000);
  sink().event?.('play.lost', {});
  sink().ended(null);
  assert.equal(feed.endedAt, 77);
  assert.deepEqual(got, ['init', 'fragment 1', 'gap stalled', 'lost', 'ended ']);

  const next = feedOf({ fromUs: T0 + 9_000_000, knownUs: T0 + 9_400_000 });
  for (const startUs of [9_000_000, 9_200_000, 9_400_000]) next.sink().piece(fragment(T0 + startUs));
  assert.deepEqual(next.got, ['fragment 9.4']);
});

/** A scrub whose questions are answered by hand. */
function scrubOf() {
  const asked: { at: number; answer(result: KeyframeAnswer): Promise<void>; signal: AbortSignal | undefined }[] = [];
  const told: string[] = [];
  const index = new PictureIndex();
  let whys = 0;
  const engine = {
    keyframe: (order: KeyframeOrder, signal?: AbortSignal) =>
      new Promise<KeyframeAnswer>((resolve) => {
        const answer = async (result: KeyframeAnswer) => {
          resolve(result);
          for (let i = 0; i < 6; i++) await Promise.resolve();
        };
        asked.push({ at: order.at - T0 / 1000, answer, signal });
      }),
    play(_order: PlayOrder, sink: FeedSink) {
      whys++;
      queueMicrotask(() =>
        sink.piece({ kind: 'gap', startUs: T0 + 50_000_000, endUs: T0 + 60_000_000, cause: 'full' }),
      );
      return { more() {}, close() {} };
    },
  };
  const scrub = new PastScrub(engine, camera, index, {
    lay: (_, piece) => void index.lay(piece),
    show: ({ startUs }: Picture) => told.push(`show ${(startUs - T0) / 1e6}`),
    gap: ({ cause }) => told.push(`gap ${cause}`),
    free: () => told.push('free'),
    failed: ({ code }) => told.push(code),
  });
  const key = (second: number): KeyframeAnswer => ({ init, fragment: fragment(T0 + second * 1e6, 0.2, true) });
  return { scrub, asked, told, key, whys: () => whys };
}

test('while the cursor moves two questions are under way, then the newest wish; older answers do not go back', async () => {
  const { scrub, asked, told, key } = scrubOf();
  for (const second of [10, 11, 12, 13, 14]) scrub.want(T0 + second * 1e6);
  assert.deepEqual(
    asked.map(({ at }) => at),
    [10_000, 11_000],
  );
  await asked[1]!.answer(key(11));
  assert.equal(asked[2]!.at, 14_000, 'those between are passed over');
  await asked[0]!.answer(key(10));
  assert.deepEqual(told, ['show 11']);
  await asked[2]!.answer(key(14));
  assert.deepEqual(told, ['show 11', 'show 14']);
  // Between a keyframe and a time it answered for nothing is asked again.
  const before = asked.length;
  scrub.want(T0 + 14.1e6);
  scrub.want(T0 + 11e6);
  assert.equal(asked.length, before);
  assert.deepEqual(told.slice(2), ['show 14', 'show 11']);
});

test('where nothing was recorded the cause is asked once and kept; letting go ends everything', async () => {
  const { scrub, asked, told, key, whys } = scrubOf();
  scrub.want(T0 + 55e6);
  await asked[0]!.answer(null);
  scrub.want(T0 + 56e6);
  assert.deepEqual(told, ['gap full', 'gap full']);
  assert.equal(whys(), 1);
  scrub.want(T0 + 70e6);
  const late = asked.at(-1)!;
  scrub.rest();
  assert.equal(late.signal!.aborted, true);
  await late.answer(key(70));
  assert.deepEqual(told.slice(2), []);
});

test('no more than two hundred pictures are kept', async () => {
  const { scrub, asked, told, key } = scrubOf();
  for (let i = 0; i < 230; i++) {
    scrub.want(T0 + i * 2e6);
    await asked.at(-1)!.answer(key(i * 2));
  }
  assert.equal(told.filter((each) => each === 'free').length, 30);
});
