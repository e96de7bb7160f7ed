import { useTranslation } from 'react-i18next';
import type { CommandResult, NodeState } from '../../engine/messages.ts';
import { useFormats } from '../../i18n/use-formats.ts';
import { errorText } from '../../i18n/words.ts';
import { useCommand } from '../../model/asked.ts';
import { type Column, Dot, Empty, Notice, Table, Time } from '../../ui/index.ts';

type Status = CommandResult<'swarm.status'>;
type Peer = Status['peers'][number];

/** Who else is there: peers of the swarm, and what was refused. */
export function Swarm({ node }: { node: NodeState }) {
  const { t } = useTranslation('health');
  const formats = useFormats();
  const { value, failure } = useCommand(node.node, 'swarm.status', {}, 5_000);
  if (!value) return failure ? <Notice tone="gap">{errorText(t, failure)}</Notice> : null;
  if (!value.enabled) {
    return (
      <Empty title={t('swarm.off')} icon="node">
        <p>{t('swarm.offText')}</p>
      </Empty>
    );
  }
  const { counters } = value;
  const list: Column<Peer>[] = [
    {
      key: 'address',
      label: t('swarm.address'),
      sortBy: ({ address }) => address,
      cell: ({ address }) => <span className="mono">{address}</span>,
    },
    { key: 'kind', label: t('swarm.kind'), sortBy: ({ kind }) => kind, cell: ({ kind }) => t(`peer.${kind}`) },
    {
      key: 'state',
      label: t('swarm.state'),
      sortBy: ({ confirmed }) => Number(confirmed),
      cell: ({ confirmed, proved }) => (
        <span className="health-state">
          <Dot tone={confirmed ? 'sealed' : 'gap'} />
          {t(confirmed ? 'swarm.confirmed' : 'swarm.silent')}
          {proved && <span className="dim"> · {t('swarm.proved')}</span>}
        </span>
      ),
    },
    {
      key: 'seen',
      label: t('swarm.seen'),
      sortBy: ({ lastSeenAt }) => lastSeenAt ?? 0,
      cell: ({ lastSeenAt }) => (lastSeenAt === null ? '–' : <Time at={lastSeenAt} show="relative" />),
    },
    {
      key: 'traffic',
      label: t('swarm.traffic'),
      align: 'end',
      sortBy: ({ bytesIn, bytesOut }) => bytesIn + bytesOut,
      cell: ({ bytesIn, bytesOut }) => `${formats.bytes(bytesIn)} / ${formats.bytes(bytesOut)}`,
    },
  ];
  return (
    <>
      <dl className="ui-facts health-facts">
        <dt>{t('swarm.zones')}</dt>
        <dd>{formats.list(value.zones.map(({ name }) => name)) || '–'}</dd>
        <dt>{t('swarm.listening')}</dt>
        <dd className="mono">{value.listening.join(', ') || '–'}</dd>
        <dt>{t('swarm.peers')}</dt>
        <dd>{t('swarm.count', { total: value.peersTotal, confirmed: value.peersConfirmed })}</dd>
        <dt>{t('swarm.records')}</dt>
        <dd>{t('swarm.recordsText', { total: value.recordsTotal, admitted: counters.recordsAdmitted })}</dd>
        <dt>{t('swarm.datagrams')}</dt>
        <dd>
          {t('swarm.inOut', { in: formats.number(counters.datagramsIn), out: formats.number(counters.datagramsOut) })}
          {counters.sendErrors > 0 && ` · ${t('swarm.errors', { count: counters.sendErrors })}`}
        </dd>
        {counters.refused.length > 0 && (
          <>
            <dt>{t('swarm.refused')}</dt>
            <dd>{counters.refused.map(({ reason, count }) => `${reason} ${formats.number(count, 0)}`).join(' · ')}</dd>
          </>
        )}
      </dl>
      {value.peers.length > 0 && (
        <Table caption={t('swarm.caption')} columns={list} rows={value.peers} rowKey={({ address }) => address} />
      )}
      {value.peersTotal > value.peers.length && (
        <p className="dim health-small">{t('swarm.first', { count: value.peers.length })}</p>
      )}
    </>
  );
}
