import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Store, useStore } from '../engine/store.ts';
import { useFormats } from '../i18n/use-formats.ts';
import { useModel } from '../model/model.ts';
import { openDownload } from './download.ts';
import { ExportForm } from './export-form.tsx';
import { ExportJob, type ExportWish } from './export-job.ts';
import { ExportProgress } from './export-progress.tsx';
import './export.css';

/** The export that is being made, or was made last; it outlives its dialog. */
const current = new Store<ExportJob | null>(null);

/** The dialog for exports, and while it is closed and one is being made, a button that tells how far it is. */
export default function Export() {
  const { engine, exporting } = useModel();
  const open = useStore(exporting);
  const job = useStore(current);
  const close = () => {
    exporting.set(false);
    if (job?.state.get().ended) current.set(null);
  };
  const start = (wish: ExportWish) => {
    const begun = new ExportJob(
      {
        exportMovie: (order, sink, signal) => engine.exportMovie(order, sink, signal),
        openDownload,
        clock: () => performance.now(),
      },
      wish,
    );
    current.set(begun);
    void begun.run();
  };
  if (open) {
    return job ? (
      <ExportProgress job={job} onClose={close} onAgain={() => current.set(null)} />
    ) : (
      <ExportForm onStart={start} onClose={close} />
    );
  }
  return job && <Away job={job} onOpen={() => exporting.set(true)} />;
}

function Away({ job, onOpen }: { job: ExportJob; onOpen(): void }) {
  const { t } = useTranslation('export');
  const formats = useFormats();
  const { share, ended, cameras } = useStore(job.state);
  const end = cameras.some(({ state }) => state === 'cancelled') ? t('stopped') : t('ended');
  const [told, setTold] = useState(-1);
  // Readers are told at every quarter, not at every percent.
  const quarter = Math.floor(share * 4);
  if (quarter !== told) setTold(quarter);
  return (
    <div className="export-away">
      <button type="button" className="ui-button" onClick={onOpen}>
        <progress className="export-bar" value={share} max={1} aria-hidden="true" />
        {ended ? end : t('running', { share: formats.percent(share) })}
      </button>
      <span className="export-told" role="status">
        {ended ? end : t('running', { share: formats.percent(told / 4) })}
      </span>
    </div>
  );
}
