import assert from 'node:assert/strict';
import { test } from 'node:test';
import { swarmCommands } from '../../src/commands/swarm.ts';
import { checkResult, type DeviceKey } from '../../src/protocol/index.ts';
import type { SwarmStatus } from '../../src/swarm/index.ts';

const zone = 'ZLoI5dHO2oBisXbfazo6';
const device = 'ab'.repeat(32) as DeviceKey;
const status: SwarmStatus = {
  nodeId: device,
  listening: ['0.0.0.0:4050', '[::]:4050'],
  zones: [{ key: zone, name: 'Home' }],
  peers: Array.from({ length: 40 }, (_, index) => ({
    address: `192.0.2.${index}:4050`,
    configured: index === 0,
    kind: index === 0 ? ('gateway' as const) : ('stranger' as const),
    device: index % 2 ? device : null,
    proved: index % 2 === 1,
    confirmed: index < 3,
    lastSeenAt: index,
    confirmedAt: index < 3 ? index : null,
    zones: [zone],
    datagramsIn: 1,
    datagramsOut: 2,
    bytesIn: 3,
    bytesOut: 4,
  })),
  records: Array.from({ length: 33 }, (_, index) => ({
    type: 'device' as const,
    device,
    zone,
    role: index === 0 ? 'Native <script>' : 'native',
    updatedAt: Number.MAX_SAFE_INTEGER,
    receivedAt: index,
    from: '192.0.2.1:4050',
  })),
  counters: {
    datagramsIn: 1,
    datagramsOut: 2,
    bytesIn: 3,
    bytesOut: 4,
    sendErrors: 5,
    recordsAdmitted: 6,
    refused: { stranger: 7 },
    signatureChecks: 8,
  },
};

async function ask(answer: SwarmStatus | null, params = { peersFrom: 0, recordsFrom: 0 }) {
  const family = swarmCommands({ swarm: { status: () => answer } });
  const result = await family['swarm.status']({ params } as Parameters<(typeof family)['swarm.status']>[0]);
  const checked = checkResult('swarm.status', result);
  assert.ok('result' in checked, JSON.stringify(checked));
  return checked.result;
}

test('the member’s view is told page by page', async () => {
  const first = await ask(status);
  assert.deepEqual([first.enabled, first.peersTotal, first.peersConfirmed, first.recordsTotal], [true, 40, 3, 33]);
  assert.deepEqual([first.peers.length, first.records.length], [32, 32]);
  assert.deepEqual(first.counters.refused, [{ reason: 'stranger', count: 7 }]);
  assert.equal(first.records[0]!.role, 'nativescript', 'what strangers wrote is cut to plain words');
  const second = await ask(status, { peersFrom: 32, recordsFrom: 32 });
  assert.deepEqual([second.peers.length, second.records.length], [8, 1]);
  assert.deepEqual((await ask(status, { peersFrom: 99, recordsFrom: 99 })).peers, []);
});

test('a node in no swarm says so', async () => {
  const view = await ask(null);
  assert.deepEqual([view.enabled, view.peersTotal, view.counters.datagramsIn], [false, 0, 0]);
});
