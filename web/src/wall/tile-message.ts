import type { EngineError, GapCause, LinkState } from '../engine/messages.ts';
import type { Camera, StreamState } from '../model/cameras.ts';
import type { TileState } from '../player/tile-player.ts';

/** Why a tile shows no picture of now, told by the tile in words: what is wrong, since when, what happens next. */
export interface TileMessage {
  what:
    | { kind: 'link'; refused: boolean }
    | { kind: 'connecting' }
    /** The camera is not at its node any more. */
    | { kind: 'removed' }
    | { kind: 'disabled' }
    /** This device may not see it: its recordings, or the picture of now. */
    | { kind: 'denied'; past: boolean; other: boolean }
    /** The recorder has no picture. */
    | { kind: 'recorder'; state: StreamState['state']; cause: GapCause | null; reason: string | null }
    /** Not recorded here (in the past), or not now. */
    | { kind: 'gap'; cause: GapCause; past: boolean }
    | { kind: 'late' }
    | { kind: 'opening' }
    /** A recording is on its way. */
    | { kind: 'loading' }
    | { kind: 'unplayable'; codecs: string }
    | { kind: 'failed'; error: EngineError };
  /** Epoch ms; null: not known. */
  since: number | null;
  /** When something happens by itself: the next try, or where the recording goes on; epoch ms. */
  next: number | null;
}

export interface TileFacts {
  /** Undefined where the node has not told of it (yet). */
  camera: Camera | undefined;
  /** Undefined where the node is not paired any more. */
  link: LinkState | undefined;
  /** The node has told its cameras since it was connected. */
  listed: boolean;
  player: TileState;
  /** Of the stream that is shown. */
  recorder: StreamState | undefined;
  past: boolean;
}

const BROKEN: readonly StreamState['state'][] = ['backoff', 'failed', 'stalled', 'disabled'];

/** What a tile has to say, the cause before its consequences; null while all is well. */
export function tileMessage({ camera, link, listed, player, recorder, past }: TileFacts): TileMessage | null {
  if (!link) return { what: { kind: 'removed' }, since: null, next: null };
  if (link.kind === 'refused') return { what: { kind: 'link', refused: true }, since: link.since, next: null };
  if (link.kind === 'lost') return { what: { kind: 'link', refused: false }, since: link.since, next: link.retryAt };
  if (link.kind === 'connecting' && player.kind !== 'playing')
    return { what: { kind: 'connecting' }, since: link.since, next: null };
  if (!camera) {
    return listed
      ? { what: { kind: 'removed' }, since: null, next: null }
      : { what: { kind: 'connecting' }, since: null, next: null };
  }
  const mayNow = camera.actions.includes('live');
  const mayPast = camera.actions.includes('playback');
  if (past ? !mayPast : !mayNow)
    return { what: { kind: 'denied', past, other: past ? mayNow : mayPast }, since: null, next: null };
  if (player.kind === 'playing') return null;
  if (player.kind === 'unplayable')
    return { what: { kind: 'unplayable', codecs: player.codecs }, since: null, next: null };
  if (past) return pastMessage(player);
  if (!camera.enabled) return { what: { kind: 'disabled' }, since: recorder?.since ?? null, next: null };
  if (player.kind === 'ended') return { what: { kind: 'removed' }, since: player.since, next: null };
  if (player.kind === 'failed')
    return { what: { kind: 'failed', error: player.error }, since: player.since, next: null };
  if (recorder && BROKEN.includes(recorder.state)) {
    const { state, cause = null, reason = null, since, retryAt = null } = recorder;
    // Each try is a state of its own; people are told since when there is no picture.
    const silent = state === 'disabled' ? since : (recorder.lastFragmentAt ?? since);
    return { what: { kind: 'recorder', state, cause, reason }, since: silent, next: retryAt };
  }
  if (player.kind === 'gap')
    return { what: { kind: 'gap', cause: player.cause, past: false }, since: player.since, next: null };
  if (player.kind === 'waiting')
    return { what: player.why === 'link' ? { kind: 'connecting' } : { kind: 'late' }, since: player.since, next: null };
  if (player.kind === 'opening') return { what: { kind: 'opening' }, since: player.since, next: null };
  return null;
}

function pastMessage(player: TileState): TileMessage | null {
  switch (player.kind) {
    case 'gap':
      return { what: { kind: 'gap', cause: player.cause, past: true }, since: player.since, next: player.until };
    case 'failed':
      return { what: { kind: 'failed', error: player.error }, since: player.since, next: null };
    case 'ended':
      return { what: { kind: 'removed' }, since: player.since, next: null };
    case 'waiting': {
      const what = player.why === 'link' ? ({ kind: 'connecting' } as const) : ({ kind: 'loading' } as const);
      return { what, since: player.since, next: null };
    }
    case 'opening':
      return { what: { kind: 'opening' }, since: player.since, next: null };
    default:
      return null;
  }
}

/** "H.265" of `hvc1.1.6.L93.B0,mp4a.40.2`: as people know it. */
export function codecName(codecs: string): string {
  const video = codecs.split(',', 1)[0]!.split('.', 1)[0]!;
  const names: Record<string, string> = {
    avc1: 'H.264',
    avc3: 'H.264',
    hvc1: 'H.265',
    hev1: 'H.265',
    av01: 'AV1',
    vp09: 'VP9',
  };
  return names[video] ?? video;
}

/** "1080p" of its pixels. */
export function sizeName(width: number, height: number): string {
  if (width <= 0 || height <= 0) return '';
  const side = Math.min(width, height);
  return width * 9 === height * 16 || height * 9 === width * 16 ? `${side}p` : `${width}×${height}`;
}
