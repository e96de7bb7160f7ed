import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { concatBytes } from '../../src/bytes/index.ts';
import {
  AacAssembler,
  opusSamples,
  parseRtcp,
  Reception,
  ReorderWindow,
  RtpPacket,
  receiverReport,
  SoundQueue,
} from '../../src/media/index.ts';
import { SeededRandom } from '../../src/platform/index.ts';
import { goodbye, senderReport } from '../../src/virtual-camera/rtcp.ts';
import { rtpPacket } from '../support/rtp-stream.ts';

const ROUNDS = process.env['SLOW'] ? 500_000 : 5_000;

test('an RTP header is read with sources, extension and padding; what is no packet is refused', () => {
  const packet = new RtpPacket();
  fc.assert(
    fc.property(
      fc.record({
        payloadType: fc.nat(127),
        sequence: fc.nat(0xffff),
        timestamp: fc.nat(0xffff_ffff),
        marker: fc.boolean(),
        ssrc: fc.nat(0xffff_ffff),
        payload: fc.uint8Array({ maxLength: 40 }),
      }),
      fc.nat(15),
      fc.option(fc.nat(5), { nil: null }),
      fc.nat(4),
      (fields, sources, extension, padding) => {
        const plain = rtpPacket(fields);
        plain[0]! |= sources | (extension === null ? 0 : 0x10) | (padding === 0 ? 0 : 0x20);
        const bytes = concatBytes(
          plain.subarray(0, 12),
          new Uint8Array(sources * 4),
          extension === null ? new Uint8Array(0) : Uint8Array.of(1, 2, 0, extension, ...new Uint8Array(extension * 4)),
          fields.payload,
          padding === 0 ? new Uint8Array(0) : Uint8Array.of(...new Uint8Array(padding - 1), padding),
        );
        const held = concatBytes(Uint8Array.of(1, 2, 3), bytes, Uint8Array.of(4));
        assert.ok(packet.read(held, 3, 3 + bytes.length));
        const { marker, payloadType, sequence, timestamp, ssrc } = packet;
        assert.deepEqual(
          { payloadType, sequence, timestamp, marker, ssrc, payload: held.slice(packet.start, packet.end) },
          { ...fields, payload: Uint8Array.from(fields.payload) },
        );
        const headBytes = bytes.length - fields.payload.length - padding;
        for (let cut = 0; cut < headBytes; cut++) assert.equal(packet.read(held, 3, 3 + cut), false, `${cut}`);
      },
    ),
    { numRuns: 200 },
  );
  const random = new SeededRandom(1);
  for (let i = 0; i < ROUNDS; i++) {
    const bytes = random.bytes(random.below(64));
    if (packet.read(bytes, 0, bytes.length)) assert.ok(packet.start <= packet.end && packet.end <= bytes.length);
  }
});

test('sender reports and goodbyes are read; damaged ones never throw', () => {
  const report = {
    ssrc: 0x8765_4321,
    wallUs: 1_795_276_378_483_000,
    timestamp: 4_000_000_000,
    packets: 1,
    octets: 2,
    cname: 'cam',
  };
  const compound = concatBytes(senderReport(report), goodbye(7).subarray(8));
  const { reports, goodbyes } = parseRtcp(compound)!;
  assert.equal(reports.length, 1);
  assert.equal(reports[0]!.ssrc, report.ssrc);
  assert.equal(reports[0]!.timestamp, report.timestamp);
  assert.ok(Math.abs(reports[0]!.wallUs - report.wallUs) <= 1);
  assert.deepEqual(goodbyes, [7]);
  for (const none of [new Uint8Array(0), new Uint8Array(8), Uint8Array.of(0x80, 96, 0, 1, 0, 0, 0, 0)]) {
    assert.equal(parseRtcp(none), null);
  }
  const random = new SeededRandom(2);
  for (let i = 0; i < ROUNDS; i++) {
    const bytes = compound.slice(0, random.below(compound.length + 1));
    for (let n = random.below(5); n > 0 && bytes.length > 0; n--) bytes[random.below(bytes.length)] = random.below(256);
    const read = parseRtcp(bytes);
    assert.ok((read?.reports.length ?? 0) <= 16 && (read?.goodbyes.length ?? 0) <= 31);
  }
});

test('a reception counts what never came, over the wrap of sequence numbers, and says so in its report', () => {
  const reception = new Reception(90_000);
  assert.equal(reception.facts(0), null);
  for (let i = 0; i < 1_000; i++) {
    if (i % 10 !== 5) reception.add(9, (65_000 + i) & 0xffff, i * 3_600, i * 40);
  }
  assert.equal(reception.lost, 100);
  reception.heard({ ssrc: 9, wallUs: 0, middle: 0xabcd_ef01, timestamp: 0 }, 40_000);
  const facts = reception.facts(40_500)!;
  assert.equal(facts.fractionLost, Math.floor((100 * 256) / 1_000));
  assert.equal(facts.highest, 65_536 + 463);
  assert.equal(facts.sinceLastReport, 32_768);
  assert.ok(facts.jitter <= 1, 'a steady stream has none');
  assert.equal(reception.facts(41_000)!.fractionLost, 0, 'each report tells of what came since the last');
  const bytes = receiverReport(5, facts, 'name');
  assert.equal(bytes.length % 4, 0);
  const view = new DataView(bytes.buffer);
  assert.deepEqual([bytes[0], bytes[1], view.getUint16(2)], [0x81, 201, 7]);
  assert.deepEqual([view.getUint32(4), view.getUint32(8)], [5, 9]);
  assert.equal(view.getUint32(12), ((facts.fractionLost << 24) | 100) >>> 0);
  assert.equal(view.getUint32(24), 0xabcd_ef01);
  assert.equal(view.getUint16(34) * 4 + 36, bytes.length, 'the description fills the rest');
  assert.equal(receiverReport(5, null, '').length % 4, 0);
  // Another source begins anew.
  reception.add(10, 3, 0, 0);
  assert.equal(reception.lost, 0);
});

