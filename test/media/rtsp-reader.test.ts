import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { concatBytes, utf8 } from '../../src/bytes/index.ts';
import {
  controlUrl,
  describedParameterSets,
  parseAnsweredTransport,
  parseRtpInfo,
  parseSession,
  parseSessionDescription,
  type RtspAnswer,
  type RtspDemand,
  RtspReader,
} from '../../src/media/index.ts';
import { SeededRandom } from '../../src/platform/index.ts';

const ROUNDS = process.env['SLOW'] ? 200_000 : 3_000;

type Found = { frame: [number, string] } | { message: RtspAnswer | RtspDemand };

/** All that a reader finds in these pieces, and the fault it ended with. */
function read(pieces: readonly Uint8Array[]): { found: Found[]; fault: string | null } {
  const found: Found[] = [];
  const reader = new RtspReader({
    onFrame: (channel, bytes, start, end) =>
      found.push({ frame: [channel, Buffer.from(bytes.subarray(start, end)).toString('hex')] }),
    onMessage: (message) => found.push({ message }),
  });
  for (const piece of pieces) {
    // A piece is good for one call: what was kept of it must be a copy.
    const lent = piece.slice();
    const fault = reader.push(lent);
    lent.fill(0xee);
    if (fault) return { found, fault };
  }
  return { found, fault: null };
}

const frame = (channel: number, payload: Uint8Array) =>
  concatBytes(Uint8Array.of(0x24, channel, payload.length >> 8, payload.length & 255), payload);
const answer = utf8('RTSP/1.0 200 OK\r\nCSeq: 3\r\nX-A:  one \r\nx-a: two\r\nContent-Length: 4\r\n\r\nbody');
const demand = utf8('\r\n\r\nOPTIONS rtsp://h/x RTSP/1.0\nCSeq: 9\n\n');
const stream = concatBytes(
  answer,
  frame(0, Uint8Array.of(1, 2, 3)),
  frame(255, new Uint8Array(0)),
  demand,
  frame(1, new Uint8Array(70_000).fill(9, 0, 60_000).subarray(0, 60_000)),
  utf8('RTSP/1.0 401 Unauthorized\r\nCSeq: 4\r\n\r\n'),
  frame(2, Uint8Array.of(0x24, 0x24, 13, 10)),
);

test('answers, demands and frames are told apart, in order', () => {
  const { found, fault } = read([stream]);
  assert.equal(fault, null);
  assert.deepEqual(
    found.map((each) => ('frame' in each ? each.frame[0] : each.message.kind)),
    ['answer', 0, 255, 'demand', 1, 'answer', 2],
  );
  const [first] = found as [{ message: RtspAnswer }];
  assert.equal(first.message.status, 200);
  assert.equal(first.message.body, 'body');
  assert.deepEqual(first.message.headers.get('x-a'), ['one', 'two']);
  assert.deepEqual(found[6], { frame: [2, '24240d0a'] });
});

test('cut into pieces anywhere, the same is found; what is cut short is not', () => {
  const whole = read([stream]);
  fc.assert(
    fc.property(fc.array(fc.nat(stream.length), { maxLength: 40 }), (cuts) => {
      const edges = [0, ...cuts.sort((a, b) => a - b), stream.length];
      const pieces = edges.slice(1).map((edge, i) => stream.subarray(edges[i]!, edge));
      assert.deepEqual(read(pieces), whole);
    }),
    { numRuns: 60 },
  );
  const bytewise = concatBytes(answer, frame(7, Uint8Array.of(5)), demand);
  assert.deepEqual(read([...bytewise].map((byte) => Uint8Array.of(byte))), read([bytewise]));
  for (let at = 0; at < answer.length; at++) assert.deepEqual(read([answer.subarray(0, at)]).found, []);
});

test('what cannot be read, or is larger than it may be, is a fault', () => {
  for (const [text, fault] of [
    ['RTSP/-7 TWO-HUNDRED\r\n\r\n', 'malformed'],
    ['HTTP/1.1 200 OK\r\n\r\n', 'malformed'],
    ['RTSP/1.0 200 OK\r\nContent-Length: -1\r\n\r\n', 'malformed'],
    ['RTSP/1.0 200 OK\r\nContent-Length: 999999\r\n\r\n', 'too-large'],
    ['RTSP/1.0 200 OK\r\nContent-Length: 99999999999999\r\n\r\n', 'malformed'],
    [`RTSP/1.0 200 OK\r\nX: ${'x'.repeat(20_000)}`, 'too-large'],
    [`RTSP/1.0 200 OK\r\n${'a: b\r\n'.repeat(65)}\r\n`, 'too-large'],
    ['\x00\x01', 'malformed'],
  ] as const) {
    assert.equal(read([utf8(text)]).fault, fault, text.slice(0, 60));
  }
});

test('whatever a camera sends, reading is total', () => {
  const random = new SeededRandom(3);
  let faults = 0;
  const short = concatBytes(answer, frame(0, Uint8Array.of(1, 2, 3)), demand, frame(1, new Uint8Array(200)), answer);
  for (let round = 0; round < ROUNDS; round++) {
    const bytes = short.slice(0, 1 + random.below(short.length));
    for (let n = random.below(6); n > 0; n--) bytes[random.below(bytes.length)] = random.below(256);
    const cut = random.below(bytes.length);
    if (read([bytes.subarray(0, cut), bytes.subarray(cut)]).fault) faults++;
  }
  assert.ok(faults > 0 && faults < ROUNDS, `${faults} faults`);
});

