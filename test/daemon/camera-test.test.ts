import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { type CameraDriver, CameraError, type CameraOrder } from '../../src/cameras/index.ts';
import { CameraTests, TESTS_MAX } from '../../src/daemon/camera-test.ts';
import { checkConfig, type SourceConfig } from '../../src/daemon/config.ts';
import { ConfigText } from '../../src/daemon/config-file.ts';
import { createStreamProbe, type ProbeOutcome, type StreamProbe } from '../../src/daemon/stream-probe.ts';
import { type Log, type LogFields, SimulatedClock, SimulatedFiles, silentLog } from '../../src/platform/index.ts';
import {
  createNodeClock,
  createNodeDatagrams,
  createNodeProcesses,
  createNodeRandom,
  createNodeSockets,
} from '../../src/platform/node/index.ts';
import { checkParams, checkResult, type SourceId } from '../../src/protocol/index.ts';
import { createVirtualCamera } from '../../src/virtual-camera/index.ts';

const PASSWORD = 'Zq7-not-to-be-seen';
const CONFIG = `sources:
  yard:
    url: rtsp://10.0.0.1/a
    sub: rtsp://10.0.0.1/b
    username: u
    password: ${PASSWORD}
    onvif: true
    hardware: SN 42
  vault:
    url: rtsps://10.0.0.9/a
    username: u
    password: ${PASSWORD}
    certificate: '${'ab'.repeat(32)}'
  test: { virtual: true }
`;
const video = {
  id: 1,
  kind: 'video',
  format: 'avc1',
  codec: 'avc1.64001f',
  timescale: 90_000,
  width: 1920,
  height: 1080,
} as const;
const picture: ProbeOutcome = {
  tracks: [video],
  transport: 'tcp',
  firstPictureMs: 420,
  framesPerSecond: 25,
  init: new Uint8Array([1, 2]),
  fragment: new Uint8Array([3]),
};
const stream = {
  token: 't',
  name: 'big',
  codec: 'h264',
  width: 1920,
  height: 1080,
  framesPerSecond: 25,
  bitsPerSecond: null,
  audio: false,
  url: 'rtsp://10.0.0.1/a',
} as const;

/** A driver that answers as told; what is missing it refuses. */
function driver(answers: Partial<Record<keyof CameraDriver, unknown>>): CameraDriver {
  const all = ['identify', 'abilities', 'streams', 'snapshot', 'time'] as const;
  const make = (name: keyof CameraDriver) => async () => {
    const answer = answers[name];
    if (answer === undefined) throw new CameraError('unreachable');
    if (answer instanceof Error) throw answer;
    return answer;
  };
  return Object.fromEntries(all.map((name) => [name, make(name)])) as unknown as CameraDriver;
}
const abilities = {
  media2: true,
  snapshot: true,
  ptz: false,
  ptzAbsolute: false,
  presetsMax: 0,
  imaging: false,
  events: true,
  recordings: false,
};
const well = {
  identify: { hardwareId: 'SN 42', manufacturer: 'Acme', model: 'One', firmware: null, endpoint: null },
  abilities,
  streams: [stream, { ...stream, token: 's', name: null, width: 640, height: 360, url: 'rtsp://10.0.0.1/b' }],
  snapshot: new Uint8Array(4),
  time: { cameraAt: 5_000, nodeAt: 1_000, uncertaintyMs: 500 },
};

async function rig({ answers = well, probe = async () => picture }: { answers?: object; probe?: StreamProbe } = {}) {
  const clock = new SimulatedClock();
  const config = await checkConfig(new SimulatedFiles(), '/data', new ConfigText('c', CONFIG));
  const orders: Omit<CameraOrder, 'source'>[] = [];
  const probed: { address: string; password: string | null }[] = [];
  const tests = new CameraTests({
    clock,
    probe: (camera, options) => {
      probed.push({ address: camera.address, password: camera.credentials?.password ?? null });
      return probe(camera, options);
    },
    driverFor: (order) => {
      orders.push(order);
      return driver(answers);
    },
    source: (id: SourceId): SourceConfig | null => config.sources.find((each) => each.id === id) ?? null,
  });
  const run = async (params: Record<string, unknown>, signal = new AbortController().signal) => {
    const checked = checkParams('sources.test', params);
    assert.ok('params' in checked, JSON.stringify(checked));
    const outcome = await tests.run(checked.params, signal);
    const { result } = outcome;
    assert.deepEqual(checkResult('sources.test', result), { result });
    assert.ok(!JSON.stringify(outcome).includes(PASSWORD));
    return outcome;
  };
  return { clock, run, orders, probed };
}

