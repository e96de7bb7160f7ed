import { type ReactNode, useState } from 'react';
import { Trans, useTranslation } from 'react-i18next';
import type { CommandResult, NodeState } from '../engine/messages.ts';
import { Store, useStore } from '../engine/store.ts';
import { useFormats } from '../i18n/use-formats.ts';
import { causeText } from '../i18n/words.ts';
import { may } from '../model/access.ts';
import { useAccess, useAsked, useCommand } from '../model/asked.ts';
import { useModel } from '../model/model.ts';
import { Dot, type Tone } from '../ui/chip.tsx';
import { Popover } from '../ui/popover.tsx';
import { Time } from '../ui/time.tsx';
import { type Loss, newestLoss, wholeness } from './wholeness.ts';

const SLOW_MS = 60_000;
/** While something is missing. */
const MISSING_MS = 5_000;
/** Gaps shorter than this are not seen in a picture. */
const LOSS_MS_MIN = 1_000;
/** Cameras asked for their gaps. */
const CAMERAS_MAX = 64;
const nobody = new Store<readonly never[]>([]);

interface ChipProps {
  tone: Tone;
  className: string;
  /** What stands on it. */
  text: ReactNode;
  title: string;
  children: ReactNode;
}

/** A statement that opens its proof. */
function ProofChip({ tone, className, text, title, children }: ChipProps) {
  return (
    <Popover
      label={title}
      align="end"
      button={(opener) => (
        <button type="button" className={`ui-chip ${className}`} {...opener}>
          {tone !== 'none' && <Dot tone={tone} />}
          <span>{text}</span>
        </button>
      )}
    >
      {() => (
        <div className="shell-proof">
          <h2>{title}</h2>
          {children}
        </div>
      )}
    </Popover>
  );
}

/** "Sealed to 3 devices": whose keys open what is stored. For those who may see the list of devices. */
export function SealedChip({ node }: { node: NodeState }) {
  const { t } = useTranslation('shell');
  const access = useAccess(node.node);
  const sees = access?.role === 'admin' || access?.role === 'owner';
  const { value } = useCommand(node.node, 'devices.list', sees ? {} : null, SLOW_MS);
  if (!value) return null;
  const holders = value.devices.filter(({ role, wrapKeyId }) => role === 'owner' && wrapKeyId !== undefined);
  return (
    <ProofChip
      tone="sealed"
      className="shell-chip-first shell-chip-second"
      title={t('sealed.title')}
      text={<Trans t={t} i18nKey="sealed.chip" count={holders.length} components={{ b: <b /> }} />}
    >
      <p>{t('sealed.text')}</p>
      <ul>
        {holders.map(({ device, label, self, lastSeenAt }) => (
          <li key={device}>
            <span>{label}</span>
            <span>{self ? t('thisDevice') : <Time at={lastSeenAt} show="relative" />}</span>
          </li>
        ))}
        <li>
          <span>{node.name}</span>
          <span>{t('sealed.node')}</span>
        </li>
      </ul>
      <p className="shell-source">{t('sealed.source')}</p>
    </ProofChip>
  );
}

