import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FragmentUnit, GapUnit, InitUnit, NvrClient } from '../../src/client/index.ts';
import { createNvrClient } from '../../src/client/index.ts';
import { NvrError } from '../../src/errors.ts';
import { feedPlay } from '../../web/src/engine/feeds.ts';
import type { Piece, PlayOrder } from '../../web/src/engine/messages.ts';
import type { NodeLink } from '../../web/src/engine/node-link.ts';
import { BEGIN, FakeNode, record, suite } from '../client/sealed-recording.ts';

const segments = record({ media: { seconds: 6, size: '160x96', gop: 25 }, segmentMs: 3_000 });
const order = { node: 'n'.repeat(64), source: 'front', stream: 'main', from: BEGIN } as PlayOrder;

/** Runs a feed to its end; gives the seconds its fragments begin at, and what else came. */
async function run(client: (attempt: number) => NvrClient, wish: Partial<PlayOrder>) {
  const seconds: number[] = [];
  const told: string[] = [];
  let attempts = 0;
  const out = {
    piece: (piece: Piece) => {
      if (piece.kind === 'fragment') seconds.push((piece.startUs / 1000 - BEGIN) / 1000);
      else told.push(piece.kind);
    },
    event: (name: string) => void told.push(name),
    room: async () => {},
  };
  const link = { client: async () => client(attempts++) } as unknown as NodeLink;
  await feedPlay(link, { ...order, ...wish }, out, new AbortController().signal);
  return { seconds, told };
}

test('fast motion is fed with keyframes alone, as far apart as asked; every picture otherwise', async () => {
  const client = () => createNvrClient({ connection: new FakeNode(segments), suite });
  const keys = await run(client, { keyframesOnly: true });
  assert.deepEqual(keys, { seconds: [0, 1, 2, 3, 4, 5], told: ['init', 'init'] });
  const spaced = await run(client, { keyframesOnly: true, spacing: 1_333 });
  assert.deepEqual(spaced.seconds, [0, 2, 4]);
  const all = await run(client, { from: BEGIN + 1_500 });
  assert.equal(all.seconds[0], 1);
  assert.equal(all.seconds.length, segments.flatMap(({ fragments }) => fragments).length - 5);
});

test('after a loss the keyframes go on behind the last one that was had', async () => {
  const whole = createNvrClient({ connection: new FakeNode(segments), suite });
  const client = (attempt: number): NvrClient => ({
    ...whole,
    async *keyframes(query): AsyncGenerator<InitUnit | FragmentUnit | GapUnit> {
      let given = 0;
      for await (const unit of whole.keyframes(query)) {
        if (attempt === 0 && unit.kind === 'fragment' && ++given > 3)
          throw new NvrError('ERR_CLIENT_CLOSED', 'unavailable', 'gone');
        yield unit;
      }
    },
  });
  const { seconds, told } = await run(client, { keyframesOnly: true });
  assert.deepEqual(seconds, [0, 1, 2, 3, 4, 5]);
  assert.ok(told.includes('play.lost'));
});
