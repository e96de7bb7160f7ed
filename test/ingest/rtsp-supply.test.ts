import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRecorder, type Recorder, type RecorderOptions } from '../../src/ingest/index.ts';
import { FragmentReader, type ParsedInit, parseCameraUrl } from '../../src/media/index.ts';
import { SeededRandom, SimulatedClock, silentLog } from '../../src/platform/index.ts';
import { FakeProcesses } from '../support/fake-processes.ts';
import { MemorySink } from '../support/memory-sink.ts';
import { noDatagrams } from '../support/no-network.ts';
import { payloadsOf, rtpPacket, samplesOf } from '../support/rtp-stream.ts';
import { sampleMedia } from '../support/sample-media.ts';
import { type Reply, type Request, ScriptedCamera, settle } from '../support/scripted-camera.ts';

const [first, ...rest] = new FragmentReader().push(sampleMedia({ inBand: true }));
const init = (first as { init: ParsedInit }).init;
const pictures = rest.flatMap((item) => ('fragment' in item ? samplesOf(item.fragment, init, 1) : []));

const VIDEO = 'm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:track1\r\n';
const AAC =
  'm=audio 0 RTP/AVP 97\r\na=rtpmap:97 MPEG4-GENERIC/16000/1\r\na=fmtp:97 mode=AAC-hbr;config=1408;sizelength=13;indexlength=3;indexdeltalength=3\r\na=control:track2\r\n';
const PCMA = 'm=audio 0 RTP/AVP 8\r\na=control:track2\r\n';

/** A camera that does everything right, as far as a test says nothing else. */
function usual(sdp: string, special: (request: Request) => Reply | null = () => null) {
  return (request: Request): Reply => {
    const said = special(request);
    if (said) return said;
    const Session = 'abc;timeout=20';
    switch (request.method) {
      case 'OPTIONS':
        return { status: 200, headers: { Public: 'OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER' } };
      case 'DESCRIBE':
        return { status: 200, headers: { 'Content-Base': 'rtsp://10.9.9.9/base/' }, body: `v=0\r\n${sdp}` };
      case 'SETUP':
        return { status: 200, headers: { Session, Transport: request.headers.get('transport')! } };
      default:
        return { status: 200, headers: { Session } };
    }
  };
}

class Scene {
  readonly clock = new SimulatedClock();
  readonly random = new SeededRandom(3);
  readonly camera: ScriptedCamera;
  readonly processes = new FakeProcesses();
  readonly sink = new MemorySink();
  readonly recorder: Recorder;
  #sequence = 0;
  #picture = 0;

  constructor(answer: (request: Request) => Reply, options: Partial<RecorderOptions> = {}) {
    this.camera = new ScriptedCamera(answer);
    const { clock, random, processes, sink } = this;
    this.recorder = createRecorder(
      { ...{ clock, random, log: silentLog, processes, sink }, sockets: this.camera, datagrams: noDatagrams },
      {
        ...{ camera: parseCameraUrl('rtsp://u:p%20w@cam.lan/live'), enabled: true, transport: 'auto', audio: 'keep' },
        ...{ notBeforeUs: 0, ffmpeg: 'ffmpeg' },
        ...options,
      },
    );
  }

  async start(): Promise<this> {
    await this.recorder.start();
    await settle(this.clock);
    return this;
  }

