import { type ReactNode, useEffect, useId, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Button, IconButton } from './button.tsx';

export interface DialogProps {
  title: string;
  /** Escape, the cross or a press beside it. */
  onClose(): void;
  /** Buttons at the bottom, the main one last. */
  footer?: ReactNode;
  /** Pixels; 520 when absent. */
  width?: number;
  /** It stands at the end of the window and what lies behind is not dimmed: it is what one looks at. */
  aside?: boolean;
  children: ReactNode;
}

/** A native modal dialog, open as long as it is mounted; focus goes back to where it was. */
export function Dialog({ title, onClose, footer, width, aside, children }: DialogProps) {
  const { t } = useTranslation('shell');
  const ref = useRef<HTMLDialogElement>(null);
  const body = useRef<HTMLDivElement>(null);
  const [scrolls, setScrolls] = useState(false);
  const titleId = useId();
  useEffect(() => {
    const element = body.current!;
    // What scrolls must be reachable by keys.
    const sizes = new ResizeObserver(() => setScrolls(element.scrollHeight > element.clientHeight + 1));
    sizes.observe(element);
    for (const child of element.children) sizes.observe(child);
    return () => sizes.disconnect();
  }, []);
  useEffect(() => {
    const dialog = ref.current!;
    const before = document.activeElement;
    dialog.showModal();
    return () => {
      dialog.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={ref}
      className="ui-dialog"
      data-aside={aside ? '' : undefined}
      aria-labelledby={titleId}
      style={width ? ({ '--dialog-width': `${width}px` } as React.CSSProperties) : undefined}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onPointerDown={(event) => {
        if (event.target !== event.currentTarget) return;
        const { left, right, top, bottom } = event.currentTarget.getBoundingClientRect();
        const { clientX: x, clientY: y } = event;
        if (x < left || x > right || y < top || y > bottom) onClose();
      }}
    >
      <div className="ui-dialog-head">
        <h2 id={titleId} className="grow">
          {title}
        </h2>
        <IconButton icon="close" label={t('close')} onClick={onClose} />
      </div>
      <div className="ui-dialog-body" ref={body} tabIndex={scrolls ? 0 : undefined}>
        {children}
      </div>
      {footer && <div className="ui-dialog-foot">{footer}</div>}
    </dialog>
  );
}

export interface ConfirmProps {
  title: string;
  /** What will be lost and what stays, in words. */
  children: ReactNode;
  /** The words on the button that does it. */
  action: string;
  danger?: boolean;
  busy?: boolean;
  onConfirm(): void;
  onClose(): void;
}

/** Asks before something that cannot be taken back. */
export function Confirm({ title, children, action, danger = true, busy = false, onConfirm, onClose }: ConfirmProps) {
  const { t } = useTranslation('shell');
  return (
    <Dialog
      title={title}
      onClose={onClose}
      width={440}
      footer={
        <>
          <Button onClick={onClose}>{t('cancel')}</Button>
          <Button kind={danger ? 'danger' : 'main'} onClick={onConfirm} disabled={busy}>
            {action}
          </Button>
        </>
      }
    >
      {children}
    </Dialog>
  );
}
