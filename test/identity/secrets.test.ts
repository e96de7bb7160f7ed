import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { fromHex, toHex, utf8 } from '../../src/bytes/index.ts';
import { schnorrVerify } from '../../src/crypto/index.ts';
import { createNodeClock, createNodeFiles } from '../../src/platform/node/index.ts';
import { world } from './fake-device.ts';

test('the first start makes the keys, later starts find them', async () => {
  const { program } = world();
  const first = program();
  await first.start();
  const { nodeId, channelKey } = first;
  const kek = first.kek();
  await first.stop();
  const second = program({ create: false });
  await second.start();
  assert.equal(second.nodeId, nodeId);
  assert.deepEqual(second.channelKey.publicKey, channelKey.publicKey);
  assert.deepEqual(second.kek(), kek);
  assert.equal(new Set([nodeId, toHex(channelKey.publicKey), toHex(kek)]).size, 3);
});

test('keys for other things are derived from the storage key, one for each label, the same at each start', async () => {
  const { program } = world();
  const first = program();
  await first.start();
  const [one, two] = [first.deriveKey('one'), first.deriveKey('two')];
  assert.equal(new Set([one, two, first.kek()].map(toHex)).size, 3);
  assert.equal(one.length, 32);
  one.fill(0);
  assert.notEqual(toHex(first.deriveKey('one')), toHex(one), 'a copy');
  const again = toHex(first.deriveKey('one'));
  await first.stop();
  const second = program({ create: false });
  await second.start();
  assert.equal(toHex(second.deriveKey('one')), again);
});

test('on a real disk the folder is 0700 and its files 0600', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'identity-'));
  try {
    const { program } = world({ files: createNodeFiles(), folder: join(folder, 'data') });
    const identity = program();
    await identity.start();
    await identity.invite({ role: 'viewer' });
    const modes = (path: string) =>
      Object.fromEntries(
        readdirSync(path).map((name) => [name, (statSync(join(path, name)).mode & 0o777).toString(8)]),
      );
    const data = join(folder, 'data');
    assert.deepEqual(modes(data), { invitations: '700', secrets: '700' });
    assert.deepEqual(modes(join(data, 'secrets')), { 'channel-key': '600', 'node-key': '600', 'storage-kek': '600' });
    assert.deepEqual(Object.values(modes(join(data, 'invitations'))), ['600']);
    assert.match(readFileSync(join(data, 'secrets/node-key'), 'utf8'), /^[0-9a-f]{64}\n$/);
    await identity.stop();
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('secrets that others may read are told, where the disk knows', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'identity-'));
  try {
    const files = createNodeFiles();
    const { program, logged } = world({ files, folder });
    const first = program();
    await first.start();
    await first.stop();
    chmodSync(join(folder, 'secrets/storage-kek'), 0o644);
    if ((await files.stat(join(folder, 'secrets/storage-kek')))?.mode === undefined) return t.skip('no modes here');
    assert.ok(!logged.some((line) => line.level === 'warn'));
    await program().start();
    const warned = logged.filter((line) => line.level === 'warn');
    assert.deepEqual(
      warned.map((line) => line.fields),
      [{ path: join(folder, 'secrets/storage-kek'), mode: '644' }],
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a malformed secret is named and not quoted', async () => {
  const cases: [string, Uint8Array][] = [
    ['empty', utf8('')],
    ['short', utf8('abc123')],
    ['upper case', utf8('AB'.repeat(32))],
    ['a line too many', utf8(`${'ab'.repeat(32)}\n\n`)],
    ['zero', utf8('00'.repeat(32))],
    ['not text', Uint8Array.of(0xff, 0xfe)],
    ['too long', utf8('ab'.repeat(200))],
  ];
  for (const name of ['node-key', 'channel-key', 'storage-kek']) {
    for (const [what, bytes] of cases) {
      const { program, files } = world();
      const first = program();
      await first.start();
      await first.stop();
      await files.replace(`/data/secrets/${name}`, bytes);
      const error = await program()
        .start()
        .then(
          () => null,
          (reason) => reason,
        );
      assert.equal(error?.code, 'ERR_IDENTITY_SECRET_MALFORMED', `${name}: ${what}`);
      assert.ok(error.message.includes(`/data/secrets/${name}`));
      assert.ok(!error.message.includes('abab') && !error.message.includes('abc123'));
    }
  }
  const { program, files } = world();
  await program().start();
  await files.replace('/data/secrets/node-key', utf8(`${'f'.repeat(64)}\n`));
  await assert.rejects(program().start(), { code: 'ERR_IDENTITY_SECRET_MALFORMED' }, 'beyond the order of the group');
});

test('a secret that is gone is not made anew beside those that stayed', async () => {
  for (const name of ['channel-key', 'storage-kek']) {
    const { program, files } = world();
    await program().start();
    await files.remove(`/data/secrets/${name}`);
    await assert.rejects(program().start(), { code: 'ERR_IDENTITY_SECRET_MISSING', kind: 'missing' });
    assert.equal(await files.stat(`/data/secrets/${name}`), null);
  }
});

