import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { VirtualDevice } from '../../src/virtual-camera/index.ts';
import { digestAnswer } from './fake-camera.ts';
import { type FakeDevice, startFakeDevice, USER } from './fake-device.ts';
import { RtspClient } from './rtsp-client.ts';

const urlOf = (device: VirtualDevice) => device.camera.url('/main');
const connect = (device: VirtualDevice) => RtspClient.connect(Number(new URL(urlOf(device)).port));

/** Status of a DESCRIBE with that password. */
async function described({ device, encoders }: FakeDevice, password: string): Promise<number> {
  encoders.of('size=1280x720').picture({ keyframe: true });
  const client = await connect(device);
  try {
    const first = await client.ask('DESCRIBE', urlOf(device));
    assert.equal(first.status, 401);
    const challenge = first.headers.get('www-authenticate')!;
    const authorization = digestAnswer(challenge, USER.username, password, 'DESCRIBE', urlOf(device));
    const { status } = await client.ask('DESCRIBE', urlOf(device), { Authorization: authorization });
    return status;
  } finally {
    await client.close();
  }
}

test('the streams have the user of the device, and a new password when it has', async () => {
  await using fake = await startFakeDevice({ credentials: USER });
  assert.equal(await described(fake, USER.password), 200);
  fake.device.setPassword('another');
  assert.equal(await described(fake, USER.password), 401);
  assert.equal(await described(fake, 'another'), 200);
  await fake.device.reboot({ forMs: 1 });
  assert.equal(await described(fake, 'another'), 200, 'and keeps it over a restart');
  await using open = await startFakeDevice();
  assert.throws(() => open.device.setPassword('x'), { code: 'ERR_VIRTUAL_CAMERA_OPTIONS' });
});

test('sender reports tell the time of the device, not the right one', async () => {
  await using fake = await startFakeDevice({ clockOffsetMs: -3_600_000 });
  const { device, encoders } = fake;
  encoders.of('size=1280x720').picture({ keyframe: true });
  const client = await connect(device);
  await client.play(urlOf(device));
  encoders.of('size=1280x720').picture({ keyframe: true });
  await client.until(() => client.frames.some(({ channel }) => channel === 1));
  const report = client.frames.find(({ channel }) => channel === 1)!.payload;
  const wallMs = (report.readUInt32BE(8) - 2_208_988_800) * 1000 + (report.readUInt32BE(12) / 2 ** 32) * 1000;
  assert.ok(Math.abs(wallMs - (Date.now() - 3_600_000)) < 2_000, new Date(wallMs).toISOString());
  await client.close();
});

test('another codec ends the sessions and is encoded from then on, on the same port', async () => {
  await using fake = await startFakeDevice();
  const { device, encoders } = fake;
  const before = urlOf(device);
  encoders.of('size=1280x720').picture({ keyframe: true });
  const client = await connect(device);
  await client.play(before);
  assert.equal(device.camera.sessions, 1);
  await device.camera.setCodec('h265');
  assert.equal(device.camera.sessions, 0);
  assert.equal(urlOf(device), before);
  assert.equal(device.camera.codec, 'h265');
  assert.ok(encoders.all.at(-1)!.args.includes('libx265'));
  await client.close();
});
