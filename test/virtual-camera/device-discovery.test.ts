import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fromUtf8, utf8 } from '../../src/bytes/index.ts';
import { SeededRandom, SimulatedClock, SimulatedNetwork, silentLog } from '../../src/platform/index.ts';
import { readXml } from '../../src/protocol/index.ts';
import {
  type DiscoveredSelf,
  readDiscovery,
  writeAnnouncement,
  writeMatch,
} from '../../src/virtual-camera/device/discovery-messages.ts';
import { DiscoveryResponder } from '../../src/virtual-camera/device/discovery-responder.ts';
import { createVirtualDevice } from '../../src/virtual-camera/index.ts';
import { all } from './fake-device.ts';
import { FakeEncoders } from './fake-encoders.ts';

const DISCOVERY = 'http://schemas.xmlsoap.org/ws/2005/04/discovery';
const GROUP = { host: '239.255.255.250', port: 3702, family: 4 } as const;
const SELF: DiscoveredSelf = {
  endpoint: 'urn:uuid:00000000-0000-4000-8000-000000000001',
  scopes: ['onvif://www.onvif.org/type/video_encoder', 'onvif://www.onvif.org/name/Front%20door'],
  addresses: ['http://10.0.0.1:8080/onvif/device_service'],
  metadataVersion: 3,
};

function question(kind: 'Probe' | 'Resolve', inner: string): string {
  return (
    '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" ' +
    `xmlns:d="${DISCOVERY}" xmlns:dn="http://www.onvif.org/ver10/network/wsdl" xmlns:x="urn:other">` +
    `<s:Header><a:Action>${DISCOVERY}/${kind}</a:Action><a:MessageID>uuid:1-2-3</a:MessageID></s:Header>` +
    `<s:Body><d:${kind}>${inner}</d:${kind}></s:Body></s:Envelope>`
  );
}

const means = (text: string) => readDiscovery(utf8(text), SELF) !== null;
const types = (text: string) => means(question('Probe', `<d:Types>${text}</d:Types>`));
const scopes = (text: string, rule?: string) =>
  means(question('Probe', `<d:Scopes${rule === undefined ? '' : ` MatchBy="${rule}"`}>${text}</d:Scopes>`));

describe('a probe', () => {
  test('is for cameras, whatever prefix the type has', () => {
    assert.ok(means(question('Probe', '')));
    assert.ok(types('dn:NetworkVideoTransmitter'));
    assert.ok(types(''));
    assert.ok(!types('x:NetworkVideoTransmitter'));
    assert.ok(!types('dn:Printer'));
    assert.ok(!types('NetworkVideoTransmitter'));
    assert.ok(!types('unknown:NetworkVideoTransmitter'));
    assert.ok(!types('dn:NetworkVideoTransmitter dn:Printer'));
  });

  test('matches scopes by whole segments from the beginning', () => {
    assert.ok(scopes('onvif://www.onvif.org'));
    assert.ok(scopes('ONVIF://WWW.onvif.org/type'));
    assert.ok(scopes('onvif://www.onvif.org/type/video_encoder onvif://www.onvif.org/name/'));
    assert.ok(!scopes('onvif://www.onvif.org/typ'));
    assert.ok(!scopes('onvif://www.onvif.org/type/ptz'));
    assert.ok(!scopes('onvif://other.example/type'));
    assert.ok(!scopes('onvif://www.onvif.org/name/Back'));
    assert.ok(scopes('onvif://www.onvif.org/name/Front%20door', `${DISCOVERY}/strcmp0`));
    assert.ok(!scopes('onvif://www.onvif.org/name', `${DISCOVERY}/strcmp0`));
    assert.ok(!scopes('onvif://www.onvif.org', `${DISCOVERY}/ldap`));
  });

  test('for one device is answered by that one', () => {
    const resolve = (endpoint: string) =>
      means(question('Resolve', `<a:EndpointReference><a:Address>${endpoint}</a:Address></a:EndpointReference>`));
    assert.ok(resolve(SELF.endpoint));
    assert.ok(!resolve('urn:uuid:00000000-0000-4000-8000-000000000002'));
  });

  test('with bytes changed or missing is read or passed over', () => {
    const good = utf8(
      question('Probe', '<d:Types>dn:NetworkVideoTransmitter</d:Types><d:Scopes>onvif://www.onvif.org</d:Scopes>'),
    );
    assert.ok(readDiscovery(good, SELF));
    for (let cut = 0; cut < good.length; cut++) assert.equal(readDiscovery(good.subarray(0, cut), SELF), null);
    const random = new SeededRandom(3);
    const runs = process.env['SLOW'] ? 50_000 : 3_000;
    let read = 0;
    for (let run = 0; run < runs; run++) {
      const bytes = good.slice();
      for (let change = random.below(4); change >= 0; change--) bytes[random.below(bytes.length)] = random.bytes(1)[0]!;
      if (readDiscovery(bytes, SELF)) read += 1;
    }
    assert.ok(read > 0 && read < runs, `${read} of ${runs} were read`);
    assert.equal(readDiscovery(new Uint8Array(20_000).fill(32), SELF), null);
  });
});

