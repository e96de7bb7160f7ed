import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concatBytes, fromHex, toHex } from '../../src/bytes/index.ts';
import { xWingPairOfSeed, xWingPublicKey } from '../../src/crypto/index.ts';
import { boxesIn, type CapturedFragment, readMfra, readPrft } from '../../src/media/index.ts';
import {
  chainKeyAt,
  openAsRecipient,
  parseEpochKeyFile,
  parseLeaf,
  parseSegmentHeader,
  type StreamId,
  unwrapFileKey,
  verifyEpochKeyFile,
} from '../../src/protocol/index.ts';
import { verifyVault } from '../../src/vault/index.ts';
import { Bench, NOON, openStored, place, record, testKeys, until } from './bench.ts';

const LOG = '/vault/log/log.bin';

function leavesOf(bench: Bench) {
  const bytes = bench.files.peek(LOG);
  return Array.from({ length: (bytes.length - 64) / 256 }, (_, i) => {
    const parsed = parseLeaf(bytes.subarray(64 + i * 256, 64 + (i + 1) * 256));
    assert.ok(parsed.ok);
    return parsed.value;
  });
}

test('a run becomes segments cut at keyframes, each a playable movie with its index at the end', async () => {
  const bench = new Bench();
  await bench.vault.start();
  const writer = bench.vault.openStream(place());
  const camera = bench.camera();
  const run = camera.run();
  await writer.beginRun(run);
  const sent: CapturedFragment[] = [];
  for (let i = 0; i < 40; i++) {
    const fragment = camera.next(bench.clock.monotonicUs());
    sent.push(fragment);
    await writer.fragment(fragment);
    await bench.clock.advance(200);
  }
  await writer.release();
  const { segments, gaps } = bench.all();
  assert.ok(segments.length >= 4);
  assert.deepEqual(gaps, [{ startUs: camera.wallUs, endUs: null, cause: 'stopped' }]);
  let number = 0;
  for (const [i, segment] of segments.entries()) {
    assert.equal(segment.state, 'final');
    assert.equal(segment.seq, i + 1);
    assert.equal(segment.run, run.id);
    assert.deepEqual(segment.tracks, run.init.tracks);
    if (i > 0) assert.equal(segment.startUs, segments[i - 1]!.endUs, 'segments of a run tile');
    const { plaintext, complete } = await openStored(bench.vault, bench.deps.suite, segment.id);
    assert.ok(complete);
    const boxes = [...boxesIn(plaintext)];
    assert.match(
      boxes.map(({ type }) => type).join(' '),
      /^ftyp moov (prft moof mdat |free )*mfra$/,
      'the order of boxes',
    );
    const index = readMfra(plaintext.subarray(boxes.at(-1)!.start));
    for (const [k, box] of boxes.entries()) {
      if (box.type !== 'prft') continue;
      const fragment = sent[number++]!;
      assert.deepEqual(plaintext.slice(box.start, boxes[k + 2]!.end), fragment.bytes, 'media boxes are not rewritten');
      assert.equal(readPrft(plaintext, box).wallUs, fragment.startUs);
      const entry = index.entries.find(({ moofAt }) => moofAt === boxes[k + 1]!.start);
      assert.equal(entry?.time, fragment.keyframe ? fragment.videoDecodeTime : undefined);
    }
    assert.equal(index.entries.length, 2, 'one entry per keyframe');
  }
  assert.equal(number, sent.length);
});

