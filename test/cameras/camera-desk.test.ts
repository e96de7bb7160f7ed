import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type CameraDeskOptions,
  type CameraDeskSink,
  type CameraEvent,
  type CameraIdentity,
  type CameraOrder,
  createCameraDesk,
} from '../../src/cameras/index.ts';
import { type LogFields, SeededRandom, SimulatedClock, silentLog } from '../../src/platform/index.ts';
import type { CamerasDiscoverResult, DiscoveredCamera, SourceId } from '../../src/protocol/index.ts';
import { identityOf, ScriptedCamera } from './scripted-camera.ts';

const yard = 'yard' as SourceId;
const serviceAt = (host: string) => `http://${host}/onvif/device_service`;
const never = new AbortController().signal;

/** A network of scripted cameras by host, and a desk that remembers what it told. */
async function rig(options: CameraDeskOptions & { seed?: number } = {}) {
  const { seed = 1, ...deskOptions } = options;
  const clock = new SimulatedClock();
  const cameras = new Map<string, ScriptedCamera>();
  const nobody = new ScriptedCamera(clock, 'unreachable');
  let going = 0;
  let most = 0;
  const count = (change: 1 | -1) => {
    going += change;
    most = Math.max(most, going);
  };
  const told: string[] = [];
  const warned: LogFields[] = [];
  const identified: [SourceId, CameraIdentity][] = [];
  const events: [SourceId, CameraEvent][] = [];
  const sink: CameraDeskSink = {
    event: (...event) => events.push(event),
    eventsConnected: (source, connected) => told.push(`${source} events ${connected}`),
    identified: (...each) => identified.push(each),
    moved: (source, service) => told.push(`${source} moved ${service}`),
    changed: (source) => {
      const state = desk.view(source)?.state;
      if (told.at(-1) !== `${source} ${state}`) told.push(`${source} ${state}`);
    },
  };
  /** What a search finds, and when searches were made. */
  const net: { heard: DiscoveredCamera[]; searches: number[] } = { heard: [], searches: [] };
  const discovery = {
    async discover(
      _: unknown,
      { onFound, signal }: { onFound?: (c: DiscoveredCamera) => void; signal?: AbortSignal } = {},
    ) {
      net.searches.push(clock.monotonic());
      for (const camera of net.heard) onFound?.(camera);
      await clock.sleep(3_000, signal);
      return { cameras: net.heard, total: net.heard.length, complete: true, networks: [] } as CamerasDiscoverResult;
    },
  };
  const log = { ...silentLog, warn: (fields: LogFields) => warned.push(fields), child: () => log } as typeof silentLog;
  const desk = createCameraDesk(
    {
      clock,
      random: new SeededRandom(seed),
      log,
      driverOf: ({ service }, options) => (cameras.get(new URL(service).host) ?? nobody).driver(options),
      discovery,
      sink,
    },
    deskOptions,
  );
  await desk.start();
  const put = (host: string, says: ScriptedCamera['says']) => {
    const camera = new ScriptedCamera(clock, says, count);
    cameras.set(host, camera);
    return camera;
  };
  const order = (change: Partial<CameraOrder> = {}): CameraOrder => ({
    source: yard,
    service: serviceAt('10.0.0.1'),
    credentials: { username: 'u', password: 'p' },
    hardwareId: null,
    ...change,
  });
  return { clock, desk, put, order, told, warned, identified, events, net, cameras, load: () => ({ going, most }) };
}

const found = (device: string, ...hosts: string[]): DiscoveredCamera => ({
  device,
  urls: hosts.map(serviceAt),
  from: [`${hosts[0]}:3702`],
  interfaces: ['eth0'],
});

