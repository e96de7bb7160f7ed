import { lazy, Suspense, useEffect, useState } from 'react';
import { useStore } from './engine/store.ts';
import { ExportPlace } from './export/export-place.tsx';
import { type Model, ModelContext, type Page } from './model/model.ts';
import { ErrorBoundary } from './shell/error-boundary.tsx';
import { KeysHelp } from './shell/keys-help.tsx';
import { NodeNotices } from './shell/node-notices.tsx';
import { Rail } from './shell/rail.tsx';
import { TopBar } from './shell/top-bar.tsx';
import './shell/shell.css';
import { useTranslation } from 'react-i18next';
import { useHotkeys } from './ui/hotkeys.ts';
import { Toasts } from './ui/toast.tsx';
import { useListenForHotkeys } from './ui/use-listen.ts';

// Each area gives its component as the default export of its `index.tsx`, loaded when it is first shown.
const LOAD = {
  wall: () => import('./wall/index.tsx'),
  time: () => import('./timeline/index.tsx'),
  health: () => import('./pages/health/index.tsx'),
  devices: () => import('./pages/devices/index.tsx'),
  cameras: () => import('./pages/cameras/index.tsx'),
  settings: () => import('./pages/settings/index.tsx'),
  pair: () => import('./pages/pairing/index.tsx'),
};
const Wall = lazy(LOAD.wall);
const Timeline = lazy(LOAD.time);
const PAGES = {
  health: lazy(LOAD.health),
  devices: lazy(LOAD.devices),
  cameras: lazy(LOAD.cameras),
  settings: lazy(LOAD.settings),
  pair: lazy(LOAD.pair),
};

/** Begins to load what a page needs, before it is known whether it will be shown; gives the areas of its texts. */
export function loadAhead(page: Page): readonly string[] {
  // A failure shows where the part is used.
  const parts = page === 'wall' ? [LOAD.wall(), LOAD.time()] : [LOAD[page]()];
  for (const part of parts) part.catch(() => {});
  return page === 'wall' ? ['wall', 'time'] : [page === 'pair' ? 'pairing' : page];
}

/** One screen: the wall above, time below; pages beside it. */
export function App({ model }: { model: Model }) {
  return (
    <ModelContext value={model}>
      <Screen model={model} />
      <ExportPlace />
      <Toasts />
    </ModelContext>
  );
}

function Screen({ model }: { model: Model }) {
  const { t } = useTranslation('shell');
  const chosen = useStore(model.page);
  const nodes = useStore(model.engine.nodes);
  const known = useStore(model.engine.facts) !== null;
  const [help, setHelp] = useState(false);
  useListenForHotkeys();
  useHotkeys(t('keys.everywhere'), [
    { keys: '?', says: t('keys.help'), run: () => setHelp(true) },
    { keys: 'Alt+1', says: t('keys.toWall'), run: () => model.page.set('wall') },
    { keys: 'Alt+2', says: t('keys.toHealth'), run: () => model.page.set('health') },
    { keys: 'Alt+3', says: t('keys.toDevices'), run: () => model.page.set('devices') },
    { keys: 'Alt+4', says: t('keys.toCameras'), run: () => model.page.set('cameras') },
    { keys: 'Alt+5', says: t('keys.toSettings'), run: () => model.page.set('settings') },
  ]);
  useEffect(() => {
    const names = { wall: null, health: t('pages.health'), devices: t('pages.devices'), cameras: t('pages.cameras') };
    const more = { settings: t('pages.settings'), pair: t('pages.pair') };
    const name = { ...names, ...more }[chosen];
    document.title = name ? `${name} · Constitute NVR` : 'Constitute NVR';
  }, [chosen, t]);

  // Nothing flashes by before the engine has looked what is paired.
  if (!known) return <p className="shell-waiting" role="status" aria-label={t('waiting')} />;
  const first = nodes.length === 0 && chosen !== 'settings';
  const page = first ? 'pair' : chosen;
  const Page = page === 'wall' ? null : PAGES[page];
  return (
    <div className="shell" data-page={page} data-first={first ? '' : undefined}>
      <a className="shell-skip" href="#main">
        {t('skip')}
      </a>
      <TopBar />
      <Rail onHelp={() => setHelp(true)} />
      <main id="main" className="shell-main" tabIndex={-1}>
        <NodeNotices />
        <ErrorBoundary key={page}>
          <Suspense fallback={<p className="shell-waiting" role="status" aria-label={t('waiting')} />}>
            {Page ? (
              <div className="ui-page">
                <Page />
              </div>
            ) : (
              <div className="shell-wall">
                <h1 className="spoken">{t('pages.wall')}</h1>
                <div className="shell-wall-tiles">
                  <Wall />
                </div>
                <div className="shell-wall-time">
                  <Timeline />
                </div>
              </div>
            )}
          </Suspense>
        </ErrorBoundary>
      </main>
      {help && <KeysHelp onClose={() => setHelp(false)} />}
    </div>
  );
}
