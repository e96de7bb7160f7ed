import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { EngineFailure } from '../../engine/engine.ts';
import type { CommandResult, DeviceKey, NodeState } from '../../engine/messages.ts';
import { useStore } from '../../engine/store.ts';
import { useFormats } from '../../i18n/use-formats.ts';
import { errorText } from '../../i18n/words.ts';
import { type GrantFacts, offersFor, type PageAccess, pageOffers } from '../../model/access.ts';
import { everyPage, useAccess, useAsked, useCommand } from '../../model/asked.ts';
import { useModel } from '../../model/model.ts';
import { useChosenNode } from '../../shell/chosen-node.ts';
import { KeyText } from '../../shell/key-text.tsx';
import {
  Button,
  Chip,
  Dialog,
  Empty,
  IconButton,
  Menu,
  type MenuItem,
  Notice,
  TextField,
  Time,
  toast,
} from '../../ui/index.ts';
import { GrantDialog, type GrantSubject } from './grant-dialog.tsx';
import { LetInDialog } from './let-in-dialog.tsx';
import { RemoveDialog } from './remove-dialog.tsx';
import { hangOn } from './terms.ts';
import { termsWords } from './terms-words.ts';
import { Waiting } from './waiting.tsx';
import './devices.css';

type Device = CommandResult<'devices.list'>['devices'][number];

/** Who may see the chosen node's cameras, and what: devices, invitations, approvals. */
export default function DevicesPage() {
  const { t } = useTranslation('devices');
  const node = useChosenNode();
  const access = useAccess(node?.node ?? ('' as DeviceKey));
  if (!node) return null;
  if (!access) {
    return (
      <>
        <header className="ui-page-head">
          <h1>{t('title')}</h1>
        </header>
        <Empty title={t('away.title', { node: node.name })} icon="linkLost">
          <p>{t('away.text')}</p>
        </Empty>
      </>
    );
  }
  return <NodeDevices key={node.node} node={node} access={access} />;
}

type Open =
  | { kind: 'letIn'; before: ReadonlySet<string> }
  | { kind: 'grant'; subject: GrantSubject }
  | { kind: 'remove' | 'revoke' | 'rename' | 'key'; device: Device };

