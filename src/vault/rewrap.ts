import { toHex } from '../bytes/index.ts';
import { isStreamId, type SourceId, type StreamId, type StreamName } from '../protocol/index.ts';
import type { RewrapOutcome } from './epoch-keys.ts';
import { cursorInvalid } from './errors.ts';
import type { StreamState } from './segment-index.ts';
import type { WriterParts } from './stream-writer.ts';

/** Faults told of one page. */
export const FAULTS_MAX = 100;

/** Which copies of epoch keys are to go; see `Vault.rewrap`. */
export interface RewrapRequest {
  /** Key ids (16 bytes) whose copies go; absent: every device copy that is none of the present recipients'. */
  without?: readonly Uint8Array[];
  /** Key files looked at, at most. */
  limit: number;
  cursor?: string;
  /** Ends it between two files. */
  signal?: AbortSignal;
}

/** A key file that could not be done, and why: see `KeyFileFault`; `sealed` where the node cannot open it to add copies. */
export interface RewrapFault {
  sourceId: SourceId;
  stream: StreamName;
  epochId: number;
  fault: NonNullable<RewrapOutcome['fault']>;
}

/** What one page of a re-wrapping did. */
export interface RewrapPage {
  /** Key files there are, and those this page looked at; of them, those written anew. */
  total: number;
  files: number;
  rewritten: number;
  /** Copies left out, and added. */
  dropped: number;
  added: number;
  /** At most 100. */
  faults: RewrapFault[];
  /** Goes on behind the last file; absent at the end. */
  cursor?: string;
}

/** One page of a re-wrapping over an open vault's parts. Throws `ERR_VAULT_CURSOR_INVALID` (`invalid`), and what the disk answers. */
export async function rewrapPage(
  { index, epochs }: Pick<WriterParts, 'index' | 'epochs'>,
  { without, limit, cursor, signal }: RewrapRequest,
): Promise<RewrapPage> {
  const after = cursor === undefined ? null : readCursor(cursor);
  const goes = without ? new Set(without.map(toHex)) : null;
  const streams = index.streams().sort((a, b) => (a.streamId < b.streamId ? -1 : 1));
  const all = streams.flatMap((stream) => index.epochs(stream.pk).map(({ epochId }) => ({ stream, epochId })));
  const left = after ? all.filter((each) => isBehind(each, after)) : all;
  const page: RewrapPage = { total: all.length, files: 0, rewritten: 0, dropped: 0, added: 0, faults: [] };
  for (const { stream, epochId } of left.slice(0, limit)) {
    signal?.throwIfAborted();
    const { dropped, added, fault } = await epochs.rewrap(stream, epochId, goes);
    page.files += 1;
    page.rewritten += dropped + added > 0 ? 1 : 0;
    page.dropped += dropped;
    page.added += added;
    const { sourceId, stream: name } = stream;
    if (fault && page.faults.length < FAULTS_MAX) page.faults.push({ sourceId, stream: name, epochId, fault });
  }
  const last = left[limit - 1];
  return last && left.length > limit ? { ...page, cursor: `${last.stream.streamId}.${last.epochId}` } : page;
}

interface KeyFilePlace {
  stream: Pick<StreamState, 'streamId'>;
  epochId: number;
}

function isBehind({ stream, epochId }: KeyFilePlace, after: KeyFilePlace): boolean {
  if (stream.streamId !== after.stream.streamId) return stream.streamId > after.stream.streamId;
  return epochId > after.epochId;
}

function readCursor(text: string): KeyFilePlace {
  const [streamId = '', epoch = '', ...rest] = text.split('.');
  const epochId = /^\d{1,16}$/.test(epoch) ? Number(epoch) : Number.NaN;
  if (rest.length > 0 || !isStreamId(streamId) || !Number.isSafeInteger(epochId)) throw cursorInvalid();
  return { stream: { streamId: streamId as StreamId }, epochId };
}
