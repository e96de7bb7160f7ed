import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { test } from 'node:test';
import { NvrError } from '../../src/errors.ts';
import { SeededRandom, SimulatedClock } from '../../src/platform/index.ts';
import { captureTimeOf } from '../../src/virtual-camera/index.ts';
import { digestAnswer, pass, startFakeCamera } from './fake-camera.ts';
import { readRtp } from './rtsp-client.ts';

const TCP = { Transport: 'RTP/AVP/TCP;unicast;interleaved=0-1' };

test('a whole life: describe, set up, play, pause, play, tear down', async () => {
  await using fake = await startFakeCamera();
  const client = await fake.connect();
  const options = await client.ask('OPTIONS', '*');
  assert.equal(options.headers.get('public'), 'OPTIONS, DESCRIBE, SETUP, PLAY, PAUSE, TEARDOWN, GET_PARAMETER');
  const described = await client.ask('DESCRIBE', `${fake.url}?token=1`, { Accept: 'application/sdp' });
  assert.equal(described.status, 200);
  assert.equal(described.headers.get('content-base'), `${fake.url}/`);
  assert.match(described.body, /sprop-parameter-sets=Z0LAH4E=,aM48gA==/);
  const setUp = await client.ask('SETUP', `${fake.url}/trackID=0`, TCP);
  assert.match(setUp.headers.get('transport')!, /^RTP\/AVP\/TCP;unicast;interleaved=0-1;ssrc=[0-9A-F]{8};mode="PLAY"$/);
  assert.match(setUp.headers.get('session')!, /^[0-9a-f]{16};timeout=60$/);
  const Session = setUp.headers.get('session')!.split(';')[0]!;
  const played = await client.ask('PLAY', fake.url, { Session, Range: 'npt=now-' });
  const info = /^url=(.*);seq=(\d+);rtptime=(\d+)$/.exec(played.headers.get('rtp-info')!)!;
  assert.equal(info[1], `${fake.url}/trackID=0`);

  fake.picture(false);
  fake.picture(true);
  fake.picture(false, 4000);
  await client.until(() => client.rtp().filter((packet) => packet.marker).length === 2);
  const packets = client.rtp();
  assert.equal(packets[0]!.sequence, Number(info[2]), 'the first packet is the one RTP-Info speaks of');
  assert.equal(
    packets[0]!.ssrc.toString(16).toUpperCase().padStart(8, '0'),
    setUp.headers.get('transport')!.match(/ssrc=(\w+)/)![1],
  );
  assert.deepEqual(
    packets.map((packet) => packet.payload[0]! & 31),
    [7, 8, 6, 5, 6, 28, 28, 28],
    'it begins at a keyframe, each picture with its capture time',
  );
  packets.forEach((packet, index) => {
    assert.equal(packet.sequence, (packets[0]!.sequence + index) & 0xffff);
  });
  assert.equal((packets.at(-1)!.timestamp - packets[0]!.timestamp) >>> 0, 3600);
  const time = captureTimeOf(packets[2]!.payload)!;
  assert.equal(time.frameNumber, 2);
  assert.ok(Math.abs(time.captureUs / 1000 - Date.now()) < 10_000);

  assert.equal((await client.ask('GET_PARAMETER', fake.url, { Session })).status, 200);
  assert.equal((await client.ask('PAUSE', fake.url, { Session })).status, 200);
  const before = client.frames.length;
  fake.picture(true);
  assert.equal((await client.ask('PAUSE', fake.url, { Session })).status, 455);
  assert.equal(client.frames.length, before, 'nothing while paused');
  assert.equal((await client.ask('PLAY', fake.url, { Session })).status, 200);
  fake.picture(true);
  await client.until(() => client.rtp().length === packets.length + 4);
  assert.equal(client.rtp()[packets.length]!.sequence, (packets.at(-1)!.sequence + 1) & 0xffff);
  assert.equal((await client.ask('TEARDOWN', fake.url, { Session })).status, 200);
  assert.equal(fake.camera.sessions, 0);
  assert.equal((await client.ask('PLAY', fake.url, { Session })).status, 454);
});

