import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hostedService, writeHostedService } from '../../src/daemon/hosted-service.ts';
import { SimulatedFiles } from '../../src/platform/index.ts';
import type { DeviceKey, SourceId } from '../../src/protocol/index.ts';

const facts = {
  nodeId: 'ab'.repeat(32) as DeviceKey,
  label: 'Garage',
  version: '0.1.0',
  hostGateway: 'cd'.repeat(32),
  listening: [
    { host: '0.0.0.0', port: 8456 },
    { host: '::', port: 8456 },
  ],
  sources: [{ id: 'front' as SourceId, name: 'Front door', enabled: true, streams: [] }],
  now: 1_795_000_000_000,
};

test('the manifest has the fields a gateway reads, and a health address it can reach', () => {
  assert.deepEqual(hostedService(facts), {
    service: 'nvr',
    servicePk: facts.nodeId,
    deviceLabel: 'Garage',
    serviceVersion: '0.1.0',
    hostGatewayPk: facts.hostGateway,
    apiBind: '0.0.0.0:8456',
    apiBaseUrl: 'http://127.0.0.1:8456',
    healthUrl: 'http://127.0.0.1:8456/health',
    cameraDevices: [{ sourceId: 'front', name: 'Front door', ptzCapable: false, enabled: true }],
    updatedAt: facts.now,
  });
  const own = hostedService({
    ...facts,
    listening: [
      { host: '192.0.2.4', port: 1 },
      { host: '::1', port: 2 },
    ],
  });
  assert.equal(own.healthUrl, 'http://[::1]:2/health');
});

test('the manifest is written whole, and may be read by others', async () => {
  const files = new SimulatedFiles();
  await files.makeFolder('/run');
  await writeHostedService(files, '/run/hosted-service.json', facts);
  assert.equal(JSON.parse(Buffer.from(files.peek('/run/hosted-service.json')).toString()).service, 'nvr');
});
