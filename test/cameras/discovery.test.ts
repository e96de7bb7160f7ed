import assert from 'node:assert/strict';
import { test } from 'node:test';
import { utf8 } from '../../src/bytes/index.ts';
import {
  type CameraDriver,
  CameraError,
  createCameraDiscovery,
  type DiscoveryDeps,
  type DiscoveryOptions,
  type KnownCamera,
} from '../../src/cameras/index.ts';
import { NvrError } from '../../src/errors.ts';
import {
  type DatagramAddress,
  type DatagramSocket,
  type Datagrams,
  SeededRandom,
  SimulatedClock,
  silentLog,
} from '../../src/platform/index.ts';
import { createNodeClock, createNodeDatagrams } from '../../src/platform/node/index.ts';
import {
  type CamerasDiscoverResult,
  checkResult,
  type DiscoveredCamera,
  RESULT_BYTES_MAX,
  type SourceId,
} from '../../src/protocol/index.ts';
import { answerTo, createResponder, idOf } from './responder.ts';

const at = (host: string, port = 3702): DatagramAddress => ({ host, port, family: host.includes(':') ? 6 : 4 });

type Open = Parameters<Datagrams['open']>[0];

/** Datagrams in memory: what was sent, and a way to answer. */
class FakeDatagrams implements Datagrams {
  sent: { from: string; bytes: Uint8Array; to: DatagramAddress }[] = [];
  listeners = new Map<string, (bytes: Uint8Array, from: DatagramAddress) => void>();
  opened: Open[] = [];
  closed = 0;
  refuse: (open: Open) => boolean = () => false;
  names = new Map<string, string[]>();
  /** Opens that never come back. */
  hang = false;
  /** Nothing leaves. */
  mute = false;

  async open(options: Open): Promise<DatagramSocket> {
    if (this.hang) await new Promise(() => {});
    if (this.refuse(options)) throw new NvrError('ERR_DATAGRAMS_BIND', 'unavailable', 'no such address');
    this.opened.push(options);
    const { host, port } = options;
    return {
      local: at(host, port || 40_000),
      onDatagram: (listener) => void this.listeners.set(host, listener),
      send: async (bytes, to) => {
        this.sent.push({ from: host, bytes, to });
        return !this.mute;
      },
      close: async () => {
        this.closed += 1;
        this.listeners.delete(host);
      },
    };
  }

  async resolve(host: string) {
    return (this.names.get(host) ?? []).map((each) => ({ host: each, family: at(each).family }));
  }

  /** An answer that comes in at each socket, or at that of one local address. */
  answer(text: string | Uint8Array, from: DatagramAddress, through?: string): void {
    for (const [host, listener] of this.listeners) {
      if (through === undefined || host === through) listener(typeof text === 'string' ? utf8(text) : text, from);
    }
  }
}

const noDriver = () => assert.fail('nobody named a host');

async function rig(
  options: { hosts?: string[]; known?: KnownCamera[]; driverOf?: DiscoveryDeps['driverOf'] } & DiscoveryOptions = {},
) {
  const { hosts = ['192.168.1.2'], known = [], driverOf = noDriver, ...rest } = options;
  const clock = new SimulatedClock();
  const datagrams = new FakeDatagrams();
  const networks = () => [
    { name: 'lo', address: '127.0.0.1', internal: true },
    ...hosts.map((address, i) => ({ name: `eth${i}`, address, internal: false })),
  ];
  const discovery = createCameraDiscovery(
    { clock, random: new SeededRandom(1), log: silentLog, datagrams, networks, driverOf, known: () => known },
    rest,
  );
  const settle = async () => {
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
  };
  const pass = async (ms: number) => {
    await settle();
    await clock.advance(ms);
    await settle();
  };
  return { clock, datagrams, discovery, settle, pass };
}

const groupOf = ({ datagrams }: { datagrams: FakeDatagrams }, i = 0) => idOf(datagrams.sent.at(i)!.bytes);