test('a start that was cut at any point is taken up by the next one', async () => {
  for (let cut = 0; ; cut++) {
    const { program, disk, until } = world();
    let calls = 0;
    disk.onCall = () => {
      if (calls++ >= cut) throw new Error('power cut');
    };
    const failed = await program()
      .start()
      .then(
        () => false,
        () => true,
      );
    disk.onCall = null;
    if (!failed) return assert.ok(cut > 10, 'the cuts reached the end of the start');
    disk.crash();
    const next = program();
    await until(next.start());
    const { nodeId } = next;
    await until(next.stop());
    const again = program({ create: false });
    await until(again.start());
    assert.equal(again.nodeId, nodeId, `cut at call ${cut}`);
  }
});

test('a node that exists starts on a full disk', async () => {
  const { program, disk } = world();
  const first = program();
  await first.start();
  await first.stop();
  disk.capacityBytes = 0;
  const next = program();
  await next.start();
  assert.equal(next.devices().length, 0);
});

test('without permission to make a node, none is made', async () => {
  const { program, files } = world();
  await assert.rejects(program({ create: false }).start(), { code: 'ERR_IDENTITY_NODE_MISSING', kind: 'missing' });
  assert.deepEqual(await files.list('/data'), []);
});

test('the storage key may come from a service manager, raw or as hex, and is then not written', async () => {
  for (const [bytes, kek] of [
    [new Uint8Array(32).fill(9), '09'.repeat(32)],
    [utf8('ab'.repeat(32)), 'ab'.repeat(32)],
    [utf8(`${'ab'.repeat(32)}\n`), 'ab'.repeat(32)],
  ] as const) {
    const { program, files } = world();
    await files.makeFolder('/run/credentials');
    await files.replace('/run/credentials/storage-kek', bytes);
    const identity = program({ kekCredentialPath: '/run/credentials/storage-kek' });
    await identity.start();
    assert.deepEqual(identity.kek(), fromHex(kek));
    assert.equal(await files.stat('/data/secrets/storage-kek'), null);
    await identity.stop();
    await assert.rejects(program().start(), { code: 'ERR_IDENTITY_SECRET_MISSING' }, 'its absence later is noticed');
  }
  const { program, files } = world();
  await assert.rejects(program({ kekCredentialPath: '/run/x' }).start(), { code: 'ERR_IDENTITY_SECRET_MISSING' });
  await files.makeFolder('/run');
  await files.replace('/run/x', new Uint8Array(31));
  await assert.rejects(program({ kekCredentialPath: '/run/x' }).start(), { code: 'ERR_IDENTITY_SECRET_MALFORMED' });
});

test('secrets are neither in what is logged nor in what is shown of the object', async () => {
  const { program, files, logged } = world();
  const identity = program();
  await identity.start();
  const invitation = await identity.invite({ role: 'viewer' });
  await identity.admit({ device: 'ab'.repeat(32) as never, suite: 3, invitationId: invitation.id });
  const secrets = [toHex(invitation.secret), toHex(identity.kek())];
  for (const { name } of await files.list('/data/secrets')) {
    secrets.push(new TextDecoder().decode(await files.read(`/data/secrets/${name}`, 99)).trim());
  }
  const shown = JSON.stringify(logged) + inspect(identity, { depth: 20, showHidden: true }) + JSON.stringify(identity);
  for (const secret of secrets) assert.ok(!shown.includes(secret));
  assert.ok(logged.length > 0);
});

test('signatures are those of the node key', async () => {
  const { program } = world();
  const identity = program();
  await identity.start();
  const digest = new Uint8Array(32).fill(3);
  assert.ok(schnorrVerify(fromHex(identity.nodeId)!, digest, identity.sign(digest)));
  identity.kek().fill(0);
  assert.notEqual(toHex(identity.kek()), '00'.repeat(32), 'a copy is given');
});

test('nothing works before the start or after the stop', async () => {
  const { program } = world();
  const identity = program();
  assert.throws(() => identity.nodeId, { code: 'ERR_INTERNAL_ASSERTION' });
  await identity.start();
  await identity.stop();
  await identity.stop();
  assert.throws(() => identity.sign(new Uint8Array(32)), { code: 'ERR_INTERNAL_ASSERTION' });
});

test('two programs that start a new folder at once agree on one node', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'identity-'));
  try {
    // Real files take real time: a lock must not look deserted because a simulated clock ran ahead of a busy disk.
    const { program } = world({ files: createNodeFiles(), folder });
    const programs = Array.from({ length: 5 }, () => program({}, createNodeClock()));
    await Promise.all(programs.map((each) => each.start()));
    assert.equal(new Set(programs.map((each) => each.nodeId)).size, 1);
    assert.equal(new Set(programs.map((each) => toHex(each.kek()))).size, 1);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
