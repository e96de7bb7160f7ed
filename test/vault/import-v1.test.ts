import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { concatBytes, equalBytes, toHex, utf8 } from '../../src/bytes/index.ts';
import { nobleHashes } from '../../src/crypto/index.ts';
import { SeededRandom } from '../../src/platform/index.ts';
import { importStreamId, importV1, openV1Blob, parseV1Key, verifyVault } from '../../src/vault/index.ts';
import { fragmentMovie } from '../../src/vault/plain-movie.ts';
import { Bench, hex, openStored } from './bench.ts';

const folder = mkdtempSync(join(tmpdir(), 'vault-import-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const random = new SeededRandom(5);
const key = new SeededRandom(6).bytes(32);
const keyHex = toHex(key);

function blobOf(plain: Uint8Array): Uint8Array {
  const nonce = random.bytes(24);
  return concatBytes(utf8('CNRV1'), nonce, xchacha20poly1305(key, nonce).encrypt(plain));
}

function ffmpeg(...args: string[]): void {
  const run = spawnSync('ffmpeg', ['-hide_banner', '-loglevel', 'error', '-y', ...args]);
  assert.equal(run.status, 0, String(run.stderr));
  assert.equal(String(run.stderr), '', 'ffmpeg has nothing to complain of');
}

/** An ordinary MP4 as version 1 recorded it: ffmpeg's segment muxer, here with sound and reordered pictures. */
function plainMovie(name: string, seconds: number, audio: boolean): Uint8Array<ArrayBuffer> {
  const path = join(folder, name);
  ffmpeg(
    ...['-f', 'lavfi', '-i', `testsrc=size=160x96:rate=25:duration=${seconds}`],
    ...(audio ? ['-f', 'lavfi', '-i', `sine=sample_rate=48000:duration=${seconds}`, '-c:a', 'aac'] : []),
    ...['-c:v', 'libx264', '-preset', 'veryfast', '-bf', '2', '-g', '25', '-pix_fmt', 'yuv420p', path],
  );
  return Uint8Array.from(readFileSync(path));
}

/** The bare pictures of an MP4 file, as ffmpeg sees them. */
function pictures(bytes: Uint8Array, name: string): Buffer {
  const [path, out] = [join(folder, `${name}.mp4`), join(folder, `${name}.h264`)];
  writeFileSync(path, bytes);
  ffmpeg('-i', path, '-map', '0:v', '-c', 'copy', '-f', 'h264', out);
  return readFileSync(out);
}

test('an ordinary movie becomes fragments without a changed sample, with and without sound', () => {
  for (const audio of [true, false]) {
    const plain = plainMovie(`plain-${audio}.mp4`, 3, audio);
    const movie = fragmentMovie(plain);
    const fragments = [...movie.fragments(0)];
    assert.equal(movie.init.tracks.length, audio ? 2 : 1);
    assert.equal(fragments.filter(({ keyframe }) => keyframe).length, 3);
    assert.equal(
      fragments.reduce((sum, { sampleCount }) => sum + sampleCount, 0),
      75,
    );
    fragments.forEach((fragment, i) => {
      if (i > 0) assert.equal(fragment.start, fragments[i - 1]!.end, 'fragments tile');
    });
    const remuxed = concatBytes(movie.init.bytes, ...fragments.map(({ bytes }) => bytes));
    assert.ok(pictures(remuxed, `remuxed-${audio}`).equals(pictures(plain, `original-${audio}`)));
  }
});

test('a movie that is cut or changed anywhere is refused or still read within bounds', () => {
  const plain = plainMovie('mutated.mp4', 1, true);
  const moovAt = Buffer.from(plain).indexOf('moov') - 4;
  const chance = new SeededRandom(8);
  let refused = 0;
  for (let i = 0; i < 1500; i++) {
    const copy = plain.slice(0, i % 3 === 0 ? chance.below(plain.length) : plain.length);
    for (let flips = 0; flips < 3 && i % 3 !== 0; flips++) {
      copy[moovAt + chance.below(plain.length - moovAt)] = chance.below(256);
    }
    try {
      for (const fragment of fragmentMovie(copy).fragments(0)) assert.ok(fragment.bytes.length > 0);
    } catch (error) {
      assert.equal((error as { kind?: string }).kind, 'corrupt', String(error));
      refused += 1;
    }
  }
  assert.ok(refused > 500);
});

test('a version 1 store is imported: listed, opened, exact, once', async () => {
  const bench = new Bench({ segmentMs: 60_000 });
  const movie = plainMovie('v1.mp4', 3, true);
  const unfinished = movie.slice(0, Buffer.from(movie).indexOf('moov') - 4);
  const put = (path: string, plain: Uint8Array) => bench.files.poke(`/old/segments/${path}`, blobOf(plain));
  put('Front_Door/20261120T120000.cnv', movie);
  put('Front_Door/20261120T120003.cnv', movie);
  put('Front_Door/20261120T120500.cnv', movie);
  put('Front_Door/20261120T120600.cnv', unfinished);
  put('Front_Door/notes.cnv', movie);
  put('Front_Door/20261399T120000.cnv', movie);
  bench.files.poke('/old/segments/Front_Door/20261120T130000.cnv', blobOf(movie).with(60, 0x55));
  bench.files.poke('/old/segments/Front_Door/readme.txt', utf8('not for us'));
  const before = bench.files.paths().filter((path) => path.startsWith('/old'));
  const request = { folder: '/old/', keyHex: keyHex.toUpperCase(), timeZone: 'Europe/Berlin' };

  const report = await importV1(bench.deps, bench.options, request);
  assert.equal(report.found, 7);
  assert.equal(report.imported, 3);
  const reasons = new Map(report.refused.map(({ path, reason }) => [path.slice(path.lastIndexOf('/') + 1), reason]));
  assert.match(reasons.get('20261120T120600.cnv')!, /no moov.*not finished/);
  assert.match(reasons.get('20261120T130000.cnv')!, /decrypt failed/);
  assert.match(reasons.get('notes.cnv')!, /no time/);
  assert.match(reasons.get('20261399T120000.cnv')!, /no time/);
  assert.deepEqual(
    bench.files.paths().filter((path) => path.startsWith('/old')),
    before,
    'old files are only read',
  );

  await bench.vault.start();
  const { segments } = bench.all('front_door');
  assert.equal(segments.length, 2, 'the first two files follow each other and are one run');
  const noonInBerlin = Date.UTC(2026, 10, 20, 11) * 1000;
  assert.equal(segments[0]!.startUs, noonInBerlin);
  assert.equal(segments[0]!.endUs, noonInBerlin + 6_000_000);
  assert.equal(segments[1]!.startUs, noonInBerlin + 300_000_000);
  assert.ok(segments.every(({ streamId }) => streamId === importStreamId(bench.deps, segments[0]!.sourceId)));
  const { plaintext, complete } = await openStored(bench.vault, bench.deps.suite, segments[1]!.id);
  assert.ok(complete);
  assert.ok(pictures(plaintext, 'imported').equals(pictures(movie, 'source')));
  const joined = await openStored(bench.vault, bench.deps.suite, segments[0]!.id);
  const twice = pictures(movie, 'source');
  assert.ok(pictures(joined.plaintext, 'joined').equals(Buffer.concat([twice, twice])));
  await bench.vault.stop();

  const again = await importV1(bench.deps, bench.options, request);
  assert.deepEqual([again.imported, again.alreadyThere], [0, 3]);
  assert.deepEqual((await verifyVault(bench.deps, bench.options)).findings, []);
});

test('the key of the published template and malformed keys are refused', async () => {
  const bench = new Bench();
  // SHA-256 is faked to say what it says of the published key, which does not stand in this repository.
  const template = hex('f8fb05f69a4bf7f8515dae3205a6e5b3f73d003ce8788add0a36b8f6f45d9a81');
  const hashes = { ...nobleHashes, sha256: () => template };
  assert.throws(() => parseV1Key(hashes, keyHex), { code: 'ERR_VAULT_IMPORT_KEY' });
  for (const bad of ['', 'zz', keyHex.slice(2), `${keyHex}00`]) {
    await assert.rejects(importV1(bench.deps, bench.options, { folder: '/old', keyHex: bad }), {
      code: 'ERR_VAULT_IMPORT_KEY',
    });
  }
  assert.deepEqual(parseV1Key(nobleHashes, keyHex), key);
});

test('footage older than the retention of its source is left out, and said so', async () => {
  const bench = new Bench({ retention: { default: { ageMs: 3_600_000 } } });
  bench.files.poke('/old/front/20200101T000000.cnv', blobOf(plainMovie('old.mp4', 1, false)));
  const report = await importV1(bench.deps, bench.options, { folder: '/old', keyHex });
  assert.match(report.refused[0]!.reason, /older than the retention/);
});

interface V1Vectors {
  keyHex: string;
  small: { plaintextHex: string; blobHex: string }[];
  large: {
    plaintextRule: { length: number; byte_i: string };
    plaintextSha256: string;
    nonceHex: string;
    blobSha256: string;
  }[];
  reject: { name: string; blobHex: string; keyHex: string; error: string }[];
  emptyPlaintext: { blobHex: string };
}

test('the vectors of the version 1 contract agree', () => {
  const path = join(import.meta.dirname, '../vectors/vectors-v1.json');
  const { storage } = JSON.parse(readFileSync(path, 'utf8')) as { storage: V1Vectors };
  for (const { plaintextHex, blobHex } of storage.small) {
    assert.deepEqual(openV1Blob(hex(storage.keyHex), hex(blobHex)), { ok: true, value: hex(plaintextHex) });
  }
  for (const { plaintextRule, plaintextSha256, nonceHex, blobSha256 } of storage.large) {
    const [, times, plus] = /\(i\*(\d+)\+(\d+)\) mod 256/.exec(plaintextRule.byte_i)!;
    const plain = Uint8Array.from({ length: plaintextRule.length }, (_, i) => (i * Number(times) + Number(plus)) % 256);
    assert.equal(toHex(nobleHashes.sha256(plain)), plaintextSha256);
    const sealed = xchacha20poly1305(hex(storage.keyHex), hex(nonceHex)).encrypt(plain);
    const blob = concatBytes(utf8('CNRV1'), hex(nonceHex), sealed);
    assert.equal(toHex(nobleHashes.sha256(blob)), blobSha256);
    const opened = openV1Blob(hex(storage.keyHex), blob);
    assert.ok(opened.ok && equalBytes(opened.value, plain));
  }
  for (const { name, blobHex, keyHex: other, error } of storage.reject) {
    assert.deepEqual(openV1Blob(hex(other), hex(blobHex)), { ok: false, reason: error }, name);
  }
  const empty = openV1Blob(hex(storage.keyHex), hex(storage.emptyPlaintext.blobHex));
  assert.ok(empty.ok && empty.value.length === 0);
});