test('every network is asked for both types, twice, from the one port, and whoever answers is told at once and at the end', async () => {
  const { clock, datagrams, discovery, settle, pass } = await rig({
    hosts: ['192.168.1.2', '10.0.0.2', '192.168.1.2'],
  });
  const told: string[] = [];
  const found = discovery.discover({}, { onFound: ({ device }) => told.push(device) });
  await settle();
  assert.deepEqual(datagrams.opened, [
    { host: '192.168.1.2', port: 33_702, multicast: { through: '192.168.1.2' } },
    { host: '10.0.0.2', port: 33_702, multicast: { through: '10.0.0.2' } },
  ]);
  assert.equal(datagrams.sent.length, 4);
  for (const { to } of datagrams.sent) assert.deepEqual(to, { host: '239.255.255.250', port: 3702, family: 4 });
  const id = groupOf({ datagrams });
  datagrams.answer(answerTo(id, { device: 'urn:b', urls: 'http://192.168.1.10/a' }), at('192.168.1.10'), '192.168.1.2');
  datagrams.answer(answerTo(id, { device: 'urn:a', urls: 'http://192.168.1.9/a' }), at('192.168.1.9'), '192.168.1.2');
  assert.deepEqual(told, ['urn:b', 'urn:a']);
  await pass(300);
  assert.equal(datagrams.sent.length, 8);
  const [first, second] = [datagrams.sent.slice(0, 4), datagrams.sent.slice(4)];
  assert.deepEqual(new Set(second.map(({ bytes }) => idOf(bytes))), new Set(first.map(({ bytes }) => idOf(bytes))));
  await pass(2_699);
  datagrams.answer(
    answerTo(idOf(second[1]!.bytes), { device: 'urn:c', urls: 'http://10.0.0.11/' }),
    at('10.0.0.11'),
    '10.0.0.2',
  );
  await clock.advance(1);
  await settle();
  assert.deepEqual(await found, {
    cameras: [
      { device: 'urn:c', urls: ['http://10.0.0.11/'], from: ['10.0.0.11:3702'], interfaces: ['eth1'] },
      { device: 'urn:a', urls: ['http://192.168.1.9/a'], from: ['192.168.1.9:3702'], interfaces: ['eth2'] },
      { device: 'urn:b', urls: ['http://192.168.1.10/a'], from: ['192.168.1.10:3702'], interfaces: ['eth2'] },
    ],
    total: 3,
    complete: true,
    networks: [
      { name: 'eth2', address: '192.168.1.2', asked: true, port: 33_702 },
      { name: 'eth1', address: '10.0.0.2', asked: true, port: 33_702 },
    ],
  });
  assert.equal(datagrams.closed, 2);
});

test('one camera is one row: its URLs, addresses and interfaces gather, those at its own address first', async () => {
  const known = [
    { source: 'yard' as SourceId, hosts: ['10.0.0.5'], endpoint: null },
    { source: 'gate' as SourceId, hosts: ['192.168.9.9'], endpoint: 'URN:UUID:B' },
  ];
  const { datagrams, discovery, settle, pass } = await rig({ hosts: ['192.168.1.2', '10.0.0.2'], known });
  const told: DiscoveredCamera[] = [];
  const found = discovery.discover({}, { onFound: (camera) => told.push(camera) });
  await settle();
  const id = groupOf({ datagrams });
  const answer = (urls: string, from: string, through: string, scopes = '', device = 'urn:uuid:A') =>
    datagrams.answer(answerTo(id, { device, urls, scopes }), at(from), through);
  answer('http://cam.local/x http://10.0.0.5/x', '10.0.0.5', '10.0.0.2');
  answer('http://10.0.0.5/x', '10.0.0.5', '10.0.0.2'); // nothing new
  answer(
    'https://192.168.1.5/x http://x/y',
    '192.168.1.5',
    '192.168.1.2',
    'onvif://www.onvif.org/name/Yard',
    'urn:uuid:a',
  );
  answer('http://192.168.1.7/x', '192.168.1.7', '192.168.1.2'); // a third address, in its name
  answer('http://192.168.1.8/', '192.168.1.8', '192.168.1.2', '', 'urn:uuid:b');
  await pass(3_000);
  const row = {
    device: 'urn:uuid:A',
    urls: ['http://10.0.0.5/x', 'https://192.168.1.5/x', 'http://cam.local/x'],
    from: ['10.0.0.5:3702', '192.168.1.5:3702'],
    interfaces: ['eth1', 'eth0'],
    name: 'Yard',
    configured: 'yard',
  };
  const { cameras, total } = await found;
  assert.equal(total, 2);
  assert.deepEqual(cameras[0], row);
  assert.deepEqual(cameras[1]?.configured, 'gate', 'known by its endpoint reference');
  assert.equal(told.length, 3, 'told when new, and when something came to it');
  assert.deepEqual(told[1], row);
});

