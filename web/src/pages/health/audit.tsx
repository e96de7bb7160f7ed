import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { EngineFailure } from '../../engine/engine.ts';
import type { CommandResult, DeviceKey, NodeState } from '../../engine/messages.ts';
import { useStore } from '../../engine/store.ts';
import { useFormats } from '../../i18n/use-formats.ts';
import { errorText } from '../../i18n/words.ts';
import { useCommand } from '../../model/asked.ts';
import { useModel } from '../../model/model.ts';
import { Button, type Column, Notice, SelectField, Table, Time } from '../../ui/index.ts';
import { AUDIT_GROUPS, type AuditGroup, groupOf } from './audit-groups.ts';

type Page = CommandResult<'audit.list'>;
type Entry = Page['entries'][number];

const PAGE = 100;
/** Most entries held; whoever looks further back narrows it. */
const ENTRIES_MAX = 20_000;
/** Pages asked one after the other while the filter lets nothing through. */
const EMPTY_PAGES_MAX = 10;
const ROW = 36;

interface Loaded {
  entries: readonly Entry[];
  cursor: string | undefined;
  head: Page['head'];
}

/** What was done at the node and by whom, in plain words. */
export function Audit({ node }: { node: NodeState }) {
  const { engine, cameras } = useModel();
  const { t } = useTranslation('health');
  const formats = useFormats();
  const own = useStore(cameras.all);
  const devices = useCommand(node.node, 'devices.list', {}, 60_000).value?.devices ?? [];
  const [device, setDevice] = useState('');
  const [group, setGroup] = useState<AuditGroup>('all');
  const [loaded, setLoaded] = useState<Loaded | null>(null);
  const [failure, setFailure] = useState<EngineFailure | null>(null);
  const [round, setRound] = useState(0);
  const life = useRef<AbortController>(null);
  const busy = useRef(false);
  const passes = (entry: Entry) => group === 'all' || groupOf(entry) === group;
  const latest = useRef(passes);
  latest.current = passes;

  const more = async (before: Loaded | null) => {
    const mine = life.current;
    if (!mine || busy.current || (before && !before.cursor)) return;
    busy.current = true;
    let now = before ?? { entries: [], cursor: undefined, head: null };
    try {
      for (let pages = 0; pages < EMPTY_PAGES_MAX; pages++) {
        const page = await engine.call(
          node.node,
          'audit.list',
          {
            limit: PAGE,
            ...(device ? { device: device as DeviceKey } : {}),
            ...(now.cursor ? { cursor: now.cursor } : {}),
          },
          mine.signal,
        );
        now = { entries: [...now.entries, ...page.entries], cursor: page.cursor, head: page.head ?? now.head };
        if (now.entries.length >= ENTRIES_MAX) now.cursor = undefined;
        if (!now.cursor || page.entries.some(latest.current)) break;
      }
      if (!mine.signal.aborted) {
        setLoaded(now);
        setFailure(null);
      }
    } catch (error) {
      if (!(error instanceof EngineFailure)) throw error;
      if (!mine.signal.aborted) setFailure(error);
    } finally {
      if (life.current === mine) busy.current = false;
    }
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: begins anew with another question
  useEffect(() => {
    life.current = new AbortController();
    busy.current = false;
    void more(null);
    return () => life.current?.abort();
  }, [node.node, device, round]);

  const nameOf = (key: string) =>
    key === node.node ? t('audit.itself') : (devices.find((each) => each.device === key)?.label ?? key.slice(0, 8));
  const cameraOf = (source: string) =>
    own.find((each) => each.node === node.node && each.source === source)?.name ?? source;
  const who = (entry: Entry) => (entry.device === null ? t('audit.nobody') : nameOf(entry.device));
  const what = (entry: Entry): string => {
    if (entry.kind !== 'entry') return t(`audit.${entry.kind}`, { count: entry.count ?? 0 });
    const words = t(`audit.event.${entry.event ?? 'changed'}`);
    const span =
      entry.from !== undefined &&
      entry.to !== undefined &&
      t('audit.span', {
        from: formats.dateTime(entry.from),
        time: formats.duration(entry.to - entry.from),
      });
    const detail = entry.detail && detailText(entry.detail);
    return [words, entry.source && cameraOf(entry.source), span, detail].filter(Boolean).join(' · ');
  };
  const detailText = (detail: string): string => {
    if (/^[0-9a-f]{64}$/.test(detail)) return nameOf(detail);
    // The number of a connection tells people nothing.
    if (/^[0-9a-f]{32}$/.test(detail)) return '';
    const command = /^([a-z]+)\.([a-z]+)@\d+$/.exec(detail);
    return command ? t(`audit.command.${command[1]}-${command[2]}`, { defaultValue: detail }) : detail;
  };
  const list: Column<Entry>[] = [
    { key: 'at', label: t('audit.at'), cell: ({ at }) => <Time at={at} /> },
    { key: 'who', label: t('audit.who'), cell: (entry) => <b className="health-who">{who(entry)}</b> },
    { key: 'what', label: t('audit.what'), cell: what },
    {
      key: 'where',
      label: t('audit.where'),
      cell: ({ address }) => <span className="mono dim">{address ?? ''}</span>,
    },
  ];
  const shown = (loaded?.entries ?? []).filter(passes);
  const known = new Map(devices.map((each) => [each.device as string, each.label]));
  return (
    <>
      <div className="health-line health-filters">
        <SelectField
          label={t('audit.byDevice')}
          value={device}
          options={[{ key: '', label: t('audit.anybody') }, ...[...known].map(([key, label]) => ({ key, label }))]}
          onChange={(key) => {
            setLoaded(null);
            setDevice(key);
          }}
        />
        <SelectField
          label={t('audit.byEvent')}
          value={group}
          options={AUDIT_GROUPS.map((key) => ({ key, label: t(`audit.group.${key}`) }))}
          onChange={setGroup}
        />
        <span className="grow" />
        <Button icon="refresh" onClick={() => setRound(round + 1)}>
          {t('audit.again')}
        </Button>
      </div>
      {failure && <Notice tone="gap">{errorText(t, failure)}</Notice>}
      {loaded && (
        <Table
          caption={t('audit.caption')}
          columns={list}
          rows={shown}
          rowKey={({ index, kind }) => `${index} ${kind}`}
          rowHeight={ROW}
          height={Math.max(320, innerHeight - 330)}
          onEnd={() => void more(loaded)}
        />
      )}
      {loaded && shown.length === 0 && <p className="dim health-small">{t('audit.nothing')}</p>}
      <div className="health-line">
        <p className="dim grow health-small">
          {loaded?.head &&
            t('audit.head', {
              count: loaded.head.leaves,
              time: formats.moment(loaded.head.signedAt, Date.now()),
              root: loaded.head.root.slice(0, 16),
            })}
        </p>
        {loaded?.cursor && shown.length < 50 && (
          <Button kind="quiet" onClick={() => void more(loaded)}>
            {t('audit.further')}
          </Button>
        )}
      </div>
    </>
  );
}