test('fragment bytes are synced within a second, and padding is a free box that is at least 8 bytes', async () => {
  for (const pictureBytes of [100, 3000, 16_000, 16_200, 16_255, 16_256, 16_257, 16_258, 16_260, 16_384, 40_000]) {
    const bench = new Bench({ segmentMs: 60_000 });
    await bench.vault.start();
    const writer = bench.vault.openStream(place());
    const camera = bench.camera({ pictureBytes: () => pictureBytes });
    await writer.beginRun(camera.run());
    for (let i = 0; i < 12; i++) {
      const fragment: CapturedFragment = camera.next(bench.clock.monotonicUs());
      await writer.fragment(fragment);
      // Silence: nothing else comes, and still it is acknowledged within a second.
      await bench.clock.advance(950);
      await until(
        () => bench.durable.at(-1)?.endUs === fragment.endUs,
        `fragment ${i} of ${pictureBytes} bytes is safe`,
      );
    }
    await writer.release();
    const [segment] = bench.all().segments;
    const { plaintext } = await openStored(bench.vault, bench.deps.suite, segment!.id);
    for (const { type, start, end } of boxesIn(plaintext)) {
      if (type !== 'free') continue;
      assert.ok(end - start >= 8 && end - start < 16_384 + 8);
      assert.equal(end % 16_384, 0, 'padding ends with a chunk');
    }
    await bench.vault.stop();
  }
});

test('a busy stream is not padded, and is synced about twice a second', async () => {
  const bench = new Bench({ segmentMs: 60_000 });
  await bench.vault.start();
  const writer = bench.vault.openStream(place());
  const camera = bench.camera({ pictureBytes: () => 100_000 });
  await writer.beginRun(camera.run());
  let syncs = 0;
  bench.files.onCall = (verb, path) => {
    if (verb === 'sync' && path.endsWith('.cnv')) syncs += 1;
  };
  for (let i = 0; i < 50; i++) {
    await record(bench, writer, camera, 1);
    await new Promise((resolve) => setImmediate(resolve));
  }
  bench.files.onCall = null;
  await writer.release();
  const { plaintext } = await openStored(bench.vault, bench.deps.suite, bench.all().segments[0]!.id);
  assert.ok([...boxesIn(plaintext)].filter(({ type }) => type === 'free').length === 0);
  assert.ok(syncs >= 9 && syncs <= 21, `${syncs} syncs in 10 s`);
});

test('gaps have a cause, last until the next run, and touch what they are asked for', async () => {
  const bench = new Bench();
  await bench.vault.start();
  const writer = bench.vault.openStream(place());
  const camera = bench.camera();
  for (const cause of ['unreachable', 'changed', 'ended'] as const) {
    await writer.beginRun(camera.run());
    await record(bench, writer, camera, 10);
    await writer.endRun({ cause, endUs: camera.wallUs, reason: cause });
    if (cause !== 'changed') {
      await bench.clock.advance(5000);
      camera.skip(5000);
    }
  }
  const at = NOON * 1000;
  const { gaps } = bench.all();
  assert.deepEqual(gaps, [
    { startUs: at + 2_000_000, endUs: at + 7_000_000, cause: 'unreachable' },
    { startUs: at + 11_000_000, endUs: null, cause: 'ended' },
  ]);
  const query = { ...place(), limit: 10 };
  const within = (from: number, to: number) =>
    bench.vault.gaps({ ...query, fromUs: at + from, toUs: at + to }).map(({ cause }) => cause);
  assert.deepEqual(within(0, 2_000_000), []);
  assert.deepEqual(within(0, 2_000_001), ['unreachable']);
  assert.deepEqual(within(6_999_999, 7_000_001), ['unreachable']);
  assert.deepEqual(within(7_000_000, 9_000_000), []);
  assert.deepEqual(within(50_000_000, 60_000_000), ['ended']);
  assert.deepEqual(bench.vault.gaps({ ...query, fromUs: 0, toUs: at * 2, limit: 1 }).length, 1);
  const causes = leavesOf(bench).filter(({ type }) => type === 'gap');
  assert.equal(causes.length, 5, 'each gap is told when it begins and, but the last, when it ends');
  assert.deepEqual(new Set(causes.map(({ cause }) => cause)), new Set([4, 8, 7]));
});

