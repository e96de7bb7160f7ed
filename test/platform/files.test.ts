import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { utf8 } from '../../src/bytes/index.ts';
import { type Files, SimulatedFiles } from '../../src/platform/index.ts';
import { createNodeFiles } from '../../src/platform/node/index.ts';

const scratch = mkdtempSync(join(tmpdir(), 'platform-files-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

for (const [name, files, root] of [
  ['real', createNodeFiles(), scratch],
  ['simulated', new SimulatedFiles(), '/root'],
] as [string, Files, string][]) {
  test(`the ${name} disk keeps the contract`, async () => {
    const folder = `${root}/a/b`;
    await files.makeFolder(folder);
    await files.makeFolder(folder);
    const path = `${folder}/one`;
    const handle = await files.create(path);
    assert.equal(await handle.write(utf8('hello'), 0), 5);
    assert.equal(await handle.write(utf8('J'), 0), 1);
    assert.equal(await handle.sizeBytes(), 5);
    await handle.sync();
    await handle.truncate(4);
    const into = new Uint8Array(10);
    assert.equal(await handle.read(into, 1), 3);
    assert.deepEqual(into.subarray(0, 3), utf8('ell'));
    assert.equal(await handle.read(into, 4), 0);
    await handle.close();
    await handle.close();
    await files.syncFolder(folder);
    await assert.rejects(files.create(path), { code: 'ERR_FILES_EXISTS', kind: 'conflict' });
    await assert.rejects(files.open(`${folder}/none`), { code: 'ERR_FILES_MISSING', kind: 'missing' });
    await assert.rejects(files.create(`${root}/none/x`), { code: 'ERR_FILES_MISSING' });
    await assert.rejects(files.remove(`${folder}/none`), { kind: 'missing' });

    assert.deepEqual(await files.read(path, 4), utf8('Jell'));
    await assert.rejects(files.read(path, 3), { code: 'ERR_FILES_LARGE', kind: 'invalid' });
    await files.replace(path, utf8('new'));
    assert.deepEqual(await files.read(path, 100), utf8('new'));
    await files.replace(`${folder}/two`, utf8('2'));
    const listed = (await files.list(folder)).map((entry) => [entry.name, entry.kind, entry.sizeBytes]);
    assert.deepEqual(listed, [
      ['one', 'file', 3],
      ['two', 'file', 1],
    ]);
    assert.deepEqual(await files.list(`${root}/none`), []);
    assert.equal((await files.stat(folder))?.kind, 'folder');
    assert.equal(await files.stat(`${folder}/none`), null);

    await files.rename(path, `${folder}/three`);
    assert.equal(await files.stat(path), null);
    assert.equal(await files.removeFolder(folder), false);
    await files.remove(`${folder}/two`);
    await files.remove(`${folder}/three`);
    assert.equal(await files.removeFolder(folder), true);
    assert.equal(await files.removeFolder(folder), false);

    const reading = await openForReading(files, root);
    await assert.rejects(reading.write(utf8('x'), 0), { kind: 'unavailable' });
    await reading.close();
    const space = await files.space(`${root}/not/yet/there`);
    assert.ok(space.freeBytes > 0 && space.totalBytes >= space.freeBytes);
    assert.equal(space.volume, (await files.space(root)).volume);
  });
}

async function openForReading(files: Files, root: string) {
  await files.replace(`${root}/read`, utf8('r'));
  return files.open(`${root}/read`);
}

test('the real disk makes files for their owner only, and writes through no symbolic link', async () => {
  const files = createNodeFiles();
  const handle = await files.create(join(scratch, 'private'));
  await handle.close();
  assert.equal(statSync(join(scratch, 'private')).mode & 0o777, 0o600);
  await files.makeFolder(join(scratch, 'folder/inner'));
  assert.equal(statSync(join(scratch, 'folder/inner')).mode & 0o777, 0o700);
  await files.replace(join(scratch, 'shared'), utf8('x'), { mode: 0o644 });
  assert.equal(statSync(join(scratch, 'shared')).mode & 0o777, 0o644);
  writeFileSync(join(scratch, 'target'), 'precious');
  symlinkSync(join(scratch, 'target'), join(scratch, 'link'));
  await assert.rejects(files.open(join(scratch, 'link'), { write: true }), { code: 'ERR_FILES_FAILED' });
  await assert.rejects(files.create(join(scratch, 'link')), { code: 'ERR_FILES_EXISTS' });
  symlinkSync(join(scratch, 'target'), join(scratch, 'replaced.tmp'));
  await assert.rejects(files.replace(join(scratch, 'replaced'), utf8('y')), { code: 'ERR_FILES_FAILED' });
  mkdirSync(join(scratch, 'kinds'));
  symlinkSync(join(scratch, 'target'), join(scratch, 'kinds/link'));
  assert.equal((await files.list(join(scratch, 'kinds')))[0]?.kind, 'other');
});

test('a watched folder tells of what other programs do in it', async () => {
  const files = createNodeFiles();
  const folder = join(scratch, 'watched');
  assert.equal(
    files.watch(folder, () => {}),
    null,
    'nothing to watch yet',
  );
  await files.makeFolder(folder);
  let told = Promise.withResolvers<void>();
  const stop = files.watch(folder, () => told.resolve());
  assert.ok(stop);
  writeFileSync(join(folder, 'new'), 'x');
  await told.promise;
  told = Promise.withResolvers<void>();
  await files.replace(join(folder, 'new'), utf8('y'));
  await told.promise;
  told = Promise.withResolvers<void>();
  rmSync(join(folder, 'new'));
  await told.promise;
  stop();
});

test('a power cut keeps what was synced and nothing it cannot have kept', async () => {
  for (let seed = 1; seed <= 200; seed++) {
    const files = new SimulatedFiles({ seed });
    await files.makeFolder('/d');
    await files.syncFolder('/');
    const handle = await files.create('/d/file');
    await handle.write(utf8('safe'), 0);
    await handle.sync();
    await files.syncFolder('/d');
    await handle.write(utf8('unsafe'), 4);
    const other = await files.create('/d/unsynced');
    await other.write(utf8('x'), 0);
    files.crash();
    const kept = Buffer.from(await files.read('/d/file', 100)).toString();
    assert.ok('safeunsafe'.startsWith(kept) && kept.length >= 4, kept);
    await assert.rejects(handle.write(utf8('y'), 0), { code: 'ERR_FILES_FAILED' });
    await assert.rejects(handle.sync());
  }
});

test('named faults come at the call they were planned for', async () => {
  const files = new SimulatedFiles({ capacityBytes: 10 });
  await files.makeFolder('/d');
  files.failAt(2, 'EIO');
  await files.list('/d');
  await assert.rejects(files.list('/d'), { code: 'ERR_FILES_FAILED', kind: 'unavailable' });
  await files.list('/d');
  const handle = await files.create('/d/f');
  files.failAt(2, 'short', 'write');
  assert.equal(await handle.write(utf8('1234'), 0), 4);
  assert.equal(await handle.write(utf8('5678'), 4), 2);
  assert.equal(await handle.write(utf8('789012'), 6), 4, 'the disk is full: a short write');
  await assert.rejects(handle.write(utf8('x'), 10), { code: 'ERR_FILES_FULL', kind: 'exhausted' });
  assert.equal((await files.space('/d')).freeBytes, 0);
  files.failAt(1, 'ENOSPC', 'sync');
  await assert.rejects(handle.sync(), { kind: 'exhausted' });
  files.heal();
  await handle.sync();
});
