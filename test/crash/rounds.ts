import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromHex } from '../../src/bytes/index.ts';
import { vaultKeys } from '../../src/daemon/index.ts';
import { createIdentity } from '../../src/identity/index.ts';
import { boxesIn } from '../../src/media/index.ts';
import { SeededRandom, silentLog } from '../../src/platform/index.ts';
import { createNodeClock, createNodeFiles, createNodeRandom, createNodeSuite } from '../../src/platform/node/index.ts';
import type { SegmentId, SourceId, StreamName } from '../../src/protocol/index.ts';
import {
  createVault,
  type Vault,
  type VaultDeps,
  type VaultOptions,
  type VerifyReport,
  verifyVault,
} from '../../src/vault/index.ts';
import { findPlaintext } from '../support/plaintext-search.ts';
import { openStored } from '../vault/bench.ts';
import { CRASH_SOURCES, startCameras } from './cameras.ts';

export interface CrashOptions {
  rounds: number;
  seed: number;
  /** An empty or former data folder; the store grows over all rounds. */
  root: string;
  /** Recording time before a kill, from the first fragment of a life, drawn between the two. */
  lifeMs?: [number, number];
  onRound?: (round: number, lossMs: number) => void;
}

export interface CrashOutcome {
  rounds: number;
  /** Per kill, the worse of both cameras: from the last stored fragment's end to the kill, ms. */
  lossesMs: number[];
  acknowledged: number;
  recovered: number;
  discarded: number;
  startMsMax: number;
  report: VerifyReport;
  plaintext: string[];
}

interface Stream {
  fragments: { startUs: number; endUs: number; hash: string }[];
  ackedUs: number;
  segments: Map<string, number>;
}

interface Life {
  startedAt: number;
  killedAtUs: number;
  /** By stream id: fragments handed over, and how far the vault acknowledged. */
  streams: Map<string, Stream>;
  /** Bytes of the picture. */
  samples: Uint8Array[];
}

/** How long a node may take until something is recorded. */
const READY_MS = 60_000;
/** Samples of a life that are looked for in the clear. */
const SAMPLES_MAX = 12;

/** Kills a whole recording node again and again, and holds what is left against what it had acknowledged. */
export async function crashRounds(options: CrashOptions): Promise<CrashOutcome> {
  const { root } = options;
  const random = new SeededRandom(options.seed);
  const [shortest, longest] = options.lifeMs ?? [150, 3000];
  const cameras = await startCameras();
  mkdirSync(root, { recursive: true, mode: 0o700 });
  const config = `listen: 127.0.0.1:0\nstorage: { segment: 2s, size: 50GB }\nsources:\n${cameras.sources}`;
  writeFileSync(join(root, 'config.yaml'), config, { mode: 0o600 });
  const vaultOptions: VaultOptions = { root, floor: { bytes: 1, ratio: 0 } };
  const outcome = { lossesMs: [] as number[], acknowledged: 0, recovered: 0, discarded: 0, startMsMax: 0 };
  const plaintext: string[] = [];
  try {
    for (let round = 1; round <= options.rounds; round++) {
      const life = await killedLife(root, shortest + random.below(longest - shortest));
      await withVault(root, vaultOptions, async (vault, deps) => {
        outcome.recovered += vault.recovery!.recovered;
        outcome.discarded += vault.recovery!.discarded;
        outcome.startMsMax = Math.max(outcome.startMsMax, vault.recovery!.durationMs);
        assert.ok(!vault.recovery!.indexRebuilt, 'the index survives a kill');
        const { acknowledged, lossMs } = await check(vault, deps, life);
        outcome.acknowledged += acknowledged;
        if (lossMs !== null) outcome.lossesMs.push(lossMs);
        options.onRound?.(round, lossMs ?? 0);
      });
      plaintext.push(...findPlaintext(root, life.samples, { changedSince: life.startedAt }));
    }
  } finally {
    await cameras.stop();
  }
  const { report } = await withVault(root, vaultOptions, async () => ({}), true);
  return { rounds: options.rounds, ...outcome, report: report!, plaintext };
}

