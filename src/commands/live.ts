import { isNvrError } from '../errors.ts';
import type { Live, LiveUnit, QueueBudget, Subscription } from '../live/index.ts';
import { LIVE_SUBSCRIPTIONS_MAX, type ReplyStream } from '../protocol/index.ts';
import { sourceMissing, tooManySubscriptions } from './errors.ts';
import type { Family, NotingDeps } from './handler.ts';
import { atOf, gapFacts, trackFacts } from './wire.ts';

/** The live streams of one channel; forgotten with its last subscription. */
interface Watching {
  budget: QueueBudget;
  subscriptions: Map<number, Subscription>;
}

/** `live.subscribe`, `live.unsubscribe`. */
export function liveCommands({
  live,
  notes,
}: Pick<NotingDeps, 'live' | 'notes'>): Family<'live.subscribe' | 'live.unsubscribe'> {
  /** By session id; bounded by the open channels. */
  const watchers = new Map<string, Watching>();
  let count = 0;

  return {
    async 'live.subscribe'({ params, call, signal }) {
      const { source, stream } = params;
      const place = { sourceId: source, stream };
      const { sessionId } = call.caller;
      const watching = watchers.get(sessionId) ?? { budget: live.budget(), subscriptions: new Map() };
      if (watching.subscriptions.size >= LIVE_SUBSCRIPTIONS_MAX) throw tooManySubscriptions(LIVE_SUBSCRIPTIONS_MAX);
      const subscription = subscribe(live, place, watching.budget, signal);
      const number = ++count;
      watchers.set(sessionId, watching);
      watching.subscriptions.set(number, subscription);
      try {
        notes.viewed(call, source);
        const current = live.current(place);
        const tracks = trackFacts(current?.tracks ?? []);
        call.stream.reply({ subscription: number, source, stream, running: current !== null, tracks });
        for await (const unit of subscription) await sendUnit(call.stream, unit);
        signal.throwIfAborted();
        return undefined;
      } finally {
        subscription.end();
        watching.subscriptions.delete(number);
        if (watching.subscriptions.size === 0) watchers.delete(sessionId);
      }
    },

    async 'live.unsubscribe'({ params, call }) {
      const subscription = watchers.get(call.caller.sessionId)?.subscriptions.get(params.subscription);
      subscription?.end();
      return { ended: subscription !== undefined };
    },
  };
}

function subscribe(
  live: Live,
  place: Parameters<Live['subscribe']>[0],
  budget: QueueBudget,
  signal: AbortSignal,
): Subscription {
  try {
    return live.subscribe(place, { budget, signal });
  } catch (error) {
    if (isNvrError(error, 'missing')) throw sourceMissing();
    throw error;
  }
}

async function sendUnit(stream: ReplyStream, unit: LiveUnit): Promise<void> {
  if (unit.kind === 'gap') {
    stream.event('live.gap', gapFacts({ cause: unit.cause, startUs: unit.startUs, endUs: null }));
  } else if (unit.kind === 'init') {
    stream.event('live.run', { run: unit.run, tracks: trackFacts(unit.tracks), startAt: atOf(unit.startUs) });
    await stream.data(unit.bytes, { init: true });
  } else {
    if (unit.dropped > 0) stream.event('live.dropped', { fragments: unit.dropped });
    await stream.data(unit.bytes, unit.keyframe ? { keyframe: true } : {});
  }
}
