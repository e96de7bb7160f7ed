import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { COMMANDS, isSourceId } from '../../src/protocol/index.ts';
import {
  type CameraForm,
  changesOf,
  faultsOf,
  formOf,
  formOfSettings,
  hostOfService,
  isCameraUrl,
  NEW_FORM,
  testOf,
  upsertOf,
} from '../../web/src/pages/cameras/camera-wish.ts';
import { idFault, suggestId } from '../../web/src/pages/cameras/source-id.ts';
import { parseWeek } from '../../web/src/pages/cameras/week.ts';

const nobody = new Set<string>();
const upsert = COMMANDS['sources.upsert'].params;
const tried = COMMANDS['sources.test'].params;

for (const [name, taken, id] of [
  ['Front door', [], 'front-door'],
  ['Front door', ['front-door'], 'front-door-2'],
  ['Front door', ['front-door', 'front-door-2'], 'front-door-3'],
  ['Jardín nº 2', [], 'jardin-no-2'],
  ['  Straße  ', [], 'strasse'],
  ['Ærø', [], 'aero'],
  ['防犯カメラ', [], 'camera'],
  ['', ['camera'], 'camera-2'],
  ['---', [], 'camera'],
  ['x'.repeat(80), [], 'x'.repeat(63)],
  ['x'.repeat(80), ['x'.repeat(63)], `${'x'.repeat(61)}-2`],
] as [string, string[], string][]) {
  test(`a camera called ${JSON.stringify(name.slice(0, 20))} is offered the id ${id.slice(0, 20)}`, () => {
    assert.equal(suggestId(name, new Set(taken)), id);
  });
}

test('whatever a camera is called, the offered id is one the node takes, and free', () => {
  const known = fc.array(fc.string({ maxLength: 70 }), { maxLength: 8 });
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 80 }), known, (name, names) => {
      const taken = new Set<string>();
      for (const each of [...names, name, name]) taken.add(suggestId(each, taken));
      const id = suggestId(name, taken);
      assert.ok(isSourceId(id));
      assert.equal(idFault(id, taken), null);
    }),
  );
});

for (const [id, fault] of [
  ['', 'empty'],
  ['a'.repeat(64), 'long'],
  ['-a', 'start'],
  ['Front', 'start'],
  ['front door', 'signs'],
  ['yard', 'taken'],
  ['yard2', null],
] as const) {
  test(`the id ${JSON.stringify(id.slice(0, 12))} is ${fault ?? 'taken as it is'}`, () => {
    assert.equal(idFault(id, new Set(['yard'])), fault);
    if (fault !== 'taken') assert.equal(fault === null, isSourceId(id));
  });
}

const FULL: CameraForm = {
  ...NEW_FORM,
  id: 'yard',
  name: ' Yard ',
  url: ' rtsp://192.168.1.21/main ',
  sub: 'rtsp://192.168.1.21/sub',
  username: 'viewer',
  password: 'secret word',
  onvif: 'given',
  onvifUrl: 'http://192.168.1.21/onvif/device_service',
  transport: 'tcp',
  audio: 'none',
  record: { main: 'event', sub: 'never' },
  schedule: parseWeek(['mon-fri 08:00-18:00']).week,
  on: ['motion', 'line'],
  before: 10,
  after: 2.5,
  keepDays: 14,
  sizeGb: 100,
};

test('a new camera says everything that was filled in, in the form the node takes', () => {
  assert.deepEqual(faultsOf(FULL, true, nobody), {});
  const wish = upsertOf(FULL, true);
  assert.deepEqual(upsert.parse(wish), {
    source: 'yard',
    expect: 'new',
    name: 'Yard',
    url: 'rtsp://192.168.1.21/main',
    sub: 'rtsp://192.168.1.21/sub',
    username: 'viewer',
    password: 'secret word',
    onvif: 'http://192.168.1.21/onvif/device_service',
    transport: 'tcp',
    audio: 'none',
    record: { main: 'event', sub: 'never' },
    schedule: ['mon-fri 08:00-18:00'],
    on: ['motion', 'line'],
    before: '10s',
    after: '2.5s',
    keep: '14d',
    size: '100GB',
  });
});

test('a new camera with an address alone leaves the rest to the node', () => {
  const form = { ...NEW_FORM, id: 'yard', url: 'rtsp://192.168.1.21/main' };
  assert.deepEqual(faultsOf(form, true, nobody), {});
  assert.deepEqual(upsertOf(form, true), { source: 'yard', expect: 'new', url: 'rtsp://192.168.1.21/main' });
});

test('a changed camera sends only what was changed', () => {
  const form = formOf('yard', 'Yard');
  assert.deepEqual(upsertOf(form, false, 'Yard'), { source: 'yard', expect: 'known' });
  assert.deepEqual(upsert.parse(upsertOf({ ...form, keepDays: null, schedule: null }, false, 'Yard')), {
    source: 'yard',
    expect: 'known',
    keep: null,
    schedule: null,
  });
  assert.deepEqual(
    upsert.parse(upsertOf({ ...form, name: '', login: 'none', onvif: 'none', noSub: true }, false, 'Yard')),
    { source: 'yard', expect: 'known', name: null, sub: null, username: null, onvif: null },
  );
});