test('a camera is asked who it is, what it can do and what time it has; its events come through', async () => {
  const { clock, desk, put, order, told, identified, events } = await rig();
  const camera = put('10.0.0.1', identityOf('S1'));
  camera.offsetMs = 5_300;
  desk.apply([order()]);
  assert.deepEqual(desk.view(yard)?.state, 'unknown');
  await clock.advance(15_000);
  const view = desk.view(yard)!;
  assert.equal(view.state, 'reached');
  assert.deepEqual(view.identity, identityOf('S1'));
  assert.equal(view.abilities?.media2, true);
  assert.equal(view.eventsConnected, true);
  assert.ok(Math.abs(view.clock!.offsetMs - 5_300) <= view.clock!.uncertaintyMs, 'its clock was read');
  assert.equal(view.clock!.alarm, true, 'over two seconds');
  assert.deepEqual(identified, [[yard, identityOf('S1')]]);
  assert.ok(told.includes('yard events true'));
  const event: CameraEvent = { kind: 'motion', active: true, name: null, at: 5, cameraAt: null, initial: false };
  camera.tell(event);
  assert.deepEqual(events, [[yard, event]]);
  assert.equal(desk.driver(yard), desk.driver(yard));
  await desk.stop();
  assert.equal(camera.sinks.size, 0, 'unsubscribed');
  assert.equal(desk.view(yard), null);
  assert.throws(() => desk.driver(yard), { code: 'ERR_CAMERAS_NONE', kind: 'missing' });
  const before = camera.asked.length;
  await clock.advance(3_600_000);
  assert.equal(camera.asked.length, before, 'nothing goes on');
});

test('orders that stay as they were notice nothing; what was learned is written back without a new beginning', async () => {
  const { clock, desk, put, order, identified } = await rig();
  const camera = put('10.0.0.1', identityOf('S1'));
  const other = put('10.0.0.2', identityOf('S2'));
  const gate = order({ source: 'gate' as SourceId, service: serviceAt('10.0.0.2') });
  desk.apply([order(), gate]);
  await clock.advance(15_000);
  const [driver, asked] = [desk.driver(yard), camera.asked.length];
  assert.deepEqual(identified.map(([, { hardwareId }]) => hardwareId).sort(), ['S1', 'S2']);
  desk.apply([order({ hardwareId: 'S1', endpoint: 'urn:uuid:S1' }), { ...gate }]);
  await clock.advance(1_000);
  assert.equal(desk.driver(yard), driver);
  assert.equal(camera.asked.length, asked);
  assert.equal(camera.subscriptions, 1);
  desk.apply([order({ credentials: { username: 'u', password: 'new' }, hardwareId: 'S1' })]);
  await clock.advance(5_000);
  assert.notEqual(desk.driver(yard), driver);
  assert.equal(camera.subscriptions, 2);
  assert.equal(camera.sinks.size, 1);
  assert.equal(other.sinks.size, 0, 'what is not ordered any more is let go');
  assert.equal(desk.view('gate' as SourceId), null);
  await desk.stop();
});

test('a camera that does not answer is asked with growing, jittered waits up to a minute, for ever', async () => {
  const { clock, desk, put, order, told } = await rig();
  const camera = put('10.0.0.1', 'unreachable');
  desk.apply([order()]);
  await clock.advance(1_800_000);
  const waits = camera.asked.slice(1).map((at, i) => at - camera.asked[i]!);
  assert.ok(waits[0]! >= 500 && waits[0]! < 1_100, `${waits[0]}`);
  assert.ok(
    waits.every((wait, i) => wait <= 60_100 && wait >= Math.min(30_000, 500 * 2 ** i)),
    `${waits}`,
  );
  assert.ok(new Set(waits.slice(-10).map(Math.round)).size > 5, 'jittered');
  assert.ok(camera.asked.length > 30, 'never given up');
  assert.equal(desk.view(yard)?.state, 'unreachable');
  camera.says = identityOf('S1');
  await clock.advance(61_000);
  assert.equal(desk.view(yard)?.state, 'reached');
  assert.deepEqual(
    told.filter((each, i) => !each.includes('events') && told.indexOf(each) === i),
    ['yard unreachable', 'yard reached'],
  );
  await desk.stop();
});

