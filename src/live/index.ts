export { QueueBudget } from './budget.ts';
export { createLive, type Live, type LiveOptions, type LivePlace, type LiveSink, type LiveStatus } from './live.ts';
export { Subscription } from './subscription.ts';
export type { LiveFragment, LiveGap, LiveInit, LiveUnit } from './unit.ts';