function NodeDevices({ node, access }: { node: NodeState; access: PageAccess }) {
  const { engine, cameras } = useModel();
  const { t } = useTranslation('devices');
  const formats = useFormats();
  const offers = pageOffers(access);
  const listed = useCommand(node.node, 'devices.list', {}, 2_000);
  const granted = useAsked(
    `${node.node} every grant`,
    (signal) =>
      everyPage(
        (cursor) => engine.call(node.node, 'grants.list', cursor ? { cursor } : {}, signal),
        (page) => page.grants,
        256,
      ),
    8_000,
  );
  const pending = useCommand(node.node, 'pairing.pending', offers.invite ? {} : null, 2_000);
  const [open, setOpen] = useState<Open | null>(null);
  const own = useStore(cameras.all);
  const names = new Map(
    own.filter((each) => each.node === node.node).map(({ source, name }) => [source as string, name]),
  );
  const nameOf = (source: string) => names.get(source) ?? source;
  const devices = [...(listed.value?.devices ?? [])].sort(
    (a, b) => Number(b.self) - Number(a.self) || b.lastSeenAt - a.lastSeenAt,
  );
  const grants = granted.value ?? [];
  const roles = devices.map(({ device, role }) => `${device} ${role}`).join();
  // Who came, went or may something else has other grants too.
  // biome-ignore lint/correctness/useExhaustiveDependencies: asked when the roles change, not with every answer
  useEffect(() => granted.again(), [roles]);
  const grantOf = (device: string) => grants.find((each) => each.device === device) ?? null;
  const labelOf = (device: string) => devices.find((each) => each.device === device)?.label ?? device.slice(0, 8);
  const again = () => {
    listed.again();
    granted.again();
    pending.again();
  };
  const tell = async (work: () => Promise<unknown>) => {
    try {
      await work();
      again();
    } catch (error) {
      if (!(error instanceof EngineFailure)) throw error;
      toast(errorText(t, error), { tone: 'gap' });
    }
  };
  const actions = (device: Device): MenuItem[] => {
    const may = offersFor(access, device);
    const key = device.device as DeviceKey;
    const items: MenuItem[] = [{ label: t('menu.key'), icon: 'key', onSelect: () => setOpen({ kind: 'key', device }) }];
    if (may.rename)
      items.push({ label: t('menu.rename'), icon: 'edit', onSelect: () => setOpen({ kind: 'rename', device }) });
    if (may.grant) {
      const subject: GrantSubject = { kind: 'change', device: key, label: device.label, grant: grantOf(key) };
      items.push({ label: t('menu.grant'), icon: 'person', onSelect: () => setOpen({ kind: 'grant', subject }) });
    }
    if (may.revoke)
      items.push({
        label: t('menu.revoke'),
        icon: 'minus',
        danger: true,
        onSelect: () => setOpen({ kind: 'revoke', device }),
      });
    if (may.remove)
      items.push({
        label: t(device.self ? 'menu.leave' : 'menu.remove'),
        icon: 'remove',
        danger: true,
        onSelect: () => setOpen({ kind: 'remove', device }),
      });
    return items;
  };
  const letIn = open?.kind === 'letIn' ? devices.find((each) => !open.before.has(each.device)) : undefined;
  const heldBy = (device: Device) => hangOn(device.device as DeviceKey, grants as GrantsOf).map(labelOf);

  return (
    <div className="devices">
      <header className="ui-page-head">
        <h1>{t('title')}</h1>
        <span className="dim grow">{t(offers.everyDevice ? 'about' : 'aboutSelf', { node: node.name })}</span>
        {offers.invite && (
          <Button
            kind="main"
            icon="plus"
            onClick={() => setOpen({ kind: 'letIn', before: new Set(devices.map((each) => each.device)) })}
          >
            {t('invite.open')}
          </Button>
        )}
      </header>
      {listed.failure && (
        <Notice tone="gap" urgent>
          {errorText(t, listed.failure)}
        </Notice>
      )}
      {offers.invite && (
        <Waiting
          pending={pending.value}
          invitations={listed.value?.invitations ?? []}
          mayConfirm={access.role === 'owner'}
          onApprove={(each) => setOpen({ kind: 'grant', subject: { kind: 'approve', pending: each } })}
          onReject={(device) => void tell(() => engine.call(node.node, 'pairing.reject', { device }))}
          onCancelCode={() =>
            void tell(async () => {
              const { cancelled } = await engine.call(node.node, 'pairing.cancel', {});
              toast(t(cancelled ? 'waiting.codeBack' : 'waiting.gone'));
            })
          }
          onWithdraw={(id) =>
            void tell(async () => {
              const { removed } = await engine.call(node.node, 'invitations.remove', { id });
              toast(t(removed ? 'waiting.invitationBack' : 'waiting.gone'));
            })
          }
          onConfirm={({ signer, fingerprint }, accept) =>
            void tell(() =>
              engine.call(node.node, 'pairing.confirm', { signer: signer as DeviceKey, fingerprint, accept }),
            )
          }
        />
      )}
      <section className="ui-section" aria-label={t('list.label')}>
        <ul className="devices-list">
          {devices.map((device) => (
            <li key={device.device} className="devices-row">
              <div className="grow devices-who">
                <span>
                  <b>{device.label}</b> {device.self && <Chip tone="sealed">{t('list.self')}</Chip>}
                </span>
                <RightsLine
                  device={device}
                  grant={grantOf(device.device)}
                  told={granted.value !== null}
                  nameOf={nameOf}
                />
              </div>
              <div className="devices-when dim">
                <span>
                  {t('list.seen')} <Time at={device.lastSeenAt} show="relative" />
                </span>
                <span title={formats.exact(device.pairedAt)}>
                  {t('list.paired', { date: formats.date(device.pairedAt) })}
                </span>
              </div>
              <Menu
                label={t('list.actions', { name: device.label })}
                align="end"
                items={actions(device)}
                button={(opener) => (
                  <IconButton icon="more" label={t('list.actions', { name: device.label })} {...opener} />
                )}
              />
            </li>
          ))}
        </ul>
        {listed.value && offers.everyDevice && devices.length === 1 && (
          <p className="dim devices-alone">{t('list.alone')}</p>
        )}
      </section>
      {open?.kind === 'letIn' && (
        <LetInDialog node={node} access={access} device={letIn?.label ?? null} onClose={() => setOpen(null)} />
      )}
      {open?.kind === 'grant' && (
        <GrantDialog
          node={node.node}
          access={access}
          subject={open.subject}
          onDone={again}
          onClose={() => setOpen(null)}
        />
      )}
      {(open?.kind === 'remove' || open?.kind === 'revoke') && (
        <RemoveDialog
          node={node.node}
          device={open.device.device as DeviceKey}
          label={open.device.label}
          self={open.device.self}
          kind={open.kind}
          dependants={heldBy(open.device)}
          onDone={again}
          onClose={() => setOpen(null)}
        />
      )}
      {open?.kind === 'rename' && (
        <RenameDialog node={node.node} device={open.device} onDone={again} onClose={() => setOpen(null)} />
      )}
      {open?.kind === 'key' && (
        <Dialog title={t('key.title', { name: open.device.label })} onClose={() => setOpen(null)}>
          <p>{t('key.about')}</p>
          <KeyText value={open.device.device as DeviceKey} large />
          <p className="mono dim devices-key">{open.device.device}</p>
        </Dialog>
      )}
    </div>
  );
}

