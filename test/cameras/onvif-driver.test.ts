import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CameraTrouble } from '../../src/cameras/index.ts';
import { CameraError } from '../../src/cameras/index.ts';
import { until } from '../support/wait.ts';
import { CREDENTIALS, MovableClock, startDevice } from './onvif-device.ts';

const refusedAs = (trouble: CameraTrouble) => (error: unknown) => {
  assert.ok(error instanceof CameraError, String(error));
  assert.equal(error.trouble, trouble, error.message);
  return true;
};
const HOUR_MS = 3_600_000;

test('a camera is asked who it is, what it can do and what it shows', async () => {
  await using it = await startDevice({
    serial: '00120034500678009123',
    endpoint: 'urn:uuid:11111111-2222-4333-8444-555555555555',
    ptz: true,
    imaging: true,
    camera: { audio: 'pcma' },
  });
  const driver = it.driver();
  assert.equal(it.device.asked.length, 0, 'making a driver asks nothing');
  assert.deepEqual(await driver.identify(), {
    hardwareId: '00120034500678009123',
    manufacturer: 'Constitute',
    model: 'Virtual Device',
    firmware: '1.0',
    endpoint: 'urn:uuid:11111111-2222-4333-8444-555555555555',
  });
  assert.equal(it.device.asked[0], 'GetSystemDateAndTime', 'the clock is asked first');
  const abilities = await driver.abilities();
  assert.deepEqual(
    { ...abilities, presetsMax: abilities.presetsMax > 0 },
    {
      media2: true,
      snapshot: true,
      ptz: true,
      ptzAbsolute: true,
      presetsMax: true,
      imaging: true,
      events: true,
      recordings: false,
    },
  );
  const asked = it.device.asked.length;
  await driver.abilities();
  assert.equal(it.device.asked.length, asked, 'abilities are remembered');
  const [main, sub, ...others] = await driver.streams();
  assert.deepEqual(others, []);
  assert.equal(main!.codec, 'h264');
  assert.equal(main!.audio, true);
  assert.ok(main!.width * main!.height > sub!.width * sub!.height, 'largest first');
  assert.equal(main!.url, it.device.camera.url('/main'));
  assert.ok(!main!.url.includes('@'), 'no credentials in it');
});

test('a camera with the older media service only', async () => {
  await using it = await startDevice({ media2: false });
  const driver = it.driver();
  assert.equal((await driver.abilities()).media2, false);
  assert.equal((await driver.streams()).length, 2);
});

test('every way of proving who one is', async (t) => {
  for (const [authentication, trustedAddress] of [
    [['digest'], false],
    [['token'], false],
    [['digest', 'token'], false],
    [['basic', 'token'], true],
    [['basic', 'digest'], true],
    [['basic'], true],
  ] as const) {
    await t.test(authentication.join(' and '), async () => {
      await using it = await startDevice({ authentication });
      const driver = it.driver({ trustedAddress });
      for (let i = 0; i < 3; i++) await driver.identify();
      // Without credentials once; after that each question goes through at once. Basic comes last of all.
      const wrong = authentication.length === 1 && authentication[0] === 'basic' ? 2 : 1;
      assert.equal(it.asked('GetDeviceInformation'), 3 + wrong);
    });
  }
});

test('a password is not told in clear to an address nobody gave', async () => {
  await using it = await startDevice({ authentication: ['basic'] });
  await assert.rejects(it.driver().identify(), refusedAs('unauthorized'));
});

test('no credentials: what is open is answered, the rest is unauthorized', async () => {
  await using it = await startDevice();
  const driver = it.driver({ credentials: null });
  assert.ok(Math.abs((await driver.time()).cameraAt - Date.now()) < 2_000);
  await assert.rejects(driver.identify(), refusedAs('unauthorized'));
  await using open = await startDevice({ credentials: undefined as never });
  assert.equal((await open.driver({ credentials: null }).streams()).length, 2);
  assert.equal((await open.driver().streams()).length, 2, 'credentials that nobody asks for are not shown');
});

