import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { utf8 } from '../../src/bytes/index.ts';
import { SeededRandom, SimulatedClock } from '../../src/platform/index.ts';
import { readXml } from '../../src/protocol/index.ts';
import { readQuestion } from '../../src/virtual-camera/device/soap.ts';
import type { DeviceFaults } from '../../src/virtual-camera/index.ts';
import { until } from '../support/wait.ts';
import { pass } from './fake-camera.ts';
import { all, ask, askRaw, contentOf, envelope, faultOf, startFakeDevice } from './fake-device.ts';

const addresses = (answer: Parameters<typeof contentOf>[0]) =>
  all(contentOf(answer), 'XAddr').map((each) => new URL(each.text).hostname);

describe('faults of the device', () => {
  test('wrong addresses: everything is said to be elsewhere', async () => {
    await using fake = await startFakeDevice({ ptz: true, imaging: true });
    const { device } = fake;
    assert.deepEqual(new Set(addresses(await ask(device, 'tds:GetServices'))), new Set(['127.0.0.1']));
    const url = device.serviceUrl;
    device.faults.wrongAddresses = true;
    const services = await ask(device, 'tds:GetServices', '', { url });
    assert.deepEqual(new Set(addresses(services)), new Set(['192.0.2.1']));
    assert.equal(addresses(services).length, 6);
    const media = new URL('/onvif/media_service', url).href;
    const uri = await ask(device, 'trt:GetStreamUri', '<ProfileToken>profile_main</ProfileToken>', { url: media });
    assert.match(all(contentOf(uri), 'Uri')[0]!.text, /^rtsp:\/\/192\.0\.2\.1:\d+\/main$/);
  });

  const malformed: [NonNullable<DeviceFaults['malformed']>, (body: Buffer, status: number, cut: boolean) => boolean][] =
    [
      ['markup', (body) => readXml(body) === 'markup'],
      ['fault', (body, status) => status === 500 && body.includes('<html>')],
      ['empty', (body, status) => status === 200 && body.length === 0],
      ['truncated', (body, _, cut) => cut && body.length > 0],
      ['binary', (body) => body.length === 4_096 && typeof readXml(body) === 'string'],
      ['entities', (body) => readXml(body) === 'declaration'],
    ];
  for (const [kind, isSo] of malformed) {
    test(`malformed: ${kind}`, async () => {
      await using fake = await startFakeDevice();
      fake.device.faults.malformed = kind;
      const { body, status, cut } = await ask(fake.device, 'tds:GetDeviceInformation');
      assert.ok(isSo(body, status, cut), `${status} ${body.subarray(0, 200)}`);
      fake.device.faults.malformed = null;
      assert.equal((await ask(fake.device, 'tds:GetDeviceInformation')).status, 200);
    });
  }

  test('huge: so many bytes come, from little memory', async () => {
    await using fake = await startFakeDevice();
    fake.device.faults.hugeBytes = 5_000_001;
    const { body } = await ask(fake.device, 'tds:GetDeviceInformation');
    assert.equal(body.length, 5_000_001);
    assert.ok(body.toString('latin1', 0, 60).startsWith('<?xml'));
  });

  test('hang: a question is taken and never answered, and does not hold up the end', async () => {
    await using fake = await startFakeDevice();
    fake.device.faults.hang = true;
    const asked = ask(fake.device, 'tds:GetDeviceInformation').then(
      () => 'answered',
      () => 'ended',
    );
    await fake.device.stop();
    assert.equal(await asked, 'ended');
  });

  test('slow: the answer comes when its time is over', async () => {
    const clock = new SimulatedClock();
    await using fake = await startFakeDevice({}, { clock });
    fake.device.faults.slowMs = 4_000;
    let status = 0;
    const asked = ask(fake.device, 'tds:GetDeviceInformation').then((answer) => {
      status = answer.status;
    });
    await pass(clock, 100, () => status !== 0);
    await asked;
    assert.equal(status, 200);
    assert.ok(clock.monotonic() >= 4_000);
  });

  test('a profile that is gone is neither told nor given', async () => {
    await using fake = await startFakeDevice({ camera: {} });
    const { device } = fake;
    const tokens = async (operation: string) =>
      all(contentOf(await ask(device, operation, '<Type>All</Type>')), 'Profiles').map((each) =>
        each.attributes.get('token'),
      );
    assert.deepEqual(await tokens('tr2:GetProfiles'), ['profile_main', 'profile_sub']);
    device.faults.withoutProfiles = ['profile_sub'];
    assert.deepEqual(await tokens('tr2:GetProfiles'), ['profile_main']);
    assert.deepEqual(await tokens('trt:GetProfiles'), ['profile_main']);
    const gone = await ask(device, 'trt:GetStreamUri', '<ProfileToken>profile_sub</ProfileToken>');
    assert.equal(faultOf(gone), 's:Sender ter:InvalidArgVal ter:NoProfile');
    const picture = await askRaw(new URL('/snapshot/sub.jpg', device.serviceUrl).href, { method: 'GET' });
    assert.equal(picture.status, 404);
  });

  test('a restart ends streams and subscriptions, and may come back at another port', async () => {
    await using fake = await startFakeDevice();
    const { device } = fake;
    const before = { service: device.serviceUrl, stream: device.camera.url('/main'), endpoint: device.endpoint };
    const created = await ask(device, 'tev:CreatePullPointSubscription');
    const url = all(contentOf(created), 'Address')[0]!.text;
    await device.reboot({ forMs: 1 });
    assert.equal(device.serviceUrl, before.service);
    const pulled = await ask(device, 'tev:PullMessages', '<Timeout>PT1S</Timeout>', { url });
    assert.match(faultOf(pulled), /ResourceUnknownFault$/);
    await device.reboot({ forMs: 1, port: 0 });
    assert.notEqual(device.serviceUrl, before.service);
    assert.equal(device.endpoint, before.endpoint);
    assert.equal((await ask(device, 'tds:GetServices')).status, 200);
    await assert.rejects(ask(device, 'tds:GetServices', '', { url: before.service }));
  });

  test('it may be asked to restart', async () => {
    const clock = new SimulatedClock();
    await using fake = await startFakeDevice({}, { clock });
    assert.equal((await ask(fake.device, 'tds:SystemReboot')).status, 200);
    const encoders = fake.encoders.all.length;
    await pass(clock, 50, () => fake.encoders.all.length > encoders);
    assert.ok(clock.monotonic() >= 2_000);
  });
});