const SDP = `v=0\r\no=- 1 1 IN IP4 10.0.0.2\r\ns=Cam\r\nt=0 0\r\na=control:rtsp://10.0.0.2/live/\r\nm=application 0 RTP/AVP 107\r\na=control:meta\r\na=rtpmap:107 vnd.onvif.metadata/90000\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1; sprop-parameter-sets=Z0IAKeKQFoHsgA==,aM48gA==\r\na=control:track1\r\nm=audio 0 RTP/AVP 97\r\na=rtpmap:97 MPEG4-GENERIC/16000/1\r\na=fmtp:97 mode=AAC-hbr;config=1408;SizeLength=13;IndexLength=3;IndexDeltaLength=3\r\na=control:track2\r\n`;

test('a description tells its streams, and what belongs to others is not mistaken for theirs', () => {
  const described = parseSessionDescription(SDP)!;
  assert.equal(described.control, 'rtsp://10.0.0.2/live/');
  const [video, audio] = described.media;
  assert.deepEqual([video!.encoding, video!.payloadType, video!.control], ['H264', 96, 'track1']);
  assert.deepEqual(
    describedParameterSets(video!).map((set) => Buffer.from(set).toString('base64')),
    ['Z0IAKeKQFoHsgA==', 'aM48gA=='],
  );
  assert.deepEqual(
    [audio!.encoding, audio!.clockRate, audio!.channels, audio!.control],
    ['MPEG4-GENERIC', 16_000, 1, 'track2'],
  );
  assert.equal(parseSessionDescription('v=0\nm=audio 0 RTP/AVP 8\n')!.media[0]!.encoding, 'PCMA');
  assert.equal(parseSessionDescription('v=0\nm=video 0 RTP/SAVP 96\n')!.media[0]!.plain, false);
  for (const none of ['', 'v=0', 'm=text 0 RTP/AVP 96', 'm=video 0 RTP/AVP 200']) {
    assert.equal(parseSessionDescription(none), null, none);
  }
});

test('whatever a description says, reading it is total and bounded', () => {
  const random = new SeededRandom(5);
  for (let round = 0; round < ROUNDS; round++) {
    const bytes = utf8(SDP);
    for (let n = random.below(12); n >= 0; n--) bytes[random.below(bytes.length)] = random.below(256);
    const described = parseSessionDescription(Buffer.from(bytes).toString('latin1'));
    for (const media of described?.media ?? []) {
      assert.ok(media.clockRate >= 1 && media.clockRate <= 1_000_000 && media.payloadType <= 127);
      for (const set of describedParameterSets(media)) assert.ok(set.length > 2 && set.length <= 4_096);
    }
  }
  assert.equal(parseSessionDescription('m=video 0 RTP/AVP 96\r\n'.repeat(10_000))!.media.length, 32);
});

test('headers of answers: transport, session, times, urls', () => {
  const wished = [0, 1] as const;
  for (const [text, expected] of [
    ['RTP/AVP/TCP;unicast;interleaved=4-5;ssrc=AB', { transport: 'tcp', channels: [4, 5] }],
    ['RTP/AVP/TCP;interleaved=6', { transport: 'tcp', channels: [6, 7] }],
    ['RTP/AVP/TCP;unicast', { transport: 'tcp', channels: [0, 1] }],
    ['RTP/AVP;unicast;client_port=1-2;server_port=5000-5001', { transport: 'udp', serverPorts: [5000, 5001] }],
    ['RTP/AVP/UDP;unicast', { transport: 'udp', serverPorts: null }],
    ['RTP/AVP;multicast;port=1-2', null],
    ['RTP/AVP/TCP;interleaved=999-', null],
    ['RTP/AVP;server_port=0-99999', null],
    ['RTP/SAVP/TCP;interleaved=0-1', null],
    ['', null],
  ] as const) {
    assert.deepEqual(parseAnsweredTransport(text, wished), expected, text);
  }
  assert.deepEqual(parseSession('12345678;timeout=30'), { id: '12345678', timeoutS: 30 });
  assert.deepEqual(parseSession(' a-b ; Timeout = 0'), { id: 'a-b', timeoutS: 60 });
  assert.equal(parseSession(';timeout=1'), null);
  assert.equal(parseSession('a\r\nX: y')?.id, 'a');
  assert.deepEqual(
    [...parseRtpInfo('url=rtsp://h/t1;seq=1;rtptime=4294967295, url=t2;rtptime=5,url=t3;rtptime=4294967296,junk')],
    [
      ['rtsp://h/t1', 4_294_967_295],
      ['t2', 5],
    ],
  );
  for (const [base, control, url] of [
    ['rtsp://h/live', 'track1', 'rtsp://h/live/track1'],
    ['rtsp://h/live/', 'track1', 'rtsp://h/live/track1'],
    ['rtsp://h/live', '*', 'rtsp://h/live'],
    ['rtsp://h/live?a=1', 'track1', 'rtsp://h/live?a=1/track1'],
    ['rtsp://h/live/', 'rtsp://10.0.0.2:554/x', 'rtsp://10.0.0.2:554/x'],
    ['rtsp://h/', 'a b', null],
    ['rtsp://h/', 'a\r\nX: y', null],
    ['http://h/', '', null],
    ['rtsp://h/', 'x'.repeat(5_000), null],
  ] as const) {
    assert.equal(controlUrl(base, control), url);
  }
});
