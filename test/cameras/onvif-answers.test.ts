import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { fromUtf8, utf8 } from '../../src/bytes/index.ts';
import { serviceAddress, streamAddress } from '../../src/cameras/onvif/camera-address.ts';
import { dateOf, systemDateOf } from '../../src/cameras/onvif/camera-date.ts';
import { headAbilitiesOf, headStatusOf, presetsOf } from '../../src/cameras/onvif/camera-head.ts';
import { imagingOf, imagingOptionsOf } from '../../src/cameras/onvif/camera-imaging.ts';
import { PROFILES_MAX, profilesOf } from '../../src/cameras/onvif/camera-profiles.ts';
import { snapshotTrouble } from '../../src/cameras/onvif/camera-snapshot.ts';
import { labelOf, numberOf, tokenOf } from '../../src/cameras/onvif/element-reader.ts';
import { escapeXml, readEnvelope, writeEnvelope } from '../../src/cameras/onvif/soap-message.ts';
import { SeededRandom } from '../../src/platform/index.ts';
import { isLabel, type XmlElement } from '../../src/protocol/index.ts';

const folder = join(import.meta.dirname, '../fixtures/cameras');
const fixture = (name: string) => new Uint8Array(readFileSync(join(folder, `${name}.xml`)));
const runs = process.env['SLOW'] ? 60_000 : 6_000;

function answer(name: string): XmlElement {
  const read = readEnvelope(fixture(name));
  assert.ok('element' in read, name);
  return read.element;
}

function soap(inside: string): XmlElement {
  const read = readEnvelope(
    utf8(`<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>${inside}</s:Body></s:Envelope>`),
  );
  assert.ok('element' in read);
  return read.element;
}

test('profiles without prefixes, the largest picture first whatever their order', () => {
  assert.deepEqual(profilesOf(answer('hikvision-get-profiles'), 'media'), [
    {
      token: 'Profile_1',
      name: 'mainStream',
      codec: 'h264',
      width: 2560,
      height: 1440,
      framesPerSecond: 25,
      bitsPerSecond: 4_096_000,
      audio: true,
      sourceToken: 'VideoSource_1',
      headToken: 'PTZNODETOKEN',
    },
    {
      token: 'Profile_2',
      name: 'subStream',
      codec: 'h264',
      width: 640,
      height: 360,
      framesPerSecond: 12.5,
      bitsPerSecond: 512_000,
      audio: false,
      sourceToken: 'VideoSource_1',
      headToken: null,
    },
  ]);
});

test('an encoder that tells nothing of itself is a stream all the same', () => {
  const [sub, main] = profilesOf(answer('dahua-get-profiles'), 'media');
  assert.deepEqual(
    [main!.token, main!.codec, main!.width, main!.bitsPerSecond],
    ['MediaProfile00000', 'other', 0, null],
  );
  assert.deepEqual([sub!.token, sub!.codec, sub!.width], ['MediaProfile00001', 'h265', 704]);
  assert.equal(main!.sourceToken, '00000', 'tokens stay as they were written');
});

test('the newer service: tokens that look like numbers stay, a bit rate without end is none, profiles without video are none', () => {
  const [only, ...others] = profilesOf(answer('media2-get-profiles'), 'media2');
  assert.deepEqual(others, []);
  assert.deepEqual(
    [only!.token, only!.codec, only!.bitsPerSecond, only!.audio, only!.headToken, only!.sourceToken],
    ['1.50', 'h265', null, true, 'node0', '0'],
  );
});

