import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { EngineFailure } from '../../engine/engine.ts';
import { useStore } from '../../engine/store.ts';
import { errorText } from '../../i18n/words.ts';
import { mayAddCameras } from '../../model/access.ts';
import { useAccesses } from '../../model/asked.ts';
import type { Camera } from '../../model/cameras.ts';
import { useModel } from '../../model/model.ts';
import { Button, Confirm, Empty, type MenuItem, SEARCH_FROM, toast } from '../../ui/index.ts';
import { forgetOnWall } from '../../wall/wall-memory.ts';
import { AddDialog } from './add-dialog.tsx';
import { CameraDialog, type CameraTab } from './camera-dialog.tsx';
import { CameraList } from './camera-list.tsx';
import './cameras.css';

/** All cameras of all nodes: their state, and setting them up where this device may. */
export default function CamerasPage() {
  const { engine, cameras, wall } = useModel();
  const { t } = useTranslation('cameras');
  const all = useStore(cameras.all);
  const nodes = useStore(engine.nodes);
  const [search, setSearch] = useState('');
  const [adding, setAdding] = useState(false);
  const [shown, setShown] = useState<{ key: string; tab: CameraTab } | null>(null);
  const [removing, setRemoving] = useState<Camera | null>(null);
  const [busy, setBusy] = useState(false);

  const accesses = useAccesses(nodes);
  const configurable = nodes.filter(({ node }) => {
    const access = accesses.get(node);
    return access !== undefined && mayAddCameras(access);
  });
  const taken = useMemo(() => {
    const ids = new Map<string, Set<string>>();
    for (const { node, source } of all) ids.set(node, (ids.get(node) ?? new Set()).add(source));
    return ids;
  }, [all]);
  const sought = search.trim().toLowerCase();
  const matching = all.filter(
    ({ name, source }) => sought === '' || name.toLowerCase().includes(sought) || source.includes(sought),
  );
  const groups = nodes
    .map((node) => ({ node, cameras: matching.filter((each) => each.node === node.node) }))
    .filter((group) => group.cameras.length > 0);
  const opened = shown && all.find(({ key }) => key === shown.key);
  const working = all.filter(
    ({ states, reachable, enabled }) =>
      reachable && enabled && Object.values(states).some((each) => each.state === 'running'),
  ).length;

  const tell = async (work: () => Promise<unknown>, done: string) => {
    setBusy(true);
    try {
      await work();
      cameras.refresh();
      toast(done, { tone: 'sealed' });
    } catch (error) {
      if (!(error instanceof EngineFailure)) throw error;
      toast(errorText(t, error), { tone: 'gap' });
    } finally {
      setBusy(false);
      setRemoving(null);
    }
  };
  const remove = async ({ node, source, key }: Camera) => {
    await engine.call(node, 'sources.remove', { source });
    forgetOnWall(localStorage, key);
    wall.forget(key);
  };
  const actions = (camera: Camera): MenuItem[] => {
    if (!camera.reachable || !camera.actions.includes('configure')) return [];
    const { node, source, name, enabled, key } = camera;
    const enable = () =>
      tell(
        () => engine.call(node, 'sources.upsert', { source, expect: 'known', enabled: !enabled }),
        t(enabled ? 'list.off' : 'list.on', { name }),
      );
    return [
      { label: t('menu.edit'), icon: 'edit', onSelect: () => setShown({ key, tab: 'address' }) },
      { label: t('menu.recording'), icon: 'calendar', onSelect: () => setShown({ key, tab: 'recording' }) },
      {
        label: t(enabled ? 'menu.disable' : 'menu.enable'),
        icon: enabled ? 'pause' : 'play',
        onSelect: () => void enable(),
      },
      { label: t('menu.remove'), icon: 'remove', danger: true, onSelect: () => setRemoving(camera) },
    ];
  };

  return (
    <div className="cameras">
      <header className="ui-page-head">
        <h1>{t('title')}</h1>
        {all.length > 0 && <span className="dim grow">{t('summary', { count: all.length, working })}</span>}
        {all.length >= SEARCH_FROM && (
          <input
            className="ui-input cameras-search"
            type="search"
            aria-label={t('search')}
            placeholder={t('search')}
            value={search}
            onChange={(event) => setSearch(event.currentTarget.value)}
          />
        )}
        {configurable.length > 0 && (
          <Button kind="main" icon="plus" onClick={() => setAdding(true)}>
            {t('add.open')}
          </Button>
        )}
      </header>
      {groups.map(({ node, cameras: own }) => (
        <section key={node.node} aria-label={node.name}>
          {nodes.length > 1 && <h2 className="cameras-node">{[node.site, node.name].filter(Boolean).join(' · ')}</h2>}
          <CameraList
            cameras={own}
            label={t('list.label', { node: node.name })}
            onOpen={({ key }) => setShown({ key, tab: 'facts' })}
            actions={actions}
          />
        </section>
      ))}
      {groups.length === 0 &&
        (sought ? (
          <Empty title={t('none.sought')} icon="search" />
        ) : (
          <Empty title={t('none.title')} icon="cameras">
            <p>{t(configurable.length > 0 ? 'none.add' : 'none.wait')}</p>
          </Empty>
        ))}
      {adding && <AddDialog nodes={configurable} taken={taken} onClose={() => setAdding(false)} />}
      {opened && <CameraDialog key={opened.key} camera={opened} first={shown.tab} onClose={() => setShown(null)} />}
      {removing && (
        <Confirm
          title={t('remove.title', { name: removing.name })}
          action={t('remove.action')}
          busy={busy}
          onClose={() => setRemoving(null)}
          onConfirm={() => void tell(() => remove(removing), t('remove.done', { name: removing.name }))}
        >
          <p>{t('remove.stops')}</p>
          <p>{t('remove.stays', { id: removing.source })}</p>
        </Confirm>
      )}
    </div>
  );
}
