import type { ReactNode } from 'react';
import { Icon, type IconName } from './icons.tsx';

/** The five meanings of colour, or none. */
export type Tone = 'none' | 'sealed' | 'live' | 'gap' | 'event' | 'covered';

/** A small mark in a meaning's colour and shape; words stand beside it. */
export function Dot({ tone = 'none' }: { tone?: Tone }) {
  return <span className="ui-dot" data-tone={tone} aria-hidden="true" />;
}

/** A short statement in a pill. */
export function Chip({ tone = 'none', children }: { tone?: Tone; children: ReactNode }) {
  return (
    <span className="ui-chip">
      {tone !== 'none' && <Dot tone={tone} />}
      <span>{children}</span>
    </span>
  );
}

export interface EmptyProps {
  title: string;
  icon?: IconName;
  /** What it means and what to do. */
  children?: ReactNode;
}

/** Where there is nothing: says so, and what to do. */
export function Empty({ title, icon, children }: EmptyProps) {
  return (
    <div className="ui-empty">
      {icon && <Icon name={icon} />}
      <h2>{title}</h2>
      {children}
    </div>
  );
}

export interface NoticeProps {
  tone?: Tone;
  icon?: IconName;
  /** Told to screen readers as soon as it appears. */
  urgent?: boolean;
  children: ReactNode;
  /** A button at its end. */
  action?: ReactNode;
}

/** A remark in the flow of a page. */
export function Notice({ tone = 'none', icon, urgent = false, children, action }: NoticeProps) {
  return (
    <div className="ui-notice" data-tone={tone} role={urgent ? 'alert' : 'note'}>
      {icon && <Icon name={icon} />}
      <div className="ui-notice-body">{children}</div>
      {action}
    </div>
  );
}
