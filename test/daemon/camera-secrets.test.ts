import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, test } from 'node:test';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { fromHex, fromUtf8, toHex, utf8 } from '../../src/bytes/index.ts';
import { hkdfSha256 } from '../../src/crypto/index.ts';
import {
  type CameraSecret,
  readCameraSecrets,
  SECRET_PURPOSES,
  writeCameraSecrets,
} from '../../src/daemon/camera-secret-file.ts';
import { CameraSecrets, SECRETS_LABEL } from '../../src/daemon/camera-secrets.ts';
import { Secret, SecretCredentials } from '../../src/daemon/secret.ts';
import { isNvrError } from '../../src/errors.ts';
import { type Log, type LogFields, SeededRandom, SimulatedFiles } from '../../src/platform/index.ts';
import { createNodeSuite } from '../../src/platform/node/index.ts';
import type { SourceId } from '../../src/protocol/index.ts';

const PASSWORD = 'Zq7-not-to-be-seen';
const PATH = '/data/secrets/cameras.sealed';
const suite = createNodeSuite();
const KEY = new Uint8Array(32).fill(7);
const key = suite.aead.key(KEY);
const secret = (
  source: string,
  username = 'u',
  password = PASSWORD,
  origins = ['rtsp://10.0.0.1:554'],
): CameraSecret => ({
  source: source as SourceId,
  purpose: 'password',
  username,
  origins,
  password: Secret.of(password),
});
const plain = (secrets: readonly CameraSecret[]) =>
  secrets.map((each) => ({ ...each, password: each.password.revealText() }));

const anySecret: fc.Arbitrary<CameraSecret> = fc.record({
  source: fc.stringMatching(/^[a-z0-9][a-z0-9_-]{0,62}$/) as fc.Arbitrary<SourceId>,
  purpose: fc.constantFrom(...SECRET_PURPOSES),
  username: fc.string({ unit: 'grapheme', maxLength: 40 }),
  origins: fc.array(fc.webUrl(), { maxLength: 4 }),
  password: fc.string({ unit: 'grapheme', maxLength: 128 }).map(Secret.of),
});

describe('the file of sealed passwords', () => {
  test('gives back what was written, and its length tells no length of a password', () => {
    fc.assert(
      fc.property(
        fc.array(anySecret, { maxLength: 20 }),
        fc.integer({ min: 1, max: 2 ** 40 }),
        (secrets, generation) => {
          const bytes = writeCameraSecrets(key, { generation, secrets }, new Uint8Array(12));
          assert.equal((bytes.length - 48) % 1024, 0);
          const read = readCameraSecrets(key, bytes);
          assert.ok('secrets' in read, JSON.stringify(read));
          assert.equal(read.generation, generation);
          assert.deepEqual(plain(read.secrets), plain(secrets));
        },
      ),
      { numRuns: 60 },
    );
  });

  const bytes = writeCameraSecrets(
    key,
    { generation: 3, secrets: [secret('a'), secret('b')] },
    new Uint8Array(12).fill(9),
  );
  test('is refused after any change, any cut, and under another key', () => {
    for (let i = 0; i < bytes.length; i++) {
      const changed = bytes.slice();
      changed[i]! ^= 1 << (i % 8);
      assert.ok('reason' in readCameraSecrets(key, changed), `octet ${i}`);
    }
    for (let length = 0; length < bytes.length; length += 7) {
      assert.ok('reason' in readCameraSecrets(key, bytes.subarray(0, length)), `${length} octets`);
    }
    assert.ok('reason' in readCameraSecrets(suite.aead.key(new Uint8Array(32)), bytes));
    assert.ok('reason' in readCameraSecrets(key, new Uint8Array([...bytes, 0])));
  });

  test('is read without harm whatever was sealed into it', () => {
    const header = bytes.subarray(0, 32);
    const inside = key.open(header.subarray(20), header, bytes.subarray(32))!;
    const random = new SeededRandom(11);
    let understood = 0;
    for (let run = 0; run < (process.env['SLOW'] ? 50_000 : 3_000); run++) {
      const changed = inside.slice(0, run % 5 === 0 ? random.below(inside.length) : inside.length);
      for (let n = random.below(4); n >= 0 && changed.length > 0; n--)
        changed[random.below(Math.min(120, changed.length))] = random.below(256);
      const read = readCameraSecrets(
        key,
        new Uint8Array([...header, ...key.seal(header.subarray(20), header, changed)]),
      );
      if ('secrets' in read) understood += 1;
      else assert.match(read.reason, /^[a-z ,]+$/);
    }
    assert.ok(understood > 0);
  });

  test('is the one of the published vector', () => {
    const vector = JSON.parse(readFileSync(resolve(import.meta.dirname, '../vectors/camera-secrets.json'), 'utf8')) as {
      kek: string;
      key: string;
      nonce: string;
      generation: number;
      secrets: (Omit<CameraSecret, 'password'> & { password: string })[];
      file: string;
    };
    const derived = hkdfSha256(
      suite.hashes,
      fromHex(vector.kek)!,
      utf8('constitute derived key v1'),
      utf8(SECRETS_LABEL),
      32,
    );
    assert.equal(toHex(derived), vector.key);
    const secrets = vector.secrets.map((each) => ({ ...each, password: Secret.of(each.password) }));
    const file = writeCameraSecrets(suite.aead.key(derived), { ...vector, secrets }, fromHex(vector.nonce)!);
    assert.equal(toHex(file), vector.file);
  });
});

