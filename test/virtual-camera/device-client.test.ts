import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { describe, test } from 'node:test';
import type { DeviceAuthentication, VirtualDevice } from '../../src/virtual-camera/index.ts';
import { startFakeDevice, USER } from './fake-device.ts';

// The package's own client with its own transport: one that does not know us.
type Answer = Record<string, unknown>;
type Foreign = Record<string, (...args: unknown[]) => void> & { profiles: Answer[]; events: Answer };
const { Cam } = createRequire(import.meta.url)('onvif') as {
  Cam: new (options: Answer, done: (error: Error | null) => void) => Foreign;
};

async function foreignClient(device: VirtualDevice, options: Answer = {}) {
  const { hostname, port } = new URL(device.serviceUrl);
  const cam = await new Promise<Foreign>((done, fail) => {
    const made: Foreign = new Cam({ hostname, port, ...USER, timeout: 5_000, ...options }, (error) =>
      error ? fail(error) : done(made),
    );
  });
  const call = <T = Answer>(name: string, ...args: unknown[]) =>
    new Promise<T>((done, fail) => {
      cam[name]!(...args, (error: Error | null, answer: T) => (error ? fail(error) : done(answer)));
    });
  return { cam, call };
}

const WAYS: { ways: DeviceAuthentication[]; client: Answer; media2: boolean }[] = [
  { ways: ['token'], client: {}, media2: true },
  { ways: ['digest'], client: { useWSSecurity: false }, media2: false },
  { ways: ['digest', 'token'], client: {}, media2: false },
];

describe('a client that does not know us gets along with the device', () => {
  for (const { ways, client, media2 } of WAYS) {
    test(`by ${ways.join(' and ')}, ${media2 ? 'with' : 'without'} Media2`, async () => {
      await using all = await startFakeDevice({
        credentials: USER,
        authentication: ways,
        media2,
        ptz: true,
        imaging: true,
        serial: 'SN-1 & <2>',
        name: 'Front door',
        camera: {},
        recordings: { from: 1_700_000_000_000, until: 1_700_000_100_000, count: 2 },
      });
      const { device } = all;
      const { cam, call } = await foreignClient(device, client);
      const identity = await call('getDeviceInformation');
      assert.equal(identity['serialNumber'], 'SN-1 & <2>');
      assert.equal(identity['model'], 'Virtual Device');
      assert.deepEqual(
        cam.profiles.map((each) => {
          const { encoding, resolution } = each['videoEncoderConfiguration'] as Answer;
          return [each['name'], encoding, resolution];
        }),
        [
          ['profile_main', 'H264', { width: 1280, height: 720 }],
          ['profile_sub', 'H264', { width: 640, height: 360 }],
        ],
      );
      const stream = await call('getStreamUri', { protocol: 'RTSP', profileToken: 'profile_sub' });
      assert.equal(stream['uri'], device.camera.url('/sub'));
      const snapshot = await call('getSnapshotUri', {});
      assert.equal(snapshot['uri'], new URL('/snapshot/main.jpg', device.serviceUrl).href);

      const nodes = await call('getNodes');
      assert.equal((nodes['ptz_node_1'] as Answer)['maximumNumberOfPresets'], 32);
      await call('absoluteMove', { x: 0.25, y: -0.5, zoom: 0.125 });
      const status = await call<{ position: Answer; moveStatus: Answer }>('getStatus', {});
      assert.equal(status.moveStatus['panTilt'], 'MOVING');
      await call('stop', {});
      assert.equal(device.head().moving, false);
      await call('setPreset', { presetName: 'gate' });
      const presets = await call('getPresets', {});
      assert.deepEqual(Object.keys(presets), ['gate']);
      await call('gotoPreset', { preset: 'preset_1' });
      await call('removePreset', { presetToken: 'preset_1' });
      assert.deepEqual(await call('getPresets', {}), {});

      await call('setImagingSettings', { brightness: 75 });
      assert.equal((await call('getImagingSettings'))['brightness'], 75);
      assert.equal((await call('getRecordingSummary'))['numberRecordings'], 2);

      await call('createPullPointSubscription');
      const first = await call<{ notificationMessage: Answer[] }>('pullMessages', {});
      assert.equal(first.notificationMessage.length, 3, 'what is so already');
      const pulled = call<{ notificationMessage: Answer }>('pullMessages', {});
      device.emit('motion', true, 'yard');
      const message = JSON.stringify((await pulled).notificationMessage);
      assert.match(message, /RuleEngine\/CellMotionDetector\/Motion.*Changed.*yard.*"IsMotion","Value":true/);
      await call('renew', {});
      await call('unsubscribe');
    });
  }

  test('it finds out that the password is another now', async () => {
    await using all = await startFakeDevice({ credentials: USER });
    const { call } = await foreignClient(all.device);
    all.device.setPassword('another');
    await assert.rejects(call('getDeviceInformation'), /not Authorized/);
    const again = await foreignClient(all.device, { password: 'another' });
    assert.ok(await again.call('getDeviceInformation'));
  });

  test('its clock may be hours off: the client asks for it first', async () => {
    await using all = await startFakeDevice({
      credentials: USER,
      authentication: ['token'],
      clockOffsetMs: -7 * 3_600_000,
    });
    const { call } = await foreignClient(all.device);
    assert.ok(await call('getDeviceInformation'));
    assert.ok(Math.abs(all.device.clock() - (Date.now() - 7 * 3_600_000)) < 1_000);
  });
});
