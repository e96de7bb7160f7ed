import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromUtf8, utf8 } from '../../src/bytes/index.ts';
import { sourceRemoveCommand, sourceUpsertCommand } from '../../src/cli/source-commands.ts';
import { sourceShowCommand } from '../../src/cli/source-show-command.ts';
import { sourceTestCommand } from '../../src/cli/source-test-command.ts';
import type { NvrClient } from '../../src/client/index.ts';
import { NvrError } from '../../src/errors.ts';
import { fakeWorld } from './fake-world.ts';

const seen = {
  streams: [
    {
      stream: 'main',
      ok: true,
      codec: 'h264',
      size: { width: 640, height: 360 },
      fps: 25,
      audio: false,
      transport: 'tcp',
      ms: 410,
    },
  ],
  picture: 'main',
  advice: ['there is no sub stream: grids of many cameras are lighter with one'],
};
const unseen = {
  streams: [{ stream: 'main', ok: false, cause: 'unauthorized' }],
  advice: ['check user name and password'],
};

/** A node that answers what it is told to, and remembers what it was asked. */
function rig(answers: Record<string, unknown>) {
  const { world, terminal, files } = fakeWorld();
  files.poke('/home/me/pw', utf8('s3cret & more\n'));
  files.poke('/home/me/two', utf8('one\ntwo\n'));
  const asked: [string, unknown][] = [];
  const call = async (name: string, params: unknown) => {
    asked.push([name, params]);
    if (!(name in answers)) throw new NvrError('ERR_CAMERAS_NONE', 'missing', 'none');
    return answers[name];
  };
  const list = (name: string) =>
    async function* () {
      yield* answers[name] as unknown[];
    };
  const open = (method: string, params: unknown) => {
    const name = method.replace(/@.*/, '');
    asked.push([name, params]);
    const units = (async function* () {
      if ((answers[name] as typeof seen).picture)
        for (const part of ['init', 'picture']) yield { bytes: utf8(part), marks: {} };
    })();
    return { result: Promise.resolve(answers[name]), units, onEvent: () => {}, cancel: () => {} };
  };
  const client = { call, connection: { open }, sources: list('sources'), states: list('states') };
  const reach = <T>(work: (client: NvrClient) => Promise<T>) => work(client as unknown as NvrClient);
  return { world, terminal, files, asked, reach };
}

const done = { created: true, changed: true, restarted: true };

test('source add tries the camera first, says what it saw, and adds it with the password from its file', async () => {
  const { world, terminal, asked, reach } = rig({ 'sources.upsert': done, 'sources.test': seen });
  await sourceUpsertCommand(world, reach, 'new', 'gate', {
    url: 'rtsp://10.0.0.3/x',
    name: 'Gate',
    username: 'viewer',
    passwordFile: 'pw',
    onvif: true,
    record: 'event',
    recordSub: 'always',
    schedule: ['mon-fri 08:00-18:00'],
    on: ['motion', 'input'],
    before: '10s',
    keep: '14d',
    disable: true,
  });
  const place = { url: 'rtsp://10.0.0.3/x', username: 'viewer', password: 's3cret & more', onvif: true };
  assert.deepEqual(asked, [
    ['sources.test', place],
    [
      'sources.upsert',
      {
        source: 'gate',
        expect: 'new',
        ...place,
        name: 'Gate',
        record: { main: 'event', sub: 'always' },
        schedule: ['mon-fri 08:00-18:00'],
        on: ['motion', 'input'],
        before: '10s',
        keep: '14d',
        enabled: false,
      },
    ],
  ]);
  assert.equal(terminal.stdout, 'gate added\n');
  assert.match(terminal.stderr, /main {4}h264 640x360 25\/s, no sound, by tcp, after 410 ms/);
  assert.match(terminal.stderr, /no sub stream/);
});

