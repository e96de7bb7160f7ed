import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  ByteReader,
  ByteWriter,
  concatBytes,
  crc32c,
  equalBytes,
  equalBytesConstantTime,
  fromBase64Url,
  fromHex,
  fromUtf8,
  isZero,
  toBase64Url,
  toHex,
  utf8,
  wipe,
} from '../../src/bytes/index.ts';

const octets = fc.uint8Array({ maxLength: 100 });

test('hex and base64url are the ones everybody knows, and inverse', () => {
  fc.assert(
    fc.property(octets, (bytes) => {
      assert.equal(toHex(bytes), Buffer.from(bytes).toString('hex'));
      assert.equal(toBase64Url(bytes), Buffer.from(bytes).toString('base64url'));
      assert.deepEqual(fromHex(toHex(bytes)), Uint8Array.from(bytes));
      assert.deepEqual(fromBase64Url(toBase64Url(bytes)), Uint8Array.from(bytes));
    }),
  );
});

test('any text is octets in exactly one spelling, or refused', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 24 }), (text) => {
      const hex = fromHex(text);
      if (hex) assert.equal(toHex(hex), text);
      const base64 = fromBase64Url(text);
      if (base64) assert.equal(toBase64Url(base64), text);
    }),
  );
  for (const text of ['0', '0g', 'AB', '+f', ' 0']) assert.equal(fromHex(text), null, text);
  for (const text of ['A', 'AB', 'AAB', 'A=', 'A+AA', 'AA==']) assert.equal(fromBase64Url(text), null, text);
  assert.equal(fromHex('00', 2), null);
});

test('UTF-8 is strict', () => {
  fc.assert(fc.property(fc.string({ unit: 'grapheme' }), (text) => assert.equal(fromUtf8(utf8(text)), text)));
  assert.equal(fromUtf8(Uint8Array.of(0xff)), null);
  assert.equal(fromUtf8(Uint8Array.of(0xc0, 0x80)), null);
  assert.equal(fromUtf8(Uint8Array.of(0xef, 0xbb, 0xbf, 0x41)), '﻿A');
});

test('CRC-32C has the published check values', () => {
  assert.equal(crc32c(utf8('123456789')), 0xe3069283);
  assert.equal(crc32c(new Uint8Array(32)), 0x8a9136aa); // RFC 3720 B.4
  assert.equal(crc32c(new Uint8Array(32).fill(0xff)), 0x62a8ab43);
});

test('comparison, joining and wiping do what they say', () => {
  fc.assert(
    fc.property(octets, octets, (a, b) => {
      const same = Buffer.compare(a, b) === 0;
      assert.equal(equalBytes(a, b), same);
      assert.equal(equalBytesConstantTime(a, b), same);
      assert.deepEqual(concatBytes(a, b), Uint8Array.from([...a, ...b]));
      const copy = a.slice();
      wipe(copy);
      assert.ok(isZero(copy));
    }),
  );
});

test('what the writer wrote the reader reads, and both know their ends', () => {
  fc.assert(
    fc.property(
      fc.nat(0xff),
      fc.nat(0xffff),
      fc.nat(0xffffffff),
      fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      octets,
      (a, b, c, d, e) => {
        const bytes = new ByteWriter(15 + e.length + 2).u8(a).u16(b).u32(c).u64(d).bytes(e).zeros(2).finish();
        const reader = new ByteReader(concatBytes(Uint8Array.of(9), bytes).subarray(1));
        assert.deepEqual([reader.u8(), reader.u16(), reader.u32(), reader.u64()], [a, b, c, d]);
        assert.deepEqual(Uint8Array.from(reader.bytes(e.length)), Uint8Array.from(e));
        reader.skip(2);
        assert.equal(reader.left, 0);
        assert.throws(() => reader.u8(), { code: 'ERR_BYTES_SHORT', kind: 'corrupt' });
      },
    ),
  );
  assert.throws(() => new ByteWriter(2).u32(1), { code: 'ERR_INTERNAL_ASSERTION' });
  assert.throws(() => new ByteWriter(2).u8(1).finish(), { code: 'ERR_INTERNAL_ASSERTION' });
  assert.throws(() => new ByteWriter(2).u8(256), { code: 'ERR_INTERNAL_ASSERTION' });
  assert.throws(() => new ByteReader(new Uint8Array(8).fill(255)).u64Number(), { code: 'ERR_BYTES_RANGE' });
});
