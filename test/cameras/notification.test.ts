import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fromUtf8, utf8 } from '../../src/bytes/index.ts';
import { eventTopicOf } from '../../src/cameras/onvif/event-topics.ts';
import { EventTracker } from '../../src/cameras/onvif/event-tracker.ts';
import { NOTIFICATIONS_MAX, type Notification, notificationsOf } from '../../src/cameras/onvif/notification.ts';
import { filterOf } from '../../src/cameras/onvif/topic-filter.ts';
import { SeededRandom } from '../../src/platform/index.ts';
import { CAMERA_EVENT_KINDS, isLabel, readXml, TIME_AT_MAX } from '../../src/protocol/index.ts';
import { message, PROPERTIES, xml } from './fake-pull-point.ts';

const read = (...messages: string[]) =>
  notificationsOf(xml(`<tev:PullMessagesResponse>${messages.join('')}</tev:PullMessagesResponse>`));
const one = (...args: Parameters<typeof message>) => read(message(...args)).notifications[0] ?? null;

/** What makes tell, as their documents and those who listen to them describe it (docs/events.md). */
const MAKES: [make: string, Parameters<typeof message>, told: string | null][] = [
  ['any', ['tns1:VideoSource/MotionAlarm', { State: 'true' }], 'motion true'],
  ['any', ['tns1:VideoSource/MotionAlarm', { State: '0' }], 'motion false'],
  [
    'Hikvision',
    ['tns1:RuleEngine/CellMotionDetector/Motion', { IsMotion: 'true' }, { source: { Rule: 'MyMotionDetectorRule' } }],
    'motion true',
  ],
  ['Hikvision', ['tns1:RuleEngine/TamperDetector/Tamper', { IsTamper: 'true' }], 'tamper true'],
  [
    'Hikvision',
    ['tns1:RuleEngine/FieldDetector/ObjectsInside', { IsInside: 'true' }, { source: { Rule: 'Lawn' } }],
    'line true Lawn',
  ],
  [
    'Hikvision',
    ['tns1:RuleEngine/LineDetector/Crossed', { ObjectId: '1' }, { source: { Rule: 'Gate' } }],
    'line null Gate',
  ],
  [
    'any',
    ['tns1:Device/Trigger/DigitalInput', { LogicalState: 'true' }, { source: { InputToken: 'DI_1' } }],
    'input true DI_1',
  ],
  ['any', ['tns1:VideoSource/GlobalSceneChange/ImagingService', { State: 'true' }], 'tamper true scene changed'],
  ['any', ['tns1:VideoSource/ImageTooDark/AnalyticsService', { State: 'false' }], 'tamper false too dark'],
  ['Reolink', ['tns1:RuleEngine/MyRuleDetector/PeopleDetect', { State: 'true' }], 'motion true people'],
  ['Reolink', ['tns1:RuleEngine/MyRuleDetector/Visitor', { State: 'true' }], 'input true visitor'],
  [
    'TP-Link',
    ['tns1:RuleEngine/TPSmartEventDetector/TPSmartEvent', { IsVehicle: 'true', IsPet: 'false' }],
    'motion true',
  ],
  ['TP-Link', ['tns1:RuleEngine/PeopleDetector/People', { IsPeople: 'false' }], 'motion false people'],
  ['Axis', ['tns1:RuleEngine/tnsx:VMD3/vmd3_video_1', { active: '1' }, { source: { areaid: '0' } }], 'motion true 0'],
  ['Axis', ['tnsx:CameraApplicationPlatform/VMD/Camera1ProfileANY', { active: '1' }, { source: {} }], 'motion true'],
  ['Axis', ['tns1:Device/tnsx:IO/Port', { state: '1' }, { source: { port: '2' } }], 'input true 2'],
  ['any', ['tns1:RuleEngine/CellMotionDetector/Motion', { IsMotion: 'maybe' }], null],
  ['any', ['tns1:RuleEngine/CellMotionDetector/Motion', {}], null],
  ['some', ['tns1:RuleEngine/CellMotionDetector/Motion', { SomethingOfTheirs: 'true' }], 'motion true'],
  ['some', ['tns1:RuleEngine/CellMotionDetector/Motion', { A: 'true', B: 'false' }], null],
  [
    'any',
    ['tns1:RuleEngine/CellMotionDetector/Motion', { IsMotion: 'true' }, { operation: 'Deleted' }],
    'motion false',
  ],
  ['any', ['tns1:RuleEngine/LineDetector/Crossed', { ObjectId: '1' }, { operation: 'Initialized' }], null],
  ['any', ['tns1:RuleEngine/LineDetector/Crossed', { ObjectId: '1' }, { operation: '' }], 'line null'],
  ['any', ['tns1:Monitoring/ProcessorUsage', { Value: '12' }], null],
  ['any', ['tns1:AudioAnalytics/Audio/DetectedSound', { IsSoundDetected: 'true' }], null],
  ['any', ['tns1:RuleEngine/CellMotionDetector/Motion/More', { IsMotion: 'true' }], null],
  ['any', ['', { IsMotion: 'true' }], null],
];