test('a camera that shows nothing is not added, unless it is not tried', async () => {
  const bad = rig({ 'sources.upsert': done, 'sources.test': unseen });
  const options = { url: 'rtsp://10.0.0.3/x' };
  await assert.rejects(sourceUpsertCommand(bad.world, bad.reach, 'new', 'gate', options), { code: 'ERR_CLI_CAMERA' });
  assert.deepEqual(
    bad.asked.map(([name]) => name),
    ['sources.test'],
  );
  assert.match(bad.terminal.stderr, /check user name/);
  const blind = rig({ 'sources.upsert': done });
  await sourceUpsertCommand(blind.world, blind.reach, 'new', 'gate', { ...options, test: false });
  assert.deepEqual(
    blind.asked.map(([name]) => name),
    ['sources.upsert'],
  );
});

test('streams that nobody named are those the camera offers', async () => {
  const stream = { name: null, codec: 'h264', fps: null, audio: false };
  const streams = [
    { ...stream, width: 1920, height: 1080, url: 'rtsp://10.0.0.3/big' },
    { ...stream, width: 640, height: 360, url: 'rtsp://10.0.0.3/small' },
  ];
  const onvif = { ok: true, streams, abilities: ['events'] };
  const { world, asked, reach } = rig({ 'sources.upsert': done, 'sources.test': { ...seen, onvif } });
  const service = 'http://10.0.0.3/onvif/device_service';
  await sourceUpsertCommand(world, reach, 'new', 'gate', { onvif: service });
  assert.deepEqual(asked[1], [
    'sources.upsert',
    { source: 'gate', expect: 'new', onvif: service, url: 'rtsp://10.0.0.3/big', sub: 'rtsp://10.0.0.3/small' },
  ]);
});

test('a password is asked for without being shown, or comes by standard input', async () => {
  const asks = rig({ 'sources.upsert': done });
  asks.terminal.answer = 's3cret';
  await sourceUpsertCommand(asks.world, asks.reach, 'known', 'gate', { username: 'u' });
  assert.deepEqual(asks.asked[0]?.[1], { source: 'gate', expect: 'known', username: 'u', password: 's3cret' });
  assert.match(asks.terminal.stderr, /password of gate/);
  assert.doesNotMatch(asks.terminal.stderr + asks.terminal.stdout, /s3cret/);
  const pipe = rig({ 'sources.upsert': done });
  pipe.terminal.stdin = utf8('piped\r\n');
  await sourceUpsertCommand(pipe.world, pipe.reach, 'known', 'gate', { username: 'u', passwordFile: '-' });
  assert.deepEqual(pipe.asked[0]?.[1], { source: 'gate', expect: 'known', username: 'u', password: 'piped' });
  const nobody = rig({ 'sources.upsert': done });
  await sourceUpsertCommand(nobody.world, nobody.reach, 'known', 'gate', { username: 'u' });
  assert.deepEqual(nobody.asked[0]?.[1], { source: 'gate', expect: 'known', username: 'u' });
});

test('source change says what became of it', async () => {
  const cases: [object, string][] = [
    [{ created: false, changed: false, restarted: false }, 'gate was so already\n'],
    [{ created: false, changed: true, restarted: false }, 'gate changed\n'],
    [{ created: false, changed: true, restarted: true }, 'gate changed, its recording began anew\n'],
  ];
  for (const [result, text] of cases) {
    const { world, terminal, asked, reach } = rig({ 'sources.upsert': result });
    const options = { name: 'G', clear: ['keep', 'sub', 'onvif'], enable: true, find: false };
    await sourceUpsertCommand(world, reach, 'known', 'gate', options);
    assert.deepEqual(asked[0]?.[1], {
      source: 'gate',
      expect: 'known',
      name: 'G',
      find: false,
      keep: null,
      sub: null,
      onvif: null,
      enabled: true,
    });
    assert.equal(terminal.stdout, text);
  }
  const { world, terminal, reach } = rig({ 'sources.upsert': done });
  await sourceUpsertCommand(world, reach, 'known', 'gate', { name: 'G', json: true });
  assert.deepEqual(JSON.parse(terminal.stdout), { source: 'gate', ...done });
});