test('a wrong password is tried three times, then at most once a minute, whatever asks', async () => {
  const { clock, desk, put, order } = await rig();
  const camera = put('10.0.0.1', 'unauthorized');
  desk.apply([order({ hardwareId: 'S1' })]);
  for (let s = 0; s < 1_800; s++) {
    void desk.admits(yard, never);
    desk.reported(yard, { cameraAt: clock.now(), nodeAt: clock.now(), uncertaintyMs: 1 });
    await clock.advance(1_000);
  }
  assert.equal(desk.view(yard)?.state, 'unauthorized');
  const waits = camera.asked.slice(1).map((at, i) => at - camera.asked[i]!);
  assert.ok(
    waits.slice(2).every((wait) => wait >= 60_000),
    `${waits}`,
  );
  assert.ok(
    waits.slice(2).every((wait) => wait <= 91_000),
    'and it is tried again, should somebody mend it',
  );
  assert.ok(camera.asked[2]! < 6_000);
  assert.equal(camera.timesAsked + camera.subscriptions + camera.abilitiesAsked, 0, 'nothing else asks either');
  await desk.stop();
});

test('answers that cannot be understood are said as that', async () => {
  for (const trouble of ['malformed', 'refused', 'unsupported'] as const) {
    const { clock, desk, put, order } = await rig();
    put('10.0.0.1', trouble);
    desk.apply([order()]);
    await clock.advance(2_000);
    assert.equal(desk.view(yard)?.state, 'malformed');
    await desk.stop();
  }
});

test('a camera that hangs is given up after its time and holds nobody up', async () => {
  const { clock, desk, put, order, load } = await rig();
  for (let i = 0; i < 8; i++) put(`10.0.1.${i}`, 'hang');
  put('10.0.0.1', identityOf('S1'));
  const hanging = Array.from({ length: 8 }, (_, i) =>
    order({ source: `hang${i}` as SourceId, service: serviceAt(`10.0.1.${i}`) }),
  );
  desk.apply([...hanging, order()]);
  await clock.advance(10_000);
  assert.equal(desk.view(yard)?.state, 'reached');
  assert.equal(desk.view('hang3' as SourceId)?.state, 'unreachable');
  assert.ok(load().most <= 8);
  await desk.stop();
});

test('another camera at its place is reported, not given out, not listened to; the right one is taken back', async () => {
  const { clock, desk, put, order, told, warned, events, cameras } = await rig();
  const right = put('10.0.0.1', identityOf('S1'));
  desk.apply([order({ hardwareId: 'S1' })]);
  await clock.advance(15_000);
  assert.equal(await desk.admits(yard, never), 'ok');
  right.says = identityOf('EVIL');
  right.lose();
  await clock.advance(2_000);
  assert.equal(desk.view(yard)?.state, 'foreign');
  assert.equal(desk.view(yard)?.identity?.hardwareId, 'EVIL', 'who answers is told');
  assert.throws(() => desk.driver(yard), { code: 'ERR_CAMERAS_FOREIGN', kind: 'conflict' });
  assert.equal(await desk.admits(yard, never), 'foreign');
  assert.equal(right.sinks.size, 0, 'nobody listens to it');
  assert.equal(told.at(-1), 'yard foreign');
  assert.ok(told.includes('yard events false'));
  assert.deepEqual(warned, [{ source: yard, expected: 'S1', answered: 'EVIL', model: 'Eye' }]);
  right.tell({ kind: 'motion', active: true, name: null, at: 0, cameraAt: null, initial: false });
  assert.equal(events.length, 0);
  // Keeping silent does not make it the right one.
  right.says = 'unreachable';
  await clock.advance(240_000);
  assert.equal(desk.view(yard)?.state, 'unreachable');
  const asked = desk.admits(yard, never);
  await clock.advance(3_000);
  assert.equal(await asked, 'foreign');
  assert.throws(() => desk.driver(yard), { code: 'ERR_CAMERAS_FOREIGN' });
  right.says = identityOf('S1');
  await clock.advance(62_000);
  assert.equal(desk.view(yard)?.state, 'reached');
  assert.equal(await desk.admits(yard, never), 'ok');
  assert.equal(right.sinks.size, 1);
  assert.equal(cameras.size, 1);
  await desk.stop();
});

