import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { fromHex, toHex, utf8 } from '../../src/bytes/index.ts';
import { SeededRandom } from '../../src/platform/index.ts';
import {
  CREDIT_MAX,
  DATA_BODY_MAX,
  decodeFrame,
  encodeFrame,
  endBody,
  endTotal,
  FRAME,
  FRAME_MAX,
  type FrameSide,
  type FrameType,
  RPC_BYTES_MAX,
  STREAM_MAX,
  windowBody,
  windowCredit,
} from '../../src/protocol/frame.ts';

const MUTATIONS = process.env['SLOW'] ? 300_000 : 20_000;
const file = join(import.meta.dirname, '../vectors/frames.json');
const EMPTY = new Uint8Array(0);

/** What each type allows, told once more by hand: from, flags, stream, body sizes, padded. */
const TABLE: Record<
  keyof typeof FRAME,
  [FrameSide | 'both', number, 'none' | 'some' | 'any', number, number, boolean]
> = {
  ping: ['both', 1, 'none', 0, 1024, false],
  request: ['client', 0, 'some', 0, 65_024, true],
  response: ['node', 1, 'some', 0, 65_024, true],
  data: ['node', 7, 'some', 0, 65_511, false],
  window: ['client', 0, 'any', 4, 4, false],
  cancel: ['both', 0, 'some', 0, 1024, false],
  end: ['node', 0, 'some', 8, 8, false],
  event: ['node', 0, 'any', 0, 65_024, true],
  rekey: ['both', 0, 'none', 0, 0, false],
  goaway: ['node', 0, 'none', 1, 1, false],
};
const names = Object.keys(TABLE) as (keyof typeof FRAME)[];

interface Made {
  type: FrameType;
  flags: number;
  stream: number;
  body: Uint8Array<ArrayBuffer>;
  side: FrameSide;
}

const frame = fc.constantFrom(...names).chain((name) => {
  const [from, flags, stream, min, max] = TABLE[name];
  return fc.record<Made>({
    type: fc.constant(FRAME[name]),
    flags: fc.nat(flags).map((value) => (name === 'data' ? value | 1 : value)),
    stream: stream === 'none' ? fc.constant(0) : fc.integer({ min: stream === 'some' ? 1 : 0, max: STREAM_MAX }),
    body: fc.uint8Array({ minLength: min, maxLength: Math.min(max, 900) }) as fc.Arbitrary<Uint8Array<ArrayBuffer>>,
    side: from === 'both' ? fc.constantFrom<FrameSide>('client', 'node') : fc.constant(from),
  });
});

const encode = ({ type, flags, stream, body }: Made) => encodeFrame(type, flags, stream, body);

test('decoding gives back what was encoded, in the fewest bytes its type allows', () => {
  fc.assert(
    fc.property(frame, (made) => {
      const bytes = encode(made);
      const { type, flags, stream, body } = made;
      assert.deepEqual(decodeFrame(bytes, made.side), { type, flags, stream, body });
      const padded = TABLE[names[type]!][5];
      assert.equal(bytes.length, padded ? Math.ceil((8 + body.length) / 256) * 256 : 8 + body.length);
      const into = new Uint8Array(FRAME_MAX).fill(255);
      assert.deepEqual(encodeFrame(type, flags, stream, body, into), bytes, 'also in a used place');
    }),
    { numRuns: 500 },
  );
});

test('any cut and any lengthening is refused', () => {
  fc.assert(
    fc.property(frame, fc.nat(), (made, cut) => {
      const bytes = encode(made);
      assert.equal(typeof decodeFrame(bytes.subarray(0, cut % bytes.length), made.side), 'string');
      for (const more of [1, 255, 256, 1000]) {
        const longer = new Uint8Array(bytes.length + more);
        longer.set(bytes);
        assert.equal(typeof decodeFrame(longer, made.side), 'string');
      }
    }),
  );
});

test('padding is checked to its last byte', () => {
  const bytes = encodeFrame(FRAME.request, 0, 1, utf8('{}'));
  assert.equal(bytes.length, 256);
  for (let at = 10; at < 256; at++) {
    const changed = bytes.slice();
    changed[at] = 1;
    assert.equal(decodeFrame(changed, 'client'), 'padding');
  }
});

