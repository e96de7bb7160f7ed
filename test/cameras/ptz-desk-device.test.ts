import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createOnvifDriver, PtzDesk, type PtzHolder, SnapshotDesk } from '../../src/cameras/index.ts';
import { silentLog } from '../../src/platform/index.ts';
import { createNodeClock, createNodeHttp, createNodeRandom, nodeCameraHashes } from '../../src/platform/node/index.ts';
import type { DeviceKey, SourceId } from '../../src/protocol/index.ts';
import { until } from '../support/wait.ts';
import { startFakeDevice, USER } from '../virtual-camera/fake-device.ts';

const YARD = 'yard' as SourceId;
const holder: PtzHolder = { device: 'a'.repeat(64) as DeviceKey, sessionId: 'ab' };
const world = { clock: createNodeClock(), random: createNodeRandom(), log: silentLog };

async function rig() {
  const running = await startFakeDevice({ credentials: USER, ptz: true, imaging: true });
  const { device } = running;
  const deps = { ...world, http: createNodeHttp(world), hashes: nodeCameraHashes };
  const options = { service: device.serviceUrl, credentials: USER, trustedAddress: false };
  const driver = createOnvifDriver(deps, options);
  const desk = new PtzDesk({ ...world, driver: () => driver.ptz });
  const stops = () => device.asked.filter((each) => each === 'Stop').length;
  return { running, device, driver, desk, stops };
}

test('over real HTTP a head turns while it is asked to, and stops when its holder goes', async () => {
  const { running, device, desk, stops } = await rig();
  await using _ = running;
  const lease = desk.hold(YARD, holder);
  assert.equal(await desk.move(YARD, lease.id, holder, { pan: 1, tilt: 0, zoom: 0 }, 2_000), true);
  await until('the head turns', () => device.head().moving && device.head().pan > 0);
  const before = stops();
  lease.end('left');
  await until('the head stands', () => !device.head().moving, 1_500);
  await until('it was told to', () => stops() > before);
  const { pan } = device.head();
  assert.ok(pan > 0 && pan < 1, `it looks ${pan} to the right`);
  const told = (await desk.status(YARD)).position;
  assert.ok(told && Math.abs(told.pan - pan) < 0.001, 'as it says itself');
});

test('over real HTTP a move ends by itself, and a place is kept, left and found again', async () => {
  const { running, device, desk, stops } = await rig();
  await using _ = running;
  const lease = desk.hold(YARD, holder);
  const preset = await desk.save(YARD, holder, 'Gate', null);
  assert.deepEqual(
    (await desk.presets(YARD)).filter(({ token }) => token === preset),
    [{ token: preset, name: 'Gate' }],
  );
  await desk.move(YARD, lease.id, holder, { pan: -1, tilt: 0.5, zoom: 0 }, 400);
  await until('the head turns', () => device.head().moving);
  await until('the node ended it', () => !device.head().moving && stops() > 0, 3_000);
  assert.ok(device.head().pan < 0);
  assert.equal(await desk.recall(YARD, lease.id, holder, preset), true);
  await until('it looks at the gate again', () => !device.head().moving && Math.abs(device.head().pan) < 0.01);
  await desk.forget(YARD, holder, preset);
  assert.ok((await desk.presets(YARD)).every(({ token }) => token !== preset));
  await desk.close();
});

test('a camera that falls silent while its head turns is told three times, and loudly', async () => {
  const { running, device, desk } = await rig();
  await using _ = running;
  const lease = desk.hold(YARD, holder);
  await desk.move(YARD, lease.id, holder, { pan: 0.2, tilt: 0, zoom: 0 }, 2_000);
  device.faults.hang = true;
  await assert.rejects(desk.stop(YARD, lease.id, holder), { code: 'ERR_CAMERAS_PTZ_UNSTOPPED' });
  assert.deepEqual(desk.unstopped(), [YARD]);
  await until('its own time-out ended it', () => !device.head().moving, 3_000);
  device.faults.hang = false;
  await desk.stop(YARD, lease.id, holder);
  assert.deepEqual(desk.unstopped(), []);
  await desk.close();
});

test('a silent camera gives no picture, and nobody waits longer than they like', async () => {
  const { running, device, driver } = await rig();
  await using _ = running;
  device.faults.hang = true;
  const desk = new SnapshotDesk({ clock: world.clock, driver: () => driver });
  const leaving = new AbortController();
  const asked = desk.get(YARD, leaving.signal);
  leaving.abort();
  await assert.rejects(asked, { trouble: 'cancelled' });
});