test('whoever answered first is expected from then on, until the configuration says another, or anybody', async () => {
  const { clock, desk, put, order } = await rig();
  const camera = put('10.0.0.1', identityOf('S1'));
  desk.apply([order()]);
  await clock.advance(2_000);
  camera.says = identityOf('S2');
  await clock.advance(1_000_000);
  assert.equal(desk.view(yard)?.state, 'foreign');
  await clock.advance(300_000);
  assert.equal(desk.view(yard)?.state, 'foreign', 'asking again does not make it the right one');
  desk.apply([order({ hardwareId: 'S2' })]);
  const asked = desk.admits(yard, never);
  await clock.advance(1_000);
  assert.equal(await asked, 'ok');
  assert.equal(desk.view(yard)?.state, 'reached');
  camera.says = identityOf('S3');
  await clock.advance(1_000_000);
  assert.equal(desk.view(yard)?.state, 'foreign');
  desk.apply([order({ hardwareId: null })]);
  await clock.advance(1_000);
  assert.equal(desk.view(yard)?.state, 'reached', 'taken back: whoever answers');
  desk.apply([order({ hardwareId: 'S9' })]);
  assert.equal(desk.view(yard)?.state, 'foreign', 'judged by what it said last');
  await desk.stop();
});

test('admits takes at most two seconds, asks once for all, and takes an answer of the last minute', async () => {
  const { clock, desk, put, order } = await rig({ events: false });
  const camera = put('10.0.0.1', 'hang');
  desk.apply([order({ hardwareId: 'S1' })]);
  await clock.advance(1_500);
  const began = clock.monotonic();
  let answered = 0;
  const both = Promise.all([desk.admits(yard, never), desk.admits(yard, never)]).then((answers) => {
    answered = clock.monotonic();
    return answers;
  });
  await clock.advance(2_500);
  assert.deepEqual(await both, ['ok', 'ok']);
  assert.ok(answered - began <= 2_000);
  assert.equal(camera.asked.length, 1);
  camera.says = identityOf('S1');
  await clock.advance(10_000);
  const asked = camera.asked.length;
  assert.equal(await desk.admits(yard, never), 'ok');
  assert.equal(camera.asked.length, asked, 'known for less than a minute');
  const gone = new AbortController();
  camera.says = 'hang';
  await clock.advance(120_000);
  const leaving = desk.admits(yard, gone.signal);
  gone.abort();
  assert.equal(await leaving, 'ok');
  assert.equal(await desk.admits('nobody' as SourceId, never), 'ok');
  await desk.stop();
});

test('two hundred cameras that go and come back together are asked eight at a time, and are all back within two minutes', async () => {
  const { clock, desk, put, order, load } = await rig();
  const all = Array.from({ length: 200 }, (_, i) => {
    const host = `10.1.${i >> 7}.${i & 127}`;
    const camera = put(host, identityOf(`S${i}`, null));
    camera.answerMs = 40;
    return {
      camera,
      order: order({ source: `c${i}` as SourceId, service: serviceAt(host), hardwareId: `S${i}`, find: false }),
    };
  });
  const states = (state: string) => all.filter(({ order }) => desk.view(order.source)?.state === state).length;
  desk.apply(all.map(({ order }) => order));
  await clock.advance(30_000);
  assert.equal(states('reached'), 200);
  assert.ok(load().most <= 8, `${load().most} at once`);
  for (const { camera } of all) {
    camera.says = 'hang';
    camera.lose();
  }
  await clock.advance(300_000);
  assert.equal(states('unreachable'), 200);
  const before = all.reduce((sum, { camera }) => sum + camera.asked.length, 0);
  await clock.advance(60_000);
  const aMinute = all.reduce((sum, { camera }) => sum + camera.asked.length, 0) - before;
  assert.ok(aMinute <= (60_000 / 8_000) * 8 + 8, `${aMinute} questions a minute while all of them hang`);
  for (const { camera } of all) camera.says = identityOf(`S${all.findIndex((each) => each.camera === camera)}`, null);
  await clock.advance(120_000);
  assert.equal(states('reached'), 200);
  assert.ok(load().most <= 8, `${load().most} at once`);
  assert.equal(all.filter(({ camera }) => camera.sinks.size === 1).length, 200, 'and listened to again');
  await desk.stop();
  assert.equal(load().going, 0);
});

