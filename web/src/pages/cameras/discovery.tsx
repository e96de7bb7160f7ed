import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { EngineFailure } from '../../engine/engine.ts';
import type { CommandResult, DeviceKey } from '../../engine/messages.ts';
import { useModel } from '../../model/model.ts';
import { Button, Chip, Notice, TextField } from '../../ui/index.ts';
import { Failure } from './failure.tsx';
import { gather } from './still.ts';

type Reply = CommandResult<'cameras.discover'>;
export type FoundCamera = Reply['cameras'][number];

/** Most cameras shown of one search: as many as the node tells. */
const FOUND_MAX = 256;
const SECONDS = 4;

interface Search {
  running: boolean;
  found: readonly FoundCamera[];
  reply: Reply | null;
  failure: EngineFailure | null;
}

const NOTHING: Search = { running: false, found: [], reply: null, failure: null };

/** Looks for cameras around the node: on its networks, or at one address. Found ones appear as they answer. */
export function Discovery({
  node,
  onChoose,
}: {
  node: DeviceKey;
  /** With a host: one that was named and speaks ONVIF. */
  onChoose(found: { name: string; service: string }): void;
}) {
  const { engine } = useModel();
  const { t } = useTranslation('cameras');
  const [search, setSearch] = useState<Search>(NOTHING);
  const [host, setHost] = useState('');
  const life = useRef<AbortController | null>(null);

  const run = async (named: string | null) => {
    life.current?.abort();
    const mine = new AbortController();
    life.current = mine;
    setSearch({ ...NOTHING, running: true });
    const onEvent = (name: string, params: unknown) => {
      if (name !== 'cameras.found' || mine.signal.aborted) return;
      setSearch((before) => ({ ...before, found: withCamera(before.found, params as FoundCamera) }));
    };
    try {
      const params = named ? { host: named } : { seconds: SECONDS };
      const { reply } = await gather(engine, node, 'cameras.discover', params, { signal: mine.signal, onEvent });
      if (mine.signal.aborted) return;
      setSearch((before) => ({
        running: false,
        found: reply.cameras.reduce(withCamera, before.found),
        reply,
        failure: null,
      }));
    } catch (error) {
      if (!(error instanceof EngineFailure)) throw error;
      if (!mine.signal.aborted) setSearch((before) => ({ ...before, running: false, failure: error }));
    }
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: a search begins with the dialog and with another node
  useEffect(() => {
    void run(null);
    return () => life.current?.abort();
  }, [node]);

  const { running, found, reply, failure } = search;
  const asked = reply?.networks.filter((each) => each.asked) ?? [];
  const silent = reply?.host && reply.host.onvif !== 'answers' && reply.host.onvif !== 'protected' ? reply.host : null;
  // Where it answered the search too, one row is enough.
  const named = reply?.host && !silent ? reply.host : null;
  const speaks = named && !found.some(({ urls }) => urls.includes(named.url)) ? named : null;
  return (
    <div className="cameras-discovery">
      <div className="cameras-discovery-head" role="status">
        {running && <span className="cameras-busy" aria-hidden="true" />}
        <span className="grow">
          {running ? t('find.running') : reply && found.length > 0 ? t('find.done', { count: found.length }) : ''}
        </span>
        <Button kind="quiet" icon="refresh" disabled={running} onClick={() => void run(null)}>
          {t('find.again')}
        </Button>
      </div>
      {failure && <Failure failure={failure} />}
      <ul className="cameras-found">
        {speaks && (
          <Row
            name={[speaks.manufacturer, speaks.model].filter(Boolean).join(' ') || host}
            detail={speaks.onvif === 'protected' ? t('find.protected') : speaks.url}
            onChoose={() => onChoose({ name: speaks.model ?? '', service: speaks.url })}
          />
        )}
        {found.map((each) => (
          <Row
            key={each.device}
            name={each.name ?? each.hardware ?? each.from[0] ?? each.device}
            detail={[each.name && each.hardware, each.from[0]?.replace(/:\d+$/, '')].filter(Boolean).join(' · ')}
            configured={each.configured}
            onChoose={
              each.urls[0]
                ? () => onChoose({ name: each.name ?? each.hardware ?? '', service: each.urls[0]! })
                : undefined
            }
          />
        ))}
      </ul>
      {silent && <Notice tone="gap">{t(`find.host.${silent.onvif as 'other' | 'silent'}`)}</Notice>}
      {!running && reply && !reply.host && found.length === 0 && (
        <p className="dim">{t('find.nothing', { networks: asked.map(({ name }) => name).join(', ') || '–' })}</p>
      )}
      <form
        className="cameras-host"
        onSubmit={(event) => {
          event.preventDefault();
          if (host.trim() !== '') void run(host.trim());
        }}
      >
        <TextField
          label={t('find.hostLabel')}
          value={host}
          placeholder="192.168.1.20"
          inputMode="url"
          autoComplete="off"
          spellCheck={false}
          onChange={setHost}
        />
        <Button type="submit" disabled={running || host.trim() === ''}>
          {t('find.ask')}
        </Button>
      </form>
      <p className="dim cameras-small">{t('find.hint')}</p>
    </div>
  );
}

function Row({
  name,
  detail,
  configured,
  onChoose,
}: {
  name: string;
  detail: string;
  configured?: string | undefined;
  onChoose?: (() => void) | undefined;
}) {
  const { t } = useTranslation('cameras');
  return (
    <li>
      <span className="grow cameras-found-name">
        {name}
        <small className="dim">{detail}</small>
      </span>
      {configured ? (
        <Chip tone="covered">{t('find.configured', { source: configured })}</Chip>
      ) : (
        onChoose && (
          <Button aria-label={t('find.useNamed', { name })} onClick={onChoose}>
            {t('find.use')}
          </Button>
        )
      )}
    </li>
  );
}

/** More may be known of a camera that was told before: the same `device`. */
function withCamera(all: readonly FoundCamera[], camera: FoundCamera): readonly FoundCamera[] {
  const others = all.filter(({ device }) => device !== camera.device);
  if (others.length >= FOUND_MAX) return all;
  return [...others, camera].sort((a, b) =>
    (a.from[0] ?? '').localeCompare(b.from[0] ?? '', undefined, { numeric: true }),
  );
}
