import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Connection, createNvrClient, methodText } from '../../src/client/index.ts';
import { COMMANDS, type CommandName, checkResult, methodOf, type SourceId } from '../../src/protocol/index.ts';
import { BEGIN, FakeNode, record, suite } from './sealed-recording.ts';

const front = { source: 'front' as SourceId, stream: 'main' as const };

test('the versions of commands are those of the catalogue', () => {
  for (const name of Object.keys(COMMANDS) as CommandName[]) assert.equal(methodText(name), methodOf(name));
});

function answering(answer: (method: string, params: Record<string, unknown>) => unknown): Connection {
  const node = new FakeNode([]);
  node.call = async (method, params) => answer(method, params as Record<string, unknown>);
  return node;
}

test('listings go on over pages until there is none', async () => {
  const asked: unknown[] = [];
  const connection = answering((method, params) => {
    asked.push([method, params['cursor']]);
    const page = Number(params['cursor'] ?? 0);
    return { states: [{ source: `s${page}` }], ...(page < 3 ? { cursor: String(page + 1) } : {}) };
  });
  const found: string[] = [];
  for await (const state of createNvrClient({ connection, suite }).states()) found.push(state.source);
  assert.deepEqual(found, ['s0', 's1', 's2', 's3']);
  assert.deepEqual(asked.at(-1), ['sources.states@1', '3']);
});

test('a node that gives the same page for ever is refused', async () => {
  const connection = answering(() => ({ sources: [], cursor: 'again' }));
  await assert.rejects(
    async () => {
      for await (const _ of createNvrClient({ connection, suite }).sources());
    },
    { code: 'ERR_CLIENT_REPLY' },
  );
});

test('replies are held against their schema where one is handed in', async () => {
  const connection = answering(() => ({ node: 'nonsense' }));
  await assert.rejects(createNvrClient({ connection, suite, check: checkResult }).call('status.get', {}), {
    code: 'ERR_CLIENT_REPLY',
    kind: 'corrupt',
  });
  assert.deepEqual(await createNvrClient({ connection, suite }).call('status.get', {}), { node: 'nonsense' });
});

test('a range tells its segments and the gaps between them, in order', async () => {
  const segments = [
    ...record({ media: { seconds: 4, size: '64x64' } }),
    ...record({ media: { seconds: 2, size: '64x64' }, startAt: BEGIN + 10_000, seq: 3 }),
  ];
  const node = new FakeNode(segments);
  const gap = { cause: 'stalled' as const, startAt: BEGIN + 4_000, endAt: BEGIN + 10_000 };
  node.gaps.set(segments[2]!.facts.id, gap);
  node.gaps.set(segments[0]!.facts.id, { ...gap, startAt: BEGIN - 5_000, endAt: BEGIN });
  const client = createNvrClient({ connection: node, suite });
  const told: string[] = [];
  for await (const unit of client.readRange({ ...front, from: BEGIN + 500, to: BEGIN + 60_000 })) {
    if (unit.kind === 'segment') told.push(`segment ${unit.segment.seq}`);
    if (unit.kind === 'gap') told.push(`gap ${unit.cause}`);
  }
  assert.deepEqual(told, ['segment 1', 'segment 2', 'gap stalled', 'segment 3']);
  assert.equal(node.asked.filter(({ method }) => method === 'range.read@1').length, 2, 'two pages');
});

test('a live stream is given up when its reader has enough', async () => {
  const [stored] = record({ media: { seconds: 2, size: '64x64' } });
  const node = new FakeNode([]);
  const init = stored!.plaintext.slice(
    0,
    stored!.plaintext.length - stored!.plaintext.length + initSize(stored!.plaintext),
  );
  node.live = [{ bytes: init, marks: { init: true } }];
  for (const { bytes } of stored!.fragments) node.live.push({ bytes: Uint8Array.from(bytes), marks: {} });
  for await (const unit of createNvrClient({ connection: node, suite }).live(front))
    if (unit.kind === 'fragment') break;
  assert.equal(node.cancelled, 1);
});

/** Bytes of ftyp and moov. */
function initSize(movie: Uint8Array): number {
  const view = new DataView(movie.buffer, movie.byteOffset);
  const ftyp = view.getUint32(0);
  return ftyp + view.getUint32(ftyp);
}