test('a lost subscription is noticed at once; a camera without events is left in peace', async () => {
  const { clock, desk, put, order, told } = await rig();
  const camera = put('10.0.0.1', identityOf('S1'));
  desk.apply([order()]);
  await clock.advance(15_000);
  camera.says = 'unreachable';
  camera.lose();
  await clock.advance(2_000);
  assert.equal(desk.view(yard)?.state, 'unreachable');
  assert.equal(desk.view(yard)?.eventsConnected, false);
  assert.deepEqual(told.slice(-3), ['yard events false', 'yard reached', 'yard unreachable']);
  await desk.stop();

  const quiet = await rig();
  const deaf = quiet.put('10.0.0.1', identityOf('S1'));
  deaf.deaf = 'unsupported';
  quiet.desk.apply([quiet.order()]);
  await quiet.clock.advance(600_000);
  assert.equal(quiet.desk.view(yard)?.state, 'reached');
  assert.equal(deaf.subscriptions, 0);
  assert.ok(!quiet.told.includes('yard events true'));
  await quiet.desk.stop();
});

test('a stream that runs brings the next question forward', async () => {
  const { clock, desk, put, order } = await rig({ events: false });
  const camera = put('10.0.0.1', 'unreachable');
  desk.apply([order()]);
  await clock.advance(600_000);
  camera.says = identityOf('S1');
  const now = () => ({ cameraAt: clock.now(), nodeAt: clock.now(), uncertaintyMs: 5 });
  const last = camera.asked.at(-1)!;
  await clock.advance(Math.max(0, last + 21_000 - clock.monotonic()));
  desk.reported(yard, now());
  await clock.advance(1_100);
  assert.equal(desk.view(yard)?.state, 'reached');
  assert.equal(desk.view(yard)?.clock?.by, 'rtcp');
  camera.says = 'unreachable';
  await clock.advance(300_000);
  const asked = camera.asked.length;
  for (let s = 0; s < 60; s++) {
    desk.reported(yard, now());
    await clock.advance(1_000);
  }
  assert.ok(camera.asked.length - asked <= 4, 'but no more than every twenty seconds');
  await desk.stop();
});

test('a camera that moved is asked who it is, with a proof only, and told; one search serves all', async () => {
  const { clock, desk, put, order, told, net } = await rig({ events: false });
  const [one, two] = [put('10.0.0.1', identityOf('S1')), put('10.0.0.2', identityOf('S2'))];
  const gate = order({ source: 'gate' as SourceId, service: serviceAt('10.0.0.2'), hardwareId: 'S2' });
  desk.apply([order({ hardwareId: 'S1' }), gate]);
  await clock.advance(60_000);
  assert.equal(net.searches.length, 0, 'nobody is lost');
  const moved = put('10.0.0.77', identityOf('S1'));
  const alsoMoved = put('10.0.0.78', identityOf('S2'));
  one.says = 'unreachable';
  two.says = 'unreachable';
  net.heard = [found('URN:UUID:S1', '10.0.0.77'), found('urn:uuid:S2', '10.0.0.2', '10.0.0.78')];
  await clock.advance(180_000);
  const moves = told.filter((each) => each.includes('moved')).sort();
  assert.ok(moves.includes(`yard moved ${serviceAt('10.0.0.77')}`), `${moves}`);
  assert.ok(moves.includes(`gate moved ${serviceAt('10.0.0.78')}`), `${moves}`);
  assert.equal(moved.askedUntrusted, moved.asked.length, 'never with the password in clear');
  assert.ok(alsoMoved.askedUntrusted > 0);
  desk.apply([
    order({ hardwareId: 'S1', service: serviceAt('10.0.0.77') }),
    { ...gate, service: serviceAt('10.0.0.78') },
  ]);
  await clock.advance(5_000);
  assert.equal(desk.view(yard)?.state, 'reached');
  const searches = net.searches.length;
  await clock.advance(1_200_000);
  assert.equal(net.searches.length, searches, 'nobody is lost any more');
  const waits = net.searches.slice(1).map((at, i) => at - net.searches[i]!);
  assert.ok(
    waits.every((wait) => wait >= 60_000),
    `${waits}`,
  );
  await desk.stop();
});

