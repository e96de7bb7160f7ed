import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { boxesIn } from '../../src/media/index.ts';
import { SeededRandom, silentLog } from '../../src/platform/index.ts';
import { createNodeClock, createNodeFiles, createNodeRandom, createNodeSuite } from '../../src/platform/node/index.ts';
import type { SegmentId } from '../../src/protocol/index.ts';
import {
  createVault,
  type Vault,
  type VaultDeps,
  type VaultOptions,
  type VerifyReport,
  verifyVault,
} from '../../src/vault/index.ts';
import { openStored, testKeys } from '../vault/bench.ts';
import { PICTURE_MARK } from '../vault/synthetic-stream.ts';
import { findPlaintext } from './plaintext-search.ts';
import { CRASH_STREAMS } from './streams.ts';

export interface CrashOptions {
  rounds: number;
  seed: number;
  /** An empty or former folder; the store grows over all rounds. */
  root: string;
  /** Recording time before a kill, drawn between the two. */
  lifeMs?: [number, number];
  onRound?: (round: number, lossMs: number) => void;
}

export interface CrashOutcome {
  rounds: number;
  /** Per kill, the worse of both streams: from the last stored fragment's end to the kill, ms. */
  lossesMs: number[];
  acknowledged: number;
  recovered: number;
  discarded: number;
  startMsMax: number;
  report: VerifyReport;
  plaintext: string[];
}

interface Life {
  killedAtUs: number;
  /** By stream: fragments handed over, and how far the vault acknowledged. */
  streams: Map<
    string,
    { fragments: { endUs: number; hash: string }[]; ackedUs: number; segments: Map<string, number> }
  >;
}

/** Kills a recording process again and again, and holds what is left against what it had acknowledged. */
export async function crashRounds(options: CrashOptions): Promise<CrashOutcome> {
  const random = new SeededRandom(options.seed);
  const [shortest, longest] = options.lifeMs ?? [150, 1900];
  const deps: VaultDeps = {
    clock: createNodeClock(),
    random: createNodeRandom(),
    log: silentLog,
    files: createNodeFiles(),
    suite: createNodeSuite(),
    keys: testKeys,
  };
  const vaultOptions: VaultOptions = { root: options.root, floor: { bytes: 1, ratio: 0 } };
  const outcome = { lossesMs: [] as number[], acknowledged: 0, recovered: 0, discarded: 0, startMsMax: 0 };
  for (let round = 1; round <= options.rounds; round++) {
    const life = await killedLife(options.root, options.seed + round, shortest + random.below(longest - shortest));
    const vault = createVault(deps, vaultOptions);
    await vault.start();
    try {
      outcome.recovered += vault.recovery!.recovered;
      outcome.discarded += vault.recovery!.discarded;
      outcome.startMsMax = Math.max(outcome.startMsMax, vault.recovery!.durationMs);
      assert.ok(!vault.recovery!.indexRebuilt || round === 1, 'the index survives a kill');
      const { acknowledged, lossMs } = await check(vault, deps, life);
      outcome.acknowledged += acknowledged;
      if (lossMs !== null) outcome.lossesMs.push(lossMs);
      options.onRound?.(round, lossMs ?? 0);
    } finally {
      await vault.stop();
    }
  }
  const report = await verifyVault(deps, vaultOptions);
  return { rounds: options.rounds, ...outcome, report, plaintext: findPlaintext(options.root, [PICTURE_MARK]) };
}

/** One life of the writer, from its start to SIGKILL. */
async function killedLife(root: string, seed: number, lifeMs: number): Promise<Life> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'writer.ts'), root, String(seed)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  let complaints = '';
  const clock = createNodeClock();
  const { promise: gone, resolve } = Promise.withResolvers<void>();
  const { promise: ready, resolve: isReady } = Promise.withResolvers<void>();
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    text += piece;
    if (text.startsWith('ready')) isReady();
  });
  child.stderr.setEncoding('utf8').on('data', (piece: string) => {
    complaints += piece;
  });
  child.on('close', () => {
    isReady();
    resolve();
  });
  await ready;
  await clock.sleep(lifeMs);
  const killedAtUs = clock.nowUs();
  child.kill('SIGKILL');
  await gone;
  assert.equal(child.signalCode, 'SIGKILL', `the writer ended by itself: ${complaints}`);

  const life: Life = { killedAtUs, streams: new Map() };
  // The last line may be cut.
  for (const line of text.split('\n').slice(0, -1)) {
    const [kind, streamId, ...rest] = line.split(' ');
    if (kind === 'ready') continue;
    const stream = life.streams.get(streamId!) ?? { fragments: [], ackedUs: 0, segments: new Map<string, number>() };
    life.streams.set(streamId!, stream);
    if (kind === 'f') stream.fragments.push({ endUs: Number(rest[0]), hash: rest[1]! });
    if (kind === 'a') {
      stream.ackedUs = Number(rest[2]);
      stream.segments.set(rest[0]!, Number(rest[1]));
    }
  }
  return life;
}

/** Every acknowledged fragment is there, whole and the same; gives how many, and how much picture the kill cost. */
async function check(
  vault: Vault,
  deps: VaultDeps,
  life: Life,
): Promise<{ acknowledged: number; lossMs: number | null }> {
  let acknowledged = 0;
  let lossMs: number | null = null;
  for (const { place } of CRASH_STREAMS) {
    const stream = life.streams.get(place.streamId);
    if (!stream) continue;
    const hashes = new Set<string>();
    const stored = vault.list({
      ...place,
      fromUs: Math.min(...stream.fragments.map(({ endUs }) => endUs)) - 1_000_000,
      toUs: Number.MAX_SAFE_INTEGER,
      order: 'oldest',
      limit: 1000,
    }).segments;
    for (const segment of stored) {
      const { plaintext } = await openStored(vault, deps.suite, segment.id);
      const acked = stream.segments.get(segment.id);
      if (acked !== undefined) assert.ok(plaintext.length >= acked, 'no acknowledged byte is missing');
      for (const hash of fragmentHashes(plaintext)) hashes.add(hash);
    }
    for (const id of stream.segments.keys()) assert.ok(vault.find(id as SegmentId), `segment ${id} was acknowledged`);
    for (const { endUs, hash } of stream.fragments) {
      if (endUs > stream.ackedUs) break;
      assert.ok(hashes.has(hash), `a fragment ending at ${endUs} was acknowledged`);
      acknowledged += 1;
    }
    const kept = stream.fragments.filter(({ hash }) => hashes.has(hash)).at(-1)?.endUs ?? null;
    const begin = stream.fragments[0] ? stream.fragments[0].endUs - 200_000 : life.killedAtUs;
    lossMs = Math.max(lossMs ?? 0, (life.killedAtUs - (kept ?? begin)) / 1000);
    const [gap] = vault.gaps({ ...place, fromUs: life.killedAtUs, toUs: life.killedAtUs + 1, limit: 1 });
    if (kept !== null) assert.equal(gap?.cause, 'crashed', 'the log tells of the crash');
  }
  return { acknowledged, lossMs };
}

/** SHA-256 of every whole fragment (`prft` to `mdat`) of a plaintext that may end in the middle of one. */
function fragmentHashes(plaintext: Uint8Array): string[] {
  const hashes: string[] = [];
  let begin = 0;
  try {
    for (const box of boxesIn(plaintext)) {
      if (box.type === 'prft') begin = box.start;
      if (box.type === 'mdat')
        hashes.push(createHash('sha256').update(plaintext.subarray(begin, box.end)).digest('hex'));
    }
  } catch {
    // the last one is cut
  }
  return hashes;
}
