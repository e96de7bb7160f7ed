import { equalBytes, fromHex, isZero, toHex, wipe } from '../bytes/index.ts';
import { isNvrError } from '../errors.ts';
import {
  CHAIN_INDEX_LIMIT,
  chainKeyAt,
  createLeaf,
  EPOCH_KEY_FILE_MAX,
  type EpochKeyFile,
  encodeEpochKeyFile,
  epochKeyCommitment,
  KEY_CAUSES,
  nextChainKey,
  openWithKek,
  parseEpochKeyFile,
  type SourceId,
  STANZAS_MAX,
  type Stanza,
  type StanzaPlace,
  type StreamId,
  sealKekStanza,
  sealRecipientStanza,
  verifyEpochKeyFile,
} from '../protocol/index.ts';
import type { LogFile } from './log-file.ts';
import type { VaultDeps } from './options.ts';
import { type Place, parseEpochKeyName, parseEpochName, type VaultPaths } from './paths.ts';
import type { SegmentExtra, SegmentIndex, StreamState } from './segment-index.ts';

const DAY_US = 86_400_000_000;
/** The last chain index of an epoch; the segment after it begins a new one. */
const CHAIN_INDEX_LAST = CHAIN_INDEX_LIMIT - 1;

/** The epoch a stream is writing under. */
interface CurrentEpoch {
  file: EpochKeyFile;
  /** Chain key of the next segment. */
  chainKey: Uint8Array;
  chainIndex: number;
  day: number;
  sourceId: SourceId;
  /** Which recipients it was made for: another set begins a new epoch. */
  recipients: string;
}

/** What one segment takes from its epoch. `chainKey` is the caller's to wipe. */
export interface ChainStep {
  epochId: number;
  epochKeyId: Uint8Array;
  chainIndex: number;
  chainKey: Uint8Array;
}

/** A device's storage key: 16-byte key id, X-Wing public key. */
type Recipient = ReturnType<VaultDeps['keys']['recipients']>[number];

/** What a rewriting of one key file did. `fault`: why nothing, or (`sealed`) why no copy was added. */
export interface RewrapOutcome {
  dropped: number;
  added: number;
  fault?: KeyFileFault | 'sealed';
}

/** No set of recipients looks like this: the epoch is over whoever they are. */
const OVER = 'over';

/** Why a key file does not count, for reports. */
export type KeyFileFault = 'missing' | 'malformed' | 'foreign' | 'signature';

/**
 * Makes, closes and reads the epochs of managed streams.
 *
 * A chain key steps forward with every segment and the old one is overwritten. Every state of a `.cnk` is logged (as the
 * SHA-256 of its bytes) and synced before the file takes its place.
 */
