import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { toHex } from '../../src/bytes/index.ts';
import { xWingPairOfSeed, xWingPublicKey } from '../../src/crypto/index.ts';
import { NvrError } from '../../src/errors.ts';
import { createNodeSuite } from '../../src/platform/node/index.ts';
import { openAsRecipient, parseEpochKeyFile, verifyEpochKeyFile } from '../../src/protocol/index.ts';
import { type RewrapPage, rewrapVault, verifyVault } from '../../src/vault/index.ts';
import { Bench, openStored, place, record } from './bench.ts';

const STEP = process.env['SLOW'] === '1' ? 1 : 3;
const suite = createNodeSuite();

interface Device {
  seed: Uint8Array;
  keyId: Uint8Array;
  publicKey: Uint8Array;
}

const devices: Device[] = [];
before(async () => {
  for (const octet of [1, 2, 3]) {
    const seed = new Uint8Array(32).fill(octet);
    const publicKey = xWingPublicKey(await xWingPairOfSeed(suite, seed));
    devices.push({ seed, keyId: new Uint8Array(16).fill(octet), publicKey });
  }
});

/** A vault whose recipients a test may change. */
function benchOf(recipients: Device[], options: ConstructorParameters<typeof Bench>[0] = {}) {
  return new Bench({ ...options, keys: { recipients: () => recipients } });
}

const keyFiles = (bench: Bench) => bench.files.paths().filter((path) => path.endsWith('.cnk'));

/** Which of the devices open a key file; its signature is checked on the way. */
async function openers(bench: Bench, path: string): Promise<number[]> {
  const parsed = parseEpochKeyFile(bench.files.peek(path));
  assert.ok(parsed.ok && verifyEpochKeyFile(suite.hashes, parsed.value), path);
  const opened: number[] = [];
  for (const { seed, keyId } of devices) {
    if (await openAsRecipient(suite, keyId, seed, parsed.value.file)) opened.push(keyId[0]!);
  }
  return opened;
}

const openersOfAll = async (bench: Bench) => Promise.all(keyFiles(bench).map((path) => openers(bench, path)));

/** Records so many epochs of one stream, each a day apart. */
async function recordDays(bench: Bench, days: number, at = place()): Promise<void> {
  const writer = bench.vault.openStream(at);
  for (let day = 0; day < days; day++) {
    const camera = bench.camera();
    await writer.beginRun(camera.run());
    await record(bench, writer, camera, 12);
    await writer.endRun({ cause: 'stopped', endUs: camera.wallUs, reason: 'the day is over' });
    bench.clock.step(86_400_000);
  }
  await writer.release();
}

async function rewrapAll(bench: Bench, without?: Uint8Array[]): Promise<RewrapPage[]> {
  const pages: RewrapPage[] = [];
  for (let cursor: string | undefined; ; ) {
    const wish = { limit: 2, ...(without ? { without } : {}), ...(cursor === undefined ? {} : { cursor }) };
    const page = await bench.vault.rewrap(wish);
    pages.push(page);
    if (page.cursor === undefined) return pages;
    cursor = page.cursor;
  }
}

const sum = (pages: RewrapPage[], name: 'files' | 'rewritten' | 'dropped' | 'added') =>
  pages.reduce((total, page) => total + page[name], 0);

test('a removed device opens nothing that is recorded after the next keyframe, in no stream', async () => {
  const recipients = [devices[0]!, devices[1]!];
  const bench = benchOf(recipients, { segmentMs: 60_000 });
  await bench.vault.start();
  const streams = [place('front', 'main', 1), place('back', 'sub', 2)].map((at) => ({
    at,
    writer: bench.vault.openStream(at),
    camera: bench.camera({ keyframeEvery: 5 }),
  }));
  for (const { writer, camera } of streams) await writer.beginRun(camera.run());
  for (const { writer, camera } of streams) await record(bench, writer, camera, 12);
  const removedUs = streams.map(({ camera }) => camera.wallUs);
  recipients.splice(1, 1);
  for (const { writer, camera } of streams) await record(bench, writer, camera, 12);
  for (const [i, { at, writer }] of streams.entries()) {
    await writer.release();
    const { segments } = bench.all(at.sourceId, at.stream);
    assert.deepEqual(
      segments.map(({ epochId }) => epochId),
      [1, 2],
    );
    // Keyframes come every fifth fragment of 200 ms: the open segment ends with the first one after the removal.
    assert.ok(segments[1]!.startUs - removedUs[i]! <= 1_000_000, 'within one group of pictures');
    assert.equal(segments[0]!.endUs, segments[1]!.startUs, 'and no picture is lost for it');
  }
  const told = await openersOfAll(bench);
  assert.deepEqual(told, [[1, 2], [1], [1, 2], [1]]);
});

