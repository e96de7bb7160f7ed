import { type PointerEvent, useCallback, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useStore } from '../engine/store.ts';
import { useFormats } from '../i18n/use-formats.ts';
import { errorText } from '../i18n/words.ts';
import type { Camera } from '../model/cameras.ts';
import { useModel } from '../model/model.ts';
import { Button, IconButton } from '../ui/button.tsx';
import { useHotkeys } from '../ui/hotkeys.ts';
import { Icon } from '../ui/icons.tsx';
import { PtzHold, stickSpeed } from './ptz-hold.ts';
import { PtzPresets } from './ptz-presets.tsx';
import type { CameraOffers } from './use-abilities.ts';
import { useLetGo } from './use-let-go.ts';

/** Speed of arrow keys and buttons. */
const KEY_SPEED = 0.5;
const STICK_PIXELS = 52;

/** Steers a camera's head while it is open: a stick, zoom, presets; says who steers it otherwise. */
export function PtzPad({ camera, offers, onClose }: { camera: Camera; offers: CameraOffers; onClose(): void }) {
  const { t } = useTranslation('wall');
  const { engine, wall } = useModel();
  const { node, source, key, name } = camera;
  const [hold, setHold] = useState<PtzHold | null>(null);
  const chosen = useStore(wall.chosen) === key;
  useEffect(() => {
    const made = new PtzHold(engine, node, source);
    made.hold();
    setHold(made);
    return () => made.release();
  }, [engine, node, source]);
  useKeySteering(hold, chosen);
  return (
    <section className="wall-ptz" aria-label={t('ptz.of', { name })}>
      {hold && <PtzStatus hold={hold} offers={offers} />}
      <div className="wall-ptz-row">
        {hold && <Stick hold={hold} />}
        <div className="wall-ptz-side">
          {hold && (
            <Held
              icon="plus"
              label={t('ptz.zoomIn')}
              onHold={(on) => hold.move({ pan: 0, tilt: 0, zoom: on ? KEY_SPEED : 0 })}
            />
          )}
          {hold && (
            <Held
              icon="minus"
              label={t('ptz.zoomOut')}
              onHold={(on) => hold.move({ pan: 0, tilt: 0, zoom: on ? -KEY_SPEED : 0 })}
            />
          )}
          {hold && <PtzPresets camera={camera} hold={hold} max={offers.presetsMax} />}
          <IconButton icon="close" label={t('ptz.close')} keys="Esc" onClick={onClose} />
        </div>
      </div>
    </section>
  );
}

function PtzStatus({ hold, offers }: { hold: PtzHold; offers: CameraOffers }) {
  const { t } = useTranslation('wall');
  const formats = useFormats();
  const state = useStore(hold.state);
  const since = (at: number | null) => (at === null ? '' : formats.moment(at, Date.now()));
  switch (state.kind) {
    case 'asking':
      return <p role="status">{t('ptz.asking')}</p>;
    case 'busy':
      return (
        <div className="wall-ptz-told" role="status">
          <p>
            {state.label ? t('ptz.busyBy', { who: state.label }) : t('ptz.busy')}
            {state.since !== null && ` ${t('ptz.since', { time: since(state.since) })}`}
          </p>
          <Button onClick={() => hold.hold(offers.ptzTake)}>{offers.ptzTake ? t('ptz.take') : t('ptz.again')}</Button>
        </div>
      );
    case 'lost':
      return (
        <div className="wall-ptz-told" role="status">
          <p>{t(`ptz.lost.${state.reason}`)}</p>
          {state.reason !== 'removed' && <Button onClick={() => hold.hold()}>{t('ptz.again')}</Button>}
        </div>
      );
    case 'failed':
      return (
        <div className="wall-ptz-told" role="alert">
          <p>{errorText(t, state.error)}</p>
          <Button
            onClick={() => {
              hold.release();
              hold.hold();
            }}
          >
            {t('ptz.again')}
          </Button>
        </div>
      );
    default:
      return null;
  }
}

