import { useEffect, useId, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { EngineFailure } from '../../engine/engine.ts';
import { useCommand } from '../../model/asked.ts';
import type { Camera } from '../../model/cameras.ts';
import { useModel } from '../../model/model.ts';
import { Button, Dialog, Tabs, TextField, toast } from '../../ui/index.ts';
import { AddressFields, TransportFields } from './address-fields.tsx';
import { CameraFacts } from './camera-facts.tsx';
import { refusedBy, TestReport, useCameraTest } from './camera-test.tsx';
import { type CameraForm, changesOf, faultsOf, formOf, formOfSettings, testOf } from './camera-wish.ts';
import { Failure } from './failure.tsx';
import { ImagingFields } from './imaging-fields.tsx';
import { RecordingFields } from './recording-fields.tsx';

export type CameraTab = 'facts' | 'address' | 'recording' | 'picture';

/** Everything about one camera: what it is and does, and, for those who may, its settings. */
export function CameraDialog({ camera, first, onClose }: { camera: Camera; first: CameraTab; onClose(): void }) {
  const { engine, cameras } = useModel();
  const { t } = useTranslation('cameras');
  const formId = useId();
  const configures = camera.reachable && camera.actions.includes('configure');
  const view = useCommand(camera.node, 'cameras.view', camera.reachable ? { source: camera.source } : null, 5_000);
  const [tab, setTab] = useState<CameraTab>(first);
  const settings = useCommand(
    camera.node,
    'sources.settings',
    configures && camera.reachable ? { source: camera.source } : null,
  );
  const [before, setBefore] = useState<CameraForm>(() => formOf(camera.source, camera.name));
  const [form, setForm] = useState<CameraForm>(before);
  // What is configured comes once; what somebody typed meanwhile is kept.
  const configured = settings.value;
  useEffect(() => {
    if (!configured) return;
    const filled = formOfSettings(configured);
    setForm((typed) => ({ ...filled, ...typedIn(typed, formOf(camera.source, camera.name)) }));
    setBefore(filled);
  }, [configured, camera.source, camera.name]);
  const [saving, setSaving] = useState(false);
  const [failure, setFailure] = useState<EngineFailure | null>(null);
  const test = useCameraTest(camera.node);
  const faults = faultsOf(form, false, new Set());
  const change = (part: Partial<CameraForm>) => setForm((before) => ({ ...before, ...part }));
  const wish = changesOf(form, before);
  const changes = Object.keys(wish).length > 2;
  const hasSub = camera.streams.some(({ stream }) => stream === 'sub') || form.sub.trim() !== '';
  const imaging = configures && view.value?.abilities?.imaging === true;
  const edits = tab === 'address' || tab === 'recording';

  const save = async () => {
    if (Object.keys(faults).length > 0 || !changes) return;
    setSaving(true);
    setFailure(null);
    try {
      const { restarted } = await engine.call(camera.node, 'sources.upsert', wish);
      cameras.refresh();
      toast(t(restarted ? 'edit.doneRestarted' : 'edit.done', { name: form.name.trim() || camera.source }), {
        tone: 'sealed',
      });
      onClose();
    } catch (error) {
      if (!(error instanceof EngineFailure)) throw error;
      setFailure(error);
      setSaving(false);
    }
  };

  const tabs: { key: CameraTab; label: string }[] = [
    { key: 'facts', label: t('tab.facts') },
    ...(configures
      ? ([
          { key: 'address', label: t('tab.address') },
          { key: 'recording', label: t('tab.recording') },
        ] as const)
      : []),
    ...(imaging ? ([{ key: 'picture', label: t('tab.picture') }] as const) : []),
  ];
  const chosen = tabs.some(({ key }) => key === tab) ? tab : 'facts';
  const body = {
    facts: <CameraFacts camera={camera} view={view} configures={configures} />,
    address: (
      <>
        <p className="dim">{t('edit.asIs')}</p>
        <TextField
          label={t('form.name')}
          error={faults.name && t('fault.name')}
          value={form.name}
          onChange={(name) => change({ name })}
        />
        <AddressFields
          form={form}
          faults={faults}
          isNew={false}
          refused={refusedBy(test.state, testOf(form, false))}
          onChange={change}
        />
        <TransportFields form={form} faults={faults} isNew={false} onChange={change} />
        <TestReport state={test.state} />
      </>
    ),
    recording: (
      <>
        <p className="dim">{t('edit.asIs')}</p>
        <RecordingFields form={form} faults={faults} isNew={false} hasSub={hasSub} onChange={change} />
      </>
    ),
    picture: <ImagingFields camera={camera} />,
  }[chosen];
  return (
    <Dialog
      title={camera.name}
      width={760}
      onClose={onClose}
      footer={
        configures &&
        edits && (
          <>
            {chosen === 'address' && (
              <Button onClick={() => void test.run(testOf(form, false))} disabled={test.state.kind === 'running'}>
                {t('test.run')}
              </Button>
            )}
            <Button kind="main" type="submit" form={formId} disabled={saving || !changes || !camera.reachable}>
              {t('edit.save')}
            </Button>
          </>
        )
      }
    >
      <Tabs label={camera.name} tabs={tabs} chosen={chosen} onChoose={setTab}>
        <form
          id={formId}
          className="cameras-tab"
          noValidate
          onSubmit={(event) => {
            event.preventDefault();
            void save();
          }}
        >
          {body}
          {failure && <Failure failure={failure} />}
        </form>
      </Tabs>
    </Dialog>
  );
}

/** The fields of a form that differ from an untouched one. */
function typedIn(form: CameraForm, untouched: CameraForm): Partial<CameraForm> {
  return Object.fromEntries(
    Object.entries(form).filter(([key, value]) => value !== untouched[key as keyof CameraForm]),
  );
}
