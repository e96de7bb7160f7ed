import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { goodbye, isReceiverReport, senderReport } from '../../src/virtual-camera/rtcp.ts';
import {
  type PacketBundle,
  packAac,
  packG711,
  packVideo,
  patchBundle,
  RTP_PAYLOAD_BYTES_MAX,
} from '../../src/virtual-camera/rtp-packets.ts';
import { type RtpPacket, readRtp } from './rtsp-client.ts';

const PATCH = { channel: 2, sequence: 65_535, timestamp: 0xfff0_0000, ssrc: 0xdead_beef };

/** Walks the interleaved frames of a patched copy. */
function packetsOf(bundle: PacketBundle): RtpPacket[] {
  const copy = patchBundle(bundle, PATCH);
  const packets: RtpPacket[] = [];
  for (let at = 0; at < copy.length; ) {
    assert.equal(copy[at], 0x24);
    assert.equal(copy[at + 1], PATCH.channel);
    const length = copy.readUInt16BE(at + 2);
    assert.equal(copy[at + 4], 0x80);
    packets.push(readRtp(copy.subarray(at + 4, at + 4 + length)));
    at += 4 + length;
  }
  assert.equal(packets.length, bundle.starts.length);
  packets.forEach((packet, index) => {
    assert.equal(packet.sequence, (PATCH.sequence + index) & 0xffff);
    assert.equal(packet.timestamp, PATCH.timestamp);
    assert.equal(packet.ssrc, PATCH.ssrc);
    assert.ok(packet.payload.length <= RTP_PAYLOAD_BYTES_MAX);
  });
  return packets;
}

/** What a receiver makes of the payloads, by the letter of RFC 6184 5.6, 5.8 and RFC 7798 4.4.1, 4.4.3. */
function depacketise(codec: 'h264' | 'h265', packets: RtpPacket[]): Buffer[] {
  const nals: Buffer[] = [];
  let open: Buffer[] | null = null;
  for (const { payload } of packets) {
    const type = codec === 'h264' ? payload[0]! & 31 : payload[0]! >> 1;
    if (type !== (codec === 'h264' ? 28 : 49)) {
      assert.equal(open, null);
      nals.push(payload);
      continue;
    }
    const at = codec === 'h264' ? 1 : 2;
    const flags = payload[at]!;
    assert.notEqual(flags & 0xc0, 0xc0, 'one packet is no fragment');
    if (flags & 0x80) {
      assert.equal(open, null);
      const header =
        codec === 'h264'
          ? [(payload[0]! & 0xe0) | (flags & 31)]
          : [(payload[0]! & 0x81) | ((flags & 63) << 1), payload[1]!];
      open = [Buffer.from(header)];
    }
    open!.push(payload.subarray(at + 1));
    if (flags & 0x40) {
      nals.push(Buffer.concat(open!));
      open = null;
    }
  }
  assert.equal(open, null);
  return nals;
}

for (const codec of ['h264', 'h265'] as const) {
  const header = codec === 'h264' ? [0x65] : [0x26, 0x01];
  const nal = fc
    .oneof(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.uint8Array({ minLength: 1390, maxLength: 6000 }))
    .map((body) => Buffer.concat([Buffer.from(header), body]));

  test(`${codec}: a receiver gets the NAL units back, and the marker is on the last packet`, () => {
    fc.assert(
      fc.property(fc.array(nal, { minLength: 1, maxLength: 5 }), (nals) => {
        const bundle = packVideo(codec, 96, nals, { ticks: 0, keyframe: true });
        const packets = packetsOf(bundle);
        assert.deepEqual(depacketise(codec, packets), nals);
        assert.deepEqual(
          packets.map((packet) => packet.marker),
          packets.map((_, index) => index === packets.length - 1),
        );
        assert.equal(
          bundle.payloadBytes,
          packets.reduce((sum, packet) => sum + packet.payload.length, 0),
        );
        return packets.every((packet) => packet.payloadType === 96);
      }),
      { numRuns: 100 },
    );
  });

  test(`${codec}: sizes around the limit are cut right`, () => {
    for (let size = RTP_PAYLOAD_BYTES_MAX - 4; size <= RTP_PAYLOAD_BYTES_MAX * 2 + 8; size++) {
      const nals = [Buffer.concat([Buffer.from(header), Buffer.alloc(size - header.length, size)])];
      const packets = packetsOf(packVideo(codec, 96, nals, { ticks: 0, keyframe: false }));
      assert.deepEqual(depacketise(codec, packets), nals);
    }
  });
}

test('an AAC frame has its AU header, and a long one is fragmented', () => {
  const frame = Buffer.alloc(300, 9);
  const [packet] = packetsOf(packAac(97, frame, 0));
  assert.equal(packet!.payload.toString('hex', 0, 4), '00100960');
  assert.deepEqual(packet!.payload.subarray(4), frame);
  assert.ok(packet!.marker);
  const long = packetsOf(packAac(97, Buffer.alloc(3000, 5), 0));
  assert.deepEqual(
    long.map((each) => [each.payload.readUInt16BE(2) >> 3, each.marker]),
    [
      [3000, false],
      [3000, false],
      [3000, true],
    ],
  );
});

test('G.711 samples travel bare', () => {
  const [packet] = packetsOf(packG711(8, Buffer.alloc(160, 0xd5), 0));
  assert.equal(packet!.payload.length, 160);
  assert.ok(!packet!.marker);
  assert.equal(packet!.payloadType, 8);
});

test('a patch leaves the shared bundle alone', () => {
  const bundle = packG711(8, Buffer.alloc(10), 0);
  const before = Buffer.from(bundle.bytes);
  patchBundle(bundle, PATCH);
  assert.deepEqual(bundle.bytes, before);
});

test('a sender report maps wall time to media time', () => {
  const report = senderReport({
    ssrc: 0x0102_0304,
    wallUs: 1_000_000_500_000,
    timestamp: 0x1122_3344,
    packets: 7,
    octets: 900,
    cname: 'cam',
  });
  assert.equal(report.toString('hex', 0, 8), '80c8000601020304');
  assert.equal(report.readUInt32BE(8), 1_000_000 + 2_208_988_800);
  assert.equal(report.readUInt32BE(12), 2 ** 31, 'half a second');
  assert.equal(report.readUInt32BE(16), 0x1122_3344);
  assert.equal(report.readUInt32BE(20), 7);
  assert.equal(report.readUInt32BE(24), 900);
  assert.equal(report.toString('hex', 28), '81ca000301020304010363616d000000');
  assert.ok(isReceiverReport(report));
  assert.ok(isReceiverReport(goodbye(5)));
  assert.equal(goodbye(5).toString('hex'), '80c900010000000581cb000100000005');
});

test('only whole receiver reports count as signs of life', () => {
  const good = Buffer.from('81c9000700000001000000020000000000000000000000000000000000000000', 'hex');
  assert.ok(isReceiverReport(good));
  for (let length = 0; length < good.length; length++) assert.ok(!isReceiverReport(good.subarray(0, length)));
  assert.ok(!isReceiverReport(Buffer.alloc(40)));
});
