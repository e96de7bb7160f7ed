import assert from 'node:assert/strict';
import { test } from 'node:test';
import { auditCommands } from '../../src/commands/audit.ts';
import { type CheckedParams, checkParams, checkResult, type SourceId } from '../../src/protocol/index.ts';
import type { AuditQuery, AuditRecord, SignedAuditHead } from '../../src/vault/index.ts';
import { AuditBench, device } from '../vault/audit-bench.ts';
import { deviceKey, fakeNode, refuses, START_AT } from './fake-node.ts';

type Handler = ReturnType<typeof auditCommands>['audit.list'];

/** Asks the handler as `createCommands` does, and checks the reply as a client does. */
async function ask(audit: Parameters<typeof auditCommands>[0]['audit'], params: unknown = {}) {
  const checked = checkParams('audit.list', params);
  assert.ok('params' in checked, JSON.stringify(checked));
  const granted = { params: checked.params as CheckedParams<'audit.list'> } as Parameters<Handler>[0];
  const result = await auditCommands({ audit })['audit.list'](granted);
  const outcome = checkResult('audit.list', result);
  assert.ok('result' in outcome, JSON.stringify(outcome));
  assert.deepEqual(outcome.result, result, 'the schema names everything that is told');
  return outcome.result;
}

const entry = {
  event: 'played',
  at: START_AT,
  device: deviceKey(1),
  source: 'front' as SourceId,
  span: { from: START_AT - 5, to: START_AT },
  detail: 'main',
  address: '2001:db8::7',
} as const;

test('every kind of line is told, and nothing that is not there', async () => {
  const records: AuditRecord[] = [
    { index: 9, statement: { type: 'entry', entry } },
    {
      index: 8,
      statement: {
        type: 'entry',
        entry: { ...entry, device: null, source: null, span: null, detail: '', address: '' },
      },
    },
    { index: 7, statement: { type: 'lost', at: 3, cause: 'flood', count: 5, from: 1, to: 2, device: deviceKey(2) } },
    { index: 6, statement: { type: 'dropped', at: 2, cause: 'age', before: 4, closingHash: new Uint8Array(32) } },
  ];
  const head: SignedAuditHead = {
    logId: new Uint8Array(16).fill(1),
    count: 6,
    root: new Uint8Array(32).fill(2),
    at: Number.MAX_SAFE_INTEGER,
  };
  const asked: AuditQuery[] = [];
  const audit = {
    note() {},
    head: () => head,
    list: async (query: AuditQuery) => {
      asked.push(query);
      return { records, cursor: '5' };
    },
  };
  const told = await ask(audit, { from: 1, to: 2, device: deviceKey(1), limit: 4, order: 'oldest', cursor: '9' });
  assert.deepEqual(asked, [{ from: 1, to: 2, device: deviceKey(1), limit: 4, order: 'oldest', cursor: '9' }]);
  const { span, ...rest } = entry;
  assert.deepEqual(told.entries, [
    { kind: 'entry', index: 9, ...rest, ...span },
    { kind: 'entry', index: 8, at: START_AT, device: null, event: 'played', detail: '' },
    { kind: 'lost', index: 7, at: 3, cause: 'flood', device: deviceKey(2), count: 5, from: 1, to: 2 },
    { kind: 'dropped', index: 6, at: 2, cause: 'age', device: null, before: 4 },
  ]);
  assert.deepEqual([told.cursor, told.head?.leaves, told.head?.signedAt], ['5', 6, 9_007_199_254_740]);
  await ask(audit);
  assert.deepEqual(asked[1], { order: 'newest', limit: 50 });
});

test('a real log is read page after page; a cursor of something else is the caller’s fault', async () => {
  const bench = new AuditBench();
  await bench.audit.start();
  assert.equal((await ask(bench.audit)).head, null);
  for (let i = 0; i < 30; i++) bench.note({ detail: String(i), device: device(1) });
  await bench.clock.advance(70_000);
  const details: (string | undefined)[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await ask(bench.audit, { limit: 7, ...(cursor === undefined ? {} : { cursor }) });
    details.push(...page.entries.map(({ detail }) => detail));
    assert.equal(page.head?.leaves, 30);
    if (page.cursor === undefined) break;
    cursor = page.cursor;
  }
  assert.deepEqual(
    details,
    Array.from({ length: 30 }, (_, i) => String(29 - i)),
  );
  await refuses(ask(bench.audit, { cursor: 'x.y' }), 'ERR_COMMANDS_PARAMS', 'invalid');
});

test('key files are re-wrapped by owners only, a page at a time', async () => {
  const node = fakeNode();
  const owner = { as: 4 };
  await refuses(node.ask('keys.rewrap', {}, { as: 3 }), 'ERR_COMMANDS_DENIED', 'denied');
  const page = await node.ask('keys.rewrap', { limit: 2, without: ['ab'.repeat(16)] }, owner);
  assert.deepEqual([page.total, page.files, page.rewritten, page.dropped, page.added], [3, 2, 2, 2, 1]);
  const rest = await node.ask('keys.rewrap', { cursor: page.cursor }, owner);
  assert.equal(rest.cursor, undefined);
  const [first, second] = node.vault.rewraps;
  assert.deepEqual(first?.without, [new Uint8Array(16).fill(0xab)]);
  assert.deepEqual([first?.limit, second?.limit, second?.cursor], [2, 50, page.cursor]);
  assert.ok(first?.signal instanceof AbortSignal);
  assert.deepEqual(
    node.audited.filter(({ event }) => event === 'changed').map(({ detail }) => detail),
    ['keys.rewrap@1', 'keys.rewrap@1'],
  );
});
