import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import {
  type CameraEvent,
  type CameraTrouble,
  createEventStore,
  createOnvifDriver,
  measureOnvifClock,
} from '../../src/cameras/index.ts';
import { SimulatedFiles, silentLog } from '../../src/platform/index.ts';
import {
  createNodeClock,
  createNodeHttp,
  createNodeProcesses,
  createNodeRandom,
  nodeCameraHashes,
} from '../../src/platform/node/index.ts';
import type { SourceId } from '../../src/protocol/index.ts';
import { createVirtualDevice, type VirtualDeviceOptions } from '../../src/virtual-camera/index.ts';
import { until } from '../support/wait.ts';

const FRONT = 'front' as SourceId;
const credentials = { username: 'guard', password: 'w0rd & more' };

/** A device over real HTTP on loopback, its driver, and a store that takes what it tells. */
async function house(t: TestContext, options: VirtualDeviceOptions = {}) {
  const clock = createNodeClock();
  const [random, log, processes] = [createNodeRandom(), silentLog, createNodeProcesses()];
  const device = createVirtualDevice({ clock, random, log, processes }, { credentials, ...options });
  await device.start();
  const driver = createOnvifDriver(
    { clock, random, log, http: createNodeHttp({ clock }), hashes: nodeCameraHashes },
    { service: device.serviceUrl, credentials, trustedAddress: false },
  );
  const store = createEventStore({ clock, log, files: new SimulatedFiles() }, { path: ':memory:' });
  await store.start();
  const events: CameraEvent[] = [];
  const connected: [boolean, CameraTrouble | null][] = [];
  const stop = new AbortController();
  const listening = driver.events(
    {
      event: (event) => {
        events.push(event);
        store.take(FRONT, event);
      },
      connected: (is, trouble) => {
        connected.push([is, trouble]);
        store.connected(FRONT, is);
      },
    },
    stop.signal,
  );
  listening.catch(() => {});
  t.after(async () => {
    stop.abort();
    await listening.catch(() => {});
    await store.stop();
    await device.stop();
  });
  const all = { sources: 'all', kinds: 'all', fromAt: 0, toAt: 9e15, order: 'oldest', limit: 100 } as const;
  const rows = () => store.list(all).events;
  return { device, driver, store, events, connected, stop, listening, rows };
}

test('a device tells of motion, tampering, lines and inputs, with a clock that is hours off; the store keeps both times', async (t) => {
  const { device, store, connected, rows, stop, listening } = await house(t, { clockOffsetMs: -5 * 3_600_000 });
  await until('it is connected', () => connected.length > 0);
  assert.deepEqual(connected, [[true, null]]);
  device.emit('motion', true);
  await until('motion goes on', () => store.active(FRONT).has('motion'));
  device.emit('input', true, 'DoorContact');
  device.emit('line', null, 'Gate');
  device.emit('tamper', true);
  device.emit('motion', false);
  await until('all is stored', () => rows().length === 4 && !store.active(FRONT).has('motion'));
  const found = rows();
  assert.deepEqual(found.map(({ kind, name }) => `${kind} ${name}`).sort(), [
    'input DoorContact',
    'line Gate',
    'motion null',
    'tamper null',
  ]);
  for (const { startAt, cameraStartAt } of found) {
    assert.ok(Math.abs(startAt - cameraStartAt! - 5 * 3_600_000) < 3_000, 'node time and camera time side by side');
  }
  assert.equal(found.find(({ kind }) => kind === 'motion')!.endedBy, 'camera');
  assert.deepEqual([...store.active(FRONT)].sort(), ['input', 'tamper']);
  stop.abort();
  await listening;
  assert.deepEqual(connected.at(-1), [false, null]);
  assert.equal(rows().find(({ kind }) => kind === 'tamper')!.endedBy, 'lost');
});

test('subscriptions the device forgets are found lost and begun anew; what goes on is found again as an initial state', async (t) => {
  const { device, store, connected, rows } = await house(t);
  await until('it is connected', () => connected.length > 0);
  device.emit('motion', true);
  await until('motion goes on', () => store.active(FRONT).has('motion'));
  device.faults.forgetSubscriptions = true;
  device.emit('input', true, 'DoorContact');
  await until('the loss is told', () => connected.some(([is]) => !is), 30_000);
  device.faults.forgetSubscriptions = false;
  await until('motion goes on again', () => store.active(FRONT).has('motion') && rows().length >= 2, 15_000);
  const motion = rows().filter(({ kind }) => kind === 'motion');
  assert.equal(motion[0]!.endedBy, 'lost');
  assert.deepEqual([motion.at(-1)!.initial, motion.at(-1)!.endAt], [true, null]);
});

test('the second’s edge of a device’s clock is found over real HTTP', async (t) => {
  const { driver } = await house(t, { clockOffsetMs: 3_600_000 + 345 });
  const time = await measureOnvifClock(
    () => driver.time(),
    createNodeClock(),
    createNodeRandom(),
    new AbortController().signal,
  );
  const offset = time.cameraAt - time.nodeAt;
  assert.ok(Math.abs(offset - 3_600_345) <= time.uncertaintyMs + 20, `${offset} ± ${time.uncertaintyMs}`);
  assert.ok(time.uncertaintyMs < 200, String(time.uncertaintyMs));
});
