import type { TFunction } from 'i18next';
import { useTranslation } from 'react-i18next';
import type { Formats } from '../i18n/formats.ts';
import { useFormats } from '../i18n/use-formats.ts';
import { causeAdvice, causeText, errorAdvice, errorText, stateText } from '../i18n/words.ts';
import { useNow } from '../ui/time.tsx';
import { codecName, type TileMessage } from './tile-message.ts';

/** The words of a tile without a picture of now: what, since when, what next, what to do. `over`: a picture stands behind them. */
export function TileMessageView({ message, name, over }: { message: TileMessage; name: string; over: boolean }) {
  const { t } = useTranslation('wall');
  const formats = useFormats();
  const now = useNow(1_000);
  const { title, advice } = wordsOf(t, message, name);
  const times = timesOf(t, formats, message, now);
  const quiet = isPassing(message);
  return (
    <div className="wall-message" data-over={over ? '' : undefined} data-quiet={quiet ? '' : undefined}>
      <p className="wall-message-title" role="status">
        {title}
      </p>
      {times.length > 0 && <p>{times.join('\u00a0· ')}</p>}
      {advice && <p className="wall-message-advice">{advice}</p>}
    </div>
  );
}

/** Over in a moment: told quietly, without times. */
function isPassing({ what }: Pick<TileMessage, 'what'>): boolean {
  return what.kind === 'opening' || what.kind === 'loading' || what.kind === 'connecting';
}

function wordsOf(t: TFunction<'wall'>, { what }: TileMessage, name: string): { title: string; advice: string | null } {
  switch (what.kind) {
    case 'link':
      return what.refused
        ? { title: t('message.refused', { name }), advice: t('message.refusedAdvice') }
        : { title: t('message.linkLost', { name }), advice: t('message.linkLostAdvice') };
    case 'recorder': {
      const title = what.cause ? causeText(t, what.cause) : stateText(t, { state: what.state });
      const advice = what.cause ? causeAdvice(t, what.cause) : null;
      return { title: t('message.camera', { name, what: title }), advice: advice ?? what.reason };
    }
    case 'gap': {
      const cause = causeText(t, what.cause);
      return what.past
        ? { title: t('message.gapPast'), advice: cause }
        : { title: t('message.camera', { name, what: cause }), advice: causeAdvice(t, what.cause) };
    }
    case 'unplayable':
      return {
        title: t('message.unplayable', { codec: codecName(what.codecs) }),
        advice: t('message.unplayableAdvice'),
      };
    case 'failed':
      return { title: errorText(t, what.error), advice: errorAdvice(t, what.error) };
    case 'removed':
      return { title: t('message.removed', { name }), advice: t('message.removedAdvice') };
    case 'disabled':
      return { title: t('message.disabled', { name }), advice: t('message.disabledAdvice') };
    case 'denied':
      return {
        title: t(what.past ? 'message.deniedPast' : 'message.deniedLive', { name }),
        advice: what.other ? t(what.past ? 'message.deniedPastAdvice' : 'message.deniedLiveAdvice') : null,
      };
    case 'late':
      return { title: t('message.late'), advice: t('message.lateAdvice') };
    case 'connecting':
      return { title: t('message.connecting'), advice: null };
    case 'opening':
      return { title: t('message.opening'), advice: null };
    case 'loading':
      return { title: t('message.loading'), advice: null };
  }
}

function timesOf(t: TFunction<'wall'>, formats: Formats, { what, since, next }: TileMessage, now: number): string[] {
  if (isPassing({ what })) return [];
  const told: string[] = [];
  // Whole seconds: tenths would change too fast to be read.
  const long = (ms: number) => formats.duration(Math.floor(Math.max(0, ms) / 1000) * 1000);
  if (what.kind === 'gap' && since !== null && next !== null)
    told.push(t('message.span', { from: formats.moment(since, now), long: long(next - since) }));
  else if (since !== null) told.push(t('message.since', { time: formats.moment(since, now), long: long(now - since) }));
  if (next === null) return told;
  if (what.kind === 'gap') told.push(t('message.goesOn', { time: formats.moment(next, now) }));
  else
    told.push(next - now >= 1_000 ? t('message.nextTry', { in: formats.relative(next, now) }) : t('message.tryingNow'));
  return told;
}
