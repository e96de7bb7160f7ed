import type { DeviceKey, EngineError, GapCause, SourceId, StreamName } from '../engine/messages.ts';

/** What a player shows: one stream of one camera. */
export interface TileCamera {
  node: DeviceKey;
  source: SourceId;
  stream: StreamName;
}

/**
 * What a player is doing. `since` is epoch ms of this browser. Names are for the tile, which tells them in words; nothing here is text for
 * people.
 */
export type TileState =
  /** Stopped, or never begun: the last picture stays. */
  | { kind: 'idle' }
  /** Asked for pictures; none of this start was shown yet. */
  | { kind: 'opening'; since: number }
  /** Pictures run (or, in the past, stand where the playhead stands). */
  | { kind: 'playing'; since: number }
  /** Pictures are late; the last one stays. `link`: the channel is away and comes back by itself. `data`: nothing came for a while. */
  | { kind: 'waiting'; since: number; why: 'link' | 'data' }
  /** There is nothing here: the run ended (live), or it was not recorded (past). Epoch ms of the node; `until` null: it lasts. */
  | { kind: 'gap'; since: number; until: number | null; cause: GapCause }
  /** This browser has no decoder for it. */
  | { kind: 'unplayable'; since: number; codecs: string }
  /** The source is not there any more. */
  | { kind: 'ended'; since: number }
  /** The node or the browser refused; not tried again before `start` or `setCamera`. */
  | { kind: 'failed'; since: number; error: EngineError };

/** A picture on the glass. */
export interface ShownPicture {
  /** Wall time of the picture by the node's clock; µs since 1970. */
  wallUs: number;
  /** When it was (or is expected to be) seen; `performance.now()` of the page, ms. */
  presentedAt: number;
}

/** Figures of a player, counted since `setCamera`. */
export interface TileStats {
  stream: StreamName;
  /** Such as `avc1.64001f,mp4a.40.2`; empty before the first init segment. */
  codecs: string;
  /** Pixels of the shown picture; 0 before the first. */
  width: number;
  height: number;
  /** Pictures a second on the glass, lately. */
  framesPerSecond: number;
  /** The shown picture's age in ms, by the node's clock as measured; null in the past or before the first picture. */
  delayMs: number | null;
  /** What lies ready after the shown picture, ms. */
  aheadMs: number;
  playbackRate: number;
  /** From `start` to the first picture, ms; null before it. */
  firstPictureMs: number | null;
  /** Fragments taken from the engine. */
  fragments: number;
  bytes: number;
  /** Fragments that came and were never put before the decoder. */
  dropped: number;
  /** Fragments the node left out because this reader was too slow. */
  leftOut: number;
  /** Times the picture stood because nothing lay ready. */
  stalls: number;
  /** Times it was moved to the newest pictures because it was far behind. */
  jumps: number;
}

/**
 * Shows one camera in one `<video>`: live (`LivePlayer`) or the past (`PastPlayer`). The order of calls is `attach`, `setCamera`, then `start` and
 * `stop` as often as wished, `close` last. A stopped player costs nothing (its feed is closed) and leaves its last picture standing.
 */
export interface TilePlayer {
  /** The element to play on; it is the player's alone from now on. Called once. */
  attach(video: HTMLVideoElement): void;
  /** What to show; begins anew where it runs and this is another camera or stream. */
  setCamera(camera: TileCamera): void;
  start(): void;
  stop(): void;
  /** For ever; frees the element. */
  close(): void;
  state(): TileState;
  stats(): TileStats;
  /** The picture on the glass now; null before the first one of this start. */
  shown(): ShownPicture | null;
  /** Told after each change of state; returns how to stop that. */
  onState(listener: (state: TileState) => void): () => void;
  /** Told once for each start, when its first picture is on the glass; returns how to stop that. */
  onPicture(listener: () => void): () => void;
}
