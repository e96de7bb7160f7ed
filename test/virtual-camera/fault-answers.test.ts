import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SimulatedClock } from '../../src/platform/index.ts';
import type { MalformedKind } from '../../src/virtual-camera/index.ts';
import { type FakeCamera, pass, startFakeCamera } from './fake-camera.ts';

const TCP = { Transport: 'RTP/AVP/TCP;unicast;interleaved=0-1' };
const UDP = { Transport: 'RTP/AVP;unicast;client_port=6000-6001' };

/** Pictures, one per 40 ms of simulated time, a keyframe each tenth, until a condition holds. */
async function film(fake: FakeCamera, clock: SimulatedClock, condition: () => boolean): Promise<void> {
  let count = 0;
  await pass(clock, 40, () => {
    if (condition()) return true;
    fake.picture(count++ % 10 === 0);
    return false;
  });
}

test('refuse: the port is closed, and open again afterwards', async () => {
  await using fake = await startFakeCamera({ cameras: 1 });
  await fake.camera.faults.set({ name: 'refuse' });
  await assert.rejects(fake.connect(), { code: 'ECONNREFUSED' });
  await fake.camera.faults.clear('refuse');
  const client = await fake.connect();
  await fake.camera.faults.set({ name: 'refuse' }, '/cam1/main');
  assert.equal((await client.ask('DESCRIBE', fake.url)).status, 200);
  client.send('DESCRIBE', fake.camera.url('/cam1/main'));
  await client.closed;
  assert.equal(client.answersWaiting, 0);
});

test('unauthorized: 401 always, on that mount', async () => {
  await using fake = await startFakeCamera({
    cameras: 1,
    faults: [{ fault: { name: 'unauthorized' }, mount: '/main' }],
  });
  const client = await fake.connect();
  for (const method of ['OPTIONS', 'DESCRIBE', 'SETUP']) assert.equal((await client.ask(method, fake.url)).status, 401);
  assert.equal((await client.ask('DESCRIBE', fake.camera.url('/cam1/main'))).status, 200);
});

test('hang: after PLAY nothing comes, neither packets nor answers', async () => {
  const clock = new SimulatedClock();
  await using fake = await startFakeCamera({ faults: [{ fault: { name: 'hang' } }] }, clock);
  const client = await fake.connect();
  const { answer, session } = await client.play(fake.url);
  assert.equal(answer.status, 200);
  client.send('GET_PARAMETER', fake.url, { Session: session });
  const endMs = clock.monotonic() + 20_000;
  await film(fake, clock, () => clock.monotonic() > endMs);
  assert.equal(client.frames.length, 0);
  assert.equal(client.answersWaiting, 0);
  assert.ok(!client.isClosed);
});

test('hang at a method: that one is never answered', async () => {
  const clock = new SimulatedClock();
  await using fake = await startFakeCamera({}, clock);
  await fake.camera.faults.set({ name: 'hang', method: 'SETUP' });
  const client = await fake.connect();
  assert.equal((await client.ask('DESCRIBE', fake.url)).status, 200);
  client.send('SETUP', `${fake.url}/trackID=0`, TCP);
  const endMs = clock.monotonic() + 20_000;
  await pass(clock, 100, () => clock.monotonic() > endMs);
  assert.equal(client.answersWaiting, 0);
});

test('silent: packets and reports end after the time, answers go on', async () => {
  const clock = new SimulatedClock();
  await using fake = await startFakeCamera({ faults: [{ fault: { name: 'silent', afterMs: 3000 } }] }, clock);
  const client = await fake.connect();
  const { session } = await client.play(fake.url);
  const startedAt = clock.monotonic();
  await film(fake, clock, () => clock.monotonic() - startedAt > 4000);
  await client.ask('OPTIONS', '*');
  const count = client.frames.length;
  const pictures = client.rtp().filter((packet) => packet.marker).length;
  assert.ok(pictures > 60 && pictures < 78, `${pictures} pictures of 3 seconds`);
  await film(fake, clock, () => clock.monotonic() - startedAt > 15_000);
  assert.equal((await client.ask('GET_PARAMETER', fake.url, { Session: session })).status, 200);
  assert.equal(client.frames.length, count);
  await fake.camera.faults.clear('silent');
  const endMs = clock.monotonic() + 1000;
  await film(fake, clock, () => clock.monotonic() > endMs && client.frames.length > count);
});

test('drop: the connection is reset after the time', async () => {
  const clock = new SimulatedClock();
  await using fake = await startFakeCamera({ faults: [{ fault: { name: 'drop', afterMs: 1000 } }] }, clock);
  const client = await fake.connect();
  await client.play(fake.url);
  const startedAt = clock.monotonic();
  await film(fake, clock, () => client.isClosed);
  assert.ok(client.wasReset);
  assert.ok(clock.monotonic() - startedAt >= 1000);
  await pass(clock, 10, () => fake.camera.sessions === 0);
});

