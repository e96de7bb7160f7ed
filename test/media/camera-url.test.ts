import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fromUtf8 } from '../../src/bytes/index.ts';
import { NvrError } from '../../src/errors.ts';
import { cameraUrl, parseCameraUrl, recordingCommand } from '../../src/media/index.ts';

test('addresses of cameras, with and without credentials', () => {
  const table: [string, string, { username: string; password: string } | null][] = [
    ['rtsp://10.0.0.5/stream1', 'rtsp://10.0.0.5/stream1', null],
    ['rtsp://10.0.0.5', 'rtsp://10.0.0.5/', null],
    ['rtsps://cam.lan:322/a?b=c&d=1', 'rtsps://cam.lan:322/a?b=c&d=1', null],
    ['rtsp://[fe80::1]:554/x', 'rtsp://[fe80::1]:554/x', null],
    ['rtsp://u:p@h/x', 'rtsp://h/x', { username: 'u', password: 'p' }],
    ['rtsp://admin:p%40ss%2Fword@h/x', 'rtsp://h/x', { username: 'admin', password: 'p@ss/word' }],
    ["rtsp://admin:it's:1@h/x", 'rtsp://h/x', { username: 'admin', password: "it's:1" }],
    ['rtsp://admin@h/x', 'rtsp://h/x', { username: 'admin', password: '' }],
  ];
  for (const [text, address, credentials] of table)
    assert.deepEqual(parseCameraUrl(text), { address, credentials }, text);
});

test('what is not a camera address is refused, and not repeated', () => {
  for (const text of [
    '',
    'front door',
    'http://h/x',
    'file:///etc/passwd',
    'concat:a|b',
    'exec:sh',
    'rtsp://',
    'rtsp:///x',
    'rtsp://h:0/x',
    'rtsp://h:99999/x',
    'rtsp://h/x y',
    "rtsp://h/x'y",
    'rtsp://h/x\ny',
    'rtsp://h/x\\y',
    'rtsp://h/x"y',
    'rtsp://h/%zz',
    'rtsp://h/#secretpart',
    'rtsp://a:b c@h/x',
    'rtsp://a:%ff@h/x',
    '-i',
    `rtsp://h/${'x'.repeat(3000)}`,
  ]) {
    assert.throws(
      () => parseCameraUrl(text),
      (error) => {
        assert.ok(error instanceof NvrError);
        assert.equal(error.code, 'ERR_MEDIA_CAMERA_URL');
        assert.ok(!error.message.includes('secretpart'));
        return true;
      },
      text,
    );
  }
});

test('any credentials come back out, and none can end the quoting', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (username, password) => {
      const url = cameraUrl({ address: 'rtsp://h:554/x?y=1', credentials: { username, password } });
      assert.match(url, /^rtsp:\/\/[A-Za-z0-9._~%-]*:[A-Za-z0-9._~%-]*@h:554\/x\?y=1$/);
      assert.deepEqual(parseCameraUrl(url), { address: 'rtsp://h:554/x?y=1', credentials: { username, password } });
    }),
  );
});

test('any text is an address or a reason, and an address never holds a quote or a line end', () => {
  const pieces = fc.constantFrom(
    'rtsp://',
    'h',
    ':',
    '@',
    '/',
    '?',
    '%27',
    "'",
    '\n',
    ' ',
    '[::1]',
    '554',
    'a',
    '#',
    '\\',
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
      try {
        const camera = parseCameraUrl(parts.join(''));
        assert.doesNotMatch(cameraUrl(camera), /['"\s\\]/);
      } catch (error) {
        assert.ok(error instanceof NvrError && error.kind === 'invalid');
      }
    }),
    { numRuns: 2_000 },
  );
});

test('the recording command names the camera on standard input only', () => {
  const camera = parseCameraUrl('rtsp://user:hunter2@10.0.0.5/stream1');
  const { args, input } = recordingCommand({ camera, transport: 'tcp', audio: 'copy', timeoutMs: 10_000 });
  assert.ok(!args.join(' ').match(/hunter2|user|10\.0\.0\.5/));
  assert.equal(
    fromUtf8(input),
    [
      'ffconcat version 1.0',
      "file 'rtsp://user:hunter2@10.0.0.5/stream1'",
      'option rtsp_transport tcp',
      'option timeout 10000000',
      '',
    ].join('\n'),
  );
  const text = args.join(' ');
  assert.match(text, /-c:v copy/);
  assert.match(text, /-map 0:a:0\? -c:a copy/);
  assert.match(text, /-frag_duration 200000/);
  assert.match(text, /[+]skip_trailer/, 'ffmpeg remembers no index of days');
  assert.match(text, /-protocol_whitelist pipe,rtsp,rtsps,rtp,tcp,udp,tls,crypto /);
  assert.equal(args.at(-1), 'pipe:1');
  const none = recordingCommand({ camera, transport: 'udp', audio: 'none', timeoutMs: 10_000 });
  assert.match(none.args.join(' '), / -an /);
  const transcode = recordingCommand({ camera, transport: 'udp', audio: 'transcode', timeoutMs: 10_000 });
  assert.match(transcode.args.join(' '), /-c:a aac/);
});