test('an orderly stop and a crash are told apart, and recording goes on with the next number', async () => {
  const bench = new Bench();
  await bench.vault.start();
  const camera = bench.camera({ pictureBytes: () => 20_000 });
  const first = bench.vault.openStream(place());
  await first.beginRun(camera.run());
  await record(bench, first, camera, 12);
  await bench.vault.stop();
  assert.throws(() => bench.vault.openStream(place()), { code: 'ERR_VAULT_STOPPED' });
  await bench.restart();
  assert.equal(bench.all().gaps[0]?.cause, 'stopped');
  const second = bench.vault.openStream(place());
  camera.skip(2000);
  await second.beginRun(camera.run());
  await record(bench, second, camera, 12);
  await bench.crash({ keepAll: true });
  assert.equal(bench.vault.recovery?.recovered, 1);
  const { segments, gaps } = bench.all();
  assert.equal(segments.at(-1)?.state, 'recovered');
  assert.deepEqual(
    gaps.map(({ cause, endUs }) => [cause, endUs !== null]),
    [
      ['stopped', true],
      ['crashed', false],
    ],
  );
  assert.deepEqual(
    segments.map(({ seq }) => seq),
    [...segments.keys()].map((i) => i + 1),
  );
  assert.equal(gaps[1]?.startUs, segments.at(-1)?.endUs);
});

test('a stream has one writer, one place, and one order of calls', async () => {
  const bench = new Bench();
  await bench.vault.start();
  const writer = bench.vault.openStream(place());
  const camera = bench.camera();
  assert.throws(() => bench.vault.openStream(place()), { code: 'ERR_VAULT_STREAM_BUSY' });
  await assert.rejects(writer.fragment(camera.next()), { code: 'ERR_VAULT_ORDER' });
  await assert.rejects(writer.endRun({ cause: 'ended', endUs: 0, reason: '' }), { code: 'ERR_VAULT_ORDER' });
  await writer.beginRun(camera.run());
  await assert.rejects(writer.beginRun(camera.run()), { code: 'ERR_VAULT_ORDER' });
  await writer.release();
  await writer.release();
  const moved = bench.vault.openStream(place('back'));
  await assert.rejects(moved.beginRun(camera.run()), { code: 'ERR_VAULT_STREAM_MOVED' });
  await moved.release();
  const again = bench.vault.openStream(place());
  await again.beginRun(camera.run());
  await again.release();
});

test('what comes before the first keyframe is left out and counted', async () => {
  const bench = new Bench();
  await bench.vault.start();
  const writer = bench.vault.openStream(place());
  const camera = bench.camera();
  camera.next();
  await writer.beginRun(camera.run());
  await record(bench, writer, camera, 9);
  await writer.release();
  const leaf = leavesOf(bench).find(({ type }) => type === 'segment');
  assert.equal(leaf?.lostFrames, 4);
  assert.equal(bench.all().segments[0]?.startUs, NOON * 1000 + 1_000_000);
});

