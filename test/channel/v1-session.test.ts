import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fromHex } from '../../src/bytes/index.ts';
import { createChannelServer, type V1Deps, type V1Device } from '../../src/channel/index.ts';
import { segmentName } from '../../src/channel/v1/segment-name.ts';
import { writeSorted } from '../../src/channel/v1/strict-json.ts';
import { isNvrError, NvrError } from '../../src/errors.ts';
import { SeededRandom, silentLog } from '../../src/platform/index.ts';
import { type Call, type CallHandler, checkParams, type DeviceKey } from '../../src/protocol/index.ts';
import { createRig, until } from './rig.ts';
import {
  createOldRig,
  DEVICE,
  dialOld,
  helloOf,
  missingError,
  OldClient,
  type OldRig,
  plainChunk,
  START,
  type StoredOld,
  segmentsGet,
  storedSegment,
} from './v1-rig.ts';

const { session: vectors } = JSON.parse(readFileSync(join(import.meta.dirname, '../vectors/vectors-v1.json'), 'utf8'));
const REFUSAL = '{"error":"hello refused","ok":false}';
const OTHER = '1c8f977299fe960dc065806a605b12b34dc5b8a87c8bd81ed896d3541ff36c07' as DeviceKey;

/** A rig that is closed when the test ends. */
async function rigOf(
  t: TestContext,
  handle: CallHandler,
  wish: Parameters<typeof createOldRig>[1] = {},
): Promise<OldRig> {
  const rig = await createOldRig(handle, wish);
  t.after(() => rig.close());
  return rig;
}

/** Answers each method by its entry and remembers what was called. */
function handlerOf(answers: Record<string, (call: Call) => unknown>): { handle: CallHandler; calls: Call[] } {
  const calls: Call[] = [];
  return {
    calls,
    async handle(call) {
      calls.push(call);
      const answer = answers[call.method];
      if (!answer) throw new NvrError('ERR_COMMANDS_UNKNOWN', 'missing', 'no such command');
      return answer(call);
    },
  };
}

const noSources = { 'sources.list@1': () => ({ sources: [] }) };

/** Sends a first frame and gives all that came until the node closed. */
async function refusedWith(rig: OldRig, frame: string | Uint8Array): Promise<string[]> {
  const line = await dialOld(rig);
  line.socket.send(frame);
  await until(() => line.closed(), 'the node closed');
  return line.inbox;
}

test('without its settings the old session is not there', async () => {
  const rig = await createRig(async () => null);
  const line = await dialOld(rig as unknown as OldRig);
  assert.ok(line.closed());
  assert.equal(rig.server.status().v1, undefined);
  await rig.close();
});

