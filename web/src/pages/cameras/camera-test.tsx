import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { EngineFailure } from '../../engine/engine.ts';
import type { CommandResult, DeviceKey } from '../../engine/messages.ts';
import { useFormats } from '../../i18n/use-formats.ts';
import { useModel } from '../../model/model.ts';
import { Dot, Notice } from '../../ui/index.ts';
import type { TestWish } from './camera-wish.ts';
import { Failure } from './failure.tsx';
import { draw } from './last-picture.tsx';
import { drawStill, gather, type Still, StillFailure } from './still.ts';
import { adviceOn, isRefused, isSameDoor } from './test-advice.ts';

export type TestFacts = CommandResult<'sources.test'>;

/** How a test stands. */
export type TestState =
  | { kind: 'idle' }
  | { kind: 'running'; since: number }
  | { kind: 'done'; wish: TestWish; facts: TestFacts; still: Still | null }
  | { kind: 'failed'; failure: EngineFailure };

/** A camera test that is begun by hand; one at a time, broken off when the component goes. */
export function useCameraTest(node: DeviceKey) {
  const { engine } = useModel();
  const [state, setState] = useState<TestState>({ kind: 'idle' });
  const running = useRef<AbortController | null>(null);
  useEffect(() => () => running.current?.abort(), []);
  const run = async (wish: TestWish): Promise<TestFacts | null> => {
    running.current?.abort();
    const life = new AbortController();
    running.current = life;
    setState({ kind: 'running', since: Date.now() });
    try {
      const { reply, units } = await gather(engine, node, 'sources.test', wish, { signal: life.signal });
      const [init, fragment] = units;
      if (life.signal.aborted) return null;
      setState({ kind: 'done', wish, facts: reply, still: init && fragment ? { init, fragment } : null });
      return reply;
    } catch (error) {
      if (!(error instanceof EngineFailure)) throw error;
      if (!life.signal.aborted) setState({ kind: 'failed', failure: error });
      return null;
    }
  };
  const reset = () => {
    running.current?.abort();
    setState({ kind: 'idle' });
  };
  return { state, run, reset };
}

/** The camera refused the credentials that a form would still send. */
export function refusedBy(state: TestState, now: TestWish): boolean {
  return state.kind === 'done' && isRefused(state.facts) && isSameDoor(now, state.wish);
}

/** What came of a test, in words, with its picture. */
export function TestReport({ state }: { state: TestState }) {
  const { t } = useTranslation('cameras');
  const formats = useFormats();
  const shown = useRef<HTMLElement>(null);
  useEffect(() => {
    if (state.kind !== 'idle') shown.current?.scrollIntoView({ block: 'nearest' });
  }, [state]);
  if (state.kind === 'idle') return null;
  if (state.kind === 'running') {
    return (
      <p ref={shown as React.RefObject<HTMLParagraphElement>} className="cameras-testing" role="status">
        <span className="cameras-busy" aria-hidden="true" />
        {t('test.running')}
      </p>
    );
  }
  if (state.kind === 'failed') {
    return <Failure failure={state.failure} />;
  }
  const { onvif, streams } = state.facts;
  const advice = adviceOn(state.facts);
  const able = (['ptz', 'snapshot', 'events', 'imaging', 'recordings'] as const).filter((each) =>
    onvif?.abilities.includes(each),
  );
  const identity = onvif?.identity;
  const who = [identity?.manufacturer, identity?.model].filter(Boolean).join(' ');
  return (
    <section ref={shown} className="cameras-report" aria-label={t('test.title')} aria-live="polite">
      {state.still && <TestPicture still={state.still} />}
      <ul className="cameras-report-facts">
        {streams.map((each) => (
          <li key={each.stream}>
            <Dot tone={each.ok ? 'sealed' : 'gap'} />
            <span>
              <b>{t(`stream.${each.stream}`)}</b>{' '}
              {each.ok
                ? [
                    each.codec && t(`codec.${each.codec}`),
                    each.size && `${each.size.width} × ${each.size.height}`,
                    each.fps !== undefined && t('unit.fps', { value: formats.number(each.fps, 1) }),
                    each.audio && t('test.sound'),
                    each.transport && t(`transport.${each.transport}`),
                    each.ms !== undefined && t('test.firstPicture', { time: formats.duration(each.ms) }),
                  ]
                    .filter(Boolean)
                    .join(' · ')
                : t(`testCause.${each.cause ?? 'unknown'}`)}
              {!each.ok && each.reason && <small className="dim">{each.reason}</small>}
            </span>
          </li>
        ))}
        {onvif && (
          <li>
            <Dot tone={onvif.ok ? 'sealed' : 'gap'} />
            <span>
              <b>ONVIF</b> {onvif.ok ? who || t('test.onvifOk') : t(`testCause.${onvif.cause ?? 'unknown'}`)}
              {identity?.firmware && ` · ${t('test.firmware', { version: identity.firmware })}`}
              {onvif.expected === false && ` · ${t('test.foreign')}`}
              {able.length > 0 && (
                <small className="dim">
                  {t('test.abilities', { list: formats.list(able.map((each) => t(`ability.${each}`))) })}
                </small>
              )}
            </span>
          </li>
        )}
      </ul>
      {advice.length > 0 && (
        <ul className="cameras-advice">
          {advice.map(({ key, size = '', offMs = 0 }) => (
            <li key={key}>{t(`advice.${key}`, { size, time: formats.duration(offMs) })}</li>
          ))}
        </ul>
      )}
    </section>
  );
}

/** The picture of a test, or why this browser cannot draw it. */
function TestPicture({ still }: { still: Still }) {
  const { t } = useTranslation('cameras');
  const canvas = useRef<HTMLCanvasElement>(null);
  const [failure, setFailure] = useState<StillFailure | null>(null);
  useEffect(() => {
    let gone = false;
    drawStill(still, 960).then(
      (bitmap) => {
        if (!gone && canvas.current) draw(canvas.current, bitmap);
      },
      (error) => {
        if (!gone) setFailure(error instanceof StillFailure ? error : new StillFailure('decode', ''));
      },
    );
    return () => {
      gone = true;
    };
  }, [still]);
  if (failure) {
    return <Notice tone="gap">{t(`test.draw.${failure.why}`, { codec: failure.codec })}</Notice>;
  }
  return (
    <canvas
      ref={canvas}
      className="cameras-test-picture"
      width={16}
      height={9}
      role="img"
      aria-label={t('test.picture')}
    />
  );
}