for (const [make, args, told] of MAKES) {
  test(`${make}: ${args[0]} ${JSON.stringify(args[1])} is ${told}`, () => {
    const found = one(...args);
    assert.equal(
      found && [found.kind, found.active, ...(found.name === null ? [] : [found.name])].map(String).join(' '),
      told,
    );
  });
}

test('times, names and initial states are taken as they are, or left out', () => {
  const MOTION = 'tns1:RuleEngine/CellMotionDetector/Motion';
  const at = (text: string) => one(MOTION, { IsMotion: 'true' }, { at: text })!.cameraAt;
  assert.equal(at('2026-11-18T09:06:40.125Z'), Date.UTC(2026, 10, 18, 9, 6, 40, 125));
  assert.equal(at('2026-11-18T09:06:40+02:00'), Date.UTC(2026, 10, 18, 7, 6, 40));
  for (const wrong of ['', 'now', '0000-00-00T00:00:00Z', '9999-01-01T00:00:00Z', '1960-01-01T00:00:00Z']) {
    assert.equal(at(wrong), null, wrong);
  }
  assert.equal(one(MOTION, { IsMotion: 'true' }, { operation: 'Initialized' })!.initial, true);
  const named = (name: string) => one('tns1:RuleEngine/LineDetector/Crossed', {}, { source: { Rule: name } })!.name;
  assert.equal(named('Küche'), 'Küche');
  assert.equal(named('x'.repeat(100)), 'x'.repeat(64));
  assert.equal(named('a\u202eb'), null);
  assert.equal(named(''), null);
});

test('messages beyond the bound are passed over, and counted', () => {
  const messages = Array.from({ length: NOTIFICATIONS_MAX + 10 }, (_, i) =>
    message('tns1:Device/Trigger/DigitalInput', { LogicalState: 'true' }, { source: { InputToken: String(i) } }),
  );
  const { notifications, passedOver } = read(...messages);
  assert.deepEqual([notifications.length, passedOver], [NOTIFICATIONS_MAX, 10]);
});

const SIGNS = 'truefalseACDIMNRSTV0129:/.- ';

test('any changed octet of an answer gives messages of the same shape, or none', () => {
  const whole = utf8(
    '<tev:PullMessagesResponse xmlns:tev="urn:e" xmlns:wsnt="urn:n" xmlns:tt="urn:t" xmlns:tns1="urn:1" xmlns:tnsx="urn:x">' +
      MAKES.map(([, args]) => message(...args)).join('') +
      '</tev:PullMessagesResponse>',
  );
  const random = new SeededRandom(11);
  let [readable, understood] = [0, 0];
  for (let i = 0; i < (process.env['SLOW'] ? 50_000 : 2_500); i++) {
    const bytes = whole.slice();
    for (let k = random.below(3); k >= 0; k--) {
      const at = random.below(bytes.length);
      if (random.below(20) === 0) bytes.copyWithin(at, random.below(bytes.length), random.below(bytes.length));
      else bytes[at] = random.below(4) === 0 ? random.below(256) : SIGNS.charCodeAt(random.below(SIGNS.length));
    }
    const document = readXml(random.below(20) ? bytes : bytes.subarray(0, random.below(bytes.length)));
    if (typeof document === 'string') continue;
    readable += 1;
    const { notifications, passedOver } = notificationsOf(document);
    understood += notifications.length;
    assert.ok(notifications.length + passedOver <= MAKES.length + 1);
    for (const notification of notifications) holds(notification);
  }
  assert.ok(readable > 200 && understood > 2_000, `${readable} readable, ${understood} understood`);
});

