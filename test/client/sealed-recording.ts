import { concatBytes, toBase64Url, toHex, utf8 } from '../../src/bytes/index.ts';
import type { Connection, OpenStream, Unit } from '../../src/client/index.ts';
import { CHUNK_SIZE, ChunkSealer } from '../../src/crypto/index.ts';
import {
  type Fragment,
  FragmentReader,
  type KeyframeEntry,
  mfra,
  type ParsedInit,
  prft,
} from '../../src/media/index.ts';
import { SeededRandom } from '../../src/platform/index.ts';
import { createNodeSuite } from '../../src/platform/node/index.ts';
import {
  type DeviceKey,
  encodeBoundHeader,
  encodeSegmentHeader,
  type GapFacts,
  type RangeSegment,
  type SegmentHeader,
  segmentContext,
} from '../../src/protocol/index.ts';
import { type SampleMedia, sampleMedia } from '../support/sample-media.ts';

export const suite = createNodeSuite();
const random = new SeededRandom(7);
/** Wall time at which recordings of these tests begin, epoch ms. */
export const BEGIN = 1_795_000_000_000;

/** A stored segment: what the node would tell of it, its bytes on disk, and what is inside. */
export interface StoredSegment {
  facts: RangeSegment;
  file: Uint8Array<ArrayBuffer>;
  plaintext: Uint8Array<ArrayBuffer>;
  /** Wall times of its fragments, µs. */
  fragments: { startUs: number; keyframe: boolean; bytes: Uint8Array }[];
}

export interface RecordingOptions {
  media?: SampleMedia;
  /** Each segment ends at the first keyframe after this long. */
  segmentMs?: number;
  startAt?: number;
  seq?: number;
  run?: string;
  /** No index and no final chunk, as after a crash. */
  crashed?: boolean;
  /** No wall times inside. */
  bare?: boolean;
}

/** Seals a generated movie as the vault does, cut into segments. */
export function record(options: RecordingOptions = {}): StoredSegment[] {
  const { media = {}, segmentMs = 2_000, startAt = BEGIN, seq = 1, run = 'aa'.repeat(16) } = options;
  const { init, fragments } = cut(sampleMedia(media));
  const video = init.tracks[0]!;
  const ticks = (fragment: Fragment) => Number(fragment.tracks.find(({ id }) => id === video.id)?.baseDecodeTime ?? 0n);
  const wallUs = (fragment: Fragment) => startAt * 1000 + Math.round((ticks(fragment) * 1e6) / video.timescale);
  const groups: Fragment[][] = [];
  for (const fragment of fragments) {
    const group = groups.at(-1);
    const age = group ? (wallUs(fragment) - wallUs(group[0]!)) / 1000 : 0;
    if (!group || (fragment.keyframe && age >= segmentMs)) groups.push([fragment]);
    else group.push(fragment);
  }
  return groups.map((group, i) => {
    const last = group.at(-1)!;
    const length = last.tracks.find(({ id }) => id === video.id)!.duration;
    const next = groups[i + 1]?.[0];
    const endUs = next ? wallUs(next) : wallUs(last) + Math.round((length * 1e6) / video.timescale);
    return seal(init, group, wallUs, endUs, seq + i, { ...options, run });
  });
}

function seal(
  init: ParsedInit,
  group: Fragment[],
  wallUs: (fragment: Fragment) => number,
  endUs: number,
  seq: number,
  { run, crashed = false, bare = false }: RecordingOptions & { run: string },
): StoredSegment {
  const video = init.tracks[0]!;
  const parts: Uint8Array[] = [init.bytes];
  const entries: KeyframeEntry[] = [];
  let at = init.bytes.length;
  const fragments = group.map((fragment) => {
    const startUs = wallUs(fragment);
    const time = fragment.tracks.find(({ id }) => id === video.id)!.baseDecodeTime;
    const bytes = bare
      ? fragment.bytes
      : concatBytes(prft({ trackId: video.id, wallUs: startUs, mediaTime: time }), fragment.bytes);
    if (fragment.keyframe) entries.push({ time, moofAt: at + (bare ? 0 : 32) });
    parts.push(bytes);
    at += bytes.length;
    return { startUs, keyframe: fragment.keyframe, bytes };
  });
  if (!crashed) parts.push(mfra(video.id, entries));
  const plaintext = concatBytes(...parts);
  const id = random.bytes(16);
  const fileKey = random.bytes(32);
  const header: SegmentHeader = {
    flags: 0,
    segmentId: id,
    streamId: utf8('a stream of 16 b'),
    nodeId: new Uint8Array(32).fill(3),
    seq,
    startUs: fragments[0]!.startUs,
    startMonoUs: 1,
    bootId: new Uint8Array(16).fill(4),
    clockState: 'unknown',
    kind: 'video',
    clockErrorMs: 0,
    chainIndex: 0,
    epochId: 1,
    epochKeyId: new Uint8Array(16).fill(5),
    prevLeaf: new Uint8Array(32),
  };
  const bound = encodeBoundHeader(header);
  const sealer = new ChunkSealer(suite, fileKey, random.bytes(24), segmentContext(suite.hashes, bound));
  const file: Uint8Array[] = [encodeSegmentHeader(bound, new Uint8Array(48).fill(6)), sealer.header];
  let offset = 0;
  for (; offset + CHUNK_SIZE <= plaintext.length; offset += CHUNK_SIZE) {
    file.push(sealer.seal(plaintext.subarray(offset, offset + CHUNK_SIZE)));
  }
  if (!crashed) file.push(sealer.seal(plaintext.subarray(offset)));
  const bytes = concatBytes(...file);
  return {
    file: bytes,
    plaintext,
    fragments,
    facts: {
      id: toHex(id),
      streamId: toHex(header.streamId),
      seq,
      startAt: Math.floor(header.startUs / 1000),
      endAt: Math.floor(endUs / 1000),
      size: bytes.length,
      state: crashed ? 'recovered' : 'final',
      epochId: 1,
      epochKeyId: '05'.repeat(16),
      run,
      fileKey: toBase64Url(fileKey),
    },
  };
}