test('clocks that are hours apart, or step, keep nobody out', async () => {
  const clock = new MovableClock();
  await using it = await startDevice({ authentication: ['token'], clockOffsetMs: -7 * HOUR_MS }, clock);
  const driver = it.driver();
  await driver.identify();
  const { cameraAt, nodeAt, uncertaintyMs } = await driver.time();
  assert.ok(Math.abs(cameraAt - nodeAt + 7 * HOUR_MS) <= uncertaintyMs + 20, `${cameraAt - nodeAt}`);
  assert.ok(uncertaintyMs >= 500 && uncertaintyMs < 1_000);

  clock.setCalendar(5 * HOUR_MS);
  const before = it.asked('GetSystemDateAndTime');
  await driver.identify();
  assert.equal(it.asked('GetSystemDateAndTime'), before, 'a step of our calendar changes nothing');

  it.device.setClock(3 * HOUR_MS);
  await driver.identify();
  assert.equal(it.asked('GetSystemDateAndTime'), before + 1, 'a step of its clock is read again');
});

test('a token is never sent twice, and Digest counts on', async () => {
  await using it = await startDevice({ authentication: ['token'] });
  const driver = it.driver();
  await Promise.all(Array.from({ length: 12 }, () => driver.identify()));
  await using other = await startDevice({ authentication: ['digest'] });
  const counted = other.driver();
  for (let i = 0; i < 12; i++) await counted.identify();
  assert.equal(other.asked('GetDeviceInformation'), 13);
});

test('addresses a camera tells are led to where it is', async () => {
  await using it = await startDevice({ ptz: true, recordings: { from: 1, until: 2, count: 3 } });
  const driver = it.driver();
  it.device.faults.wrongAddresses = true;
  const [main] = await driver.streams();
  assert.equal(new URL(main!.url).hostname, '127.0.0.1');
  assert.equal(new URL(main!.url).port, new URL(it.device.camera.url('/main')).port, 'with the port it told');
  await driver.ptz.stop();
  assert.equal((await driver.recordings())?.count, 3);
});

test('slow is slow, silence is an end', async () => {
  // A hundred times as fast as time.
  const clock = new MovableClock(100);
  await using it = await startDevice({}, clock);
  it.device.faults.slowMs = 10;
  await it.driver().identify();
  it.device.faults.hang = true;
  await assert.rejects(it.driver().identify(), refusedAs('unreachable'));
  await assert.rejects(it.driver().streams(), refusedAs('unreachable'));
  await assert.rejects(it.driver().ptz.stop(), refusedAs('unreachable'));
});

test('who gives up is told so', async () => {
  await using it = await startDevice({ ptz: true, imaging: true });
  it.device.faults.hang = true;
  const driver = it.driver();
  const over = new AbortController();
  const asked = [
    driver.identify(over.signal),
    driver.streams(over.signal),
    driver.snapshot(over.signal),
    driver.ptz.presets(over.signal),
    driver.imaging.get(over.signal),
    driver.time(over.signal),
  ];
  setImmediate(() => over.abort());
  await Promise.all(asked.map((each) => assert.rejects(each, refusedAs('cancelled'))));
  await assert.rejects(driver.identify(AbortSignal.abort()), refusedAs('cancelled'));
});

test('answers that are none are malformed, whatever is wrong with them', async (t) => {
  await using it = await startDevice({ ptz: true, imaging: true });
  for (const malformed of ['markup', 'fault', 'empty', 'truncated', 'binary', 'entities'] as const) {
    await t.test(malformed, async () => {
      it.device.faults.malformed = malformed;
      const driver = it.driver();
      const expected = malformed === 'fault' ? /./ : /^ERR_CAMERAS_MALFORMED$/;
      for (const ask of [() => driver.identify(), () => driver.streams(), () => driver.time()]) {
        await assert.rejects(ask, (error) => error instanceof CameraError && expected.test(error.code));
      }
    });
  }
  it.device.faults.malformed = null;
  it.device.faults.hugeBytes = 64 * 1024 * 1024;
  await assert.rejects(it.driver().identify(), refusedAs('malformed'));
  it.device.faults.hugeBytes = null;
  await it.driver().identify();
});

