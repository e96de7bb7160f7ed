import { isNvrError } from '../errors.ts';
import type { Live, LiveFragment, LiveInit, LivePlace } from '../live/index.ts';
import type { Clock } from '../platform/index.ts';
import { SNAPSHOTS_MAX } from '../protocol/index.ts';
import { askCamera, requireSource } from './camera-trouble.ts';
import { noPicture, sourceMissing, tooManySnapshots } from './errors.ts';
import type { Family, NotingDeps } from './handler.ts';
import { atOf, trackFacts } from './wire.ts';

/** How long the newest keyframe of a stream is waited for: a camera's longest group of pictures, and a little more. */
const KEYFRAME_WAIT_MS = 10_000;

/** `snapshots.get`. */
export function snapshotCommands({
  clock,
  live,
  cameras,
  sources,
  notes,
}: Pick<NotingDeps, 'clock' | 'live' | 'cameras' | 'sources' | 'notes'>): Family<'snapshots.get'> {
  /** Snapshots that are being sent, by session id; bounded by the open channels. */
  const sending = new Map<string, number>();

  return {
    async 'snapshots.get'({ params: { source, from, stream }, call, signal }) {
      requireSource(sources, source);
      const { sessionId } = call.caller;
      const count = sending.get(sessionId) ?? 0;
      if (count >= SNAPSHOTS_MAX) throw tooManySnapshots(SNAPSHOTS_MAX);
      sending.set(sessionId, count + 1);
      try {
        if (from === 'camera') {
          const { bytes, at } = await askCamera(signal, async () => cameras.snapshots.get(source, signal));
          notes.glimpsed(call, source);
          call.stream.reply({ source, from, at, size: bytes.length, tracks: [] });
          await call.stream.data(bytes);
          return undefined;
        }
        const { init, fragment } = await newest({ clock, live }, { sourceId: source, stream }, signal);
        notes.glimpsed(call, source);
        const size = init.bytes.length + fragment.bytes.length;
        call.stream.reply({ source, from, at: atOf(fragment.startUs), size, tracks: trackFacts(init.tracks) });
        await call.stream.data(init.bytes, { init: true });
        await call.stream.data(fragment.bytes, { keyframe: true });
        return undefined;
      } finally {
        const left = (sending.get(sessionId) ?? 1) - 1;
        if (left === 0) sending.delete(sessionId);
        else sending.set(sessionId, left);
      }
    },
  };
}

/** The newest keyframe of a stream with what a decoder needs before it; waits for one where there is none. */
async function newest(
  { clock, live }: { clock: Clock; live: Live },
  place: LivePlace,
  signal: AbortSignal,
): Promise<{ init: LiveInit; fragment: LiveFragment }> {
  const subscription = subscribe(live, place, signal);
  const cancel = clock.after(KEYFRAME_WAIT_MS, () => subscription.end());
  let init: LiveInit | null = null;
  try {
    for await (const unit of subscription) {
      if (unit.kind === 'init') init = unit;
      else if (unit.kind === 'gap') init = null;
      else if (init && unit.keyframe) return { init, fragment: unit };
    }
  } finally {
    cancel();
  }
  signal.throwIfAborted();
  throw noPicture();
}

function subscribe(live: Live, place: LivePlace, signal: AbortSignal) {
  try {
    return live.subscribe(place, { signal });
  } catch (error) {
    if (isNvrError(error, 'missing')) throw sourceMissing();
    throw error;
  }
}
