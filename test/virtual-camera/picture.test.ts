import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SeededRandom } from '../../src/platform/index.ts';
import { AdtsReader } from '../../src/virtual-camera/adts.ts';
import { insertBeforeSlices, readPicture, splitAnnexB } from '../../src/virtual-camera/picture.ts';
import { type PesUnit, TransportStreamReader } from '../../src/virtual-camera/transport-stream.ts';
import { writeTransportStream } from './transport-stream-writer.ts';

const payloads = fc.array(fc.uint8Array({ minLength: 1, maxLength: 2000 }), { minLength: 1, maxLength: 6 });

test('pictures come out of a transport stream however it is cut', () => {
  fc.assert(
    fc.property(payloads, fc.array(fc.nat(400)), fc.boolean(), (parts, cuts, openLength) => {
      const stream = Buffer.concat(
        parts.map((part, index) =>
          writeTransportStream((2 ** 33 - 5000 + index * 3600) % 2 ** 33, part, { openLength }),
        ),
      );
      // One more picture, so that the last of those with open length is known to be complete.
      const all = Buffer.concat([stream, writeTransportStream(1, Buffer.of(1))]);
      const reader = new TransportStreamReader();
      const units: PesUnit[] = [];
      let at = 0;
      for (const cut of cuts) {
        units.push(...reader.push(all.subarray(at, at + cut)));
        at += cut;
      }
      units.push(...reader.push(all.subarray(at)));
      assert.equal(units.length, parts.length + 1);
      parts.forEach((part, index) => {
        assert.deepEqual(Buffer.from(units[index]!.payload), Buffer.from(part));
        assert.equal(units[index]!.pts, (2 ** 33 - 5000 + index * 3600) % 2 ** 33);
      });
    }),
    { numRuns: process.env['SLOW'] ? 2000 : 150 },
  );
});

test('a picture is given with its last byte, not with the next picture', () => {
  const reader = new TransportStreamReader();
  assert.equal(reader.push(writeTransportStream(9, Buffer.alloc(1000, 7))).length, 1);
  assert.equal(reader.push(writeTransportStream(9, Buffer.alloc(70_001, 7))).length, 1, 'the length is left open');
  // 176 + 3 * 184 bytes of PES leave nothing to stuff: this one is given when the next begins.
  const exact = writeTransportStream(9, Buffer.alloc(176 + 3 * 184 - 14), { openLength: true });
  assert.equal(reader.push(exact).length, 0);
  assert.equal(reader.push(writeTransportStream(9, Buffer.alloc(10))).length, 2);
});

test('a picture above the limit is dropped and the next one is read', () => {
  const reader = new TransportStreamReader(5000);
  assert.deepEqual(reader.push(writeTransportStream(1, Buffer.alloc(9000))), []);
  assert.equal(reader.push(writeTransportStream(1, Buffer.alloc(900))).length, 1);
});

test('foreign packets are passed over', () => {
  const reader = new TransportStreamReader();
  const sound = writeTransportStream(1, Buffer.alloc(50), { pid: 0x101, streamId: 0xc0 });
  assert.deepEqual(reader.push(sound), []);
  assert.equal(reader.push(Buffer.concat([Buffer.from('noise'), writeTransportStream(1, Buffer.alloc(50))])).length, 1);
});

test('an access unit is split, and what no camera sends is left out', () => {
  const annexB = Buffer.from('00000109100000000167424201000001684200000001060501aa80000001650102000000', 'hex');
  assert.deepEqual(
    splitAnnexB(annexB).map((nal) => Buffer.from(nal).toString('hex')),
    ['0910', '67424201', '6842', '060501aa80', '650102'],
  );
  const picture = readPicture('h264', annexB);
  assert.ok(picture.keyframe);
  assert.equal(Buffer.from(picture.parameterSets!.sps).toString('hex'), '67424201');
  assert.deepEqual(
    picture.nals.map((nal) => nal[0]! & 31),
    [7, 8, 5],
  );
  const marked = insertBeforeSlices('h264', picture.nals, Uint8Array.of(6, 1));
  assert.deepEqual(
    marked.map((nal) => nal[0]! & 31),
    [7, 8, 6, 5],
  );
});

test('H.265 keyframes need all three parameter sets', () => {
  const nals = ['460150', '40010c', '420101', '4401c0', '4e0105', '260199'];
  const unit = (which: string[]) => Buffer.from(which.map((nal) => `00000001${nal}`).join(''), 'hex');
  const picture = readPicture('h265', unit(nals));
  assert.ok(picture.keyframe && picture.parameterSets?.vps);
  assert.equal(picture.nals.length, 4);
  assert.equal(readPicture('h265', unit(nals.slice(2))).parameterSets, null);
  assert.ok(!readPicture('h265', unit(['020199'])).keyframe);
});

test('AAC frames come out of ADTS however it is cut, past noise', () => {
  fc.assert(
    fc.property(payloads, fc.nat(300), (frames, cut) => {
      const adts = Buffer.concat([
        Buffer.from([1, 2, 3]),
        ...frames.map((frame) => {
          const size = frame.length + 7;
          const head = [0xff, 0xf1, 0x60, 0x40 | (size >> 11), (size >> 3) & 255, ((size & 7) << 5) | 31, 0xfc];
          return Buffer.concat([Buffer.from(head), frame]);
        }),
      ]);
      const reader = new AdtsReader();
      const got = [...reader.push(adts.subarray(0, cut)), ...reader.push(adts.subarray(cut))];
      assert.deepEqual(
        got.map((frame) => Buffer.from(frame)),
        frames.map((frame) => Buffer.from(frame)),
      );
    }),
    { numRuns: 100 },
  );
});

test('no bytes of an encoder make a reader throw or hoard', () => {
  const random = new SeededRandom(5);
  const reader = new TransportStreamReader(20_000);
  const adts = new AdtsReader();
  const good = writeTransportStream(1, Buffer.alloc(3000, 3));
  for (let i = 0; i < (process.env['SLOW'] ? 50_000 : 3000); i++) {
    const bytes = Buffer.from(good);
    for (let k = random.below(20); k > 0; k--) bytes[random.below(bytes.length)] = random.below(256);
    const cut = bytes.subarray(0, random.below(bytes.length));
    for (const unit of reader.push(cut)) {
      assert.ok(unit.payload.length <= 20_000);
      readPicture(i % 2 ? 'h264' : 'h265', unit.payload);
    }
    adts.push(random.bytes(random.below(200)));
    readPicture(i % 2 ? 'h264' : 'h265', cut);
  }
});
