import type { ChannelLimits } from '../limits.ts';

/** What bounds the old session beside the limits it shares with version 2. Times in ms. */
export interface V1Limits {
  /** From the hello's answer to the first genuine frame: a replayed hello holds nothing for longer. */
  firstFrameMs: number;
  /** Open sessions: in all, and from one source. */
  sessionsMax: number;
  sessionsPerSourceMax: number;
  /** Silence without a running command after which a session ends, and the age at which it ends anyhow. */
  idleMs: number;
  ageMs: number;
  /** Frames answered per second, with a burst; a faster client waits. */
  framesPerSecond: number;
  framesBurst: number;
  /** Frames of a client that wait; above the first number nothing more is read, above the second it is cut off. */
  waitingLow: number;
  waitingMax: number;
  /** Frames that did not open, in a row, before the session ends. */
  brokenMax: number;
  /** Nonces remembered for each session; when they are used up it ends. */
  noncesMax: number;
  /** Proofs of accepted hellos remembered. */
  proofsMax: number;
  /** How long a command may take; carrying a segment is bounded by `stallMs` instead. */
  commandMs: number;
  /** Bytes waiting in the socket above which the next piece waits. */
  bufferedMax: number;
}

/** The limits of docs/protocol/session-v1.md. */
export const V1_LIMITS: Readonly<V1Limits> = {
  firstFrameMs: 15_000,
  sessionsMax: 16,
  sessionsPerSourceMax: 4,
  idleMs: 120_000,
  ageMs: 86_400_000,
  framesPerSecond: 10,
  framesBurst: 40,
  waitingLow: 8,
  waitingMax: 128,
  brokenMax: 64,
  noncesMax: 65_536,
  proofsMax: 4_096,
  commandMs: 10_000,
  bufferedMax: 256 * 1024,
};

/** Longest message of a client. */
export const V1_MESSAGE_MAX = 64 * 1024;

/** The limits that both versions share; what has the same name in both is the old session's own. */
export type SharedLimits = Pick<ChannelLimits, 'handshakeMs' | 'closeMs' | 'stallMs'>;