test('resize: the other picture begins at its keyframe, in the same stream of packets, and the way back too', async () => {
  const clock = new SimulatedClock();
  await using fake = await startFakeCamera({}, clock);
  const client = await fake.connect();
  await client.play(fake.url);
  fake.picture(true);
  await client.until(() => client.rtp().length === 4);
  await fake.camera.faults.set({ name: 'resize', afterMs: 0 });
  const other = fake.encoders.of('size=960x540');
  const sps = () =>
    client
      .rtp()
      .filter((packet) => (packet.payload[0]! & 31) === 7)
      .map((packet) => packet.payload[4]);
  let count = 0;
  const both = async (condition: () => boolean) =>
    pass(clock, 40, () => {
      if (condition()) return true;
      fake.picture(count % 10 === 0);
      // Its keyframes come at other times.
      other.picture({ keyframe: count % 10 === 5, mark: 2 });
      count++;
      return false;
    });
  await both(() => sps().includes(0x82));
  const described = await (await fake.connect()).ask('DESCRIBE', fake.url);
  assert.match(described.body, /sprop-parameter-sets=Z0LAH4I=/, 'new clients are told the new picture');
  const fresh = await fake.connect();
  await fresh.play(fake.url);
  await both(() => fresh.rtp().length > 4);
  assert.equal(fresh.rtp()[0]!.payload[4], 0x82, 'and begin with it');
  await fake.camera.faults.clear();
  const before = sps().length;
  await both(() => sps().slice(before).includes(0x81));
  const packets = client.rtp();
  packets.forEach((packet, index) => {
    if (index === 0) return;
    assert.equal(packet.sequence, (packets[index - 1]!.sequence + 1) & 0xffff);
    const step = (packet.timestamp - packets[index - 1]!.timestamp) | 0;
    assert.ok(step >= 0 && step < 90_000, `timestamps run on, step ${step}`);
    assert.equal(packet.ssrc, packets[0]!.ssrc);
  });
  const slices = packets.map((packet) => packet.payload).filter((payload) => [1, 5].includes(payload[0]! & 31));
  const changes = slices.filter((slice, index) => index > 0 && slice[1] !== slices[index - 1]![1]);
  assert.equal(changes.length, 2);
  assert.ok(
    changes.every((slice) => (slice[0]! & 31) === 5),
    'both changes are at keyframes',
  );
  await pass(clock, 100, () => other.stopped);
});

for (const byMs of [10_000, -10_000]) {
  test(`jump: timestamps step by ${byMs} ms, in packets and reports`, async () => {
    const clock = new SimulatedClock();
    await using fake = await startFakeCamera({ reportIntervalMs: 1000 }, clock);
    const client = await fake.connect();
    await client.play(fake.url);
    const startedAt = clock.monotonic();
    await film(fake, clock, () => clock.monotonic() - startedAt > 500);
    await fake.camera.faults.set({ name: 'jump', byMs, afterMs: 1000 });
    await film(fake, clock, () => clock.monotonic() - startedAt > 3000);
    await client.ask('OPTIONS', '*');
    const times = client.rtp().map((packet) => packet.timestamp);
    const steps = times.slice(1).map((time, index) => (time - times[index]!) | 0);
    const odd = steps.filter((step) => Math.abs(step) > 45_000);
    assert.equal(odd.length, 1);
    assert.ok(Math.abs(odd[0]! - byMs * 90) < 10_000);
    const report = client.frames.findLast((frame) => frame.channel === 1)!.payload;
    assert.ok(Math.abs((report.readUInt32BE(16) - times.at(-1)!) | 0) < 100_000, 'the last report follows');
  });
}

test('udp-only and tcp-only: the other transport is answered 461', async () => {
  await using fake = await startFakeCamera();
  const client = await fake.connect();
  const setUp = async (headers: Record<string, string>) =>
    (await client.ask('SETUP', `${fake.url}/trackID=0`, headers)).status;
  await fake.camera.faults.set({ name: 'udp-only' });
  assert.deepEqual([await setUp(TCP), await setUp(UDP)], [461, 200]);
  await fake.camera.faults.clear();
  await fake.camera.faults.set({ name: 'tcp-only' });
  assert.deepEqual([await setUp(UDP), await setUp(TCP)], [461, 200]);
  const both = { Transport: `${UDP.Transport},RTP/AVP/TCP;unicast;interleaved=4-5` };
  assert.match((await client.ask('SETUP', `${fake.url}/trackID=0`, both)).headers.get('transport')!, /interleaved=4-5/);
});

test('no-rtcp: packets come without reports', async () => {
  const clock = new SimulatedClock();
  await using fake = await startFakeCamera({ reportIntervalMs: 200 }, clock);
  const client = await fake.connect();
  await client.play(fake.url);
  await film(fake, clock, () => client.frames.some((frame) => frame.channel === 1));
  await fake.camera.faults.set({ name: 'no-rtcp' });
  await client.ask('OPTIONS', '*');
  const reports = client.frames.filter((frame) => frame.channel === 1).length;
  const endMs = clock.monotonic() + 3000;
  await film(fake, clock, () => clock.monotonic() > endMs);
  await client.ask('OPTIONS', '*');
  assert.equal(client.frames.filter((frame) => frame.channel === 1).length, reports);
  assert.ok(client.rtp().length > 75);
});

