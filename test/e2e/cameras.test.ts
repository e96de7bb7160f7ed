import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, describe, test } from 'node:test';
import { type EventFacts, GAP_CAUSES, type SourcesTestResult } from '../../src/protocol/index.ts';
import type { VirtualDevice } from '../../src/virtual-camera/index.ts';
import { until as waitUntil } from '../support/wait.ts';
import { CameraHouse, codeOf, filesWith, type Place } from './cameras-house.ts';
import { freePort, NodeUnderTest, type Ran } from './node-process.ts';

// Cameras of a running node, from found to replaced: real devices on loopback, everything else through the command line.

interface Segment {
  id: string;
  state: string;
  startAt: number;
  endAt: number;
}
interface State {
  source: string;
  stream: string;
  state: string;
  cause?: string;
  recording?: string;
  retryAt?: number;
  reader?: string;
  picture?: { width: number; height: number };
}
interface Camera {
  state: string;
  identity: { model: string | null; hardwareId?: string } | null;
  eventsConnected: boolean;
  clock: { offsetMs: number; alarm: boolean } | null;
}
interface Movie {
  gaps: { cause: string; from: number; to: number }[];
}

const HOUR = 3_600_000;
const PASSWORD = 'hunter2-first-word';
const NEXT_PASSWORD = 'swordfish-second-word';
const credentials = { username: 'eye', password: PASSWORD };
const folder = mkdtempSync(join(tmpdir(), 'cameras-'));
const ports = await Promise.all(Array.from({ length: 7 }, freePort));
const placeAt = (host: string, at: number): Place => ({ host, port: ports[at]!, streams: ports[at + 1]! });
const [yardPlace, gatePlace, walkPlace] = [placeAt('127.0.0.1', 0), placeAt('127.0.0.2', 2), placeAt('127.0.0.3', 4)];
const house = new CameraHouse();
const written = ({ host, streams, port }: Place) => `    url: rtsp://eye:${PASSWORD}@${host}:${streams}/main
    onvif: http://${host}:${port}/onvif/device_service
`;
const nvr = new NodeUnderTest(
  folder,
  `listen: 127.0.0.1:${ports[6]}
# The cameras' own network.
cameras: { interfaces: [lo], discovery_port: 0 }
storage: { segment: 3s }
sources:
  # Beside the letter box.
  gate:
${written(gatePlace)}
  walk: # on a long cable
${written(walkPlace)}`,
);
const file = (name: string) => join(folder, name);
const config = () => readFileSync(join(nvr.data, 'config.yaml'), 'utf8');
writeFileSync(file('password'), `${PASSWORD}\n`, { mode: 0o600 });
writeFileSync(file('next-password'), `${NEXT_PASSWORD}\n`, { mode: 0o600 });
writeFileSync(file('wrong-password'), 'not-it-at-all\n', { mode: 0o600 });

after(async () => {
  if (nvr.node) await nvr.stop('SIGKILL');
  await house.closeAll();
  rmSync(folder, { recursive: true, force: true });
});

/** Every look is a program of its own, and other tests run beside. */
const until = (what: string, condition: () => boolean | Promise<boolean>, deadlineMs = 45_000) =>
  waitUntil(what, condition, deadlineMs);
const fault = (ran: Ran) => (JSON.parse(ran.err.trim().split('\n').at(-1)!) as { error: Record<string, string> }).error;
const status = () => nvr.json<{ streams: State[]; warnings: string[] }>(['client', 'status']);
const stateOf = async (source: string, stream = 'main') =>
  (await status()).streams.find((each) => each.source === source && each.stream === stream);
const cameraOf = (source: string, user = 'owner') => nvr.json<Camera>(['client', 'camera', 'show', source], user);
/** Closed ones: what is being written ends somewhere else each time it is asked. */
const segmentsOf = async (source: string, stream = 'main') =>
  (
    await nvr.json<{ segments: Segment[] }>([
      'client',
      'segments',
      source,
      '--stream',
      stream,
      '--from',
      '-10m',
      '--oldest',
      '--limit',
      '200',
    ])
  ).segments.filter(({ state }) => state !== 'open');
const movieOf = (source: string, from: number) =>
  nvr.json<Movie>([
    'client',
    'play',
    source,
    '--at',
    new Date(from).toISOString(),
    '--to',
    'now',
    '-o',
    `${source}.mp4`,
    '--force',
  ]);
const eventsOf = async (source: string, from: number) =>
  (
    await nvr.json<{ events: EventFacts[] }>([
      'client',
      'events',
      '--source',
      source,
      '--from',
      new Date(from).toISOString(),
      '--oldest',
    ])
  ).events;
