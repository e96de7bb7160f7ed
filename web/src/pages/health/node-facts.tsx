import { useTranslation } from 'react-i18next';
import type { CommandResult, NodeState } from '../../engine/messages.ts';
import { useFormats } from '../../i18n/use-formats.ts';
import { errorText, roleText } from '../../i18n/words.ts';
import { type PageAccess, pageOffers, ROLES } from '../../model/access.ts';
import { type Asked, useCommand } from '../../model/asked.ts';
import { useModel } from '../../model/model.ts';
import { Button, Dot, Notice, Time } from '../../ui/index.ts';

type Status = CommandResult<'status.get'>;

/** The node and its disk: how long there is room, what a person should look at, who is connected. */
export function NodeFacts({ node, access, status }: { node: NodeState; access: PageAccess; status: Asked<Status> }) {
  const { t } = useTranslation('health');
  if (!status.value) return status.failure ? <Notice tone="gap">{errorText(t, status.failure)}</Notice> : null;
  const { warnings } = status.value;
  return (
    <>
      {warnings.length > 0 && (
        <Notice tone="gap" icon="warning">
          <h2>{t('warnings', { count: warnings.length })}</h2>
          <ul className="health-warnings" lang="en">
            {warnings.map((each) => (
              <li key={each}>{each}</li>
            ))}
          </ul>
        </Notice>
      )}
      <div className="health-halves">
        <Storage storage={status.value.storage} />
        <section className="ui-section">
          <h2>{t('node.title')}</h2>
          <NodeTable status={status.value} node={node} />
        </section>
        {pageOffers(access).everyDevice && <Devices node={node} />}
      </div>
    </>
  );
}

function Storage({ storage }: { storage: Status['storage'] }) {
  const { t } = useTranslation('health');
  const formats = useFormats();
  const { state, size, free, total, daysLeft, oldestAt, segments, leaves, recovery } = storage;
  const others = Math.max(0, total - free - size);
  const part = (bytes: number) => `${total > 0 ? (bytes / total) * 100 : 0}%`;
  return (
    <section className="ui-section">
      <h2>{t('storage.title')}</h2>
      <p className="health-big">
        <Dot tone={state !== 'ok' ? 'live' : daysLeft === null ? 'none' : 'sealed'} />{' '}
        {state !== 'ok'
          ? t(`storage.${state}`)
          : daysLeft === null
            ? t('storage.unknown')
            : daysLeft < 2
              ? t('storage.hours', { time: formats.duration(daysLeft * 86_400_000) })
              : t('storage.days', { count: Math.floor(daysLeft) })}
      </p>
      <div
        className="health-disk"
        role="img"
        aria-label={t('storage.bar', {
          recordings: formats.bytes(size),
          others: formats.bytes(others),
          free: formats.bytes(free),
        })}
      >
        <span className="health-disk-own" style={{ width: part(size) }} />
        <span className="health-disk-others" style={{ width: part(others) }} />
      </div>
      <dl className="ui-facts">
        <dt>{t('storage.recordings')}</dt>
        <dd>
          {formats.bytes(size)} <span className="dim">{t('storage.segments', { count: segments })}</span>
        </dd>
        <dt>{t('storage.others')}</dt>
        <dd>{formats.bytes(others)}</dd>
        <dt>{t('storage.free')}</dt>
        <dd>
          {formats.bytes(free)} {t('storage.of', { total: formats.bytes(total) })}
        </dd>
        <dt>{t('storage.oldest')}</dt>
        <dd>{oldestAt === null ? '–' : <Time at={oldestAt} />}</dd>
        <dt>{t('storage.log')}</dt>
        <dd>{t('storage.leaves', { count: leaves })}</dd>
        {recovery && (
          <>
            <dt>{t('storage.recovery')}</dt>
            <dd>
              {t('storage.recovered', { recovered: recovery.recovered, discarded: recovery.discarded })}
              {recovery.indexRebuilt && ` · ${t('storage.rebuilt')}`}
            </dd>
          </>
        )}
      </dl>
      {state === 'ok' && <p className="dim health-small">{t(daysLeft === null ? 'storage.soon' : 'storage.hint')}</p>}
    </section>
  );
}

function NodeTable({ status, node }: { status: Status; node: NodeState }) {
  const { t } = useTranslation('health');
  const formats = useFormats();
  const { recorders, live, channels } = status;
  const states = (['running', 'starting', 'stalled', 'backoff', 'failed', 'disabled'] as const).filter(
    (each) => recorders[each] > 0,
  );
  const away = status.node.now - Date.now();
  return (
    <dl className="ui-facts">
      <dt>{t('node.version')}</dt>
      <dd>{status.node.version}</dd>
      <dt>{t('node.uptime')}</dt>
      <dd>
        {formats.duration(status.node.uptimeMs)} <span className="dim">{t('node.since')}</span>{' '}
        <Time at={status.node.startedAt} show="absolute" />
      </dd>
      {node.link.kind === 'open' && (
        <>
          <dt>{t('node.address')}</dt>
          <dd className="mono">{node.link.address}</dd>
        </>
      )}
      {Math.abs(away) > 2_000 && (
        <>
          <dt>{t('node.clock')}</dt>
          <dd>{t(away > 0 ? 'node.clockAhead' : 'node.clockBehind', { time: formats.duration(Math.abs(away)) })}</dd>
        </>
      )}
      <dt>{t('node.recorders')}</dt>
      <dd>{formats.list(states.map((each) => t(`node.recorder.${each}`, { count: recorders[each] }))) || '–'}</dd>
      <dt>{t('node.live')}</dt>
      <dd>
        {t('node.subscriptions', { count: live.subscriptions })}
        {live.droppedFragments > 0 && ` · ${t('node.dropped', { count: live.droppedFragments })}`}
      </dd>
      <dt>{t('node.channels')}</dt>
      <dd>
        {t('node.open', { count: channels.open })} ·{' '}
        {t('node.traffic', { in: formats.bytes(channels.bytesIn), out: formats.bytes(channels.bytesOut) })}
      </dd>
    </dl>
  );
}

/** Who may come in, in numbers. */
function Devices({ node }: { node: NodeState }) {
  const { page } = useModel();
  const { t } = useTranslation('health');
  const formats = useFormats();
  const { value } = useCommand(node.node, 'devices.list', {}, 15_000);
  if (!value) return null;
  const { devices, invitations } = value;
  const roles = ROLES.toReversed()
    .map((role) => ({ role, count: devices.filter((each) => each.role === role).length }))
    .filter(({ count }) => count > 0);
  const without = devices.filter(({ role }) => role === undefined).length;
  const latest = devices.toSorted((a, b) => b.lastSeenAt - a.lastSeenAt).find(({ self }) => !self);
  return (
    <section className="ui-section">
      <h2>{t('devices.title')}</h2>
      <dl className="ui-facts">
        <dt>{t('devices.paired')}</dt>
        <dd>
          {devices.length}{' '}
          <span className="dim">
            {formats.list(roles.map(({ role, count }) => `${count} × ${roleText(t, role)}`))}
            {without > 0 && ` · ${t('devices.without', { count: without })}`}
          </span>
        </dd>
        <dt>{t('devices.invitations')}</dt>
        <dd>{invitations.length}</dd>
        {latest && (
          <>
            <dt>{t('devices.latest')}</dt>
            <dd>
              {latest.label} <Time at={latest.lastSeenAt} show="relative" />
            </dd>
          </>
        )}
      </dl>
      <Button icon="devices" className="health-more" onClick={() => page.set('devices')}>
        {t('devices.open')}
      </Button>
    </section>
  );
}