test('answers that keep coming do not make it longer, and it lasts as long as was wished', async () => {
  const { clock, datagrams, discovery, settle } = await rig();
  for (const [wish, seconds] of [
    [{}, 3],
    [{ seconds: 1 }, 1],
    [{ seconds: 10 }, 10],
  ] as const) {
    let over = false;
    const found = discovery.discover(wish).finally(() => {
      over = true;
    });
    await settle();
    for (let ms = 0; ms < seconds * 1000 - 10; ms += 10) {
      datagrams.answer('<noise/>', at('10.9.9.9'));
      await clock.advance(10);
    }
    await settle();
    assert.equal(over, false);
    await clock.advance(10);
    await settle();
    assert.equal(over, true);
    const { cameras, total, complete } = await found;
    assert.deepEqual({ cameras, total, complete }, { cameras: [], total: 0, complete: false });
  }
});

test('a flood is cut: per address, in all, and in cameras; the largest reply still fits', async () => {
  const { datagrams, discovery, settle, pass } = await rig();
  const told = new Map<string, DiscoveredCamera>();
  const found = discovery.discover({}, { onFound: (camera) => told.set(camera.device, camera) });
  await settle();
  const id = groupOf({ datagrams });
  for (let i = 0; i < 100; i++) {
    datagrams.answer(answerTo(id, { device: `urn:flood${i}`, urls: `http://10.0.0.1/${i}` }), at('10.0.0.1'));
  }
  const wide = '\u4e2d'.repeat(64);
  const scopes = `onvif://www.onvif.org/name/${encodeURIComponent(wide)} onvif://www.onvif.org/hardware/${encodeURIComponent(wide)}`;
  for (let i = 0; i < 3_000; i++) {
    const host = `192.168.${i >> 8}.${i & 255}`;
    const url = (letter: string) => `http://${host}/${letter.repeat(196 - host.length - 9)}`;
    const urls = ['x', 'y', 'z', 'w'].map(url).join(' ');
    datagrams.answer(answerTo(id, { device: `${i}`.padEnd(100, 'd'), urls, scopes }), at(host, 65_000));
  }
  await pass(3_000);
  const result = await found;
  assert.equal(result.complete, false);
  assert.equal(result.cameras.length, 40);
  assert.equal(result.total, 256);
  assert.equal(told.size, 256);
  assert.equal([...told.values()].filter(({ from }) => from[0]!.startsWith('10.0.0.1:')).length, 16);
  assert.deepEqual(checkResult('cameras.discover', result), { result });
  assert.ok(utf8(JSON.stringify(result)).length < RESULT_BYTES_MAX);
});

test('answers to nobody, of another search and of strangers are left out; the same camera is told once', async () => {
  const { datagrams, discovery, settle, pass } = await rig();
  const first = discovery.discover();
  await settle();
  const old = groupOf({ datagrams });
  await pass(3_000);
  await first;
  const found = discovery.discover();
  await settle();
  const id = groupOf({ datagrams }, -1);
  assert.notEqual(id, old);
  for (let i = 0; i < 3; i++) datagrams.answer(answerTo(id, {}), at('10.0.0.1'));
  datagrams.answer(answerTo(old, { device: 'urn:late' }), at('10.0.0.2'));
  datagrams.answer(answerTo('uuid:00000000-0000-4000-8000-000000000000', { device: 'urn:guess' }), at('10.0.0.3'));
  await pass(3_000);
  assert.deepEqual((await found).cameras, [
    { device: 'urn:uuid:camera', urls: ['http://10.0.0.1/'], from: ['10.0.0.1:3702'], interfaces: ['eth0'] },
  ]);
});

