import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  backwardTicks,
  type Complaint,
  classifyErrorLine,
  explain,
  isOfOnePacket,
} from '../../src/ingest/error-lines.ts';
import { GAP_CAUSES } from '../../src/protocol/index.ts';

// As ffmpeg 5.1 and 7.1 write them.
const LINES: [string, Complaint | null][] = [
  ['[rtsp @ 0x55] [error] method DESCRIBE failed: 401 Unauthorized', 'unauthorized'],
  [
    '[in#0 @ 0x55] [error] Error opening input: Server returned 401 Unauthorized (authorization failed)',
    'unauthorized',
  ],
  ['[rtsp @ 0x55] [error] method DESCRIBE failed: 403 Forbidden', 'unauthorized'],
  ['[rtsp @ 0x55] [error] method DESCRIBE failed: 404 Not Found', 'not-found'],
  ['[rtsp @ 0x55] [error] method SETUP failed: 461 Unsupported transport', 'transport'],
  ['[rtsp @ 0x55] [error] Nonmatching transport in server reply', 'transport'],
  ['[tcp @ 0x55] [error] Connection to tcp://10.0.0.5:554?timeout=10000000 failed: Connection refused', 'unreachable'],
  ['[tcp @ 0x55] [error] Failed to resolve hostname cam.lan: Name or service not known', 'unreachable'],
  ['pipe:0: No route to host', 'unreachable'],
  ['[concat @ 0x55] [error] Impossible to open rtsp://u:p@h/x: Connection timed out', 'timeout'],
  [
    '[mp4 @ 0x55] [error] Could not find tag for codec pcm_mulaw in stream #1, codec not currently supported in container',
    'audio',
  ],
  [
    '[mp4 @ 0x55] [error] Could not find tag for codec pcm_alaw in stream #1, codec not currently supported in container',
    'audio',
  ],
  ['[mp4 @ 0x55] [warning] Packet duration: 3970970896 / dts: 3971104045 is out of range', 'timestamps'],
  ['[warning] DTS 4237391872, next:1536000 st:0 invalid dropping', 'timestamps'],
  ['pipe:0: Invalid data found when processing input', 'malformed'],
  ['[rtsp @ 0x55] [error] Connection reset by peer', 'ended'],
  ['[mp4 @ 0x55] [warning] Timestamps are unset in a packet for stream 1. This is deprecated', null],
  ['[info] frame=   99 fps= 21 q=-1.0 Lsize=      55kB time=00:00:14.80', null],
  ["[info] Input #0, concat, from 'pipe:0':", null],
  ['', null],
];

test('lines of ffmpeg are understood', () => {
  for (const [line, complaint] of LINES) assert.equal(classifyErrorLine(line), complaint, line);
});

test('what one packet held is told from the way the packets come', () => {
  for (const line of [
    '[NULL @ 0x56238745d140] [error] missing picture in access unit with size 6',
    '[h264 @ 0x55] [error] Invalid NAL unit size',
    '[aist#0:1/pcm_alaw @ 0x55] [dec:pcm_alaw @ 0x56] [error] Error submitting packet to decoder: Invalid data found when processing input',
  ])
    assert.equal(isOfOnePacket(line), true, line);
  for (const line of [
    'pipe:0: Invalid data found when processing input',
    '[in#0/concat @ 0x55] [error] Error during demuxing: Invalid data found when processing input',
    '[out#0/mp4 @ 0x55] [error] Error muxing a packet',
    '[concat @ 0x55] [error] Impossible to open rtsp://h/x',
    '[rtsp @ 0x55] [error] Invalid data found when processing input',
    '[error] Invalid data found',
    '',
  ])
    assert.equal(isOfOnePacket(line), false, line);
});

test('timestamps of the video that go back are measured, those of the sound are not', () => {
  const old = (stream: string) =>
    `[mp4 @ 0x55] [warning] Non-monotonous DTS in output stream ${stream}; previous: 162035, current: -608400; changing to 162036. This may result`;
  assert.equal(backwardTicks(old('0:0')), 770_435);
  assert.equal(backwardTicks(old('0:1')), null);
  const recent = '[vost#0:0/copy @ 0x55] [warning] Non-monotonic DTS; previous: 5, current: 4; changing to 6.';
  assert.equal(backwardTicks(recent), 1);
  assert.equal(
    backwardTicks('[aost#0:1/copy @ 0x55] Non-monotonic DTS; previous: 5, current: 4; changing to 6.'),
    null,
  );
});

test('no line makes it stumble, and what it says holds nothing of the line', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 2_000 }), { maxLength: 5 }), (lines) => {
      const complaints = new Set<Complaint>();
      for (const line of lines) {
        const complaint = classifyErrorLine(line);
        if (complaint) complaints.add(complaint);
        backwardTicks(line);
      }
      const { cause, reason } = explain(complaints);
      assert.ok(cause in GAP_CAUSES);
      assert.match(reason, /^[a-z' ]{5,60}$/);
    }),
  );
  const longest = `Non-monotonous DTS${'; previous: 1'.repeat(150)}`;
  const started = process.hrtime.bigint();
  backwardTicks(longest);
  assert.ok(process.hrtime.bigint() - started < 50_000_000n, 'a long line costs no time');
});

test('each complaint has an explanation, and a refused password outweighs all', () => {
  for (const [, complaint] of LINES) if (complaint) assert.notEqual(explain(new Set([complaint])).reason, '');
  assert.equal(explain(new Set<Complaint>(['ended', 'malformed', 'unauthorized'])).cause, 'unauthorized');
  assert.deepEqual(explain(new Set()), { cause: 'ended', reason: 'the camera ended the stream' });
});
