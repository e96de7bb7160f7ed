import type { CameraEventKind } from '../../protocol/index.ts';

/** What a topic of a camera means, and where its message says the rest. */
export interface EventTopic {
  kind: CameraEventKind;
  /** Data items that hold the state, in lower case, the first one that is there; none: every message is a moment. */
  states: readonly string[];
  /** Items of source, key or data that name the region, line or input, in lower case; or the name itself. */
  name: readonly string[] | { is: string };
}

type Row = readonly [path: RegExp, kind: CameraEventKind, states: readonly string[], name?: EventTopic['name']];

const RULE = ['rule', 'rulename'];
const STATE = ['state'];

/**
 * Topics by local names: makes put the same names into namespaces of their own, and write prefixes as they like. What is not here is
 * passed over; sound, storage, network and people counted are no events of ours. docs/events.md tells where each row comes from.
 *
 * A camera tells the same motion under several topics: those without a name are one.
 */
const TOPICS: readonly Row[] = [
  // ONVIF imaging and analytics specifications; nearly every make.
  [/^VideoSource\/MotionAlarm$/, 'motion', STATE],
  [/^RuleEngine\/CellMotionDetector\/Motion$/, 'motion', ['ismotion', 'state']],
  [/^RuleEngine\/MotionRegionDetector\/Motion$/, 'motion', ['state', 'ismotion'], RULE],
  [/^RuleEngine\/TamperDetector\/Tamper$/, 'tamper', ['istamper', 'state']],
  [/^VideoSource\/GlobalSceneChange(\/\w+Service)?$/, 'tamper', STATE, { is: 'scene changed' }],
  [/^VideoSource\/ImageTooDark(\/\w+Service)?$/, 'tamper', STATE, { is: 'too dark' }],
  [/^VideoSource\/ImageTooBright(\/\w+Service)?$/, 'tamper', STATE, { is: 'too bright' }],
  [/^VideoSource\/ImageTooBlurry(\/\w+Service)?$/, 'tamper', STATE, { is: 'too blurry' }],
  [/^RuleEngine\/LineDetector\/Crossed$/, 'line', [], RULE],
  [/^RuleEngine\/FieldDetector\/ObjectsInside$/, 'line', ['isinside', 'state'], RULE],
  [/^RuleEngine\/LoiteringDetector\/ObjectIsLoitering$/, 'line', ['state', 'isloitering'], RULE],
  [/^Device\/Trigger\/DigitalInput$/, 'input', ['logicalstate', 'state'], ['inputtoken', 'token', 'source']],
  // Reolink: a rule for each kind of thing; the doorbell rings as a visitor.
  [/^RuleEngine\/MyRuleDetector\/PeopleDetect$/, 'motion', STATE, { is: 'people' }],
  [/^RuleEngine\/MyRuleDetector\/FaceDetect$/, 'motion', STATE, { is: 'face' }],
  [/^RuleEngine\/MyRuleDetector\/VehicleDetect$/, 'motion', STATE, { is: 'vehicle' }],
  [/^RuleEngine\/MyRuleDetector\/DogCatDetect$/, 'motion', STATE, { is: 'animal' }],
  [/^RuleEngine\/MyRuleDetector\/Package$/, 'motion', STATE, { is: 'package' }],
  [/^RuleEngine\/MyRuleDetector\/Visitor$/, 'input', STATE, { is: 'visitor' }],
  // TP-Link.
  [/^RuleEngine\/PeopleDetector\/People$/, 'motion', ['ispeople', 'state'], { is: 'people' }],
  [/^RuleEngine\/TPSmartEventDetector\/TPSmartEvent$/, 'motion', ['isvehicle', 'ispet', 'ispeople', 'istpsmartevent']],
  [/^RuleEngine\/LineCrossDetector\/LineCross$/, 'line', ['islinecross', 'state'], RULE],
  [/^RuleEngine\/IntrusionDetector\/Intrusion$/, 'line', ['isintrusion', 'state'], RULE],
  // Makes built around XiongMai boards.
  [/^UserAlarm\/IVA\/HumanShapeDetect$/, 'motion', ['state', 'status'], { is: 'people' }],
  // Axis: applications of the camera, and its connectors.
  [/^VideoAnalytics\/MotionDetection$/, 'motion', ['motion', 'state', 'active'], ['window']],
  [/^RuleEngine\/VMD3\/vmd3_video_\d+$/, 'motion', ['active'], ['areaid']],
  [/^CameraApplicationPlatform\/(VMD|MotionGuard)\/(Camera\d+Profile\w+|xinternal_data)$/, 'motion', ['active']],
  [/^CameraApplicationPlatform\/ObjectAnalytics\/Device\d+Scenario\w+$/, 'motion', ['active']],
  [/^CameraApplicationPlatform\/(FenceGuard|LoiteringGuard)\/Camera\d+Profile\w+$/, 'line', ['active']],
  [/^VideoSource\/Tampering$/, 'tamper', []],
  [/^Device\/IO\/(Port|VirtualInput)$/, 'input', ['state', 'active'], ['port']],
];

/** What a topic means, by its names without prefixes; null where it is none of ours. */
export function eventTopicOf(path: string): EventTopic | null {
  const row = TOPICS.find(([pattern]) => pattern.test(path));
  return row ? { kind: row[1], states: row[2], name: row[3] ?? [] } : null;
}
