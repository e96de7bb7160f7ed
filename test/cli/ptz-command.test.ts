import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { cameraShowCommand, cameraTimeCommand } from '../../src/cli/kept-camera-commands.ts';
import { decodePicture, pictureArguments } from '../../src/cli/picture-decoder.ts';
import { runCommandLine } from '../../src/cli/program.ts';
import { ptzCommand } from '../../src/cli/ptz-command.ts';
import type { NvrClient } from '../../src/client/index.ts';
import { NvrError } from '../../src/errors.ts';
import { SimulatedClock } from '../../src/platform/index.ts';
import { createNodeClock, createNodeProcesses } from '../../src/platform/node/index.ts';
import { cut } from '../client/sealed-recording.ts';
import { FakeProcesses } from '../support/fake-processes.ts';
import { sampleMedia } from '../support/sample-media.ts';
import { fakeWorld } from './fake-world.ts';

describe('what cannot be meant is refused before anything is asked', () => {
  const cases: [string[], RegExp][] = [
    [['ptz', 'yard', 'dance'], /one of move, stop/],
    [['ptz', 'yard', 'move'], /--pan, --tilt or --zoom/],
    [['ptz', 'yard', 'stop', '--pan', '1'], /for move and goto/],
    [['ptz', 'yard', 'move', '--pan', '-1.5'], /--pan from -1 to 1/],
    [['ptz', 'yard', 'move', '--pan', 'x'], /--pan from -1 to 1/],
    [['ptz', 'yard', 'goto', '--zoom', '-1'], /--zoom from 0 to 1/],
    [['ptz', 'yard', 'move', '--pan', '1', '--for', '2m'], /60 seconds/],
    [['ptz', 'yard', 'recall'], /name of a preset/],
    [['ptz', 'yard', 'stop', 'Gate'], /nothing after stop/],
    [['snapshot', 'yard', '-o', 'x.gif'], /FILE\.jpg/],
    [['snapshot', 'yard', '--exact'], /--exact together with --at/],
    [['snapshot', 'yard', '--at', 'now', '--from', 'live'], /not both/],
    [['snapshot', 'yard', '--from', 'moon'], /--from camera or/],
    [['imaging', 'yard', '--brightness', '2'], /--brightness from 0 to 1/],
    [['camera', 'time', 'yard', '--set', 'moon'], /Allowed choices are clock/],
    [['camera', 'time', 'yard', '--set', 'clock', '--server', 'a'], /not both/],
  ];
  for (const [args, message] of cases) {
    test(args.join(' '), async () => {
      const { world, terminal } = fakeWorld();
      assert.equal(await runCommandLine(world, ['client', ...args]), 2, terminal.stderr);
      assert.match(terminal.stderr, message);
    });
  }
});

