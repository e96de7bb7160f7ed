import { useTranslation } from 'react-i18next';
import { Store, useStore } from '../engine/store.ts';
import { Button, IconButton } from './button.tsx';
import { Dot, type Tone } from './chip.tsx';

interface Shown {
  id: number;
  text: string;
  tone: Tone;
  action: { label: string; run(): void } | null;
}

const SHOWN_MS = 6_000;
const SHOWN_MAX = 4;
const shown = new Store<readonly Shown[]>([]);
let count = 0;

/** Tells something for six seconds (with an action: until it is taken or closed). Returns how to take it away. */
export function toast(
  text: string,
  options: { tone?: Tone; action?: { label: string; run(): void } } = {},
): () => void {
  const id = ++count;
  const { tone = 'none', action = null } = options;
  shown.update((all) => [...all, { id, text, tone, action }].slice(-SHOWN_MAX));
  const close = () => shown.update((all) => all.filter((each) => each.id !== id));
  if (!action) setTimeout(close, SHOWN_MS);
  return close;
}

/** Where toasts appear; once in the app. */
export function Toasts() {
  const { t } = useTranslation('shell');
  const all = useStore(shown);
  const close = (id: number) => shown.update((each) => each.filter((one) => one.id !== id));
  return (
    <div className="ui-toasts" role="status" aria-live="polite">
      {all.map(({ id, text, tone, action }) => (
        <div key={id} className="ui-toast">
          {tone !== 'none' && <Dot tone={tone} />}
          <span>{text}</span>
          {action && (
            <Button
              kind="quiet"
              onClick={() => {
                close(id);
                action.run();
              }}
            >
              {action.label}
            </Button>
          )}
          <IconButton icon="close" label={t('close')} onClick={() => close(id)} />
        </div>
      ))}
    </div>
  );
}