for (const part of ['header', 'body'] as const) {
  test(`huge: a ${part} of 32 MiB comes whole`, async () => {
    await using fake = await startFakeCamera();
    const sizeBytes = 32 * 1024 * 1024;
    await fake.camera.faults.set({ name: 'huge', part, sizeBytes });
    const client = await fake.connect({ keep: 'nothing' });
    client.send('DESCRIBE', fake.url);
    await client.until(() => client.received > sizeBytes);
    assert.ok(client.received < sizeBytes + 300);
  });
}

test('huge: clients that do not read cost no memory', async () => {
  await using fake = await startFakeCamera();
  await fake.camera.faults.set({ name: 'huge', part: 'body', sizeBytes: 64 * 1024 * 1024 });
  const before = process.memoryUsage().arrayBuffers;
  for (let i = 0; i < 20; i++) {
    const client = await fake.connect({ keep: 'nothing' });
    client.socket.pause();
    client.send('DESCRIBE', fake.url);
  }
  const other = await fake.connect();
  for (let i = 0; i < 200; i++) await other.ask('OPTIONS', '*');
  const growth = process.memoryUsage().arrayBuffers - before;
  assert.ok(growth < 32 * 1024 * 1024, `${growth} bytes more for 20 times 64 MiB`);
});

const BROKEN: Array<[MalformedKind, RegExp]> = [
  ['status-line', /^RTSP\/-7 TWO-HUNDRED/],
  ['cseq', /CSeq: 4294967297\r\n/],
  ['length', /Content-Length: -99999999999999999999\r\n/],
  ['binary', /^(?!RTSP)/],
  ['sdp', /^RTSP\/1.0 200 OK\r\n[\s\S]*\r\n\r\n(?!v=0)/],
  ['parameter-sets', /^RTSP\/1.0 200 OK\r\n[\s\S]*sprop-parameter-sets=[A-Za-z0-9+/=]+,!!,=/],
];

for (const [kind, pattern] of BROKEN) {
  test(`malformed ${kind}: the answer is wrong in that way`, async () => {
    await using fake = await startFakeCamera({ faults: [{ fault: { name: 'malformed', kind } }] });
    const client = await fake.connect({ keep: 'bytes' });
    client.send('DESCRIBE', fake.url);
    await client.until(() => client.received > 60 && pattern.test(client.bytes.toString('latin1')));
  });
}

test('malformed truncated: the connection ends inside the body', async () => {
  await using fake = await startFakeCamera({ faults: [{ fault: { name: 'malformed', kind: 'truncated' } }] });
  const client = await fake.connect();
  client.send('DESCRIBE', fake.url);
  await client.closed;
  assert.ok(client.received > 100);
  assert.equal(client.answersWaiting, 0);
});

test('malformed transport: SETUP is answered with nonsense', async () => {
  await using fake = await startFakeCamera({ faults: [{ fault: { name: 'malformed', kind: 'transport' } }] });
  const client = await fake.connect();
  assert.equal((await client.ask('DESCRIBE', fake.url)).status, 200);
  assert.match((await client.ask('SETUP', `${fake.url}/trackID=0`, TCP)).headers.get('transport')!, /interleaved=999-/);
});

for (const kind of ['rtp', 'frames'] as const) {
  test(`malformed ${kind}: what comes after PLAY is damaged`, async () => {
    await using fake = await startFakeCamera({ faults: [{ fault: { name: 'malformed', kind } }] });
    const client = await fake.connect({ keep: 'bytes' });
    const text = () => client.bytes.toString('latin1');
    client.send('SETUP', `${fake.url}/trackID=0`, TCP);
    await client.until(() => /Session: /.test(text()));
    client.send('PLAY', fake.url, { Session: /Session: (\w+)/.exec(text())![1]! });
    await client.until(() => /RTP-Info: .*\r\n\r\n/.test(text()));
    const before = client.received;
    for (let i = 0; i < 20; i++) fake.picture(true);
    await client.until(() => client.received > before + 20 * 300);
    const stream = client.bytes;
    let at = stream.indexOf('\r\n\r\n', stream.indexOf('RTP-Info')) + 4;
    let wrong = 0;
    while (at + 16 < stream.length && wrong === 0) {
      if (stream[at] !== 0x24 || stream[at + 1]! > 1) wrong++;
      else if (
        stream[at + 1] === 0 &&
        ((stream[at + 4]! & 0xc0) !== 0x80 || ![5, 6, 7, 8].includes(stream[at + 16]! & 31))
      )
        wrong++;
      at += 4 + stream.readUInt16BE(at + 2);
    }
    assert.ok(wrong > 0);
  });
}