test('those who wish the same at the same time share one search, and who comes later hears what was told before', async () => {
  const { datagrams, discovery, settle, pass } = await rig();
  const told: string[] = [];
  const listen = (who: string) => ({ onFound: ({ device }: DiscoveredCamera) => told.push(`${who} ${device}`) });
  const first = discovery.discover({}, listen('a'));
  await settle();
  datagrams.answer(answerTo(groupOf({ datagrams }), {}), at('10.0.0.1'));
  const second = discovery.discover({ seconds: 3 }, listen('b'));
  await settle();
  assert.equal(datagrams.opened.length, 1);
  assert.deepEqual(told, ['a urn:uuid:camera', 'b urn:uuid:camera']);
  await pass(3_000);
  assert.deepEqual(await first, await second);
  const again = discovery.discover();
  await pass(3_000);
  assert.equal(datagrams.opened.length, 2);
  await again;
});

test('another wish waits for the search that goes on, and too many are refused', async () => {
  const { datagrams, discovery, settle, pass } = await rig();
  const waiting = Array.from({ length: 9 }, (_, i) => discovery.discover({ seconds: i + 1 }));
  await settle();
  assert.equal(datagrams.opened.length, 1);
  await assert.rejects(discovery.discover({ seconds: 10 }), { code: 'ERR_CAMERAS_BUSY', kind: 'exhausted' });
  await pass(1_000);
  assert.equal(datagrams.opened.length, 2);
  assert.equal(datagrams.closed, 1, 'never two at once');
  for (let i = 2; i <= 9; i++) await pass(i * 1_000);
  await Promise.all(waiting);
  assert.equal(datagrams.opened.length, 9);
  assert.equal(datagrams.closed, 9);
});

test('a search that nobody waits for any more ends, and one that somebody waits for goes on', async () => {
  const { datagrams, discovery, settle, pass } = await rig();
  const [one, two] = [new AbortController(), new AbortController()];
  const leaving = discovery.discover({}, { signal: one.signal });
  const staying = discovery.discover({}, { signal: two.signal });
  await settle();
  one.abort();
  await assert.rejects(leaving, { kind: 'cancelled' });
  assert.equal(datagrams.closed, 0);
  two.abort();
  await assert.rejects(staying, { kind: 'cancelled' });
  await settle();
  assert.equal(datagrams.closed, 1);
  const next = discovery.discover({ seconds: 1 });
  await pass(1_000);
  assert.equal((await next).complete, true, 'at once, not after the time of the one that ended');
});

test('networks that cannot be asked are told; where none can be, that is an error', async () => {
  const { datagrams, discovery, pass } = await rig({ hosts: ['10.0.0.1', '10.0.0.2'] });
  datagrams.refuse = ({ host }) => host === '10.0.0.1';
  const found = discovery.discover();
  await pass(3_000);
  assert.deepEqual((await found).networks, [
    { name: 'eth0', address: '10.0.0.1', asked: false, port: 0 },
    { name: 'eth1', address: '10.0.0.2', asked: true, port: 33_702 },
  ]);
  datagrams.refuse = () => true;
  await assert.rejects(discovery.discover(), { code: 'ERR_CAMERAS_SEARCH', kind: 'unavailable' });
  datagrams.refuse = () => false;
  datagrams.mute = true;
  const mute = discovery.discover();
  mute.catch(() => {});
  await pass(3_000);
  await assert.rejects(mute, { code: 'ERR_CAMERAS_SEARCH', kind: 'unavailable' });
  datagrams.mute = false;
  datagrams.hang = true;
  const hanging = discovery.discover();
  await pass(3_000);
  assert.deepEqual(
    (await hanging).networks.map(({ asked }) => asked),
    [false, false],
  );
});

