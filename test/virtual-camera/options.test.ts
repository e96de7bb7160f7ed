import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NvrError } from '../../src/errors.ts';
import {
  type VirtualCameraFlags,
  virtualCameraOptions,
  virtualDeviceOptions,
} from '../../src/virtual-camera/command-line.ts';
import { audioArguments, videoArguments } from '../../src/virtual-camera/encoder-arguments.ts';
import { FaultBoard, parseFault } from '../../src/virtual-camera/faults.ts';
import { otherSize, resolveOptions } from '../../src/virtual-camera/options.ts';
import { commandLine, viewSettings } from '../../src/virtual-camera/picture-view.ts';
import { audioDescription, sessionDescription, videoDescription } from '../../src/virtual-camera/sdp.ts';

const refused = (code: string) => (error: unknown) =>
  error instanceof NvrError && error.code === code && error.kind === 'invalid';

test('mounts stand for every camera and stream', () => {
  assert.deepEqual(
    [...resolveOptions({ cameras: 2 }).mounts],
    [
      ['/main', 'main'],
      ['/sub', 'sub'],
      ['/cam1/main', 'main'],
      ['/cam1/sub', 'sub'],
      ['/cam2/main', 'main'],
      ['/cam2/sub', 'sub'],
    ],
  );
  assert.deepEqual([...resolveOptions({ sub: null }).mounts.keys()], ['/main']);
  assert.equal(resolveOptions({ main: { fps: 10 } }).pictures.main!.gop, 20, 'two seconds unless told otherwise');
});

test('options that cannot be meant are refused', () => {
  const wrong = [
    { port: 70_000 },
    { cameras: 1.5 },
    { main: { width: 641 } },
    { main: { width: 32 } },
    { main: { fps: 0 } },
    { main: { gop: 0 } },
    { sub: { bitrate: 1 } },
    { transports: [] },
    { credentials: { username: 'a:b', password: 'x', scheme: 'basic' as const } },
    { credentials: { username: 'a', password: '', scheme: 'basic' as const } },
    { queueBytesMax: 1 },
  ];
  for (const options of wrong) {
    assert.throws(() => resolveOptions(options), refused('ERR_VIRTUAL_CAMERA_OPTIONS'), JSON.stringify(options));
  }
});

test('flags become options', () => {
  const options = virtualCameraOptions({
    port: '8554',
    cameras: '4',
    codec: 'h265',
    size: '1920x1080',
    bitrate: '4M',
    subSize: 'none',
    audio: 'pcma',
    transport: 'udp',
    user: 'u',
    password: 'p',
    faults: ['silent:5@/cam1/main'],
  });
  assert.deepEqual(options.main, { width: 1920, height: 1080, bitrate: 4_000_000 });
  assert.equal(options.sub, null);
  assert.deepEqual(options.credentials, { username: 'u', password: 'p', scheme: 'digest' });
  assert.deepEqual(options.transports, ['udp']);
  assert.deepEqual(options.faults, [{ fault: { name: 'silent', afterMs: 5000 }, mount: '/cam1/main' }]);
  resolveOptions(options);
  resolveOptions(virtualCameraOptions({}));
  const wrong: VirtualCameraFlags[] = [
    { port: 'x' },
    { size: '1920' },
    { bitrate: '4G' },
    { codec: 'vp9' },
    { user: 'u' },
    { auth: 'basic' },
    { audio: 'mp3' },
  ];
  for (const flags of wrong) {
    assert.throws(() => virtualCameraOptions(flags), refused('ERR_VIRTUAL_CAMERA_OPTIONS'), JSON.stringify(flags));
  }
});

