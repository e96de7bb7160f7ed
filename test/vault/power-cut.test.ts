import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isNvrError, NvrError } from '../../src/errors.ts';
import { SeededRandom } from '../../src/platform/index.ts';
import { type DurableMark, type StreamWriter, verifyVault } from '../../src/vault/index.ts';
import { Bench, openStored, place } from './bench.ts';
import type { SyntheticStream } from './synthetic-stream.ts';

const SEEDS = process.env['SLOW'] === '1' ? 150 : 5;
const ROUNDS = 4;

interface Recording {
  writer: StreamWriter;
  camera: SyntheticStream;
}

/** Records two streams in one life until the disk dies under it at a chosen call. */
async function liveUntilDeath(bench: Bench, seed: SeededRandom, deadline: number): Promise<void> {
  const streams: Recording[] = [
    {
      writer: bench.vault.openStream(place('front', 'main', 1)),
      camera: bench.camera({ pictureBytes: () => 2000 + seed.below(30_000) }),
    },
    { writer: bench.vault.openStream(place('back', 'sub', 2)), camera: bench.camera({ pictureBytes: () => 300 }) },
  ];
  const dead = () => bench.files.calls >= deadline;
  bench.files.onCall = (verb) => {
    if (dead()) throw new NvrError('ERR_FILES_FAILED', 'unavailable', `the power is gone at ${verb}`);
  };
  for (const { writer, camera } of streams) await writer.beginRun(camera.run());
  for (let i = 0; !dead(); i++) {
    for (const { writer, camera } of streams) {
      await writer.fragment(camera.next(bench.clock.monotonicUs()));
      if (seed.below(40) === 0) {
        await writer.endRun({ cause: 'ended', endUs: camera.wallUs, reason: 'as the test has it' });
        for (const other of streams) other.camera.skip(3000);
        await bench.clock.advance(3000);
        await writer.beginRun(camera.run());
      }
    }
    await bench.clock.advance(200);
    await new Promise((resolve) => setImmediate(resolve));
    assert.ok(i < 2000, 'the power is cut at some time');
  }
}

for (let seed = 1; seed <= SEEDS; seed++) {
  test(`whatever a power cut leaves is mended: seed ${seed}`, async () => {
    const random = new SeededRandom(seed);
    // Every other seed forgets by size too, so that the power fails in the middle of that as well.
    const forgets = seed % 2 === 0;
    const retention = forgets ? { default: { sizeBytes: 400_000 } } : {};
    const bench = new Bench({ seed, segmentMs: 3000, retention, sweepMs: 700 });
    const acknowledged = new Map<string, DurableMark>();
    await bench.vault.start();
    for (let round = 0; round < ROUNDS; round++) {
      const deadline = bench.files.calls + 20 + random.below(400);
      await liveUntilDeath(bench, random, deadline).catch((error) => {
        if (!isNvrError(error)) throw error;
      });
      for (const mark of bench.durable.splice(0)) acknowledged.set(mark.segmentId, mark);
      bench.files.onCall = null;
      await bench.crash({ keepAll: random.below(3) === 0 });

      for (const mark of acknowledged.values()) {
        const stored = bench.vault.find(mark.segmentId);
        if (!stored && forgets) continue;
        assert.ok(stored, `segment ${mark.segmentId} was acknowledged`);
        assert.ok(stored.endUs >= mark.endUs - 1, `its end ${stored.endUs} is not before ${mark.endUs}`);
        const { plaintext } = await openStored(bench.vault, bench.deps.suite, mark.segmentId);
        assert.ok(plaintext.length >= mark.plaintextBytes, 'no acknowledged byte is lost');
      }
      for (const [source, stream] of [
        ['front', 'main'],
        ['back', 'sub'],
      ] as const) {
        const { segments, gaps } = bench.all(source, stream);
        for (const segment of segments) await openStored(bench.vault, bench.deps.suite, segment.id);
        const seqs = segments.map((segment) => segment.seq);
        assert.deepEqual(
          seqs,
          [...new Set(seqs)].sort((a, b) => a - b),
          'sequence numbers rise',
        );
        if (segments.length > 0) assert.equal(gaps.at(-1)?.endUs, null, 'a crash is a gap that lasts');
      }
    }
    await bench.vault.stop();
    const report = await verifyVault(bench.deps, bench.options);
    const unexpected = report.findings.filter(({ name }) => name !== 'sequence-hole');
    assert.deepEqual(unexpected, []);
    assert.ok(report.opened === report.chunks);
  });
}