/** "Nothing missing since 2 Nov": the newest gap that nobody wanted, over all cameras. */
export function WholeChip({ node }: { node: NodeState }) {
  const { t } = useTranslation('shell');
  const formats = useFormats();
  const { engine, cameras } = useModel();
  const access = useAccess(node.node);
  const mine = useStore(cameras.all ?? nobody)
    .filter((each) => each.node === node.node && each.enabled)
    .slice(0, CAMERAS_MAX);
  const status = useCommand(node.node, 'status.get', {}, SLOW_MS).value;
  const asks = access && may(access, 'playback') && mine.length > 0;
  const key = `losses ${node.node} ${mine.map(({ source }) => source).join()}`;
  const [missing, setMissing] = useState(false);
  const { value: losses } = useAsked(
    key,
    asks
      ? (signal) =>
          Promise.all(
            mine.map(async ({ source, name, streams }): Promise<Loss> => {
              const stream = streams[0]?.stream ?? 'main';
              const wish = { source, stream, order: 'newest' as const, lengthMin: LOSS_MS_MIN, limit: 20 };
              const { gaps } = await engine.call(node.node, 'gaps.list', wish, signal);
              return { name, gap: newestLoss(gaps) };
            }),
          )
      : null,
    missing ? MISSING_MS : SLOW_MS,
  );
  if (!losses || !status) return null;
  const { missingNow, since } = wholeness(losses, status.storage.oldestAt);
  if (missing !== missingNow > 0) setMissing(missingNow > 0);
  if (missingNow === 0 && since === null) return null;
  return (
    <ProofChip
      tone={missingNow > 0 ? 'gap' : 'covered'}
      className="shell-chip-first"
      title={t('whole.title')}
      text={
        missingNow > 0 ? (
          <Trans t={t} i18nKey="whole.now" count={missingNow} components={{ b: <b /> }} />
        ) : (
          <Trans
            t={t}
            i18nKey="whole.chip"
            values={{ since: formats.moment(since!, Date.now()) }}
            components={{ b: <b /> }}
          />
        )
      }
    >
      <p>{t('whole.text')}</p>
      <ul>
        {losses.map(({ name, gap }) => (
          <li key={name}>
            <span>{name}</span>
            <span>
              {gap === null ? (
                t('whole.none')
              ) : (
                <>
                  {causeText(t, gap.cause)},{' '}
                  {gap.endAt === null ? t('whole.lasts') : formats.duration(gap.endAt - gap.startAt)}
                  <br />
                  <Time at={gap.endAt ?? gap.startAt} />
                </>
              )}
            </span>
          </li>
        ))}
      </ul>
      <p className="shell-source">{t('whole.source')}</p>
    </ProofChip>
  );
}

/** "23 days of room": how long the disk will do. */
export function RoomChip({ node }: { node: NodeState }) {
  const { t } = useTranslation('shell');
  const { value } = useCommand(node.node, 'status.get', {}, SLOW_MS);
  if (!value) return null;
  const { storage } = value;
  return (
    <ProofChip
      tone={storage.state === 'ok' ? 'none' : 'gap'}
      className="shell-chip-last"
      title={t('room.title')}
      text={<RoomText storage={storage} />}
    >
      <RoomProof storage={storage} />
      <p className="shell-source">{t('room.source')}</p>
    </ProofChip>
  );
}

type Storage = CommandResult<'status.get'>['storage'];

function RoomText({ storage }: { storage: Storage }) {
  const { t } = useTranslation('shell');
  const formats = useFormats();
  if (storage.state === 'full') return <b>{t('room.full')}</b>;
  if (storage.state === 'failing') return <b>{t('room.failing')}</b>;
  if (storage.daysLeft === null) {
    const size = formats.bytes(storage.free);
    return <Trans t={t} i18nKey="room.free" values={{ size }} components={{ b: <b /> }} />;
  }
  const days = Math.floor(storage.daysLeft);
  return <Trans t={t} i18nKey="room.chip" count={days} components={{ b: <b /> }} />;
}

function RoomProof({ storage }: { storage: Storage }) {
  const { t } = useTranslation('shell');
  const formats = useFormats();
  const { state, size, free, total, oldestAt, segments, daysLeft } = storage;
  const used = total > 0 ? (total - free) / total : 0;
  return (
    <>
      <p>{t(`room.text.${state === 'ok' && daysLeft === null ? 'unknown' : state}`)}</p>
      <div className="shell-room" aria-hidden="true">
        <div style={{ width: `${Math.round(used * 100)}%` }} />
      </div>
      <ul>
        <li>
          <span>{t('room.recordings')}</span>
          <span>{t('room.recordingsValue', { size: formats.bytes(size), count: segments })}</span>
        </li>
        <li>
          <span>{t('room.left')}</span>
          <span>{t('room.leftValue', { free: formats.bytes(free), total: formats.bytes(total) })}</span>
        </li>
        {oldestAt !== null && (
          <li>
            <span>{t('room.oldest')}</span>
            <span>
              <Time at={oldestAt} />
            </span>
          </li>
        )}
      </ul>
    </>
  );
}