/** A store on a simulated disk. */
function rig() {
  const files = new SimulatedFiles();
  const lines: string[] = [];
  const note = (fields: LogFields, line: string) =>
    void lines.push(`${line} ${JSON.stringify(fields)} ${inspect(fields, { depth: 9 })}`);
  const log: Log = { debug: note, info: note, warn: note, error: note, child: () => log };
  const make = async (key = KEY) => {
    const store = new CameraSecrets({ files, random: new SeededRandom(files.calls), suite, log }, '/data');
    await store.open(key);
    return store;
  };
  return { files, lines, make };
}
const place = (source: string, username = 'u', origin = 'rtsp://10.0.0.1:554') =>
  ({ source: source as SourceId, purpose: 'password', username, origin }) as const;

describe('the sealed passwords', () => {
  test('are found by source, user and place, and nowhere on the disk in the clear', async () => {
    const { files, make } = rig();
    const store = await make();
    await store.keep([secret('a'), secret('a', 'u', 'other', ['rtsp://10.0.0.2:554']), secret('b', 'v', 'third')]);
    for (const each of [store, await make()]) {
      assert.equal(each.find(place('a')), PASSWORD);
      assert.equal(each.find(place('a', 'u', 'rtsp://10.0.0.2:554')), 'other');
      assert.equal(each.find(place('a', 'u', 'rtsp://10.0.0.3:554')), 'other', 'the newest of that user');
      assert.equal(each.find(place('a', 'v')), null);
      assert.equal(each.find(place('b')), null);
      assert.equal(each.find({ ...place('b', 'v'), purpose: 'main' }), null);
      assert.equal(each.warning, null);
    }
    for (const path of files.paths()) assert.ok(!Buffer.from(files.peek(path)).includes(PASSWORD), path);
    assert.notEqual(store.mark('one'), store.mark('two'));
    assert.equal(store.mark('one'), (await make()).mark('one'));
  });

  test('of an older file are used, and it is told that somebody put it back', async () => {
    const { files, make } = rig();
    const store = await make();
    await store.keep([secret('a', 'u', 'old')]);
    const older = files.peek(PATH);
    await store.keep([secret('a', 'u', 'new')]);
    files.poke(PATH, older);
    const restored = await make();
    assert.match(restored.warning!, /older .* was put back/);
    assert.equal(restored.find(place('a')), 'old');
    await restored.keep([secret('a', 'u', 'newest')]);
    assert.equal(restored.warning, null);
    assert.equal((await make()).warning, null);
    await files.remove(PATH);
    assert.match((await make()).warning!, /is gone/);
  });

  test('that cannot be opened are put aside before another file takes their place', async () => {
    const { files, make, lines } = rig();
    await (await make()).keep([secret('a')]);
    const before = files.peek(PATH);
    const other = await make(new Uint8Array(32).fill(8));
    assert.match(other.warning!, /refused: it was changed, or sealed under another storage key/);
    assert.equal(other.find(place('a')), null);
    assert.deepEqual(files.peek(PATH), before);
    await other.keep([secret('b')]);
    assert.deepEqual(files.peek(`${PATH}.refused`), before);
    assert.equal(other.find(place('b')), PASSWORD);
    assert.ok(lines.every((line) => !line.includes(PASSWORD)));
  });

  test('are as they were where the disk refused, and after the way back', async () => {
    const { files, make } = rig();
    const store = await make();
    await store.keep([secret('a', 'u', 'old')]);
    files.failAt(1, 'ENOSPC', 'replace');
    await assert.rejects(store.keep([secret('a', 'u', 'new')]), (error) => isNvrError(error, 'exhausted'));
    assert.equal(store.find(place('a')), 'old');
    const undo = await store.keep([secret('a', 'u', 'new'), secret('b')]);
    await undo();
    assert.equal((await make()).find(place('a')), 'old');
    assert.equal((await make()).find(place('b')), null);
  });

  test('are counted: more than there can be are refused', async () => {
    const { make } = rig();
    const many = Array.from({ length: 2_049 }, (_, i) => secret(`c${i}`));
    await assert.rejects((await make()).keep(many), { code: 'ERR_DAEMON_SECRETS_FULL' });
  });
});

test('credentials show their password to who asks for it, and to nothing that shows objects', () => {
  const credentials = new SecretCredentials('viewer', PASSWORD, 'ab12');
  assert.equal(credentials.password, PASSWORD);
  const source = { camera: { credentials }, secret: Secret.of(PASSWORD) };
  for (const shown of [
    JSON.stringify(source),
    inspect(source, { depth: 9, showHidden: true }),
    `${credentials}`,
    Object.values(credentials).join(),
  ]) {
    assert.ok(!shown.includes(PASSWORD), shown);
  }
  assert.deepEqual(JSON.parse(JSON.stringify(credentials)), { username: 'viewer', password: '(secret ab12)' });
  assert.equal(fromUtf8(Secret.of('é').reveal()), 'é');
});