test('at most sixteen profiles, each token once', () => {
  const one = (token: number, side: number) =>
    `<p:Profiles token="t${token}"><VideoEncoderConfiguration><Encoding>JPEG</Encoding><Resolution><Width>${side}</Width><Height>${side}</Height></Resolution></VideoEncoderConfiguration></p:Profiles>`;
  const many = Array.from({ length: 40 }, (_, i) => one(i >> 1, 100 + i)).join('');
  const found = profilesOf(soap(`<p:GetProfilesResponse xmlns:p="x">${many}</p:GetProfilesResponse>`), 'media');
  assert.equal(found.length, PROFILES_MAX);
  assert.equal(new Set(found.map(({ token }) => token)).size, PROFILES_MAX);
  assert.equal(found[0]!.codec, 'other');
});

test('refusals are understood by their codes, and by their words where the codes say nothing', () => {
  for (const name of ['vivotek-get-system-date-and-time', 'locking-not-authorized', 'dahua-time-check']) {
    const read = readEnvelope(fixture(name));
    assert.ok('fault' in read && read.about === 'credentials', name);
  }
  const fault = (inside: string, soap = 'http://www.w3.org/2003/05/soap-envelope') =>
    readEnvelope(utf8(`<e:Envelope xmlns:e="${soap}"><e:Body><e:Fault>${inside}</e:Fault></e:Body></e:Envelope>`));
  assert.deepEqual(
    fault(
      '<e:Code><e:Value>e:Receiver</e:Value><e:Subcode><e:Value>ter:ActionNotSupported</e:Value><e:Subcode><e:Value>ter:NoSuchService</e:Value></e:Subcode></e:Subcode></e:Code>',
    ),
    { fault: ['Receiver', 'ActionNotSupported', 'NoSuchService'], about: 'ability' },
  );
  assert.deepEqual(
    fault(
      '<faultcode>SOAP-ENV:Client</faultcode><faultstring>x</faultstring>',
      'http://schemas.xmlsoap.org/soap/envelope/',
    ),
    { fault: ['Client'], about: 'other' },
  );
  assert.deepEqual(
    fault('<e:Code><e:Value>e:Sender</e:Value></e:Code><e:Detail><n:InvalidFilterFault xmlns:n="n"/></e:Detail>'),
    { fault: ['Sender', 'InvalidFilterFault'], about: 'other' },
  );
  assert.deepEqual(fault(''), { fault: [], about: 'other' });
});

test('an answer with letters of an old encoding is read without them', () => {
  const bytes = utf8(
    '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><A>x\u00e9y</A></s:Body></s:Envelope>',
  ).filter((octet) => octet !== 0xc3);
  assert.equal(fromUtf8(bytes), null);
  const read = readEnvelope(bytes);
  assert.ok('element' in read && read.element.text === 'x?y');
});

test('a head is measured in its generic spaces', () => {
  const head = headAbilitiesOf(answer('standard-get-nodes'), 'PTZNODETOKEN')!;
  assert.deepEqual(head, {
    position: { pan: { min: -1, max: 1 }, tilt: { min: -0.5, max: 1 } },
    zoomPosition: { min: 0, max: 1 },
    speed: { pan: { min: -1, max: 1 }, tilt: { min: -1, max: 1 } },
    zoomSpeed: null,
    presetsMax: 128,
  });
  const status = (inside: string) =>
    headStatusOf(
      soap(`<r:GetStatusResponse xmlns:r="r"><r:PTZStatus>${inside}</r:PTZStatus></r:GetStatusResponse>`),
      head,
    );
  assert.deepEqual(
    status(
      '<Position><PanTilt x="0.5" y="-0.5"/><Zoom x="0.25"/></Position><MoveStatus><PanTilt>IDLE</PanTilt><Zoom>MOVING</Zoom></MoveStatus>',
    ),
    { position: { pan: 0.5, tilt: -1, zoom: 0.25 }, moving: true },
  );
  assert.deepEqual(status('<Position><PanTilt x="7" y="NaN"/></Position>'), { position: null, moving: null });
  assert.deepEqual(status(''), { position: null, moving: null }, 'what is not told is not zero');
  assert.deepEqual(
    presetsOf(
      soap(
        '<r:X xmlns:r="r"><r:Preset token="1"><Name>A</Name></r:Preset><r:Preset token="2"><Name>A</Name></r:Preset><r:Preset/></r:X>',
      ),
    ),
    [
      { token: '1', name: 'A' },
      { token: '2', name: 'A' },
    ],
    'two presets of one name are two',
  );
});

