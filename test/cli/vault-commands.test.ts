import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { concatBytes, toHex, utf8 } from '../../src/bytes/index.ts';
import { EXIT_CODES } from '../../src/cli/exit-codes.ts';
import { runCommandLine } from '../../src/cli/program.ts';
import { holdFolder } from '../../src/daemon/index.ts';
import { createIdentity } from '../../src/identity/index.ts';
import { silentLog } from '../../src/platform/index.ts';
import { createNodeClock, createNodeFiles, createNodeRandom } from '../../src/platform/node/index.ts';
import { fakeWorld } from './fake-world.ts';

const folder = mkdtempSync(join(tmpdir(), 'cli-vault-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const real = { files: createNodeFiles(), clock: createNodeClock(), random: createNodeRandom(), cwd: folder };
const data = join(folder, 'data');
mkdirSync(data);

async function run(...args: string[]) {
  const { world, terminal } = fakeWorld({ ...real, env: { CONSTITUTE_NVR_DATA: data } });
  const code = await runCommandLine(world, args);
  return { code, out: terminal.stdout, err: terminal.stderr };
}

/** A storage folder of version 1 with one recording of half an hour ago. */
function oldStore(): { root: string; keyFile: string } {
  const movie = join(folder, 'plain.mp4');
  const source = [
    '-f',
    'lavfi',
    '-i',
    'testsrc=size=160x96:rate=25:duration=2',
    '-c:v',
    'libx264',
    '-g',
    '25',
    '-pix_fmt',
    'yuv420p',
  ];
  assert.equal(spawnSync('ffmpeg', ['-v', 'error', '-y', ...source, movie]).status, 0);
  const key = new Uint8Array(32).fill(7);
  const nonce = new Uint8Array(24).fill(9);
  const blob = concatBytes(utf8('CNRV1'), nonce, xchacha20poly1305(key, nonce).encrypt(readFileSync(movie)));
  const root = join(folder, 'old');
  mkdirSync(join(root, 'segments/front'), { recursive: true });
  const name = new Date(Date.now() - 1_800_000).toISOString().slice(0, 19).replace(/[-:]/g, '');
  writeFileSync(join(root, `segments/front/${name}.cnv`), blob);
  writeFileSync(join(root, 'segments/front/20200101T000000.cnv'), blob.subarray(0, 500));
  const keyFile = join(folder, 'old.key');
  writeFileSync(keyFile, `${toHex(key)}\n`);
  return { root, keyFile };
}

test('a folder without a node says how to make one', async () => {
  const { code, err } = await run('vault', 'verify');
  assert.equal(code, EXIT_CODES.missing, err);
});

test('recordings of version 1 are taken in, verify, and damage is found', async () => {
  const identity = createIdentity({ ...fakeWorld(real).world, log: silentLog }, { folder: data });
  await identity.start();
  await identity.stop();
  const { root, keyFile } = oldStore();

  const taken = await run('vault', 'import', root, '--key-file', keyFile, '--time-zone', 'UTC');
  assert.equal(taken.code, 0, taken.err);
  assert.match(taken.out, /^left out: .*20200101T000000\.cnv: /);
  assert.match(taken.out, /1 of 2 recordings taken in .*, 0 were there already\n$/);
  const again = await run('vault', 'import', root, '--key-file', keyFile, '--time-zone', 'UTC', '--json');
  assert.equal((JSON.parse(again.out) as { alreadyThere: number }).alreadyThere, 1);

  const sound = await run('vault', 'verify');
  assert.equal(sound.code, 0, sound.out + sound.err);
  assert.match(sound.out, /^1 segments, .*: sound\n$/m);

  const segments = join(data, 'segments');
  const file = readdirSync(segments, { recursive: true }).find((name) => String(name).endsWith('.cnv'))!;
  const bytes = readFileSync(join(segments, String(file)));
  bytes[bytes.length - 5]! ^= 1;
  writeFileSync(join(segments, String(file)), bytes);
  const damaged = await run('vault', 'verify');
  assert.equal(damaged.code, EXIT_CODES.corrupt);
  assert.match(damaged.out, /^damage: /m);
  assert.match(damaged.out, /DAMAGED\n$/);
  assert.match(damaged.err, /ERR_CLI_DAMAGE/);
});

test('a store in use, a wrong key, a wrong zone and an empty folder are told apart', async () => {
  const { root, keyFile } = oldStore();
  const held = holdFolder(data, () => null);
  assert.equal((await run('vault', 'verify')).code, EXIT_CODES.conflict);
  held.release();
  writeFileSync(join(folder, 'bad.key'), 'no key\n');
  assert.equal((await run('vault', 'import', root, '--key-file', join(folder, 'bad.key'))).code, EXIT_CODES.invalid);
  assert.equal(
    (await run('vault', 'import', root, '--key-file', keyFile, '--time-zone', 'Mars/X')).code,
    EXIT_CODES.invalid,
  );
  mkdirSync(join(folder, 'empty'));
  assert.equal((await run('vault', 'import', 'empty', '--key-file', keyFile)).code, EXIT_CODES.missing);
  assert.equal((await run('vault', 'import', root, '--key-file', 'none')).code, EXIT_CODES.missing);
});
