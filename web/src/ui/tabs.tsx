import { type ReactNode, useEffect, useId, useRef } from 'react';

export interface TabsProps<K extends string> {
  /** What the row of tabs is about. */
  label: string;
  tabs: readonly { key: K; label: string }[];
  chosen: K;
  onChoose(key: NoInfer<K>): void;
  /** What the chosen tab shows. */
  children: ReactNode;
}

/** One of several views in the same place; arrows walk the tabs. */
export function Tabs<K extends string>({ label, tabs, chosen, onChoose, children }: TabsProps<K>) {
  const id = useId();
  const row = useRef<HTMLDivElement>(null);
  // Where the row is wider than its place, the chosen one is seen.
  // biome-ignore lint/correctness/useExhaustiveDependencies: looks when another one is chosen
  useEffect(() => {
    const { current: tabs } = row;
    if (!tabs) return;
    const show = () => {
      const tab = tabs.querySelector<HTMLElement>('[aria-selected=true]');
      if (tab) tabs.scrollLeft = tab.offsetLeft - tabs.offsetLeft - (tabs.clientWidth - tab.offsetWidth) / 2;
    };
    const sizes = new ResizeObserver(show);
    sizes.observe(tabs);
    return () => sizes.disconnect();
  }, [chosen]);
  const walk = (event: React.KeyboardEvent) => {
    const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    if (step === 0) return;
    event.preventDefault();
    const at = tabs.findIndex(({ key }) => key === chosen);
    const next = tabs[(at + step + tabs.length) % tabs.length]!;
    onChoose(next.key);
    document.getElementById(`${id}-${next.key}`)?.focus();
  };
  return (
    <>
      <div ref={row} className="ui-tabs" role="tablist" aria-label={label} onKeyDown={walk}>
        {tabs.map(({ key, label }) => (
          <button
            key={key}
            id={`${id}-${key}`}
            type="button"
            role="tab"
            className="ui-tab"
            aria-selected={key === chosen}
            aria-controls={`${id}-panel`}
            tabIndex={key === chosen ? 0 : -1}
            onClick={() => onChoose(key)}
          >
            {label}
          </button>
        ))}
      </div>
      <div id={`${id}-panel`} role="tabpanel" aria-labelledby={`${id}-${chosen}`}>
        {children}
      </div>
    </>
  );
}
