import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toHex } from '../../src/bytes/index.ts';
import type { SyncCryptoSuite } from '../../src/crypto/index.ts';
import { isNvrError } from '../../src/errors.ts';
import { type DiskFault, SimulatedFiles } from '../../src/platform/index.ts';
import { createNodeSuite } from '../../src/platform/node/index.ts';
import type { GapCause } from '../../src/protocol/index.ts';
import { verifyVault } from '../../src/vault/index.ts';
import { Bench, openStored, place, record, until } from './bench.ts';

const STEP = process.env['SLOW'] === '1' ? 1 : 10;
const FAULTS: readonly DiskFault[] = ['EIO', 'ENOSPC', 'EROFS', 'EMFILE', 'short'];

/** A suite that remembers every (key, nonce) it sealed under. */
function watched(): { suite: SyncCryptoSuite; repeats: string[]; sealed: () => number } {
  const inner = createNodeSuite();
  const used = new Set<string>();
  const repeats: string[] = [];
  const suite: SyncCryptoSuite = {
    ...inner,
    aead: {
      key(key) {
        const name = toHex(key);
        const prepared = inner.aead.key(key);
        return {
          seal(nonce, additional, plaintext) {
            const pair = `${name} ${toHex(nonce)}`;
            if (used.has(pair)) repeats.push(pair);
            used.add(pair);
            return prepared.seal(nonce, additional, plaintext);
          },
          open: (nonce, additional, ciphertext) => prepared.open(nonce, additional, ciphertext),
        };
      },
    },
  };
  return { suite, repeats, sealed: () => used.size };
}

/** Records through whatever the disk does, as a recorder would: an error ends the run, and after a while another begins. */
async function recordThrough(bench: Bench, fragments: number): Promise<number> {
  const writer = bench.vault.openStream(place());
  const camera = bench.camera({ pictureBytes: () => 9000, keyframeEvery: 3 });
  let [open, failures] = [false, 0];
  for (let i = 0; i < fragments; i++) {
    try {
      if (!open) {
        await writer.beginRun(camera.run());
        open = true;
      }
      await writer.fragment(camera.next(bench.clock.monotonicUs()));
      await bench.clock.advance(200);
      await new Promise((resolve) => setImmediate(resolve));
    } catch (error) {
      assert.ok(isNvrError(error, 'exhausted') || isNvrError(error, 'unavailable'), String(error));
      failures += 1;
      const cause: GapCause = isNvrError(error, 'exhausted') ? 'full' : 'storage';
      if (open) await writer.endRun({ cause, endUs: camera.wallUs, reason: 'the disk' });
      open = false;
      await bench.clock.advance(6000);
      camera.skip(6000);
    }
  }
  await writer.release();
  return failures;
}

for (const fault of FAULTS) {
  test(`recording goes on whichever call the disk answers with ${fault}`, async () => {
    let reached = false;
    for (let at = 1; at < 400; at += STEP) {
      const { suite, repeats, sealed } = watched();
      const bench = new Bench({ suite, seed: at });
      await bench.vault.start();
      const before = bench.files.calls;
      bench.files.failAt(at, fault);
      await recordThrough(bench, 40);
      if (bench.files.calls - before < at) {
        reached = true;
        break;
      }
      bench.files.heal();
      await bench.clock.advance(6000);
      assert.equal(await recordThrough(bench, 8), 0, 'nothing of the failure is left');
      assert.deepEqual(repeats, [], `no key and nonce twice, fault at call ${at}`);
      assert.ok(sealed() > 20);
      const { segments } = bench.all();
      assert.ok(segments.length >= 3, `it recorded again after a fault at call ${at}`);
      for (const segment of segments) {
        const { complete } = await openStored(bench.vault, bench.deps.suite, segment.id);
        assert.equal(complete, segment.state === 'final');
      }
      await until(() => bench.vault.status().state === 'ok', 'a vault that is well again');
      await bench.vault.stop();
      const report = await verifyVault(bench.deps, bench.options);
      // What a failing disk may leave: a file its own removal failed for, a number used up, an epoch whose renaming failed.
      const harmless = new Set(['sequence-hole', 'segment-unlogged', 'segment-longer', 'key-unlogged', 'stray-file']);
      assert.deepEqual(
        report.findings.filter(({ name }) => !harmless.has(name)),
        [],
        `fault at call ${at}`,
      );
    }
    assert.ok(reached, 'every call of the run was reached');
  });
}

test('a full disk stops recording loudly, loses nothing stored, and recording resumes by itself', async () => {
  const files = new SimulatedFiles({ capacityBytes: 4_000_000 });
  const { suite, repeats } = watched();
  const bench = new Bench({ files, suite, floor: { bytes: 200_000, ratio: 0 }, seed: 3 });
  await bench.vault.start();
  const writer = bench.vault.openStream(place());
  const camera = bench.camera({ pictureBytes: () => 9000 });
  await writer.beginRun(camera.run());
  await record(bench, writer, camera, 30);
  const stored = bench.all().segments.length;
  // Somebody else fills the disk at once.
  files.poke('/elsewhere/hog', new Uint8Array(4_000_000 - files.usedBytes() - 30_000));
  let refused: unknown = null;
  for (let i = 0; i < 50 && !refused; i++) {
    await record(bench, writer, camera, 1).catch((error) => {
      refused = error;
    });
  }
  assert.ok(isNvrError(refused, 'exhausted'));
  await writer.endRun({ cause: 'full', endUs: camera.wallUs, reason: 'full' });
  assert.equal(bench.vault.status().state, 'full');
  assert.match(bench.vault.status().reason ?? '', /held|full/);
  await assert.rejects(writer.beginRun(camera.run()), { code: 'ERR_VAULT_FULL' });
  assert.ok(bench.all().segments.length < stored + 3);
  // Forgetting the oldest was tried, as far as it goes; the hog leaves, and nobody has to say so.
  files.poke('/elsewhere/hog', new Uint8Array(0));
  await bench.clock.advance(5000);
  await until(() => bench.vault.status().state === 'ok', 'room again');
  camera.skip(5000);
  await writer.beginRun(camera.run());
  await record(bench, writer, camera, 20);
  await writer.release();
  const { segments, gaps } = bench.all();
  assert.equal(segments.at(-1)?.state, 'final');
  assert.equal(gaps.find((gap) => gap.endUs !== null)?.cause, 'full');
  for (const segment of segments) await openStored(bench.vault, bench.deps.suite, segment.id);
  assert.deepEqual(repeats, []);
  await bench.vault.stop();
  assert.ok((await verifyVault(bench.deps, bench.options)).sound);
});