test('an old client is answered by the same commands, as a claimed device in its role', async (t) => {
  const { handle, calls } = handlerOf({
    'sources.list@1': ({ params }) =>
      (params as { cursor?: string }).cursor === 'more'
        ? { sources: [{ id: 'cam-b' }] }
        : { sources: [{ id: 'cam-front' }], cursor: 'more' },
    'sources.states@1': () => ({
      states: [
        {
          source: 'yard',
          stream: 'main',
          state: 'backoff',
          since: START - 9,
          restarts: 3,
          retryAt: START + 1500,
          cause: 'unreachable',
        },
        { source: 'front', stream: 'main', state: 'stalled', since: START - 5, restarts: 0 },
        { source: 'front', stream: 'sub', state: 'running', since: START - 5, restarts: 0 },
        { source: 'attic', stream: 'main', state: 'disabled', since: START - 7, restarts: 0 },
      ],
    }),
    'cameras.discover@1': () => ({
      cameras: [
        { device: 'urn:a', urls: ['http://10.0.0.9/onvif'], from: ['10.0.0.9:3702'], interfaces: ['eth0'], extra: 1 },
        {
          device: 'urn:b',
          urls: ['http://10.0.0.8/onvif', 'https://[fd00::8]/onvif', 'http://cam.local/'],
          from: ['[fd00::8]:3702', '10.0.0.8:3702'],
          interfaces: [],
        },
      ],
    }),
    'sources.remove@1': () => ({ removed: true }),
  });
  const rig = await rigOf(t, handle);
  const client = await OldClient.connect(rig);
  assert.equal(
    await client.ask({ cmd: 'list_sources' }),
    '{"cmd":"list_sources","ok":true,"sources":["cam-b","cam-front"]}',
  );
  assert.deepEqual(calls[0]!.caller, {
    device: DEVICE,
    role: 'viewer',
    sessionId: client.sessionId.replaceAll('-', ''),
    via: 'v1',
    address: '127.0.0.1',
  });
  const state = (sourceId: string, name: string, rest: object) => ({
    backoffSecs: 0,
    lastError: '',
    restartAttempt: 0,
    sourceId,
    state: name,
    ...rest,
  });
  assert.equal(
    await client.ask({ cmd: 'list_source_states' }),
    writeSorted({
      cmd: 'list_source_states',
      ok: true,
      states: [
        state('attic', 'stopped', { updatedAt: START - 7 }),
        state('front', 'backoff', { updatedAt: START - 5 }),
        state('yard', 'backoff', { updatedAt: START - 9, restartAttempt: 3, backoffSecs: 2, lastError: 'unreachable' }),
      ],
    }),
  );
  assert.equal(
    await client.ask({ cmd: 'discover_onvif' }),
    JSON.stringify({
      cameras: [
        { endpoint: 'http://10.0.0.9/onvif', from: '10.0.0.9:3702' },
        { endpoint: 'http://10.0.0.8/onvif', from: '10.0.0.8:3702' },
        { endpoint: 'https://[fd00::8]/onvif', from: '[fd00::8]:3702' },
        { endpoint: 'http://cam.local/', from: '[fd00::8]:3702' },
      ],
      cmd: 'discover_onvif',
      ok: true,
    }),
  );
  assert.equal(
    await client.ask({ cmd: 'remove_source', sourceId: 'front' }),
    '{"cmd":"remove_source","ok":true,"removed":true,"sourceId":"front"}',
  );
  assert.equal(
    await client.ask({ cmd: 'probe_reolink', ip: '10.0.0.1' }),
    '{"error":"command not supported","ok":false}',
  );
});

test('a camera that is put comes back without any password, also one that stood in its address', async (t) => {
  const { handle, calls } = handlerOf({ 'sources.upsert@1': () => ({}) });
  const rig = await rigOf(t, handle, { v1: { devices: () => [{ device: DEVICE, role: 'admin' }] } });
  const client = await OldClient.connect(rig);
  const source = {
    sourceId: 'front',
    name: 'Front',
    onvifHost: '10.0.0.5',
    rtspUrl: 'rtsp://eva:geh%20heim@10.0.0.5/live',
  };
  const told = await client.ask({ cmd: 'upsert_source', source });
  assert.deepEqual(calls[0]!.params, {
    source: 'front',
    name: 'Front',
    enabled: true,
    url: 'rtsp://10.0.0.5/live',
    username: 'eva',
    password: 'geh heim',
  });
  assert.ok('params' in checkParams('sources.upsert', calls[0]!.params));
  assert.equal(calls[0]!.caller.role, 'admin');
  assert.doesNotMatch(told, /geh|heim/);
  assert.equal(
    told,
    '{"cmd":"upsert_source","ok":true,"source":{"enabled":true,"name":"Front","onvif_host":"10.0.0.5","onvif_port":80,"password":"","rtsp_url":"rtsp://10.0.0.5/live","segment_secs":10,"source_id":"front","username":"eva"}}',
  );
  for (const [rtspUrl, error] of [
    ['', 'rtsp_url is required'],
    ['file:///etc/passwd', 'invalid request'],
    ['concat:a|b', 'invalid request'],
    ['http://10.0.0.5/', 'invalid request'],
  ]) {
    const reply = await client.ask({ cmd: 'upsert_source', source: { ...source, rtspUrl } });
    assert.equal(reply, `{"error":"${error}","ok":false}`);
  }
  assert.equal(calls.length, 1);
  await client.ask({ cmd: 'upsert_source', source: { ...source, rtspUrl: 'rtsp://10.0.0.5/live', name: '' } });
  assert.deepEqual(calls[1]!.params, { source: 'front', enabled: true, url: 'rtsp://10.0.0.5/live' });
});

