import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FeedSink } from '../../web/src/engine/engine.ts';
import type { EngineError, FragmentPiece, InitPiece, PlayOrder } from '../../web/src/engine/messages.ts';
import { PictureIndex } from '../../web/src/player/past-index.ts';
import { PastStepper } from '../../web/src/player/past-stepper.ts';
import { PastSupply } from '../../web/src/player/past-supply.ts';
import type { TileCamera } from '../../web/src/player/tile-player.ts';

const camera = { node: 'n'.repeat(64), source: 'front', stream: 'main' } as TileCamera;
const T0 = 1_795_000_000_000_000;
const S = 1_000_000;
const init: InitPiece = {
  kind: 'init',
  bytes: new ArrayBuffer(4),
  codecs: 'avc1.64001f',
  width: 1,
  height: 1,
  timescale: 90_000,
};

function fragment(second: number, seconds = 1, keyframe = true): FragmentPiece {
  const startUs = T0 + second * S;
  const common = { bytes: new ArrayBuffer(0), keyframe, pictures: 5, times: [] };
  return { kind: 'fragment', ...common, startUs, endUs: startUs + seconds * S, mediaStart: second };
}

/** A supply whose engine, clock and calendar are moved by hand. */
function world(recordedUntil = 1_000) {
  const feeds: { order: PlayOrder; sink: FeedSink; closed: boolean; granted: number }[] = [];
  const told: string[] = [];
  const index = new PictureIndex();
  let [now, present] = [10_000, T0 / 1000 + recordedUntil * 1000];
  const engine = {
    play(order: PlayOrder, sink: FeedSink) {
      const feed = { order, sink, closed: false, granted: 0 };
      feeds.push(feed);
      return {
        more: (count: number) => void (feed.granted += count),
        close() {
          feed.closed = true;
        },
      };
    },
  };
  let stepper: PastStepper | null = null;
  const supply = new PastSupply(
    engine,
    camera,
    index,
    {
      renew: () => told.push('renew'),
      init: () => told.push('init'),
      fragment: (piece) => {
        index.lay(piece);
        told.push(`fragment ${(piece.startUs - T0) / S}`);
      },
      arrived: () => stepper?.arrived(),
      lost: () => told.push('lost'),
      failed: ({ code }) => told.push(code),
    },
    { clock: () => now, calendar: () => present },
  );
  stepper = new PastStepper(index, supply, () => now);
  return {
    supply,
    index,
    feeds,
    told,
    stepper,
    want: (second: number, spacing: number | null = null) => supply.want(T0 + second * S, spacing),
    last: () => feeds.at(-1)!,
    pass: (ms: number) => {
      now += ms;
      present += ms;
    },
    /** From the present on, in seconds since T0. */
    recorded: () => (present - T0 / 1000) / 1000,
  };
}

function bring({ sink }: { sink: FeedSink }, from: number, to: number): void {
  sink.piece({ ...init });
  for (let second = from; second < to; second++) sink.piece(fragment(second));
}

test('one feed serves a stretch; time elsewhere begins another, and the picture stays until that one answers', () => {
  const { want, feeds, told, index, last } = world();
  want(100);
  bring(last(), 99, 110);
  for (const second of [101, 104, 109, 112]) want(second);
  assert.equal(feeds.length, 1);
  assert.deepEqual(told.slice(0, 3), ['renew', 'init', 'fragment 99']);
  told.length = 0;
  want(300);
  assert.deepEqual([feeds.length, feeds[0]!.closed, last().order.from], [2, true, T0 / 1000 + 300_000]);
  assert.equal(index.fragments.length, 0);
  assert.deepEqual(told, [], 'what is on the glass stays');
  bring(last(), 299, 301);
  assert.equal(told[0], 'renew');
  want(50);
  assert.equal(feeds.length, 3);
});

test('fast motion has feeds of its own, spaced by the speed', () => {
  const { want, feeds, last } = world();
  want(100);
  bring(last(), 100, 110);
  want(101, 1_333);
  assert.deepEqual([last().order.keyframesOnly, last().order.spacing], [true, 1_333]);
  bring(last(), 101, 103);
  want(102, 1_333);
  assert.equal(feeds.length, 2);
  want(103, 667);
  assert.equal(last().order.spacing, 667);
  want(103);
  assert.equal(last().order.keyframesOnly, undefined);
});