test('where somebody else has the port, another one is used and told; 0 is any', async () => {
  const taken = await rig();
  taken.datagrams.refuse = ({ port }) => port === 33_702;
  const found = taken.discovery.discover();
  await taken.pass(3_000);
  assert.deepEqual((await found).networks, [{ name: 'eth0', address: '192.168.1.2', asked: true, port: 40_000 }]);
  const free = await rig({ port: 0 });
  void free.discovery.discover();
  await free.settle();
  assert.equal(free.datagrams.opened[0]?.port, 0);
});

test('a machine without addresses asks wherever the system sends it, and never more than sixteen networks', async () => {
  const none = await rig({ hosts: [] });
  void none.discovery.discover();
  await none.settle();
  assert.deepEqual(none.datagrams.opened, [{ host: '0.0.0.0', port: 33_702 }]);
  const many = await rig({ hosts: Array.from({ length: 40 }, (_, i) => `10.0.${i}.1`) });
  void many.discovery.discover();
  await many.settle();
  assert.equal(many.datagrams.opened.length, 16);
});

test('interfaces are chosen by name or address, loopback only so; a wish goes before the configuration', async () => {
  const hosts = ['192.168.1.2', '10.0.0.2'];
  for (const [options, wish, opened] of [
    [{}, { interfaces: ['eth1'] }, ['10.0.0.2']],
    [{}, { interfaces: ['192.168.1.2', 'eth0', 'lo'] }, ['127.0.0.1', '192.168.1.2']],
    [{ interfaces: ['eth1'] }, {}, ['10.0.0.2']],
    [{ interfaces: ['eth1'] }, { interfaces: ['eth0'] }, ['192.168.1.2']],
  ] as const) {
    const { datagrams, discovery, settle } = await rig({ hosts, ...options });
    void discovery.discover(wish);
    await settle();
    assert.deepEqual(
      datagrams.opened.map(({ host }) => host),
      opened,
    );
  }
  const { discovery } = await rig({ hosts });
  await assert.rejects(discovery.discover({ interfaces: ['eth7'] }), {
    code: 'ERR_CAMERAS_INTERFACE',
    kind: 'missing',
  });
});

/** A driver that answers two questions, and none of the others. */
function driver(time: () => Promise<number>, identify: () => Promise<string | null>): CameraDriver {
  return {
    time: async () => ({ cameraAt: await time(), nodeAt: 0, uncertaintyMs: 500 }),
    identify: async () => {
      const model = await identify();
      return { hardwareId: 'S1', manufacturer: 'Acme', model, firmware: null, endpoint: null };
    },
  } as CameraDriver;
}

