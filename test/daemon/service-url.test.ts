import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { atHost, hostNameOf, originOf, parseServiceUrl, usualService } from '../../src/daemon/service-url.ts';

test('the address of a device service is http or https, a host, and nothing secret', () => {
  for (const [text, service] of [
    ['http://10.0.0.1', 'http://10.0.0.1/onvif/device_service'],
    ['https://cam.example:08443/a/b', 'https://cam.example:8443/a/b'],
    ['http://[fe80::1]:80/', 'http://[fe80::1]:80/'],
  ] as const)
    assert.equal(parseServiceUrl(text), service);
  for (const text of [
    '',
    'rtsp://10.0.0.1/',
    'http://u:p@10.0.0.1/',
    'http://10.0.0.1/#x',
    'http://10.0.0.1:0/',
    'http://10.0.0.1:65536/',
    'http:///x',
    'http://10.0.0.1/ x',
    'http://10.0.0.1/"',
    `http://10.0.0.1/${'a'.repeat(512)}`,
  ])
    assert.equal(parseServiceUrl(text), null, text);
});

test('any text is an address or none, and what is one is one again', () => {
  const near = fc.stringMatching(/^https?:\/\/[a-z0-9.:@/?#[\]-]{0,40}$/);
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.webUrl(), near), (text) => {
      const service = parseServiceUrl(text);
      if (service === null) return;
      assert.equal(parseServiceUrl(service), service);
      assert.ok(!/[@\s"'<>]/.test(new URL(service).host));
    }),
    { numRuns: 2_000, seed: 3 },
  );
});

test('hosts are compared as those that get the password', () => {
  assert.equal(originOf('rtsp://CAM.example/x'), 'rtsp://cam.example:554');
  assert.equal(originOf('rtsps://[FE80::1]/x'), 'rtsps://[fe80::1]:322');
  assert.equal(originOf('https://10.0.0.1:8443/x'), 'https://10.0.0.1:8443');
  assert.notEqual(hostNameOf('rtsp://10.0.0.1.evil.example/'), hostNameOf('rtsp://10.0.0.1/'));
  assert.equal(
    usualService({ address: 'rtsp://[fe80::1]:8554/x', credentials: null }),
    'http://[fe80::1]/onvif/device_service',
  );
  assert.equal(atHost('rtsp://u:a%40b@10.0.0.1:8554/10.0.0.1', '10.0.0.9'), 'rtsp://u:a%40b@10.0.0.9:8554/10.0.0.1');
  assert.equal(atHost('rtsp://[fe80::1]/x', 'cam'), 'rtsp://cam/x');
});