test('what the node would refuse is refused here in words, and no secret is taken from arguments', async () => {
  const cases: [string, object, RegExp][] = [
    ['gate', {}, /--url/],
    ['gate', { onvif: true }, /--url/],
    ['../x', { url: 'rtsp://10.0.0.3/x' }, /source: expected an id of the form \[a-z0-9\]\[a-z0-9_-\]\{0,62\}/],
    ['gate', { url: 'http://10.0.0.3/x' }, /camera url/],
    ['gate', { url: 'rtsp://u:s3cret@10.0.0.3/x' }, /--password-file/],
    ['gate', { url: 'rtsp://10.0.0.3/x', sub: 'rtsp://u:s3cret@10.0.0.3/x' }, /--password-file/],
    ['gate', { url: 'rtsp://10.0.0.3/x', passwordFile: 'two' }, /one line/],
    ['gate', { url: 'rtsp://10.0.0.3/x', transport: 'pigeon' }, /transport: expected one of/],
    ['gate', { url: 'rtsp://10.0.0.3/x', record: 'sometimes' }, /record: /],
    ['gate', { url: 'rtsp://10.0.0.3/x', on: ['rain'] }, /on.0: expected one of/],
    ['gate', { url: 'rtsp://10.0.0.3/x', keep: 'long' }, /keep: expected/],
    ['gate', { url: 'rtsp://10.0.0.3/x', enable: true, disable: true }, /not both/],
    ['gate', { url: 'rtsp://10.0.0.3/x', name: 'a', clear: ['name'] }, /not both/],
  ];
  for (const [source, options, message] of cases) {
    const { world, asked, reach } = rig({ 'sources.upsert': done, 'sources.test': seen });
    await assert.rejects(sourceUpsertCommand(world, reach, 'new', source, options), (error: Error) => {
      assert.match(error.message, message);
      assert.doesNotMatch(error.message, /s3cret/);
      return true;
    });
    assert.deepEqual(asked, []);
  }
});

test('source remove tells whether there was one', async () => {
  const gone = rig({ 'sources.remove': { removed: true } });
  await sourceRemoveCommand(gone.world, gone.reach, 'gate', {});
  assert.deepEqual(gone.asked, [['sources.remove', { source: 'gate' }]]);
  assert.match(gone.terminal.stdout, /^removed gate; /);
  const none = rig({ 'sources.remove': { removed: false } });
  await assert.rejects(sourceRemoveCommand(none.world, none.reach, 'gate', {}), { code: 'ERR_CLI_NOT_FOUND' });
});

test('source test shows what came, writes the picture, and stores nothing', async () => {
  const { world, terminal, files, asked, reach } = rig({ 'sources.test': seen });
  await sourceTestCommand(world, reach, 'gate', { picture: 'a.mp4' });
  assert.deepEqual(asked, [['sources.test', { source: 'gate' }]]);
  assert.match(terminal.stdout, /^main {4}h264/);
  assert.equal(fromUtf8(files.peek('/home/me/a.mp4')), 'initpicture');
  await assert.rejects(sourceTestCommand(world, reach, 'gate', { picture: 'a.mp4' }), { code: 'ERR_CLI_FILE_EXISTS' });
  await assert.rejects(sourceTestCommand(world, reach, undefined, {}), /a source, --url or --onvif/);
  const bad = rig({ 'sources.test': unseen });
  await assert.rejects(sourceTestCommand(bad.world, bad.reach, undefined, { url: 'rtsp://10.0.0.3/', json: true }), {
    code: 'ERR_CLI_CAMERA',
  });
  assert.deepEqual(JSON.parse(bad.terminal.stdout), unseen);
});

test('source show puts together what the node tells of one source', async () => {
  const source = {
    id: 'gate',
    name: 'Gate\u001b[2J',
    enabled: true,
    streams: [{ stream: 'main', tracks: [{ codec: 'avc1', width: 64, height: 36 }] }],
  };
  const state = { source: 'gate', stream: 'main', state: 'running', since: 0, restarts: 2 };
  const { world, terminal, reach } = rig({ sources: [source], states: [state] });
  await sourceShowCommand(world, reach, 'gate', {});
  assert.match(terminal.stdout, /^source {6}gate \(Gate\?\[2J\)$/m);
  assert.match(terminal.stdout, /avc1 64x36/);
  assert.match(terminal.stdout, /restarts: 2/);
  await assert.rejects(sourceShowCommand(world, reach, 'yard', {}), { code: 'ERR_CLI_NOT_FOUND' });
});
