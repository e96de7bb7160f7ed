import { type ReactNode, useId, useLayoutEffect, useRef, useState } from 'react';
import { Icon, type IconName } from './icons.tsx';

/** What the button that opens a popover must carry. */
export interface Opener {
  ref: React.RefObject<HTMLButtonElement | null>;
  onClick(): void;
  'aria-expanded': boolean;
  'aria-controls': string;
  'aria-haspopup': 'menu' | 'dialog';
}

export interface PopoverProps {
  /** Draws the button; spread what is handed in over it. */
  button(opener: Opener): ReactNode;
  /** What is in it; `close` puts the focus back on the button. */
  children(close: () => void): ReactNode;
  /** Said by screen readers. */
  label: string;
  kind?: 'menu' | 'dialog';
  /** Side of the button along which it is laid; turned round where there is no room. */
  align?: 'start' | 'end';
}

/** A small layer beside its button, above everything (no tile cuts it off). Closes by Escape and by a press elsewhere. */
export function Popover({ button, children, label, kind = 'dialog', align = 'start' }: PopoverProps) {
  const [open, setOpen] = useState(false);
  const opener = useRef<HTMLButtonElement>(null);
  const panel = useRef<HTMLDivElement>(null);
  const id = useId();

  useLayoutEffect(() => {
    const element = panel.current;
    if (!open || !element) return;
    element.showPopover();
    const place = () => {
      const box = opener.current?.getBoundingClientRect();
      if (!box) return;
      const { offsetWidth: width, offsetHeight: height } = element;
      const wished = align === 'start' ? box.left : box.right - width;
      const below = box.bottom + 6;
      const fits = below + height <= innerHeight - 8 || box.top - 6 - height < 8;
      element.style.left = `${Math.max(8, Math.min(wished, innerWidth - width - 8))}px`;
      element.style.top = `${Math.max(8, fits ? Math.min(below, innerHeight - height - 8) : box.top - 6 - height)}px`;
    };
    place();
    // Pages fill it after they have asked.
    const sizes = new ResizeObserver(place);
    sizes.observe(element);
    addEventListener('resize', place);
    const first = element.querySelector<HTMLElement>('[data-first],button,a[href],input');
    (first ?? element).focus({ preventScroll: true });
    return () => {
      sizes.disconnect();
      removeEventListener('resize', place);
    };
  }, [open, align]);

  const close = () => {
    setOpen(false);
    opener.current?.focus({ preventScroll: true });
  };
  return (
    <>
      {button({
        ref: opener,
        onClick: () => setOpen(!open),
        'aria-expanded': open,
        'aria-controls': id,
        'aria-haspopup': kind,
      })}
      {open && (
        // biome-ignore lint/a11y/noStaticElementInteractions: its role is `menu` or `dialog`
        // biome-ignore lint/a11y/useAriaPropsSupportedByRole: as above
        <div
          ref={panel}
          id={id}
          className="ui-popover"
          popover="manual"
          role={kind}
          aria-label={label}
          tabIndex={-1}
          onKeyDown={(event) => {
            event.stopPropagation();
            if (event.key === 'Escape') close();
          }}
          onBlur={(event) => {
            const to = event.relatedTarget as Node | null;
            if (document.hasFocus() && !event.currentTarget.contains(to) && to !== opener.current) setOpen(false);
          }}
        >
          {children(close)}
        </div>
      )}
    </>
  );
}

export interface MenuItem {
  /** Where two may have the same label. */
  key?: string | undefined;
  label: string;
  /** A second, smaller line. */
  hint?: string | undefined;
  icon?: IconName | undefined;
  /** For one of several: this one holds now. */
  checked?: boolean | undefined;
  danger?: boolean;
  onSelect(): void;
}

export interface MenuProps {
  button(opener: Opener): ReactNode;
  label: string;
  /** Groups with a line of words above, or plain items. */
  items: readonly (MenuItem | { head: string })[];
  align?: 'start' | 'end';
  /** Where there may be many: what the field that finds some is called, and what is said where none is found. */
  search?: { label: string; none: string } | undefined;
}

/** From so many on a list has a field to search by name. */
export const SEARCH_FROM = 12;

/** A list of things to do, walked with the arrow keys. */
export function Menu({ button, label, items, align = 'start', search }: MenuProps) {
  const searched = search !== undefined && items.length >= SEARCH_FROM;
  return (
    <Popover button={button} label={label} kind={searched ? 'dialog' : 'menu'} align={align}>
      {(close) => <MenuList items={items} search={searched ? search : undefined} close={close} />}
    </Popover>
  );
}

function MenuList({ items, search, close }: Pick<MenuProps, 'items' | 'search'> & { close(): void }) {
  const [sought, setSought] = useState('');
  const wish = sought.trim().toLowerCase();
  const found = wish ? items.filter((item) => 'label' in item && item.label.toLowerCase().includes(wish)) : items;
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: keys walk through what is in it
    <div className="ui-menu" role={search ? undefined : 'none'} onKeyDown={walk}>
      {search && (
        <input
          className="ui-input ui-menu-search"
          type="search"
          data-first=""
          aria-label={search.label}
          placeholder={search.label}
          value={sought}
          onChange={(event) => setSought(event.currentTarget.value)}
        />
      )}
      {search && found.length === 0 && (
        <p className="ui-menu-head" role="status">
          {search.none}
        </p>
      )}
      {found.map((item) =>
        'head' in item ? (
          <div key={`head ${item.head}`} className="ui-menu-head" role="presentation">
            {item.head}
          </div>
        ) : (
          // biome-ignore lint/a11y/useAriaPropsSupportedByRole: checked only where it is a radio
          <button
            key={item.key ?? item.label}
            type="button"
            role={search ? undefined : item.checked === undefined ? 'menuitem' : 'menuitemradio'}
            aria-checked={search ? undefined : item.checked}
            data-first={item.checked ? '' : undefined}
            data-danger={item.danger ? '' : undefined}
            className="ui-menu-item"
            onClick={() => {
              close();
              item.onSelect();
            }}
          >
            {item.icon && <Icon name={item.icon} />}
            <span className="ui-menu-text">
              {item.label}
              {item.hint && <small>{item.hint}</small>}
            </span>
            {item.checked && <Icon name="check" />}
          </button>
        ),
      )}
    </div>
  );
}

function walk(event: React.KeyboardEvent<HTMLElement>): void {
  const items = [...event.currentTarget.querySelectorAll<HTMLElement>('.ui-menu-item')];
  const typing = event.target instanceof HTMLInputElement;
  if (typing && (event.key === 'Home' || event.key === 'End')) return;
  if (typing && event.key === 'Enter') items[0]?.click();
  const at = items.indexOf(document.activeElement as HTMLElement);
  const to = {
    ArrowDown: at + 1,
    ArrowUp: at - 1,
    Home: 0,
    End: items.length - 1,
  }[event.key];
  if (to === undefined || items.length === 0) return;
  event.preventDefault();
  items[(to + items.length) % items.length]!.focus();
}
