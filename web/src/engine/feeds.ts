import {
  exportMovie,
  type FragmentUnit,
  type GapUnit,
  type InitUnit,
  type NvrClient,
} from '../../../src/client/index.ts';
import { isNvrError } from '../../../src/errors.ts';
import type {
  ExportOrder,
  FragmentPiece,
  InitPiece,
  KeyframeAnswer,
  KeyframeOrder,
  LiveOrder,
  Piece,
  PlayOrder,
} from './messages.ts';
import type { NodeLink } from './node-link.ts';
import { pictureTimes } from './picture-times.ts';

/** Where a feed's pieces go. `room` resolves when the page wants more. */
export interface FeedOut {
  piece(piece: Piece): void;
  event(name: string, params: unknown): void;
  room(): Promise<void>;
}

/** The live picture, for as long as the signal lets it: taken up again whenever the channel comes back. */
export async function feedLive(link: NodeLink, order: LiveOrder, out: FeedOut, signal: AbortSignal): Promise<void> {
  const { source, stream } = order;
  while (!signal.aborted) {
    const client = await link.client(signal);
    try {
      const units = client.live({ source, stream, signal, onEvent: (name, params) => out.event(name, params) });
      let init: InitUnit | null = null;
      for await (const unit of units) {
        if (unit.kind === 'init') out.piece(initPiece((init = unit)));
        else out.piece(fragmentPiece(unit, init!));
      }
      if (client.connection === undefined || signal.aborted) return;
      // The stream ended in order: its source was taken away.
      out.event('live.ended', {});
      return;
    } catch (error) {
      if (signal.aborted) return;
      if (!isLoss(error)) throw error;
      out.event('live.lost', {});
    }
  }
}

/**
 * Recordings from a time on, at the pace the page takes them. A lost channel is waited for and reading goes on where it ended.
 * Ends where there is nothing (yet): the page asks again later.
 */
export async function feedPlay(link: NodeLink, order: PlayOrder, out: FeedOut, signal: AbortSignal): Promise<void> {
  const { source, stream, keyframesOnly, spacing = 0 } = order;
  const to = order.to ?? Date.now() + 60_000;
  let from = order.from;
  let resumed = false;
  while (!signal.aborted) {
    const client = await link.client(signal);
    try {
      let init: InitUnit | null = null;
      const query = { source, stream, from, to, signal };
      const units = keyframesOnly ? client.keyframes({ ...query, spacingMs: spacing }) : client.readRange(query);
      for await (const unit of units) {
        if (signal.aborted) return;
        if (unit.kind === 'segment') continue;
        if (unit.kind === 'gap') out.piece(gapPiece(unit));
        else if (unit.kind === 'init') out.piece(initPiece((init = unit)));
        else {
          // After a loss reading begins at the keyframe before; what the page has is not sent twice.
          if (resumed && unit.endUs <= from * 1000 + 1000) continue;
          await out.room();
          out.piece(fragmentPiece(unit, init!));
          from = Math.max(from, Math.floor(unit.endUs / 1000));
        }
      }
      return;
    } catch (error) {
      if (signal.aborted) return;
      if (!isLoss(error)) throw error;
      resumed = true;
      out.event('play.lost', {});
    }
  }
}

/** The last keyframe at or before a time, with the fragment it begins. */
export async function keyframeOf(link: NodeLink, order: KeyframeOrder, signal: AbortSignal): Promise<KeyframeAnswer> {
  const { source, stream, at } = order;
  const client = await link.client(signal);
  const found = await client.keyframeAt({ source, stream, at, signal });
  if (!found) return null;
  // The client keeps the init segment for the next picture: the page gets one of its own.
  const init = initPiece(found.init);
  return { init: { ...init, bytes: init.bytes.slice(0) }, fragment: fragmentPiece(found.fragment, found.init) };
}

/** A stretch as plain MP4, piece by piece as the page takes them. A lost channel is waited for, and the file goes on where it was. */
export async function feedExport(
  reach: (signal: AbortSignal) => Promise<NvrClient>,
  order: ExportOrder,
  out: {
    bytes(part: number, bytes: ArrayBuffer): void;
    event(name: string, params: unknown): void;
    room(): Promise<void>;
  },
  signal: AbortSignal,
): Promise<unknown> {
  const lost = () => out.event('export.lost', {});
  return exportMovie(mediaOf(reach, order, lost, signal), {
    openPart: async (part) => ({
      async write(bytes) {
        await out.room();
        out.bytes(part, wholeBuffer(bytes));
      },
      close: async () => out.event('export.closed', { part }),
    }),
    onProgress: (progress) => out.event('export.progress', progress),
  });
}

async function* mediaOf(
  reach: (signal: AbortSignal) => Promise<NvrClient>,
  { source, stream, from, to }: ExportOrder,
  lost: () => void,
  signal: AbortSignal,
): AsyncGenerator<InitUnit | FragmentUnit | GapUnit> {
  let reachedUs: number | null = null;
  for (;;) {
    const client = await reach(signal);
    const goOn: number = reachedUs === null ? from : Math.floor(reachedUs / 1000);
    try {
      for await (const unit of client.readRange({ source, stream, from: goOn, to, signal })) {
        if (unit.kind === 'segment') continue;
        if (unit.kind === 'fragment') {
          // After a loss reading begins at the keyframe before; what is written already is not written twice.
          if (reachedUs !== null && unit.endUs <= reachedUs + 1000) continue;
          reachedUs = unit.endUs;
        }
        yield unit;
      }
      return;
    } catch (error) {
      if (signal.aborted || !isLoss(error)) throw error;
      lost();
    }
  }
}

function initPiece({ bytes, segment }: InitUnit): InitPiece {
  const video = segment.tracks[0]!;
  const codecs = segment.tracks.map((track) => track.codec).join(',');
  const { width = 0, height = 0 } = video as { width?: number; height?: number };
  return { kind: 'init', bytes: wholeBuffer(bytes), codecs, width, height, timescale: video.timescale };
}

function fragmentPiece(unit: FragmentUnit, init: InitUnit): FragmentPiece {
  const video = init.segment.tracks[0]!;
  const part = unit.fragment.parts.find(({ id }) => id === video.id);
  return {
    kind: 'fragment',
    bytes: wholeBuffer(unit.bytes),
    keyframe: unit.keyframe,
    startUs: unit.startUs,
    endUs: unit.endUs,
    mediaStart: Number(unit.time) / video.timescale,
    pictures: part?.sampleCount ?? 0,
    times: pictureTimes(unit.bytes, init.segment),
  };
}

function gapPiece({ startAt, endAt, cause }: GapUnit): Piece {
  return {
    kind: 'gap',
    startUs: startAt * 1000,
    endUs: endAt === null || endAt === undefined ? null : endAt * 1000,
    cause,
  };
}

/** A buffer that can be handed to the page whole; copied where the bytes are a part of something larger. */
function wholeBuffer(bytes: Uint8Array<ArrayBuffer>): ArrayBuffer {
  const { buffer, byteOffset, byteLength } = bytes;
  return byteOffset === 0 && byteLength === buffer.byteLength
    ? buffer
    : buffer.slice(byteOffset, byteOffset + byteLength);
}

/** The channel went away under the call; everything else is the node's answer. */
function isLoss(error: unknown): boolean {
  return (
    isNvrError(error) &&
    ['ERR_CLIENT_CLOSED', 'ERR_CLIENT_SILENT', 'ERR_CLIENT_GOING_AWAY', 'ERR_CLIENT_PROTOCOL'].includes(error.code)
  );
}
