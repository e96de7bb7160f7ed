import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CameraError } from '../../src/cameras/errors.ts';
import type { CameraEvent, CameraTrouble } from '../../src/cameras/index.ts';
import { pullEvents } from '../../src/cameras/onvif/pull-point.ts';
import { SeededRandom, SimulatedClock, silentLog } from '../../src/platform/index.ts';
import { FakePullPoint, type Manners, message } from './fake-pull-point.ts';

const MOTION = 'tns1:RuleEngine/CellMotionDetector/Motion';
const motion = (is: boolean, at: string, operation = 'Changed') =>
  message(MOTION, { IsMotion: String(is) }, { at: `2026-11-18T09:${at}Z`, operation });

/** A camera that is listened to. */
function listen(manners: Manners = {}) {
  const clock = new SimulatedClock();
  const camera = new FakePullPoint(clock, manners);
  const events: CameraEvent[] = [];
  const connected: [boolean, CameraTrouble | null][] = [];
  const stop = new AbortController();
  const ended = pullEvents(
    camera,
    { clock, random: new SeededRandom(5), log: silentLog },
    { event: (event) => events.push(event), connected: (...args) => connected.push(args) },
    stop.signal,
  );
  ended.catch(() => {});
  const told = () => events.map(({ kind, active, initial }) => `${kind} ${active}${initial ? ' initial' : ''}`);
  return { clock, camera, events, connected, stop, ended, told };
}

/** Lets time pass in steps: some chains of promises are longer than the clock waits for before its next timer. */
async function pass(clock: SimulatedClock, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 4_000) await clock.advance(Math.min(4_000, left));
}

test('subscribes with a filter of what the camera has, takes states that go on, then what changes, and ends it at the camera', async () => {
  const { clock, camera, events, connected, stop, ended, told } = listen({ clockMs: -5 * 3_600_000 });
  camera.states = [motion(true, '06:40', 'Initialized')];
  await clock.advance(5_000);
  assert.deepEqual(connected, [[true, null]]);
  camera.tell(motion(false, '06:45.5'));
  await clock.advance(1_000);
  assert.deepEqual(told(), ['motion true initial', 'motion false']);
  assert.deepEqual(
    [events[1]!.at, events[1]!.cameraAt],
    [clock.now() - 1_000, Date.parse('2026-11-18T09:06:45.5Z')],
    'both times are kept',
  );
  const create = camera.asked.find(({ action }) => action === 'CreatePullPointSubscription')!;
  assert.match(
    create.body,
    /<wsnt:TopicExpression xmlns:tns1="[^"]+" xmlns:tnsx="[^"]+" Dialect="[^"]+ConcreteSet">tns1:RuleEngine\/CellMotionDetector\/Motion\|tns1:Device\/tnsx:IO\/Port</,
  );
  const pull = camera.asked.find(({ action }) => action === 'PullMessages')!;
  assert.equal(pull.url, 'http://camera.example/onvif/subscription?Idx=1&x=%22', 'led to where the camera is reached');
  assert.match(
    pull.header,
    /<r:Id xmlns:r="http:\/\/maker\.example\/" a:IsReferenceParameter="true"[^>]*p0:note="&#60;&#34;&#62;">1<\/r:Id>/,
  );
  assert.match(pull.header, /<r:Inner [^>]*>&#38;<\/r:Inner>/);
  stop.abort();
  await ended;
  assert.equal(camera.live.size, 0, 'unsubscribed');
  assert.deepEqual(connected.at(-1), [false, null]);
});

test('long polling asks rarely, an impatient camera not at once, and what happens is told at once', async () => {
  const patient = listen();
  await patient.clock.advance(600_000);
  assert.ok(patient.camera.times('PullMessages') < 45, String(patient.camera.times('PullMessages')));
  const impatient = listen({ impatient: true });
  await impatient.clock.advance(60_000);
  const times = impatient.camera.times('PullMessages');
  assert.ok(times > 50 && times <= 61, String(times));
  patient.camera.tell(motion(true, '07:00'));
  await patient.clock.advance(0);
  assert.equal(patient.events.length, 1);
  for (const { stop } of [patient, impatient]) stop.abort();
});

