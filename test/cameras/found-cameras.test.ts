import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { utf8 } from '../../src/bytes/index.ts';
import { FoundCameras } from '../../src/cameras/found-cameras.ts';
import { createCameraDiscovery } from '../../src/cameras/index.ts';
import {
  type DatagramAddress,
  SeededRandom,
  SimulatedClock,
  SimulatedNetwork,
  silentLog,
} from '../../src/platform/index.ts';
import { checkResult, type DiscoveredCamera } from '../../src/protocol/index.ts';
import { answerTo, idOf } from './responder.ts';

const UUID = '4f1d2e6c-5b7a-4c39-8e21-0a1b2c3d4e5f';
const at = (host: string): DatagramAddress => ({ host, port: 3702, family: host.includes(':') ? 6 : 4 });
const collect = () => {
  const told: DiscoveredCamera[] = [];
  const found = new FoundCameras({
    asked: (uuid) => uuid === UUID,
    known: [],
    onFound: (camera) => told.push(camera),
  });
  return { found, told };
};

/** What the reply's schema says of rows holds for these. */
function assertRows(rows: DiscoveredCamera[]): void {
  for (let i = 0; i < rows.length; i += 40) {
    const result = { cameras: rows.slice(i, i + 40), total: 0, complete: true, networks: [] };
    assert.deepEqual(checkResult('cameras.discover', result), { result });
  }
}

test('changed answers are rows as the reply describes them, or nothing, and are counted', () => {
  const random = new SeededRandom(97);
  const scopes = 'onvif://www.onvif.org/name/Yard%20%C3%A9 onvif://www.onvif.org/hardware/X';
  const device = `urn:uuid:${'d'.repeat(80)}`;
  const good = utf8(
    answerTo(UUID, { device, scopes, urls: 'http://10.0.0.1/x https://[fd00::1]/y http://cam.local:80/z' }),
  );
  const count = process.env['SLOW'] ? 60_000 : 2_000;
  const { found, told } = collect();
  for (let i = 0; i < count; i++) {
    const bytes = good.slice(0, i % 4 === 0 ? random.below(good.length) : good.length);
    for (let k = random.below(3); k >= 0 && bytes.length > 0; k--)
      bytes[random.below(bytes.length)] = random.below(256);
    found.take(bytes, at(i % 2 ? `10.0.${i >> 8}.${i & 255}` : `fe80::${i.toString(16)}%eth0`), 'eth0');
  }
  const { answers, refused } = found.counts();
  assert.equal(answers, Math.min(count, 2_048));
  assert.ok(Object.values(refused).reduce((a, b) => a + b, 0) > 100);
  assert.ok(found.cameras().length > 10, 'some endpoint references were changed');
  assertRows(found.cameras());
  assertRows(told);
});

test('whatever the order of answers, each camera is one row, with what every answer said of it within limits', () => {
  const answer = fc.record({
    device: fc.constantFrom('urn:uuid:a', 'URN:UUID:A', 'urn:uuid:b', 'x'),
    host: fc.constantFrom('10.0.0.1', '10.0.0.2', '10.0.0.30', 'fd00::1', 'fe80::1%eth0'),
    urls: fc.uniqueArray(fc.constantFrom('http://10.0.0.1/', 'http://10.0.0.2/', 'https://[fd00::1]/', 'http://cam/'), {
      minLength: 1,
    }),
    network: fc.constantFrom('eth0', 'eth1', 'eth2'),
    name: fc.constantFrom('', 'onvif://www.onvif.org/name/Yard'),
  });
  fc.assert(
    fc.property(fc.array(answer, { maxLength: 12 }), (answers) => {
      const { found, told } = collect();
      for (const { device, host, urls, network, name } of answers) {
        found.take(utf8(answerTo(UUID, { device, urls: urls.join(' '), scopes: name })), at(host), network);
      }
      const rows = found.cameras();
      const devices = new Set(answers.map(({ device }) => device.toLowerCase()));
      assert.deepEqual(new Set(rows.map(({ device }) => device.toLowerCase())), devices);
      assert.equal(rows.length, devices.size);
      for (const row of rows) {
        const own = answers.filter(({ device }) => device.toLowerCase() === row.device.toLowerCase());
        const all = new Set(own.flatMap(({ urls }) => urls));
        assert.equal(row.urls.length, Math.min(3, all.size));
        assert.ok(row.urls.every((url) => [...all].some((each) => each === url)));
        assert.equal(row.interfaces.length, Math.min(2, new Set(own.map(({ network }) => network)).size));
        assert.equal(row.from.length, Math.min(2, new Set(own.map(({ host }) => host)).size));
        assert.equal(
          row.name !== undefined,
          own.some(({ name }) => name !== ''),
        );
        assert.deepEqual(told.filter(({ device }) => device === row.device).at(-1), row, 'told as it is in the end');
      }
      assertRows(rows);
    }),
    { numRuns: process.env['SLOW'] ? 10_000 : 300 },
  );
});

test('on a network that loses, doubles and delays, cameras on two interfaces are found, and each is one row', async () => {
  const clock = new SimulatedClock();
  const network = new SimulatedNetwork(clock, { seed: 5, loss: 0.2, duplicates: 0.3, delayMs: 20, jitterMs: 400 });
  for (let i = 0; i < 20; i++) {
    for (const net of [1, 2]) {
      if (net === 2 && i % 4 !== 0) continue; // every fourth camera is on both networks
      const host = `10.${net}.0.${i + 10}`;
      const socket = await network
        .host(host)
        .open({ host: '0.0.0.0', port: 3702, multicast: { through: host, group: '239.255.255.250' } });
      socket.onDatagram((probe, from) => {
        const answer = answerTo(idOf(probe), { device: `urn:uuid:${i}`, urls: `http://${host}/onvif/device_service` });
        void socket.send(utf8(answer), from);
      });
    }
  }
  const discovery = createCameraDiscovery({
    clock,
    random: new SeededRandom(3),
    log: silentLog,
    datagrams: network.host('10.1.0.1', '10.2.0.1'),
    networks: () => ['10.1.0.1', '10.2.0.1'].map((address, i) => ({ name: `eth${i}`, address, internal: false })),
    driverOf: () => assert.fail('nobody named a host'),
  });
  const searching = discovery.discover();
  await clock.advance(3_000);
  const { cameras, complete } = await searching;
  assert.equal(complete, true);
  assert.equal(cameras.length, 20, 'four probes for each network are enough');
  for (const { device, interfaces, urls } of cameras) {
    const both = Number(device.slice(9)) % 4 === 0;
    // A probe reaches every member of the group here: what matters is the row.
    assert.ok(interfaces.length >= 1 && urls.length === (both ? 2 : 1), device);
  }
});