/** The pieces of a movie. */
export function cut(bytes: Uint8Array): { init: ParsedInit; fragments: Fragment[] } {
  const items = new FragmentReader().push(bytes);
  const init = items.flatMap((item) => ('init' in item ? [item.init] : []))[0]!;
  return { init, fragments: items.flatMap((item) => ('fragment' in item ? [item.fragment] : [])) };
}

/** A node behind a connection: answers what the client library asks, from memory, in units of `unitBytes`. */
export class FakeNode implements Connection {
  readonly nodeId = '03'.repeat(32) as DeviceKey;
  readonly role = 'viewer';
  readonly closed = new Promise<Error | null>(() => {});
  readonly asked: { method: string; params: Record<string, unknown> }[] = [];
  readonly segments: StoredSegment[];
  /** Units of `live.subscribe`. */
  live: Unit[] = [];
  /** Gaps by the id of the segment behind them. */
  gaps = new Map<string, GapFacts>();
  /** What `range.read` tells of keyframes, by segment id. */
  hints = new Map<string, string>();
  unitBytes = 10_000;
  pageSize = 2;
  /** Bytes sent and not cancelled; requests that were given up. */
  sent = 0;
  cancelled = 0;

  constructor(segments: StoredSegment[]) {
    this.segments = segments;
  }

  async call(method: string, params: unknown): Promise<unknown> {
    const wish = params as Record<string, unknown>;
    this.asked.push({ method, params: wish });
    if (method === 'range.read@1') return this.#rangeRead(wish as { from: number; to: number; cursor?: string });
    if (method === 'segments.get@1') return this.#facts(wish as { segment: string });
    throw new Error(`the fake node does not know ${method}`);
  }

  open(method: string, params: unknown): OpenStream {
    const wish = params as { segment: string; offset?: number; length?: number };
    this.asked.push({ method, params: wish });
    let given = false;
    const stop = () => {
      if (!given) this.cancelled += 1;
      given = true;
    };
    const units = method === 'live.subscribe@1' ? this.#liveUnits(() => given) : this.#stored(wish, () => given);
    return {
      result: Promise.resolve(method === 'live.subscribe@1' ? { subscription: 1 } : this.#facts(wish)),
      units,
      onEvent: () => {},
      cancel: stop,
    };
  }

  onEvent(): void {}
  close(): void {}

  async *#stored(
    { segment, offset = 0, length }: { segment: string; offset?: number; length?: number },
    given: () => boolean,
  ): AsyncGenerator<Unit> {
    const { file } = this.#find(segment);
    const end = length === undefined ? file.length : Math.min(file.length, offset + length);
    for (let at = offset; at < end && !given(); at += this.unitBytes) {
      const bytes = file.slice(at, Math.min(end, at + this.unitBytes));
      this.sent += bytes.length;
      yield { bytes, marks: {} };
    }
  }

  async *#liveUnits(given: () => boolean): AsyncGenerator<Unit> {
    for (const unit of this.live) {
      if (given()) return;
      yield unit;
    }
  }

  #rangeRead({ from, to, cursor, keyframes }: { from: number; to: number; cursor?: string; keyframes?: boolean }) {
    const touching = this.segments.filter(({ facts }) => facts.endAt > from && facts.startAt < to);
    const begin = cursor === undefined ? 0 : Number(cursor);
    const page = touching.slice(begin, begin + this.pageSize).map(({ facts }) => {
      const gapBefore = this.gaps.get(facts.id);
      return gapBefore ? { ...facts, gapBefore } : facts;
    });
    const more = touching.length > begin + this.pageSize ? { cursor: String(begin + this.pageSize) } : {};
    const told = page.flatMap(({ id, state }) => {
      const hints = keyframes || state === 'open' ? this.hints.get(id) : undefined;
      return hints === undefined ? [] : [{ segment: id, hints }];
    });
    return {
      source: 'front',
      stream: 'main',
      segments: page,
      ...more,
      ...(told.length > 0 ? { keyframes: told } : {}),
    };
  }

  #facts({ segment }: { segment: string }) {
    return { source: 'front', stream: 'main', ...this.#find(segment).facts, tracks: [], offset: 0, length: 0 };
  }

  #find(id: string): StoredSegment {
    const found = this.segments.find(({ facts }) => facts.id === id);
    if (!found) throw new Error(`no segment ${id}`);
    return found;
  }
}
