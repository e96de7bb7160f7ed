import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { fromUtf8, utf8 } from '../../src/bytes/index.ts';
import {
  ANSWER_BYTES_MAX,
  deviceUrl,
  PROBE_TYPES,
  type ProbeReason,
  parseProbeMatches,
  uuidOf,
  writeProbe,
} from '../../src/cameras/probe.ts';
import { SeededRandom } from '../../src/platform/index.ts';
import { childrenOf, readXml } from '../../src/protocol/index.ts';
import { answerTo } from './responder.ts';

const UUID = '4f1d2e6c-5b7a-4c39-8e21-0a1b2c3d4e5f';
const asked = (uuid: string) => uuid === UUID;
const parse = (text: string) => parseProbeMatches(utf8(text), asked);

test('a probe is well-formed, names one type with its namespace, and carries its id', () => {
  for (const type of Object.keys(PROBE_TYPES) as (keyof typeof PROBE_TYPES)[]) {
    const bytes = writeProbe(UUID, type);
    const root = readXml(bytes);
    assert.ok(typeof root !== 'string', String(root));
    const [header, body] = root.children;
    assert.equal(root.namespace, 'http://www.w3.org/2003/05/soap-envelope');
    assert.deepEqual(
      header!.children.map((each) => [each.name, each.text.trim()]),
      [
        ['Action', 'http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe'],
        ['MessageID', `uuid:${UUID}`],
        ['ReplyTo', ''],
        ['To', 'urn:schemas-xmlsoap-org:ws:2005:04:discovery'],
      ],
    );
    const [probe] = childrenOf(body!, ['http://schemas.xmlsoap.org/ws/2005/04/discovery'], 'Probe');
    assert.equal(probe?.children[0]?.text, type);
    assert.match(fromUtf8(bytes)!, new RegExp(`xmlns:${type.split(':')[0]}="http://www.onvif.org/ver10/`));
    assert.doesNotMatch(fromUtf8(bytes)!, /\\/);
    assert.ok(bytes.length < 1200);
  }
});

