import type { SyncCryptoSuite } from '../crypto/index.ts';
import type { Clock, Files, Log, Random } from '../platform/index.ts';
import type { SegmentId, SourceId, StreamId } from '../protocol/index.ts';

/** Everything the vault needs of the world. */
export interface VaultDeps {
  clock: Clock;
  random: Random;
  log: Log;
  files: Files;
  suite: SyncCryptoSuite;
  keys: VaultKeys;
  /** Told each time more of a stream is acknowledged: in a synced whole chunk, or in a logged segment. Must not throw. */
  onDurable?: (mark: DurableMark) => void;
}

/** Keys of the node, held by `identity`. */
export interface VaultKeys {
  /** 32 bytes: wraps epoch keys of managed streams. */
  kek: Uint8Array;
  /** 32 bytes: the node's x-only device key. */
  nodeId: Uint8Array;
  /** BIP-340 signature (64 bytes) of the node's key over a 32-byte digest. */
  sign(digest: Uint8Array): Uint8Array;
  /**
   * Devices that get a copy of each new epoch key of a source: 16-byte key id, 1,216-byte X-Wing public key. Asked at every
   * keyframe and so not slow: another set than the time before begins a new epoch.
   */
  recipients(sourceId: SourceId): { keyId: Uint8Array; publicKey: Uint8Array }[];
}

/** How far a stream is safe. */
export interface DurableMark {
  streamId: StreamId;
  segmentId: SegmentId;
  /** Plaintext bytes of this segment that are safe, whole fragments only. */
  plaintextBytes: number;
  /** End of the last safe fragment, wall µs. */
  endUs: number;
}

/** When to forget. What is not given does not limit. */
export interface RetentionRule {
  ageMs?: number;
  /** Bytes of all streams of the source together. */
  sizeBytes?: number;
}

export interface VaultOptions {
  /** Absolute folder of the whole store. */
  root: string;
  /** Path of the index, or ':memory:'. Default `<root>/index.sqlite`. */
  index?: string;
  /** Segments are cut at the first keyframe after this long. Default 60,000. */
  segmentMs?: number;
  /** Fragment bytes are synced within this long. Default 1,000. */
  flushMs?: number;
  retention?: {
    default?: RetentionRule;
    /** By source id; a rule here replaces the default one. */
    sources?: Readonly<Record<string, RetentionRule>>;
    /** Bytes of the whole store. */
    totalBytes?: number;
  };
  /** Free space kept on each volume: the larger of both, but never more than a tenth of the volume. */
  floor?: { bytes?: number; ratio?: number };
  /** How often retention and free space are looked at. Default 5,000. */
  sweepMs?: number;
}

/** Options with every default filled in. */
export interface VaultSettings {
  root: string;
  index: string;
  segmentMs: number;
  flushMs: number;
  retention: { default: RetentionRule; sources: Readonly<Record<string, RetentionRule>>; totalBytes: number };
  floor: { bytes: number; ratio: number };
  sweepMs: number;
}

export function settingsOf(options: VaultOptions): VaultSettings {
  return {
    root: options.root,
    index: options.index ?? `${options.root}/index.sqlite`,
    segmentMs: options.segmentMs ?? 60_000,
    flushMs: options.flushMs ?? 1_000,
    retention: retentionOf(options.retention),
    floor: { bytes: options.floor?.bytes ?? 2 * 2 ** 30, ratio: options.floor?.ratio ?? 0.02 },
    sweepMs: options.sweepMs ?? 5_000,
  };
}

export function retentionOf(retention: VaultOptions['retention']): VaultSettings['retention'] {
  return {
    default: retention?.default ?? {},
    sources: retention?.sources ?? {},
    totalBytes: retention?.totalBytes ?? Number.POSITIVE_INFINITY,
  };
}