test('segments are listed newest first under names of ours, as many as asked for and no more than we may', async (t) => {
  const fact = (seq: number) => ({
    id: seq.toString(16).padStart(32, '0'),
    seq,
    startAt: START,
    endAt: START + 999,
    size: 1000 + seq,
  });
  const { handle, calls } = handlerOf({
    'segments.list@1': ({ params }) => {
      const { source, limit, cursor = '0' } = params as { source: string; limit: number; cursor?: string };
      if (source !== 'front') throw missingError();
      const first = Number(cursor);
      return { segments: Array.from({ length: limit }, (_, i) => fact(first + i)), cursor: String(first + limit) };
    },
  });
  const rig = await rigOf(t, handle);
  const client = await OldClient.connect(rig);
  assert.equal(
    await client.ask({ cmd: 'list_segments', sourceId: 'front', limit: 1 }),
    `{"cmd":"list_segments","ok":true,"segments":[{"bytes":1000,"modified_unix":${START / 1000},"name":"${segmentName(fact(0))}"}],"sourceId":"front"}`,
  );
  const many = JSON.parse(await client.ask({ cmd: 'list_segments', sourceId: 'front', limit: 1_000_000_000 }));
  assert.equal(many.segments.length, 500);
  assert.equal(new Set(many.segments.map((each: { name: string }) => each.name)).size, 500);
  assert.deepEqual(
    calls.map(({ params }) => (params as { limit: number }).limit),
    [1, 150, 150, 150, 50],
  );
  const empty = JSON.parse(await client.ask({ cmd: 'list_segments', sourceId: 'nobody' }));
  assert.deepEqual(empty.segments, []);
});

/** Asks for a segment and gives what came: the exact size told, the sizes of the pieces, all bytes. */
async function fetched(client: OldClient, { facts }: StoredOld) {
  const name = segmentName(facts);
  client.command({ cmd: 'get_segment', sourceId: facts.source, name });
  const start = await client.next();
  const { bytes } = JSON.parse(start);
  assert.equal(
    start,
    `{"bytes":${bytes},"cmd":"segment_start","name":"${name}","ok":true,"sourceId":"${facts.source}"}`,
  );
  const parts: Buffer[] = [];
  for (;;) {
    const text = await client.next();
    const reply = JSON.parse(text);
    if (reply.cmd === 'segment_end') {
      assert.equal(text, `{"cmd":"segment_end","name":"${name}","ok":true}`);
      return { bytes, pieces: parts.map((each) => each.length), plain: Buffer.concat(parts) };
    }
    assert.deepEqual(Object.keys(reply), ['cmd', 'data', 'ok', 'seq']);
    assert.equal(reply.seq, parts.length);
    parts.push(Buffer.from(reply.data, 'base64'));
  }
}

function plainOf(size: number): Buffer {
  const whole = Math.floor(size / 16_384);
  const chunks = Array.from({ length: whole + 1 }, (_, i) => plainChunk(i, i < whole ? 16_384 : size % 16_384));
  return Buffer.concat(chunks);
}

test('a segment arrives opened, in the pieces of the vectors, however its stored bytes are cut', async (t) => {
  for (const unitSize of [undefined, 262_144, 16_401, 777]) {
    const random = new SeededRandom(3);
    const stored = vectors.chunking.map(({ bytes }: { bytes: number }) => storedSegment(random, { plainSize: bytes }));
    const rig = await rigOf(t, segmentsGet(stored, unitSize === undefined ? {} : { unitSize }));
    const client = await OldClient.connect(rig);
    for (const [i, { bytes, chunks }] of vectors.chunking.entries()) {
      const got = await fetched(client, stored[i]);
      assert.equal(got.bytes, bytes);
      assert.deepEqual(got.pieces, chunks);
      assert.deepEqual(got.plain, plainOf(bytes));
    }
  }
});