test('it is looked for after thirty seconds, each minute at first and then rarer, and not where that is switched off', async () => {
  const { clock, desk, put, order, net } = await rig({ events: false });
  const camera = put('10.0.0.1', identityOf('S1'));
  desk.apply([order({ hardwareId: 'S1' })]);
  await clock.advance(30_000);
  camera.says = 'unreachable';
  await clock.advance(120_000);
  const lostAt = Math.min(...camera.asked.filter((at) => at > 30_000));
  assert.ok(net.searches[0]! - lostAt >= 30_000 && net.searches[0]! - lostAt < 31_000, `${net.searches[0]! - lostAt}`);
  await clock.advance(7_200_000);
  const waits = net.searches.slice(1).map((at, i) => at - net.searches[i]!);
  assert.ok(
    waits.every((wait) => wait >= 60_000 && wait <= 610_000),
    `${waits}`,
  );
  assert.ok(waits.at(-1)! >= 590_000, 'every ten minutes in the end');
  const before = net.searches.length;
  desk.apply([order({ hardwareId: 'S1', find: false })]);
  await clock.advance(3_600_000);
  assert.equal(net.searches.length, before);
  await desk.stop();
});

test('a camera that goes away does not wait for one that is looked for in vain', async () => {
  const { clock, desk, put, order, told, net } = await rig({ events: false });
  const camera = put('10.0.0.1', identityOf('S1'));
  const gate = put('10.0.0.2', identityOf('S2'));
  const orders = [
    order({ hardwareId: 'S1' }),
    order({ source: 'gate' as SourceId, service: serviceAt('10.0.0.2'), hardwareId: 'S2' }),
  ];
  desk.apply(orders);
  await clock.advance(60_000);
  gate.says = 'unreachable';
  await clock.advance(7_200_000);
  const before = net.searches.length;
  camera.says = 'unreachable';
  const lostAt = clock.monotonic();
  put('10.0.0.77', identityOf('S1'));
  net.heard = [found('urn:uuid:S1', '10.0.0.77')];
  await clock.advance(240_000);
  assert.ok(told.includes(`yard moved ${serviceAt('10.0.0.77')}`), `${told}`);
  const searches = net.searches.slice(before);
  assert.ok(
    searches.some((at) => at - lostAt < 190_000),
    `${searches.map((at) => at - lostAt)}`,
  );
  const waits = net.searches.slice(1).map((at, i) => at - net.searches[i]!);
  assert.ok(
    waits.every((wait) => wait >= 60_000),
    `${waits}`,
  );
  await desk.stop();
});

