import { concatBytes, fromHex, toHex } from '../../src/bytes/index.ts';
import { type SyncCryptoSuite, schnorrPublicKey, schnorrSign } from '../../src/crypto/index.ts';
import {
  type Clock,
  type Files,
  type Log,
  SeededRandom,
  SimulatedClock,
  SimulatedFiles,
  silentLog,
} from '../../src/platform/index.ts';
import { createNodeSuite } from '../../src/platform/node/index.ts';
import {
  chunkRange,
  openSegment,
  type SegmentId,
  type SourceId,
  type StreamId,
  type StreamName,
  segmentShape,
} from '../../src/protocol/index.ts';
import {
  createVault,
  type DurableMark,
  type StreamPlace,
  type Vault,
  type VaultDeps,
  type VaultKeys,
  type VaultOptions,
} from '../../src/vault/index.ts';
import { type SyntheticOptions, SyntheticStream } from './synthetic-stream.ts';

/** 2026-11-21 12:00 UTC, in ms. */
export const NOON = 1_795_262_400_000;
export const ROOT = '/vault';

export const testSecret = new Uint8Array(32).fill(7);
export const testKeys: VaultKeys = {
  kek: new Uint8Array(32).fill(9),
  nodeId: schnorrPublicKey(testSecret),
  sign: (digest) => schnorrSign(testSecret, digest, new Uint8Array(32)),
  recipients: () => [],
};

export function place(source = 'front', stream: StreamName = 'main', id = 0x33): StreamPlace {
  return {
    sourceId: source as SourceId,
    stream,
    streamId: toHex(new Uint8Array(16).fill(id)) as StreamId,
  };
}

/** A vault on a simulated disk with a clock that stands still until told, and everything a test wants to look at. */
export class Bench {
  readonly clock: SimulatedClock;
  readonly files: SimulatedFiles;
  readonly random: SeededRandom;
  readonly durable: DurableMark[] = [];
  readonly deps: VaultDeps;
  options: VaultOptions;
  vault: Vault;

  constructor(
    options: Partial<VaultOptions> & {
      seed?: number;
      startAt?: number;
      files?: SimulatedFiles;
      keys?: Partial<VaultKeys>;
      suite?: SyncCryptoSuite;
      log?: Log;
    } = {},
  ) {
    const { seed = 1, startAt = NOON, files, keys, suite, log, ...vaultOptions } = options;
    this.clock = new SimulatedClock(startAt);
    this.files = files ?? new SimulatedFiles({ seed });
    this.random = new SeededRandom(seed);
    this.deps = {
      clock: this.clock satisfies Clock,
      random: this.random,
      log: log ?? silentLog,
      files: this.files satisfies Files,
      suite: suite ?? createNodeSuite(),
      keys: { ...testKeys, ...keys },
      onDurable: (mark) => this.durable.push(mark),
    };
    this.options = { root: ROOT, index: ':memory:', segmentMs: 2000, ...vaultOptions };
    this.vault = createVault(this.deps, this.options);
  }

  camera(options: Partial<SyntheticOptions> = {}): SyntheticStream {
    return new SyntheticStream(this.random, { startUs: this.clock.nowUs(), ...options });
  }

  /** Stops nothing: the process is gone; what was synced is there, the rest as chance has it. Then a new life begins. */
  async crash(options: { keepAll?: boolean } = {}): Promise<void> {
    this.files.crash(options);
    await this.clock.advance(1);
    this.vault = createVault(this.deps, this.options);
    await this.vault.start();
  }

  /** An orderly end and a new life. */
  async restart(): Promise<void> {
    await this.vault.stop();
    this.vault = createVault(this.deps, this.options);
    await this.vault.start();
  }

  /** Everything stored of a place, oldest first. */
  all(source = 'front', stream: StreamName = 'main') {
    const query = {
      sourceId: source as SourceId,
      stream,
      fromUs: 0,
      toUs: Number.MAX_SAFE_INTEGER,
      limit: 100_000,
    } as const;
    return { segments: this.vault.list({ ...query, order: 'oldest' }).segments, gaps: this.vault.gaps(query) };
  }
}

/** Records `count` fragments, letting their time pass in between. */
export async function record(
  bench: Bench,
  writer: ReturnType<Vault['openStream']>,
  camera: SyntheticStream,
  count: number,
) {
  for (let i = 0; i < count; i++) {
    await writer.fragment(camera.next(bench.clock.monotonicUs()));
    await bench.clock.advance(200);
  }
}

/** A stored segment's plaintext, opened chunk by chunk as a client does; `complete` when its final chunk opened. */
export async function openStored(
  vault: Pick<Vault, 'read' | 'fileKey'>,
  suite: SyncCryptoSuite,
  id: SegmentId,
): Promise<{ plaintext: Uint8Array; complete: boolean }> {
  const reading = await vault.read(id);
  try {
    const stored = new Uint8Array(reading.segment.sizeBytes);
    for (let at = 0; at < stored.length; ) {
      const count = await reading.read(stored.subarray(at), at);
      if (count === 0) throw new Error(`the file ends at ${at} of ${stored.length}`);
      at += count;
    }
    return await openBytes(suite, stored, await vault.fileKey(id));
  } finally {
    await reading.close();
  }
}

/** Opens a whole `.cnv` file's bytes; throws where a whole chunk is not genuine. */
export async function openBytes(suite: SyncCryptoSuite, stored: Uint8Array, fileKey: Uint8Array) {
  const segment = await openSegment(suite, stored.subarray(0, 568), fileKey);
  const shape = segmentShape(stored.length);
  if (!segment || !shape) throw new Error('the header does not open');
  const parts: Uint8Array[] = [];
  for (let k = 0; k < shape.wholeChunks; k++) {
    const { start, end } = chunkRange(k);
    const plain = await segment.openChunk(k, stored.subarray(start, end), false);
    if (!plain) throw new Error(`chunk ${k} does not open`);
    parts.push(plain);
  }
  if (shape.tailSize === 0) return { plaintext: concatBytes(...parts), complete: false };
  const tail = await segment.openChunk(shape.wholeChunks, stored.subarray(chunkRange(shape.wholeChunks).start), true);
  if (!tail) throw new Error('the final chunk does not open');
  return { plaintext: concatBytes(...parts, tail), complete: true };
}

export const hex = (text: string) => fromHex(text)!;

/** Lets asynchronous work on the simulated disk go on until `done`, without letting time pass. */
export async function until(done: () => boolean, what: string): Promise<void> {
  for (let i = 0; i < 10_000; i++) {
    if (done()) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error(`it never came to: ${what}`);
}

/** Lets time pass in sweeps' steps until `done`. */
export async function pass(bench: Bench, done: () => boolean, what: string): Promise<void> {
  for (let i = 0; i < 400; i++) {
    if (done()) return;
    await bench.clock.advance(200);
    for (let k = 0; k < 20; k++) await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error(`it never came to: ${what}`);
}
