import assert from 'node:assert/strict';
import { test } from 'node:test';
import { utf8 } from '../../src/bytes/index.ts';
import { type CameraDriver, CameraError } from '../../src/cameras/index.ts';
import { cameraDiscoverCommand, type DiscoverNetworkDeps, discoverCommand } from '../../src/cli/discover-command.ts';
import type { NvrClient, OpenStream } from '../../src/client/index.ts';
import type { DatagramAddress, Datagrams } from '../../src/platform/index.ts';
import type { CamerasDiscoverResult, DiscoveredCamera } from '../../src/protocol/index.ts';
import { answerTo, idOf } from '../cameras/responder.ts';
import { fakeWorld } from './fake-world.ts';

const row = (change: Partial<DiscoveredCamera> = {}): DiscoveredCamera => ({
  device: 'urn:a',
  urls: ['http://10.0.0.1/onvif/device_service'],
  from: ['10.0.0.1:3702'],
  interfaces: ['eth0'],
  ...change,
});

const reply = (cameras: DiscoveredCamera[], change: Partial<CamerasDiscoverResult> = {}): CamerasDiscoverResult => ({
  cameras,
  total: cameras.length,
  complete: true,
  networks: [{ name: 'eth0', address: '10.0.0.9', asked: true, port: 33_702 }],
  ...change,
});

/** A node that tells `events` on the way and then replies. */
function rig(result: unknown, events: [string, unknown][] = []) {
  const { world, terminal } = fakeWorld();
  const asked: [string, unknown][] = [];
  const open = (method: string, params: unknown): OpenStream => {
    asked.push([method, params]);
    const listeners: ((name: string, params: unknown) => void)[] = [];
    return {
      result: Promise.resolve(result),
      onEvent: (listener) => void listeners.push(listener),
      units: {
        [Symbol.asyncIterator]: () => ({
          async next() {
            for (const [name, told] of events) for (const listener of listeners) listener(name, told);
            return { done: true, value: undefined };
          },
        }),
      },
      cancel() {},
    };
  };
  const reach = <T>(work: (client: NvrClient) => Promise<T>) => work({ connection: { open } } as unknown as NvrClient);
  return { world, terminal, asked, reach };
}

test('the node is asked for what was wished, and its cameras stand in a table, harmlessly, with what to do next', async () => {
  const cameras = [
    row({ name: 'Yard\u200b', configured: 'yard' }),
    row({
      device: 'urn:b',
      urls: ['http://10.0.0.2/x'],
      from: ['10.0.0.2:3702', '10.0.0.66:3702'],
      hardware: 'IPC',
    }),
  ];
  const { world, terminal, asked, reach } = rig(reply(cameras, { complete: false }), [
    ['cameras.found', cameras[1]],
    ['cameras.found', cameras[1]],
    ['cameras.found', { device: 7 }],
    ['other', {}],
  ]);
  await cameraDiscoverCommand(world, reach, { interface: ['eth0', '10.1.0.2'], seconds: '5' });
  assert.deepEqual(asked, [['cameras.discover@1', { seconds: 5, interfaces: ['eth0', '10.1.0.2'] }]]);
  assert.deepEqual(terminal.stdout.split('\n'), [
    'NAME   HARDWARE  ADDRESS              URL                                   CONFIGURED',
    'Yard?  -         10.0.0.1             http://10.0.0.1/onvif/device_service  yard',
    '-      IPC       10.0.0.2, 10.0.0.66  http://10.0.0.2/x                     no',
    '',
  ]);
  assert.match(terminal.stderr, /^looking for cameras for 5 seconds …\n {2}IPC at 10\.0\.0\.2, 10\.0\.0\.66\n/);
  assert.match(terminal.stderr, /more answered than are told/);
  assert.match(terminal.stderr, /one answered from two addresses/);
  assert.match(terminal.stderr, /next: source add ID --onvif http:\/\/10\.0\.0\.2\/x --username NAME\n$/);
});

test('json is the reply with all cameras that were told on the way, and nothing else', async () => {
  const told = Array.from({ length: 60 }, (_, i) => row({ device: `urn:${i}` }));
  const result = reply(told.slice(0, 40), { total: 60 });
  const { world, terminal, reach } = rig(
    result,
    told.map((camera) => ['cameras.found', camera]),
  );
  await cameraDiscoverCommand(world, reach, { json: true });
  assert.deepEqual(JSON.parse(terminal.stdout), { ...result, cameras: told });
  assert.equal(terminal.stderr, '');
});

test('where nobody answered it is said what to see to', async () => {
  const none = rig(reply([]));
  await cameraDiscoverCommand(none.world, none.reach, {});
  assert.match(none.terminal.stderr, /no camera answered\n {2}next: .*UDP port 33702; or name one: --host HOST\n$/);
  assert.equal(none.terminal.stdout, '');
  const cut = rig(reply([], { networks: [{ name: 'eth0', address: '10.0.0.9', asked: false, port: 0 }] }));
  await cameraDiscoverCommand(cut.world, cut.reach, {});
  assert.match(cut.terminal.stderr, /eth0 \(10\.0\.0\.9\) could not be asked/);
  const all = rig(reply([row({ configured: 'yard' })]));
  await cameraDiscoverCommand(all.world, all.reach, {});
  assert.match(all.terminal.stderr, /all of them are configured/);
});

