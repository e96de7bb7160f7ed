import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SeededRandom } from '../../src/platform/index.ts';
import {
  BODY_BYTES_MAX,
  HEAD_BYTES_MAX,
  HEADERS_MAX,
  pathOf,
  type RtspInput,
  RtspReader,
  URL_LENGTH_MAX,
  writeResponse,
} from '../../src/virtual-camera/rtsp-message.ts';
import { parseTransport } from '../../src/virtual-camera/transport-header.ts';

const read = (text: string | Buffer) => new RtspReader().push(Buffer.from(text as string));

function statusOf(text: string): number | string {
  const [input] = read(text);
  return input?.kind === 'bad' ? input.status : (input?.kind ?? 'nothing');
}

test('a request is read with its headers and body', () => {
  const [input] = read(
    'DESCRIBE rtsp://h:554/main?x=1 RTSP/1.0\r\nCSeq: 12\r\nACCEPT:application/sdp\r\nx-a: 1\r\nX-A: 2\r\nContent-Length: 3\r\n\r\nabc',
  );
  assert.ok(input?.kind === 'request');
  const { request } = input;
  assert.equal(request.method, 'DESCRIBE');
  assert.equal(request.cseq, 12);
  assert.equal(request.headers.get('accept'), 'application/sdp');
  assert.equal(request.headers.get('x-a'), '1, 2');
  assert.equal(request.body.toString(), 'abc');
});

test('requests and frames come back whole and in order however they are cut', () => {
  const token = fc.stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,12}$/);
  const item = fc.oneof(
    fc.record({
      method: fc.constantFrom('OPTIONS', 'PLAY', 'GET_PARAMETER'),
      cseq: fc.nat(99_999),
      name: token.map((name) => `x-${name.toLowerCase()}`),
      value: fc.stringMatching(/^[\x21-\x7e]{0,40}$/),
      body: fc.uint8Array({ maxLength: 60 }),
    }),
    fc.record({ channel: fc.nat(255), payload: fc.uint8Array({ maxLength: 300 }) }),
  );
  fc.assert(
    fc.property(
      fc.array(item, { minLength: 1, maxLength: 6 }),
      fc.array(fc.nat(90)),
      fc.boolean(),
      (items, cuts, crlf) => {
        const end = crlf ? '\r\n' : '\n';
        const stream = Buffer.concat(
          items.map((each) =>
            'channel' in each
              ? Buffer.concat([
                  Buffer.of(0x24, each.channel, each.payload.length >> 8, each.payload.length & 255),
                  each.payload,
                ])
              : Buffer.concat([
                  Buffer.from(
                    [
                      `${each.method} rtsp://h/m RTSP/1.0`,
                      `CSeq: ${each.cseq}`,
                      `${each.name}: ${each.value}`,
                      `Content-Length: ${each.body.length}`,
                      '',
                      '',
                    ].join(end),
                  ),
                  each.body,
                ]),
          ),
        );
        const reader = new RtspReader();
        const inputs: RtspInput[] = [];
        let at = 0;
        for (const cut of cuts) {
          inputs.push(...reader.push(stream.subarray(at, at + cut)));
          at += cut;
        }
        inputs.push(...reader.push(stream.subarray(at)));
        assert.equal(inputs.length, items.length);
        inputs.forEach((input, index) => {
          const wanted = items[index]!;
          if ('channel' in wanted) {
            assert.ok(input.kind === 'frame' && input.channel === wanted.channel);
            assert.deepEqual(input.payload, Buffer.from(wanted.payload));
          } else {
            assert.ok(input.kind === 'request' && input.request.cseq === wanted.cseq);
            assert.equal(input.request.headers.get(wanted.name), wanted.value);
            assert.deepEqual(input.request.body, Buffer.from(wanted.body));
          }
        });
      },
    ),
    { numRuns: process.env['SLOW'] ? 3000 : 200 },
  );
});

test('what is malformed gets its status, and nothing after it is read', () => {
  const request = (first: string, headers = 'CSeq: 1\r\n') => `${first}\r\n${headers}\r\n`;
  const play = 'PLAY rtsp://h/main RTSP/1.0';
  const cases: Array<[string, number | string]> = [
    [request(play), 'request'],
    [`\r\n\r\n${request(play)}`, 'request'],
    [request(play, ''), 400],
    [request(play, 'CSeq: x\r\n'), 400],
    [request(play, 'CSeq: -1\r\n'), 400],
    [request(play, 'CSeq: 1\r\nCSeq: 2\r\n'), 400],
    [request(play, 'CSeq: 1\r\nContent-Length: -1\r\n'), 400],
    [request(play, 'CSeq: 1\r\nContent-Length: 1\r\nContent-Length: 1\r\n'), 400],
    [request(play, `CSeq: 1\r\nContent-Length: ${BODY_BYTES_MAX + 1}\r\n`), 413],
    [request(play, 'CSeq: 1\r\nContent-Length: 99999999999999999999999\r\n'), 400],
    [request(play, 'CSeq: 1\r\nno colon\r\n'), 400],
    [request(play, 'CSeq: 1\r\n: empty name\r\n'), 400],
    [request(play, 'CSeq: 1\r\nx: a\u0000b\r\n'), 400],
    [request('PLAY rtsp://h/main HTTP/1.0'), 400],
    [request('play rtsp://h/main RTSP/1.0'), 400],
    [request('PLAY  rtsp://h/main RTSP/1.0'), 400],
    [request('PLAY rtsp://h/ma in RTSP/1.0'), 400],
    [request(`PLAY rtsp://h/${'a'.repeat(URL_LENGTH_MAX)} RTSP/1.0`), 414],
    [request(play, `CSeq: 1\r\n${'x: y\r\n'.repeat(HEADERS_MAX)}`), 400],
    ['A'.repeat(HEAD_BYTES_MAX + 1), 400],
    ['A'.repeat(HEAD_BYTES_MAX - 1), 'nothing'],
    ['\u0016\u0003\u0001\u0002\r\n\r\n', 400],
    ['$\u0000\u0000', 'nothing'],
  ];
  for (const [text, status] of cases) assert.equal(statusOf(text), status, text.slice(0, 80));
  const reader = new RtspReader();
  assert.equal(reader.push(Buffer.from('nonsense\r\n\r\n')).length, 1);
  assert.deepEqual(reader.push(Buffer.from(request(play))), []);
});