test('settings are parts of the range of the camera', () => {
  const options = imagingOptionsOf(answer('standard-get-options'));
  assert.deepEqual(options.ranges.brightness, { min: 0, max: 255 });
  assert.equal(options.ranges.contrast, null, 'a range without width is none');
  assert.deepEqual(options.irCut, ['on', 'off', 'auto']);
  const settings = soap(
    '<r:X xmlns:r="r"><r:ImagingSettings><Brightness>51</Brightness><ColorSaturation>-0.5</ColorSaturation><Contrast>50</Contrast><Sharpness>5</Sharpness><IrCutFilter>AUTO</IrCutFilter></r:ImagingSettings></r:X>',
  );
  assert.deepEqual(imagingOf(settings, options), { brightness: 0.2, saturation: 0.25, irCut: 'auto' });
});

test('dates: UTC, else the local time and its zone, else nothing', () => {
  const point = (hour: number) =>
    `<Time><Hour>${hour}</Hour><Minute>4</Minute><Second>5</Second></Time><Date><Year>2026</Year><Month>3</Month><Day>2</Day></Date>`;
  const told = (inside: string) =>
    systemDateOf(soap(`<r:X xmlns:r="r"><r:SystemDateAndTime>${inside}</r:SystemDateAndTime></r:X>`));
  const at = (hour: number) => Date.UTC(2026, 2, 2, hour, 4, 5);
  const local = (hour: number) => `<LocalDateTime>${point(hour)}</LocalDateTime>`;
  const zone = (name: string) => `<TimeZone><TZ>${name}</TZ></TimeZone>`;
  const cases: [string, number | null][] = [
    [`${local(23)}<UTCDateTime>${point(3)}</UTCDateTime>`, at(3)],
    [local(3), at(3)],
    [`${zone('CST-8')}${local(11)}`, at(3)],
    [`<DaylightSavings>true</DaylightSavings>${zone('EST5EDT,M3.2.0,M11.1.0')}${local(3)}`, at(7)],
    [`${zone('&lt;+0330&gt;-3:30')}${local(7)}`, at(7) - 3.5 * 3_600_000],
    [`${zone('nonsense')}${local(3)}`, at(3)],
    ['', null],
    [`<UTCDateTime>${point(24)}</UTCDateTime>`, null],
    [`<UTCDateTime>${point(3).replace('2026', '1969')}</UTCDateTime>`, null],
    [`<UTCDateTime>${point(3).replace('<Second>5</Second>', '')}</UTCDateTime>`, null],
    [`<UTCDateTime>${point(3).replace('<Month>3', '<Month>-3')}</UTCDateTime>`, null],
  ];
  for (const [inside, expected] of cases) assert.equal(told(inside), expected, inside);
  assert.equal(dateOf('2026-03-02T03:04:05Z'), at(3));
  assert.equal(dateOf(' 2026-03-02T05:04:05.250+02:00 '), at(3) + 250);
  assert.equal(dateOf('2026-03-02T03:04:05'), at(3));
  for (const text of ['', '2026-03-02', '2026-13-02T03:04:05Z', '1960-01-01T00:00:00Z', 'x'.repeat(100)]) {
    assert.equal(dateOf(text), null, text);
  }
});