  /** So many pictures, 40 ms apart. */
  async play(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const { bytes } = pictures[this.#picture % pictures.length]!;
      const payloads = payloadsOf('H264', bytes, this.random);
      const timestamp = 1_000 + this.#picture++ * 3_600;
      for (const [n, payload] of payloads.entries()) {
        const fields = { payloadType: 96, sequence: this.#sequence++, timestamp, marker: n === payloads.length - 1 };
        this.camera.frame(0, rtpPacket({ ...fields, payload }));
      }
      await settle(this.clock, 40);
    }
  }

  get methods(): string[] {
    return this.camera.requests.map((each) => each.method);
  }
}

test('from the first question to TEARDOWN: each request as it should be, and a recording of it', async () => {
  const scene = await new Scene(usual(VIDEO + AAC)).start();
  assert.deepEqual(scene.camera.dialled, ['cam.lan:554']);
  assert.deepEqual(scene.methods, ['OPTIONS', 'DESCRIBE', 'SETUP', 'SETUP', 'PLAY']);
  const [, describe, video, audio, play] = scene.camera.requests;
  assert.equal(describe!.url, 'rtsp://cam.lan/live');
  assert.equal(video!.url, 'rtsp://10.9.9.9/base/track1');
  assert.equal(video!.headers.get('transport'), 'RTP/AVP/TCP;unicast;interleaved=0-1');
  assert.equal(video!.headers.has('session'), false);
  assert.deepEqual(
    [audio!.headers.get('session'), audio!.headers.get('transport')],
    ['abc', 'RTP/AVP/TCP;unicast;interleaved=2-3'],
  );
  assert.deepEqual([play!.url, play!.headers.get('session')], ['rtsp://10.9.9.9/base/', 'abc']);
  assert.deepEqual([...new Set(scene.camera.dialled)], ['cam.lan:554'], 'what it says of itself is not dialled');
  await scene.play(60);
  const status = scene.recorder.status();
  assert.deepEqual([status.state, status.reader, status.lostPackets, status.restarts], ['running', 'own', 0, 0]);
  assert.ok(scene.sink.fragments.length >= 10);
  assert.ok(
    scene.camera.heard.some((bytes) => bytes[0] === 0x24 && bytes[1] === 1 && bytes[5] === 201),
    'reports go back',
  );
  // Signs of life each ten seconds of a session of twenty.
  await scene.play(500);
  assert.equal(scene.methods.filter((method) => method === 'GET_PARAMETER').length, 2);
  const stopped = scene.recorder.stop();
  await settle(scene.clock, 10);
  await stopped;
  assert.equal(scene.methods.at(-1), 'TEARDOWN');
  assert.equal(scene.camera.closed, 1);
  assert.deepEqual(scene.sink.causes, ['stopped']);
  const kept = scene.sink.fragments.reduce((sum, each) => sum + each.sampleCount, 0);
  assert.equal(kept, 560, 'the last picture is kept too');
});

test('what a camera answers is said as what it is, and no address in an answer is dialled', async () => {
  const refuse = (method: string, reply: Reply) =>
    usual(VIDEO, (request) => (request.method === method ? reply : null));
  for (const [answer, cause, reason] of [
    [refuse('DESCRIBE', { status: 302, headers: { Location: 'rtsp://evil.lan/' } }), 'unreachable', /not followed/],
    [refuse('OPTIONS', { status: 301, headers: { Location: 'rtsp://evil.lan/' } }), 'unreachable', /not followed/],
    [refuse('DESCRIBE', { status: 404 }), 'unreachable', /path/],
    [refuse('DESCRIBE', { status: 403 }), 'unauthorized', /password/],
    [refuse('PLAY', { status: 454 }), 'unreachable', /path/],
    [refuse('SETUP', { status: 453 }), 'unreachable', /busy/],
    [refuse('PLAY', { status: 500 }), 'malformed', /understood/],
    [refuse('DESCRIBE', { status: 200, body: 'nonsense' }), 'malformed', /understood/],
    [refuse('SETUP', { status: 200, headers: { Transport: 'RTP/AVP/TCP' } }), 'malformed', /understood/],
    [refuse('DESCRIBE', 'close'), 'ended', /closed/],
  ] as const) {
    const scene = await new Scene(answer, { transport: 'tcp' }).start();
    const status = scene.recorder.status();
    assert.deepEqual([status.state, status.cause], ['backoff', cause], String(reason));
    assert.match(status.reason!, reason);
    assert.deepEqual([...new Set(scene.camera.dialled)], ['cam.lan:554']);
    assert.equal(scene.sink.runs.length, 0);
    await scene.recorder.stop();
  }
  const silent = await new Scene(refuse('DESCRIBE', 'silence')).start();
  await settle(silent.clock, 10_600);
  assert.equal(silent.recorder.status().cause, 'unreachable');
  await silent.recorder.stop();
  for (const refusal of ['refused', 'unreachable', 'timeout'] as const) {
    const scene = new Scene(usual(VIDEO));
    scene.camera.refusal = refusal;
    await scene.start();
    assert.equal(scene.recorder.status().reason, 'no connection to the camera');
    assert.equal(scene.recorder.status().transport, 'tcp');
    await scene.recorder.stop();
  }
});

test('a password is given as it is asked for, twice at most, and never in clear after Digest', async () => {
  const challenge = (value: string): Reply => ({ status: 401, headers: { 'WWW-Authenticate': value } });
  const digest = 'Digest realm="r", nonce="n1"';
  const asked = await new Scene(
    usual(VIDEO, ({ headers }) => (headers.has('authorization') ? null : challenge(digest))),
  ).start();
  await asked.play(30);
  assert.equal(asked.recorder.status().state, 'running');
  assert.equal(asked.camera.requests.filter(({ headers }) => !headers.has('authorization')).length, 1);
  await asked.recorder.stop();

  const refusing = await new Scene(usual(VIDEO, () => challenge(digest))).start();
  assert.equal(refusing.recorder.status().cause, 'unauthorized');
  assert.deepEqual(refusing.methods, ['OPTIONS', 'OPTIONS']);
  await refusing.recorder.stop();

  const renewing = await new Scene(
    usual(VIDEO, ({ method, headers }) => {
      const wanted = method === 'PLAY' ? 'n2' : 'n1';
      return headers.get('authorization')?.includes(`nonce="${wanted}"`)
        ? null
        : challenge(`Digest realm="r", nonce="${wanted}"`);
    }),
  ).start();
  await renewing.play(30);
  assert.equal(renewing.recorder.status().state, 'running', 'a new nonce is followed');
  await renewing.recorder.stop();

  const falling = await new Scene(
    usual(VIDEO, ({ method, headers }) => {
      if (method === 'SETUP') return challenge('Basic realm="r"');
      return headers.get('authorization')?.startsWith('Digest') ? null : challenge(digest);
    }),
  ).start();
  assert.equal(falling.recorder.status().cause, 'unauthorized');
  assert.ok(!falling.camera.requests.some(({ headers }) => headers.get('authorization')?.startsWith('Basic')));
  await falling.recorder.stop();
});

test('transports, sound and readers are changed where the camera asks for it', async () => {
  const udpOnly = await new Scene(usual(VIDEO, ({ method }) => (method === 'SETUP' ? { status: 461 } : null))).start();
  assert.equal(udpOnly.recorder.status().transport, 'udp');
  assert.equal(udpOnly.recorder.status().cause, 'unreachable', 'there are no ports in this test');
  await udpOnly.recorder.stop();

  const deaf = await new Scene(
    usual(VIDEO + AAC, ({ method, url }) => (method === 'SETUP' && url.endsWith('track2') ? { status: 500 } : null)),
  ).start();
  await deaf.play(30);
  assert.equal(deaf.recorder.status().state, 'running', 'sound that is refused costs no picture');
  await deaf.recorder.stop();

  for (const [sdp, options, audio] of [
    [VIDEO + PCMA, {}, 'transcode'],
    ['m=video 0 RTP/AVP 26\r\na=control:1\r\n', {}, 'copy'],
    [VIDEO.replace('a=control', 'a=fmtp:96 packetization-mode=2\r\na=control'), {}, 'copy'],
  ] as const) {
    const scene = await new Scene(usual(sdp), options).start();
    const status = scene.recorder.status();
    assert.deepEqual([status.reader, status.audio, scene.processes.children.length], ['ffmpeg', audio, 1], sdp);
    scene.processes.last.end({ code: 1, signal: null });
    await settle(scene.clock, 9_000);
    assert.equal(scene.recorder.status().reader, 'ffmpeg', 'and it stays there');
    await scene.recorder.stop();
  }
  const secure = { camera: parseCameraUrl('rtsps://[::1]:8322/x'), certificate: 'ab' };
  for (const options of [{ audio: 'copy' }, { reader: 'own' }, secure] as const) {
    const scene = await new Scene(usual(VIDEO + PCMA), options).start();
    await scene.play(30);
    assert.deepEqual([scene.recorder.status().state, scene.recorder.status().reader], ['running', 'own']);
    assert.equal(scene.processes.children.length, 0);
    await scene.recorder.stop();
  }
  const foreign = new Scene(usual(VIDEO), secure);
  foreign.camera.refusal = 'certificate';
  await foreign.start();
  assert.deepEqual(foreign.camera.dialled, ['tls ::1:8322']);
  assert.equal(foreign.recorder.status().cause, 'foreign');
  await foreign.recorder.stop();
  const open = await new Scene(usual(VIDEO), { certificate: 'ab', reader: 'ffmpeg' }).start();
  assert.deepEqual(
    [open.camera.dialled, open.recorder.status().cause],
    [[], 'foreign'],
    'no certificate, no connection',
  );
  assert.equal(open.processes.children.length, 0);
  await open.recorder.stop();
});

test('while the disk is slow the camera is held back, and nothing is lost', async () => {
  const scene = new Scene(usual(VIDEO));
  let release = () => {};
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  const store = scene.sink.fragment.bind(scene.sink);
  scene.sink.fragment = async (fragment) => {
    await gate;
    await store(fragment);
  };
  await scene.start();
  await scene.play(200);
  assert.ok(scene.camera.paused, 'nothing more is read');
  release();
  await settle(scene.clock, 40);
  for (let i = 0; i < 100; i++) await settle(scene.clock, 40);
  const stopped = scene.recorder.stop();
  await settle(scene.clock, 10);
  await stopped;
  assert.equal(
    scene.sink.fragments.reduce((sum, each) => sum + each.sampleCount, 0),
    200,
  );
});

test('whatever a camera sends, tries go on and nothing is thrown', async () => {
  const random = new SeededRandom(9);
  const rounds = process.env['SLOW'] ? 3_000 : 120;
  let recorded = 0;
  for (let round = 0; round < rounds; round++) {
    const scene = new Scene((request) => {
      const good = usual(VIDEO + AAC)(request);
      if (typeof good === 'string' || random.below(12) > 0) return good;
      const noisy = (text: string) => {
        const at = random.below(text.length + 1);
        return `${text.slice(0, at)}${String.fromCharCode(33 + random.below(90))}${text.slice(at + 1)}`;
      };
      const headers = Object.fromEntries(
        Object.entries(good.headers ?? {}).map(([name, value]) => [name, noisy(value)]),
      );
      return { status: random.below(4) ? good.status : 100 + random.below(500), headers, body: noisy(good.body ?? '') };
    });
    await scene.start();
    await scene.play(random.below(12));
    const noise = random.bytes(random.below(200));
    const kind = random.below(4);
    if (kind < 2) scene.camera.frame(random.below(5), noise);
    else if (kind === 2) scene.camera.send(noise);
    await scene.play(random.below(12));
    if (random.below(3) === 0) scene.camera.hangUp('reset');
    await settle(scene.clock, 100);
    const stopped = scene.recorder.stop();
    await settle(scene.clock, 600);
    await stopped;
    recorded += scene.sink.fragments.length;
    assert.ok(scene.sink.runs.every(({ end }) => end !== null));
  }
  assert.ok(recorded > rounds, `${recorded}`);
});
