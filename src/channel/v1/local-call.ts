import { assert } from '../../errors.ts';
import type { Clock } from '../../platform/index.ts';
import type { Caller, CallHandler, ReplyStream } from '../../protocol/index.ts';
import { closedError } from '../errors.ts';
import { tookTooLong } from './errors.ts';

/** A command of version 2, called from here. */
export interface LocalCall {
  caller: Caller;
  method: string;
  params: unknown;
  signal: AbortSignal;
}

/**
 * Calls a command and gives its result. DATA units go to `onData` one at a time; the command reads no further until it has
 * resolved, which is all the back-pressure there is. Notifications are dropped: the old wire has none.
 */
export async function callHere(
  handle: CallHandler,
  { signal, ...call }: LocalCall,
  onData?: (unit: Uint8Array) => Promise<void>,
): Promise<unknown> {
  let replied: { result: unknown } | null = null;
  const stream: ReplyStream = {
    reply(result) {
      if (signal.aborted) throw closedError();
      assert(!replied, 'one reply for each request');
      replied = { result };
    },
    async data(unit) {
      if (signal.aborted) throw closedError();
      assert(replied && onData, 'a reply before data, and a command that has data');
      await onData(unit);
    },
    event() {},
  };
  const result = await handle({ ...call, stream, signal });
  signal.throwIfAborted();
  return (replied as { result: unknown } | null)?.result ?? result;
}

/**
 * Runs `work` with a signal that aborts with `signal`, and after `ms` at the latest with `ERR_CHANNEL_V1_DEADLINE`
 * (`unavailable`); does not wait for work that goes on all the same.
 */
export async function within<T>(
  clock: Clock,
  ms: number,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const forward = () => controller.abort(signal.reason);
  const cancel = clock.after(ms, () => controller.abort(tookTooLong()));
  if (signal.aborted) forward();
  signal.addEventListener('abort', forward, { once: true });
  try {
    return await new Promise<T>((resolve, reject) => {
      controller.signal.addEventListener('abort', () => reject(controller.signal.reason), { once: true });
      controller.signal.throwIfAborted();
      work(controller.signal).then(resolve, reject);
    });
  } finally {
    cancel();
    signal.removeEventListener('abort', forward);
  }
}
