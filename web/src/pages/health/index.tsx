import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { DeviceKey, NodeState } from '../../engine/messages.ts';
import { type PageAccess, pageOffers } from '../../model/access.ts';
import { useAccess, useCommand } from '../../model/asked.ts';
import { useChosenNode } from '../../shell/chosen-node.ts';
import { Chip, Empty, Tabs } from '../../ui/index.ts';
import { Audit } from './audit.tsx';
import { Gaps } from './gaps.tsx';
import { NodeFacts } from './node-facts.tsx';
import { Streams } from './streams.tsx';
import { Swarm } from './swarm.tsx';
import './health.css';

type Tab = 'streams' | 'gaps' | 'node' | 'swarm' | 'audit';

/** How the chosen node and its cameras are doing. */
export default function HealthPage() {
  const { t } = useTranslation('health');
  const node = useChosenNode();
  const access = useAccess(node?.node ?? ('' as DeviceKey));
  if (!node) return null;
  return (
    <div className="health">
      {access ? (
        <NodeHealth key={node.node} node={node} access={access} />
      ) : (
        <>
          <header className="ui-page-head">
            <h1>{t('title')}</h1>
          </header>
          <Empty title={t('away.title', { node: node.name })} icon="linkLost">
            <p>{t('away.text')}</p>
          </Empty>
        </>
      )}
    </div>
  );
}

function NodeHealth({ node, access }: { node: NodeState; access: PageAccess }) {
  const { t } = useTranslation('health');
  const [tab, setTab] = useState<Tab>('streams');
  const offers = pageOffers(access);
  const status = useCommand(node.node, 'status.get', {}, 3_000);
  const tabs: Tab[] = ['streams', ...(offers.playback ? ['gaps' as const] : []), 'node'];
  if (offers.swarm) tabs.push('swarm');
  if (offers.audit) tabs.push('audit');
  const chosen = tabs.includes(tab) ? tab : 'streams';
  const { recorders, storage, warnings } = status.value ?? {};
  const wrong = recorders ? recorders.stalled + recorders.backoff + recorders.failed : 0;
  const body = {
    streams: <Streams node={node} />,
    gaps: <Gaps node={node} />,
    node: <NodeFacts node={node} access={access} status={status} />,
    swarm: <Swarm node={node} />,
    audit: <Audit node={node} />,
  }[chosen];
  return (
    <>
      <header className="ui-page-head">
        <h1>{t('title')}</h1>
        <span className="health-chips" aria-live="polite">
          {recorders && (
            <Chip tone={wrong > 0 ? 'gap' : 'sealed'}>
              {wrong > 0
                ? t('chip.wrong', { count: wrong })
                : t('chip.running', { count: recorders.running + recorders.starting })}
            </Chip>
          )}
          {storage && storage.state !== 'ok' && <Chip tone="live">{t(`storage.${storage.state}`)}</Chip>}
          {warnings && warnings.length > 0 && <Chip tone="gap">{t('warnings', { count: warnings.length })}</Chip>}
        </span>
      </header>
      <Tabs
        label={t('title')}
        tabs={tabs.map((key) => ({ key, label: t(`tab.${key}`) }))}
        chosen={chosen}
        onChoose={setTab}
      >
        <div className="health-tab">{body}</div>
      </Tabs>
    </>
  );
}