test('sources rotate for their own recipients only', async () => {
  const backOnly: Device[] = [];
  const bench = new Bench({ keys: { recipients: (source) => (source === 'back' ? backOnly : []) } });
  await bench.vault.start();
  await recordSides(1);
  backOnly.push(devices[0]!);
  await recordSides(2);
  assert.deepEqual(new Set(bench.all('front').segments.map(({ epochId }) => epochId)), new Set([1]));
  assert.deepEqual(new Set(bench.all('back').segments.map(({ epochId }) => epochId)), new Set([1, 2]));

  async function recordSides(_: number) {
    for (const [name, id] of [
      ['front', 1],
      ['back', 2],
    ] as const) {
      const writer = bench.vault.openStream(place(name, 'main', id));
      const camera = bench.camera();
      await writer.beginRun(camera.run());
      await record(bench, writer, camera, 12);
      await writer.release();
    }
  }
});

test('re-wrapping drops the copies of devices that are gone, adds missing ones, and touches no media', async () => {
  const recipients = [devices[0]!, devices[1]!];
  const bench = benchOf(recipients);
  await bench.vault.start();
  await recordDays(bench, 4);
  await recordDays(bench, 2, place('back', 'sub', 7));
  recipients.splice(0, 2, devices[0]!, devices[2]!);
  const media = new Map(
    bench.files.paths().flatMap((path) => (path.endsWith('.cnv') ? [[path, toHex(bench.files.peek(path))]] : [])),
  );
  const pages = await rewrapAll(bench);
  assert.equal(pages.length, 3, 'two files a page');
  assert.deepEqual(pages[0]?.total, 6);
  assert.deepEqual(
    (['files', 'rewritten', 'dropped', 'added'] as const).map((name) => sum(pages, name)),
    [6, 6, 6, 6],
  );
  for (const each of await openersOfAll(bench)) assert.deepEqual(each, [1, 3]);
  for (const [path, bytes] of media) assert.equal(toHex(bench.files.peek(path)), bytes);
  const { segments } = bench.all();
  for (const { id } of segments) await openStored(bench.vault, suite, id);
  assert.equal(sum(await rewrapAll(bench), 'rewritten'), 0, 'a second time there is nothing to do');
  await bench.restart();
  await bench.vault.stop();
  assert.deepEqual((await verifyVault(bench.deps, bench.options)).findings, []);
});

test('with `without` only the named copies go', async () => {
  const recipients = [...devices];
  const bench = benchOf(recipients);
  await bench.vault.start();
  await recordDays(bench, 2);
  recipients.splice(1, 2);
  await rewrapAll(bench, [devices[1]!.keyId]);
  for (const each of await openersOfAll(bench)) assert.deepEqual(each, [1, 3]);
  await rewrapAll(bench);
  for (const each of await openersOfAll(bench)) assert.deepEqual(each, [1]);
});

test('an epoch that was re-wrapped is over: neither the running node nor the next one records under it', async () => {
  for (const how of ['running', 'restart', 'crash'] as const) {
    const recipients = [devices[0]!, devices[1]!];
    const bench = benchOf(recipients);
    await bench.vault.start();
    const writer = bench.vault.openStream(place());
    const camera = bench.camera();
    await writer.beginRun(camera.run());
    await record(bench, writer, camera, 12);
    recipients.pop();
    await rewrapAll(bench);
    assert.deepEqual(await openersOfAll(bench), [[1]]);
    if (how === 'running') {
      await record(bench, writer, camera, 12);
      await writer.release();
    } else {
      if (how === 'restart') await bench.restart();
      else await bench.crash();
      const later = bench.vault.openStream(place());
      camera.skip(1000);
      await bench.clock.advance(1000);
      await later.beginRun(camera.run());
      await record(bench, later, camera, 12);
      await later.release();
    }
    // Whoever had opened the first epoch's key still has it: nothing later may be under it.
    const { segments } = bench.all();
    assert.equal(segments.at(-1)!.epochId, 2, how);
    assert.deepEqual(await openersOfAll(bench), [[1], [1]], 'closing the epoch did not bring the copy back');
    await bench.vault.stop();
    assert.deepEqual((await verifyVault(bench.deps, bench.options)).findings, [], how);
  }
});

test('files that do not count are named and left alone; a source sealed to its owners loses copies but gains none', async () => {
  const recipients = [devices[0]!, devices[1]!];
  const bench = benchOf(recipients);
  await bench.vault.start();
  await recordDays(bench, 4);
  const [first, second, third] = keyFiles(bench);
  bench.files.poke(first!, bench.files.peek(first!).subarray(0, 50));
  const forged = bench.files.peek(second!);
  forged[200]! ^= 1;
  bench.files.poke(second!, forged);
  await bench.files.remove(third!);
  recipients.splice(0, 2, devices[2]!);
  const faults = (await rewrapAll(bench)).flatMap((page) => page.faults);
  assert.deepEqual(
    faults.map(({ sourceId, epochId, fault }) => [sourceId, epochId, fault]),
    [
      ['front', 1, 'malformed'],
      ['front', 2, 'signature'],
      ['front', 3, 'missing'],
    ],
  );
  assert.deepEqual(bench.files.peek(second!), forged);
  const other = benchOf(recipients);
  await other.vault.start();
  recipients.splice(0, 1, devices[0]!, devices[1]!);
  await recordDays(other, 1);
  Object.assign(other.deps.keys.kek, new Uint8Array(32).fill(0x55));
  recipients.splice(1, 1, devices[2]!);
  const [page] = await rewrapAll(other);
  assert.deepEqual([page!.dropped, page!.added, page!.faults.map(({ fault }) => fault)], [1, 0, ['sealed']]);
  assert.deepEqual(await openersOfAll(other), [[1]]);
  Object.assign(other.deps.keys.kek, new Uint8Array(32).fill(9));
});

