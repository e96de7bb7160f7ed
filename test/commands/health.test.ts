import assert from 'node:assert/strict';
import { test } from 'node:test';
import { healthReport } from '../../src/commands/index.ts';
import { deviceKey, START_AT, sourceView } from './fake-node.ts';

const facts = { nodeId: deviceKey(0x7e), version: '0.1.0', vault: { state: 'ok' as const } };

test('health has the fields of every generation of the contract, keys in alphabetical order', () => {
  const report = healthReport({
    ...facts,
    sources: [sourceView('yard'), sourceView('front', ['main', 'sub'])],
    retainedSources: ['old'],
  });
  assert.deepEqual(Object.keys(report), Object.keys(report).sort());
  for (const row of [...report.cameraDevices, ...report.sourceRuntime])
    assert.deepEqual(Object.keys(row), Object.keys(row).sort());
  assert.deepEqual(report, {
    cameraDevices: [
      { enabled: true, name: 'Camera front', ptzCapable: false, sourceId: 'front' },
      { enabled: true, name: 'Camera yard', ptzCapable: false, sourceId: 'yard' },
    ],
    cameraNetwork: {},
    configuredSources: 2,
    deviceKind: 'service',
    devicePk: deviceKey(0x7e),
    hostGatewayPk: '',
    identityId: '',
    mediaProjection: {},
    nodeRole: 'native',
    ok: true,
    retainedSources: ['old'],
    service: 'nvr',
    sourceRuntime: ['front', 'yard'].map((sourceId) => ({
      backoffSecs: 0,
      lastError: '',
      restartAttempt: 0,
      sourceId,
      state: 'running',
      updatedAt: START_AT,
    })),
    sources: ['front', 'yard'],
    storageState: 'ok',
    version: '0.1.0',
  });
});

test('no text of a camera gets out: a fault is told by its cause', () => {
  const view = sourceView('front');
  const status = {
    state: 'backoff' as const,
    since: START_AT,
    cause: 'unauthorized' as const,
    reason: 'rtsp://admin:hunter2@192.0.2.9/ said 401',
    restarts: 4,
    retryAt: START_AT + 15_500,
    tracks: [],
  };
  const source = { ...view, streams: [{ ...view.streams[0]!, status }] };
  const report = healthReport({ ...facts, vault: { state: 'full' }, sources: [source] });
  assert.ok(!JSON.stringify(report).includes('192.0.2.9') && !JSON.stringify(report).includes('hunter2'));
  assert.deepEqual(report.sourceRuntime, [
    {
      backoffSecs: 16,
      lastError: 'unauthorized',
      restartAttempt: 4,
      sourceId: 'front',
      state: 'backoff',
      updatedAt: START_AT,
    },
  ]);
  assert.equal(report.ok, false);
});

test('a disabled source, and one without a stream, are stopped', () => {
  const sources = [sourceView('a', ['main'], { enabled: false }), sourceView('b', [])];
  const report = healthReport({ ...facts, sources });
  assert.deepEqual(
    report.sourceRuntime.map((each) => each.state),
    ['stopped', 'stopped'],
  );
});