/** What comes out of a window for these sequence numbers, each packet holding its own number. */
function ordered(sequences: readonly number[], everyMs = 1): number[] {
  const out: number[] = [];
  const window = new ReorderWindow((bytes) => out.push((bytes[0]! << 8) | bytes[1]!));
  let nowMs = 0;
  for (const sequence of sequences) {
    const bytes = Uint8Array.of((sequence >> 8) & 255, sequence & 255);
    window.push(bytes, sequence & 0xffff, (nowMs += everyMs));
    bytes.fill(0xff);
  }
  window.expire(nowMs + 1_000);
  return out;
}

test('datagrams come out in the order they were sent, holes are waited for, and not for ever', () => {
  assert.deepEqual(ordered([1, 3, 2, 4, 4, 2, 7, 6, 5]), [1, 2, 3, 4, 5, 6, 7]);
  assert.deepEqual(ordered([65_534, 0, 65_535, 1]), [65_534, 65_535, 0, 1]);
  assert.deepEqual(ordered([1, 3, 4], 0), [1, 3, 4], 'what waits at the end is given');
  assert.deepEqual(ordered([1, 3, 4, 2], 200), [1, 3, 4], 'what came too late is dropped');
  const many = Array.from({ length: 200 }, (_, i) => i + 10);
  assert.deepEqual(ordered([1, ...many], 0), [1, ...many], 'a hole of eight is given up');
  assert.deepEqual(ordered([40_000, ...many], 0).slice(-100), many.slice(-100), 'a new beginning is followed');
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const random = new SeededRandom(seed);
      const sent = Array.from({ length: 300 }, (_, i) => i);
      const mixed = sent.map((sequence) => ({ sequence, at: sequence + random.below(20) })).sort((a, b) => a.at - b.at);
      // The first one sets the beginning: what it overtook is late.
      const first = mixed[0]!.sequence;
      assert.deepEqual(ordered(mixed.map((each) => each.sequence)), sent.slice(first));
    }),
    { numRuns: 60 },
  );
});

test('AAC frames: several in a packet, one over several packets, and nothing of what is not whole', () => {
  const frames: [string, number, number][] = [];
  const assembler = new AacAssembler((bytes, start, end, timestamp, index) =>
    frames.push([Buffer.from(bytes.subarray(start, end)).toString('hex'), timestamp, index]),
  );
  const header = (size: number) => [size >> 5, (size << 3) & 255];
  const push = (bytes: readonly number[], timestamp: number, lost = false) =>
    assembler.packet(Uint8Array.from([9, ...bytes, 9]), 1, 1 + bytes.length, timestamp, lost);
  push([0, 32, ...header(2), ...header(1), 1, 2, 3], 100);
  push([0, 16, ...header(5), 1, 2, 3], 200);
  push([0, 16, ...header(5), 4, 5], 200);
  push([0, 16, ...header(4), 1, 2], 300);
  push([0, 16, ...header(4), 3, 4], 300, true);
  push([0, 16, ...header(4), 7, 7], 400);
  push([0, 32, ...header(200), ...header(1), 1], 500);
  assert.deepEqual(frames, [
    ['0102', 100, 0],
    ['03', 100, 1],
    ['0102030405', 200, 0],
  ]);
  const random = new SeededRandom(6);
  for (let i = 0; i < ROUNDS; i++) {
    const bytes = random.bytes(random.below(300));
    assembler.packet(bytes, 0, bytes.length, random.below(3), random.below(2) === 0);
  }
  assert.ok(frames.length > 3);
  assert.deepEqual(
    [[0xfc], [0xfd], [0xfb, 3], [0x18], [0xff, 63], []].map((bytes) =>
      opusSamples(Uint8Array.from(bytes), 0, bytes.length),
    ),
    [960, 1_920, 2_880, 2_880, 0, 0],
  );
});

test('sound of any times stays in its place and in its bounds', () => {
  const random = new SeededRandom(8);
  const queue = new SoundQueue(16_000);
  let end = 0;
  for (let i = 0; i < ROUNDS; i++) {
    if (random.below(50) === 0) queue.align(random.below(2) ? i * 0.064 : random.below(1e9), random.below(2 ** 31) * 2);
    const timestamp = random.below(20) ? i * 1_024 : random.below(2 ** 31) * 2;
    const bytes = random.bytes(random.below(600));
    queue.push(bytes, 0, bytes.length, { timestamp: timestamp >>> 0, duration: 1_024, nowSeconds: i * 0.064 });
    const run = random.below(12) === 0 ? queue.take() : null;
    if (!run) continue;
    assert.ok(run.decodeTime >= end && run.count <= 512 && run.data.length <= 256 * 1024);
    const sizes = run.sizes.subarray(0, run.count).reduce((sum, size) => sum + size, 0);
    assert.equal(sizes, run.data.length);
    const ticks = run.durations.subarray(0, run.count).reduce((sum, each) => sum + each, 0);
    end = run.decodeTime + ticks;
    assert.ok(Math.abs(end / 16_000 - i * 0.064) < 4.2, 'never far from its picture');
    queue.clear();
  }
  assert.ok(end > 0);
});