test('of a host that was named it is told in words what answers there', async () => {
  const url = 'http://10.0.0.7/onvif/device_service';
  const cases: [Partial<NonNullable<CamerasDiscoverResult['host']>>, RegExp, RegExp][] = [
    [
      { onvif: 'answers', manufacturer: 'Acme', model: 'Eye' },
      /ONVIF answers at .*: Acme Eye$/m,
      /source add ID --onvif/,
    ],
    [{ onvif: 'protected' }, /wants a user/, /source add ID --onvif/],
    [{ onvif: 'other' }, /does not speak ONVIF/, /switched on/],
    [{ onvif: 'silent' }, /nobody answers at/, /switched on/],
  ];
  for (const [host, said, next] of cases) {
    const { world, terminal, asked, reach } = rig(reply([], { host: { url, onvif: 'silent', ...host } }));
    await cameraDiscoverCommand(world, reach, { host: '10.0.0.7', seconds: '1' });
    assert.deepEqual(asked[0]?.[1], { seconds: 1, host: '10.0.0.7' });
    assert.match(terminal.stdout, said);
    assert.match(terminal.stderr, /^asking 10\.0\.0\.7 for a second …/);
    assert.match(terminal.stderr, next);
  }
});

test('what cannot be meant is refused before anybody is asked, and a reply that is none is said', async () => {
  for (const options of [
    { seconds: '0' },
    { seconds: '11' },
    { seconds: 'x' },
    { host: 'http://x/' },
    { host: 'a b' },
    { host: '10.0.0.1:65536' },
    { interface: ['eth 0'] },
  ]) {
    const { world, asked, reach } = rig(reply([]));
    await assert.rejects(
      cameraDiscoverCommand(world, reach, options),
      { code: 'ERR_CLI_USAGE' },
      JSON.stringify(options),
    );
    assert.deepEqual(asked, []);
  }
  const { world, reach } = rig({ cameras: 'many' });
  await assert.rejects(cameraDiscoverCommand(world, reach, {}), { code: 'ERR_CLI_REPLY', kind: 'corrupt' });
});

/** A network with one camera at 10.0.0.1. */
function network() {
  const opened: unknown[] = [];
  const camera: DatagramAddress = { host: '10.0.0.1', port: 3702, family: 4 };
  const datagrams: Datagrams = {
    async open(options) {
      opened.push(options);
      let listener: ((bytes: Uint8Array, from: DatagramAddress) => void) | null = null;
      return {
        local: { ...options, family: 4 },
        onDatagram: (take) => {
          listener = take;
        },
        send: async (bytes) => {
          listener?.(utf8(answerTo(idOf(bytes), { urls: 'http://10.0.0.1/onvif/device_service' })), camera);
          return true;
        },
        close: async () => {},
      };
    },
    resolve: async (host) => [{ host, family: 4 }],
  };
  const deps: DiscoverNetworkDeps = {
    datagrams,
    networks: () => [{ name: 'eth0', address: '10.0.0.9', internal: false }],
    driverOf: () =>
      ({
        time: async () => {
          throw new CameraError('unreachable');
        },
      }) as unknown as CameraDriver,
  };
  return { deps, opened };
}

test('without a node it looks by itself, from the port that is wished or configured, and knows the sources of the folder', async () => {
  const config = [
    'cameras: { discovery_port: 34000 }',
    'sources:',
    '  yard: { url: "rtsp://10.0.0.1/live" }',
    '  made: { virtual: {} }',
    '',
  ].join('\n');
  for (const [text, options, port, configured] of [
    [null, {}, 33_702, undefined],
    [config, {}, 34_000, 'yard'],
    [config, { port: '0' }, 0, 'yard'],
    ['sources: [', {}, 33_702, undefined],
  ] as const) {
    const { world, terminal, clock, files } = fakeWorld();
    if (text) files.poke('/data/config.yaml', utf8(text));
    const { deps, opened } = network();
    const searching = discoverCommand(world, deps, { json: true, ...options });
    for (let i = 0; i < 40; i++) {
      await new Promise((resolve) => setImmediate(resolve));
      await clock.advance(100);
    }
    await searching;
    assert.deepEqual(opened, [{ host: '10.0.0.9', port, multicast: { through: '10.0.0.9' } }]);
    const { cameras } = JSON.parse(terminal.stdout) as CamerasDiscoverResult;
    assert.deepEqual(cameras, [
      {
        device: 'urn:uuid:camera',
        urls: ['http://10.0.0.1/onvif/device_service'],
        from: ['10.0.0.1:3702'],
        interfaces: ['eth0'],
        ...(configured ? { configured } : {}),
      },
    ]);
    assert.equal(/cannot be read/.test(terminal.stderr), text === 'sources: [');
  }
  const { world } = fakeWorld();
  for (const port of ['x', '65536', '-1']) {
    await assert.rejects(discoverCommand(world, network().deps, { port }), { code: 'ERR_CLI_USAGE' });
  }
});

test('Ctrl-C ends it', async () => {
  const interrupt = new AbortController();
  const { world } = fakeWorld({ interrupt: interrupt.signal });
  const searching = discoverCommand(world, network().deps, { json: true });
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
  interrupt.abort();
  await assert.rejects(searching, { kind: 'cancelled' });
});