test('a page is as long as asked, goes on behind its cursor, and can be broken off', async () => {
  const bench = benchOf([devices[0]!]);
  await bench.vault.start();
  await recordDays(bench, 3);
  const first = await bench.vault.rewrap({ limit: 1 });
  assert.deepEqual([first.files, first.total], [1, 3]);
  const rest = await bench.vault.rewrap({ limit: 10, cursor: first.cursor! });
  assert.deepEqual([rest.files, rest.cursor], [2, undefined]);
  for (const cursor of ['', 'x', `${'3'.repeat(32)}`, `${'3'.repeat(32)}.-1`, `${'3'.repeat(32)}.1.2`]) {
    await assert.rejects(bench.vault.rewrap({ limit: 1, cursor }), { code: 'ERR_VAULT_CURSOR_INVALID' });
  }
  await assert.rejects(bench.vault.rewrap({ limit: 1, signal: AbortSignal.abort() }));
});

test('the power may go at any call: every epoch stays open to those who have a right, and doing it again completes it', async () => {
  let reached = false;
  for (let at = 1; at < 200; at += STEP) {
    const recipients = [devices[0]!, devices[1]!];
    const bench = benchOf(recipients, { seed: at });
    await bench.vault.start();
    await recordDays(bench, 3);
    recipients.splice(0, 2, devices[0]!, devices[2]!);
    const end = bench.files.calls + at;
    bench.files.onCall = (verb) => {
      if (bench.files.calls >= end) throw new NvrError('ERR_FILES_FAILED', 'unavailable', `no power at ${verb}`);
    };
    const done = await rewrapAll(bench).then(
      () => true,
      () => false,
    );
    bench.files.onCall = null;
    await bench.crash();
    for (const each of await openersOfAll(bench)) {
      assert.ok(each.join() === '1,2' || each.join() === '1,3', `old or new, never half: ${each.join()}, call ${at}`);
    }
    for (const { id } of bench.all().segments) await bench.vault.fileKey(id);
    await rewrapAll(bench);
    for (const each of await openersOfAll(bench)) assert.deepEqual(each, [1, 3]);
    await bench.vault.stop();
    assert.deepEqual((await verifyVault(bench.deps, bench.options)).findings, [], `call ${at}`);
    if (done) {
      reached = true;
      break;
    }
  }
  assert.ok(reached, 'every call was reached');
});

test('a start after a crash brings log and key file together by itself', async () => {
  const recipients = [devices[0]!, devices[1]!];
  const bench = benchOf(recipients);
  await bench.vault.start();
  await recordDays(bench, 3);
  recipients.pop();
  // The leaf is written, the renaming never happens, of an epoch that is long over.
  bench.files.failAt(1, 'EIO', 'replace');
  await assert.rejects(bench.vault.rewrap({ limit: 1 }));
  await bench.crash({ keepAll: true });
  await bench.vault.stop();
  assert.deepEqual((await verifyVault(bench.deps, bench.options)).findings, []);
});

test('a full disk breaks it off with an error; afterwards it can be done again', async () => {
  const recipients = [devices[0]!, devices[1]!];
  const bench = benchOf(recipients);
  await bench.vault.start();
  await recordDays(bench, 3);
  recipients.splice(0, 1);
  bench.files.failAt(2, 'ENOSPC', 'replace');
  await assert.rejects(rewrapAll(bench), { kind: 'exhausted' });
  await rewrapAll(bench);
  for (const each of await openersOfAll(bench)) assert.deepEqual(each, [2]);
  await bench.vault.stop();
  assert.deepEqual((await verifyVault(bench.deps, bench.options)).findings, []);
});

test('a vault that is not running is re-wrapped as a whole, with progress', async () => {
  const recipients = [devices[0]!];
  const bench = benchOf(recipients);
  await bench.vault.start();
  await recordDays(bench, 3);
  await bench.vault.stop();
  recipients.splice(0, 1, devices[1]!);
  const progress: number[] = [];
  const report = await rewrapVault(bench.deps, bench.options, {}, ({ files }) => progress.push(files));
  assert.deepEqual([report.files, report.rewritten, report.dropped, report.added], [3, 3, 3, 3]);
  assert.deepEqual(progress, [3]);
  for (const each of await openersOfAll(bench)) assert.deepEqual(each, [2]);
});
