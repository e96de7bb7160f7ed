import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { EngineFailure } from '../../engine/engine.ts';
import type { CommandResult } from '../../engine/messages.ts';
import { useFormats } from '../../i18n/use-formats.ts';
import { causeAdvice, errorText, stateText } from '../../i18n/words.ts';
import type { Asked } from '../../model/asked.ts';
import type { Camera } from '../../model/cameras.ts';
import { useModel } from '../../model/model.ts';
import { Button, Notice, toast, useNow } from '../../ui/index.ts';

type View = CommandResult<'cameras.view'>;

/** What is known of a camera, in words. */
export function CameraFacts({ camera, view, configures }: { camera: Camera; view: Asked<View>; configures: boolean }) {
  const { t } = useTranslation('cameras');
  const formats = useFormats();
  const now = useNow(10_000);
  const known = view.value;
  const { identity, abilities } = known ?? {};
  const able = abilities
    ? (['ptz', 'snapshot', 'events', 'imaging', 'recordings'] as const).filter((each) => abilities[each])
    : [];
  return (
    <>
      <dl className="ui-facts">
        <dt>{t('facts.id')}</dt>
        <dd className="mono">{camera.source}</dd>
        <dt>{t('facts.node')}</dt>
        <dd>{[camera.site, camera.nodeName].filter(Boolean).join(' · ')}</dd>
        {camera.streams.map(({ stream }) => {
          const state = camera.states[stream];
          if (!state) return null;
          const advice = state.cause && state.state !== 'running' ? causeAdvice(t, state.cause) : null;
          return (
            <StreamRow key={stream} label={t(`stream.${stream}`)}>
              {stateText(t, state)} · {t('list.since', { time: formats.moment(state.since, now) })}
              {state.picture && (
                <small className="dim">
                  {state.picture.width} × {state.picture.height} · <span className="mono">{state.picture.codec}</span>
                  {state.framesPerSecond !== undefined &&
                    ` · ${t('unit.fps', { value: formats.number(state.framesPerSecond, 1) })}`}
                  {state.bitsPerSecond !== undefined && ` · ${formats.bitRate(state.bitsPerSecond)}`}
                </small>
              )}
              {state.reason && state.state !== 'running' && (
                <small className="dim" lang="en">
                  {state.reason}
                </small>
              )}
              {advice && <small className="dim">{advice}</small>}
            </StreamRow>
          );
        })}
        {known && (
          <>
            <dt>{t('facts.onvif')}</dt>
            <dd>
              {t(`onvifState.${known.state}`)} · {t('list.since', { time: formats.moment(known.since, now) })}
            </dd>
            {identity && (
              <>
                <dt>{t('facts.model')}</dt>
                <dd>
                  {[identity.manufacturer, identity.model].filter(Boolean).join(' ') || '–'}
                  {identity.firmware && ` · ${t('test.firmware', { version: identity.firmware })}`}
                  {identity.hardwareId && <small className="dim mono">{identity.hardwareId}</small>}
                </dd>
              </>
            )}
            {able.length > 0 && (
              <>
                <dt>{t('facts.abilities')}</dt>
                <dd>{formats.list(able.map((each) => t(`ability.${each}`)))}</dd>
              </>
            )}
            {abilities?.events && (
              <>
                <dt>{t('facts.events')}</dt>
                <dd>{t(known.eventsConnected ? 'facts.eventsYes' : 'facts.eventsNo')}</dd>
              </>
            )}
          </>
        )}
      </dl>
      {view.failure && view.failure.kind !== 'missing' && <Notice tone="gap">{errorText(t, view.failure)}</Notice>}
      {view.failure?.kind === 'missing' && <p className="dim">{t('facts.noOnvif')}</p>}
      {known?.state === 'reached' && <CameraClock camera={camera} view={view} configures={configures} />}
    </>
  );
}

function StreamRow({ label, children }: { label: string; children: React.ReactNode }) {
  return (
    <>
      <dt>{label}</dt>
      <dd className="cameras-stack">{children}</dd>
    </>
  );
}

/** The camera's own clock; setting it where this device may. */
function CameraClock({ camera, view, configures }: { camera: Camera; view: Asked<View>; configures: boolean }) {
  const { engine } = useModel();
  const { t } = useTranslation('cameras');
  const formats = useFormats();
  const [busy, setBusy] = useState(false);
  const clock = view.value?.clock;
  const set = async () => {
    setBusy(true);
    try {
      const { cameraAt, nodeAt } = await engine.call(camera.node, 'cameras.time', {
        source: camera.source,
        set: 'clock',
      });
      toast(t('clock.done', { time: formats.duration(Math.abs(cameraAt - nodeAt)) }), { tone: 'sealed' });
      view.again();
    } catch (error) {
      if (!(error instanceof EngineFailure)) throw error;
      toast(errorText(t, error), { tone: 'gap' });
    } finally {
      setBusy(false);
    }
  };
  const off = clock?.offsetMs ?? 0;
  const away = formats.duration(Math.abs(off));
  return (
    <section className="cameras-clock">
      <h3>{t('clock.title')}</h3>
      <p>
        {!clock
          ? t('clock.unknown')
          : Math.abs(off) <= clock.uncertaintyMs
            ? t('clock.right', { time: formats.duration(Math.max(100, clock.uncertaintyMs)) })
            : t(off > 0 ? 'clock.ahead' : 'clock.behind', { time: away })}
        {clock?.driftMsPerDay != null &&
          ` ${t('clock.drift', { time: formats.duration(Math.abs(clock.driftMsPerDay)) })}`}
      </p>
      {clock?.alarm && <Notice tone="gap">{t('clock.alarm')}</Notice>}
      {configures && (
        <Button icon="clock" disabled={busy} onClick={() => void set()}>
          {t('clock.set')}
        </Button>
      )}
      <p className="dim cameras-small">{t('clock.hint')}</p>
    </section>
  );
}