test('somebody who answers in its name and is another is asked once an hour, and never believed', async () => {
  const cases: [string, ScriptedCamera['says'], number][] = [
    ['another camera', identityOf('EVIL', 'urn:uuid:S1'), 3],
    ['one that refuses us', 'unauthorized', 3],
    ['one that does not answer', 'unreachable', 20],
  ];
  for (const [what, says, most] of cases) {
    const { clock, desk, put, order, told, net } = await rig({ events: false });
    put('10.0.0.1', 'unreachable');
    const liar = put('10.0.0.66', says);
    net.heard = [found('urn:uuid:S1', '10.0.0.66'), found('urn:uuid:other', '10.0.0.67')];
    desk.apply([order({ hardwareId: 'S1', endpoint: 'urn:uuid:S1' })]);
    await clock.advance(7_200_000);
    assert.ok(liar.asked.length >= 1 && liar.asked.length <= most, `${what}: asked ${liar.asked.length} times`);
    assert.deepEqual(
      told.filter((each) => each.includes('moved')),
      [],
      what,
    );
    await desk.stop();
  }
});

test('nothing is asked on the word of a search alone: not without hardware id or endpoint, not at the same host', async () => {
  const { clock, desk, put, order, net, told } = await rig({ events: false });
  const moved = put('10.0.0.77', identityOf('S1'));
  put('10.0.0.1', 'unreachable');
  net.heard = [found('urn:uuid:S1', '10.0.0.77'), found('urn:uuid:S2', '10.0.0.1')];
  const orders: Partial<CameraOrder>[] = [
    { hardwareId: null, endpoint: 'urn:uuid:S1' },
    { hardwareId: 'S1', endpoint: null },
    { hardwareId: 'S1' },
    { hardwareId: 'S2', endpoint: 'urn:uuid:S2' },
    { hardwareId: 'S1', endpoint: 'urn:uuid:S1', find: false },
  ];
  for (const change of orders) {
    desk.apply([]);
    desk.apply([order(change)]);
    await clock.advance(600_000);
    assert.deepEqual(moved.asked, [], JSON.stringify(change));
  }
  assert.deepEqual(
    told.filter((each) => each.includes('moved')),
    [],
  );
  await desk.stop();
});

test('the endpoint reference of a camera that does not tell it is learned from a search, if nobody else is at its host', async () => {
  const { clock, desk, put, order, identified, net } = await rig({ events: false });
  put('10.0.0.1', identityOf('S1', null));
  put('10.0.0.2:8000', identityOf('S2', null));
  put('10.0.0.3', identityOf('S3', null));
  net.heard = [
    found('urn:uuid:one', '10.0.0.1'),
    found('urn:uuid:two', '10.0.0.2:8000'),
    found('urn:uuid:other', '10.0.0.2:8001'),
    found('urn:uuid:x', '10.0.0.3'),
    found('urn:uuid:y', '10.0.0.3'),
  ];
  const names = ['yard', 'gate', 'roof'] as SourceId[];
  const hosts = ['10.0.0.1', '10.0.0.2:8000', '10.0.0.3'];
  desk.apply(names.map((source, i) => order({ source, service: serviceAt(hosts[i]!), hardwareId: `S${i + 1}` })));
  await clock.advance(30_000);
  assert.deepEqual(
    names.map((source) => desk.view(source)?.identity?.endpoint ?? null),
    ['urn:uuid:one', 'urn:uuid:two', null],
  );
  assert.deepEqual(
    identified.map(([source, { endpoint }]) => [source, endpoint]),
    [
      ['yard', 'urn:uuid:one'],
      ['gate', 'urn:uuid:two'],
    ],
  );
  await clock.advance(7_200_000);
  assert.ok(net.searches.length <= 3, `${net.searches.length} searches, then it is taken to have none`);
  await desk.stop();
});

test('stop ends within five seconds though a camera does not let go', async () => {
  const { clock, desk, put, order } = await rig();
  const camera = put('10.0.0.1', identityOf('S1'));
  const driver = camera.driver.bind(camera);
  camera.driver = (options) => ({ ...driver(options), events: () => new Promise<never>(() => {}) });
  desk.apply([order()]);
  await clock.advance(10_000);
  let stopped = false;
  const stopping = desk.stop().then(() => {
    stopped = true;
  });
  await clock.advance(4_900);
  assert.equal(stopped, false);
  await clock.advance(200);
  await stopping;
});
