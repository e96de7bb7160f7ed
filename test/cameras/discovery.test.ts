import assert from 'node:assert/strict';
import { test } from 'node:test';
import { utf8 } from '../../src/bytes/index.ts';
import { createCameraDiscovery } from '../../src/cameras/index.ts';
import {
  type DatagramAddress,
  type DatagramSocket,
  type Datagrams,
  SeededRandom,
  SimulatedClock,
  silentLog,
} from '../../src/platform/index.ts';
import { createNodeClock, createNodeDatagrams } from '../../src/platform/node/index.ts';
import { checkResult, RESULT_BYTES_MAX } from '../../src/protocol/index.ts';
import { answerTo, createResponder, idOf } from './responder.ts';

const at = (host: string, port = 3702): DatagramAddress => ({ host, port, family: 4 });

/** Datagrams in memory: what was sent, and a way to answer. */
class FakeDatagrams implements Datagrams {
  sent: { from: string; bytes: Uint8Array; to: DatagramAddress }[] = [];
  listeners: ((bytes: Uint8Array, from: DatagramAddress) => void)[] = [];
  opened: string[] = [];
  closed = 0;
  refuse: (host: string) => boolean = () => false;
  /** Opens that never come back. */
  hang = false;

  async open({ host, port }: { host: string; port: number }): Promise<DatagramSocket> {
    if (this.hang) await new Promise(() => {});
    if (this.refuse(host)) throw new Error('no such address');
    this.opened.push(host);
    assert.equal(port, 0);
    return {
      local: at(host, 4000),
      onDatagram: (listener) => void this.listeners.push(listener),
      send: async (bytes, to) => {
        this.sent.push({ from: host, bytes, to });
        return true;
      },
      close: async () => {
        this.closed += 1;
      },
    };
  }

  async resolve() {
    return [];
  }

  answer(text: string | Uint8Array, from: DatagramAddress): void {
    for (const listener of this.listeners) listener(typeof text === 'string' ? utf8(text) : text, from);
  }
}

async function rig(options: { hosts?: string[]; random?: number } = {}) {
  const clock = new SimulatedClock();
  const datagrams = new FakeDatagrams();
  const deps = { clock, random: new SeededRandom(options.random ?? 1), log: silentLog, datagrams };
  const discovery = createCameraDiscovery({ ...deps, localAddresses: () => options.hosts ?? ['192.168.1.2'] });
  const settle = async () => {
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
  };
  return { clock, datagrams, discovery, settle };
}

test('every network is asked for both types, twice, and whoever answers is told after three seconds', async () => {
  const { clock, datagrams, discovery, settle } = await rig({ hosts: ['192.168.1.2', '10.0.0.2', '192.168.1.2'] });
  const found = discovery.discover();
  await settle();
  assert.deepEqual(datagrams.opened, ['192.168.1.2', '10.0.0.2']);
  assert.equal(datagrams.sent.length, 4);
  for (const { to } of datagrams.sent) assert.deepEqual(to, { host: '239.255.255.250', port: 3702, family: 4 });
  const id = idOf(datagrams.sent[0]!.bytes);
  datagrams.answer(answerTo(id, { device: 'urn:b', urls: 'http://192.168.1.10/a' }), at('192.168.1.10'));
  datagrams.answer(answerTo(id, { device: 'urn:a', urls: 'http://192.168.1.9/a' }), at('192.168.1.9'));
  await clock.advance(300);
  await settle();
  assert.equal(datagrams.sent.length, 8);
  const [first, second] = [datagrams.sent.slice(0, 4), datagrams.sent.slice(4)];
  assert.deepEqual(new Set(second.map(({ bytes }) => idOf(bytes))), new Set(first.map(({ bytes }) => idOf(bytes))));
  await clock.advance(2_699);
  await settle();
  datagrams.answer(
    answerTo(idOf(second[1]!.bytes), { device: 'urn:c', urls: 'http://192.168.1.11/' }),
    at('192.168.1.11'),
  );
  await clock.advance(1);
  await settle();
  assert.deepEqual(await found, {
    cameras: [
      { endpoint: 'http://192.168.1.9/a', from: '192.168.1.9:3702', device: 'urn:a' },
      { endpoint: 'http://192.168.1.10/a', from: '192.168.1.10:3702', device: 'urn:b' },
      { endpoint: 'http://192.168.1.11/', from: '192.168.1.11:3702', device: 'urn:c' },
    ],
    complete: true,
  });
  assert.equal(datagrams.closed, 2);
});

test('answers that keep coming do not make it longer', async () => {
  const { clock, datagrams, discovery, settle } = await rig();
  let over = false;
  const found = discovery.discover().finally(() => {
    over = true;
  });
  await settle();
  for (let ms = 0; ms < 2_990; ms += 10) {
    datagrams.answer('<noise/>', at('10.9.9.9'));
    await clock.advance(10);
  }
  await settle();
  assert.equal(over, false);
  await clock.advance(10);
  await settle();
  assert.equal(over, true);
  assert.deepEqual(await found, { cameras: [], complete: false });
});

