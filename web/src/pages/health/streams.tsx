import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { NodeState, StreamName } from '../../engine/messages.ts';
import { useStore } from '../../engine/store.ts';
import { useFormats } from '../../i18n/use-formats.ts';
import { stateText } from '../../i18n/words.ts';
import type { Camera, StreamState } from '../../model/cameras.ts';
import { useModel } from '../../model/model.ts';
import { columns } from '../../model/stream-history.ts';
import { Choice, type Column, Dot, Empty, Table, useNow } from '../../ui/index.ts';
import { Plot } from './plot.tsx';

/** One line of the table. */
export interface StreamRow {
  key: string;
  camera: Camera;
  stream: StreamName;
  state: StreamState | null;
}

const SPANS = { minutes: 10 * 60_000, hours: 3 * 3_600_000, day: 24 * 3_600_000 } as const;
type Span = keyof typeof SPANS;
/** Half of what a duration shows at least. */
const TENTH_MS = 50;
/** A hole in the history longer than this is drawn as one. */
const HOLE_MS = 90_000;

/** Every stream of a node. */
export function rowsOf(cameras: readonly Camera[], node: NodeState): StreamRow[] {
  return cameras
    .filter((each) => each.node === node.node)
    .flatMap((camera) =>
      camera.streams.map(({ stream }) => ({
        key: `${camera.key}/${stream}`,
        camera,
        stream,
        state: camera.reachable ? (camera.states[stream] ?? null) : null,
      })),
    );
}

/** What every stream does now, and how its rate went. */
export function Streams({ node }: { node: NodeState }) {
  const { cameras } = useModel();
  const { t } = useTranslation('health');
  const formats = useFormats();
  const all = useStore(cameras.all);
  const rows = useMemo(() => rowsOf(all, node), [all, node]);
  const [chosen, setChosen] = useState<string | null>(null);
  const shown = rows.find(({ key }) => key === chosen) ?? rows[0];
  if (rows.length === 0) return <Empty title={t('streams.none')} icon="cameras" />;
  const lost = (row: StreamRow) => (row.state?.lost?.fragments ?? 0) + (row.state?.lost?.held ?? 0);
  const end = { align: 'end' } as const;
  const list: Column<StreamRow>[] = [
    {
      key: 'camera',
      label: t('streams.camera'),
      sortBy: ({ camera, stream }) => `${camera.name} ${stream}`,
      cell: ({ key, camera, stream }) => (
        <button
          type="button"
          className="health-choose"
          aria-pressed={key === shown?.key}
          onClick={() => setChosen(key)}
        >
          <b>{camera.name}</b> <span className="dim">{t(`stream.${stream}`)}</span>
        </button>
      ),
    },
    {
      key: 'state',
      label: t('streams.state'),
      sortBy: ({ state }) => `${state?.state === 'running' ? 1 : 0} ${state ? stateText(t, state) : ''}`,
      cell: ({ state }) =>
        state ? (
          <span className="health-state">
            <Dot tone={state.state === 'running' ? 'sealed' : state.state === 'disabled' ? 'none' : 'gap'} />
            {stateText(t, state)} <Since state={state} />
          </span>
        ) : (
          t('streams.unknown')
        ),
    },
    {
      key: 'rate',
      label: t('streams.rate'),
      ...end,
      sortBy: ({ state }) => state?.bitsPerSecond ?? -1,
      cell: ({ state }) => told(state?.bitsPerSecond, formats.bitRate),
    },
    {
      key: 'fps',
      label: t('streams.fps'),
      ...end,
      sortBy: ({ state }) => state?.framesPerSecond ?? -1,
      cell: ({ state }) => told(state?.framesPerSecond, (value) => formats.number(value, 1)),
    },
    {
      key: 'size',
      label: t('streams.size'),
      ...end,
      sortBy: ({ state }) => (state?.picture ? state.picture.width * state.picture.height : -1),
      cell: ({ state }) => told(state?.picture, ({ width, height }) => `${width} × ${height}`),
    },
    {
      key: 'codec',
      label: t('streams.codec'),
      sortBy: ({ state }) => state?.picture?.codec ?? '',
      cell: ({ state }) => told(state?.picture, ({ codec }) => <span title={codec}>{codecName(codec)}</span>),
    },
    {
      key: 'gop',
      label: t('streams.gop'),
      ...end,
      sortBy: ({ state }) => state?.gopMs ?? -1,
      cell: ({ state }) => told(state?.gopMs, formats.duration),
    },
    {
      key: 'clock',
      label: t('streams.clock'),
      ...end,
      sortBy: ({ state }) => Math.abs(state?.clock?.offsetMs ?? 0),
      cell: ({ state }) =>
        told(state?.clock, ({ offsetMs, driftMsPerDay, alarm }) => (
          <span
            className={alarm ? 'health-bad' : undefined}
            title={
              driftMsPerDay === undefined
                ? undefined
                : t('streams.drift', { time: formats.duration(Math.abs(driftMsPerDay)) })
            }
          >
            {Math.abs(offsetMs) < TENTH_MS ? '' : offsetMs < 0 ? '−' : '+'}
            {formats.duration(Math.abs(offsetMs))}
          </span>
        )),
    },
    {
      key: 'restarts',
      label: t('streams.restarts'),
      ...end,
      sortBy: ({ state }) => state?.restarts ?? 0,
      cell: ({ state }) => told(state?.restarts, (value) => formats.number(value, 0)),
    },
    {
      key: 'lost',
      label: t('streams.lost'),
      ...end,
      sortBy: lost,
      cell: (row) => (
        <span
          className={lost(row) > 0 ? 'health-bad' : undefined}
          title={t('streams.lostTitle', { fragments: lost(row), packets: row.state?.lost?.packets ?? 0 })}
        >
          {row.state?.lost ? formats.number(lost(row), 0) : '–'}
        </span>
      ),
    },
    {
      key: 'last',
      label: t('streams.last'),
      ...end,
      sortBy: ({ state }) => state?.lastFragmentAt ?? 0,
      cell: ({ state }) => told(state?.lastFragmentAt, (at) => <Ago at={at} />),
    },
  ];
  return (
    <>
      <Table
        caption={t('streams.caption')}
        columns={list}
        rows={rows}
        rowKey={({ key }) => key}
        {...(rows.length > 16 ? { height: 17 * 34 } : {})}
      />
      {shown && <Rates row={shown} />}
    </>
  );
}