test('of a segment torn by a crash, what opens is told exactly and sent', async (t) => {
  const random = new SeededRandom(4);
  const torn = storedSegment(random, { plainSize: 50_000, state: 'recovered', torn: 100 });
  const whole = storedSegment(random, { plainSize: 50_000, state: 'recovered' });
  const rig = await rigOf(t, segmentsGet([torn, whole]));
  const client = await OldClient.connect(rig);
  const got = await fetched(client, torn);
  assert.equal(got.bytes, 49_152);
  assert.deepEqual(got.plain, plainOf(50_000).subarray(0, 49_152));
  assert.deepEqual((await fetched(client, whole)).plain, plainOf(50_000));
});

test('what is damaged, sealed, of another stream or under another name is refused and nothing of it sent', async (t) => {
  const random = new SeededRandom(5);
  const fine = storedSegment(random, { plainSize: 20_000 });
  const sub = storedSegment(random, { plainSize: 20_000, stream: 'sub' });
  const sealed = storedSegment(random, { plainSize: 20_000 });
  delete sealed.facts.fileKey;
  const swapped = storedSegment(random, { plainSize: 20_000 });
  swapped.facts.seq = 8;
  const cut = storedSegment(random, { plainSize: 20_000, torn: 100 });
  const rig = await rigOf(t, segmentsGet([fine, sub, sealed, swapped, cut]));
  const client = await OldClient.connect(rig);
  const get = (sourceId: string, name: string) => client.ask({ cmd: 'get_segment', sourceId, name });
  const error = (text: string) => `{"error":"${text}","ok":false}`;
  assert.equal(await get('yard', segmentName(fine.facts)), error('not found'));
  assert.equal(await get('front', segmentName({ ...fine.facts, seq: 9 })), error('not found'));
  assert.equal(await get('front', segmentName({ ...fine.facts, id: 'ab'.repeat(16) })), error('not found'));
  assert.equal(await get('front', segmentName(sub.facts)), error('not found'));
  assert.equal(
    await get('front', segmentName(sealed.facts)),
    error('upgrade: this camera is read by version 2 clients only'),
  );
  assert.equal(await get('front', segmentName(swapped.facts)), error('command failed'));
  // A final segment that is too short is found out on the way: the error takes the place of the rest.
  assert.match(await get('front', segmentName(cut.facts)), /segment_start/);
  assert.equal(await client.next(), error('command failed'));
  assert.equal((await fetched(client, fine)).plain.length, 20_000);
});

test('hostile commands of the vectors reach no command at all', async (t) => {
  const { handle, calls } = handlerOf({});
  const rig = await rigOf(t, handle, { v1: { devices: () => [{ device: DEVICE, role: 'admin' }] } });
  const client = await OldClient.connect(rig);
  for (const { name, command } of vectors.hostileCommands) {
    assert.match(await client.ask(command), /^\{"error":"[a-z ]+","ok":false\}$/, name);
  }
  for (const sourceId of ['..', '/etc', 'a/b', 'café-東', 'A', 'a\u0000']) {
    assert.match(await client.ask({ cmd: 'list_segments', sourceId }), /"ok":false/);
    assert.match(await client.ask({ cmd: 'remove_source', sourceId }), /"ok":false/);
  }
  assert.equal(calls.length, 0);
});

test('errors of commands are told as fixed texts, without cause or path', async (t) => {
  const errors = [
    [new NvrError('ERR_COMMANDS_DENIED', 'denied', 'secret words'), 'not allowed'],
    [new NvrError('ERR_VAULT_READ', 'unavailable', 'read /var/lib/x failed'), 'not available now'],
    [new NvrError('ERR_COMMANDS_SOURCE', 'missing', 'secret words'), 'not found'],
    [new Error('ENOENT /var/lib/x'), 'command failed'],
  ] as const;
  let at = 0;
  const rig = await rigOf(t, async () => {
    throw errors[at++]![0];
  });
  const client = await OldClient.connect(rig);
  for (const [, text] of errors) {
    assert.equal(await client.ask({ cmd: 'list_sources' }), `{"error":"${text}","ok":false}`);
  }
});