test('elements of any shape are read', () => {
  const name = fc.constantFrom('NotificationMessage', 'Topic', 'Message', 'Source', 'Data', 'Key', 'SimpleItem', 'x');
  const attributes = fc.dictionary(fc.constantFrom('Name', 'Value', 'UtcTime', 'PropertyOperation'), fc.string());
  const { tree } = fc.letrec<{ tree: ReturnType<typeof xml> }>((tie) => ({
    tree: fc.record({
      namespace: fc.constant(''),
      name,
      attributes: attributes.map((each) => new Map(Object.entries(each))),
      prefixes: fc.constant(new Map<string, string>()),
      text: fc.oneof(fc.constant('tns1:RuleEngine/LineDetector/Crossed'), fc.string()),
      children: fc.oneof(
        { maxDepth: 5, depthIdentifier: 'tree' },
        fc.constant<ReturnType<typeof xml>[]>([]),
        fc.array(tie('tree'), { maxLength: 5 }),
      ),
    }),
  }));
  fc.assert(
    fc.property(tree, (element) => {
      notificationsOf(element).notifications.forEach(holds);
    }),
    { numRuns: process.env['SLOW'] ? 20_000 : 500 },
  );
});

test('a topic text of any kind has a meaning of the table or none', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[A-Za-z/:]{0,60}$/)), (text) => {
      const topic = eventTopicOf(text);
      assert.ok(topic === null || CAMERA_EVENT_KINDS.includes(topic.kind));
    }),
  );
});

test('what is remembered of a camera’s states is bounded, and a state that is not remembered is not told twice', () => {
  const tracker = new EventTracker();
  const state = (i: number, active: boolean): Notification => ({
    kind: 'input',
    name: `${i}`,
    active,
    cameraAt: null,
    initial: false,
    about: `${i}`,
    same: '',
  });
  let begun = 0;
  for (let i = 0; i < 1_000; i++) if (tracker.take(state(i, true), 0)) begun += 1;
  assert.equal(begun, 256);
  for (let i = 0; i < 1_000; i++) if (tracker.take(state(i, false), 0)) begun -= 1;
  assert.equal(begun, 0);
});

test('a filter names what the camera has of ours, as it writes it; without the dialect, or too long, there is none', () => {
  const wanted = (path: string) => eventTopicOf(path) !== null;
  assert.equal(
    filterOf(xml(PROPERTIES), wanted)?.expression,
    'tns1:RuleEngine/CellMotionDetector/Motion|tns1:Device/tnsx:IO/Port',
  );
  assert.equal(filterOf(xml(PROPERTIES.replace('ConcreteSet<', 'Other<')), wanted), null);
  assert.equal(filterOf(xml('<tev:GetEventPropertiesResponse/>'), wanted), null);
  const many = Array.from({ length: 40 }, (_, i) => `<tns1:Device><T${i}/></tns1:Device>`).join('');
  const all = PROPERTIES.replace(/<a:TopicSet>.*<\/a:TopicSet>/, `<a:TopicSet>${many}</a:TopicSet>`);
  assert.equal(
    filterOf(xml(all), () => true),
    null,
  );
  const text = fromUtf8(utf8(PROPERTIES))!;
  const random = new SeededRandom(3);
  for (let i = 0; i < 500; i++) {
    const at = random.below(text.length);
    const changed = text.slice(0, at) + String.fromCharCode(33 + random.below(90)) + text.slice(at + 1);
    const document = readXml(
      utf8(
        changed.replace(
          '>',
          ' xmlns:tev="urn:e" xmlns:wsnt="urn:n" xmlns:a="urn:a" xmlns:tns1="urn:1" xmlns:tnsx="urn:x" xmlns:tt="urn:t">',
        ),
      ),
    );
    if (typeof document === 'string') continue;
    const filter = filterOf(document, wanted);
    assert.ok(filter === null || filter.expression.length <= 1_500);
  }
});

function holds({ kind, name, active, cameraAt, initial }: Notification): void {
  assert.ok(CAMERA_EVENT_KINDS.includes(kind));
  assert.ok(name === null || isLabel(name));
  assert.ok([true, false, null].includes(active) && typeof initial === 'boolean');
  assert.ok(cameraAt === null || (Number.isInteger(cameraAt) && cameraAt >= 0 && cameraAt <= TIME_AT_MAX));
}