describe('questions', () => {
  test('that are none are told so, whatever they are', async () => {
    await using fake = await startFakeDevice();
    const { serviceUrl } = fake.device;
    const post = async (body: string) => faultOf(await askRaw(serviceUrl, { body }));
    assert.equal(await post(''), 's:Sender ter:WellFormed');
    assert.equal(await post('<a/>'), 's:Sender ter:WellFormed');
    assert.equal(await post(envelope('')), 's:Sender ter:WellFormed');
    assert.equal(await post(envelope('<x:Nothing xmlns:x="urn:x"/>')), 's:Receiver ter:ActionNotSupported');
    assert.equal(
      await post(envelope('<constructor xmlns="http://www.onvif.org/ver10/device/wsdl"/>')),
      's:Receiver ter:ActionNotSupported',
    );
    assert.equal((await askRaw(serviceUrl, { method: 'GET' })).status, 405);
    assert.equal((await askRaw(new URL('/other', serviceUrl).href)).status, 404);
    assert.equal((await askRaw(serviceUrl, { body: ' '.repeat(300_000) })).status, 413);
  });

  test('in SOAP 1.1 are answered in 1.2', async () => {
    await using fake = await startFakeDevice();
    const old = envelope('<GetHostname xmlns="http://www.onvif.org/ver10/device/wsdl"/>').replaceAll(
      'http://www.w3.org/2003/05/soap-envelope',
      'http://schemas.xmlsoap.org/soap/envelope/',
    );
    const answer = await askRaw(fake.device.serviceUrl, { body: old });
    assert.equal(contentOf(answer).name, 'GetHostnameResponse');
  });

  test('with bytes changed are read or refused, and never more', () => {
    const good = utf8(
      envelope(
        '<ContinuousMove xmlns="http://www.onvif.org/ver20/ptz/wsdl"><ProfileToken>a</ProfileToken></ContinuousMove>',
        '<a:MessageID xmlns:a="http://www.w3.org/2005/08/addressing">urn:uuid:1</a:MessageID>',
      ),
    );
    assert.equal((readQuestion(good) as { messageId: string }).messageId, 'urn:uuid:1');
    const random = new SeededRandom(11);
    const runs = process.env['SLOW'] ? 50_000 : 4_000;
    let read = 0;
    for (let run = 0; run < runs; run++) {
      const bytes = good.slice(0, run % 5 === 0 ? random.below(good.length) : good.length);
      for (let change = random.below(4); change >= 0; change--) {
        if (bytes.length > 0) bytes[random.below(bytes.length)] = random.bytes(1)[0]!;
      }
      const question = readQuestion(bytes);
      if (typeof question !== 'string') read += 1;
    }
    assert.ok(read > runs / 100 && read < runs, `${read} of ${runs} were read`);
  });
});

test('the port of a device that is there already is refused, and nothing is left behind', async () => {
  await using fake = await startFakeDevice();
  const port = Number(new URL(fake.device.serviceUrl).port);
  await assert.rejects(startFakeDevice({ port }), { code: 'ERR_VIRTUAL_CAMERA_PORT' });
  await until('the first one still answers', async () => (await ask(fake.device, 'tds:GetServices')).status === 200);
});