export class EpochKeys {
  readonly #deps: VaultDeps;
  readonly #paths: VaultPaths;
  readonly #log: LogFile<SegmentExtra>;
  readonly #index: SegmentIndex;
  readonly #bootId: Uint8Array;
  readonly #current = new Map<StreamId, CurrentEpoch>();
  /** Key files are changed one at a time: the log can be ahead of one file only. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(
    deps: VaultDeps,
    parts: { paths: VaultPaths; log: LogFile<SegmentExtra>; index: SegmentIndex; bootId: Uint8Array },
  ) {
    this.#deps = deps;
    this.#paths = parts.paths;
    this.#log = parts.log;
    this.#index = parts.index;
    this.#bootId = parts.bootId;
  }

  /** The chain key for a segment that begins at `startUs`, in a new epoch where the day, the chain or the recipients ask for it. */
  async step(stream: StreamState, startUs: number): Promise<ChainStep> {
    let epoch = this.#current.get(stream.streamId);
    if (!epoch || this.mustChange(stream.streamId, startUs)) {
      epoch = await this.#exclusive(async () => {
        const begun = await this.#begin(stream, startUs, this.#current.get(stream.streamId) ?? null);
        this.#current.set(stream.streamId, begun);
        return begun;
      });
    }
    const step: ChainStep = {
      epochId: epoch.file.epochId,
      epochKeyId: epoch.file.commitment.subarray(0, 16),
      chainIndex: epoch.chainIndex,
      chainKey: epoch.chainKey,
    };
    // The step is taken even if the segment is never written: an index is not handed out twice.
    epoch.chainKey = nextChainKey(this.#deps.suite.hashes, step.chainKey);
    epoch.chainIndex += 1;
    return step;
  }

  /** True when a segment beginning at `startUs` belongs into another epoch than the one being written. */
  mustChange(streamId: StreamId, startUs: number): boolean {
    const epoch = this.#current.get(streamId);
    if (!epoch) return false;
    return (
      epoch.day !== Math.floor(startUs / DAY_US) ||
      epoch.chainIndex > CHAIN_INDEX_LAST ||
      epoch.recipients !== this.#recipientsMark(epoch.sourceId)
    );
  }

  /**
   * Goes on with the epoch a former process was writing, after `lastChainIndex` was used last. Does nothing where its key does
   * not open or another day began; the next segment then begins a new epoch.
   */
  async resume(stream: StreamState, epochId: number, lastChainIndex: number): Promise<void> {
    const loaded = await this.load(stream, epochId);
    if (typeof loaded === 'string' || loaded.file.notAfterUs !== null) return;
    const key = openWithKek(this.#deps.suite, this.#deps.keys.kek, loaded.file);
    if (!key || lastChainIndex >= CHAIN_INDEX_LAST) return;
    const chainKey = chainKeyAt(this.#deps.suite.hashes, key, 0, lastChainIndex + 1);
    wipe(key);
    if (!chainKey) return;
    this.#current.set(stream.streamId, {
      file: loaded.file,
      chainKey,
      chainIndex: lastChainIndex + 1,
      day: Math.floor(loaded.file.notBeforeUs / DAY_US),
      sourceId: stream.sourceId,
      recipients: markOf(loaded.file.stanzas.filter(({ type }) => type === 'xWing')),
    });
  }

  /** The key file of an epoch, checked to be signed by this node, or why it does not count. */
  async load(place: Place, epochId: number): Promise<{ file: EpochKeyFile; bytes: Uint8Array } | KeyFileFault> {
    let bytes: Uint8Array;
    try {
      bytes = await this.#deps.files.read(this.#paths.epochKey(place, epochId), EPOCH_KEY_FILE_MAX);
    } catch (error) {
      if (isNvrError(error, 'missing')) return 'missing';
      if (isNvrError(error, 'invalid')) return 'malformed';
      throw error;
    }
    const parsed = parseEpochKeyFile(bytes);
    if (!parsed.ok || parsed.value.file.epochId !== epochId) return 'malformed';
    if (!equalBytes(parsed.value.signer, this.#deps.keys.nodeId)) return 'foreign';
    if (!verifyEpochKeyFile(this.#deps.suite.hashes, parsed.value)) return 'signature';
    return { file: parsed.value.file, bytes };
  }

  /** The epoch key a managed stream's file holds for this node, or null. The caller wipes it. */
  async open(place: Place, epochId: number): Promise<Uint8Array | null> {
    const loaded = await this.load(place, epochId);
    return typeof loaded === 'string' ? null : openWithKek(this.#deps.suite, this.#deps.keys.kek, loaded.file);
  }

  /**
   * Brings one epoch's key file and the log together after a start: a node-signed file the log does not know is logged; one
   * that the log had got ahead of (its renaming was lost) is written anew with the next generation.
   */
  async reconcile(stream: StreamState, epochId: number): Promise<void> {
    const loaded = await this.load(stream, epochId);
    const row = this.#index.epoch(stream.pk, epochId);
    if (typeof loaded === 'string') {
      if (loaded !== 'missing') this.#deps.log.warn({ epochId, fault: loaded }, 'a key file did not count');
      return;
    }
    if (!equalBytes(loaded.file.streamId, fromHex(stream.streamId)!)) return;
    const hash = this.#deps.suite.hashes.sha256(loaded.bytes);
    if (!row || loaded.file.generation > row.generation) {
      await this.#logFile(stream, loaded.file, hash);
    } else if (!equalBytes(hash, row.hash)) {
      await this.#write(stream, loaded.file);
    }
    if (!row || isZero(row.keyId))
      this.#index.setEpochKeyId(stream.pk, epochId, loaded.file.commitment.subarray(0, 16));
  }

  /**
   * Writes one epoch's key file anew for the devices that have a right to it now: the copies that are to go are left out, missing
   * ones added. A file that is as it should be is not touched. An epoch that loses a copy, or gains one, is over: its next
   * segment begins another, so that no device that was removed knows the key of anything recorded after.
   */
  rewrap(stream: StreamState, epochId: number, without: ReadonlySet<string> | null): Promise<RewrapOutcome> {
    return this.#exclusive(async () => {
      const loaded = await this.load(stream, epochId);
      if (typeof loaded === 'string') return { fault: loaded, dropped: 0, added: 0 };
      const { file } = loaded;
      const recipients = this.#deps.keys.recipients(stream.sourceId);
      const present = new Set(recipients.map(({ keyId }) => toHex(keyId)));
      const goes = ({ type, keyId }: Stanza) => {
        const name = toHex(keyId);
        return type === 'xWing' && (without ? without.has(name) : !present.has(name));
      };
      const kept = file.stanzas.filter((stanza) => !goes(stanza));
      const held = new Set(kept.flatMap(({ type, keyId }) => (type === 'xWing' ? [toHex(keyId)] : [])));
      const missing = recipients.filter(({ keyId }) => !held.has(toHex(keyId)) && !without?.has(toHex(keyId)));
      const added = await this.#copiesFor(missing.slice(0, STANZAS_MAX - kept.length), file);
      const fault = added === null ? 'sealed' : undefined;
      const dropped = file.stanzas.length - kept.length;
      const changed = dropped > 0 || (added?.length ?? 0) > 0;
      if (changed) {
        const notAfterUs = file.notAfterUs ?? Math.max(this.#deps.clock.nowUs(), file.notBeforeUs + 1);
        const written = await this.#write(stream, { ...file, notAfterUs, stanzas: [...kept, ...(added ?? [])] });
        const current = this.#current.get(stream.streamId);
        if (current?.file.epochId === epochId) {
          current.file = written;
          current.recipients = OVER;
        }
      } else if (!this.#isLogged(stream, epochId, loaded.bytes)) await this.#write(stream, file);
      return { dropped, added: added?.length ?? 0, ...(fault ? { fault } : {}) };
    });
  }

  #isLogged(stream: StreamState, epochId: number, bytes: Uint8Array): boolean {
    const row = this.#index.epoch(stream.pk, epochId);
    return row !== null && equalBytes(row.hash, this.#deps.suite.hashes.sha256(bytes));
  }

  /** Copies of an epoch's key for further devices; null where the node cannot open it itself. */
  async #copiesFor(recipients: readonly Recipient[], file: EpochKeyFile): Promise<Stanza[] | null> {
    if (recipients.length === 0) return [];
    const key = openWithKek(this.#deps.suite, this.#deps.keys.kek, file);
    if (!key) return null;
    try {
      const stanzas: Stanza[] = [];
      for (const recipient of recipients) {
        const stanza = await this.#sealFor(recipient, file, key);
        if (stanza) stanzas.push(stanza);
      }
      return stanzas;
    } finally {
      wipe(key);
    }
  }

  /** Removes the folder and key file of an epoch that holds no segment any more. */
  forget(stream: StreamState, epochId: number): Promise<void> {
    return this.#exclusive(() => this.#forget(stream, epochId));
  }

  async #forget(stream: StreamState, epochId: number): Promise<void> {
    if (this.#current.get(stream.streamId)?.file.epochId === epochId) return;
    const folder = this.#paths.epoch(stream, epochId);
    if ((await this.#deps.files.stat(folder)) !== null && !(await this.#deps.files.removeFolder(folder))) return;
    const path = this.#paths.epochKey(stream, epochId);
    if ((await this.#deps.files.stat(path)) === null && this.#index.epoch(stream.pk, epochId) === null) return;
    await this.#log.append(this.#leaf(stream, epochId, { cause: KEY_CAUSES.removed }));
    try {
      await this.#deps.files.remove(path);
    } catch (error) {
      if (!isNvrError(error, 'missing')) throw error;
    }
    await this.#deps.files.syncFolder(this.#paths.place(stream));
  }

  /** Overwrites every key in memory. */
  wipe(): void {
    for (const epoch of this.#current.values()) wipe(epoch.chainKey);
    this.#current.clear();
  }

  async #begin(stream: StreamState, startUs: number, last: CurrentEpoch | null): Promise<CurrentEpoch> {
    const { suite, random, keys, files } = this.#deps;
    const recipients = this.#recipientsMark(stream.sourceId);
    const epochId = (await this.#highestEpoch(stream)) + 1;
    const key = random.bytes(32);
    const place = {
      streamId: fromHex(stream.streamId)!,
      epochId,
      notBeforeUs: startUs,
      commitment: epochKeyCommitment(suite.hashes, key),
    };
    const stanzas: Stanza[] = [sealKekStanza(suite, keys.kek, random.bytes(12), place, key)];
    for (const recipient of keys.recipients(stream.sourceId)) {
      const stanza = await this.#sealFor(recipient, place, key);
      if (stanza) stanzas.push(stanza);
    }
    const file: EpochKeyFile = { ...place, notAfterUs: null, generation: 0, stanzas };
    await files.makeFolder(this.#paths.epoch(stream, epochId));
    for (const folder of [this.#paths.place(stream), this.#paths.source(stream.sourceId), this.#paths.segments]) {
      await files.syncFolder(folder);
    }
    const written = await this.#write(stream, file);
    if (last) await this.#close(stream, last, startUs);
    return {
      file: written,
      chainKey: key,
      chainIndex: 0,
      day: Math.floor(startUs / DAY_US),
      sourceId: stream.sourceId,
      recipients,
    };
  }

  /** Writes the end into the file of an epoch that is over. It is told from the next one's beginning too, so failing is no fault. */
  async #close(stream: StreamState, last: CurrentEpoch, endUs: number): Promise<void> {
    wipe(last.chainKey);
    try {
      const notAfterUs = Math.max(endUs, last.file.notBeforeUs + 1);
      await this.#write(stream, { ...last.file, notAfterUs });
    } catch (error) {
      this.#deps.log.warn({ error, epochId: last.file.epochId }, 'an ended epoch could not be closed');
    }
  }

  /** Logs and writes a file. Its generation is above any that was logged, also one whose renaming failed. */
  async #write(stream: StreamState, wish: EpochKeyFile): Promise<EpochKeyFile> {
    const { suite, keys, files } = this.#deps;
    const logged = this.#index.epoch(stream.pk, wish.epochId)?.generation ?? 0;
    const file = { ...wish, generation: Math.max(wish.generation, logged) + 1 };
    const bytes = encodeEpochKeyFile(suite.hashes, file, keys.nodeId, (digest) => keys.sign(digest));
    await this.#logFile(stream, file, suite.hashes.sha256(bytes));
    await files.replace(this.#paths.epochKey(stream, file.epochId), bytes);
    this.#index.setEpochKeyId(stream.pk, file.epochId, file.commitment.subarray(0, 16));
    return file;
  }

  async #logFile(stream: StreamState, file: EpochKeyFile, hash: Uint8Array): Promise<void> {
    const fields = { cause: KEY_CAUSES.written, headerHash: hash, generation: file.generation };
    await this.#log.append(this.#leaf(stream, file.epochId, fields));
  }

  #leaf(stream: StreamState, epochId: number, fields: Partial<Parameters<typeof createLeaf>[1]>) {
    return createLeaf('key', {
      streamId: fromHex(stream.streamId)!,
      epochId,
      startUs: this.#deps.clock.nowUs(),
      startMonoUs: this.#deps.clock.monotonicUs(),
      bootId: this.#bootId,
      prevLeaf: stream.lastLeaf,
      ...fields,
    });
  }

  /** The highest epoch number ever used at a place: by this stream's log, or by whatever lies on the disk there. */
  async #highestEpoch(stream: StreamState): Promise<number> {
    let highest = stream.lastEpoch;
    for (const { name } of await this.#deps.files.list(this.#paths.place(stream))) {
      highest = Math.max(highest, parseEpochName(name) ?? 0, parseEpochKeyName(name) ?? 0);
    }
    return highest;
  }

  /** A copy for one device, or null where its key is malformed. */
  async #sealFor(recipient: Recipient, place: StanzaPlace, key: Uint8Array): Promise<Stanza | null> {
    const stanza = await sealRecipientStanza(this.#deps.suite, recipient, place, key);
    if (!stanza) this.#deps.log.warn({ keyId: toHex(recipient.keyId) }, 'a device key was malformed and got no copy');
    return stanza;
  }

  #recipientsMark(sourceId: SourceId): string {
    return markOf(this.#deps.keys.recipients(sourceId));
  }

  #exclusive<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(task);
    this.#turn = result.catch(() => undefined);
    return result;
  }
}

function markOf(recipients: readonly { keyId: Uint8Array }[]): string {
  return recipients
    .map(({ keyId }) => toHex(keyId))
    .sort()
    .join(' ');
}