/** Opens the store with the node's own keys; with `verify` it is verified instead of started. */
async function withVault<T>(
  root: string,
  options: VaultOptions,
  work: (vault: Vault, deps: VaultDeps) => Promise<T>,
  verify = false,
): Promise<{ result?: T; report?: VerifyReport }> {
  const parts = {
    clock: createNodeClock(),
    random: createNodeRandom(),
    log: silentLog,
    files: createNodeFiles(),
    suite: createNodeSuite(),
  };
  const identity = createIdentity(parts, { folder: root, create: false });
  await identity.start();
  const deps: VaultDeps = { ...parts, keys: vaultKeys(identity) };
  try {
    if (verify) return { report: await verifyVault(deps, options) };
    const vault = createVault(deps, options);
    await vault.start();
    try {
      return { result: await work(vault, deps) };
    } finally {
      await vault.stop();
    }
  } finally {
    await identity.stop();
  }
}

/** One life of the node, from its start to SIGKILL, `lifeMs` after the first fragment came in. */
async function killedLife(root: string, lifeMs: number): Promise<Life> {
  const clock = createNodeClock();
  const startedAt = clock.now();
  const child = spawn(process.execPath, [join(import.meta.dirname, 'recorder.ts'), root], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  let complaints = '';
  const { promise: gone, resolve } = Promise.withResolvers<void>();
  const { promise: ready, resolve: isReady } = Promise.withResolvers<void>();
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    text += piece;
    isReady();
  });
  child.stderr.setEncoding('utf8').on('data', (piece: string) => {
    complaints += piece;
  });
  child.on('close', () => {
    isReady();
    resolve();
  });
  const giveUp = clock.after(READY_MS, isReady);
  await ready;
  giveUp();
  await clock.sleep(lifeMs);
  const killedAtUs = clock.nowUs();
  child.kill('SIGKILL');
  await gone;
  assert.equal(child.signalCode, 'SIGKILL', `the node ended by itself: ${complaints}`);
  assert.notEqual(text, '', `nothing was recorded within ${READY_MS} ms: ${complaints}`);

  const life: Life = { startedAt, killedAtUs, streams: new Map(), samples: [] };
  // The last line may be cut.
  for (const line of text.split('\n').slice(0, -1)) {
    const [kind, streamId, ...rest] = line.split(' ');
    const stream = life.streams.get(streamId!) ?? { fragments: [], ackedUs: 0, segments: new Map<string, number>() };
    life.streams.set(streamId!, stream);
    if (kind === 'f') {
      stream.fragments.push({ startUs: Number(rest[0]), endUs: Number(rest[1]), hash: rest[2]! });
      if (life.samples.length < SAMPLES_MAX) life.samples.push(fromHex(rest[3]!)!);
    }
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
  let met = 0;
  for (const { id } of CRASH_SOURCES) {
    const place = { sourceId: id as SourceId, stream: 'main' as StreamName };
    const everything = { ...place, fromUs: 0, toUs: Number.MAX_SAFE_INTEGER, order: 'newest', limit: 50 } as const;
    const newest = vault.list(everything).segments;
    const streamId = newest[0]?.streamId;
    const stream = streamId && life.streams.get(streamId);
    if (!stream?.fragments[0]) continue;
    met += 1;
    const hashes = new Set<string>();
    for (const segment of newest) {
      if (segment.endUs < stream.fragments[0].startUs - 1_000_000) continue;
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
    lossMs = Math.max(lossMs ?? 0, (life.killedAtUs - (kept ?? stream.fragments[0].startUs)) / 1000);
    const [gap] = vault.gaps({ ...place, fromUs: life.killedAtUs, toUs: life.killedAtUs + 1, limit: 1 });
    if (kept !== null) assert.equal(gap?.cause, 'crashed', 'the log tells of the crash');
  }
  const withoutSegments = [...life.streams.values()].filter(({ ackedUs }) => ackedUs === 0);
  assert.ok(met + withoutSegments.length >= life.streams.size, 'every stream was looked at');
  // A stream of which nothing was ever stored lost all that came of it.
  for (const { fragments } of met === life.streams.size ? [] : withoutSegments) {
    if (fragments[0]) lossMs = Math.max(lossMs ?? 0, (life.killedAtUs - fragments[0].startUs) / 1000);
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
