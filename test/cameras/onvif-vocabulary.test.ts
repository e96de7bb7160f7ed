import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import fc from 'fast-check';
import { NAMESPACES } from '../../src/cameras/onvif/namespaces.ts';
import { readEnvelope, writeEnvelope } from '../../src/cameras/onvif/soap-message.ts';
import { type Operation, ownPhrase, type Phrase, phrase } from '../../src/cameras/onvif/vocabulary.ts';
import type { XmlElement } from '../../src/protocol/index.ts';

const hostile = `a<b>&"'</Body><!--`;

/** The element a phrase puts on the wire. */
function onWire({ body }: Phrase): XmlElement {
  const read = readEnvelope(writeEnvelope('', body));
  assert.ok('element' in read, body);
  return read.element;
}

/** Every text and attribute of an element, in order. */
function textsOf(element: XmlElement): string[] {
  const own = [...element.attributes.values(), element.text].filter((text) => text !== '');
  return [...own, ...element.children.flatMap(textsOf)];
}

const cases: [Operation, Record<string, string | number | boolean | Date> | undefined, boolean, string, string[]][] = [
  ['getDeviceInformation', undefined, false, `${NAMESPACES.device}/GetDeviceInformation`, []],
  ['getProfiles', undefined, false, `${NAMESPACES.media}/GetProfiles`, []],
  ['getProfiles', undefined, true, `${NAMESPACES.media2}/GetProfiles`, ['All']],
  [
    'getStreamUri',
    { protocol: 'RTSP', profileToken: hostile },
    false,
    `${NAMESPACES.media}/GetStreamUri`,
    ['RTP-Unicast', 'RTSP', hostile],
  ],
  [
    'getStreamUri',
    { protocol: 'RTSP', profileToken: hostile },
    true,
    `${NAMESPACES.media2}/GetStreamUri`,
    ['RTSP', hostile],
  ],
  ['getSnapshotUri', { profileToken: hostile }, true, `${NAMESPACES.media2}/GetSnapshotUri`, [hostile]],
  ['getNodes', undefined, false, `${NAMESPACES.ptz}/GetNodes`, []],
  ['getStatus', { profileToken: hostile }, false, `${NAMESPACES.ptz}/GetStatus`, [hostile]],
  ['getPresets', { profileToken: hostile }, false, `${NAMESPACES.ptz}/GetPresets`, [hostile]],
  ['gotoPreset', { profileToken: hostile, preset: hostile }, false, `${NAMESPACES.ptz}/GotoPreset`, [hostile, hostile]],
  [
    'setPreset',
    { profileToken: hostile, presetName: hostile },
    false,
    `${NAMESPACES.ptz}/SetPreset`,
    [hostile, hostile],
  ],
  [
    'removePreset',
    { profileToken: hostile, presetToken: hostile },
    false,
    `${NAMESPACES.ptz}/RemovePreset`,
    [hostile, hostile],
  ],
  [
    'continuousMove',
    { profileToken: 'p', x: 0.5, y: -0.25, zoom: 0, timeout: 1_500 },
    false,
    `${NAMESPACES.ptz}/ContinuousMove`,
    ['p', '0.5', '-0.25', '0', 'PT1.5S'],
  ],
  [
    'continuousMove',
    { profileToken: 'p', x: 1, y: 0, onlySendPanTilt: 1 },
    false,
    `${NAMESPACES.ptz}/ContinuousMove`,
    ['p', '1', '0'],
  ],
  [
    'continuousMove',
    { profileToken: 'p', zoom: 1, onlySendZoom: 1 },
    false,
    `${NAMESPACES.ptz}/ContinuousMove`,
    ['p', '1'],
  ],
  [
    'absoluteMove',
    { profileToken: 'p', x: -1, y: 1, zoom: 0.5 },
    false,
    `${NAMESPACES.ptz}/AbsoluteMove`,
    ['p', '-1', '1', '0.5'],
  ],
  [
    'stop',
    { profileToken: 'p', panTilt: 'true', zoom: 'true' },
    false,
    `${NAMESPACES.ptz}/Stop`,
    ['p', 'true', 'true'],
  ],
  ['getVideoSourceOptions', { token: hostile }, false, `${NAMESPACES.imaging}/GetOptions`, [hostile]],
  ['getImagingSettings', { token: hostile }, false, `${NAMESPACES.imaging}/GetImagingSettings`, [hostile]],
  [
    'setImagingSettings',
    { token: 's', brightness: '0', irCutFilter: 'AUTO' },
    false,
    `${NAMESPACES.imaging}/SetImagingSettings`,
    ['s', '0', 'AUTO'],
  ],
  [
    'setNTP',
    { fromDHCP: false, type: 'DNS', dnsName: hostile },
    false,
    `${NAMESPACES.device}/SetNTP`,
    ['false', 'DNS', hostile],
  ],
  [
    'setSystemDateAndTime',
    {
      dateTimeType: 'Manual',
      daylightSavings: true,
      timezone: hostile,
      dateTime: new Date(Date.UTC(2026, 1, 3, 4, 5, 6)),
    },
    false,
    `${NAMESPACES.device}/SetSystemDateAndTime`,
    ['Manual', 'true', hostile, '4', '5', '6', '2026', '2', '3'],
  ],
  ['getRecordingSummary', undefined, false, `${NAMESPACES.search}/GetRecordingSummary`, []],
];

test('every question is one element of the right service, with what was given inside it as text', () => {
  for (const [operation, parameters, media2, action, texts] of cases) {
    const said = phrase(operation, parameters, media2);
    const element = onWire(said);
    assert.equal(said.action, action);
    assert.equal(`${element.namespace}/${element.name}`, action);
    assert.equal(NAMESPACES[said.service], element.namespace);
    assert.deepEqual(textsOf(element), texts, operation);
    assert.ok(!said.body.includes('<!--'));
  }
  assert.deepEqual(textsOf(onWire(ownPhrase('device', 'GetEndpointReference'))), []);
});

test('no text of a stranger leaves the place it was put in', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (text) => {
      const inside = textsOf(onWire(phrase('setPreset', { profileToken: 'p', presetName: text, presetToken: text })));
      assert.equal(inside[0], 'p');
      assert.ok(
        inside.slice(1).every((each) => each === text),
        JSON.stringify(inside),
      );
    }),
  );
});

test('composing opens nothing, waits for nothing and listens to nothing', (t) => {
  const before = process.getActiveResourcesInfo();
  const { request } = createRequire(import.meta.url)('node:http') as typeof import('node:http');
  const spied = t.mock.method(createRequire(import.meta.url)('node:http'), 'request', request);
  for (const [operation, parameters, media2] of cases) phrase(operation, parameters, media2);
  assert.deepEqual(process.getActiveResourcesInfo(), before);
  assert.equal(spied.mock.callCount(), 0);
});

test('why the answers are not read by the package: it takes tokens and serial numbers for numbers', () => {
  const { linerase } = createRequire(import.meta.url)('onvif/lib/utils.js') as { linerase(value: unknown): unknown };
  assert.equal(linerase('1.50'), 1.5);
  assert.notEqual(String(linerase('12003450067800912345')), '12003450067800912345');
});