test('a new epoch begins at midnight, and when devices come or go; a restart in managed mode goes on', async () => {
  const seed = new Uint8Array(32).fill(5);
  const suite = new Bench().deps.suite;
  const publicKey = xWingPublicKey(await xWingPairOfSeed(suite, seed));
  const recipients: { keyId: Uint8Array; publicKey: Uint8Array }[] = [];
  const midnight = Math.ceil(NOON / 86_400_000) * 86_400_000;
  const bench = new Bench({ startAt: midnight - 3000, keys: { recipients: () => recipients } });
  await bench.vault.start();
  const camera = bench.camera();
  const writer = bench.vault.openStream(place());
  await writer.beginRun(camera.run());
  await record(bench, writer, camera, 45);
  assert.deepEqual(new Set(bench.all().segments.map(({ epochId }) => epochId)), new Set([1, 2]));
  assert.ok(bench.all().segments.every(({ startUs, epochId }) => startUs >= midnight * 1000 === (epochId === 2)));
  recipients.push({ keyId: new Uint8Array(16).fill(1), publicKey });
  await record(bench, writer, camera, 20);
  await writer.release();
  await bench.restart();
  const later = bench.vault.openStream(place());
  camera.skip(1000);
  await bench.clock.advance(1000);
  await later.beginRun(camera.run());
  await record(bench, later, camera, 12);
  await later.release();
  const { segments } = bench.all();
  assert.deepEqual([...new Set(segments.map(({ epochId }) => epochId))], [1, 2, 3]);

  for (const epochId of new Set(segments.map((segment) => segment.epochId))) {
    const parsed = parseEpochKeyFile(bench.files.peek(`/vault/segments/front/main/${epochId}.cnk`));
    assert.ok(parsed.ok && verifyEpochKeyFile(suite.hashes, parsed.value));
    assert.deepEqual(parsed.value.signer, testKeys.nodeId);
    const { file } = parsed.value;
    assert.equal(file.notAfterUs !== null, epochId < segments.at(-1)!.epochId, 'an ended epoch says so');
    const opened = await openAsRecipient(suite, new Uint8Array(16).fill(1), seed, file);
    assert.equal(opened !== null, epochId >= 3, 'devices get a copy of epochs after they came');
    assert.ok(segments.some((each) => each.epochKeyId === toHex(file.commitment.subarray(0, 16))));
    if (!opened) continue;
    const [segment] = segments.filter((each) => each.epochId === epochId);
    const path = bench.files.paths().find((each) => each.includes(segment!.id))!;
    const header = parseSegmentHeader(bench.files.peek(path));
    assert.ok(header.ok);
    const chainKey = chainKeyAt(suite.hashes, opened, 0, header.value.header.chainIndex)!;
    const fileKey = await unwrapFileKey(suite, chainKey, header.value);
    assert.deepEqual(fileKey, await bench.vault.fileKey(segment!.id), 'a device finds the key the node gives out');
  }
  await bench.vault.stop();
  assert.deepEqual((await verifyVault(bench.deps, bench.options)).findings, []);
});

test('a malformed device key gets no copy and holds nothing up', async () => {
  const malformed = { keyId: new Uint8Array(16).fill(2), publicKey: new Uint8Array(1216).fill(0xff) };
  const bench = new Bench({ keys: { recipients: () => [malformed] } });
  await bench.vault.start();
  const writer = bench.vault.openStream(place());
  const camera = bench.camera();
  await writer.beginRun(camera.run());
  await record(bench, writer, camera, 40);
  await writer.release();
  const parsed = parseEpochKeyFile(bench.files.peek('/vault/segments/front/main/1.cnk'));
  assert.ok(parsed.ok && parsed.value.file.stanzas.length === 1);
  assert.ok(
    bench.all().segments.every(({ epochId }) => epochId === 1),
    'and not a new epoch with every segment',
  );
});

test('chain keys step with every segment, across restarts, and never repeat within an epoch', async () => {
  const bench = new Bench();
  await bench.vault.start();
  const camera = bench.camera();
  for (let life = 0; life < 3; life++) {
    const writer = bench.vault.openStream(place());
    await writer.beginRun(camera.run());
    await record(bench, writer, camera, 22);
    if (life === 1) await bench.crash();
    else await bench.restart();
    camera.skip(2000);
    await bench.clock.advance(2000);
  }
  const chain = bench.files
    .paths()
    .filter((path) => path.endsWith('.cnv'))
    .map((path) => parseSegmentHeader(bench.files.peek(path)))
    .map((parsed) => (parsed.ok ? `${parsed.value.header.epochId}/${parsed.value.header.chainIndex}` : 'unreadable'));
  assert.equal(new Set(chain).size, chain.length, chain.join(' '));
  assert.ok(
    chain.every((each) => each.startsWith('1/')),
    'a managed epoch goes on after a restart',
  );
});

