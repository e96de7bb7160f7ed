import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { spokenFingerprint } from '../../../../src/protocol/spoken-fingerprint.ts';
import type { DeviceKey } from '../../engine/messages.ts';
import { useStore } from '../../engine/store.ts';
import { useModel } from '../../model/model.ts';
import { TextField } from '../../ui/field.tsx';
import { deviceName } from './device-name.ts';

const LENGTH_MAX = 64;

/** What things will be called, trimmed; `complete` where all that is needed is there. */
export interface Names {
  label: string;
  name: string;
  site: string;
  typed: { label: string; name: string; site: string };
  type(change: Partial<Names['typed']>): void;
  complete: boolean;
}

/** Names as they are typed, with good ones to begin with. */
export function useNames(node: DeviceKey | null): Names {
  const { t } = useTranslation('pairing');
  const { engine } = useModel();
  const nodes = useStore(engine.nodes);
  const [typed, setTyped] = useState<Partial<Names['typed']>>({});
  const standard = {
    label: deviceName(navigator.userAgent, (browser, system) => t('names.device', { browser, system })),
    name: node ? t('names.node', { word: spokenFingerprint(node).split(' ', 1)[0] }) : t('names.nodePlain'),
    site: nodes.at(-1)?.site ?? t('names.site'),
  };
  const now = { ...standard, ...typed };
  const label = now.label.trim();
  const name = now.name.trim();
  return {
    label,
    name,
    site: now.site.trim(),
    typed: now,
    type: (change) => setTyped((before) => ({ ...before, ...change })),
    complete: label !== '' && name !== '',
  };
}

/** The three names. */
export function NameFields({ names, disabled }: { names: Names; disabled: boolean }) {
  const { t } = useTranslation('pairing');
  const common = { disabled, maxLength: LENGTH_MAX, autoComplete: 'off' };
  return (
    <>
      <TextField
        {...common}
        label={t('names.label')}
        hint={t('names.labelHint')}
        value={names.typed.label}
        onChange={(label) => names.type({ label })}
        required
      />
      <div className="pairing-pair">
        <TextField
          {...common}
          label={t('names.name')}
          value={names.typed.name}
          onChange={(name) => names.type({ name })}
          required
        />
        <TextField
          {...common}
          label={t('names.place')}
          value={names.typed.site}
          onChange={(site) => names.type({ site })}
        />
      </div>
    </>
  );
}
