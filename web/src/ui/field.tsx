import { type InputHTMLAttributes, type ReactNode, type SelectHTMLAttributes, useId } from 'react';

interface Around {
  label: string;
  /** What belongs here, in a few words. */
  hint?: ReactNode;
  /** What is wrong with it, in words. */
  error?: string | false | null | undefined;
}

/** What a control inside `Field` must carry. */
export interface FieldControl {
  id: string;
  className: string;
  'aria-describedby': string | undefined;
  'aria-invalid': boolean | undefined;
}

/** A label above a control, words below it. */
export function Field({ label, hint, error, children }: Around & { children(control: FieldControl): ReactNode }) {
  const id = useId();
  const told = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(' ');
  return (
    <div className="ui-field">
      <label className="ui-field-label" htmlFor={id}>
        {label}
      </label>
      {children({
        id,
        className: 'ui-input',
        'aria-describedby': told || undefined,
        'aria-invalid': error ? true : undefined,
      })}
      {hint && (
        <span id={`${id}-hint`} className="ui-field-hint">
          {hint}
        </span>
      )}
      {error && (
        <span id={`${id}-error`} className="ui-field-error" role="alert">
          {error}
        </span>
      )}
    </div>
  );
}

export interface TextFieldProps extends Around, Omit<InputHTMLAttributes<HTMLInputElement>, 'onChange' | 'value'> {
  value: string;
  onChange(value: string): void;
}

/** One line of text (or a number, a password, a date by `type`). */
export function TextField({ label, hint, error, value, onChange, ...rest }: TextFieldProps) {
  return (
    <Field label={label} hint={hint} error={error}>
      {(control) => (
        <input {...rest} {...control} value={value} onChange={(event) => onChange(event.currentTarget.value)} />
      )}
    </Field>
  );
}

export interface SelectFieldProps<K extends string>
  extends Around,
    Omit<SelectHTMLAttributes<HTMLSelectElement>, 'onChange' | 'value'> {
  value: K;
  options: readonly { key: K; label: string }[];
  onChange(value: NoInfer<K>): void;
}

/** One of many. */
export function SelectField<K extends string>({
  label,
  hint,
  error,
  value,
  options,
  onChange,
  ...rest
}: SelectFieldProps<K>) {
  return (
    <Field label={label} hint={hint} error={error}>
      {(control) => (
        <select {...rest} {...control} value={value} onChange={(event) => onChange(event.currentTarget.value as K)}>
          {options.map((option) => (
            <option key={option.key} value={option.key}>
              {option.label}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

export interface ToggleProps {
  label: string;
  hint?: string | undefined;
  checked: boolean;
  disabled?: boolean;
  onChange(checked: boolean): void;
}

/** On or off, at once. */
export function Toggle({ label, hint, checked, disabled = false, onChange }: ToggleProps) {
  return (
    <label className="ui-toggle">
      <input
        type="checkbox"
        role="switch"
        aria-checked={checked}
        checked={checked}
        disabled={disabled}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
      <span className="ui-toggle-text">
        {label}
        {hint && <small>{hint}</small>}
      </span>
    </label>
  );
}

export interface ChoiceProps<K extends string> {
  /** Said by screen readers. */
  label: string;
  value: K;
  options: readonly { key: K; label: string }[];
  onChange(value: NoInfer<K>): void;
}

/** One of a few, all seen at once. */
export function Choice<K extends string>({ label, value, options, onChange }: ChoiceProps<K>) {
  const name = useId();
  return (
    <div className="ui-choice" role="radiogroup" aria-label={label}>
      {options.map((option) => (
        <label key={option.key}>
          <input
            type="radio"
            name={name}
            value={option.key}
            checked={option.key === value}
            onChange={() => onChange(option.key)}
          />
          {option.label}
        </label>
      ))}
    </div>
  );
}