test('each mistake has its status', async () => {
  await using fake = await startFakeCamera({ audio: 'pcma' });
  fake.encoders.of('pcm_alaw').push(Buffer.alloc(160));
  const client = await fake.connect();
  const { url } = fake;
  const setUp = await client.ask('SETUP', `${url}/trackID=0`, TCP);
  const Session = setUp.headers.get('session')!.split(';')[0]!;
  const track1 = { Transport: 'RTP/AVP/TCP;unicast;interleaved=2-3', Session };
  const cases: Array<[string, string, Record<string, string>, number]> = [
    ['DESCRIBE', 'rtsp://h/none', {}, 404],
    ['DESCRIBE', 'http://h/main', {}, 400],
    ['DESCRIBE', `${url}/trackID=0`, {}, 404],
    ['DESCRIBE', url, { Accept: 'text/html' }, 406],
    ['DESCRIBE', url, { Require: 'www.onvif.org/ver20/backchannel' }, 551],
    ['SETUP', `${url}/trackID=2`, TCP, 404],
    ['SETUP', `${url}/trackID=0`, {}, 400],
    ['SETUP', url, TCP, 459],
    ['SETUP', `${url}/trackID=0`, { ...TCP, Session: 'ffff' }, 454],
    ['SETUP', `${url}/trackID=0`, { Transport: 'RTP/AVP;multicast' }, 461],
    ['SETUP', `${url}/trackID=1`, { Session, Transport: 'RTP/AVP;unicast;client_port=5000-5001' }, 461],
    ['SETUP', `${url}/trackID=1`, { Session, ...TCP }, 461],
    ['PLAY', url, {}, 454],
    ['PLAY', url, { Session: 'ffff' }, 454],
    ['PLAY', url, { Session, Range: 'clock=19961108T143720.25Z-' }, 457],
    ['PAUSE', url, { Session }, 455],
    ['SETUP', `${url}/trackID=1`, track1, 200],
    ['PLAY', `${url}/trackID=1`, { Session }, 460],
    ['PLAY', url, { Session }, 200],
    ['SETUP', `${url}/trackID=0`, { ...TCP, Session }, 455],
    ['ANNOUNCE', url, {}, 405],
    ['RECORD', url, { Session }, 405],
    ['SET_PARAMETER', url, { Session }, 405],
    ['PLAY_NOTIFY', url, {}, 501],
    ['GET_PARAMETER', url, { Session: 'ffff' }, 454],
    ['GET_PARAMETER', 'rtsp://h/none', {}, 404],
    ['GET_PARAMETER', '*', {}, 200],
  ];
  for (const [method, target, headers, status] of cases) {
    const answer = await client.ask(method, target, headers);
    assert.equal(answer.status, status, `${method} ${target} ${JSON.stringify(headers)}`);
  }
  assert.equal((await client.ask('GET_PARAMETER', url, { Session }, 'position\r\n')).status, 451);
  client.socket.write(`PLAY ${url} RTSP/2.0\r\nCSeq: 90\r\n\r\n`);
  assert.equal((await client.answer()).status, 505);
  client.socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  assert.equal((await client.answer()).status, 400);
  await client.closed;
});

test('a session belongs to its mount and ends with its connection', async () => {
  await using fake = await startFakeCamera({ cameras: 1 });
  const one = await fake.connect();
  const two = await fake.connect();
  const { session } = await one.play(fake.url);
  assert.equal((await two.ask('PLAY', fake.camera.url('/cam1/main'), { Session: session })).status, 454);
  assert.equal(fake.camera.sessions, 1);
  await one.close();
  await two.until(() => true);
  for (let i = 0; fake.camera.sessions > 0 && i < 100; i++) await two.ask('OPTIONS', '*');
  assert.equal(fake.camera.sessions, 0);
});

test('a camera without picture waits for one, and is unavailable when none comes', async () => {
  const clock = new SimulatedClock();
  await using fake = await startFakeCamera({ sub: {} }, clock);
  const client = await fake.connect();
  for (const method of ['DESCRIBE', 'SETUP']) {
    client.send(method, fake.camera.url('/sub') + (method === 'SETUP' ? '/trackID=0' : ''), TCP);
    const waitedMs = await pass(clock, 100, () => client.answersWaiting > 0);
    assert.ok(waitedMs >= 10_000);
    assert.equal((await client.answer()).status, 503);
  }
  client.send('DESCRIBE', fake.camera.url('/sub'));
  fake.encoders.of('size=640x360').picture({ keyframe: true, mark: 2 });
  const answer = await client.answer();
  assert.equal(answer.status, 200);
  assert.match(answer.body, /sprop-parameter-sets=Z0LAH4I=/);
});