test('a step of the calendar is told in the log, cuts the segment, and loses nothing', async () => {
  const bench = new Bench({ segmentMs: 60_000, retention: { default: { ageMs: 86_400_000 } } });
  await bench.vault.start();
  const camera = bench.camera();
  const writer = bench.vault.openStream(place());
  await writer.beginRun(camera.run());
  await record(bench, writer, camera, 20);
  const years = 12 * 365 * 86_400_000;
  for (const step of [years, -years, -90_000, 1500]) {
    bench.clock.step(step);
    await record(bench, writer, camera, 20);
  }
  await writer.release();
  const steps = leavesOf(bench).filter(({ type }) => type === 'clock');
  assert.deepEqual(
    steps.map(({ startUs, endUs }) => Math.round((endUs - startUs) / 1000)),
    [years, -years, -90_000],
  );
  const { segments } = bench.all();
  assert.equal(segments.length, 4, 'each step but the small one cuts');
  assert.equal(segments.at(-1)!.endUs, camera.wallUs);
  segments.forEach((segment, i) => {
    if (i > 0) assert.equal(segment.startUs, segments[i - 1]!.endUs);
  });
});

test('cuts of streams that begin together do not fall together', async () => {
  const bench = new Bench({ segmentMs: 10_000 });
  await bench.vault.start();
  const streams = [1, 60, 120, 180, 250].map((id) => ({
    id,
    writer: bench.vault.openStream(place(`cam${id}`, 'main', id)),
    camera: bench.camera({ pictureBytes: () => 200 }),
  }));
  for (const { writer, camera } of streams) await writer.beginRun(camera.run());
  for (let i = 0; i < 150; i++) {
    for (const { writer, camera } of streams) await writer.fragment(camera.next(bench.clock.monotonicUs()));
    await bench.clock.advance(200);
  }
  for (const { writer } of streams) await writer.release();
  const ends = streams.map(({ id }) => bench.all(`cam${id}`).segments.map(({ endUs }) => endUs - NOON * 1000));
  assert.ok(new Set(ends.map(([first]) => first)).size >= 4, String(ends));
  for (const own of ends) {
    own.slice(1, -1).forEach((end, i) => {
      assert.ok(Math.abs(end - own[i]! - 10_000_000) <= 1_000_000, 'and each is as long as told');
    });
  }
});

test('the log is a chain per stream and begins each life with a boot leaf', async () => {
  const bench = new Bench();
  await bench.vault.start();
  const writer = bench.vault.openStream(place());
  const camera = bench.camera();
  await writer.beginRun(camera.run());
  await record(bench, writer, camera, 30);
  await writer.release();
  await bench.restart();
  const leaves = leavesOf(bench);
  assert.deepEqual(
    leaves.slice(0, 3).map(({ type }) => type),
    ['boot', 'config', 'key'],
  );
  assert.equal(leaves.filter(({ type }) => type === 'boot').length, 2);
  assert.equal(leaves.at(-1)?.type, 'boot');
  assert.notDeepEqual(leaves[0]!.bootId, leaves.at(-1)!.bootId);
  assert.equal(bench.vault.status().leaves, leaves.length);
  const header = parseSegmentHeader(bench.files.peek(bench.files.paths().filter((path) => path.endsWith('.cnv'))[1]!));
  assert.ok(header.ok);
  const second = leaves.filter(({ type }) => type === 'segment')[1]!;
  assert.deepEqual(header.value.header.prevLeaf, second.prevLeaf, 'header and leaf agree on what came before');
  assert.deepEqual(header.value.header.streamId, fromHex(place().streamId as StreamId));
});

test('keys and pictures do not stand anywhere in the store', async () => {
  const bench = new Bench();
  await bench.vault.start();
  const writer = bench.vault.openStream(place());
  const camera = bench.camera();
  await writer.beginRun(camera.run());
  await record(bench, writer, camera, 30);
  const fileKeys = await Promise.all(bench.all().segments.map(({ id }) => bench.vault.fileKey(id)));
  await bench.vault.stop();
  const everything = Buffer.from(concatBytes(...bench.files.paths().map((path) => bench.files.peek(path))));
  for (const secret of [...fileKeys, testKeys.kek]) assert.equal(everything.indexOf(secret), -1);
  for (const mark of ['moof', 'mdat', 'prft', 'PLAINTEXT']) assert.equal(everything.indexOf(mark), -1);
});
