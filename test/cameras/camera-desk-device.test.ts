import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type CameraDeskSink,
  type CameraEvent,
  type CameraOrder,
  createCameraDesk,
  createOnvifDriver,
} from '../../src/cameras/index.ts';
import { silentLog } from '../../src/platform/index.ts';
import {
  createNodeClock,
  createNodeHttp,
  createNodeProcesses,
  createNodeRandom,
  nodeCameraHashes,
} from '../../src/platform/node/index.ts';
import type { CamerasDiscoverResult, SourceId } from '../../src/protocol/index.ts';
import { createVirtualDevice, type VirtualDeviceOptions } from '../../src/virtual-camera/index.ts';
import { until } from '../support/wait.ts';

const yard = 'yard' as SourceId;
const credentials = { username: 'viewer', password: 'long and random' };
const clock = createNodeClock();
const random = createNodeRandom();
const world = { clock, random, log: silentLog };

async function deviceOf(options: VirtualDeviceOptions) {
  const camera = { subSize: null, size: { width: 160, height: 96 }, framesPerSecond: 5, audio: 'none' } as const;
  const device = createVirtualDevice(
    { ...world, processes: createNodeProcesses() },
    { credentials, camera, ...options },
  );
  await device.start();
  return device;
}

test('over real HTTP a virtual device is reached, heard and timed; another in its place is foreign', async () => {
  const first = await deviceOf({ serial: 'A1', clockOffsetMs: 3_600_000 });
  const port = Number(new URL(first.serviceUrl).port);
  const events: CameraEvent[] = [];
  const told: string[] = [];
  const sink: CameraDeskSink = {
    event: (_, event) => events.push(event),
    eventsConnected: (_, connected) => told.push(`events ${connected}`),
    identified: (_, { hardwareId }) => told.push(`identified ${hardwareId}`),
    moved: (_, service) => told.push(`moved ${service}`),
    changed: () => {},
  };
  const http = createNodeHttp({ clock });
  const desk = createCameraDesk({
    ...world,
    driverOf: ({ service, credentials }, { trustedAddress }) =>
      createOnvifDriver({ ...world, http, hashes: nodeCameraHashes }, { service, credentials, trustedAddress }),
    discovery: {
      discover: async (): Promise<CamerasDiscoverResult> => ({ cameras: [], total: 0, complete: true, networks: [] }),
    },
    sink,
  });
  const order: CameraOrder = { source: yard, service: first.serviceUrl, credentials, hardwareId: null };
  await desk.start();
  const running = [first];
  try {
    desk.apply([order]);
    const view = () => desk.view(yard)!;
    await until('it is reached', () => view().state === 'reached' && view().abilities !== null);
    await until('its events are heard', () => view().eventsConnected);
    await until('its clock is known', () => view().clock !== null, 20_000);
    const { offsetMs, uncertaintyMs, alarm } = view().clock!;
    assert.ok(Math.abs(offsetMs - 3_600_000) <= uncertaintyMs + 20, `${offsetMs} ms, give or take ${uncertaintyMs}`);
    assert.equal(alarm, true, 'an hour is too much');
    assert.equal(view().identity?.hardwareId, 'A1');
    assert.ok(told.includes('identified A1'));
    first.emit('motion', true);
    await until('motion comes through', () => events.some(({ kind, active }) => kind === 'motion' && active === true));

    await first.stop();
    running.pop();
    running.push(await deviceOf({ serial: 'OTHER', port }));
    await until('another is told from it', () => view().state === 'foreign', 20_000);
    assert.equal(await desk.admits(yard, new AbortController().signal), 'foreign');
    assert.throws(() => desk.driver(yard), { code: 'ERR_CAMERAS_FOREIGN' });
    assert.equal(told.at(-1), 'events false');
    assert.equal(view().eventsConnected, false);
  } finally {
    await desk.stop();
    await Promise.all(running.map((each) => each.stop()));
  }
});