test('a flood is cut: per address, in all, and in cameras; the largest reply still fits', async () => {
  const { clock, datagrams, discovery, settle } = await rig();
  const found = discovery.discover();
  await settle();
  const id = idOf(datagrams.sent[0]!.bytes);
  for (let i = 0; i < 100; i++) {
    datagrams.answer(answerTo(id, { device: `urn:flood${i}`, urls: `http://10.0.0.1/${i}` }), at('10.0.0.1'));
  }
  const wide = '\u4e2d'.repeat(64);
  const scopes = `onvif://www.onvif.org/name/${encodeURIComponent(wide)} onvif://www.onvif.org/hardware/${encodeURIComponent(wide)}`;
  for (let i = 0; i < 2_000; i++) {
    const host = `192.168.${i >> 8}.${i & 255}`;
    const urls = `http://${host}/${'x'.repeat(196 - host.length - 9)}`;
    datagrams.answer(answerTo(id, { device: `${i}`.padEnd(100, 'd'), urls, scopes }), at(host, 65_000));
  }
  await clock.advance(3_000);
  await settle();
  const result = await found;
  assert.equal(result.complete, false);
  assert.equal(result.cameras.length, 64);
  assert.equal(result.cameras.filter(({ from }) => from.startsWith('10.0.0.1:')).length, 16);
  assert.deepEqual(checkResult('cameras.discover', result), { result });
  assert.ok(utf8(JSON.stringify(result)).length < RESULT_BYTES_MAX);
});

test('answers to nobody, of another search and of strangers are left out; the same camera is told once', async () => {
  const { clock, datagrams, discovery, settle } = await rig();
  const first = discovery.discover();
  await settle();
  const old = idOf(datagrams.sent[0]!.bytes);
  await clock.advance(3_000);
  await settle();
  await first;
  const found = discovery.discover();
  await settle();
  const id = idOf(datagrams.sent.at(-1)!.bytes);
  assert.notEqual(id, old);
  for (let i = 0; i < 3; i++) datagrams.answer(answerTo(id, {}), at('10.0.0.1'));
  datagrams.answer(answerTo(old, { device: 'urn:late' }), at('10.0.0.2'));
  datagrams.answer(answerTo('uuid:00000000-0000-4000-8000-000000000000', { device: 'urn:guess' }), at('10.0.0.3'));
  await clock.advance(3_000);
  await settle();
  assert.deepEqual((await found).cameras, [
    { endpoint: 'http://10.0.0.1/', from: '10.0.0.1:3702', device: 'urn:uuid:camera' },
  ]);
});

test('searches at the same time are one, and a later one is another', async () => {
  const { clock, datagrams, discovery, settle } = await rig();
  const both = [discovery.discover(), discovery.discover()];
  await settle();
  assert.equal(datagrams.opened.length, 1);
  await clock.advance(3_000);
  await settle();
  await Promise.all(both);
  const again = discovery.discover();
  await settle();
  assert.equal(datagrams.opened.length, 2);
  await clock.advance(3_000);
  await settle();
  await again;
});

test('networks that cannot be asked are left out; where none can be, that is said', async () => {
  const { clock, datagrams, discovery, settle } = await rig({ hosts: ['10.0.0.1', '10.0.0.2'] });
  datagrams.refuse = (host) => host === '10.0.0.1';
  const found = discovery.discover();
  await settle();
  await clock.advance(300);
  await settle();
  await clock.advance(3_000);
  await settle();
  assert.deepEqual(await found, { cameras: [], complete: true });
  datagrams.refuse = () => true;
  await assert.rejects(discovery.discover(), { code: 'ERR_CAMERAS_SEARCH', kind: 'unavailable' });
  datagrams.hang = true;
  datagrams.refuse = () => false;
  const hanging = discovery.discover();
  await settle();
  await clock.advance(3_000);
  await settle();
  assert.deepEqual(await hanging, { cameras: [], complete: true });
});

test('a machine without addresses asks wherever the system sends it, and never more than sixteen networks', async () => {
  const none = await rig({ hosts: [] });
  void none.discovery.discover();
  await none.settle();
  assert.deepEqual(none.datagrams.opened, ['0.0.0.0']);
  const many = await rig({ hosts: Array.from({ length: 40 }, (_, i) => `10.0.${i}.1`) });
  void many.discovery.discover();
  await many.settle();
  assert.equal(many.datagrams.opened.length, 16);
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
    const discovery = createCameraDiscovery(
      { ...deps, localAddresses: () => ['127.0.0.1'] },
      { target: responder.target, searchMs: 600 },
    );
    try {
      const began = performance.now();
      const { cameras, complete } = await discovery.discover();
      assert.ok(performance.now() - began < 2_000);
      assert.deepEqual(cameras, [
        {
          endpoint: 'http://127.0.0.1:8000/onvif/device_service',
          from: responder.from,
          device: 'urn:uuid:camera',
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