test('a wrong password is tried twice, once a minute later, and never in between', async () => {
  const clock = new MovableClock();
  await using it = await startDevice({}, clock);
  const driver = it.driver();
  await driver.identify();
  it.device.setPassword('another');
  const asked = () => it.asked('GetDeviceInformation');
  let before = asked();
  await assert.rejects(driver.identify(), refusedAs('unauthorized'));
  assert.equal(asked() - before, 2, 'what worked before, and again with a new nonce');
  before = it.device.asked.length;
  for (let i = 0; i < 20; i++) await assert.rejects(driver.identify(), refusedAs('unauthorized'));
  assert.equal(it.device.asked.length, before, 'it is not asked');
  // Another question is another matter, for some users may do some things; it proves the password anew, with one try.
  await assert.rejects(driver.streams(), refusedAs('unauthorized'));
  before = it.device.asked.length;
  await assert.rejects(driver.streams(), refusedAs('unauthorized'));
  await assert.rejects(driver.ptz.stop(), refusedAs('unauthorized'));
  assert.equal(it.device.asked.length, before, 'after three refusals nothing is asked');
  for (let minute = 0; minute < 3; minute++) {
    clock.skip(61_000);
    before = asked();
    await assert.rejects(driver.identify(), refusedAs('unauthorized'));
    assert.equal(asked() - before, 2, 'once without credentials, once with');
    await assert.rejects(driver.identify(), refusedAs('unauthorized'));
    assert.equal(asked() - before, 2);
  }
  it.device.setPassword(CREDENTIALS.password);
  clock.skip(61_000);
  await driver.identify();
  await driver.streams();
});

test('many questions at once are not many wrong passwords', async () => {
  await using it = await startDevice({ ptz: true });
  const driver = it.driver({ credentials: { username: 'operator', password: 'wrong' } });
  const asked = [driver.identify(), driver.identify(), driver.streams(), driver.abilities(), driver.snapshot()];
  await Promise.all(asked.map((each) => assert.rejects(each, refusedAs('unauthorized'))));
  const withCredentials = it.device.asked.filter((name) => name !== 'GetSystemDateAndTime' && name !== 'GetServices');
  assert.ok(withCredentials.length <= 3, `once without, twice with: ${withCredentials}`);
});

test('a head moves, stops, goes where it is sent and keeps places', async () => {
  await using it = await startDevice({ ptz: true });
  const { ptz } = it.driver();
  await ptz.move({ pan: 0.5, tilt: -0.25, zoom: 0 }, 5_000);
  assert.equal(it.device.head().moving, true);
  assert.equal((await ptz.status()).moving, true);
  await ptz.move({ pan: 0, tilt: 0, zoom: 0.5 }, 5_000);
  await ptz.stop();
  assert.equal(it.device.head().moving, false);
  await ptz.goto({ pan: -0.5, tilt: 0.25, zoom: 0.5 });
  const there = () => {
    const { pan, tilt, zoom, moving } = it.device.head();
    return !moving && Math.abs(pan + 0.5) < 0.01 && Math.abs(tilt - 0.25) < 0.01 && Math.abs(zoom - 0.5) < 0.01;
  };
  await until('the head is there', there);
  const { position, moving } = await ptz.status();
  assert.equal(moving, false);
  assert.ok(Math.abs(position!.pan + 0.5) < 0.01 && Math.abs(position!.zoom - 0.5) < 0.01, JSON.stringify(position));
  const name = 'Gate <&> "North"';
  const token = await ptz.setPreset(name, null);
  assert.deepEqual(
    (await ptz.presets()).filter((each) => each.token === token),
    [{ token, name }],
  );
  assert.equal(await ptz.setPreset('Gate', token), token);
  await ptz.goto({ pan: 0.5, tilt: 0, zoom: 0 });
  await ptz.gotoPreset(token);
  await until('the head is back', there);
  await ptz.removePreset(token);
  assert.ok(!(await ptz.presets()).some((each) => each.token === token));
  await assert.rejects(ptz.gotoPreset(token), refusedAs('refused'));
});

test('a head that is told nothing more stops by itself', async () => {
  await using it = await startDevice({ ptz: true });
  await it.driver().ptz.move({ pan: 1, tilt: 0, zoom: 0 }, 10);
  assert.equal(it.device.head().moving, true);
  await until('the camera stopped it', () => !it.device.head().moving, 3_000);
});

test('a part that is left out of a move is told to stand first', async () => {
  await using it = await startDevice({ ptz: true });
  const { ptz } = it.driver();
  await ptz.move({ pan: 0, tilt: 0, zoom: 1 }, 10_000);
  await ptz.move({ pan: 0, tilt: 0, zoom: 0 }, 10_000);
  assert.equal(it.device.head().moving, false);
});