test('a subscription is made longer before its end, whichever way of saying so the camera honours', async () => {
  for (const [manners, creates] of [
    [{}, 1],
    [{ clockMs: 9 * 3_600_000 }, 1],
    [{ renews: 'absolute', clockMs: -3_600_000 }, 1],
    [{ lifeMs: 15_000 }, 1],
    [{ renews: 'absolute', lifeMs: 10_000 }, 1],
  ] as [Manners, number][]) {
    const { clock, camera, connected, stop, ended } = listen(manners);
    camera.states = [motion(false, '06:40', 'Initialized')];
    await pass(clock, 1_800_000);
    assert.deepEqual(connected, [[true, null]], `never lost: ${JSON.stringify(manners)}`);
    assert.equal(camera.times('CreatePullPointSubscription'), creates);
    assert.ok(camera.times('Renew') < 700 && camera.times('Renew') > 20);
    stop.abort();
    await ended;
  }
});

test('a camera that refuses to renew, or pretends, gets a new subscription in time, without a gap and without telling states twice', async () => {
  for (const renews of ['never', 'pretends'] as const) {
    for (const lifeMs of [10_000, 60_000, 600_000]) {
      const { clock, camera, connected, stop, ended, told } = listen({ renews, lifeMs });
      camera.states = [motion(true, '06:40', 'Initialized')];
      await pass(clock, 1_800_000);
      assert.deepEqual(connected, [[true, null]], `${renews} ${lifeMs}`);
      assert.deepEqual(told(), ['motion true initial']);
      const creates = camera.times('CreatePullPointSubscription');
      assert.ok(creates >= 3 && creates <= 1_800_000 / lifeMs / 0.6, `${creates} subscriptions`);
      assert.ok(camera.times('Renew') <= 6, 'what it refused it is not asked again');
      stop.abort();
      await ended;
      assert.equal(camera.live.size, 0, 'those that were replaced are ended');
    }
  }
});

test('a filter that is refused, or lets nothing through, is left away; and so are headers', async () => {
  const refusing = listen({ refuseFilter: true });
  await refusing.clock.advance(3_000);
  refusing.camera.tell(motion(true, '07:00'));
  await refusing.clock.advance(0);
  assert.deepEqual(refusing.told(), ['motion true']);
  const silent = listen({ silentFilter: true });
  silent.camera.states = [motion(true, '06:40', 'Initialized')];
  await silent.clock.advance(90_000);
  assert.deepEqual(silent.told(), ['motion true initial']);
  assert.equal(silent.camera.times('CreatePullPointSubscription'), 2);
  const plain = listen({ refuseComplete: true, refuseFilter: true, properties: null });
  await plain.clock.advance(200_000);
  assert.deepEqual(plain.connected, [[true, null]]);
  const odd = listen({ properties: '<tev:GetEventPropertiesResponse/>' });
  await odd.clock.advance(2_000);
  assert.ok(!odd.camera.asked.some(({ body }) => body.includes('Filter')));
  for (const { stop, ended } of [refusing, silent, plain, odd]) {
    stop.abort();
    await ended;
  }
});

test('a subscription the camera forgot is told as lost and begun again; states are told anew', async () => {
  const { clock, camera, connected, stop, ended, told } = listen();
  camera.states = [motion(true, '06:40', 'Changed')];
  await clock.advance(3_000);
  camera.live.clear();
  await clock.advance(25_000);
  assert.deepEqual(connected, [
    [true, null],
    [false, 'refused'],
    [true, null],
  ]);
  assert.deepEqual(told(), ['motion true', 'motion true'], 'with the same old time in it');
  stop.abort();
  await ended;
});

test('one question without an answer is no loss, two are; a camera that is gone is asked more and more slowly, for ever', async () => {
  const { clock, camera, connected, stop, ended } = listen();
  await clock.advance(3_000);
  camera.failing = [{ action: /PullMessages/, trouble: 'unreachable' }];
  await clock.advance(60_000);
  assert.deepEqual(connected, [[true, null]]);
  camera.failing = Array.from({ length: 200 }, () => ({ action: /./, trouble: 'unreachable' }));
  const before = camera.asked.length;
  await clock.advance(3_600_000);
  assert.deepEqual(connected, [
    [true, null],
    [false, 'unreachable'],
  ]);
  const tries = 200 - camera.failing.length;
  assert.ok(tries > 60 && tries < 135, `${tries} tries in an hour`);
  assert.ok(camera.asked.length - before < 10);
  camera.failing = [];
  await clock.advance(62_000);
  assert.deepEqual(connected.at(-1), [true, null]);
  stop.abort();
  await ended;
});