test('a test of a configured camera names it, one of a new camera does not', () => {
  assert.deepEqual(tried.parse(testOf(formOf('yard', 'Yard'), false)), { source: 'yard' });
  const wish = testOf(FULL, true);
  assert.deepEqual(tried.parse(wish), wish);
  assert.equal('source' in wish, false);
  assert.equal(wish.password, 'secret word');
});

for (const [what, change, fault] of [
  ['no address', { url: '' }, { url: 'urlNeeded' }],
  ['a web address', { url: 'http://192.168.1.21/' }, { url: 'url' }],
  ['a password without a user', { username: '' }, { username: 'username' }],
  ['no time of the week', { schedule: [] }, { schedule: 'scheduleNone' }],
  ['events without ONVIF', { onvif: 'none' }, { record: 'eventNeedsOnvif' }],
  ['no kind of event', { on: [] }, { on: 'onNone' }],
  ['31 seconds before', { before: 31 }, { before: 'number' }],
  ['no seconds after', { after: 0 }, { after: 'number' }],
  ['an empty number of days', { keepDays: Number.NaN }, { keepDays: 'number' }],
  ['a name of 65 characters', { name: 'x'.repeat(65) }, { name: 'name' }],
] as [string, Partial<CameraForm>, object][]) {
  test(`a form with ${what} is not sent`, () => {
    assert.deepEqual(faultsOf({ ...FULL, ...change }, true, nobody), fault);
  });
}

test('a schedule of more times than the node takes is refused', () => {
  const week = Array.from({ length: 40 }, (_, index) => ({ from: index * 120, until: index * 120 + 30 + index }));
  assert.equal(faultsOf({ ...FULL, schedule: week }, true, nobody).schedule, 'scheduleMany');
});

test('addresses of cameras begin with rtsp or rtsps and have a host', () => {
  for (const yes of ['rtsp://a', 'rtsps://user@host:554/x?y=1', ' RTSP://a/ ']) assert.ok(isCameraUrl(yes), yes);
  for (const no of ['rtsp://', 'rtsp:///x', 'http://a', 'rtsp://a b', 'rtsp://a/b c', `rtsp://${'a'.repeat(2_048)}`])
    assert.ok(!isCameraUrl(no), no);
  assert.equal(hostOfService('http://192.168.1.20:8000/onvif'), '192.168.1.20');
  assert.equal(hostOfService('https://[fe80::1]/x'), '[fe80::1]');
  assert.equal(hostOfService('ftp://x'), null);
});

const settings = {
  source: 'yard',
  name: 'Yard',
  enabled: true,
  virtual: false,
  url: 'rtsp://192.168.1.21/stream1',
  username: 'viewer',
  password: true,
  find: true,
  transport: 'auto',
  reader: 'auto',
  audio: 'auto',
  record: { main: 'event', sub: 'always' },
  schedule: [{ from: 480, until: 1080 }],
  timezone: 'Europe/Madrid',
  on: ['motion'],
  beforeMs: 5_000,
  afterMs: 10_000,
  keepMs: 1_209_600_000,
  size: { bytes: 1e11 },
} as Parameters<typeof formOfSettings>[0];

test('a form filled with what is configured changes nothing by itself', () => {
  const form = formOfSettings(settings);
  assert.deepEqual(faultsOf(form, false, nobody), {});
  assert.deepEqual(changesOf(form, form), { source: 'yard', expect: 'known' });
  assert.equal(form.keepDays, 14);
  assert.equal(form.sizeGb, 100);
});

for (const [what, part, sent] of [
  ['a name', { name: 'Back yard' }, { name: 'Back yard' }],
  ['an address', { url: 'rtsp://192.168.1.22/1' }, { url: 'rtsp://192.168.1.22/1' }],
  ['a schedule taken away', { schedule: null }, { schedule: null }],
  ['a limit taken away', { keepDays: null }, { keep: null }],
  ['a longer pre-roll', { before: 12 }, { before: '12s' }],
  [
    'recording always, which has no pre-roll',
    { record: { main: 'always', sub: 'always' }, before: 12 },
    { record: 'always' },
  ],
  ['a password', { login: 'given', password: 'secret' }, { username: 'viewer', password: 'secret' }],
] as [string, Partial<CameraForm>, object][]) {
  test(`of a filled form is sent what was changed: ${what}`, () => {
    const before = formOfSettings(settings);
    const wish = changesOf({ ...before, ...part }, before);
    assert.deepEqual(wish, { source: 'yard', expect: 'known', ...sent });
    assert.ok(upsert.safeParse(wish).success);
  });
}