test('the broken frames of the vectors are answered as in version 1, and the session goes on', async (t) => {
  const { handle } = handlerOf(noSources);
  const rig = await rigOf(t, handle);
  const client = await OldClient.connect(rig);
  for (const { frame, error, name } of vectors.cipherErrors) {
    client.socket.send(frame);
    // Sealed frames of the vectors are under their own key: they do not open here, whatever is in them.
    const told = error === 'invalid command payload' ? 'decrypt failed' : error;
    assert.equal(await client.next(), `{"error":"${told}","ok":false}`, name);
  }
  client.socket.send(client.seal('nonsense'));
  assert.equal(await client.next(), '{"error":"invalid command payload","ok":false}');
  client.socket.send(Buffer.from('binary is ignored'));
  client.socket.ping();
  assert.match(await client.ask({ cmd: 'list_sources' }), /"sources":\[\]/);
});

test('every refusal before the session sounds the same', async (t) => {
  const { handle } = handlerOf(noSources);
  const rig = await rigOf(t, handle, { v1: { isPaired: (device) => device === OTHER, devices: () => 'any' } });
  const zeroKey = new Uint8Array(32);
  const lowOrder = fromHex('e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800')!;
  const frames: Record<string, string | Uint8Array> = {
    'not JSON': 'hello?',
    empty: '',
    binary: Buffer.from(helloOf(rig).frame),
    type: helloOf(rig).frame.replace('"hello"', '"helo"'),
    identity: helloOf(rig, { identityId: 'id-somebodyElse0123' }).frame,
    'a paired device': helloOf(rig, { device: OTHER }).frame,
    'a device key in upper case': helloOf(rig, { device: DEVICE.toUpperCase() }).frame,
    "the node's own key": helloOf(rig, { device: rig.nodeId }).frame,
    'too old': helloOf(rig, { tsOff: -301 }).frame,
    'too young': helloOf(rig, { tsOff: 301 }).frame,
    secret: helloOf(rig, { secret: new Uint8Array(32).fill(7) }).frame,
    unsigned: helloOf(rig).frame.replace(/"proof":"[0-9a-f]+"/, '"proof":""'),
    'a key of 31 bytes': helloOf(rig, { clientKey: new Uint8Array(31) }).frame,
    'an all-zero key': helloOf(rig, { clientKey: zeroKey }).frame,
    'a point of low order': helloOf(rig, { clientKey: lowOrder }).frame,
  };
  for (const [name, frame] of Object.entries(frames)) assert.deepEqual(await refusedWith(rig, frame), [REFUSAL], name);
  assert.equal(rig.server.status().v1?.refused, Object.keys(frames).length);
  assert.equal(rig.server.status().v1?.accepted, 0);
  // Whoever knew the secret is in the audit log; strangers are only counted.
  assert.deepEqual(
    rig.audited.map(({ event, detail }) => `${event} ${detail}`),
    [
      'connect-refused session v1: identity',
      ...Array(3).fill('connect-refused session v1: device'),
      ...Array(2).fill('connect-refused session v1: time'),
      'connect-refused session v1: key',
      ...Array(2).fill('connect-refused session v1: shared key'),
    ],
  );
});

test('a device key that ever spoke version 2 is refused for ever, and a session it has ends within a second', async (t) => {
  const { handle } = handlerOf(noSources);
  const paired = new Set<DeviceKey>();
  const rig = await rigOf(t, handle, { v1: { isPaired: (device) => paired.has(device) } });
  const client = await OldClient.connect(rig);
  await client.ask({ cmd: 'list_sources' });
  paired.add(DEVICE);
  await rig.clock.advance(1_000);
  await client.ended();
  assert.deepEqual(await refusedWith(rig, helloOf(rig).frame), [REFUSAL]);
});

test('a device that leaves the list, or has another role there, loses its session within a second, and what it runs', async (t) => {
  for (const after of [[], [{ device: DEVICE, role: 'admin' }]] as V1Device[][]) {
    let devices: V1Device[] = [{ device: DEVICE, role: 'viewer' }];
    let aborted = false;
    const { handle } = handlerOf({
      'sources.list@1': ({ signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => {
            aborted = true;
            reject(signal.reason);
          });
        }),
    });
    const rig = await rigOf(t, handle, { v1: { devices: () => devices } });
    const client = await OldClient.connect(rig);
    client.command({ cmd: 'list_sources' });
    await until(() => rig.server.status().v1?.open === 1, 'it began');
    devices = after;
    await rig.clock.advance(1_000);
    await client.ended();
    await until(() => aborted, 'the command was aborted');
  }
});

