import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { fromUtf8, utf8 } from '../../src/bytes/index.ts';
import { ERROR_KINDS } from '../../src/errors.ts';
import { SeededRandom } from '../../src/platform/index.ts';
import {
  encodeCancelError,
  encodeError,
  encodeEvent,
  encodeRequest,
  encodeResult,
  errorInteger,
  jsonDepthWithin,
  parseCancelError,
  parseEvent,
  parseRequest,
  parseResponse,
} from '../../src/protocol/frame-rpc.ts';

const MUTATIONS = process.env['SLOW'] ? 200_000 : 8_000;
const json = (value: unknown) => utf8(JSON.stringify(value));
const plain = (value: unknown) => JSON.parse(JSON.stringify(value)) as unknown;
const method = fc.stringMatching(/^[a-z]{1,24}\.[a-z]{1,24}(@[1-9][0-9]{0,2})?$/);
const params = fc
  .dictionary(fc.string(), fc.jsonValue({ maxDepth: 4 }), { maxKeys: 8 })
  .map((value) => plain(value) as Record<string, unknown>);
const stream = fc.integer({ min: 1, max: 2 ** 31 - 1 });

test('requests, results, errors and notifications come back as they were written', () => {
  fc.assert(
    fc.property(stream, method, params, (id, name, wish) => {
      assert.deepEqual(parseRequest(encodeRequest(id, { method: name, params: wish })!, id), {
        method: name,
        params: wish,
      });
      assert.equal(parseRequest(encodeRequest(id, { method: name, params: wish })!, id + 2), null);
      assert.deepEqual(parseResponse(encodeResult(id, wish)!, id), { result: wish });
      assert.equal(parseResponse(encodeResult(id, wish)!, id + 2), null);
    }),
  );
  assert.deepEqual(parseResponse(encodeResult(5, undefined)!, 5), { result: null });
  assert.deepEqual(parseEvent(encodeEvent('live.run', { run: 'x' })!), { name: 'live.run', params: { run: 'x' } });
  assert.deepEqual(parseEvent(json({ jsonrpc: '2.0', method: 'live.run' })), { name: 'live.run', params: {} });
  assert.deepEqual(parseRequest(json({ jsonrpc: '2.0', id: 1, method: 'a.b', extra: 1 }), 1), {
    method: 'a.b',
    params: {},
  });
});

test('each kind has its integer and its text, and nothing else of an error crosses', () => {
  const integers = ERROR_KINDS.map(errorInteger);
  assert.deepEqual(integers, [-32001, -32002, -32003, -32004, -32005, -32006, -32007, -32008, -32009, -32010]);
  const texts = new Set<string>();
  for (const kind of ERROR_KINDS) {
    const body = encodeError(3, 'ERR_VAULT_SEGMENT_MISSING', kind);
    const told = JSON.parse(fromUtf8(body)!) as { error: { code: number; message: string; data: unknown } };
    assert.equal(told.error.code, errorInteger(kind));
    assert.deepEqual(told.error.data, { code: 'ERR_VAULT_SEGMENT_MISSING', kind });
    texts.add(told.error.message);
    const parsed = parseResponse(body, 3);
    assert.ok(parsed && 'error' in parsed);
    assert.deepEqual([parsed.error.code, parsed.error.kind], ['ERR_VAULT_SEGMENT_MISSING', kind]);
    assert.deepEqual(parseCancelError(encodeCancelError('ERR_X', kind))?.kind, kind);
  }
  assert.equal(texts.size, ERROR_KINDS.length);
  assert.match(fromUtf8(encodeError(3, 'ERR_lower case' as 'ERR_X', 'invalid'))!, /ERR_CHANNEL_INTERNAL/);
});

test('what a node writes into an error is not believed word by word', () => {
  const error = (value: unknown) => parseResponse(json({ jsonrpc: '2.0', id: 1, error: value }), 1);
  const unknown = { code: 'ERR_REMOTE_UNKNOWN', kind: 'internal', message: 'the node has a fault' };
  for (const code of [-32011, -32000, 0, 1.5, -1e300]) assert.deepEqual(error({ code }), { error: unknown });
  assert.deepEqual(error({ code: -32004, message: '\u001b[31m', data: { code: 'ERR_\u001b' } }), {
    error: { code: 'ERR_REMOTE_UNKNOWN', kind: 'missing', message: 'there is no such thing' },
  });
  for (const value of [null, 'text', [], {}, { code: '-32001' }]) assert.equal(error(value), null);
});

