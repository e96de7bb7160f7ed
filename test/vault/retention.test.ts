import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SimulatedClock, SimulatedFiles } from '../../src/platform/index.ts';
import { parseLeaf } from '../../src/protocol/index.ts';
import { verifyVault } from '../../src/vault/index.ts';
import { CalendarGuard } from '../../src/vault/retention-clock.ts';
import { Bench, openStored, pass, place } from './bench.ts';

async function filled(bench: Bench, sources: string[], fragments: number): Promise<void> {
  await bench.vault.start();
  const streams = sources.map((source, i) => ({
    writer: bench.vault.openStream(place(source, 'main', i + 1)),
    camera: bench.camera({ pictureBytes: () => 4000 }),
  }));
  for (const { writer, camera } of streams) await writer.beginRun(camera.run());
  for (let i = 0; i < fragments; i++) {
    for (const { writer, camera } of streams) await writer.fragment(camera.next(bench.clock.monotonicUs()));
    await bench.clock.advance(200);
    await new Promise((resolve) => setImmediate(resolve));
  }
  for (const { writer } of streams) await writer.release();
}

const pruneLeaves = (bench: Bench) => {
  const bytes = bench.files.peek('/vault/log/log.bin');
  return Array.from({ length: (bytes.length - 64) / 256 }, (_, i) =>
    parseLeaf(bytes.subarray(64 + i * 256, 320 + i * 256)),
  )
    .flatMap((parsed) => (parsed.ok ? [parsed.value] : []))
    .filter(({ type }) => type === 'prune');
};

