import type { CommandResult } from '../../engine/messages.ts';
import type { TestWish } from './camera-wish.ts';

type Facts = Pick<CommandResult<'sources.test'>, 'onvif' | 'streams'>;

/** What a person may want to do about a camera that was tried: a key of the words of this page, and what it tells of. */
export interface Advice {
  key:
    | 'foreign'
    | 'credentials'
    | 'lockout'
    | 'unreachable'
    | 'noPicture'
    | 'broken'
    | 'onvif'
    | 'clock'
    | 'h265'
    | 'codec'
    | 'smallOffered'
    | 'noSmall'
    | 'smallLarge'
    | 'noEvents';
  /** Pixels, for `smallOffered`. */
  size?: string;
  /** For `clock`. */
  offMs?: number;
}

/** A clock that is off by more is worth a word. */
const CLOCK_MS = 2_000;
/** Above that a picture is large for a grid. */
const SMALL_WIDTH_MAX = 1_280;

/** Most urgent first; empty where all is well. */
export function adviceOn({ onvif, streams }: Facts): Advice[] {
  const advice: Advice[] = [];
  const some = (...causes: string[]) => streams.some(({ cause }) => cause !== undefined && causes.includes(cause));
  if (onvif?.expected === false) advice.push({ key: 'foreign' });
  if (isRefused({ onvif, streams })) advice.push({ key: 'credentials' }, { key: 'lockout' });
  if (some('unreachable')) advice.push({ key: 'unreachable' });
  if (some('timeout', 'stalled')) advice.push({ key: 'noPicture' });
  if (some('malformed', 'ended')) advice.push({ key: 'broken' });
  if (onvif && !onvif.ok && onvif.cause === 'unreachable') advice.push({ key: 'onvif' });
  const offMs = Math.abs(onvif?.clockOffsetMs ?? 0);
  if (offMs > CLOCK_MS) advice.push({ key: 'clock', offMs });
  if (streams.some(({ codec }) => codec === 'h265')) advice.push({ key: 'h265' });
  if (streams.some(({ codec }) => codec === 'other')) advice.push({ key: 'codec' });
  const [main, small] = (['main', 'sub'] as const).map((name) => streams.find(({ stream }) => stream === name));
  if (main?.ok && !small) {
    const offered = onvif?.streams.find(({ width }) => main.size && width < main.size.width);
    if (offered) advice.push({ key: 'smallOffered', size: `${offered.width} × ${offered.height}` });
    else advice.push({ key: 'noSmall' });
  }
  if (small?.size && small.size.width > SMALL_WIDTH_MAX) advice.push({ key: 'smallLarge' });
  if (onvif?.ok && !onvif.abilities.includes('events')) advice.push({ key: 'noEvents' });
  return advice;
}

/** The camera did not take the user name or the password. */
export function isRefused({ onvif, streams }: Facts): boolean {
  return onvif?.cause === 'unauthorized' || streams.some(({ cause }) => cause === 'unauthorized');
}

/** True where what is filled in now would be tried with the same credentials at the same places. */
export function isSameDoor(wish: TestWish, tried: TestWish): boolean {
  return (['url', 'username', 'password', 'onvif'] as const).every((key) => wish[key] === tried[key]);
}
