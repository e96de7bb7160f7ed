import type { Clock } from '../../platform/index.ts';
import { CameraError } from '../errors.ts';

/** Runs a task of several questions under one deadline; every error becomes a `CameraError`. */
export async function within<T>(
  clock: Clock,
  deadlineMs: number,
  outer: AbortSignal | undefined,
  task: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const inner = new AbortController();
  let late = false;
  const cancel = clock.after(deadlineMs, () => {
    late = true;
    inner.abort();
  });
  const onAbort = () => inner.abort();
  outer?.addEventListener('abort', onAbort, { once: true });
  try {
    if (outer?.aborted) throw new CameraError('cancelled');
    return await task(inner.signal);
  } catch (error) {
    if (late) throw new CameraError('unreachable', { detail: 'its time was over' });
    if (outer?.aborted) throw new CameraError('cancelled');
    throw error instanceof CameraError ? error : new CameraError('malformed', { cause: error });
  } finally {
    cancel();
    outer?.removeEventListener('abort', onAbort);
  }
}
