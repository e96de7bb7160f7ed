import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SeededRandom, SimulatedClock } from '../../src/platform/index.ts';
import { DeviceEvents } from '../../src/virtual-camera/device/device-events.ts';
import { Subscriptions } from '../../src/virtual-camera/device/subscriptions.ts';
import { dateTimeMs, durationMs } from '../../src/virtual-camera/device/time-text.ts';
import type { VirtualDevice } from '../../src/virtual-camera/index.ts';
import { until } from '../support/wait.ts';
import { all, ask, contentOf, faultOf, startFakeDevice } from './fake-device.ts';

const NEVER = new AbortController().signal;

function setUp(motionTopics: ('cell' | 'alarm')[] = ['cell']) {
  const clock = new SimulatedClock();
  const events = new DeviceEvents(() => clock.now(), motionTopics);
  const subscriptions = new Subscriptions({ clock, random: new SeededRandom(1) }, events);
  return { clock, events, subscriptions };
}

const topics = (messages: { topic: string }[]) => messages.map(({ topic }) => topic);

describe('a pull point', () => {
  test('begins with what is so already, then tells what changes', async () => {
    const { events, subscriptions } = setUp();
    events.emit('motion', true, 'yard');
    const point = subscriptions.create(null, null)!;
    const first = await point.pull(100, 0, NEVER);
    assert.deepEqual(topics(first), [
      'RuleEngine/CellMotionDetector/Motion',
      'RuleEngine/TamperDetector/Tamper',
      'Device/Trigger/DigitalInput',
      'RuleEngine/CellMotionDetector/Motion',
    ]);
    for (const { markup } of first) assert.match(markup.text, /PropertyOperation="Initialized"/);
    assert.match(first[3]!.markup.text, /Name="Rule" Value="yard".*Name="IsMotion" Value="true"/);
    events.emit('line', null, 'fence');
    events.emit('input', true);
    const next = await point.pull(100, 0, NEVER);
    assert.deepEqual(topics(next), ['RuleEngine/LineDetector/Crossed', 'Device/Trigger/DigitalInput']);
    assert.doesNotMatch(next[0]!.markup.text, /PropertyOperation/);
    assert.match(next[1]!.markup.text, /PropertyOperation="Changed".*Name="LogicalState" Value="true"/);
    point.synchronize();
    assert.equal((await point.pull(100, 0, NEVER)).length, 4);
  });

  test('waits for the first message, and not longer than it was told', async () => {
    const { clock, events, subscriptions } = setUp();
    const point = subscriptions.create(600_000, null)!;
    await point.pull(100, 0, NEVER);
    let pulled: string[] | null = null;
    const first = point.pull(100, 30_000, NEVER).then((messages) => {
      pulled = topics(messages);
    });
    await clock.advance(29_000);
    assert.equal(pulled, null);
    events.emit('tamper', true);
    await first;
    assert.deepEqual(pulled, ['RuleEngine/TamperDetector/Tamper']);
    const second = point.pull(100, 30_000, NEVER);
    await clock.advance(30_000);
    assert.deepEqual(await second, []);
  });

  test('lets go of whoever left, was overtaken, or outlived it', async () => {
    const { clock, events, subscriptions } = setUp();
    const point = subscriptions.create(60_000, null)!;
    await point.pull(100, 0, NEVER);
    const gone = new AbortController();
    const left = point.pull(100, 50_000, gone.signal);
    gone.abort();
    assert.deepEqual(await left, []);
    const overtaken = point.pull(100, 50_000, NEVER);
    const waiting = point.pull(100, 50_000, NEVER);
    assert.deepEqual(await overtaken, []);
    events.emit('motion', true);
    assert.equal((await waiting).length, 1, 'nobody who left took it along');
    const outlived = point.pull(100, 100_000, NEVER);
    await clock.advance(60_000);
    assert.deepEqual(await outlived, []);
    assert.equal(subscriptions.get(point.id), null);
  });

  test('gives no more than it is asked for, and keeps no more than a thousand', async () => {
    const { events, subscriptions } = setUp();
    const point = subscriptions.create(null, (path) => path.endsWith('Crossed'))!;
    for (let i = 0; i < 1_005; i++) events.emit('line', null, `line ${i}`);
    const some = await point.pull(3, 0, NEVER);
    assert.equal(some.length, 3);
    assert.match(some[0]!.markup.text, /"line 5"/);
    assert.equal((await point.pull(5_000, 0, NEVER)).length, 997);
  });

  test('lives as long as it is renewed, and there are at most 32', async () => {
    const { clock, subscriptions } = setUp();
    const point = subscriptions.create(10_000, null)!;
    await clock.advance(9_000);
    subscriptions.renew(point, 10_000);
    await clock.advance(9_000);
    assert.ok(subscriptions.get(point.id));
    await clock.advance(1_000);
    assert.equal(subscriptions.size, 0);
    for (let i = 0; i < 32; i++) assert.ok(subscriptions.create(null, null));
    assert.equal(subscriptions.create(null, null), null);
  });

  test('motion is told the newer way, the older way, or both', async () => {
    const ways: { chosen: ('cell' | 'alarm')[]; told: string[] }[] = [
      { chosen: ['cell'], told: ['RuleEngine/CellMotionDetector/Motion'] },
      { chosen: ['alarm'], told: ['VideoSource/MotionAlarm'] },
      { chosen: ['cell', 'alarm'], told: ['RuleEngine/CellMotionDetector/Motion', 'VideoSource/MotionAlarm'] },
    ];
    for (const { chosen, told } of ways) {
      const { events, subscriptions } = setUp(chosen);
      const point = subscriptions.create(null, (path) => /Motion/.test(path))!;
      assert.deepEqual(topics(await point.pull(10, 0, NEVER)), told);
      events.emit('motion', true);
      assert.deepEqual(topics(await point.pull(10, 0, NEVER)), told);
    }
  });
});

