/**
 * The two times, never mixed: the calendar may step, the monotonic clock only runs forward.
 *
 * Monotonic values share an arbitrary origin within one process life and mean nothing outside it.
 */
export interface Clock {
  /** Wall time, whole milliseconds since the Unix epoch (UTC). */
  now(): number;
  /** Wall time, whole microseconds since the Unix epoch (UTC). */
  nowUs(): number;
  /** Monotonic time in milliseconds, with a fraction. */
  monotonic(): number;
  /** Monotonic time in whole microseconds. */
  monotonicUs(): number;
  /** Resolves after `ms` of monotonic time; rejects with the signal's reason when it aborts first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls `task` once after `ms`, unless the returned function is called before. */
  after(ms: number, task: () => void): () => void;
}
