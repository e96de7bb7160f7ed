import { useId, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { EngineFailure } from '../../engine/engine.ts';
import type { NodeState } from '../../engine/messages.ts';
import { useModel } from '../../model/model.ts';
import { Button, Dialog, Notice, SelectField, Tabs, TextField, toast } from '../../ui/index.ts';
import { AddressFields, TransportFields } from './address-fields.tsx';
import { refusedBy, TestReport, useCameraTest } from './camera-test.tsx';
import { type CameraForm, faultsOf, NEW_FORM, testOf, upsertOf } from './camera-wish.ts';
import { Discovery } from './discovery.tsx';
import { Failure } from './failure.tsx';
import { RecordingFields } from './recording-fields.tsx';
import { suggestId } from './source-id.ts';

/** Adds a camera: found on the network or by its address; tried, named, stored. */
export function AddDialog({
  nodes,
  taken,
  onClose,
}: {
  /** Nodes at which this device may set up cameras. */
  nodes: readonly NodeState[];
  /** Ids in use, by node. */
  taken: ReadonlyMap<string, ReadonlySet<string>>;
  onClose(): void;
}) {
  const { engine, cameras } = useModel();
  const { t } = useTranslation('cameras');
  const formId = useId();
  const [node, setNode] = useState(nodes[0]!.node);
  const [way, setWay] = useState<'find' | 'hand'>('find');
  const [form, setForm] = useState<CameraForm>(NEW_FORM);
  const [ownId, setOwnId] = useState(false);
  const [tried, setTried] = useState(false);
  const [saving, setSaving] = useState(false);
  const [failure, setFailure] = useState<EngineFailure | null>(null);
  const test = useCameraTest(node);
  const ids = taken.get(node) ?? new Set<string>();
  const filled: CameraForm = ownId ? form : { ...form, id: suggestId(form.name, ids) };
  const all = faultsOf(filled, true, ids);
  // An empty form has nothing wrong with it yet.
  const faults = tried
    ? all
    : Object.fromEntries(Object.entries(all).filter(([, fault]) => !/Needed|empty/.test(fault)));
  const change = (part: Partial<CameraForm>) => setForm((before) => ({ ...before, ...part }));
  const canTest = filled.url.trim() !== '' || filled.onvif === 'given';

  const runTest = async () => {
    const facts = await test.run(testOf(filled, true));
    const streams = facts?.onvif?.streams ?? [];
    // The camera itself knows where its streams are: fill them in.
    if (!facts || filled.url.trim() !== '' || streams.length === 0) return;
    const [main] = streams;
    const small = streams.findLast((each) => each.codec === 'h264' && each !== main && each.width < main!.width);
    const next = { ...filled, url: main!.url, sub: small?.url ?? '' };
    change({ url: next.url, sub: next.sub });
    // The node has looked at the largest and at the smallest of them already.
    const looked = streams.length > 1 ? streams.at(-1) : undefined;
    if (small !== looked) await test.run(testOf(next, true));
  };
  const save = async () => {
    setTried(true);
    if (Object.keys(all).length > 0) return;
    setSaving(true);
    setFailure(null);
    try {
      await engine.call(node, 'sources.upsert', upsertOf(filled, true));
      cameras.refresh();
      toast(t('add.done', { name: filled.name.trim() || filled.id }), { tone: 'sealed' });
      onClose();
    } catch (error) {
      if (!(error instanceof EngineFailure)) throw error;
      setFailure(error);
      setSaving(false);
    }
  };

  return (
    <Dialog
      title={t('add.title')}
      width={760}
      onClose={onClose}
      footer={
        way === 'hand' && (
          <>
            <Button onClick={() => void runTest()} disabled={!canTest || test.state.kind === 'running'}>
              {t('test.run')}
            </Button>
            <Button kind="main" type="submit" form={formId} disabled={saving}>
              {t('add.save')}
            </Button>
          </>
        )
      }
    >
      {nodes.length > 1 && (
        <SelectField
          label={t('add.node')}
          value={node}
          options={nodes.map((each) => ({ key: each.node, label: [each.site, each.name].filter(Boolean).join(' · ') }))}
          onChange={setNode}
        />
      )}
      <Tabs
        label={t('add.title')}
        tabs={[
          { key: 'find', label: t('add.find') },
          { key: 'hand', label: t('add.hand') },
        ]}
        chosen={way}
        onChoose={setWay}
      >
        <div className="cameras-tab">
          {way === 'find' ? (
            <Discovery
              node={node}
              onChoose={({ name, service }) => {
                test.reset();
                setForm({ ...NEW_FORM, name, onvif: 'given', onvifUrl: service });
                setWay('hand');
              }}
            />
          ) : (
            <form
              id={formId}
              noValidate
              onSubmit={(event) => {
                event.preventDefault();
                void save();
              }}
            >
              {form.onvifUrl !== '' && form.url === '' && <Notice icon="info">{t('add.testFills')}</Notice>}
              <div className="cameras-pair">
                <TextField
                  label={t('form.name')}
                  error={faults.name && t('fault.name')}
                  value={form.name}
                  placeholder={t('form.namePlaceholder')}
                  onChange={(name) => change({ name })}
                />
                <TextField
                  label={t('form.id')}
                  hint={t('form.idHint')}
                  error={faults.id && t(`fault.${faults.id}`)}
                  value={filled.id}
                  autoComplete="off"
                  autoCapitalize="none"
                  spellCheck={false}
                  onChange={(id) => {
                    setOwnId(id !== '');
                    change({ id });
                  }}
                />
              </div>
              <AddressFields
                form={filled}
                faults={faults}
                isNew
                refused={refusedBy(test.state, testOf(filled, true))}
                onChange={change}
              />
              <TestReport state={test.state} />
              <details className="cameras-more">
                <summary>{t('form.recording')}</summary>
                <RecordingFields
                  form={filled}
                  faults={faults}
                  isNew
                  hasSub={filled.sub.trim() !== ''}
                  onChange={change}
                />
              </details>
              <details className="cameras-more">
                <summary>{t('form.transport')}</summary>
                <TransportFields form={filled} faults={faults} isNew onChange={change} />
              </details>
              {failure && <Failure failure={failure} />}
            </form>
          )}
        </div>
      </Tabs>
    </Dialog>
  );
}
