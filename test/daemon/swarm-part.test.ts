import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toHex, utf8 } from '../../src/bytes/index.ts';
import { schnorrPublicKey, schnorrSign } from '../../src/crypto/index.ts';
import { SwarmPart, type SwarmPartDeps } from '../../src/daemon/swarm-part.ts';
import { SeededRandom, SimulatedClock, SimulatedFiles, SimulatedNetwork, silentLog } from '../../src/platform/index.ts';
import { nodeHashes } from '../../src/platform/node/index.ts';
import {
  type DeviceKey,
  encodeLegacyDatagram,
  jsonObjectOf,
  parseLegacyDatagram,
  type SignedEvent,
  signEvent,
} from '../../src/protocol/index.ts';

const ZONE = 'ZLoI5dHO2oBisXbfazo6';
const GATEWAY = { host: '10.0.0.2', port: 4040, family: 4 as const };
const secret = new Uint8Array(32).fill(3);
const nodeId = toHex(schnorrPublicKey(secret)) as DeviceKey;

/** A part on a simulated network, a bare socket in the gateway's place, and an identity that obeys where a test says so. */
async function rig(facts: { sessionUrl?: string } = {}) {
  const clock = new SimulatedClock();
  const network = new SimulatedNetwork(clock, { seed: 1 });
  const heard: SignedEvent[] = [];
  const obeyed: SignedEvent[] = [];
  let verdict = 'obeyed';
  const identity = {
    nodeId,
    channelKey: { publicKey: new Uint8Array(32).fill(9) },
    sign: (digest: Uint8Array) => schnorrSign(secret, digest, new Uint8Array(32)),
    pinned: () => null,
    onEvent: async (event: SignedEvent) => {
      heard.push(event);
      return verdict;
    },
  } as unknown as SwarmPartDeps['identity'];
  const part = new SwarmPart(
    {
      clock,
      random: new SeededRandom(4),
      log: silentLog,
      files: new SimulatedFiles(),
      datagrams: network.host('10.0.0.1'),
      hashes: nodeHashes,
      identity,
      obeyed: (event) => obeyed.push(event),
      facts: () => ({
        channelAddresses: ['10.0.0.1:8456'],
        ...facts,
        camerasTotal: 1,
        camerasEnabled: 1,
        uptimeS: 5,
        listening: [],
        sources: [],
      }),
    },
    {
      version: '0.1.0',
      identity: { label: 'Garage', hostGateway: null, approveCodes: false, enrol: null },
      swarm: {
        listen: [{ host: '10.0.0.1', port: 4050 }],
        zones: [{ key: ZONE, name: 'Home' }],
        peers: [{ host: GATEWAY.host, port: GATEWAY.port, kind: 'gateway', disclose: 'full', zones: [ZONE] }],
        endpoint: null,
        announceMs: 20_000,
        hostedService: null,
      },
    },
  );
  const gateway = await network.host(GATEWAY.host).open({ host: GATEWAY.host, port: GATEWAY.port });
  const records: Record<string, unknown>[] = [];
  gateway.onDatagram((bytes) => {
    const parsed = parseLegacyDatagram(bytes.slice());
    if ('message' in parsed && parsed.message.kind === 'hello') {
      const ack = { kind: 'ack', v: 1, node_id: 'gw-1', device_pk: 'ab'.repeat(32), zones: [ZONE], ts: clock.now() };
      void gateway.send(utf8(JSON.stringify(ack)), { host: '10.0.0.1', port: 4050, family: 4 });
    }
    if (!('message' in parsed) || parsed.message.kind !== 'record' || parsed.message.recordType !== 'device') return;
    records.push(jsonObjectOf(parsed.message.event.content)!);
  });
  await part.start();
  // Announced once in twenty seconds.
  await clock.advance(21_000);
  return {
    heard,
    obeyed,
    records,
    stop: () => part.stop(),
    judge: (next: string) => {
      verdict = next;
    },
    async say(content: Record<string, unknown>, at: number) {
      const event = signEvent(
        nodeHashes,
        new Uint8Array(32).fill(5),
        {
          created_at: Math.floor(clock.now() / 1000) + at,
          kind: 1,
          tags: [
            ['t', 'constitute'],
            ['z', ZONE],
          ],
          content: JSON.stringify(content),
        },
        new Uint8Array(32),
      );
      const ts = clock.now();
      const datagram = encodeLegacyDatagram({ kind: 'record', zone: ZONE, recordType: 'signal', event, ts });
      await gateway.send(datagram, { host: '10.0.0.1', port: 4050, family: 4 });
      await clock.advance(1_000);
      return event;
    },
  };
}

test('what identity obeyed of the swarm is told, what it refused is not', async () => {
  const node = await rig();
  const revoked = await node.say({ type: 'device_revoked', identity: 'Home', targetPk: nodeId }, 0);
  assert.deepEqual(
    node.obeyed.map(({ id }) => id),
    [revoked.id],
  );
  node.judge('signer');
  await node.say({ type: 'device_revoked', identity: 'Home', targetPk: nodeId }, 1);
  assert.deepEqual([node.heard.length, node.obeyed.length], [2, 1]);
  await node.stop();
});

test('the address of the old session stands in the full record where there is one, and nowhere else', async () => {
  const without = await rig();
  assert.ok(without.records.length > 0, 'the gateway is told of this node');
  assert.ok(without.records.every((record) => !('sessionWsUrl' in record)));
  await without.stop();
  const sessionUrl = 'ws://10.0.0.1:8456/session';
  const having = await rig({ sessionUrl });
  assert.equal(having.records.at(-1)!['sessionWsUrl'], sessionUrl);
  assert.equal(having.records.at(-1)!['deviceLabel'], 'Garage');
  await having.stop();
});