test('answers and announcements are documents that say who and where', () => {
  const message = { id: '1', instance: 5, number: 7 };
  const match = readXml(writeMatch({ kind: 'Probe', messageId: 'uuid:<1>' }, SELF, message));
  assert.ok(typeof match !== 'string', String(match));
  const text = (name: string) => all(match, name).map((each) => each.text);
  assert.deepEqual(text('RelatesTo'), ['uuid:<1>']);
  assert.deepEqual(text('Address'), [SELF.endpoint]);
  assert.deepEqual(text('XAddrs'), SELF.addresses);
  assert.deepEqual(text('Types'), ['dn:NetworkVideoTransmitter tds:Device']);
  assert.deepEqual(text('Scopes'), [SELF.scopes.join(' ')]);
  assert.deepEqual(text('MetadataVersion'), ['3']);
  assert.equal(all(match, 'AppSequence')[0]!.attributes.get('MessageNumber'), '7');
  const bye = readXml(writeAnnouncement('Bye', SELF, message));
  assert.ok(typeof bye !== 'string' && all(bye, 'XAddrs').length === 0 && all(bye, 'Address').length === 1);
});

describe('on a network', () => {
  const setUp = async () => {
    const clock = new SimulatedClock();
    const network = new SimulatedNetwork(clock);
    const heard: string[] = [];
    const asker = await network.host('10.0.0.9').open({
      host: '10.0.0.9',
      port: 0,
      multicast: { through: '10.0.0.9' },
    });
    asker.onDatagram((bytes) => heard.push(fromUtf8(bytes)!));
    return { clock, network, heard, asker };
  };

  test('three devices on one host answer, each for itself; a direct probe is answered too', async () => {
    const { clock, network, heard, asker } = await setUp();
    const devices = [1, 2, 3].map((number) =>
      createVirtualDevice(
        {
          clock,
          random: new SeededRandom(number),
          log: silentLog,
          processes: new FakeEncoders(),
          datagrams: network.host('10.0.0.1', '10.0.0.2'),
        },
        { serial: `S${number}`, discovery: { address: number === 3 ? '10.0.0.2' : '10.0.0.1' }, camera: { sub: null } },
      ),
    );
    try {
      for (const device of devices) await device.start();
      await asker.send(utf8(question('Probe', '')), GROUP);
      await clock.advance(200);
      assert.equal(heard.length, 3);
      for (const [index, device] of devices.entries()) {
        const answer = heard.find((each) => each.includes(device.endpoint));
        const port = new URL(device.serviceUrl).port;
        assert.ok(answer?.includes(`http://10.0.0.${index === 2 ? 2 : 1}:${port}/onvif/device_service`), answer);
      }
      await asker.send(utf8(question('Probe', '')), { ...GROUP, host: '10.0.0.2' });
      await clock.advance(200);
      assert.equal(heard.length, 4);
      devices[2]!.faults.wrongAddresses = true;
      await asker.send(utf8(question('Probe', '')), { ...GROUP, host: '10.0.0.2' });
      await clock.advance(200);
      assert.match(heard[4]!, /http:\/\/192\.0\.2\.1:/);
    } finally {
      await Promise.all(devices.map((device) => device.stop()));
    }
  });

  test('a device says hello and goodbye, and a flood of probes gets a bounded number of answers', async () => {
    const { clock, network, heard, asker } = await setUp();
    const announced: string[] = [];
    const multicast = { through: '10.0.0.8', group: GROUP.host };
    const listener = await network.host('10.0.0.8').open({ host: GROUP.host, port: GROUP.port, multicast });
    listener.onDatagram((bytes) =>
      announced.push(/discovery\/(\w+)<\/wsa:Action>/.exec(fromUtf8(bytes)!)?.[1] ?? 'question'),
    );
    const datagrams = network.host('10.0.0.1');
    const responder = new DiscoveryResponder(
      { clock, random: new SeededRandom(1), log: silentLog, datagrams },
      { address: '10.0.0.1' },
      () => SELF,
    );
    await responder.open();
    await clock.advance(5);
    assert.deepEqual(announced, ['Hello']);
    for (let i = 0; i < 500; i++) await asker.send(utf8(question('Probe', '')), GROUP);
    await clock.advance(1_000);
    assert.ok(heard.length >= 64 && heard.length < 200, `${heard.length} answers`);
    await responder.close();
    await clock.advance(5);
    assert.equal(announced.at(-1), 'Bye');
    await asker.send(utf8(question('Probe', '')), GROUP);
    const before = heard.length;
    await clock.advance(1_000);
    assert.equal(heard.length, before);
  });
});