test('the reader survives mutations', () => {
  const random = new SeededRandom(1);
  const good = Buffer.from(
    'SETUP rtsp://h/main/trackID=0 RTSP/1.0\r\nCSeq: 3\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nContent-Length: 4\r\n\r\nbody$\u0000\u0000\u0003abc',
    'latin1',
  );
  for (let i = 0; i < (process.env['SLOW'] ? 200_000 : 5000); i++) {
    const bytes = Buffer.concat([good, good]);
    for (let k = 1 + random.below(6); k > 0; k--) bytes[random.below(bytes.length)] = random.below(256);
    const reader = new RtspReader();
    const cut = random.below(bytes.length);
    const inputs = [...reader.push(bytes.subarray(0, cut)), ...reader.push(bytes.subarray(cut))];
    assert.ok(inputs.length <= bytes.length / 4);
    for (const input of inputs) {
      if (input.kind !== 'request') continue;
      pathOf(input.request.url);
      parseTransport(input.request.headers.get('transport') ?? '');
    }
  }
});

test('a head that comes byte by byte costs no more than it should', () => {
  const reader = new RtspReader();
  const startedAt = performance.now();
  for (let i = 0; i < HEAD_BYTES_MAX; i++) assert.deepEqual(reader.push(Buffer.of(0x41)), []);
  assert.equal(reader.push(Buffer.of(0x41))[0]?.kind, 'bad');
  assert.ok(performance.now() - startedAt < 5000);
});

test('an answer is written plainly', () => {
  assert.equal(
    writeResponse({ status: 454, headers: { Session: 'a' } }, 7).toString(),
    'RTSP/1.0 454 Session Not Found\r\nCSeq: 7\r\nServer: Constitute virtual camera\r\nSession: a\r\n\r\n',
  );
  assert.match(writeResponse({ status: 200, body: 'ä' }, 7).toString(), /Content-Length: 2\r\n\r\nä$/);
  assert.doesNotMatch(writeResponse({ status: 400 }, undefined).toString(), /CSeq/);
});

test('the path of a URL is read without query and closing slash', () => {
  const cases: Array<[string, string | null]> = [
    ['rtsp://h/main', '/main'],
    ['rtsp://u:p@[::1]:554/cam1/main/?a=b/c', '/cam1/main'],
    ['RTSP://h', '/'],
    ['*', '*'],
    ['http://h/main', null],
    ['/main', null],
    ['rtsp:///main', null],
    ['rtsp://h/a#b', null],
  ];
  for (const [url, path] of cases) assert.equal(pathOf(url), path, url);
});

test('transports are read as offered', () => {
  const cases: Array<[string, unknown]> = [
    ['RTP/AVP;unicast;client_port=5000-5001', [{ transport: 'udp', ports: [5000, 5001] }]],
    ['RTP/AVP/UDP;unicast;client_port=5000', [{ transport: 'udp', ports: [5000, 5001] }]],
    ['RTP/AVP/TCP;unicast;interleaved=2-3;mode="PLAY"', [{ transport: 'tcp', channels: [2, 3] }]],
    ['RTP/AVP/TCP', [{ transport: 'tcp', channels: undefined }]],
    ['RTP/AVP;multicast,rtp/avp/tcp;interleaved=0-1', [{ transport: 'tcp', channels: [0, 1] }]],
    ['RTP/AVP;unicast', []],
    ['RTP/SAVP;unicast;client_port=1-2', []],
    ['RTP/AVP/TCP;interleaved=255-256', []],
    ['RTP/AVP/TCP;interleaved=4-4', []],
    ['RTP/AVP;client_port=0-1', []],
    ['RTP/AVP;client_port=70000-70001', []],
    ['RTP/AVP;client_port=5000-5001;mode=record', []],
    ['', []],
  ];
  for (const [header, offers] of cases) assert.deepEqual(parseTransport(header), offers, header);
  assert.ok(parseTransport('RTP/AVP/TCP,'.repeat(10_000)).length <= 16);
});