test('a host that is named is asked by itself, without credentials, and nobody else may answer for it', async () => {
  const orders: unknown[] = [];
  const driverOf: DiscoveryDeps['driverOf'] = (order) => {
    orders.push(order);
    return driver(
      async () => 1_795_000_000_123,
      async () => 'Eye 2',
    );
  };
  const { datagrams, discovery, settle, pass } = await rig({ driverOf });
  datagrams.names.set('cam.example', ['203.0.113.5', 'fd00::5']);
  const found = discovery.discover({ host: 'cam.example:8000', seconds: 1 });
  await settle();
  assert.deepEqual(datagrams.opened, [
    { host: '0.0.0.0', port: 33_702 },
    { host: '::', port: 33_702 },
  ]);
  assert.deepEqual([...new Set(datagrams.sent.map(({ to }) => `${to.host} ${to.port}`))].sort(), [
    '203.0.113.5 3702',
    'fd00::5 3702',
  ]);
  const id = groupOf({ datagrams });
  datagrams.answer(answerTo(id, { urls: 'http://[fd00::5]/x' }), at('fd00::5'), '::');
  datagrams.answer(answerTo(id, { device: 'urn:liar', urls: 'http://10.0.0.9/x' }), at('10.0.0.9'), '0.0.0.0');
  await pass(1_000);
  const result = await found;
  assert.deepEqual(result.cameras, [
    { device: 'urn:uuid:camera', urls: ['http://[fd00::5]/x'], from: ['[fd00::5]:3702'], interfaces: ['any'] },
  ]);
  assert.deepEqual(result.host, {
    url: 'http://cam.example:8000/onvif/device_service',
    onvif: 'answers',
    cameraAt: 1_795_000_000_123,
    manufacturer: 'Acme',
    model: 'Eye 2',
  });
  assert.deepEqual(orders, [
    { service: 'http://cam.example:8000/onvif/device_service', credentials: null, hardwareId: null },
  ]);
  assert.deepEqual(checkResult('cameras.discover', result), { result });
  await assert.rejects(discovery.discover({ host: 'nowhere.example' }), { code: 'ERR_CAMERAS_HOST', kind: 'missing' });
  for (const host of ['', '/x', 'a b', 'http://x', '[::1', 'x:99999']) {
    await assert.rejects(discovery.discover({ host }), { code: 'ERR_CAMERAS_HOST' }, host);
  }
});

test('of a host it is told whether ONVIF answers, wants a user, is something else, or silent', async () => {
  const failing = (trouble: ConstructorParameters<typeof CameraError>[0]) => async () => {
    throw new CameraError(trouble);
  };
  const fine = async () => 1_000;
  const never = () => new Promise<never>(() => {});
  const cases: [CameraDriver, NonNullable<CamerasDiscoverResult['host']>['onvif']][] = [
    [driver(fine, failing('unauthorized')), 'protected'],
    [driver(fine, failing('malformed')), 'protected'],
    [driver(fine, never), 'protected'],
    [driver(failing('unauthorized'), never), 'protected'],
    [driver(failing('malformed'), never), 'other'],
    [driver(failing('refused'), never), 'other'],
    [driver(failing('unreachable'), never), 'silent'],
    [driver(never, never), 'silent'],
  ];
  for (const [asked, onvif] of cases) {
    const { datagrams, discovery, pass } = await rig({ driverOf: () => asked });
    datagrams.names.set('10.0.0.7', ['10.0.0.7']);
    const found = discovery.discover({ host: '10.0.0.7', seconds: 1 });
    await pass(1_000);
    const { host } = await found;
    assert.equal(host?.onvif, onvif);
    assert.equal(host?.url, 'http://10.0.0.7/onvif/device_service');
  }
});

for (const group of [undefined, '239.255.255.250']) {
  test(`a camera on loopback is found over real datagrams, asked by ${group ?? 'its address'}`, async () => {
    const responder = await createResponder(
      (id, probe) => [
        answerTo(id, { urls: 'http://127.0.0.1:8000/onvif/device_service', scopes: 'onvif://www.onvif.org/name/Loop' }),
        'noise',
        probe,
        new Uint8Array(0),
      ],
      group ? { group } : {},
    );
    const deps = {
      clock: createNodeClock(),
      random: new SeededRandom(7),
      log: silentLog,
      datagrams: createNodeDatagrams(),
    };
    const networks = () => [{ name: 'lo', address: '127.0.0.1', internal: true }];
    const discovery = createCameraDiscovery(
      { ...deps, networks, driverOf: noDriver },
      { target: responder.target, port: 0 },
    );
    try {
      const began = performance.now();
      const { cameras, complete } = await discovery.discover({ interfaces: ['lo'], seconds: 1 });
      assert.ok(performance.now() - began < 2_500);
      assert.deepEqual(cameras, [
        {
          device: 'urn:uuid:camera',
          urls: ['http://127.0.0.1:8000/onvif/device_service'],
          from: [responder.from],
          interfaces: ['lo'],
          name: 'Loop',
        },
      ]);
      assert.equal(complete, true);
      assert.equal(responder.probes.length, 4);
    } finally {
      await responder.stop();
    }
  });
}
