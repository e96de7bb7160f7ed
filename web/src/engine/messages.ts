import type {
  CommandName,
  CommandParams,
  CommandResult,
  DeviceKey,
  GapCause,
  Role,
  SourceId,
  StreamName,
} from './node-types.ts';

/** Whether a node can be reached, as the page shows it. */
export type LinkState =
  | { kind: 'connecting'; since: number }
  | { kind: 'open'; since: number; address: string }
  /** Tried again at `retryAt` (epoch ms); `reason` is an error code. */
  | { kind: 'lost'; since: number; retryAt: number; reason: string }
  /** The node does not know this device (any more). */
  | { kind: 'refused'; since: number };

/** A paired node. */
export interface NodeState {
  node: DeviceKey;
  name: string;
  /** What several nodes of one place are shown under. */
  site: string;
  addresses: readonly string[];
  /** This device's key at that node. */
  device: DeviceKey;
  pairedAt: number;
  link: LinkState;
}

/** What this browser gives us, told to people where it is less than it could be. */
export interface EngineFacts {
  /** `noble`: no WebCrypto, as on plain http; slower, and keys are kept as they are. */
  crypto: 'web' | 'noble';
  /** Secret keys lie where no script can read them. */
  keysGuarded: boolean;
}

/** What went wrong, as the node or the client library named it. */
export interface EngineError {
  code: string;
  kind: string;
  message: string;
}

/** Facts of one track, as `sources.list` tells them. */
export type TrackFacts = CommandResult<'sources.list'>['sources'][number]['streams'][number]['tracks'][number];

/** The init segment of the fragments that follow. */
export interface InitPiece {
  kind: 'init';
  bytes: ArrayBuffer;
  /** Such as `avc1.64001f,mp4a.40.2`, for `MediaSource.isTypeSupported`. */
  codecs: string;
  width: number;
  height: number;
  /** Ticks per second of the video track. */
  timescale: number;
}

/** One fragment, opened. */
export interface FragmentPiece {
  kind: 'fragment';
  /** `moof` + `mdat`, with a `prft` in front where the recorder wrote one. */
  bytes: ArrayBuffer;
  keyframe: boolean;
  /** Wall time (the node's) of its first picture, and after its last; µs since 1970. */
  startUs: number;
  endUs: number;
  /** Decode time of its first picture in seconds of media time; jumps where a run ends. */
  mediaStart: number;
  /** Pictures in it. */
  pictures: number;
  /** When each is shown, in order; seconds of media time. Empty: evenly spread. */
  times: readonly number[];
}

/** A stretch without recording. */
export interface GapPiece {
  kind: 'gap';
  startUs: number;
  endUs: number | null;
  cause: GapCause;
}

export type Piece = InitPiece | FragmentPiece | GapPiece;

export interface LiveOrder {
  node: DeviceKey;
  source: SourceId;
  stream: StreamName;
}

export interface PlayOrder extends LiveOrder {
  /** Epoch ms; begins with the last keyframe at or before it. */
  from: number;
  /** Epoch ms; absent: as far as there is. */
  to?: number;
  /** Only the fragments that begin with a keyframe, for fast speeds and scrubbing. */
  keyframesOnly?: boolean;
  /** With `keyframesOnly`: of keyframes nearer to each other than so many ms one is enough. */
  spacing?: number;
}

/** One picture of the past. */
export interface KeyframeOrder extends LiveOrder {
  /** Epoch ms: the last keyframe at or before it. */
  at: number;
}

/** That picture; null where nothing was recorded then. */
export type KeyframeAnswer = { init: InitPiece; fragment: FragmentPiece } | null;

export interface ExportOrder extends LiveOrder {
  from: number;
  to: number;
}

export interface ExportProgress {
  bytes: number;
  durationUs: number;
  endUs: number;
}

/** What the page asks of the engine; `id` names the task in everything that follows. */
export type ToEngine =
  | { id: number; ask: 'start' }
  | { id: number; ask: 'pair'; invitation: string; label: string; name: string; site: string }
  | { id: number; ask: 'pairByCode'; address: string; digits: string; label: string; name: string; site: string }
  | { id: number; ask: 'look'; invitation: string }
  | { id: number; ask: 'forget'; node: DeviceKey }
  | { id: number; ask: 'rename'; node: DeviceKey; name: string; site: string }
  | { id: number; ask: 'wake' }
  | { id: number; ask: 'call'; node: DeviceKey; name: CommandName; params: unknown }
  | { id: number; ask: 'watch'; node: DeviceKey; name: CommandName; params: unknown }
  | { id: number; ask: 'live'; order: LiveOrder }
  | { id: number; ask: 'play'; order: PlayOrder }
  | { id: number; ask: 'keyframe'; order: KeyframeOrder }
  | { id: number; ask: 'export'; order: ExportOrder }
  /** So many more pieces may be sent (`play`, `export`). */
  | { id: number; more: number }
  | { id: number; cancel: true };

/** What the engine tells the page. */
export type FromEngine =
  | { id: number; result: unknown }
  | { id: number; error: EngineError }
  | { id: number; piece: Piece }
  /** Bytes of an exported file, in order; `part` counts from 1. */
  | { id: number; part: number; bytes: ArrayBuffer }
  | { id: number; event: string; params: unknown }
  | { id: number; end: EngineError | null }
  | { nodes: readonly NodeState[] };

export type { CommandName, CommandParams, CommandResult, DeviceKey, GapCause, Role, SourceId, StreamName };