describe('a camera that is tried', () => {
  test('tells who it is, what it offers and what came of each stream, with a picture', async () => {
    const { run, orders, probed } = await rig();
    const { result, picture: shown } = await run({ source: 'yard' });
    const { url, name, codec, width, height, audio } = stream;
    assert.deepEqual(result.onvif, {
      ok: true,
      identity: { hardwareId: 'SN 42', manufacturer: 'Acme', model: 'One', firmware: null },
      expected: true,
      streams: [
        { name, codec, width, height, fps: 25, audio, url },
        { name: null, codec, width: 640, height: 360, fps: 25, audio, url: 'rtsp://10.0.0.1/b' },
      ],
      abilities: ['media2', 'snapshot', 'events'],
      snapshot: true,
      clockOffsetMs: 4_000,
    });
    const facts = {
      ok: true,
      codec: 'h264',
      size: { width: 1920, height: 1080 },
      fps: 25,
      audio: false,
      transport: 'tcp',
      ms: 420,
    };
    assert.deepEqual(result.streams, [
      { stream: 'main', ...facts },
      { stream: 'sub', ...facts },
    ]);
    assert.equal(result.picture, 'main');
    assert.deepEqual(shown, { init: new Uint8Array([1, 2]), fragment: new Uint8Array([3]) });
    assert.ok(result.advice.some((each) => /clock is off by 4 s/.test(each)));
    assert.equal(orders[0]?.service, 'http://10.0.0.1/onvif/device_service');
    assert.equal(orders[0]?.credentials?.password, PASSWORD);
    assert.deepEqual(
      probed.map(({ password }) => password),
      [PASSWORD, PASSWORD],
    );
  });

  test('that is another one is told as such', async () => {
    const { run } = await rig({ answers: { ...well, identify: { ...well.identify, hardwareId: 'SN 43' } } });
    const { result } = await run({ source: 'yard' });
    assert.equal(result.onvif?.expected, false);
    assert.match(result.advice[0]!, /another camera answers/);
  });

  test('and refuses or is not there gives causes and advice, not errors', async () => {
    const refused = await rig({
      answers: { time: well.time, identify: new CameraError('unauthorized') },
      probe: async () => ({ cause: 'unauthorized', reason: 'it said no\u0000' }),
    });
    const { result } = await refused.run({ source: 'yard', sub: null });
    assert.equal(result.onvif?.cause, 'unauthorized');
    assert.deepEqual(result.streams, [{ stream: 'main', ok: false, cause: 'unauthorized', reason: 'it said no?' }]);
    assert.match(result.advice.join(), /user name and password/);
    const gone = await rig({ answers: {}, probe: async () => ({ cause: 'overload', reason: '' }) });
    const nothing = await gone.run({ url: 'rtsp://10.0.0.7/x', onvif: true });
    assert.equal(nothing.result.onvif?.cause, 'unreachable');
    assert.deepEqual(nothing.result.streams, [{ stream: 'main', ok: false, cause: 'unknown' }]);
    assert.equal(nothing.picture, null);
  });

  test('need not be named by its streams: they are asked for', async () => {
    const { run, probed } = await rig();
    const { result } = await run({ onvif: 'http://10.0.0.1/onvif/device_service', username: 'v', password: 'given' });
    assert.deepEqual(probed, [
      { address: 'rtsp://10.0.0.1/a', password: 'given' },
      { address: 'rtsp://10.0.0.1/b', password: 'given' },
    ]);
    assert.equal(result.streams.length, 2);
  });

  test('shows stored credentials only behind the certificate that was pinned', async () => {
    const pins: [string, string | null][] = [];
    const probe: StreamProbe = async ({ address }, { certificate }) => {
      pins.push([address, certificate]);
      return picture;
    };
    const { run } = await rig({ probe });
    await run({ source: 'vault' });
    await run({ source: 'vault', url: 'rtsps://10.0.0.9/other' });
    await run({ source: 'vault', url: 'rtsps://10.0.0.66/a', username: 'me', password: 'mine' });
    assert.deepEqual(pins, [
      ['rtsps://10.0.0.9/a', 'ab'.repeat(32)],
      ['rtsps://10.0.0.9/other', 'ab'.repeat(32)],
      ['rtsps://10.0.0.66/a', null],
    ]);
  });

  test('gets stored credentials only where they were given for', async () => {
    const { run, probed, orders } = await rig();
    for (const elsewhere of [
      { url: 'rtsp://10.0.0.66/a' },
      { url: 'rtsp://10.0.0.1:8554/a' },
      { sub: 'rtsps://10.0.0.1/a' },
      { onvif: 'http://10.0.0.66/onvif/device_service' },
      { url: 'rtsp://10.0.0.66/a', onvif: true },
    ])
      await assert.rejects(
        run({ source: 'yard', ...elsewhere }),
        { code: 'ERR_DAEMON_CREDENTIALS' },
        JSON.stringify(elsewhere),
      );
    assert.deepEqual([probed, orders], [[], []]);
    await run({ source: 'yard', url: 'rtsp://10.0.0.66/a', sub: null, username: 'x', password: 'y', onvif: null });
    assert.deepEqual(probed, [{ address: 'rtsp://10.0.0.66/a', password: 'y' }]);
    await run({ url: 'rtsp://10.0.0.1/a' });
    assert.equal(probed.at(-1)?.password, null, 'nobody named the source');
    // A camera that offers streams elsewhere does not get them sent there.
    const liar = await rig({ answers: { ...well, streams: [{ ...stream, url: 'rtsp://10.0.0.66/a' }] } });
    await assert.rejects(liar.run({ source: 'yard', url: 'rtsp://10.0.0.66/a' }), { code: 'ERR_DAEMON_CREDENTIALS' });
  });

  test('must be something that can be tried', async () => {
    const { run } = await rig();
    for (const [params, code] of [
      [{}, 'ERR_DAEMON_SOURCE_REFUSED'],
      [{ onvif: true }, 'ERR_DAEMON_SOURCE_REFUSED'],
      [{ source: 'test' }, 'ERR_DAEMON_SOURCE_REFUSED'],
      [{ source: 'nobody' }, 'ERR_DAEMON_SOURCE_MISSING'],
      [{ url: 'rtsp://10.0.0.1/', password: 'x' }, 'ERR_DAEMON_SOURCE_REFUSED'],
    ] as const)
      await assert.rejects(run(params), { code }, JSON.stringify(params));
  });

  test('waits for no more than the time of a test, and of them few run at once', async () => {
    const forever: StreamProbe = (_, { signal }) =>
      new Promise((resolve) =>
        signal.addEventListener('abort', () => resolve({ cause: 'stopped', reason: 'given up' })),
      );
    const { run, clock } = await rig({ probe: forever });
    const given = new AbortController();
    const all = Array.from({ length: TESTS_MAX }, (_, i) =>
      run({ url: `rtsp://10.0.0.${i}/` }, i === 0 ? given.signal : undefined),
    );
    const first = assert.rejects(all[0]!, /gone/);
    await assert.rejects(run({ url: 'rtsp://10.0.0.9/' }), { code: 'ERR_DAEMON_TESTS' });
    given.abort(new Error('gone'));
    await first;
    await clock.advance(40_000);
    for (const each of all.slice(1)) assert.equal((await each).result.streams[0]?.cause, 'timeout');
    const last = run({ url: 'rtsp://10.0.0.9/' });
    await clock.advance(40_000);
    await last;
  });
});