describe('decoding a picture', () => {
  const { init, fragments } = cut(sampleMedia({ seconds: 2, size: '160x96', gop: 25 }));
  const group = fragments.slice(0, 5);
  const input = Uint8Array.from([...init.bytes, ...group.flatMap(({ bytes }) => [...bytes])]);
  const real = () => ({
    clock: createNodeClock(),
    processes: createNodeProcesses(),
    signal: new AbortController().signal,
  });

  test('gives a JPEG or a PNG of its size', async () => {
    const jpg = await decodePicture(real(), { input, form: 'mp4', output: 'jpg', fromUs: 0 });
    assert.deepEqual([...jpg.subarray(0, 3)], [0xff, 0xd8, 0xff]);
    const png = await decodePicture(real(), { input, form: 'mp4', output: 'png', fromUs: 0 });
    const view = new DataView(png.buffer);
    assert.deepEqual([view.getUint32(16), view.getUint32(20)], [160, 96]);
    const again = await decodePicture(real(), { input: jpg, form: 'jpeg', output: 'png', fromUs: 0 });
    assert.deepEqual([...again.subarray(1, 4)], [0x50, 0x4e, 0x47]);
  });

  test('goes forward to the picture wanted', async () => {
    const at = async (fromUs: number) => decodePicture(real(), { input, form: 'mp4', output: 'png', fromUs });
    const [first, second, same] = [await at(0), await at(600_000 - 40_000 + 500), await at(590_000)];
    assert.notDeepEqual(second, first);
    assert.deepEqual(same, second, 'the first picture at or after 0.59 s is that of 0.6 s');
  });

  test('of rubbish is refused', async () => {
    const order = { input: new Uint8Array(5_000).fill(7), form: 'mp4', output: 'jpg', fromUs: 0 } as const;
    await assert.rejects(decodePicture(real(), order), { code: 'ERR_CLI_PICTURE', kind: 'corrupt' });
  });

  test('ends after ten seconds, beyond 32 MiB, and with Ctrl-C', async () => {
    const order = { input, form: 'mp4', output: 'jpg', fromUs: 0 } as const;
    for (const how of ['slow', 'large', 'interrupted'] as const) {
      const [clock, processes, interrupt] = [new SimulatedClock(), new FakeProcesses(), new AbortController()];
      const picture = decodePicture({ clock, processes, signal: interrupt.signal }, order);
      picture.catch(() => {});
      await clock.advance(0);
      if (how === 'large') for (let i = 0; i < 40; i++) processes.last.write(new Uint8Array(1024 * 1024));
      if (how === 'interrupted') interrupt.abort();
      await clock.advance(how === 'slow' ? 10_001 : 100);
      const code = how === 'interrupted' ? 'ERR_CLI_INTERRUPTED' : 'ERR_CLI_PICTURE';
      await assert.rejects(picture, { code });
      assert.ok(processes.last.stops > 0, how);
    }
  });

  test('opens nothing but pipes', () => {
    const args = pictureArguments({ form: 'mp4', output: 'jpg', fromUs: 1_234_567 });
    assert.ok(
      args.includes('pipe:0') && args.includes('pipe:1') && args.includes('setpts=PTS-STARTPTS,trim=start=1.234567'),
    );
    assert.equal(args[args.indexOf('-protocol_whitelist') + 1], 'pipe');
  });
});

function reaching(answer: unknown) {
  const { world, terminal } = fakeWorld();
  const asked: unknown[] = [];
  const call = async (name: string, params: unknown) => {
    asked.push([name, params]);
    return answer;
  };
  const reach = <T>(work: (client: NvrClient) => Promise<T>) => work({ call } as unknown as NvrClient);
  return { world, terminal, asked, reach };
}

