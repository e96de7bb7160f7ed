import { useTranslation } from 'react-i18next';
import { useStore } from '../engine/store.ts';
import { useFormats } from '../i18n/use-formats.ts';
import { causeText, errorText } from '../i18n/words.ts';
import { Button } from '../ui/button.tsx';
import { Dot, type Tone } from '../ui/chip.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { DownloadFailure } from './download.ts';
import type { CameraOutcome, ExportJob } from './export-job.ts';

/** Gaps that are told one by one. */
const GAPS_SHOWN = 5;
const TONES: Record<CameraOutcome['state'], Tone> = {
  waits: 'none',
  runs: 'event',
  done: 'sealed',
  empty: 'gap',
  failed: 'live',
  cancelled: 'gap',
};

/** How far an export is, and at its end what was written and what is missing. */
export function ExportProgress({ job, onClose, onAgain }: { job: ExportJob; onClose(): void; onAgain(): void }) {
  const { t } = useTranslation('export');
  const formats = useFormats();
  const { cameras, share, bytes, bytesPerSecond, lost, ended } = useStore(job.state);
  const { from, to } = job.wish;
  const stopped = cameras.some(({ state }) => state === 'cancelled');
  const told = {
    share: formats.percent(share),
    size: formats.bytes(bytes),
    rate: formats.bitRate(bytesPerSecond * 8),
  };
  return (
    <Dialog
      title={!ended ? t('title') : stopped ? t('stopped') : t('ended')}
      onClose={onClose}
      footer={
        <>
          {ended ? (
            <Button onClick={onAgain}>{t('again')}</Button>
          ) : (
            <Button kind="danger" onClick={() => job.cancel()}>
              {t('stop')}
            </Button>
          )}
          <Button kind="main" onClick={onClose}>
            {t('close')}
          </Button>
        </>
      }
    >
      <div className="export-progress">
        <p className="dim">
          {formats.dateTime(from)} – {formats.dateTime(to)}
        </p>
        {!ended && (
          <>
            <progress className="export-bar" value={share} max={1} aria-label={t('title')} />
            <p className="export-figures">{t('progress', told)}</p>
            <p className="dim" role="status">
              {lost ? t('lost') : t('goesOn')}
            </p>
          </>
        )}
        <ul className="export-outcomes">
          {cameras.map((camera) => (
            <Outcome key={camera.key} camera={camera} />
          ))}
        </ul>
      </div>
    </Dialog>
  );
}

function Outcome({ camera }: { camera: CameraOutcome }) {
  const { t } = useTranslation('export');
  const { t: words } = useTranslation('words');
  const formats = useFormats();
  const { name, state, files, gaps, failure } = camera;
  const shown = gaps.slice(0, GAPS_SHOWN);
  const restUs = gaps.slice(GAPS_SHOWN).reduce((sum, { startUs, endUs }) => sum + endUs - startUs, 0);
  return (
    <li>
      <span className="export-camera">
        <Dot tone={TONES[state]} />
        <strong>{name}</strong> <span>{t(`state.${state}`)}</span>
      </span>
      {files.map((file) => (
        <span key={file.name} className="export-file">
          {t('file', { name: file.name, size: formats.bytes(file.bytes) })}
        </span>
      ))}
      {shown.map(({ startUs, endUs, cause }) => (
        <span key={startUs} className="export-gap">
          {t('gap', {
            from: formats.time(startUs / 1000),
            to: formats.time(endUs / 1000),
            duration: formats.duration((endUs - startUs) / 1000),
            cause: causeText(words, cause ?? 'unknown'),
          })}
        </span>
      ))}
      {restUs > 0 && <span className="export-gap">{t('moreGaps', { duration: formats.duration(restUs / 1000) })}</span>}
      {state === 'done' && gaps.length === 0 && <span className="dim">{t('whole')}</span>}
      {failure && (
        <span className="export-failure">
          {failure instanceof DownloadFailure ? t(`failure.${failure.reason}`) : errorText(words, failure)}
        </span>
      )}
    </li>
  );
}