/** Another user, by a typed code. */
const pair = async (user: string, role: string) => {
  const { code } = await nvr.json<{ code: string }>(['devices', 'code', '--role', role]);
  const address = ['--address', `127.0.0.1:${ports[6]}`];
  await nvr.json(['client', 'pair', ...address, '--code', code, '--label', user, '--name', 'n'], user);
};
const ptz = (...args: string[]) => nvr.json(['client', 'ptz', 'yard', ...args]);
/** A picture that was kept: what the command says of it, and what is burned into it. */
const picture = async (name: string, ...args: string[]) => {
  const path = file(`${name}.jpg`);
  const told = await nvr.json<{ at: number; from: string }>(['client', 'snapshot', 'yard', ...args, '-o', path]);
  const code = codeOf(path);
  assert.ok(code, `${name}: nothing is burned in`);
  return { ...told, ...code };
};
const running = (source: string, what: string, deadlineMs = 45_000) =>
  until(what, async () => (await stateOf(source))?.state === 'running', deadlineMs);

describe('cameras, through the command line', { concurrency: false }, () => {
  let yard: VirtualDevice;
  let gate: VirtualDevice;
  let walk: VirtualDevice;
  const times = { foreign: 0, back: 0, gone: 0 };

  test('a camera is found, tried, and added; its password is nowhere but sealed', async () => {
    [yard, gate, walk] = await Promise.all([
      house.open(yardPlace, { serial: 'YARD-1', credentials, ptz: true, imaging: true, clockOffsetMs: HOUR }),
      house.open(gatePlace, { serial: 'GATE-1', credentials }),
      house.open(walkPlace, { serial: 'WALK-1', credentials }),
    ]);
    const { text } = await nvr.start();
    await nvr.json(['client', 'pair', /client pair '([^']+)'/.exec(text)![1]!]);

    const found = await nvr.json<{ cameras: { device: string; urls: string[] }[]; host: { onvif: string } }>([
      ...['client', 'camera', 'discover', '--host', `127.0.0.1:${yardPlace.port}`, '--seconds', '1'],
    ]);
    assert.equal(found.host.onvif, 'protected');
    assert.deepEqual(found.cameras.find(({ device }) => device === yard.endpoint)?.urls, [yard.serviceUrl]);

    const tried = (passwordFile: string) =>
      nvr.run([
        ...['client', 'source', 'test', '--onvif', yard.serviceUrl, '--url', yard.camera.url('/main')],
        ...['--username', 'eye', '--password-file', file(passwordFile), '--json'],
      ]);
    const refused = await tried('wrong-password');
    assert.equal(refused.code, 6, refused.err);
    const said = refused.json<SourcesTestResult>();
    assert.deepEqual([said.onvif?.cause, said.streams[0]?.cause], ['unauthorized', 'unauthorized']);
    assert.match(said.advice.join(), /check user name and password/);
    const good = await tried('password');
    assert.equal(good.code, 0, good.err);
    const seen = good.json<SourcesTestResult>();
    assert.equal(seen.onvif?.identity?.hardwareId, 'YARD-1');
    assert.deepEqual(
      seen.onvif?.streams.map(({ width }) => width),
      [320, 160],
    );
    assert.ok(Math.abs(seen.onvif!.clockOffsetMs! - HOUR) < 3_000);
    assert.equal(seen.streams[0]?.ok, true);

    await nvr.json([
      ...['client', 'source', 'add', 'yard', '--onvif', yard.serviceUrl, '--username', 'eye'],
      ...['--password-file', file('password'), '--name', 'Yard'],
    ]);
    await until('main and sub are stored', async () => {
      const both = await Promise.all([segmentsOf('yard'), segmentsOf('yard', 'sub')]);
      return both.every((segments) => segments.length > 0);
    });
    const [main, sub] = [await stateOf('yard'), await stateOf('yard', 'sub')];
    assert.deepEqual([main?.picture?.width, sub?.picture?.width], [320, 160]);
    assert.deepEqual([main?.reader, main?.recording], ['own', 'yes']);
    await until('all three are known by their serials', () =>
      ['GATE-1', 'WALK-1', 'YARD-1'].every((serial) => config().includes(`hardware: ${serial}`)),
    );
    assert.match(
      config(),
      /# The cameras' own network\.\n[\s\S]*# Beside the letter box\.\n[\s\S]*# on a long cable\n/,
    );
    assert.deepEqual(filesWith(nvr.data, [PASSWORD, 'not-it-at-all']), []);
    assert.doesNotMatch(nvr.node!.out() + nvr.node!.err(), /hunter2/);
  });

  test('a camera that goes away is missed', async () => {
    await until('its stream is stored', async () => (await segmentsOf('walk')).length > 0);
    await house.close(walk);
    times.gone = Date.now();
    // The same camera, with another address: found below, once it was away for long enough to be looked for.
    walk = await house.open({ ...walkPlace, host: '127.0.0.4' }, { serial: 'WALK-1', credentials });
  });

  test('another camera at the same address is told and not recorded', async () => {
    await until('the gate is stored', async () => (await segmentsOf('gate')).length > 0);
    times.foreign = Date.now();
    await house.close(gate);
    const stranger = await house.open(gatePlace, { serial: 'OTHER-9', credentials });
    await until('it is foreign', async () => (await stateOf('gate'))?.cause === 'foreign');
    const view = await cameraOf('gate');
    assert.deepEqual([view.state, view.identity?.hardwareId], ['foreign', 'OTHER-9']);
    const stored = (await segmentsOf('gate')).length;
    const asked = await nvr.run(['client', 'snapshot', 'gate', '--from', 'camera', '-o', 'none.jpg', '--json']);
    assert.equal(fault(asked)['code'], 'ERR_CAMERAS_FOREIGN');
    assert.match(config(), /hardware: GATE-1/);
    assert.equal((await segmentsOf('gate')).length, stored);
    await house.close(stranger);
    gate = await house.open(gatePlace, { serial: 'GATE-1', credentials });
    times.back = Date.now();
    // What comes of it is looked at below: nobody is asked more often than each minute.
  });

  test('events stand in the list with both times; a wrong clock is told, and set', async () => {
    await until('its events are heard', async () => (await cameraOf('yard')).eventsConnected);
    const from = Date.now() - 1_000;
    yard.emit('motion', true, 'lawn');
    await until('the motion is told', async () => (await eventsOf('yard', from)).length === 1);
    yard.emit('motion', false, 'lawn');
    yard.emit('line', null, 'fence');
    await until('both are told', async () => {
      const events = await eventsOf('yard', from);
      return events.length === 2 && events.every(({ endAt }) => endAt !== null);
    });
    const [motion, line] = await eventsOf('yard', from);
    assert.deepEqual([motion!.kind, line!.kind], ['motion', 'line']);
    for (const { startAt, cameraStartAt } of [motion!, line!]) {
      assert.ok(startAt >= from && startAt <= Date.now(), 'by the clock of the node');
      assert.ok(Math.abs(cameraStartAt! - startAt - HOUR) < 20_000, 'and by that of the camera');
    }

    const before = await cameraOf('yard');
    assert.ok(before.clock!.alarm && Math.abs(before.clock!.offsetMs - HOUR) < 3_000, JSON.stringify(before.clock));
    assert.match((await status()).warnings.join(), /yard: its clock is wrong/);
    await nvr.json(['client', 'camera', 'time', 'yard', '--set', 'clock']);
    assert.ok(Math.abs(yard.clock() - Date.now()) < 2_500, `${yard.clock() - Date.now()} ms away`);
    await until('it is right', async () => (await cameraOf('yard')).clock?.alarm === false);
  });

  test('by event: nothing without one, what was before it with one, and an end', async () => {
    await nvr.json([
      ...['client', 'source', 'change', 'yard', '--record', 'event', '--record-sub', 'always'],
      ...['--on', 'motion', '--before', '2s', '--after', '1s'],
    ]);
    await until('it waits', async () => (await stateOf('yard'))?.recording === 'waiting');
    const quiet = Date.now();
    const before = (await segmentsOf('yard')).length;
    const sub = (await segmentsOf('yard', 'sub')).length;
    // Longer than the seconds from before an event and a keyframe: what lies between is missing, and told to be.
    await until('nothing was recorded for a while', () => Date.now() > quiet + 5_000);
    await until('the small picture is stored meanwhile', async () => (await segmentsOf('yard', 'sub')).length > sub);
    const at = Date.now();
    yard.emit('motion', true, 'lawn');
    await until('the event is stored', async () => (await stateOf('yard'))?.recording === 'event');
    yard.emit('motion', false, 'lawn');
    const over = Date.now();
    await until(
      'it is closed',
      async () =>
        (await segmentsOf('yard')).length > before + 1 ||
        ((await segmentsOf('yard')).at(-1)!.endAt > at && (await stateOf('yard'))?.recording === 'waiting'),
    );
    const segments = (await segmentsOf('yard')).filter(({ endAt }) => endAt > quiet + 500);
    const [first, last] = [segments[0]!, segments.at(-1)!];
    assert.ok(first.startAt <= at - 1_000, `it begins ${at - first.startAt} ms before`);
    assert.ok(first.startAt >= at - 5_000, `it begins ${at - first.startAt} ms before`);
    assert.ok(last.endAt >= over && last.endAt < over + 5_000, `it ends ${last.endAt - over} ms after`);
    const { gaps } = await movieOf('yard', quiet - 4_000);
    assert.ok(
      gaps.some(({ cause }) => cause === 'unwanted'),
      JSON.stringify(gaps),
    );
    await nvr.json(['client', 'source', 'change', 'yard', '--record', 'always']);
    await until('it is stored always', async () => (await stateOf('yard'))?.recording === 'yes');
  });

  test('the head moves, keeps places, and stops when the one who steers is killed', async () => {
    await ptz('goto', '--pan', '0.5', '--tilt', '-0.25', '--zoom', '0');
    await until('it looks there', () => Math.abs(yard.head().pan - 0.5) < 0.01 && !yard.head().moving);
    await ptz('save', 'Gate');
    await ptz('move', '--pan', '-0.5', '--for', '0.5');
    assert.equal(yard.head().moving, false);
    assert.ok(yard.head().pan < 0.45, 'it moved');
    await ptz('recall', 'gate');
    await until('it looks there again', () => Math.abs(yard.head().pan - 0.5) < 0.01);
    const { presets } = (await ptz('presets')) as unknown as { presets: { name: string }[] };
    assert.deepEqual(
      presets.map(({ name }) => name),
      ['Gate'],
    );
    await ptz('forget', 'Gate');
    assert.deepEqual(await ptz('presets'), { source: 'yard', presets: [] });

    await pair('hand', 'operator');
    const steering = nvr.begin(['client', 'ptz', 'yard', 'move', '--pan', '-0.1', '--for', '60s']);
    await until('it moves', () => yard.head().moving);
    const busy = await nvr.run(['client', 'ptz', 'yard', 'goto', '--pan', '0', '--json'], 'hand');
    assert.equal(busy.code, 7, busy.err);
    assert.equal(fault(busy)['code'], 'ERR_CLI_PTZ_HELD');
    assert.ok(yard.head().moving);
    steering.child.kill('SIGKILL');
    const killed = Date.now();
    await until('it stands', () => !yard.head().moving, 3_000);
    assert.ok(Date.now() - killed < 2_500);
    await steering.ended;
  });

  test('pictures: of now from the camera and from the stream, and of a moment that was recorded', async () => {
    const now = Date.now();
    const shot = await picture('shot', '--from', 'camera');
    const live = await picture('live', '--from', 'live');
    assert.deepEqual([shot.from, live.from], ['camera', 'live']);
    for (const { madeAt, at } of [shot, live]) {
      assert.ok(madeAt > now - 5_000, `made ${now - madeAt} ms ago`);
      assert.ok(Math.abs(at - madeAt) < 3_000, `told ${at - madeAt} ms beside`);
    }
    // Numbers begin anew with each encoder, and both may have caught the same picture: what tells them apart is when it was made.
    const segment = (await segmentsOf('yard')).findLast(({ endAt }) => endAt < now - 5_000)!;
    const moment = Math.floor((segment.startAt + segment.endAt) / 2);
    const past = await picture('past', '--at', new Date(moment).toISOString(), '--exact');
    assert.equal(past.from, 'recording');
    assert.ok(past.madeAt < Math.min(shot.madeAt, live.madeAt) - 3_000, `made ${now - past.madeAt} ms ago`);
    assert.ok(Math.abs(past.madeAt - moment) < 1_000, `made ${past.madeAt - moment} ms beside the moment`);
  });

  test('a viewer sees the camera, but not its serial, and moves nothing', async () => {
    await pair('guest', 'viewer');
    const { identity, state } = await cameraOf('yard', 'guest');
    assert.equal(state, 'reached');
    assert.ok(identity!.model && !('hardwareId' in identity!), JSON.stringify(identity));
    for (const args of [
      ['ptz', 'yard', 'move', '--pan', '1'],
      ['imaging', 'yard', '--brightness', '0.9'],
      ['camera', 'time', 'yard', '--set', 'clock'],
      ['source', 'change', 'yard', '--name', 'Mine'],
      ['source', 'test', 'yard'],
    ]) {
      const ran = await nvr.run(['client', ...args, '--json'], 'guest');
      assert.equal(ran.code, 4, `${args.join(' ')}: ${ran.err}`);
    }
    assert.equal(yard.head().moving, false);
  });

  test('the camera that went away was found at its new address', async (context) => {
    await until('it is found', () => config().includes(`http://127.0.0.4:${walkPlace.port}/`), 60_000);
    context.diagnostic(`found after ${Math.round((Date.now() - times.gone) / 1000)} s`);
    assert.match(
      config(),
      new RegExp(`# on a long cable\\n +url: rtsp://eye@127\\.0\\.0\\.4:${walkPlace.streams}/main`),
    );
    await running('walk', 'it is recorded again');
    const { entries } = await nvr.json<{ entries: { source?: string; detail: string }[] }>([
      ...['client', 'audit', '--limit', '500'],
    ]);
    assert.ok(
      entries.some(({ source, detail }) => source === 'walk' && detail.startsWith('moved to http://127.0.0.4:')),
      JSON.stringify(entries),
    );
  });

  // A node asks who answers each minute; one that begins asks at once.
  test('the right camera is found back by itself', { skip: !process.env['SLOW'] && 'takes a minute' }, async () => {
    await running('gate', 'it is recorded', 90_000);
  });

  test('a node that is killed leaves no head moving, and comes back with everything', async () => {
    const before = { config: config(), events: (await eventsOf('yard', times.foreign)).length };
    const steering = nvr.begin(['client', 'ptz', 'yard', 'move', '--pan', '-0.05', '--for', '60s']);
    await until('it moves', () => yard.head().moving);
    await nvr.stop('SIGKILL');
    const killed = Date.now();
    await until('the camera stops by itself', () => !yard.head().moving, 4_000);
    assert.ok(Date.now() - killed < 3_500);
    await steering.ended;
    await nvr.start();
    for (const source of ['walk', 'yard']) await running(source, `${source} is recorded`);
    assert.equal(config(), before.config);
    assert.ok((await eventsOf('yard', times.foreign)).length >= before.events);
    assert.equal((await cameraOf('yard')).identity?.hardwareId, 'YARD-1');
  });

  test('the right camera is back, and recorded again', async (context) => {
    await running('gate', 'it is recorded');
    context.diagnostic(`recorded ${Math.round((Date.now() - times.back) / 1000)} s after it was back`);
    assert.equal((await cameraOf('gate')).identity?.hardwareId, 'GATE-1');
    const stored = (await segmentsOf('gate')).length;
    await until('it is stored', async () => (await segmentsOf('gate')).length > stored);
  });

  test('a changed password is told and tried rarely, and works at once when it is given', async () => {
    yard.setPassword(NEXT_PASSWORD);
    await yard.reboot({ forMs: 100 });
    await until(
      'it is refused',
      async () => {
        const state = await stateOf('yard');
        return state?.cause === 'unauthorized' && (state.retryAt ?? 0) > Date.now() + 30_000;
      },
      40_000,
    );
    const { streams } = await status();
    const { retryAt } = streams.find(({ source, stream }) => source === 'yard' && stream === 'main')!;
    assert.ok(retryAt! <= Date.now() + 66_000);
    assert.match(
      String((await nvr.run(['client', 'sources'])).out),
      /yard\/main: it refuses .* source change; next try in/,
    );
    await nvr.json([
      'client',
      'source',
      'change',
      'yard',
      '--username',
      'eye',
      '--password-file',
      file('next-password'),
    ]);
    await running('yard', 'it is recorded', 30_000);
    await until('it is reached', async () => (await cameraOf('yard')).state === 'reached');
    assert.equal((await nvr.stop('SIGTERM')).code, 0);
    assert.deepEqual(filesWith(nvr.data, [PASSWORD, NEXT_PASSWORD]), []);
  });

  test('why nothing of the gate was recorded stands in the index', () => {
    const index = new DatabaseSync(join(nvr.data, 'index.sqlite'), { readOnly: true });
    const rows = index
      .prepare(
        `SELECT cause, start_us AS start, end_us AS end FROM gaps JOIN streams ON streams.pk = gaps.stream
         JOIN places ON places.pk = streams.place WHERE source = 'gate' ORDER BY start_us`,
      )
      .all() as { cause: number; start: number; end: number | null }[];
    index.close();
    const [foreign] = rows.filter(({ cause }) => cause === GAP_CAUSES.foreign);
    assert.ok(foreign, JSON.stringify(rows));
    assert.ok(foreign.start / 1000 >= times.foreign && foreign.start / 1000 < times.back, JSON.stringify(rows));
    assert.ok(foreign.end! / 1000 >= times.back, JSON.stringify(rows));
  });
});
