import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualCameraChild } from '../../src/daemon/virtual-camera-child.ts';
import { SimulatedClock, silentLog } from '../../src/platform/index.ts';
import { FakeProcesses } from '../support/fake-processes.ts';

const CAMERA: ConstructorParameters<typeof VirtualCameraChild>[1] = {
  codec: 'h264',
  size: { width: 320, height: 180 },
  fps: 10,
  audio: 'none',
  sub: true,
  onvif: false,
  ptz: false,
};
/** So long a camera may take until nobody waits for it any more. */
const READY_MS = 8_000;

async function begun() {
  const clock = new SimulatedClock();
  const processes = new FakeProcesses();
  const child = new VirtualCameraChild({ clock, log: silentLog, processes }, CAMERA, 'virtual-front');
  await child.start();
  return { clock, camera: processes.last, child };
}

/** Whether it has come to pass by now. */
async function isOver(waiting: Promise<void>): Promise<boolean> {
  let over = false;
  void waiting.then(() => {
    over = true;
  });
  await new Promise((done) => setImmediate(done));
  return over;
}

test('a start waits for no generated camera; whoever records it waits until it listens', async () => {
  const { camera, child } = await begun();
  const [one, other] = [child.listening(), child.listening(new AbortController().signal)];
  camera.write(Buffer.from('a virtual camera begins\n'));
  assert.equal(await isOver(one), false);
  camera.write(Buffer.from(`${child.url('main')}\n`));
  assert.deepEqual([await isOver(one), await isOver(other), await isOver(child.listening())], [true, true, true]);
  await child.stop();
});

test('nobody waits for a generated camera that takes too long, or for one that is not wanted any more', async () => {
  const late = await begun();
  const waiting = late.child.listening();
  await late.clock.advance(READY_MS - 1);
  assert.equal(await isOver(waiting), false);
  await late.clock.advance(1);
  assert.equal(await isOver(waiting), true);
  assert.equal(await isOver(late.child.listening()), true, 'nor is it waited for again');
  await late.child.stop();

  const { child } = await begun();
  const leaving = new AbortController();
  const [left, kept] = [child.listening(leaving.signal), child.listening()];
  leaving.abort();
  assert.deepEqual([await isOver(left), await isOver(kept)], [true, false]);
  assert.equal(await isOver(child.listening(leaving.signal)), true);
  await child.stop();
  assert.equal(await isOver(kept), true);
});