test('what breaks a rule is null', () => {
  const base = { jsonrpc: '2.0', id: 1, method: 'a.b@1', params: {} };
  assert.ok(parseRequest(json(base), 1));
  const wrong: unknown[] = [
    [base],
    null,
    'text',
    7,
    { ...base, jsonrpc: '1.0' },
    { ...base, jsonrpc: undefined },
    { ...base, id: '1' },
    { ...base, id: null },
    { ...base, id: undefined },
    { ...base, params: [] },
    { ...base, params: null },
    { ...base, params: 'x' },
    { ...base, method: 7 },
    ...[
      '',
      'a',
      'a.',
      '.b',
      'A.b',
      'a.b@',
      'a.b@0',
      'a.b@01',
      'a.b@1000',
      'a.b@1 ',
      ' a.b',
      'a.b\n',
      'a..b',
      'a.b.c',
      `${'a'.repeat(25)}.b`,
    ].map((name) => ({ ...base, method: name })),
  ];
  for (const value of wrong) assert.equal(parseRequest(json(value), 1), null, JSON.stringify(value));
  for (const bytes of [
    utf8(''),
    utf8('{'),
    Uint8Array.of(0xff),
    utf8(`${JSON.stringify(base)}x`),
    utf8(`\ufeff${JSON.stringify(base)}`),
  ]) {
    assert.equal(parseRequest(bytes, 1), null);
  }
  assert.equal(parseResponse(json({ jsonrpc: '2.0', id: 1 }), 1), null);
  assert.equal(parseEvent(json({ ...base, method: 'a.b' })), null, 'an id makes it a request');
  assert.equal(parseEvent(json({ jsonrpc: '2.0', method: 'a.b@1' })), null);
});

test('size and depth are bounded on both sides', () => {
  const filling = (length: number) => ({ method: 'a.b@1', params: { x: 'y'.repeat(length) } });
  const overhead = encodeRequest(1, filling(0))!.length;
  assert.equal(encodeRequest(1, filling(65_024 - overhead))!.length, 65_024);
  assert.equal(encodeRequest(1, filling(65_025 - overhead)), null);
  assert.equal(encodeResult(1, 'y'.repeat(65_024)), null);
  assert.equal(encodeResult(1, 1n), null, 'what JSON cannot say');
  const circle: unknown[] = [];
  circle.push(circle);
  assert.equal(encodeResult(1, circle), null);
  const nested = (depth: number) => utf8(`{"jsonrpc":"2.0","id":1,"result":${'['.repeat(depth)}${']'.repeat(depth)}}`);
  assert.ok(parseResponse(nested(31), 1));
  assert.equal(parseResponse(nested(32), 1), null);
  assert.equal(parseResponse(nested(32_000), 1), null);
  assert.equal(jsonDepthWithin('{"a":"[[[[\\"[[["}', 1), true, 'brackets in texts do not count');
  assert.equal(jsonDepthWithin('[[]]', 1), false);
});

test('seeded mutations never throw and never pass a broken rule', () => {
  const random = new SeededRandom(71);
  const starts = [
    encodeRequest(9, { method: 'segments.list@1', params: { source: 'front', from: 1, deep: [{ a: [1, 2] }] } })!,
    encodeResult(9, { items: [1, 2, 3], text: 'ü"\\' })!,
    encodeError(9, 'ERR_LIVE_STREAM_MISSING', 'missing'),
    encodeEvent('live.gap', { cause: 'stalled' })!,
  ];
  let passed = 0;
  for (let i = 0; i < MUTATIONS; i++) {
    const bytes = starts[i % starts.length]!.slice();
    const cut = random.below(10) === 0 ? random.below(bytes.length) : bytes.length;
    for (let k = 0; k <= random.below(3); k++)
      bytes[random.below(bytes.length)] = random.below(2) ? random.below(256) : 32 + random.below(95);
    const body = bytes.subarray(0, cut);
    const request = parseRequest(body, 9);
    if (request) assert.match(request.method, /^[a-z]{1,24}\.[a-z]{1,24}(@[1-9][0-9]{0,2})?$/);
    const response = parseResponse(body, 9);
    if (response && 'error' in response) assert.match(response.error.code, /^ERR_[A-Z0-9_]+$/);
    const event = parseEvent(body);
    parseCancelError(body);
    if (request || response || event) passed++;
  }
  assert.ok(passed > 100, `${passed} still good`);
  fc.assert(fc.property(fc.uint8Array(), (bytes) => parseRequest(bytes, 1) === null && parseEvent(bytes) === null));
});