test('faults are read from text', () => {
  const cases: Array<[string, unknown]> = [
    ['refuse', { name: 'refuse' }],
    ['unauthorized', { name: 'unauthorized' }],
    ['hang', { name: 'hang' }],
    ['hang:describe', { name: 'hang', method: 'DESCRIBE' }],
    ['silent', { name: 'silent', afterMs: 2000 }],
    ['drop:0', { name: 'drop', afterMs: 0 }],
    ['resize:1.5', { name: 'resize', afterMs: 1500 }],
    ['jump:-10:3', { name: 'jump', byMs: -10_000, afterMs: 3000 }],
    ['jump:+10', { name: 'jump', byMs: 10_000, afterMs: 2000 }],
    ['udp-only', { name: 'udp-only' }],
    ['tcp-only', { name: 'tcp-only' }],
    ['no-rtcp', { name: 'no-rtcp' }],
    ['huge', { name: 'huge', part: 'body', sizeBytes: 64 * 1024 * 1024 }],
    ['huge:header:1000', { name: 'huge', part: 'header', sizeBytes: 1000 }],
    ['malformed:cseq', { name: 'malformed', kind: 'cseq' }],
  ];
  for (const [text, fault] of cases) {
    assert.deepEqual(parseFault(text), { fault, mount: undefined });
    assert.deepEqual(parseFault(`${text}@/sub`), { fault, mount: '/sub' });
  }
  const wrong = [
    '',
    'fire',
    'refuse:1',
    'silent:x',
    'silent:-1',
    'jump',
    'jump:1e9',
    'huge:tail',
    'huge:body:0',
    'hang:record',
  ];
  for (const text of [...wrong, 'huge:body:', 'huge:body:99999999999', 'malformed:toString', 'silent:1:2', 'drop:']) {
    assert.throws(() => parseFault(text), refused('ERR_VIRTUAL_CAMERA_FAULT'), text);
  }
});

test('a fault holds where it was set, until it is cleared', async () => {
  let changes = 0;
  const board = new FaultBoard(
    new Map([
      ['/main', 1],
      ['/sub', 1],
    ]),
    async () => {
      changes++;
    },
  );
  await board.set({ name: 'silent', afterMs: 1000 });
  await board.set({ name: 'silent', afterMs: 0 }, '/sub');
  await board.set({ name: 'malformed', kind: 'transport' }, '/sub');
  assert.equal(board.due('silent', '/main', 999), undefined);
  assert.ok(board.due('silent', '/main', 1000));
  assert.ok(board.due('silent', '/sub', 0), 'its own stands before that of the camera');
  assert.equal(board.malformed('DESCRIBE', '/sub'), undefined);
  assert.equal(board.malformed('SETUP', '/sub'), 'transport');
  assert.equal(board.list().length, 3);
  await board.clear('silent', '/sub');
  assert.equal(board.due('silent', '/sub', 0), undefined);
  assert.ok(board.due('silent', '/sub', 1000));
  await board.clear();
  assert.deepEqual(board.list(), []);
  assert.equal(changes, 5);
  await assert.rejects(board.set({ name: 'refuse' }, '/cam9/main'), refused('ERR_VIRTUAL_CAMERA_FAULT'));
});

test('encoder arguments say what is promised', () => {
  const picture = { width: 640, height: 360, fps: 20, gop: 40, bitrate: 500_000 };
  const h264 = videoArguments('h264', picture, 1_700_000_000_000_000).join(' ');
  assert.match(h264, /testsrc2=size=640x360:rate=20,realtime,.*RTCTIME-1700000000000000.*drawtext=.*frame_num/);
  assert.match(h264, /libx264 .*keyint=40:min-keyint=40:scenecut=0:bframes=0.*sliced-threads=0.*-b:v 500000/);
  assert.doesNotMatch(videoArguments('h264', picture, 0, false).join(' '), /drawtext/);
  assert.match(videoArguments('h265', picture, 0).join(' '), /libx265 .*keyint=40:min-keyint=40.*bframes=0/);
  assert.match(audioArguments('aac').join(' '), /sample_rate=16000.* -c:a aac .*-f adts/);
  assert.match(audioArguments('pcma').join(' '), /sample_rate=8000.* -c:a pcm_alaw -f alaw/);
});

test('the picture of the resize fault differs and stays even', () => {
  for (const [width, height] of [
    [1280, 720],
    [640, 360],
    [64, 64],
    [66, 130],
  ] as const) {
    const other = otherSize({ width, height, fps: 25, gop: 50, bitrate: 100_000 });
    assert.ok(other.width !== width && other.height !== height && other.width % 2 === 0 && other.height % 2 === 0);
  }
});

