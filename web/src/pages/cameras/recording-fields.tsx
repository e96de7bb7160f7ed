import { useTranslation } from 'react-i18next';
import type { StreamName } from '../../engine/messages.ts';
import { Field, SelectField, TextField, Toggle } from '../../ui/index.ts';
import { type CameraForm, EVENT_KINDS, type Faults, type RecordMode } from './camera-wish.ts';
import { parseWeek, WHOLE_WEEK } from './week.ts';
import { WeekEditor } from './week-editor.tsx';

export interface FormPartProps {
  form: CameraForm;
  faults: Faults;
  isNew: boolean;
  onChange(change: Partial<CameraForm>): void;
}

const AS_IS = 'asIs';

/** When a camera is recorded, and how long that is kept. */
export function RecordingFields({ form, faults, isNew, hasSub, onChange }: FormPartProps & { hasSub: boolean }) {
  const { t } = useTranslation('cameras');
  const modes = (['always', 'event', 'never'] as const).map((key) => ({ key, label: t(`record.${key}`) }));
  const asIs = { key: AS_IS, label: t('form.asIs') } as const;
  const mode = (stream: StreamName) => (form.record ? (form.record[stream] ?? 'always') : isNew ? 'always' : AS_IS);
  const setMode = (stream: StreamName, value: RecordMode | typeof AS_IS) => {
    if (value === AS_IS) return onChange({ record: undefined });
    onChange({ record: { main: 'always', ...(hasSub ? { sub: 'always' } : {}), ...form.record, [stream]: value } });
  };
  const onEvent = form.record?.main === 'event' || form.record?.sub === 'event';
  const scheduled = form.schedule === undefined ? AS_IS : form.schedule === null ? 'always' : 'times';
  return (
    <>
      <SelectField
        label={hasSub ? t('record.main') : t('record.label')}
        error={faults.record && t(`fault.${faults.record}`)}
        value={mode('main')}
        options={isNew || form.record ? modes : [asIs, ...modes]}
        onChange={(value) => setMode('main', value)}
      />
      {hasSub && (
        <SelectField
          label={t('record.sub')}
          value={mode('sub')}
          options={isNew || form.record ? modes : [asIs, ...modes]}
          onChange={(value) => setMode('sub', value)}
        />
      )}
      {onEvent && (
        <fieldset className="cameras-set">
          <legend>{t('record.on')}</legend>
          <div className="cameras-kinds">
            {EVENT_KINDS.map((kind) => (
              <Toggle
                key={kind}
                label={t(`kind.${kind}`)}
                checked={(form.on ?? ['motion']).includes(kind)}
                onChange={(yes) => {
                  const now = form.on ?? ['motion'];
                  onChange({ on: yes ? [...now, kind] : now.filter((each) => each !== kind) });
                }}
              />
            ))}
          </div>
          {faults.on && <p className="ui-field-error">{t(`fault.${faults.on}`)}</p>}
          <div className="cameras-pair">
            <NumberField
              label={t('record.before')}
              unit={t('unit.seconds')}
              value={form.before}
              placeholder={isNew ? '5' : ''}
              fault={faults.before && t('fault.before')}
              onChange={(before) => onChange({ before })}
            />
            <NumberField
              label={t('record.after')}
              unit={t('unit.seconds')}
              value={form.after}
              placeholder={isNew ? '10' : ''}
              fault={faults.after && t('fault.after')}
              onChange={(after) => onChange({ after })}
            />
          </div>
        </fieldset>
      )}
      <SelectField
        label={t('record.when')}
        value={isNew && scheduled === AS_IS ? 'always' : scheduled}
        options={[
          ...(isNew ? [] : [asIs]),
          { key: 'always', label: t('record.anyTime') },
          { key: 'times', label: t('record.times') },
        ]}
        onChange={(value) => {
          if (value === AS_IS) onChange({ schedule: undefined });
          else if (value === 'always') onChange({ schedule: isNew ? undefined : null });
          else onChange({ schedule: parseWeek(['mon-fri 08:00-18:00']).week });
        }}
      />
      {form.schedule && (
        <WeekEditor
          week={form.schedule ?? WHOLE_WEEK}
          error={faults.schedule && t(`fault.${faults.schedule}`)}
          onChange={(schedule) => onChange({ schedule })}
        />
      )}
      <div className="cameras-pair">
        <LimitField
          label={t('keep.label')}
          unit={t('unit.days')}
          value={form.keepDays}
          isNew={isNew}
          first={14}
          fault={faults.keepDays && t('fault.keep')}
          onChange={(keepDays) => onChange({ keepDays })}
        />
        <LimitField
          label={t('keep.size')}
          unit="GB"
          value={form.sizeGb}
          isNew={isNew}
          first={100}
          fault={faults.sizeGb && t('fault.size')}
          onChange={(sizeGb) => onChange({ sizeGb })}
        />
      </div>
    </>
  );
}

/** A number that may be left as it is. */
function NumberField({
  label,
  unit,
  value,
  placeholder,
  fault,
  onChange,
}: {
  label: string;
  unit: string;
  value: number | undefined;
  placeholder: string;
  fault: string | undefined;
  onChange(value: number | undefined): void;
}) {
  const { t } = useTranslation('cameras');
  return (
    <TextField
      label={`${label} (${unit})`}
      type="number"
      inputMode="decimal"
      min={0}
      step="any"
      value={value === undefined ? '' : String(value)}
      placeholder={placeholder || t('form.asIs')}
      error={fault}
      onChange={(text) => onChange(text === '' ? undefined : Number(text))}
    />
  );
}

/** As the node has it, or a limit of its own. */
function LimitField({
  label,
  unit,
  value,
  isNew,
  first,
  fault,
  onChange,
}: {
  label: string;
  unit: string;
  value: number | null | undefined;
  isNew: boolean;
  first: number;
  fault: string | undefined;
  onChange(value: number | null | undefined): void;
}) {
  const { t } = useTranslation('cameras');
  const kind = value === undefined ? (isNew ? 'node' : AS_IS) : value === null ? 'node' : 'own';
  return (
    <Field label={`${label} (${unit})`} error={fault}>
      {(control) => (
        <div className="cameras-limit">
          <select
            className="ui-input"
            aria-label={label}
            value={kind}
            onChange={(event) => {
              const chosen = event.currentTarget.value;
              if (chosen === 'own') onChange(first);
              else onChange(chosen === AS_IS || isNew ? undefined : null);
            }}
          >
            {!isNew && <option value={AS_IS}>{t('form.asIs')}</option>}
            <option value="node">{t('keep.node')}</option>
            <option value="own">{t('keep.own')}</option>
          </select>
          {typeof value === 'number' && (
            <input
              {...control}
              type="number"
              inputMode="decimal"
              min={0}
              step="any"
              value={Number.isNaN(value) ? '' : value}
              onChange={(event) => onChange(event.currentTarget.valueAsNumber)}
            />
          )}
        </div>
      )}
    </Field>
  );
}
