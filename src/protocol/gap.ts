/**
 * Why nothing was recorded, as written into gap leaves (u16, docs/formats/log.md).
 * Numbers are for ever; new causes get new numbers.
 */
export const GAP_CAUSES = {
  /** The recorder's own orderly stop. */
  stopped: 1,
  /** The node ended without closing (crash, kill -9, power); found at the next start. */
  crashed: 2,
  /** The source was disabled or removed by its owner. */
  disabled: 3,
  /** No connection: refused, no route, time-out, name not found. */
  unreachable: 4,
  /** The camera refused the credentials. */
  unauthorized: 5,
  /** Connected, but no fragment arrived for too long. */
  stalled: 6,
  /** The camera closed the connection or ended the stream. */
  ended: 7,
  /** Picture size, codec or parameter sets changed: one run ends, another begins. */
  changed: 8,
  /** What the camera sent could not be understood. */
  malformed: 9,
  /** The disk was full or below its floor. */
  full: 10,
  /** Writing failed for another reason. */
  storage: 11,
  /** Media timestamps jumped. */
  timestamps: 12,
  /** The node could not keep up and dropped fragments. */
  overload: 13,
  /** The node's calendar was set forward: time that was never there. */
  clock: 14,
  /** Nothing was to be recorded: outside the schedule, or without an event. */
  unwanted: 15,
  /** Another camera answered at this address. */
  foreign: 16,
  /** None of these. */
  unknown: 65535,
} as const;

export type GapCause = keyof typeof GAP_CAUSES;