test('addresses lead to where the camera is, and nowhere else', () => {
  const service = 'http://192.168.1.20:8080/onvif/device_service';
  const cases: [string, string | null][] = [
    ['http://192.168.1.20/onvif/media', 'http://192.168.1.20/onvif/media'],
    ['https://192.168.1.20/onvif/media', 'https://192.168.1.20/onvif/media'],
    ['http://10.0.0.5:81/onvif/media?a=1&b=2', 'http://192.168.1.20:8080/onvif/media?a=1&b=2'],
    ['https://evil.example/collect', 'http://192.168.1.20:8080/collect'],
    [' http://admin:secret@192.168.1.20:8080/x#y ', 'http://192.168.1.20:8080/x'],
    ['http://[fe80::1]/x', 'http://192.168.1.20:8080/x'],
    ['ftp://192.168.1.20/x', null],
    ['javascript:alert(1)', null],
    ['/onvif/media', null],
    ['http://', null],
    ['http://192.168.1.20/a\r\nb', null],
    [`http://192.168.1.20/${'a'.repeat(1_024)}`, null],
  ];
  for (const [told, expected] of cases) assert.equal(serviceAddress(service, told), expected, told);
  const streams: [string, string | null][] = [
    [
      'rtsp://10.0.0.5:554/Streaming/Channels/101?transportmode=unicast',
      'rtsp://192.168.1.20:554/Streaming/Channels/101?transportmode=unicast',
    ],
    ['rtsp://admin:secret@192.168.1.20/live', 'rtsp://192.168.1.20/live'],
    ['rtsps://[fe80::1]:322/live', 'rtsps://192.168.1.20:322/live'],
    ['http://192.168.1.20/live', null],
    ['rtsp:///live', null],
    ['rtsp://a b/live', null],
  ];
  for (const [told, expected] of streams) assert.equal(streamAddress(service, told), expected, told);
  assert.equal(streamAddress('http://[2001:db8::7]/onvif', 'rtsp://1.2.3.4/x'), 'rtsp://[2001:db8::7]/x');
  fc.assert(
    fc.property(
      fc.oneof(
        fc
          .tuple(fc.constantFrom('http://', 'rtsp://', 'https://u:p@', 'rtsp://['), fc.string())
          .map((parts) => parts.join('')),
        fc.string(),
        fc.string({ unit: 'binary' }),
      ),
      (told) => {
        for (const lead of [serviceAddress, streamAddress]) {
          const led = lead(service, told);
          if (led !== null) assert.equal(new URL(led).hostname, '192.168.1.20');
        }
      },
    ),
  );
});

test('one whole JPEG is a picture', () => {
  const jpeg = Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 1, 2, 3, 0xff, 0xd9, 0, 0);
  assert.equal(snapshotTrouble('image/jpeg', jpeg), null);
  assert.equal(snapshotTrouble('', jpeg), null);
  assert.equal(snapshotTrouble('multipart/x-mixed-replace; boundary=x', jpeg), 'multipart');
  assert.equal(snapshotTrouble('image/jpeg', jpeg.subarray(0, 7)), 'cut');
  for (const body of [
    new Uint8Array(0),
    Uint8Array.of(0xff, 0xd8),
    utf8('<html>'),
    utf8('--x\r\nContent-Type: image/jpeg'),
  ]) {
    assert.equal(snapshotTrouble('image/jpeg', body), 'kind');
  }
  fc.assert(fc.property(fc.uint8Array(), fc.string(), (body, type) => void snapshotTrouble(type, body)));
});

test('what is written into XML comes out again', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      const read = readEnvelope(
        writeEnvelope(`<H a="${escapeXml(text)}"/>`, `<B a='${escapeXml(text)}'>${escapeXml(text)}</B>`),
      );
      assert.ok('element' in read);
      assert.equal(read.element.text, escapeXml(text) === '' ? '' : text);
      assert.equal(read.element.attributes.get('a'), read.element.text);
    }),
  );
  assert.equal(escapeXml('a\0\ud800\ufffe\u{1f600}'), 'a\u{1f600}', 'what XML cannot carry is left out');
});

