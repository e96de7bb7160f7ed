import type { ButtonHTMLAttributes, ReactNode } from 'react';
import { Icon, type IconName } from './icons.tsx';

type Native = Omit<ButtonHTMLAttributes<HTMLButtonElement>, 'aria-label' | 'title'>;

export interface ButtonProps extends Native {
  /** `main`: the one thing to do here. `quiet`: without an edge. `danger`: takes something away. */
  kind?: 'plain' | 'main' | 'quiet' | 'danger';
  icon?: IconName | undefined;
  children: ReactNode;
  ref?: React.Ref<HTMLButtonElement>;
}

/** A button with words. */
export function Button({ kind = 'plain', icon, children, className = '', type = 'button', ...rest }: ButtonProps) {
  return (
    <button type={type} className={`ui-button ${className}`} data-kind={kind} {...rest}>
      {icon && <Icon name={icon} />}
      {children}
    </button>
  );
}

export interface IconButtonProps extends Native {
  icon: IconName;
  /** Said by screen readers and shown on hover. */
  label: string;
  /** A key that does the same, shown beside the label. */
  keys?: string | undefined;
  kind?: 'plain' | 'main' | 'quiet' | 'danger';
  /** For buttons that stay in. */
  pressed?: boolean | undefined;
  ref?: React.Ref<HTMLButtonElement>;
}

/** A button with a picture; its words are read and shown on hover. */
export function IconButton({
  icon,
  label,
  keys,
  kind = 'quiet',
  pressed,
  className = '',
  type = 'button',
  ...rest
}: IconButtonProps) {
  return (
    <button
      type={type}
      className={`ui-button ${className}`}
      data-kind={kind}
      data-icon=""
      aria-label={label}
      aria-pressed={pressed}
      title={keys ? `${label} (${keys})` : label}
      {...rest}
    >
      <Icon name={icon} />
    </button>
  );
}
