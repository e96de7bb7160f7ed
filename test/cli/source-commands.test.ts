import assert from 'node:assert/strict';
import { test } from 'node:test';
import { utf8 } from '../../src/bytes/index.ts';
import { cameraDiscoverCommand, cameraPutCommand, cameraRemoveCommand } from '../../src/cli/source-commands.ts';
import type { NvrClient } from '../../src/client/index.ts';
import { fakeWorld } from './fake-world.ts';

/** A node that answers what it is told to, and remembers what it was asked. */
function rig(answer: unknown) {
  const { world, terminal, files } = fakeWorld();
  files.poke('/home/me/pw', utf8('s3cret & more\n'));
  files.poke('/home/me/two', utf8('one\ntwo\n'));
  const asked: [string, unknown][] = [];
  const call = async (name: string, params: unknown) => {
    asked.push([name, params]);
    return answer;
  };
  const reach = <T>(work: (client: NvrClient) => Promise<T>) => work({ call } as unknown as NvrClient);
  return { world, terminal, asked, reach };
}

const done = { created: true, changed: true, restarted: true };

test('camera add asks for what it was told, with the password from its file', async () => {
  const { world, terminal, asked, reach } = rig(done);
  await cameraPutCommand(world, reach, 'new', 'gate', {
    url: 'rtsp://10.0.0.3/x',
    name: 'Gate',
    username: 'viewer',
    passwordFile: 'pw',
    keep: '14d',
    disable: true,
  });
  assert.deepEqual(asked, [
    [
      'sources.put',
      {
        source: 'gate',
        expect: 'new',
        name: 'Gate',
        url: 'rtsp://10.0.0.3/x',
        username: 'viewer',
        password: 's3cret & more',
        keep: '14d',
        enabled: false,
      },
    ],
  ]);
  assert.equal(terminal.stdout, 'gate added\n');
});

test('camera change says what became of it', async () => {
  const cases: [object, string][] = [
    [{ created: false, changed: false, restarted: false }, 'gate was so already\n'],
    [{ created: false, changed: true, restarted: false }, 'gate changed\n'],
    [{ created: false, changed: true, restarted: true }, 'gate changed, its recording began anew\n'],
  ];
  for (const [result, text] of cases) {
    const { world, terminal, asked, reach } = rig(result);
    await cameraPutCommand(world, reach, 'known', 'gate', { name: 'G', clear: ['keep', 'sub'], enable: true });
    assert.deepEqual(asked[0]?.[1], {
      source: 'gate',
      expect: 'known',
      name: 'G',
      keep: null,
      sub: null,
      enabled: true,
    });
    assert.equal(terminal.stdout, text);
  }
  const { world, terminal, reach } = rig(done);
  await cameraPutCommand(world, reach, 'known', 'gate', { name: 'G', json: true });
  assert.deepEqual(JSON.parse(terminal.stdout), { source: 'gate', ...done });
});

test('what the node would refuse is refused here in words, and no secret is taken from arguments', async () => {
  const cases: [string, object, RegExp][] = [
    ['gate', {}, /--url/],
    ['../x', { url: 'rtsp://10.0.0.3/x' }, /source: expected another form/],
    ['gate', { url: 'http://10.0.0.3/x' }, /camera url/],
    ['gate', { url: 'rtsp://u:s3cret@10.0.0.3/x' }, /--password-file/],
    ['gate', { url: 'rtsp://10.0.0.3/x', sub: 'rtsp://u:s3cret@10.0.0.3/x' }, /--password-file/],
    ['gate', { url: 'rtsp://10.0.0.3/x', passwordFile: 'two' }, /one line/],
    ['gate', { url: 'rtsp://10.0.0.3/x', transport: 'pigeon' }, /transport: expected one of/],
    ['gate', { url: 'rtsp://10.0.0.3/x', keep: 'long' }, /keep: expected/],
    ['gate', { url: 'rtsp://10.0.0.3/x', enable: true, disable: true }, /not both/],
    ['gate', { url: 'rtsp://10.0.0.3/x', name: 'a', clear: ['name'] }, /not both/],
  ];
  for (const [source, options, message] of cases) {
    const { world, asked, reach } = rig(done);
    await assert.rejects(cameraPutCommand(world, reach, 'new', source, options), (error: Error) => {
      assert.match(error.message, message);
      assert.doesNotMatch(error.message, /s3cret/);
      return true;
    });
    assert.deepEqual(asked, []);
  }
});

test('camera remove tells whether there was one', async () => {
  const gone = rig({ removed: true });
  await cameraRemoveCommand(gone.world, gone.reach, 'gate', {});
  assert.deepEqual(gone.asked, [['sources.remove', { source: 'gate' }]]);
  assert.match(gone.terminal.stdout, /^removed gate; /);
  const none = rig({ removed: false });
  await assert.rejects(cameraRemoveCommand(none.world, none.reach, 'gate', {}), { code: 'ERR_CLI_NOT_FOUND' });
});

test('camera discover shows hints harmlessly', async () => {
  const camera = { endpoint: 'http://10.0.0.1/', from: '10.0.0.1:3702', device: 'urn:a', name: 'Yard\u001b[2J' };
  const some = rig({ cameras: [camera], complete: false });
  await cameraDiscoverCommand(some.world, some.reach, {});
  assert.match(some.terminal.stdout, /^10\.0\.0\.1 +http:\/\/10\.0\.0\.1\/ +- +Yard\?\[2J$/m);
  assert.match(some.terminal.stderr, /more answered/);
  const none = rig({ cameras: [], complete: true });
  await cameraDiscoverCommand(none.world, none.reach, {});
  assert.match(none.terminal.stderr, /no camera answered/);
  const json = rig({ cameras: [camera], complete: true });
  await cameraDiscoverCommand(json.world, json.reach, { json: true });
  assert.deepEqual(JSON.parse(json.terminal.stdout), { cameras: [camera], complete: true });
});