test('rejects where the camera has no events or refuses who asks; an abort while it waits ends it quietly', async () => {
  const trouble = (promise: Promise<void>) =>
    promise.then(
      () => null,
      (error: unknown) => (error as CameraError).trouble,
    );
  const none = listen({ none: true });
  assert.equal(await trouble(none.ended), 'unsupported');
  assert.deepEqual(none.connected, [[false, 'unsupported']]);
  const strange = listen();
  strange.camera.failing = [{ action: /Create/, trouble: 'unauthorized' }];
  assert.equal(await trouble(strange.ended), 'unauthorized');
  const late = listen();
  await late.clock.advance(3_000);
  late.camera.failing = [{ action: /PullMessages/, trouble: 'unauthorized' }];
  await late.clock.advance(25_000);
  assert.equal(await trouble(late.ended), 'unauthorized');
  assert.deepEqual(late.connected.at(-1), [false, 'unauthorized']);
  const waiting = listen();
  waiting.camera.failing = [/Create/, /time/].map((action) => ({ action, trouble: 'unreachable' }));
  await waiting.clock.advance(100);
  waiting.stop.abort();
  await waiting.ended;
  assert.deepEqual(waiting.connected, [[false, 'unreachable']]);
});

test('a message delivered twice, states repeated every second, and a state under several topics are each told once', async () => {
  const { clock, camera, stop, told } = listen();
  await clock.advance(3_000);
  const alarm = (is: boolean, at: string) => message('tns1:VideoSource/MotionAlarm', { State: String(is) }, { at });
  camera.tell(motion(true, '07:00'), motion(true, '07:00'), alarm(true, '2026-11-18T09:07:00Z'));
  await clock.advance(500);
  for (let i = 1; i < 20; i++) {
    camera.tell(motion(true, `07:${String(i).padStart(2, '0')}`));
    await clock.advance(1_000);
  }
  assert.deepEqual(told(), ['motion true']);
  camera.tell(motion(false, '07:30'));
  await clock.advance(500);
  assert.deepEqual(told(), ['motion true'], 'the other topic still says so');
  camera.tell(alarm(false, '2026-11-18T09:07:31Z'), motion(true, '07:00'));
  await clock.advance(500);
  assert.deepEqual(told(), ['motion true', 'motion false'], 'what comes late for the second time says nothing');
  const crossed = message('tns1:RuleEngine/LineDetector/Crossed', { ObjectId: '7' }, { source: { Rule: 'Gate' } });
  camera.tell(crossed, crossed);
  await clock.advance(500);
  assert.deepEqual(told().slice(2), ['line null']);
  stop.abort();
});

test('states are asked for again now and then, so that a message that was lost on the way is made good', async () => {
  const { clock, camera, stop, told } = listen();
  camera.states = [motion(true, '06:40', 'Initialized')];
  await clock.advance(3_000);
  camera.states = [motion(false, '06:50', 'Initialized')];
  await clock.advance(640_000);
  assert.deepEqual(told(), ['motion true initial', 'motion false initial']);
  assert.ok(camera.times('SetSynchronizationPoint') <= 3);
  const cannot = listen({ synchronizes: false });
  await cannot.clock.advance(1_300_000);
  assert.equal(cannot.camera.times('SetSynchronizationPoint'), 1);
  for (const each of [stop, cannot.stop]) each.abort();
});

test('a camera that hangs where others refuse is asked more plainly, and loses nothing by it', async () => {
  for (const manners of [
    { hangsOnFilter: true },
    { hangs: /GetEventProperties/ },
    { hangs: /SetSynchronizationPoint/ },
    { hangs: /Renew/ },
    { hangs: /GetEventProperties|SetSynchronizationPoint|Renew|Unsubscribe/, lifeMs: 30_000 },
  ] as Manners[]) {
    const { clock, camera, connected, stop, ended, told } = listen(manners);
    await clock.advance(5_000);
    camera.tell(motion(true, '07:00'));
    await pass(clock, 900_000);
    camera.tell(motion(false, '22:00'));
    await clock.advance(1_000);
    assert.deepEqual(connected, [[true, null]], String(manners.hangs));
    assert.deepEqual(told(), ['motion true', 'motion false']);
    stop.abort();
    await ended;
  }
});

test('a camera that is away for a while is asked afterwards as it was before', async () => {
  const { clock, camera, stop, ended } = listen();
  camera.states = [motion(false, '06:40', 'Initialized')];
  await clock.advance(3_000);
  camera.manners.hangs = /^(?!services)/;
  await pass(clock, 600_000);
  delete camera.manners.hangs;
  camera.live.clear();
  await pass(clock, 70_000);
  const creates = camera.asked.filter(({ action }) => action === 'CreatePullPointSubscription');
  assert.ok(creates.length > 8);
  assert.match(creates.at(-1)!.body, /Filter/);
  stop.abort();
  await ended;
});