for (const scheme of ['basic', 'digest'] as const) {
  test(`${scheme}: strangers are told 401 and nothing else`, async () => {
    const credentials = { username: 'joe', password: 'secret', scheme };
    await using fake = await startFakeCamera({ credentials });
    const client = await fake.connect();
    const { url } = fake;
    assert.equal((await client.ask('OPTIONS', url)).status, 200);
    for (const method of ['DESCRIBE', 'SETUP', 'PLAY', 'PAUSE', 'TEARDOWN', 'GET_PARAMETER', 'ANNOUNCE', 'WHATEVER']) {
      const answer = await client.ask(method, url);
      assert.equal(answer.status, 401, method);
      assert.match(answer.headers.get('www-authenticate')!, scheme === 'basic' ? /^Basic realm=/ : /^Digest .*nonce=/);
    }
    assert.equal((await client.ask('DESCRIBE', 'rtsp://h/none')).status, 401, 'names of mounts are not told');
    const challenge = (await client.ask('DESCRIBE', url)).headers.get('www-authenticate')!;
    const authorize = (password: string, method: string) =>
      scheme === 'basic'
        ? `Basic ${Buffer.from(`joe:${password}`).toString('base64')}`
        : digestAnswer(challenge, 'joe', password, method, url);
    const wrong = await client.ask('DESCRIBE', url, { Authorization: authorize('guess', 'DESCRIBE') });
    assert.equal(wrong.status, 401);
    assert.equal((await client.ask('DESCRIBE', url, { Authorization: authorize('secret', 'DESCRIBE') })).status, 200);
    const other = await fake.connect();
    const moved = await other.ask('DESCRIBE', url, { Authorization: authorize('secret', 'DESCRIBE') });
    assert.equal(moved.status, scheme === 'basic' ? 200 : 401);
    if (scheme === 'digest') assert.match(moved.headers.get('www-authenticate')!, /stale=TRUE/);
  });
}

test('over UDP packets come from the announced ports, and reports keep the session', async () => {
  await using fake = await startFakeCamera({ reportIntervalMs: 100 });
  const client = await fake.connect();
  const rtp = createSocket('udp4');
  const rtcp = createSocket('udp4');
  rtp.bind(0, '127.0.0.1');
  rtcp.bind(0, '127.0.0.1');
  await Promise.all([once(rtp, 'listening'), once(rtcp, 'listening')]);
  try {
    const ports = `${rtp.address().port}-${rtcp.address().port}`;
    const Transport = `RTP/AVP;unicast;client_port=${ports}`;
    const setUp = await client.ask('SETUP', `${fake.url}/trackID=0`, { Transport });
    const match = /^RTP\/AVP;unicast;client_port=([\d-]+);server_port=(\d+)-(\d+);ssrc/.exec(
      setUp.headers.get('transport')!,
    )!;
    assert.equal(match[1], ports);
    assert.equal(Number(match[2]) % 2, 0);
    assert.equal(Number(match[3]), Number(match[2]) + 1);
    const Session = setUp.headers.get('session')!.split(';')[0]!;
    const packet = once(rtp, 'message');
    const report = once(rtcp, 'message');
    assert.equal((await client.ask('PLAY', fake.url, { Session })).status, 200);
    fake.picture(true);
    const [bytes, from] = await packet;
    assert.equal(from.port, Number(match[2]));
    assert.equal(readRtp(bytes).payload[0]! & 31, 7);
    const [sr, fromReport] = await report;
    assert.equal(fromReport.port, Number(match[3]));
    assert.equal(sr[1], 200);
    assert.equal(sr.readUInt32BE(4), readRtp(bytes).ssrc);
    await client.close();
    assert.equal(fake.camera.sessions, 1, 'over UDP a session outlives its connection');
  } finally {
    rtp.close();
    rtcp.close();
  }
});

test('a sender report says which wall time a timestamp has', async () => {
  await using fake = await startFakeCamera();
  const client = await fake.connect();
  await client.play(fake.url);
  fake.picture(true);
  await client.until(() => client.frames.some((frame) => frame.channel === 1));
  const report = client.frames.find((frame) => frame.channel === 1)!.payload;
  const wallMs = (report.readUInt32BE(8) - 2_208_988_800) * 1000 + (report.readUInt32BE(12) / 2 ** 32) * 1000;
  assert.ok(Math.abs(wallMs - Date.now()) < 2000);
  const [first] = client.rtp();
  const offset = (report.readUInt32BE(16) - first!.timestamp) | 0;
  const captured = captureTimeOf(client.rtp()[2]!.payload)!.captureUs / 1000;
  assert.ok(Math.abs(wallMs - captured - offset / 90) < 1000, 'report and capture time agree');
});