describe('over HTTP', () => {
  const subscribe = async (device: VirtualDevice, inner = '') => {
    const answer = await ask(device, 'tev:CreatePullPointSubscription', inner);
    return all(contentOf(answer), 'Address')[0]!.text;
  };
  const pull = (device: VirtualDevice, url: string, wait = 'PT5S', signal?: AbortSignal) =>
    ask(device, 'tev:PullMessages', `<Timeout>${wait}</Timeout><MessageLimit>10</MessageLimit>`, {
      url,
      ...(signal && { signal }),
    });
  const asked = (device: VirtualDevice, pulls: number) =>
    until('it was asked', () => device.asked.filter((each) => each === 'PullMessages').length === pulls);
  const told = (answer: Awaited<ReturnType<typeof ask>>) => all(contentOf(answer), 'Topic').map((each) => each.text);

  test('a filter is kept to, and one that is not understood is refused', async () => {
    await using fake = await startFakeDevice();
    const filter = (text: string) =>
      `<Filter><TopicExpression xmlns="http://docs.oasis-open.org/wsn/b-2">${text}</TopicExpression></Filter>`;
    const url = await subscribe(fake.device, filter('tns1:RuleEngine//.|tns1:VideoSource/MotionAlarm'));
    assert.deepEqual(told(await pull(fake.device, url)), [
      'tns1:RuleEngine/CellMotionDetector/Motion',
      'tns1:RuleEngine/TamperDetector/Tamper',
    ]);
    const refused = await ask(fake.device, 'tev:CreatePullPointSubscription', filter('boolean(//x)'));
    assert.equal(faultOf(refused), 's:Sender ter:InvalidArgVal ter:InvalidFilterFault');
  });

  test('who goes away while waiting takes no message along', async () => {
    await using fake = await startFakeDevice();
    const url = await subscribe(fake.device);
    await pull(fake.device, url);
    const gone = new AbortController();
    const waiting = pull(fake.device, url, 'PT1M', gone.signal).catch(() => 'gone');
    await asked(fake.device, 2);
    gone.abort();
    assert.equal(await waiting, 'gone');
    assert.equal((await ask(fake.device, 'tds:GetServices')).status, 200); // by then the device has noticed
    fake.device.emit('tamper', true);
    assert.deepEqual(told(await pull(fake.device, url)), ['tns1:RuleEngine/TamperDetector/Tamper']);
  });

  test('forgotten subscriptions are unknown at once, also to whoever waits', async () => {
    await using fake = await startFakeDevice();
    const { device } = fake;
    const url = await subscribe(device);
    await pull(device, url);
    const waiting = pull(device, url, 'PT1M');
    await asked(device, 2);
    device.faults.forgetSubscriptions = true;
    assert.match(faultOf(await waiting), /ResourceUnknownFault/);
    const next = await subscribe(device);
    assert.match(faultOf(await pull(device, next)), /ResourceUnknownFault/);
    assert.match(
      faultOf(await ask(device, 'wsnt:Renew', '<TerminationTime>PT1M</TerminationTime>', { url: next })),
      /ResourceUnknownFault/,
    );
    device.faults.forgetSubscriptions = false;
    assert.equal((await pull(device, await subscribe(device))).status, 200);
  });

  test('times are of the device’s clock, and moments of it are taken as ends', async () => {
    const clock = new SimulatedClock();
    await using fake = await startFakeDevice({ clockOffsetMs: 3_600_000 }, { clock });
    const end = new Date(fake.device.clock() + 90_000).toISOString();
    const url = await subscribe(fake.device, `<InitialTerminationTime>${end}</InitialTerminationTime>`);
    const answer = contentOf(await pull(fake.device, url));
    const [now, ends] = ['CurrentTime', 'TerminationTime'].map((name) => dateTimeMs(all(answer, name)[0]!.text)!);
    assert.ok(Math.abs(now! - fake.device.clock()) <= 1_000);
    assert.ok(Math.abs(ends! - now! - 90_000) <= 1_000);
    const late = await ask(fake.device, 'wsnt:Renew', '<TerminationTime>2001-01-01T00:00:00Z</TerminationTime>', {
      url,
    });
    assert.match(faultOf(late), /InvalidArgs/);
    await clock.advance(91_000);
    assert.match(faultOf(await pull(fake.device, url, 'PT0S')), /ResourceUnknownFault/);
  });
});

test('durations and moments are read, and nothing else', () => {
  const durations: [string, number | null][] = [
    ['PT5S', 5_000],
    ['PT1M', 60_000],
    ['PT0.25S', 250],
    ['P1DT1H', 90_000_000],
    ['PT0S', 0],
    ['P', null],
    ['PT', null],
    ['P1Y', null],
    ['-PT5S', null],
    ['5', null],
    [`PT${'9'.repeat(39)}S`, null],
    ['P999D', null],
  ];
  for (const [text, ms] of durations) assert.equal(durationMs(text), ms, text);
  assert.equal(dateTimeMs('2026-01-02T03:04:05Z'), Date.UTC(2026, 0, 2, 3, 4, 5));
  assert.equal(dateTimeMs('2026-01-02T05:04:05.5+02:00'), Date.UTC(2026, 0, 2, 3, 4, 5, 500));
  for (const text of ['2026-13-02T03:04:05Z', '2026-01-02', '2026-01-02T03:04:05', 'now']) {
    assert.equal(dateTimeMs(text), null, text);
  }
});