test('ids of probes are random UUIDs of version 4', () => {
  const random = new SeededRandom(3);
  for (let i = 0; i < 200; i++) {
    assert.match(uuidOf(random.bytes(16)), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  }
});

describe('an answer', () => {
  test('tells of a camera: its name for ever, its URLs, what people call it', () => {
    const text = answerTo(UUID, {
      device: 'urn:uuid:1',
      urls: 'http://192.168.1.20/onvif/device_service  HTTPS://[fe80::1]:8443/x\n',
      scopes:
        'onvif://www.onvif.org/type/video onvif://www.onvif.org/name/Front%20door onvif://www.onvif.org/hardware/IPC%2D2',
    });
    assert.deepEqual(parse(text), {
      matches: [
        {
          device: 'urn:uuid:1',
          urls: ['http://192.168.1.20/onvif/device_service', 'https://[fe80::1]:8443/x'],
          name: 'Front door',
          hardware: 'IPC-2',
        },
      ],
    });
  });

  test('may relate to a probe as urn:uuid, as uuid or bare, in either case', () => {
    for (const form of [
      `urn:uuid:${UUID}`,
      `uuid:${UUID}`,
      UUID,
      UUID.toUpperCase(),
      `URN:UUID:${UUID}`,
      ` ${UUID} `,
    ]) {
      assert.ok('matches' in parse(answerTo(form, {})), form);
    }
  });

  test('may be in the namespaces of the later standard', () => {
    const text = answerTo(UUID, {})
      .replaceAll(
        'http://schemas.xmlsoap.org/ws/2005/04/discovery',
        'http://docs.oasis-open.org/ws-dd/ns/discovery/2009/01',
      )
      .replaceAll('http://schemas.xmlsoap.org/ws/2004/08/addressing', 'http://www.w3.org/2005/08/addressing');
    assert.ok('matches' in parse(text));
  });

  const good = answerTo(UUID, {});
  const refused: [string, string, ProbeReason][] = [
    ['that nobody asked for', answerTo('00000000-0000-4000-8000-000000000000', {}), 'unasked'],
    ['without a relation', good.replace(/<a:RelatesTo>.*<\/a:RelatesTo>/, ''), 'unasked'],
    ['that is no envelope', '<Envelope/>', 'shape'],
    ['that says hello', good.replaceAll('ProbeMatches', 'Hello'), 'shape'],
    ['of another discovery', good.replaceAll('ws/2005/04/discovery', 'ws/1999/01/discovery'), 'shape'],
    ['without a usable URL', answerTo(UUID, { urls: 'ftp://x/ rtsp://x/ javascript:x' }), 'empty'],
    ['without a name', answerTo(UUID, { device: ' ' }), 'empty'],
    ['with a name that is too long', answerTo(UUID, { device: 'x'.repeat(101) }), 'empty'],
    ['with a name with space in it', answerTo(UUID, { device: 'a b' }), 'empty'],
    ['with a name with quotes in it', answerTo(UUID, { device: 'a&quot;b' }), 'empty'],
    ['with entities of its own', good.replace('?>', '?><!DOCTYPE x [<!ENTITY y "z">]>'), 'declaration'],
    ['that is too long', good + ' '.repeat(ANSWER_BYTES_MAX), 'size'],
    ['that is not XML', 'HTTP/1.1 200 OK', 'markup'],
  ];
  for (const [what, text, reason] of refused) {
    test(`${what} is not used`, () => assert.deepEqual(parse(text), { reason }));
  }

  test('with names that would mislead people is told without them', () => {
    for (const name of ['%00', 'a%0ab', '%e2%80%aeabc', '%zz', '%ff', 'x'.repeat(65), '']) {
      const answer = parse(answerTo(UUID, { scopes: `onvif://www.onvif.org/name/${name}` }));
      assert.ok('matches' in answer && answer.matches[0] && !('name' in answer.matches[0]), name);
    }
  });

  test('of many cameras and many URLs is cut', () => {
    const match = /<d:ProbeMatch>.*<\/d:ProbeMatch>/s.exec(good)![0];
    const many = parse(good.replace(match, match.repeat(12)));
    assert.ok('matches' in many);
    assert.equal(many.matches.length, 8);
    const urls = Array.from({ length: 9 }, (_, i) => `http://10.0.0.${i}/`).join(' ');
    const one = parse(answerTo(UUID, { urls }));
    assert.ok('matches' in one);
    assert.equal(one.matches[0]!.urls.length, 4);
  });
});

test('a URL of a camera is http or https with a host and nothing that misleads', () => {
  const good: [string, string][] = [
    ['http://192.168.1.20', 'http://192.168.1.20/'],
    ['http://192.168.1.20:80/onvif/device_service', 'http://192.168.1.20/onvif/device_service'],
    ['HTTP://Cam-1.local:8000/a?b=c', 'http://cam-1.local:8000/a?b=c'],
    ['https://[2001:db8::1]/x', 'https://[2001:db8::1]/x'],
  ];
  for (const [text, url] of good) assert.equal(deviceUrl(text), url);
  const bad = [
    '',
    'x',
    'ftp://x/',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'http:/x',
    'http:///x',
    'http://',
    'http://user:pw@10.0.0.1/',
    'http://10.0.0.1/#x',
    'http://10.0.0.1:99999/',
    'http://[fe80::1%25eth0]/',
    'http://a b/',
    'http://a\\b/',
    'http://é/',
    "http://x/'",
    `http://x/${'a'.repeat(200)}`,
    'http://-x/',
    'http://x..y:/ ',
  ];
  for (const text of bad) assert.equal(deviceUrl(text), null, text);
});

test('changed answers are cameras or a reason, and what is told keeps its promises', () => {
  const random = new SeededRandom(41);
  const good = utf8(answerTo(UUID, { scopes: 'onvif://www.onvif.org/name/Yard onvif://www.onvif.org/hardware/X' }));
  const count = process.env['SLOW'] ? 100_000 : 4_000;
  let used = 0;
  for (let i = 0; i < count; i++) {
    const bytes = good.slice(0, i % 3 === 0 ? random.below(good.length) : good.length);
    for (let k = random.below(4); k >= 0 && bytes.length > 0; k--) {
      bytes[random.below(bytes.length)] = random.below(256);
    }
    const answer = parseProbeMatches(bytes, asked);
    if ('reason' in answer) {
      assert.match(answer.reason, /^[a-z]+$/);
      continue;
    }
    used += 1;
    for (const { device, urls } of answer.matches) {
      assert.match(device, /^[!#-[\]-~]{1,100}$/);
      for (const url of urls) assert.match(url, /^https?:\/\/[a-z0-9[]/);
    }
  }
  assert.ok(used > 0 && used < count, `${used} of ${count} were used`);
});

test('any text is a URL or not, and one that is stays itself', () => {
  const piece = fc.constantFrom(
    'http',
    'https',
    '://',
    '/',
    ':',
    '80',
    'a',
    '.',
    '[',
    ']',
    '@',
    '#',
    '%',
    '1',
    '::',
    '?',
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(piece).map((all) => all.join('')),
        fc.webUrl(),
      ),
      (text) => {
        const url = deviceUrl(text);
        if (url !== null) assert.equal(deviceUrl(url), url);
      },
    ),
    { numRuns: process.env['SLOW'] ? 20_000 : 2_000 },
  );
});