test('a session description names both tracks', () => {
  const sets = { vps: Buffer.of(0x40, 1), sps: Buffer.from('6742c01f', 'hex'), pps: Buffer.from('68ce', 'hex') };
  const picture = { width: 640, height: 360, fps: 25, gop: 50, bitrate: 500_000 };
  const sdp = sessionDescription({
    address: '127.0.0.1',
    id: '17',
    name: 'Camera',
    tracks: [videoDescription('h264', 96, picture, sets), audioDescription('aac', 97, 16_000)],
  });
  assert.deepEqual(sdp.split('\r\n'), [
    'v=0',
    'o=- 17 1 IN IP4 127.0.0.1',
    's=Camera',
    'c=IN IP4 0.0.0.0',
    't=0 0',
    'a=control:*',
    'a=range:npt=now-',
    'm=video 0 RTP/AVP 96',
    'b=AS:500',
    'a=rtpmap:96 H264/90000',
    'a=fmtp:96 packetization-mode=1;profile-level-id=42C01F;sprop-parameter-sets=Z0LAHw==,aM4=',
    'a=framerate:25',
    'a=control:trackID=0',
    'm=audio 0 RTP/AVP 97',
    'b=AS:64',
    'a=rtpmap:97 MPEG4-GENERIC/16000/1',
    'a=fmtp:97 streamtype=5;profile-level-id=1;mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3;config=1408',
    'a=control:trackID=1',
    '',
  ]);
  assert.match(
    videoDescription('h265', 96, picture, sets).join('\n'),
    /H265\/90000\n.*sprop-vps=QAE=;sprop-sps=Z0LAHw==;sprop-pps=aM4=/,
  );
  assert.deepEqual(audioDescription('pcmu', 0, 8000), ['m=audio 0 RTP/AVP 0', 'b=AS:64', 'a=rtpmap:0 PCMU/8000']);
});

test('flags make a device around the camera, and are nothing without it', () => {
  const device = (flags: VirtualCameraFlags) => virtualDeviceOptions(flags, virtualCameraOptions(flags));
  assert.equal(device({ port: '1' }), null);
  const made = device({
    ...{
      onvif: true,
      onvifPort: '8080',
      host: '10.0.0.1',
      discovery: '10.0.0.1',
      ptz: true,
      serial: 'S 1',
      name: 'Door',
    },
    ...{ clockOffset: '-1.5', user: 'admin', password: 'x', codec: 'h265' },
  })!;
  assert.deepEqual(
    { ...made, camera: made.camera?.codec },
    {
      ...{ host: '10.0.0.1', port: 8080, discovery: { address: '10.0.0.1' }, ptz: true, serial: 'S 1', name: 'Door' },
      ...{
        clockOffsetMs: -1_500,
        credentials: { username: 'admin', password: 'x' },
        authentication: ['digest', 'token'],
      },
      camera: 'h265',
    },
  );
  assert.deepEqual(device({ onvif: true, user: 'a', password: 'x', auth: 'basic' })!.authentication, ['basic']);
  const wrong: VirtualCameraFlags[] = [
    { ptz: true },
    { discovery: '10.0.0.1' },
    { onvif: true, discovery: 'door.example' },
    { onvif: true, discovery: '::1' },
    { onvif: true, onvifPort: 'x' },
    { onvif: true, serial: '' },
    { onvif: true, name: 'x'.repeat(65) },
    { onvif: true, clockOffset: 'now' },
  ];
  for (const flags of wrong) {
    assert.throws(() => device(flags), refused('ERR_VIRTUAL_CAMERA_OPTIONS'), JSON.stringify(flags));
  }
});

test('an encoder with a view cuts the picture out of a larger scene and takes commands', () => {
  const rest = { from: 0, perSecond: 0, startUs: 0, endUs: 0 };
  const picture = { width: 640, height: 360, fps: 25, gop: 50, bitrate: 1_000_000 };
  const view = { motion: () => rest, levels: null, onChange: () => () => {} };
  const settings = viewSettings(view, picture, 0);
  const args = videoArguments('h264', picture, 0, true, { of: view, settings });
  assert.match(args[args.indexOf('-i') + 1]!, /^testsrc2=size=960x540:/);
  assert.match(args[args.indexOf('-vf') + 1]!, /crop@window=w=640:h=360:x='/);
  assert.ok(!args.includes('-nostdin'));
  assert.equal(commandLine(settings[2]!), 'ccrop@window -1 x (960*(1+0)-640)/2*(1+0)\n');
  const plain = videoArguments('h264', picture, 0);
  assert.ok(plain.includes('-nostdin') && !plain.includes('-vf'));
});