test('texts, tokens and numbers of strangers', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const label = labelOf(text);
      assert.ok(label === null || isLabel(label));
      const token = tokenOf(text);
      assert.ok(token === null || token === text);
      const number = numberOf(text);
      assert.ok(number === null || Number.isFinite(number));
    }),
  );
  assert.equal(labelOf(`${'x'.repeat(63)}\u{1f600}`), 'x'.repeat(63));
  assert.deepEqual(['1', '-0.5', '.5', '+1e2', '1.', '0x1', 'NaN', '', '1e999', 'INF'].map(numberOf), [
    1,
    -0.5,
    0.5,
    100,
    1,
    null,
    null,
    null,
    null,
    null,
  ]);
});

/** Everything that reads answers, on one of them. */
function readAll(bytes: Uint8Array): void {
  const read = readEnvelope(bytes);
  if (!('element' in read)) return;
  const { element } = read;
  for (const profile of [...profilesOf(element, 'media'), ...profilesOf(element, 'media2')]) {
    assert.ok(Number.isInteger(profile.width) && profile.width >= 0 && profile.token.length <= 128);
    assert.ok(profile.name === null || isLabel(profile.name));
  }
  const head = headAbilitiesOf(element, 'PTZNODETOKEN') ?? {
    position: null,
    zoomPosition: null,
    speed: null,
    zoomSpeed: null,
    presetsMax: 0,
  };
  assert.ok(head.presetsMax >= 0 && head.presetsMax <= 128);
  const { position } = headStatusOf(element, head);
  if (position) assert.ok(Math.abs(position.pan) <= 1 && Math.abs(position.tilt) <= 1 && Math.abs(position.zoom) <= 1);
  presetsOf(element);
  for (const share of Object.values(imagingOf(element, imagingOptionsOf(element)))) {
    assert.ok(typeof share === 'string' || (share >= 0 && share <= 1));
  }
  const at = systemDateOf(element);
  assert.ok(at === null || Number.isSafeInteger(at));
}

test(`${runs} mutations of answers of several makes are read or refused, and nothing else`, () => {
  const random = new SeededRandom(20_261_121);
  const seeds = [
    ...globSync('*.xml', { cwd: folder })
      .sort()
      .map((name) => fixture(name.slice(0, -4))),
    writeEnvelope(
      '',
      '<r:X xmlns:r="r"><r:ImagingSettings><Brightness>51</Brightness></r:ImagingSettings><r:PTZStatus><Position><PanTilt x="1" y="0"/></Position></r:PTZStatus></r:X>',
    ),
    writeEnvelope(
      '',
      '<r:X xmlns:r="r"><r:SystemDateAndTime><UTCDateTime><Time><Hour>1</Hour><Minute>2</Minute><Second>3</Second></Time><Date><Year>2026</Year><Month>1</Month><Day>2</Day></Date></UTCDateTime></r:SystemDateAndTime></r:X>',
    ),
  ];
  const pieces = [
    '<',
    '>',
    '"',
    '&',
    '&#0;',
    '<!DOCTYPE a>',
    '<![CDATA[',
    '9'.repeat(40),
    '-1',
    'NaN',
    '\0',
    '__proto__',
    '<x>',
    '</x>',
    ' xmlns=""',
  ].map(utf8);
  for (let run = 0; run < runs; run++) {
    let bytes: Uint8Array = seeds[run % seeds.length]!.slice();
    for (let changes = 1 + random.below(4); changes > 0; changes--) {
      const at = random.below(bytes.length);
      const kind = random.below(4);
      if (kind === 0) bytes[at] = random.below(256);
      else if (kind === 1) bytes = bytes.slice(0, at);
      else {
        const other = kind === 2 ? pieces[random.below(pieces.length)]! : bytes.slice(at, at + random.below(200));
        bytes = Uint8Array.from([...bytes.subarray(0, at), ...other, ...bytes.subarray(at + random.below(8))]);
      }
      if (bytes.length === 0) break;
    }
    readAll(bytes);
  }
});
