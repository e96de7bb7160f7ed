import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { SimulatedClock } from '../../src/platform/index.ts';
import { DeviceClock } from '../../src/virtual-camera/device/device-clock.ts';
import { Head } from '../../src/virtual-camera/device/head.ts';
import { type PictureView, sceneSize, viewSettings } from '../../src/virtual-camera/picture-view.ts';
import { pass } from './fake-camera.ts';
import { all, ask, contentOf, faultOf, startFakeDevice } from './fake-device.ts';

const PICTURE = { width: 640, height: 360, fps: 25, gop: 50, bitrate: 1_000_000 };

function setUp() {
  const clock = new SimulatedClock();
  let changes = 0;
  const head = new Head(clock, () => {
    changes += 1;
  });
  return { clock, head, changes: () => changes };
}

const near = (value: number, expected: number) =>
  assert.ok(Math.abs(value - expected) < 1e-3, `${value}, not ${expected}`);

describe('a head', () => {
  test('moves as long as it is told, and stops by itself', async () => {
    const { clock, head } = setUp();
    head.move({ pan: 0.5, tilt: -1 }, 1_000);
    await clock.advance(400);
    near(head.position().pan, 0.1);
    near(head.position().tilt, -0.2);
    assert.ok(head.isMoving() && head.isMoving('pan') && !head.isMoving('zoom'));
    await clock.advance(10_000);
    near(head.position().pan, 0.25);
    near(head.position().tilt, -0.5);
    assert.equal(head.isMoving(), false);
  });

  test('stops at its ends, and when it is told to', async () => {
    const { clock, head } = setUp();
    head.move({ pan: 1, zoom: 1 }, 60_000);
    await clock.advance(1_000);
    head.stop('zoom');
    await clock.advance(20_000);
    assert.deepEqual(head.position(), { pan: 1, tilt: 0, zoom: 0.25 });
    assert.equal(head.isMoving(), false);
    head.move({ pan: 1 }, 1_000);
    assert.equal(head.isMoving(), false, 'there is no further');
  });

  test('goes to a place in a straight line', async () => {
    const { clock, head } = setUp();
    head.goto({ pan: -1, tilt: 0.5, zoom: 1 });
    await clock.advance(1_000);
    near(head.position().pan, -0.5);
    near(head.position().tilt, 0.5);
    await clock.advance(3_000);
    assert.deepEqual(head.position(), { pan: -1, tilt: 0.5, zoom: 1 });
  });

  test('what the encoder is told shows the window where the head is, at every moment', () => {
    fc.assert(
      fc.property(
        fc.double({ min: -1, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.integer({ min: 0, max: 3_000 }),
        fc.integer({ min: 0, max: 5_000 }),
        (speed, zoom, forMs, atMs) => {
          let nowUs = 1_000_000_000;
          const clock = Object.assign(new SimulatedClock(), { nowUs: () => nowUs });
          const head = new Head(clock, () => {});
          head.move({ pan: speed, zoom }, forMs);
          const view: PictureView = { motion: (axis) => head.motion(axis), levels: null, onChange: () => () => {} };
          const settings = viewSettings(view, PICTURE, nowUs - 5_000_000);
          nowUs += atMs * 1_000;
          const t = 5 + atMs / 1_000;
          const value = (option: string) => evaluate(settings.find((each) => each.option === option)!.value, t);
          const { pan, zoom: seen } = head.position();
          const scene = sceneSize(PICTURE, view);
          const x = ((scene.width * (1 + seen) - PICTURE.width) / 2) * (1 + pan);
          assert.ok(Math.abs(value('x') - x) < 3, `${value('x')}, not ${x}`);
          assert.ok(Math.abs(value('w') - scene.width * (1 + seen)) <= 3);
          assert.ok(value('w') >= PICTURE.width && value('x') + PICTURE.width <= value('w') + 3);
          for (const { value } of settings) assert.ok(value.length <= 255, value);
        },
      ),
      { numRuns: 300 },
    );
  });
});

/** An expression of ffmpeg's, as far as ours go. */
function evaluate(expression: string, t: number): number {
  assert.match(expression, /^(?:[\d.+\-*/(),\s]|e-\d|clip|trunc|t)+$/);
  const clip = (value: number, low: number, high: number) => Math.max(low, Math.min(high, value));
  return new Function('t', 'clip', 'trunc', `return ${expression.replaceAll('--', '+')}`)(
    t,
    clip,
    Math.trunc,
  ) as number;
}

describe('the PTZ service', () => {
  const inner = (rest: string) => `<ProfileToken>profile_main</ProfileToken>${rest}`;
  const vector = (name: string, x: string, zoom = '0') =>
    `<${name}><tt:PanTilt x="${x}" y="0"/><tt:Zoom x="${zoom}"/></${name}>`;

  test('ends a continuous move after its time-out', async () => {
    const clock = new SimulatedClock();
    await using fake = await startFakeDevice({ ptz: true }, { clock });
    const { device } = fake;
    const moved = await ask(device, 'tptz:ContinuousMove', inner(`${vector('Velocity', '1')}<Timeout>PT1S</Timeout>`));
    assert.equal(moved.status, 200);
    assert.equal(device.head().moving, true);
    await pass(clock, 100, () => !device.head().moving);
    near(device.head().pan, 0.5);
    const status = contentOf(await ask(device, 'tptz:GetStatus', inner('')));
    assert.equal(all(status, 'MoveStatus')[0]!.children[0]!.text, 'IDLE');
    await ask(device, 'tptz:RelativeMove', inner(vector('Translation', '-0.25')));
    await pass(clock, 100, () => !device.head().moving);
    near(device.head().pan, 0.25);
    await ask(device, 'tptz:GotoHomePosition', inner(''));
    await pass(clock, 100, () => !device.head().moving);
    near(device.head().pan, 0);
  });

  test('stops only what is named', async () => {
    await using fake = await startFakeDevice({ ptz: true });
    await ask(fake.device, 'tptz:ContinuousMove', inner(`${vector('Velocity', '0.1', '0.1')}<Timeout>PT9S</Timeout>`));
    await ask(fake.device, 'tptz:Stop', inner('<PanTilt>false</PanTilt><Zoom>true</Zoom>'));
    const status = contentOf(await ask(fake.device, 'tptz:GetStatus', inner('')));
    assert.deepEqual(
      all(status, 'MoveStatus')[0]!.children.map((each) => each.text),
      ['MOVING', 'IDLE'],
    );
    await ask(fake.device, 'tptz:Stop', inner(''));
    assert.equal(fake.device.head().moving, false);
  });

  const refused: [string, string, string][] = [
    ['ContinuousMove', inner(vector('Velocity', '2')), 'InvalidVelocity'],
    ['ContinuousMove', inner(vector('Velocity', 'NaN')), 'InvalidVelocity'],
    ['ContinuousMove', inner(''), 'InvalidVelocity'],
    ['ContinuousMove', inner(`${vector('Velocity', '1')}<Timeout>PT1H</Timeout>`), 'TimeoutNotSupported'],
    ['AbsoluteMove', inner(vector('Position', '-1.01')), 'InvalidPosition'],
    ['AbsoluteMove', inner(vector('Position', '0', '-0.5')), 'InvalidPosition'],
    ['GotoPreset', inner('<PresetToken>none</PresetToken>'), 'NoToken'],
    ['SetPreset', inner('<PresetToken>none</PresetToken>'), 'NoToken'],
    ['RemovePreset', inner('<PresetToken>none</PresetToken>'), 'NoToken'],
    ['GetStatus', '<ProfileToken>other</ProfileToken>', 'NoProfile'],
  ];
  for (const [name, given, code] of refused) {
    test(`refuses ${name} with ${given.replace(/<ProfileToken>[^/]*\/ProfileToken>/, '') || 'nothing'}`, async () => {
      await using fake = await startFakeDevice({ ptz: true });
      assert.equal(faultOf(await ask(fake.device, `tptz:${name}`, given)), `s:Sender ter:InvalidArgVal ter:${code}`);
    });
  }

  test('keeps so many presets and no more, each name once', async () => {
    await using fake = await startFakeDevice({ ptz: true });
    const set = (name: string) => ask(fake.device, 'tptz:SetPreset', inner(`<PresetName>${name}</PresetName>`));
    for (let i = 0; i < 32; i++) assert.equal((await set(`place ${i}`)).status, 200);
    assert.match(faultOf(await set('place 3')), /PresetExist/);
    assert.match(faultOf(await set('one more')), /TooManyPresets/);
    const again = await ask(fake.device, 'tptz:SetPreset', inner('<PresetToken>preset_4</PresetToken>'));
    assert.equal(all(contentOf(again), 'PresetToken')[0]!.text, 'preset_4');
    const presets = all(contentOf(await ask(fake.device, 'tptz:GetPresets', inner(''))), 'Preset');
    assert.equal(presets.length, 32);
    assert.equal(presets[3]!.children[0]!.text, 'place 3');
  });
});

describe('the clock', () => {
  test('is off, drifts, is set, and is led by a time server', async () => {
    const clock = new SimulatedClock();
    const device = new DeviceClock(clock, -60_000, 86_400);
    assert.equal(device.now() - clock.now(), -60_000);
    await clock.advance(10_000);
    assert.equal(device.now() - clock.now(), -59_990);
    device.set(0);
    await clock.advance(5_000);
    assert.equal(device.now() - clock.now(), 5);
    device.lead();
    await clock.advance(5_000);
    assert.equal(device.now(), clock.now());
  });

  test('is set by SetSystemDateAndTime, and made right by a time server', async () => {
    await using fake = await startFakeDevice({ clockOffsetMs: 3_600_000 });
    const { device } = fake;
    const wrong = () => device.clock() - Date.now();
    assert.ok(Math.abs(wrong() - 3_600_000) < 500);
    const date =
      '<UTCDateTime><tt:Time><tt:Hour>3</tt:Hour><tt:Minute>4</tt:Minute><tt:Second>5</tt:Second></tt:Time><tt:Date><tt:Year>2020</tt:Year><tt:Month>1</tt:Month><tt:Day>2</tt:Day></tt:Date></UTCDateTime>';
    await ask(device, 'tds:SetSystemDateAndTime', `<DateTimeType>Manual</DateTimeType>${date}`);
    assert.ok(Math.abs(device.clock() - Date.UTC(2020, 0, 2, 3, 4, 5)) < 2_000);
    const bad = await ask(
      device,
      'tds:SetSystemDateAndTime',
      `<DateTimeType>Manual</DateTimeType>${date.replace('>1<', '>13<')}`,
    );
    assert.match(faultOf(bad), /InvalidDateTime/);
    await ask(
      device,
      'tds:SetNTP',
      '<FromDHCP>false</FromDHCP><NTPManual><tt:Type>IPv4</tt:Type><tt:IPv4Address>10.0.0.1</tt:IPv4Address></NTPManual>',
    );
    assert.ok(Math.abs(wrong()) > 10_000, 'not before it is told to follow it');
    await ask(device, 'tds:SetSystemDateAndTime', '<DateTimeType>NTP</DateTimeType>');
    assert.ok(Math.abs(wrong()) < 500);
    const told = contentOf(await ask(device, 'tds:GetNTP'));
    assert.equal(all(told, 'IPv4Address')[0]!.text, '10.0.0.1');
  });
});