test('a camera without them has no head, no settings and no recordings', async () => {
  await using it = await startDevice();
  const driver = it.driver();
  const { ptz, imaging, recordings } = await driver.abilities();
  assert.deepEqual({ ptz, imaging, recordings }, { ptz: false, imaging: false, recordings: false });
  await assert.rejects(driver.ptz.stop(), refusedAs('unsupported'));
  await assert.rejects(driver.imaging.get(), refusedAs('unsupported'));
  assert.equal(await driver.recordings(), null);
});

test('settings of the picture are parts of the range, down to nothing', async () => {
  await using it = await startDevice({ imaging: true });
  const { imaging } = it.driver();
  const before = await imaging.get();
  await imaging.set({ brightness: 0, contrast: 1, saturation: 0.25, irCut: 'off' });
  const after = await imaging.get();
  assert.equal(after.brightness, 0);
  assert.equal(after.contrast, 1);
  assert.ok(Math.abs(after.saturation! - 0.25) < 0.01);
  assert.equal(after.sharpness, before.sharpness);
  assert.equal(after.irCut, 'off');
});

test('its clock is set on the second, and a time server told', async () => {
  await using it = await startDevice({ clockOffsetMs: -HOUR_MS });
  const driver = it.driver();
  await driver.setTime({ clock: true, timeServer: null });
  assert.ok(Math.abs(it.device.clock() - Date.now()) < 100, `${it.device.clock() - Date.now()} ms`);
  await driver.setTime({ clock: false, timeServer: 'time.example' });
  await driver.setTime({ clock: false, timeServer: '192.0.2.7' });
  await driver.setTime({ clock: false, timeServer: '2001:db8::1' });
  assert.equal(it.asked('SetNTP'), 3);
  for (const timeServer of ['', 'a b', '<x/>', '-x', 'x'.repeat(254)]) {
    await assert.rejects(driver.setTime({ clock: false, timeServer }), refusedAs('refused'));
  }
  assert.equal(it.asked('SetNTP'), 3);
});

test('what it keeps itself', async () => {
  const from = Date.UTC(2026, 0, 2, 3, 4, 5);
  await using it = await startDevice({ recordings: { from, until: from + HOUR_MS, count: 7 } });
  assert.deepEqual(await it.driver().recordings(), { from, until: from + HOUR_MS, count: 7 });
});

test('a picture of now, and nothing else that calls itself one', async () => {
  await using it = await startDevice({ authentication: ['digest'], camera: { sub: null } });
  it.encoders.of('size=1280x720').picture({ keyframe: true });
  const driver = it.driver();
  const jpeg = Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 0, 2, 0xff, 0xd9);
  const taken = driver.snapshot();
  await until('a picture is made', () => it.encoders.all.some((each) => each.args.includes('mjpeg')));
  it.encoders.of('mjpeg').push(jpeg);
  it.encoders.of('mjpeg').end({ code: 0, signal: null });
  assert.deepEqual(await taken, jpeg);
});

test('a profile that was taken away is gone, and none at all is malformed', async () => {
  await using it = await startDevice({ media2: false });
  const driver = it.driver();
  assert.equal((await driver.streams()).length, 2);
  it.device.faults.withoutProfiles = ['profile_main'];
  assert.deepEqual(
    (await driver.streams()).map(({ token }) => token),
    ['profile_sub'],
  );
  it.device.faults.withoutProfiles = ['profile_main', 'profile_sub'];
  await assert.rejects(driver.streams(), refusedAs('malformed'));
});

test('events come through the driver until it is told to end', async () => {
  await using it = await startDevice();
  const over = new AbortController();
  const seen: string[] = [];
  let connected = false;
  const listening = it.driver().events(
    {
      event: ({ kind, active, initial }) => seen.push(`${kind} ${active} ${initial}`),
      connected: (is) => {
        connected = is;
      },
    },
    over.signal,
  );
  await until('the subscription stands', () => connected);
  it.device.emit('motion', true);
  await until('motion is told', () => seen.includes('motion true false'));
  over.abort();
  await listening;
  assert.equal(it.asked('Unsubscribe'), 1);
});

test('a camera that restarts is met again', async () => {
  await using it = await startDevice();
  const driver = it.driver();
  await driver.identify();
  await it.device.reboot({ forMs: 1 });
  await driver.identify();
});