test('near the end of what was written it asks again as soon as more must be there, and goes on without a seam', () => {
  const { want, feeds, told, last, pass, supply } = world(110.5);
  want(104);
  bring(last(), 104, 110);
  last().sink.ended(null);
  told.length = 0;
  // Six seconds lie ready: there is time.
  pass(3_000);
  want(105);
  assert.equal(feeds.length, 1);
  want(106);
  assert.equal(feeds.length, 2, 'four are left, and three more were recorded meanwhile');
  assert.equal(last().order.from, T0 / 1000 + 110_000);
  assert.equal(supply.feed!.fromUs, T0 + 104 * S, 'what the first one brought is known still');
  bring(last(), 109, 113);
  assert.deepEqual(told, ['init', 'fragment 110', 'fragment 111', 'fragment 112']);
});

test('where nothing more can have been written yet it waits; a playhead some seconds back never runs dry', () => {
  const { want, feeds, last, pass, recorded, index } = world(110);
  let written = 109;
  let dry = 0;
  const answer = () => {
    const feed = last();
    bring(feed, Math.floor(feed.order.from / 1000 - T0 / S), written);
    feed.sink.ended(null);
  };
  want(105);
  answer();
  for (let tick = 0; tick < 400; tick++) {
    pass(50);
    // A recorder that writes whole seconds, half a second after they ended.
    written = Math.floor(recorded() - 0.5);
    const shown = recorded() - 4;
    const before = feeds.length;
    want(shown);
    if (feeds.length > before) answer();
    if (!index.pictureAt(T0 + shown * S)) dry++;
  }
  assert.equal(dry, 0);
  assert.ok(feeds.length >= 15 && feeds.length <= 45, `${feeds.length} questions in 20 s`);
});

test('a gap at the end, and a node that cannot answer, are asked about seldom; a refusal is told', () => {
  const { want, feeds, last, pass, told } = world(200);
  want(105);
  bring(last(), 105, 106);
  last().sink.piece({ kind: 'gap', startUs: T0 + 106 * S, endUs: null, cause: 'stalled' });
  last().sink.ended(null);
  pass(1_500);
  want(107);
  assert.equal(feeds.length, 1);
  pass(1_500);
  want(107);
  assert.equal(feeds.length, 2);
  const busy: EngineError = { code: 'ERR_BUSY', kind: 'exhausted', message: '' };
  last().sink.ended(busy);
  pass(2_000);
  want(107);
  assert.equal(feeds.length, 2);
  pass(1_000);
  want(107);
  assert.equal(feeds.length, 3);
  last().sink.ended({ code: 'ERR_DENIED', kind: 'denied', message: '' });
  assert.equal(told.at(-1), 'ERR_DENIED');
});

test('what was freed is fetched again when time goes back to it', () => {
  const { want, supply, index, feeds, last } = world();
  want(100);
  bring(last(), 100, 140);
  index.dropBefore(T0 + 120 * S);
  supply.forget(T0 + 120 * S);
  want(121);
  assert.equal(feeds.length, 1);
  want(110);
  assert.equal(feeds.length, 2);
});

test('a step gives the middle of the neighbour, waits for what must be fetched, and gives up in time', async () => {
  const { want, last, feeds, stepper, pass } = world();
  want(100);
  bring(last(), 100, 102);
  const ms = (second: number) => T0 / 1000 + second * 1000;
  assert.equal(await stepper.step(T0 + 100.1 * S, 1), ms(100.3));
  assert.equal(await stepper.step(T0 + 100.5 * S, -1), ms(100.3));
  // Before the first: another feed begins there.
  const back = stepper.step(T0 + 100.1 * S, -1);
  assert.equal(feeds.length, 2);
  assert.ok(last().order.from < ms(100));
  bring(last(), 99, 101);
  assert.equal(await back, ms(99.9));
  const never = stepper.step(T0 + 100.9 * S, 1);
  pass(5_000);
  stepper.arrived();
  assert.equal(await never, null);
  // A gap stands between no pictures.
  last().sink.piece({ kind: 'gap', startUs: T0 + 101 * S, endUs: T0 + 120 * S, cause: 'full' });
  assert.equal(await stepper.step(T0 + 110 * S, 1), null);
  bring(last(), 120, 121);
  assert.equal(await stepper.step(T0 + 100.9 * S, 1), ms(120.1), 'over the gap');
  assert.equal(await stepper.step(T0 + 120.1 * S, -1), ms(100.9), 'and back');
  const closed = stepper.step(T0 + 120.9 * S, 1);
  stepper.close();
  assert.equal(await closed, null);
});