test('each rule of each type holds at its edge', () => {
  const raw = (type: number, flags: number, stream: number, body: Uint8Array) => {
    const bytes = new Uint8Array(8 + body.length);
    bytes.set([
      type,
      flags,
      body.length >> 8,
      body.length & 255,
      stream >>> 24,
      (stream >> 16) & 255,
      (stream >> 8) & 255,
      stream & 255,
    ]);
    bytes.set(body, 8);
    return bytes;
  };
  for (const name of names) {
    const [from, flags, stream, min, max, padded] = TABLE[name];
    const type = FRAME[name];
    const sides: FrameSide[] = from === 'both' ? ['client', 'node'] : [from];
    const own = stream === 'none' ? 0 : 1;
    const bit = name === 'data' ? 1 : 0;
    const shortest = new Uint8Array(min);
    for (const side of ['client', 'node'] as const) {
      const result = decodeFrame(encodeFrame(type, bit, own, shortest), side);
      if (sides.includes(side)) assert.ok(typeof result !== 'string', `${name} from ${side}: ${result}`);
      else assert.equal(result, 'side', name);
    }
    const side = sides[0]!;
    const decode = (...parts: Parameters<typeof raw>) => decodeFrame(raw(...parts), side);
    for (let flag = 1; flag < 256; flag *= 2) {
      if ((flags & flag) === 0) assert.equal(decode(type, flag, own, shortest), 'flags', `${name} flag ${flag}`);
    }
    if (stream === 'none') assert.equal(decode(type, bit, 1, shortest), 'stream', name);
    if (stream === 'some') assert.equal(decode(type, bit, 0, shortest), 'stream', name);
    if (stream !== 'none') assert.equal(decode(type, bit, 2 ** 31, shortest), 'stream', name);
    if (min > 0) assert.equal(decode(type, bit, own, new Uint8Array(min - 1)), 'body', name);
    const longest = encodeFrame(type, bit, own, new Uint8Array(max));
    assert.ok(typeof decodeFrame(longest, side) !== 'string', `${name} with ${max} bytes`);
    assert.ok(longest.length <= FRAME_MAX);
    assert.throws(() => encodeFrame(type, bit, own, new Uint8Array(max + 1)), { code: 'ERR_INTERNAL_ASSERTION' });
    if (8 + max < FRAME_MAX) {
      const reason = decode(type, bit, own, new Uint8Array(max + 1));
      assert.equal(reason, padded || max < 65_000 ? 'body' : reason, name);
      assert.equal(typeof reason, 'string');
    }
  }
  assert.equal(decode10(raw), 'type');
  assert.equal(decodeFrame(new Uint8Array(7), 'client'), 'length');
  assert.equal(decodeFrame(new Uint8Array(FRAME_MAX + 1), 'client'), 'length');
  assert.equal(decodeFrame(raw(FRAME.data, 0, 1, EMPTY), 'node'), 'body', 'an empty piece that is not the last');
  assert.ok(8 + DATA_BODY_MAX + 16 + 1 <= 65_535, 'a message whose WebSocket length takes two bytes');
  assert.equal(RPC_BYTES_MAX, 65_024);
});

function decode10(raw: (type: number, flags: number, stream: number, body: Uint8Array) => Uint8Array<ArrayBuffer>) {
  const reasons = new Set<unknown>();
  for (let type = 10; type < 256; type++) reasons.add(decodeFrame(raw(type, 0, 1, EMPTY), 'node'));
  return [...reasons].join();
}

test('credit and totals have one meaning each', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: CREDIT_MAX }), (credit) => windowCredit(windowBody(credit)) === credit),
  );
  assert.equal(windowCredit(Uint8Array.of(0, 0, 0, 0)), null);
  assert.equal(windowCredit(Uint8Array.of(0x80, 0, 0, 0)), null);
  assert.equal(windowCredit(Uint8Array.of(0xff, 0xff, 0xff, 0xff)), null);
  fc.assert(fc.property(fc.maxSafeNat(), (total) => endTotal(endBody(total)) === total));
  assert.equal(endTotal(new Uint8Array(8).fill(255)), null);
});

test('seeded mutations end in a frame that encodes to the same bytes, or in a reason', () => {
  const random = new SeededRandom(61);
  const starts = names.map((name) =>
    encodeFrame(
      FRAME[name],
      name === 'data' ? 1 : 0,
      TABLE[name][2] === 'none' ? 0 : 3,
      random.bytes(TABLE[name][3] || (name === 'rekey' ? 0 : 40)),
    ),
  );
  let frames = 0;
  for (let i = 0; i < MUTATIONS; i++) {
    let bytes = starts[random.below(starts.length)]!.slice();
    for (let k = 0; k <= random.below(3); k++) {
      const kind = random.below(5);
      if (kind < 3) bytes[random.below(Math.min(bytes.length, kind === 0 ? bytes.length : 9))] = random.below(256);
      else if (kind === 3) bytes = bytes.slice(0, 1 + random.below(bytes.length));
      else bytes = Uint8Array.of(...bytes, ...random.bytes(random.below(20)));
    }
    const side = random.below(2) === 0 ? 'client' : 'node';
    const result = decodeFrame(bytes, side);
    if (typeof result === 'string') continue;
    frames++;
    assert.deepEqual(encodeFrame(result.type, result.flags, result.stream, result.body), bytes);
  }
  assert.ok(frames > MUTATIONS / 20, `${frames} frames`);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const result = decodeFrame(bytes as Uint8Array<ArrayBuffer>, 'node');
      return typeof result === 'string' || result.body.length <= bytes.length - 8;
    }),
  );
});

interface Vector {
  name: string;
  from: FrameSide;
  type: FrameType;
  flags: number;
  stream: number;
  body: string;
  plaintext: string;
}

