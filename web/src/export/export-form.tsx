import { type FormEvent, useEffect, useId, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { StreamName } from '../engine/messages.ts';
import { useStore } from '../engine/store.ts';
import { useFormats } from '../i18n/use-formats.ts';
import type { Camera } from '../model/cameras.ts';
import { useModel } from '../model/model.ts';
import { Button } from '../ui/button.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { Choice, TextField } from '../ui/field.tsx';
import { downloadsStream, HELD_BYTES_MAX } from './download.ts';
import { estimatedBytes, localText, momentOf } from './export-facts.ts';
import type { ExportWish } from './export-job.ts';
import { useExportable } from './use-exportable.ts';

/** What is offered where nothing is marked: so much up to the moment that is shown. */
const RANGE_MS = 60_000;
const RANGE_MS_MAX = 31 * 86_400_000;

/** Asks what is to be exported: the stretch, the cameras, the picture. */
export function ExportForm({ onStart, onClose }: { onStart(wish: ExportWish): void; onClose(): void }) {
  const { t } = useTranslation('export');
  const formats = useFormats();
  const model = useModel();
  const id = useId();
  const offered = useExportable();
  const [first] = useState(() => {
    const now = model.playhead.now();
    return model.selection.get() ?? { from: now - RANGE_MS, to: now };
  });
  const [fromText, setFrom] = useState(() => localText(first.from, formats.zone));
  const [toText, setTo] = useState(() => localText(first.to, formats.zone));
  const [stream, setStream] = useState<StreamName>('main');
  const [left, setLeft] = useState<ReadonlySet<string> | null>(null);
  const [streams, setStreams] = useState<boolean | null>(null);
  useEffect(() => {
    void downloadsStream().then(setStreams);
  }, []);

  // What stands on the wall is chosen from the first; without a wall, everything.
  const tiles = useStore(model.wall.layout).tiles;
  const enlarged = useStore(model.wall.enlarged);
  const seen = (camera: Camera) => (enlarged ? camera.key === enlarged : tiles.includes(camera.key));
  const chosen = offered.filter((camera) =>
    left ? !left.has(camera.key) : seen(camera) || !offered.some((each) => seen(each)),
  );
  const toggle = (camera: Camera) => {
    const out = new Set(offered.filter((each) => !chosen.includes(each)).map(({ key }) => key));
    if (!out.delete(camera.key)) out.add(camera.key);
    setLeft(out);
  };

  const from = momentOf(fromText, formats.zone);
  const to = momentOf(toText, formats.zone);
  const known = from !== null && to !== null;
  const wrong = !known
    ? t('noTime')
    : to <= from
      ? t('backwards')
      : to - from > RANGE_MS_MAX
        ? t('tooLong', { duration: formats.duration(RANGE_MS_MAX) })
        : null;
  const withStream = chosen.filter(({ streams }) => streams.some((each) => each.stream === stream));
  const rates = withStream.map(({ states }) => states[stream]?.bitsPerSecond ?? 0);
  const size = known && !wrong && rates.every((rate) => rate > 0) ? estimatedBytes(rates, from, to) : 0;
  const length = known && !wrong ? formats.duration(to - from) : '';
  const sound = withStream.some(({ streams }) =>
    streams.some((each) => each.stream === stream && each.tracks.some(({ kind }) => kind === 'audio')),
  );
  const start = (event: FormEvent) => {
    event.preventDefault();
    if (!known || wrong || withStream.length === 0) return;
    onStart({ cameras: withStream, stream, from, to, timeZone: formats.zone });
  };
  return (
    <Dialog
      title={t('title')}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{t('close')}</Button>
          <Button
            kind="main"
            icon="download"
            type="submit"
            form={id}
            disabled={wrong !== null || withStream.length === 0}
          >
            {t('start')}
          </Button>
        </>
      }
    >
      <form id={id} className="export-form" onSubmit={start}>
        <p className="dim">{t('intro')}</p>
        <div className="export-times">
          <TextField label={t('from')} type="datetime-local" step={1} value={fromText} onChange={setFrom} />
          <TextField label={t('to')} type="datetime-local" step={1} value={toText} error={wrong} onChange={setTo} />
        </div>
        <p className="export-length dim" aria-live="polite">
          {length &&
            (size > 0
              ? t('length', { duration: length, size: formats.bytes(size) })
              : t('lengthOnly', { duration: length }))}
          {length && ' · '}
          {t('zone', { zone: formats.zone })}
        </p>
        <fieldset className="export-cameras">
          <legend>{t('cameras')}</legend>
          {offered.map((camera) => (
            <label key={camera.key}>
              <input type="checkbox" checked={chosen.includes(camera)} onChange={() => toggle(camera)} />
              <span>{camera.name}</span>
              <small>{camera.nodeName}</small>
            </label>
          ))}
        </fieldset>
        {chosen.length === 0 && <p role="alert">{t('none')}</p>}
        {offered.some(({ streams }) => streams.some((each) => each.stream === 'sub')) && (
          <Choice<StreamName>
            label={t('stream')}
            value={stream}
            options={[
              { key: 'main', label: t('main') },
              { key: 'sub', label: t('sub') },
            ]}
            onChange={setStream}
          />
        )}
        <p className="dim">
          {t('oneFile')} {sound && t('sound')}
        </p>
        {streams === false && <p className="export-notice">{t('held', { size: formats.bytes(HELD_BYTES_MAX) })}</p>}
      </form>
    </Dialog>
  );
}
