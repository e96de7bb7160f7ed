import { fromUtf8, toHex, utf8 } from '../bytes/index.ts';
import { isNvrError } from '../errors.ts';
import type { Files, Random } from '../platform/index.ts';
import {
  isSourceId,
  isStreamId,
  isStreamName,
  type SourceId,
  type StreamId,
  type StreamName,
} from '../protocol/index.ts';
import { fileRefused } from './errors.ts';

const BYTES_MAX = 1024 * 1024;

/**
 * The random id of every stream that was ever recorded, in `streams.json`: given once, kept when a source goes, found again
 * when it returns. Kept apart from `config.yaml`, so that no person has to copy or can confuse them.
 */
export class StreamIds {
  readonly #files: Files;
  readonly #random: Random;
  readonly #path: string;
  #known = new Map<string, StreamId>();

  constructor(deps: { files: Files; random: Random }, path: string) {
    this.#files = deps.files;
    this.#random = deps.random;
    this.#path = path;
  }

  /** Reads the file. `ERR_DAEMON_FILE` (`corrupt`): making new ids would orphan recordings, so nothing is guessed. */
  async load(): Promise<void> {
    let bytes: Uint8Array;
    try {
      bytes = await this.#files.read(this.#path, BYTES_MAX);
    } catch (error) {
      if (isNvrError(error, 'missing')) return;
      if (isNvrError(error, 'invalid')) throw fileRefused(this.#path, `expected at most ${BYTES_MAX} bytes`);
      throw error;
    }
    const known = readStreamIds(bytes);
    if ('reason' in known) throw fileRefused(this.#path, known.reason);
    this.#known = known.ids;
  }

  /** Ids of these streams, in order; those that are new are written down first. */
  async assign(places: readonly { sourceId: SourceId; stream: StreamName }[]): Promise<StreamId[]> {
    const ids = new Map(this.#known);
    for (const place of places) {
      const key = keyOf(place);
      if (!ids.has(key)) ids.set(key, toHex(this.#random.bytes(16)) as StreamId);
    }
    if (ids.size > this.#known.size) {
      await this.#files.replace(this.#path, writeStreamIds(ids), { mode: 0o600 });
      this.#known = ids;
    }
    return places.map((place) => ids.get(keyOf(place))!);
  }

  /** Sources that have an id and so may have recordings. */
  sources(): SourceId[] {
    return [...new Set([...this.#known.keys()].map((key) => key.split('/')[0] as SourceId))];
  }
}

/** The file's bytes. */
export function writeStreamIds(ids: ReadonlyMap<string, StreamId>): Uint8Array<ArrayBuffer> {
  const streams = Object.fromEntries([...ids].sort(([a], [b]) => (a < b ? -1 : 1)));
  return utf8(`${JSON.stringify({ version: 1, streams }, null, 2)}\n`);
}

/** Ids by `source/stream`, or the reason why the bytes are refused. Total. */
export function readStreamIds(bytes: Uint8Array): { ids: Map<string, StreamId> } | { reason: string } {
  let json: unknown;
  try {
    json = JSON.parse(fromUtf8(bytes) ?? '');
  } catch {
    return { reason: 'expected JSON' };
  }
  const { version, streams } = (json ?? {}) as { version?: unknown; streams?: unknown };
  if (version !== 1) return { reason: 'expected version 1' };
  if (typeof streams !== 'object' || streams === null || Array.isArray(streams)) return { reason: 'expected streams' };
  const ids = new Map<string, StreamId>();
  for (const [key, id] of Object.entries(streams)) {
    const [source, stream, ...rest] = key.split('/');
    if (!isSourceId(source ?? '') || !isStreamName(stream ?? '') || rest.length > 0) {
      return { reason: 'expected names of the form source/stream' };
    }
    if (typeof id !== 'string' || !isStreamId(id)) return { reason: 'expected ids of 32 hex characters' };
    ids.set(key, id);
  }
  if (new Set(ids.values()).size !== ids.size) return { reason: 'expected each id once' };
  return { ids };
}

const keyOf = ({ sourceId, stream }: { sourceId: SourceId; stream: StreamName }) => `${sourceId}/${stream}`;