/** Pushed by a finger or the mouse; let go, it springs back and the head stops. */
function Stick({ hold }: { hold: PtzHold }) {
  const { t } = useTranslation('wall');
  const [at, setAt] = useState<{ x: number; y: number } | null>(null);
  const push = (event: PointerEvent<HTMLElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    const x = (event.clientX - box.left - box.width / 2) / STICK_PIXELS;
    const y = (event.clientY - box.top - box.height / 2) / STICK_PIXELS;
    const long = Math.max(1, Math.hypot(x, y));
    setAt({ x: x / long, y: y / long });
    hold.move({ ...stickSpeed(x, y), zoom: 0 });
  };
  const pushed = useRef(false);
  const release = () => {
    if (!pushed.current) return;
    pushed.current = false;
    setAt(null);
    hold.move({ pan: 0, tilt: 0, zoom: 0 });
  };
  useLetGo(release);
  // The button that opened this is gone: keys go on from here.
  const stick = useRef<HTMLDivElement>(null);
  useEffect(() => stick.current?.focus({ preventScroll: true }), []);
  return (
    <div
      ref={stick}
      className="wall-stick"
      role="application"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: the arrow keys steer it
      tabIndex={0}
      aria-label={t('ptz.stick')}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        pushed.current = true;
        push(event);
      }}
      onPointerMove={(event) => pushed.current && push(event)}
      onPointerUp={release}
      onLostPointerCapture={release}
    >
      {(['up', 'forward', 'down', 'back'] as const).map((side) => (
        <Icon key={side} name={side} className={`wall-stick-${side}`} />
      ))}
      <span
        className="wall-stick-knob"
        style={at ? { transform: `translate(${at.x * 34}px, ${at.y * 34}px)`, transition: 'none' } : undefined}
      />
    </div>
  );
}

/** A button that does something as long as it is held, by pointer or by key. */
function Held({ icon, label, onHold }: { icon: 'plus' | 'minus'; label: string; onHold(on: boolean): void }) {
  const held = useRef(false);
  const set = (on: boolean) => {
    if (held.current === on) return;
    held.current = on;
    onHold(on);
  };
  useLetGo(() => set(false));
  return (
    <IconButton
      icon={icon}
      label={label}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        set(true);
      }}
      onPointerUp={() => set(false)}
      onLostPointerCapture={() => set(false)}
      onKeyDown={(event) => {
        if (event.key !== ' ' && event.key !== 'Enter') return;
        event.preventDefault();
        set(true);
      }}
      onKeyUp={() => set(false)}
      onBlur={() => set(false)}
    />
  );
}

const ARROWS: Readonly<Record<string, { pan: number; tilt: number; zoom: number }>> = {
  ArrowLeft: { pan: -KEY_SPEED, tilt: 0, zoom: 0 },
  ArrowRight: { pan: KEY_SPEED, tilt: 0, zoom: 0 },
  ArrowUp: { pan: 0, tilt: KEY_SPEED, zoom: 0 },
  ArrowDown: { pan: 0, tilt: -KEY_SPEED, zoom: 0 },
  '+': { pan: 0, tilt: 0, zoom: KEY_SPEED },
  '-': { pan: 0, tilt: 0, zoom: -KEY_SPEED },
};

const NAMES: Readonly<Record<string, string>> = { '+': 'in', '-': 'out' };

/** Arrow keys, plus and minus steer while the tile is chosen; several at once add up; letting go stops. */
function useKeySteering(hold: PtzHold | null, active: boolean): void {
  const { t } = useTranslation('wall');
  const down = useRef(new Set<string>());
  const steer = useCallback(() => {
    const speeds = [...down.current].map((key) => ARROWS[key]!);
    const sum = (pick: 'pan' | 'tilt' | 'zoom') => speeds.reduce((total, each) => total + each[pick], 0);
    hold?.move({ pan: sum('pan'), tilt: sum('tilt'), zoom: sum('zoom') });
  }, [hold]);
  const hotkeys = Object.keys(ARROWS).map((key) => ({
    keys: key,
    says: t(`ptz.keys.${NAMES[key] ?? key}`),
    run: () => {
      down.current.add(key);
      steer();
    },
  }));
  useHotkeys(t('ptz.keys.title'), hotkeys, active && hold !== null);
  useEffect(() => {
    if (!active) return;
    const pressed = down.current;
    const onUp = ({ key }: KeyboardEvent) => {
      if (pressed.delete(key)) steer();
    };
    document.addEventListener('keyup', onUp);
    return () => {
      document.removeEventListener('keyup', onUp);
      if (pressed.size === 0) return;
      pressed.clear();
      steer();
    };
  }, [active, steer]);
  // A key let go elsewhere is never told.
  useLetGo(() => {
    if (down.current.size === 0) return;
    down.current.clear();
    steer();
  });
}