describe('a stream that is tried', { timeout: 40_000 }, () => {
  const lines: string[] = [];
  const note = (fields: LogFields, line: string) => void lines.push(`${line} ${JSON.stringify(fields)}`);
  const log: Log = { debug: note, info: note, warn: note, error: note, child: () => log };
  const deps = {
    clock: createNodeClock(),
    random: createNodeRandom(),
    processes: createNodeProcesses(),
    sockets: createNodeSockets(),
    datagrams: createNodeDatagrams(),
  };
  const probe = createStreamProbe({ ...deps, log });
  const signal = new AbortController().signal;
  const credentials = { username: 'u', password: PASSWORD };
  async function camera() {
    const main = { width: 160, height: 96, fps: 20, gop: 10, bitrate: 60_000 };
    const made = createVirtualCamera(
      { ...deps, log: silentLog },
      { main, credentials: { scheme: 'digest', ...credentials } },
    );
    await made.start();
    after(() => made.stop());
    return made.url('/main');
  }

  test('gives its first picture and how many come', async () => {
    const seen = await probe(
      { address: await camera(), credentials },
      { transport: 'auto', reader: 'auto', certificate: null, signal },
    );
    assert.ok('init' in seen, JSON.stringify(seen));
    assert.deepEqual([seen.tracks[0]?.width, seen.tracks[0]?.height, seen.transport], [160, 96, 'tcp']);
    assert.ok(Math.abs((seen.framesPerSecond ?? 0) - 20) < 2, `${seen.framesPerSecond}`);
    assert.ok(seen.firstPictureMs > 0 && seen.firstPictureMs < 15_000);
    assert.equal(Buffer.from(seen.init).toString('latin1', 4, 8), 'ftyp');
    assert.ok(Buffer.from(seen.fragment).includes('moof'));
  });

  test('with a wrong password, or where nobody listens, is told at once', async () => {
    const address = await camera();
    const wrong = await probe(
      { address, credentials: { username: 'u', password: 'wrong' } },
      { transport: 'tcp', reader: 'auto', certificate: null, signal },
    );
    assert.ok('cause' in wrong && wrong.cause === 'unauthorized', JSON.stringify(wrong));
    const nobody = await probe(
      { address: 'rtsp://127.0.0.1:9/x', credentials },
      { transport: 'tcp', reader: 'auto', certificate: null, signal },
    );
    assert.ok('cause' in nobody && nobody.cause === 'unreachable', JSON.stringify(nobody));
    const given = await probe(
      { address, credentials },
      { transport: 'tcp', reader: 'auto', certificate: null, signal: AbortSignal.abort() },
    );
    assert.ok('cause' in given && given.cause === 'stopped', JSON.stringify(given));
    assert.ok(lines.every((line) => !line.includes(PASSWORD)));
  });
});