test('other rules hold from the next sweep', async () => {
  const bench = new Bench({ retention: { default: {} }, sweepMs: 1000 });
  await filled(bench, ['front', 'back'], 100);
  for (let i = 0; i < 20; i++) {
    await bench.clock.advance(3_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
  const kept = bench.all('back').segments.length;
  assert.equal(bench.all('front').segments.length, kept);
  bench.vault.retain({ default: {}, sources: { front: { ageMs: 30_000 } } });
  await pass(bench, () => bench.all('front').segments.length === 0, 'all of it went');
  assert.equal(bench.all('back').segments.length, kept);
  await bench.vault.stop();
});

test('segments older than their source allows go, oldest first, and the log says why', async () => {
  const bench = new Bench({ retention: { default: { ageMs: 30_000 }, sources: { back: {} } }, sweepMs: 1000 });
  await filled(bench, ['front', 'back'], 100);
  const kept = bench.all('back').segments.length;
  // Time passes with nothing recorded: the guard's calendar goes on with the clock.
  await pass(bench, () => bench.all('front').segments.length < kept, 'something went');
  const { segments } = bench.all('front');
  assert.ok(segments.length > 0);
  assert.ok(segments.every(({ endUs }) => endUs >= bench.clock.nowUs() - 32_000_000));
  await pass(bench, () => bench.all('front').segments.length === 0, 'all of it went');
  assert.equal(bench.all('back').segments.length, kept, 'the other source has its own rule');
  assert.ok(pruneLeaves(bench).every(({ cause, headerHash }) => cause === 1 && headerHash.some((byte) => byte !== 0)));
  const seqs = pruneLeaves(bench).map(({ seq }) => seq);
  assert.deepEqual(
    seqs,
    seqs.toSorted((a, b) => a - b),
  );
  await bench.vault.stop();
  assert.deepEqual((await verifyVault(bench.deps, bench.options)).findings, []);
});

test('a source is held to its size, the store to its own', async () => {
  const sizes = { sources: { front: { sizeBytes: 300_000 } }, totalBytes: 1_000_000 };
  const bench = new Bench({ retention: sizes, sweepMs: 1000 });
  await filled(bench, ['front', 'back'], 250);
  const bytes = (source: string) => bench.all(source).segments.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  await pass(bench, () => bytes('front') <= 300_000 && bytes('front') + bytes('back') <= 1_000_000, 'sizes are kept');
  assert.ok(bytes('front') > 200_000 && bytes('back') > 500_000, 'and not more is forgotten than must be');
  assert.equal(bench.vault.status().sizeBytes, bytes('front') + bytes('back'));
  assert.ok(pruneLeaves(bench).every(({ cause }) => cause === 2));
  await bench.vault.stop();
  assert.deepEqual((await verifyVault(bench.deps, bench.options)).findings, []);
});

test('the floor of free space is kept by forgetting the oldest of all sources, and recording never stops', async () => {
  const files = new SimulatedFiles({ capacityBytes: 3_000_000 });
  const bench = new Bench({ files, floor: { bytes: 250_000, ratio: 0 }, sweepMs: 400 });
  await filled(bench, ['front', 'back'], 500);
  await pass(bench, () => bench.vault.status().freeBytes >= 250_000, 'the floor is kept');
  assert.equal(bench.vault.status().state, 'ok');
  const starts = ['front', 'back'].map((source) => bench.all(source).segments[0]!.startUs);
  assert.ok(Math.abs(starts[0]! - starts[1]!) <= 4_000_000, 'both give alike');
  assert.ok(pruneLeaves(bench).every(({ cause }) => cause === 3));
  for (const source of ['front', 'back']) {
    for (const { id } of bench.all(source).segments) await openStored(bench.vault, bench.deps.suite, id);
  }
  await bench.vault.stop();
  assert.deepEqual((await verifyVault(bench.deps, bench.options)).findings, []);
});

test('what is being read is not forgotten before it was let go', async () => {
  const bench = new Bench({ retention: { default: { ageMs: 5000 } }, sweepMs: 1000 });
  await filled(bench, ['front'], 30);
  const [oldest] = bench.all().segments;
  const reading = await bench.vault.read(oldest!.id);
  await pass(bench, () => bench.all().segments.length === 1, 'the others went');
  assert.deepEqual(
    bench.all().segments.map(({ id }) => id),
    [oldest!.id],
  );
  assert.equal(await reading.read(new Uint8Array(100), 0), 100);
  await reading.close();
  await reading.close();
  await pass(bench, () => bench.all().segments.length === 0, 'it went too');
  await assert.rejects(bench.vault.read(oldest!.id), { code: 'ERR_VAULT_SEGMENT_MISSING', kind: 'missing' });
  await assert.rejects(bench.vault.fileKey(oldest!.id), { code: 'ERR_VAULT_SEGMENT_MISSING' });
});

test('an epoch that holds nothing any more goes with its key', async () => {
  const midnight = 1_795_305_600_000;
  const bench = new Bench({ startAt: midnight - 4000, retention: { default: { ageMs: 10_000 } }, sweepMs: 1000 });
  await filled(bench, ['front'], 60);
  await pass(
    bench,
    () => !bench.files.paths().some((path) => path.includes('/main/1')),
    'the first day is gone with its key',
  );
  assert.ok(bench.files.paths().some((path) => path.endsWith('/main/2.cnk')));
  await bench.vault.stop();
  assert.deepEqual((await verifyVault(bench.deps, bench.options)).findings, []);
});

test('a clock set years ahead makes nothing go; it is believed after a day', async () => {
  const bench = new Bench({ retention: { default: { ageMs: 86_400_000 } }, sweepMs: 1000 });
  await filled(bench, ['front'], 60);
  const before = bench.all().segments.length;
  bench.clock.step(12 * 365 * 86_400_000);
  await bench.clock.advance(10_000);
  await bench.restart();
  await bench.clock.advance(10_000);
  assert.equal(bench.all().segments.length, before);

  const clock = new SimulatedClock(1_000_000_000_000);
  const guard = new CalendarGuard(clock);
  guard.begin(null);
  assert.equal(guard.nowUs(), clock.nowUs());
  clock.step(10 * 86_400_000);
  assert.equal(guard.nowUs(), clock.nowUs() - 10 * 86_400_000_000);
  await clock.advance(86_399_000);
  assert.ok(guard.nowUs() < clock.nowUs());
  await clock.advance(2000);
  assert.equal(guard.nowUs(), clock.nowUs(), 'a step that stood for a day is believed');
  clock.step(-86_400_000);
  assert.equal(guard.nowUs(), clock.nowUs(), 'a step backwards is followed at once');
  guard.begin(clock.nowUs() - 5 * 86_400_000_000);
  assert.equal(guard.nowUs(), clock.nowUs() - 5 * 86_400_000_000, 'also one met at start-up');
});

test('days left are told from what is stored and what is free', async () => {
  const files = new SimulatedFiles({ capacityBytes: 2_000_000 });
  const bench = new Bench({ files, floor: { bytes: 100_000, ratio: 0 } });
  await bench.vault.start();
  assert.equal(bench.vault.status().daysLeft, null);
  const writer = bench.vault.openStream(place());
  const camera = bench.camera({ fragmentMs: 30_000, pictureBytes: () => 9000 });
  await writer.beginRun(camera.run());
  for (let i = 0; i < 60; i++) {
    await writer.fragment(camera.next());
    await bench.clock.advance(30_000);
  }
  await writer.release();
  const { daysLeft, sizeBytes, freeBytes } = bench.vault.status();
  const expected = ((freeBytes - 100_000) / sizeBytes) * (1800 / 86_400);
  assert.ok(daysLeft !== null && Math.abs(daysLeft - expected) <= 0.1, `${daysLeft} of ${expected}`);
});
