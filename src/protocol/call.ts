import type { DeviceKey } from './ids.ts';

/** What a device may do; see docs/protocol/commands.md for the table. */
export type Role = 'viewer' | 'operator' | 'admin' | 'owner';

/** The device at the other end of a channel, proved by the handshake. */
export interface Caller {
  device: DeviceKey;
  role: Role;
  /** Hex, one channel's life. */
  sessionId: string;
  /** `v1`: the old session, whose device key is only a claim; absent: proved by the handshake. */
  via?: 'v1';
  /** Where it comes from, without port; for the audit log. Absent where unknown. */
  address?: string;
}

/** Marks of one DATA unit (docs/protocol/channel.md). */
export interface UnitMarks {
  /** The unit begins with a keyframe. */
  keyframe?: boolean;
  /** The unit is an init segment. */
  init?: boolean;
}

/** The way back to the caller on the stream of its request. */
export interface ReplyStream {
  /**
   * Sends the JSON-RPC result now, before any DATA; at most once. A handler that never calls it has its return value sent.
   * Throws `ERR_CHANNEL_CLOSED` (`cancelled`) once the stream is gone.
   */
  reply(result: unknown): void;
  /**
   * Sends one unit as DATA frames; resolves when all of it was handed to the socket within credit and back-pressure.
   * Rejects with `ERR_CHANNEL_CLOSED` (`cancelled`) once the stream is gone. Never call it twice at once.
   */
  data(unit: Uint8Array, marks?: UnitMarks): Promise<void>;
  /** Sends a notification. */
  event(name: string, params: unknown): void;
}

/** One request, decoded and authenticated; permission has not been asked yet. */
export interface Call {
  caller: Caller;
  /** As sent, such as `segments.list@1`. */
  method: string;
  params: unknown;
  stream: ReplyStream;
  /** Aborts on CANCEL, on a closed channel, on shutdown. */
  signal: AbortSignal;
}

/**
 * Answers calls. The resolved value is the JSON-RPC result unless `reply` was used; once it resolves the stream ends (END).
 * A rejected `NvrError` becomes a JSON-RPC error with its code and kind and a fixed text; anything else is `internal`.
 */
export type CallHandler = (call: Call) => Promise<unknown>;