test('sound waits for the picture and keeps its own clock', async () => {
  await using fake = await startFakeCamera({ audio: 'pcma' });
  const sound = fake.encoders.of('pcm_alaw');
  sound.push(Buffer.alloc(160, 1));
  const client = await fake.connect();
  const { answer } = await client.play(fake.url, 2);
  assert.equal(answer.headers.get('rtp-info')!.split(',').length, 2);
  sound.push(Buffer.alloc(100, 2));
  sound.push(Buffer.alloc(220, 3));
  await client.ask('OPTIONS', '*');
  assert.equal(client.frames.length, 0);
  fake.picture(true);
  await client.until(() => client.rtp().length === 4);
  for (let i = 0; client.rtp(2).length < 3 && i < 500; i++) {
    sound.push(Buffer.alloc(160, 4));
    await client.ask('OPTIONS', '*');
  }
  const packets = client.rtp(2);
  assert.equal(packets[0]!.payloadType, 8);
  assert.equal(packets[0]!.payload.length, 160);
  assert.equal((packets[1]!.timestamp - packets[0]!.timestamp) >>> 0, 160);
});

test('several clients see the same pictures as their own streams', async () => {
  await using fake = await startFakeCamera({ cameras: 3 });
  const clients = await Promise.all(
    ['/main', '/cam1/main', '/cam2/main', '/cam3/main'].map(async (mount) => {
      const client = await fake.connect();
      await client.play(fake.camera.url(mount));
      return client;
    }),
  );
  fake.picture(true, 5000);
  for (const client of clients) await client.until(() => client.rtp().some((packet) => packet.marker));
  const payloads = clients.map((client) => Buffer.concat(client.rtp().map((packet) => packet.payload)).toString('hex'));
  assert.equal(new Set(payloads).size, 1);
  assert.equal(new Set(clients.map((client) => client.rtp()[0]!.ssrc)).size, 4);
  assert.equal(fake.encoders.all.length, 1, 'one encoder for all');
});

test('a session lives as long as its client reports, and no longer', async () => {
  const clock = new SimulatedClock();
  await using fake = await startFakeCamera({ sessionTimeoutMs: 30_000 }, clock);
  const live = await fake.connect();
  const dead = await fake.connect();
  const { session } = await live.play(fake.url);
  await dead.play(fake.url);
  let beats = 0;
  await pass(clock, 1000, () => {
    live.socket.write(Buffer.from('24010008' + '80c9000100000001', 'hex'));
    return ++beats > 20 && fake.camera.sessions === 1;
  });
  assert.ok(clock.monotonic() > 30_000 && clock.monotonic() < 40_000);
  assert.equal((await live.ask('GET_PARAMETER', fake.url, { Session: session })).status, 200);
  await pass(clock, 1000, () => dead.isClosed);
  assert.equal(fake.camera.sessions, 0, 'without reports the other ends too');
});

test('stop tells its clients, closes the port, and start takes it again', async () => {
  await using fake = await startFakeCamera();
  const client = await fake.connect();
  await client.play(fake.url);
  fake.picture(true);
  await client.until(() => client.rtp().length > 0);
  await fake.camera.stop();
  await client.closed;
  assert.ok(
    client.frames.some((frame) => frame.channel === 1 && frame.payload[9] === 203),
    'BYE came',
  );
  assert.ok(fake.encoders.all.every((encoder) => encoder.stopped));
  await assert.rejects(fake.connect(), { code: 'ECONNREFUSED' });
  assert.equal(await fake.camera.start(), fake.port);
  fake.picture(true);
  assert.equal((await (await fake.connect()).ask('DESCRIBE', fake.url)).status, 200);
});

test('a port that is taken is told', async () => {
  await using fake = await startFakeCamera();
  await assert.rejects(
    startFakeCamera({ port: fake.port }),
    (error) => error instanceof NvrError && error.code === 'ERR_VIRTUAL_CAMERA_PORT' && error.kind === 'conflict',
  );
});

test('no bytes on the wire harm the server', async () => {
  await using fake = await startFakeCamera();
  const random = new SeededRandom(9);
  const good = `SETUP ${fake.url}/trackID=0 RTSP/1.0\r\nCSeq: 1\r\nTransport: RTP/AVP/TCP;interleaved=0-1\r\n\r\n`;
  for (let i = 0; i < (process.env['SLOW'] ? 1000 : 60); i++) {
    const client = await fake.connect({ keep: 'nothing' });
    const bytes = Buffer.from(good.repeat(3));
    for (let k = random.below(10); k > 0; k--) bytes[random.below(bytes.length)] = random.below(256);
    client.socket.write(bytes);
    client.socket.write(random.bytes(random.below(3000)));
    client.socket.end();
    await client.closed;
  }
  const client = await fake.connect();
  assert.equal((await client.ask('DESCRIBE', fake.url)).status, 200);
  assert.equal(fake.camera.sessions, 0);
});
