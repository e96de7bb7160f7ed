import type { TFunction } from 'i18next';
import type { EngineError, GapCause } from '../engine/messages.ts';

/** What of `sources.states` is said in words. */
export interface StateFacts {
  state: 'starting' | 'running' | 'stalled' | 'backoff' | 'disabled' | 'failed';
  recording?: 'yes' | 'schedule' | 'waiting' | 'event' | 'unsure' | 'never' | undefined;
  cause?: GapCause | undefined;
}

/** Any `t` will do: the texts are named with their area. */
type T = TFunction<never> | TFunction;

/** What a gap's cause was: "camera unreachable". */
export function causeText(t: T, cause: GapCause): string {
  return say(t, `causes.${cause}.name`) ?? say(t, 'causes.unknown.name')!;
}

/** What to do about it, or null where nothing is to be done. */
export function causeAdvice(t: T, cause: GapCause): string | null {
  return say(t, `causes.${cause}.advice`);
}

/** What a recorder does: "recording", "no picture: password refused". */
export function stateText(t: T, { state, recording, cause }: StateFacts): string {
  if (state === 'running') return say(t, `recording.${recording ?? 'yes'}`) ?? say(t, 'recording.yes')!;
  const words = say(t, `states.${state}`) ?? state;
  const telling = cause && cause !== 'disabled' && cause !== 'unknown' && state !== 'disabled' && state !== 'starting';
  return telling ? say(t, 'states.because', { state: words, cause: causeText(t, cause) })! : words;
}

/** What went wrong, in words, by its code; by its kind where the code has none. */
export function errorText(t: T, error: Pick<EngineError, 'code' | 'kind'>): string {
  return say(t, `errors.${error.code}`) ?? say(t, `kinds.${error.kind}.name`) ?? say(t, 'kinds.internal.name')!;
}

/** What to do about it, or null. */
export function errorAdvice(t: T, error: Pick<EngineError, 'code' | 'kind'>): string | null {
  return say(t, `advice.${error.code}`) ?? say(t, `kinds.${error.kind}.advice`);
}

/** "Owner", "admin", … */
export function roleText(t: T, role: 'viewer' | 'operator' | 'admin' | 'owner'): string {
  return say(t, `roles.${role}.name`)!;
}

/** What a role may do. */
export function roleMeaning(t: T, role: 'viewer' | 'operator' | 'admin' | 'owner'): string {
  return say(t, `roles.${role}.meaning`)!;
}

function say(t: T, key: string, values: Record<string, string> = {}): string | null {
  const found = (t as (key: string, options: object) => string)(key, { ns: 'words', defaultValue: '', ...values });
  return found === '' ? null : found;
}