test('camera show says in words how it stands, harmlessly', async () => {
  const view = {
    source: 'yard',
    state: 'foreign',
    since: 1_795_000_000_000,
    identity: { manufacturer: 'Example', model: 'X\u001b[2J' },
    abilities: { ptz: true, snapshot: false, presetsMax: 3 },
    eventsConnected: false,
    clock: { offsetMs: -90_000, uncertaintyMs: 500, at: 0, by: 'onvif', driftMsPerDay: 1_200.4, alarm: true },
  };
  const { world, terminal, reach, asked } = reaching(view);
  await cameraShowCommand(world, reach, 'yard', {});
  assert.deepEqual(asked, [['cameras.view', { source: 'yard' }]]);
  assert.match(terminal.stdout, /^state +ANOTHER camera answers/m);
  assert.match(terminal.stdout, /^make +Example X\?\[2J$/m);
  assert.match(terminal.stdout, /^can +moving$/m);
  assert.match(terminal.stdout, /^clock +1m 30s behind, give or take 0\.5 s, running 1200 ms a day away — too far/m);
  const json = reaching(view);
  await cameraShowCommand(json.world, json.reach, 'yard', { json: true });
  assert.deepEqual(JSON.parse(json.terminal.stdout), view);
});

test('camera time reads, sets, and names a server', async () => {
  const time = { cameraAt: 1_795_000_000_300, nodeAt: 1_795_000_000_000, uncertaintyMs: 500 };
  const read = reaching(time);
  await cameraTimeCommand(read.world, read.reach, 'yard', {});
  assert.match(read.terminal.stdout, /camera is right, within 0\.5 s/);
  const set = reaching(time);
  await cameraTimeCommand(set.world, set.reach, 'yard', { set: 'clock' });
  await cameraTimeCommand(set.world, set.reach, 'yard', { server: '10.0.0.1', json: true });
  assert.deepEqual(set.asked, [
    ['cameras.time', { source: 'yard', set: 'clock' }],
    ['cameras.time', { source: 'yard', set: { server: '10.0.0.1' } }],
  ]);
  await assert.rejects(cameraTimeCommand(set.world, set.reach, 'yard', { server: '<x>' }), { code: 'ERR_CLI_USAGE' });
});

/** A camera that is steered through a client, and what was asked of it. */
function steering(answers: Record<string, unknown> = {}) {
  const { world, terminal, clock } = fakeWorld();
  const asked: unknown[][] = [];
  const call = async (name: string, params: object) => {
    asked.push([name, params]);
    return answers[name];
  };
  const note =
    (what: string) =>
    async (...args: unknown[]) => {
      asked.push([what, ...args, clock.monotonic()]);
      return true;
    };
  const hold = {
    move: note('move'),
    stop: note('stop'),
    goto: note('goto'),
    recall: note('recall'),
    release: () => asked.push(['release']),
  };
  const ptz = async () => {
    if (answers['held']) throw new NvrError('ERR_CAMERAS_PTZ_HELD', 'conflict', 'held');
    return hold;
  };
  const reach = <T>(work: (client: NvrClient) => Promise<T>) => work({ call, ptz } as unknown as NvrClient);
  return { world, terminal, clock, asked, reach };
}

test('ptz move goes on as long as asked, by renewing, and ends with a stop', async () => {
  const { world, terminal, clock, asked, reach } = steering();
  const moving = ptzCommand(world, reach, 'yard', 'move', undefined, { pan: '-0.5', for: '2.5' });
  await clock.advance(5_000);
  await moving;
  const speed = { pan: -0.5, tilt: 0, zoom: 0 };
  assert.deepEqual(asked, [
    ['move', speed, 1_000, 0],
    ['move', speed, 1_000, 600],
    ['move', speed, 1_000, 1_200],
    ['move', speed, 700, 1_800],
    ['stop', 2_500],
    ['release'],
  ]);
  assert.equal(terminal.stdout, 'yard moved and stopped\n');
});

test('ptz move is stopped by Ctrl-C', async () => {
  const { world, clock, asked, reach } = steering();
  const interrupt = new AbortController();
  const moving = ptzCommand({ ...world, interrupt: interrupt.signal }, reach, 'yard', 'move', undefined, {
    pan: '1',
    for: '30s',
  });
  moving.catch(() => {});
  await clock.advance(1_000);
  interrupt.abort();
  await clock.advance(0);
  await assert.rejects(moving, { code: 'ERR_CLI_INTERRUPTED' });
  assert.deepEqual(asked.slice(-2), [['stop', 1_000], ['release']]);
});

test('ptz recall finds a preset by its name or token; held by somebody else it says by whom', async () => {
  const presets = { presets: [{ preset: '1', name: 'Gate' }, { preset: '2', name: 'gate 2' }, { preset: '3' }] };
  for (const [text, token] of [
    ['gate', '1'],
    ['3', '3'],
  ]) {
    const { world, asked, reach } = steering({ 'ptz.presets': presets });
    await ptzCommand(world, reach, 'yard', 'recall', text, {});
    assert.deepEqual(asked.slice(1), [['recall', token, 0], ['release']]);
  }
  const none = steering({ 'ptz.presets': presets });
  await assert.rejects(ptzCommand(none.world, none.reach, 'yard', 'recall', 'roof', {}), { code: 'ERR_CLI_NOT_FOUND' });
  const holder = { self: false, since: 1_795_000_000_000, label: 'Desk' };
  const held = steering({ held: true, 'ptz.status': { position: null, moving: null, holder, unstopped: true } });
  await assert.rejects(
    ptzCommand(held.world, held.reach, 'yard', 'stop', undefined, {}),
    /steered by Desk since 2026-/,
  );
  await ptzCommand(held.world, held.reach, 'yard', 'status', undefined, {});
  assert.match(
    held.terminal.stdout,
    /^looks +the camera does not tell where\nmoves +.*\nsteered +by Desk, for .*\nlook at /,
  );
});