/** Bit rate and pictures per second of one stream over time. */
function Rates({ row }: { row: StreamRow }) {
  const { history } = useModel();
  const { t } = useTranslation('health');
  const formats = useFormats();
  const [span, setSpan] = useState<Span>('minutes');
  const now = useNow(2_000);
  const samples = history.of(row.key)?.since(now - SPANS[span]) ?? [];
  const last = samples.at(-1)?.at;
  // Only another sample makes another plot.
  // biome-ignore lint/correctness/useExhaustiveDependencies: the samples are those up to the last
  const [rate, fps] = useMemo(
    () => [
      columns(samples, ({ bitsPerSecond }) => bitsPerSecond, HOLE_MS),
      columns(samples, ({ framesPerSecond }) => framesPerSecond, HOLE_MS),
    ],
    [row.key, span, last, samples.length],
  );
  const name = `${row.camera.name} (${t(`stream.${row.stream}`)})`;
  const time = (seconds: number) => formats.moment(seconds * 1_000, now);
  return (
    <section className="health-rates">
      <div className="health-line">
        <h2 className="grow">{name}</h2>
        <Choice
          label={t('rates.span')}
          value={span}
          options={(Object.keys(SPANS) as Span[]).map((key) => ({ key, label: t(`rates.${key}`) }))}
          onChange={setSpan}
        />
      </div>
      {samples.length < 2 ? (
        <p className="dim">{t('rates.wait')}</p>
      ) : (
        <div className="health-plots">
          <Plot
            label={t('rates.bits')}
            times={rate[0]}
            values={rate[1]}
            kind="line"
            color="sealed"
            format={formats.bitRate}
            formatTime={time}
            topMin={100_000}
          />
          <Plot
            label={t('rates.frames')}
            times={fps[0]}
            values={fps[1]}
            kind="line"
            color="event"
            format={(value) => formats.number(value, 1)}
            formatTime={time}
            topMin={10}
          />
        </div>
      )}
      <p className="dim health-small">{t('rates.hint')}</p>
    </section>
  );
}

/** Since when, or when it tries again. */
function Since({ state: { since, retryAt } }: { state: StreamState }) {
  const { t } = useTranslation('health');
  const formats = useFormats();
  const now = useNow(1_000);
  const text =
    retryAt === undefined
      ? t('streams.since', { time: formats.moment(since, now) })
      : t('streams.retry', { time: formats.relative(Math.max(retryAt, now), now) });
  return (
    <span className="dim" title={formats.exact(since)}>
      {text}
    </span>
  );
}

/** How long ago; never in the future, where the clocks of node and browser differ a little. */
function Ago({ at }: { at: number }) {
  const formats = useFormats();
  const now = useNow(2_000);
  return <span title={formats.exact(at)}>{formats.relative(Math.min(at, now), now)}</span>;
}

function told<T>(value: T | null | undefined, show: (value: T) => React.ReactNode): React.ReactNode {
  return value === null || value === undefined ? '–' : show(value);
}

/** What a codec is called by people. */
function codecName(codec: string): string {
  if (/^avc[13]\./.test(codec)) return 'H.264';
  if (/^(hvc|hev)1\./.test(codec)) return 'H.265';
  return codec;
}
