import { type FormEvent, Fragment, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { NodeState } from '../../engine/messages.ts';
import { useStore } from '../../engine/store.ts';
import { errorText, roleMeaning, roleText } from '../../i18n/words.ts';
import { useAccess, useCommand } from '../../model/asked.ts';
import type { Camera } from '../../model/cameras.ts';
import { useModel } from '../../model/model.ts';
import { bySite } from '../../shell/chosen-node.ts';
import { KeyText } from '../../shell/key-text.tsx';
import { Button, IconButton } from '../../ui/button.tsx';
import { Dot } from '../../ui/chip.tsx';
import { Confirm, Dialog } from '../../ui/dialog.tsx';
import { TextField } from '../../ui/field.tsx';
import { Time } from '../../ui/time.tsx';
import { forgetNode } from '../../wall/forget-node.ts';

/** What this browser is paired with: places, nodes, and its own key at each. */
export function NodesSection() {
  const { t } = useTranslation('settings');
  const { engine, page } = useModel();
  const nodes = useStore(engine.nodes);
  return (
    <section className="ui-section" aria-labelledby="settings-nodes">
      <div className="settings-head">
        <h2 id="settings-nodes">{t('nodes.title')}</h2>
        <Button icon="plus" onClick={() => page.set('pair')}>
          {t('nodes.add')}
        </Button>
      </div>
      {nodes.length === 0 && <p className="dim">{t('nodes.none')}</p>}
      {bySite(nodes).map(({ site, nodes }) => (
        <div key={site}>
          <h3 className="settings-site">{site || t('nodes.noSite')}</h3>
          {nodes.map((node) => (
            <NodeEntry key={node.node} node={node} />
          ))}
        </div>
      ))}
    </section>
  );
}

function NodeEntry({ node }: { node: NodeState }) {
  const { t } = useTranslation('settings');
  const [open, setOpen] = useState<'rename' | 'forget' | null>(null);
  const { link } = node;
  const access = useAccess(node.node);
  const cameras = useStore(useModel().cameras.all);
  const own = useCommand(node.node, 'devices.list', link.kind === 'open' ? {} : null);
  const label = own.value?.devices.find(({ self }) => self)?.label;
  return (
    <article className="settings-node">
      <div className="settings-node-head">
        <Dot tone={link.kind === 'open' ? 'sealed' : 'gap'} />
        <h4>{node.name}</h4>
        <span className="dim grow">
          {t(`shell:links.${link.kind}`)}
          {link.kind === 'lost' && `: ${errorText(t, { code: link.reason, kind: 'unavailable' })}`}
        </span>
        <IconButton icon="edit" label={t('nodes.rename')} onClick={() => setOpen('rename')} />
        <IconButton icon="remove" label={t('nodes.forget')} onClick={() => setOpen('forget')} />
      </div>
      <dl className="ui-facts">
        {access && (
          <>
            <dt>{t('nodes.role')}</dt>
            <dd>
              {roleText(t, access.role)} <span className="dim">– {roleMeaning(t, access.role)}</span>
            </dd>
            {access.rolesAt.map(({ source, role }) => (
              <Fragment key={source}>
                <dt>{t('nodes.roleAt', { name: cameras.find(byId(node, source))?.name ?? source })}</dt>
                <dd>{roleText(t, role)}</dd>
              </Fragment>
            ))}
            {access.endsAt !== null && (
              <>
                <dt>{t('nodes.ends')}</dt>
                <dd>
                  <Time at={access.endsAt} />
                </dd>
              </>
            )}
          </>
        )}
        {label && (
          <>
            <dt>{t('nodes.label')}</dt>
            <dd>{label}</dd>
          </>
        )}
        <dt>{t('nodes.address')}</dt>
        <dd>{node.addresses.join(', ')}</dd>
        <dt>{t('nodes.paired')}</dt>
        <dd>
          <Time at={node.pairedAt} />
        </dd>
        <dt>{t('nodes.nodeKey')}</dt>
        <dd>
          <KeyText value={node.node} />
        </dd>
        <dt>{t('nodes.deviceKey')}</dt>
        <dd>
          <KeyText value={node.device} />
        </dd>
      </dl>
      {open === 'rename' && <Rename node={node} onClose={() => setOpen(null)} />}
      {open === 'forget' && <Forget node={node} onClose={() => setOpen(null)} />}
    </article>
  );
}

function byId({ node }: NodeState, source: string) {
  return (camera: Camera) => camera.node === node && camera.source === source;
}

function Rename({ node, onClose }: { node: NodeState; onClose(): void }) {
  const { t } = useTranslation('settings');
  const { engine } = useModel();
  const [name, setName] = useState(node.name);
  const [site, setSite] = useState(node.site);
  const save = async (event: FormEvent) => {
    event.preventDefault();
    await engine.rename(node.node, name.trim(), site.trim());
    onClose();
  };
  return (
    <Dialog
      title={t('nodes.renameTitle')}
      onClose={onClose}
      width={420}
      footer={
        <>
          <Button onClick={onClose}>{t('shell:cancel')}</Button>
          <Button kind="main" type="submit" form="settings-rename" disabled={name.trim() === ''}>
            {t('nodes.save')}
          </Button>
        </>
      }
    >
      <form id="settings-rename" onSubmit={(event) => void save(event)}>
        <p className="dim">{t('nodes.renameText')}</p>
        <TextField label={t('nodes.name')} value={name} onChange={setName} maxLength={64} required />
        <TextField label={t('nodes.site')} value={site} onChange={setSite} maxLength={64} />
      </form>
    </Dialog>
  );
}

function Forget({ node, onClose }: { node: NodeState; onClose(): void }) {
  const { t } = useTranslation('settings');
  const model = useModel();
  const [busy, setBusy] = useState(false);
  return (
    <Confirm
      title={t('nodes.forgetTitle', { name: node.name })}
      action={t('nodes.forget')}
      busy={busy}
      onClose={onClose}
      onConfirm={() => {
        setBusy(true);
        void forgetNode(model, node.node);
      }}
    >
      <p>{t('nodes.forgetText')}</p>
      <p>{t('nodes.forgetStays')}</p>
    </Confirm>
  );
}