type GrantsOf = readonly (Pick<GrantFacts, 'issuer'> & { device: DeviceKey })[];

/** What a device may, in words, and why it may nothing. */
function RightsLine({
  device,
  grant,
  told,
  nameOf,
}: {
  device: Device;
  grant: GrantFacts | null;
  told: boolean;
  nameOf(source: string): string;
}) {
  const { t } = useTranslation('devices');
  const formats = useFormats();
  if (!grant) return <span className="dim">{told || !device.role ? t('rights.none') : '\u00a0'}</span>;
  return (
    <span className="dim">
      {grant.state !== 'in-force' && <b className="devices-lapsed">{t(`rights.${grant.state}`)} · </b>}
      {termsWords(t, formats, grant, nameOf)}
    </span>
  );
}

function RenameDialog({
  node,
  device,
  onDone,
  onClose,
}: {
  node: DeviceKey;
  device: Device;
  onDone(): void;
  onClose(): void;
}) {
  const { engine } = useModel();
  const { t } = useTranslation('devices');
  const [label, setLabel] = useState(device.label);
  const [failure, setFailure] = useState<EngineFailure | null>(null);
  const busy = useRef(false);
  const name = label.trim();
  const run = async () => {
    if (busy.current || name === '') return;
    busy.current = true;
    try {
      await engine.call(node, 'devices.rename', { device: device.device as DeviceKey, label: name });
      onDone();
      onClose();
    } catch (error) {
      if (!(error instanceof EngineFailure)) throw error;
      setFailure(error);
    } finally {
      busy.current = false;
    }
  };
  return (
    <Dialog
      title={t('rename.title', { name: device.label })}
      width={420}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{t('cancel')}</Button>
          <Button kind="main" disabled={name === '' || name === device.label} onClick={() => void run()}>
            {t('rename.action')}
          </Button>
        </>
      }
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void run();
        }}
      >
        <TextField
          label={t('rename.label')}
          maxLength={64}
          value={label}
          error={failure && errorText(t, failure)}
          onChange={setLabel}
        />
      </form>
    </Dialog>
  );
}
