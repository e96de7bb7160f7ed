import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { NodeState } from '../../engine/messages.ts';
import { useStore } from '../../engine/store.ts';
import { useFormats } from '../../i18n/use-formats.ts';
import { causeAdvice, causeText, errorText } from '../../i18n/words.ts';
import { everyPage, useAsked, useCommand } from '../../model/asked.ts';
import { useModel } from '../../model/model.ts';
import { Button, type Column, Empty, Notice, SelectField, Table, Time, Toggle } from '../../ui/index.ts';
import { type GapFacts, isLoss, lastDays, lossByDay } from './days.ts';
import { Plot } from './plot.tsx';
import { rowsOf } from './streams.tsx';

const DAYS = 30;
/** Most gaps taken of one stream: five pages of the node. */
const GAPS_MAX = 1_000;
const PAGE = 200;
const EVERY_MS = 30_000;

/** What is missing of a stream in the last 30 days, by day and one by one. */
export function Gaps({ node }: { node: NodeState }) {
  const { engine, cameras, playhead, page } = useModel();
  const { t } = useTranslation('health');
  const formats = useFormats();
  const all = useStore(cameras.all);
  const rows = useMemo(() => rowsOf(all, node), [all, node]);
  const [chosen, setChosen] = useState<string | null>(null);
  const [wished, setWished] = useState(false);
  const row = rows.find(({ key }) => key === chosen) ?? rows[0];
  // Days change at midnight; until then the question stays the same.
  const today = Math.floor(Date.now() / 3_600_000);
  // biome-ignore lint/correctness/useExhaustiveDependencies: by the hour
  const days = useMemo(() => lastDays(Date.now(), DAYS, formats.zone), [today, formats.zone]);
  const from = days[0]!.from;
  const asked = useAsked(
    `gaps ${row?.key} ${from}`,
    row
      ? (signal) =>
          everyPage(
            (cursor) =>
              engine.call(
                node.node,
                'gaps.list',
                {
                  source: row.camera.source,
                  stream: row.stream,
                  from,
                  limit: PAGE,
                  ...(cursor ? { cursor } : {}),
                },
                signal,
              ),
            ({ gaps }) => gaps as GapFacts[],
            GAPS_MAX,
          )
      : null,
    EVERY_MS,
  );
  const recorded = useCommand(
    node.node,
    'calendar.days',
    row
      ? {
          sources: [{ source: row.camera.source, stream: row.stream }],
          from,
          to: days.at(-1)!.to,
          timeZone: formats.zone,
        }
      : null,
    EVERY_MS,
  );
  /** The first of the days of which anything is kept: 0 where that is the first one looked at, -1 where there is none. */
  const first = recorded.value?.lanes[0]?.seconds.findIndex((each) => each > 0) ?? 0;
  const nothing =
    first < 0
      ? t('gaps.never')
      : first > 0
        ? t('gaps.nothingSince', { day: formats.date(days[first]!.from) })
        : t('gaps.nothing');
  const gaps = asked.value;
  const at = asked.at ?? 0;
  const losses = useMemo(() => (gaps ? lossByDay(days, gaps, at) : null), [gaps, days, at]);
  const [times, values] = useMemo(
    () => [losses?.map((day) => day.from / 1_000) ?? [], losses?.map(({ missingMs }) => missingMs / 60_000) ?? []],
    [losses],
  );
  if (!row) return <Empty title={t('streams.none')} icon="gap" />;
  const shown = (gaps ?? []).filter((each) => wished || isLoss(each));
  const missing = losses?.reduce((sum, { missingMs }) => sum + missingMs, 0) ?? 0;
  const count = (gaps ?? []).filter(isLoss).length;
  const list: Column<GapFacts>[] = [
    {
      key: 'start',
      label: t('gaps.start'),
      sortBy: ({ startAt }) => startAt,
      cell: ({ startAt }) => <Time at={startAt} />,
    },
    {
      key: 'length',
      label: t('gaps.length'),
      align: 'end',
      sortBy: ({ startAt, endAt }) => (endAt ?? at) - startAt,
      cell: ({ startAt, endAt }) =>
        endAt === null ? t('gaps.lasts', { time: formats.duration(at - startAt) }) : formats.duration(endAt - startAt),
    },
    {
      key: 'cause',
      label: t('gaps.cause'),
      sortBy: ({ cause }) => causeText(t, cause),
      cell: ({ cause }) => <span title={causeAdvice(t, cause) ?? undefined}>{causeText(t, cause)}</span>,
    },
    {
      key: 'show',
      label: t('gaps.show'),
      align: 'end',
      cell: ({ startAt }) => (
        <Button
          kind="quiet"
          onClick={() => {
            playhead.seek(startAt - 5_000, { playing: false });
            page.set('wall');
          }}
        >
          {t('gaps.go')}
        </Button>
      ),
    },
  ];
  return (
    <>
      <div className="health-line health-gap-head">
        <SelectField
          label={t('gaps.stream')}
          value={row.key}
          options={rows.map((each) => ({
            key: each.key,
            label: `${each.camera.name} (${t(`stream.${each.stream}`)})`,
          }))}
          onChange={setChosen}
        />
        <p className="grow health-sum" aria-live="polite">
          {gaps && (count === 0 ? nothing : t('gaps.sum', { count, time: formats.duration(missing) }))}
          {gaps && gaps.length >= GAPS_MAX && ` ${t('gaps.more', { count: GAPS_MAX })}`}
        </p>
      </div>
      {asked.failure && <Notice tone="gap">{errorText(t, asked.failure)}</Notice>}
      {losses && (
        <Plot
          label={t('gaps.plot')}
          times={times}
          values={values}
          kind="bars"
          color="gap"
          format={(minutes) => formats.duration(minutes * 60_000)}
          formatTime={(seconds) => formats.date(seconds * 1_000)}
          topMin={1}
        />
      )}
      {gaps?.some((each) => !isLoss(each)) && <Toggle label={t('gaps.wished')} checked={wished} onChange={setWished} />}
      {shown.length > 0 && (
        <Table
          caption={t('gaps.caption')}
          columns={list}
          rows={shown}
          rowKey={({ startAt, cause }) => `${startAt} ${cause}`}
          rowHeight={40}
          height={420}
        />
      )}
    </>
  );
}