function published(): { vectors: Vector[]; refused: { why: string; from: FrameSide; plaintext: string }[] } {
  const cases: [string, FrameSide, FrameType, number, number, Uint8Array][] = [
    ['a question whether somebody is there', 'node', FRAME.ping, 0, 0, EMPTY],
    ['its answer', 'client', FRAME.ping, 1, 0, EMPTY],
    ['a request', 'client', FRAME.request, 0, 1, utf8('{"jsonrpc":"2.0","id":1,"method":"status.get@1","params":{}}')],
    ['a reply that ends its stream', 'node', FRAME.response, 1, 1, utf8('{"jsonrpc":"2.0","id":1,"result":{}}')],
    [
      'a reply with an error',
      'node',
      FRAME.response,
      1,
      3,
      utf8(
        '{"jsonrpc":"2.0","id":3,"error":{"code":-32004,"message":"there is no such thing","data":{"code":"ERR_VAULT_SEGMENT_MISSING","kind":"missing"}}}',
      ),
    ],
    ['the first piece of an init segment', 'node', FRAME.data, 4, 5, utf8('....ftyp')],
    ['the last piece of a unit that begins with a keyframe', 'node', FRAME.data, 3, 5, utf8('....mdat')],
    ['an empty unit', 'node', FRAME.data, 1, 5, EMPTY],
    ['credit for a stream', 'client', FRAME.window, 0, 5, windowBody(65_536)],
    ['credit for the channel', 'client', FRAME.window, 0, 0, windowBody(1_048_576)],
    ['giving up', 'client', FRAME.cancel, 0, 5, EMPTY],
    [
      'breaking off',
      'node',
      FRAME.cancel,
      0,
      7,
      utf8('{"code":-32006,"message":"a limit is reached","data":{"code":"ERR_CHANNEL_STALLED","kind":"exhausted"}}'),
    ],
    ['the end of a stream', 'node', FRAME.end, 0, 5, endBody(16)],
    [
      'a notification of the channel',
      'node',
      FRAME.event,
      0,
      0,
      utf8('{"jsonrpc":"2.0","method":"channel.open","params":{"role":"viewer","session":"00"}}'),
    ],
    ['the last frame of a key', 'client', FRAME.rekey, 0, 0, EMPTY],
    ['the node stops', 'node', FRAME.goaway, 0, 0, Uint8Array.of(1)],
  ];
  const vectors = cases.map(([name, from, type, flags, stream, body]): Vector => {
    const plaintext = toHex(encodeFrame(type, flags, stream, body));
    return { name, from, type, flags, stream, body: toHex(body), plaintext };
  });
  const refused = [
    { why: 'seven bytes', from: 'node', plaintext: '00000000000000' },
    { why: 'an unknown type', from: 'node', plaintext: '0a00000000000000' },
    { why: 'a flag that means nothing', from: 'node', plaintext: '0002000000000000' },
    { why: 'a request from the node', from: 'node', plaintext: vectors[2]!.plaintext },
    { why: 'a reply from the client', from: 'client', plaintext: vectors[3]!.plaintext },
    {
      why: 'a request on stream 0',
      from: 'client',
      plaintext: vectors[2]!.plaintext.replace(/^(.{8}).{8}/, '$100000000'),
    },
    { why: 'a stream of 2^31', from: 'node', plaintext: '0301000080000000' },
    { why: 'a body longer than the frame', from: 'node', plaintext: '0301000100000001' },
    { why: 'padding after DATA', from: 'node', plaintext: '030100000000000100' },
    { why: 'padding that is not zero', from: 'client', plaintext: vectors[2]!.plaintext.replace(/00$/, '01') },
    { why: 'no padding', from: 'client', plaintext: '01000002000000017b7d' },
    { why: 'an empty piece that is not the last', from: 'node', plaintext: '0300000000000001' },
    { why: 'credit of three bytes', from: 'client', plaintext: '0400000300000001010101' },
  ] as const;
  return { vectors, refused: [...refused] };
}

test('our published frames decode as they say, and encode to the same bytes', () => {
  if (process.env['UPDATE_VECTORS']) {
    const about = 'docs/protocol/channel.md section 6: the plaintext of one sealed message, padding included. Hex.';
    writeFileSync(file, `${JSON.stringify({ about, ...published() }, null, 1)}\n`);
  }
  const { vectors, refused } = JSON.parse(readFileSync(file, 'utf8')) as ReturnType<typeof published>;
  assert.ok(vectors.length >= 16 && refused.length >= 13);
  for (const { name, from, type, flags, stream, body, plaintext } of vectors) {
    const expected = { type, flags, stream, body: fromHex(body)! };
    assert.deepEqual(decodeFrame(fromHex(plaintext)!, from), expected, name);
    assert.equal(toHex(encodeFrame(type, flags, stream, expected.body)), plaintext, name);
  }
  for (const { why, from, plaintext } of refused) {
    assert.equal(typeof decodeFrame(fromHex(plaintext)!, from), 'string', why);
  }
});