test('closeDevice ends the sessions that claim the device', async (t) => {
  const { handle } = handlerOf(noSources);
  const rig = await rigOf(t, handle, { v1: { devices: () => 'any' } });
  const [one, other] = [await OldClient.connect(rig), await OldClient.connect(rig, { device: OTHER })];
  await one.ask({ cmd: 'list_sources' });
  await other.ask({ cmd: 'list_sources' });
  assert.deepEqual(rig.server.status().v1?.devices, [DEVICE, OTHER]);
  rig.server.closeDevice(DEVICE);
  await one.ended();
  assert.match(await other.ask({ cmd: 'list_sources' }), /"ok":true/);
});

test('a hello is taken once, and a replayed one opens nothing', async (t) => {
  const { handle } = handlerOf(noSources);
  const rig = await rigOf(t, handle);
  const { frame } = helloOf(rig);
  const line = await dialOld(rig);
  line.socket.send(frame);
  await until(() => line.inbox.length === 1, 'the hello was answered');
  assert.match(line.inbox[0]!, /^\{"type":"hello_ack"/);
  assert.deepEqual(await refusedWith(rig, frame), [REFUSAL]);
  assert.deepEqual(
    await refusedWith(
      rig,
      frame.replace(/"proof":"([0-9a-f]+)"/, (all) => all.toUpperCase().replace('PROOF', 'proof')),
    ),
    [REFUSAL],
  );
  // Whoever sent it first, but cannot seal a frame, holds its place for 15 s only and was never there.
  assert.equal(rig.server.status().v1?.accepted, 0);
  assert.equal(rig.server.status().pending, 1);
  await rig.clock.advance(16_000);
  await until(() => line.closed(), 'the node closed');
  assert.deepEqual(
    rig.audited.map(({ detail }) => detail),
    Array(2).fill('session v1: replay'),
  );
});

test('a frame of ours that is sent back, and a frame sent twice, do nothing', async (t) => {
  const { handle, calls } = handlerOf(noSources);
  const rig = await rigOf(t, handle);
  const client = await OldClient.connect(rig);
  const frame = client.seal('{"cmd":"list_sources"}');
  client.socket.send(frame);
  await until(() => client.line.inbox.length === 2, 'the reply came');
  // The reply names `cmd` too: opened, it would be taken for the command.
  const reply = client.line.inbox[1]!;
  assert.match(await client.next(), /"ok":true/);
  for (const again of [reply, frame]) {
    client.socket.send(again);
    assert.equal(await client.next(), '{"error":"decrypt failed","ok":false}');
  }
  assert.equal(calls.length, 1);
});

test('a session whose nonces are used up ends', async (t) => {
  const { handle } = handlerOf(noSources);
  const rig = await rigOf(t, handle, { v1Limits: { noncesMax: 3 } });
  const client = await OldClient.connect(rig);
  for (let i = 0; i < 3; i++) await client.ask({ cmd: 'list_sources' });
  await client.ended();
});

test('a ping before the hello is answered and does no harm', async (t) => {
  const { handle } = handlerOf(noSources);
  const rig = await rigOf(t, handle);
  const line = await dialOld(rig);
  let ponged = false;
  line.socket.on('pong', () => {
    ponged = true;
  });
  line.socket.ping();
  await until(() => ponged, 'the pong came');
  line.socket.send(helloOf(rig).frame);
  await until(() => line.inbox.length === 1, 'the hello was answered');
  assert.match(line.inbox[0]!, /hello_ack/);
});

test('silence ends: 5 s without a hello, two minutes without a command, a day in all', async (t) => {
  const { handle } = handlerOf(noSources);
  const rig = await rigOf(t, handle);
  const silent = await dialOld(rig);
  await rig.clock.advance(5_000);
  await until(() => silent.closed(), 'the silent one was closed');
  const client = await OldClient.connect(rig);
  await client.ask({ cmd: 'list_sources' });
  await rig.clock.advance(119_000);
  await client.ask({ cmd: 'list_sources' });
  assert.ok(!client.line.closed());
  await rig.clock.advance(121_000);
  await client.ended();
});

test('a client that asks too fast waits, and one that asks far too much at once is cut off', async (t) => {
  const { handle, calls } = handlerOf(noSources);
  const rig = await rigOf(t, handle, { v1Limits: { framesPerSecond: 1, framesBurst: 3, waitingMax: 20 } });
  const client = await OldClient.connect(rig);
  for (let i = 0; i < 5; i++) client.command({ cmd: 'list_sources' });
  for (let i = 0; i < 3; i++) await client.next();
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(calls.length, 3);
  await rig.clock.advance(1_000);
  await client.next();
  assert.equal(calls.length, 4);
  await rig.clock.advance(1_000);
  await client.next();

  // In one TCP write they are all here before anything can hold them back.
  const { _socket: tcp } = client.socket as unknown as { _socket: Socket };
  tcp.cork();
  for (let i = 0; i < 60; i++) client.command({ cmd: 'list_sources' });
  tcp.uncork();
  await client.ended();
  assert.ok(calls.length <= 6);
});

test('a message above 64 KiB ends the session', async (t) => {
  const { handle } = handlerOf(noSources);
  const rig = await rigOf(t, handle);
  const client = await OldClient.connect(rig);
  client.socket.send('x'.repeat(64 * 1024 + 1));
  await client.ended();
});

test('frames that never open end the session after a while', async (t) => {
  const { handle } = handlerOf(noSources);
  const rig = await rigOf(t, handle, { v1Limits: { framesBurst: 200 } });
  const client = await OldClient.connect(rig);
  await client.ask({ cmd: 'list_sources' });
  for (let i = 0; i < 63; i++) {
    client.socket.send('junk');
    await client.next();
  }
  assert.match(await client.ask({ cmd: 'list_sources' }), /"ok":true/, 'a genuine frame begins the count anew');
  for (let i = 0; i < 64; i++) client.socket.send('junk');
  await client.ended();
});

test('a discovery that does not end is given up, and the commands behind it go on', async (t) => {
  const { handle } = handlerOf({ ...noSources, 'cameras.discover@1': () => new Promise(() => {}) });
  const rig = await rigOf(t, handle);
  const client = await OldClient.connect(rig);
  client.command({ cmd: 'discover_onvif' });
  client.command({ cmd: 'list_sources' });
  await until(() => rig.server.status().v1?.open === 1, 'it began');
  await rig.clock.advance(10_000);
  assert.equal(await client.next(), '{"error":"not available now","ok":false}');
  assert.match(await client.next(), /"ok":true/);
});

test('sessions are few: in all and from one source', async (t) => {
  const { handle } = handlerOf(noSources);
  const rig = await rigOf(t, handle);
  for (let i = 0; i < 4; i++) await (await OldClient.connect(rig)).ask({ cmd: 'list_sources' });
  assert.deepEqual(await refusedWith(rig, helloOf(rig).frame), [REFUSAL]);
  assert.equal(rig.server.status().v1?.open, 4);
});

test('wrong origins, subprotocols, paths and places are closed without a word', async (t) => {
  const { handle } = handlerOf(noSources);
  const rig = await rigOf(t, handle, { origins: ['https://app.example'] });
  assert.ok((await dialOld(rig, { origin: 'https://evil.example' })).closed());
  assert.ok((await dialOld(rig, { protocol: 'constitute.session.v2' })).closed());
  assert.ok((await dialOld(rig, { path: '/session/' })).closed());
  assert.ok((await dialOld(rig, { path: '/session?x=1' })).closed());
  assert.ok(!(await dialOld(rig, { origin: 'https://app.example' })).closed());
});

test('strangers of both versions are counted by the same gate, until they prove themselves', async (t) => {
  const { handle } = handlerOf(noSources);
  const rig = await rigOf(t, handle, { limits: { pendingPerSourceMax: 2 } });
  const newer = { path: '/session/v2', protocol: 'constitute.session.v2' };
  const client = await OldClient.connect(rig);
  const silent = await dialOld(rig);
  assert.equal(rig.server.status().pending, 2);
  assert.ok((await dialOld(rig)).closed());
  assert.ok((await dialOld(rig, newer)).closed());
  await client.ask({ cmd: 'list_sources' });
  assert.equal(rig.server.status().pending, 1, 'a hello alone proves nothing, a genuine frame does');
  assert.ok(!(await dialOld(rig, newer)).closed());
  assert.ok((await dialOld(rig)).closed());
  silent.socket.close();
  await until(() => rig.server.status().pending === 1, 'the silent one is gone');
});

/** Settings by which the old session may be opened. */
function settings(wish: Partial<V1Deps> = {}): V1Deps {
  const random = new SeededRandom(99);
  return {
    identityId: 'id-b64urlExample012',
    identitySecret: random.bytes(32),
    serverSecret: random.bytes(32),
    devices: () => [],
    isPaired: () => false,
    allowFrom: 'loopback',
    audit: { note() {} },
    ...wish,
  };
}

test('it says loudly that it is open, in the log and in status', async (t) => {
  const { handle } = handlerOf(noSources);
  const rig = await rigOf(t, handle);
  assert.equal(rig.warnings.length, 1);
  assert.match(rig.warnings[0]!.text, /old session/);
  assert.equal(rig.server.status().v1?.warning, rig.warnings[0]!.text);
});

test('settings that everybody knows, or that prove nothing, are refused', async (t) => {
  const rig = await createRig(async () => null);
  t.after(() => rig.close());
  const secret = new SeededRandom(1).bytes(32);
  const refused: Partial<V1Deps>[] = [
    { identityId: '' },
    { identityId: 'a|b' },
    { identityId: 'REPLACE_WITH_IDENTITY_ID' },
    { identitySecret: new Uint8Array(32) },
    { identitySecret: new Uint8Array(31).fill(1) },
    { serverSecret: new Uint8Array(0) },
    { identitySecret: secret, serverSecret: secret },
  ];
  for (const wish of refused) {
    assert.throws(
      () => createChannelServer({ ...rig.deps, log: silentLog, v1: settings(wish) }, { origins: [] }),
      (error) => isNvrError(error, 'invalid') && error.code === 'ERR_CHANNEL_V1_SETTINGS',
      JSON.stringify(wish),
    );
  }
});

test('a large segment goes out with bounded memory, and a reader that stops ends its session', async (t) => {
  const plainSize = 48 * 1024 * 1024;
  const stored = storedSegment(new SeededRandom(6), { plainSize });
  let given = 0;
  let queued = 0;
  let unsent = 0;
  const onUnit = (bytes: number) => {
    given += bytes;
    queued = Math.max(queued, rig.sockets[0]!.writableLength);
    // A whole piece of 49,152 bytes leaves as about 87,560.
    unsent = Math.max(unsent, given - (rig.server.status().bytesOut * 49_152) / 87_560);
  };
  const rig = await rigOf(t, segmentsGet([stored], { onUnit }));
  const client = await OldClient.connect(rig);
  client.command({ cmd: 'get_segment', sourceId: 'front', name: segmentName(stored.facts) });
  assert.equal(JSON.parse(await client.next()).bytes, plainSize);
  let taken = 0;
  for (;;) {
    const reply = JSON.parse(await client.next());
    if (reply.cmd === 'segment_end') break;
    const piece = Buffer.from(reply.data, 'base64');
    // Its first chunk names itself: nothing is lost, doubled or out of order.
    assert.equal(piece.readUInt32BE(0), taken / 16_384);
    taken += piece.length;
  }
  assert.equal(taken, plainSize);
  // What the node held: a piece that fills up, and what waited in the socket.
  assert.ok(unsent < 256 * 1024, `${unsent} bytes read and not sent`);
  assert.ok(queued < 512 * 1024, `${queued} bytes in the socket`);

  given = 0;
  client.socket.pause();
  client.command({ cmd: 'get_segment', sourceId: 'front', name: segmentName(stored.facts) });
  let before = -1;
  for (let quiet = 0; quiet < 50; quiet = given === before ? quiet + 1 : 0) {
    before = given;
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.ok(given > 0 && given < plainSize / 2, `${given} bytes read for a reader that takes nothing`);
  await rig.clock.advance(32_000);
  await until(() => rig.server.status().v1?.open === 0, 'the stalled session ended');
  client.socket.resume();
  await client.ended();
});
