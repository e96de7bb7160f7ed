import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deviceRecordEvent, type SignedEvent, signEventWith } from '../../../src/protocol/index.ts';
import {
  GATEWAY_PORT,
  HOME_WAY,
  hashes,
  hostOfGateway,
  PORT,
  type SimulatedNode,
  SimulatedSwarm,
  ZONE,
} from './simulated-swarm.ts';

const SLOW = process.env['SLOW'] === '1';
/** With `SLOW=1` the full size and real signatures. */
const NODES = SLOW ? 100 : 20;
const GATEWAYS = 3;

/** An app event of a node's own, as enrolment and revocations are. */
function signalOf(
  simulation: SimulatedSwarm,
  index: number,
  content: object,
  atMs = simulation.clock.now(),
): SignedEvent {
  const { key, sign } = simulation.nodes[index]!;
  const event = {
    kind: 1,
    created_at: Math.floor(atMs / 1000),
    tags: [
      ['t', 'constitute'],
      ['z', ZONE],
    ],
    content: JSON.stringify({ type: 'swarm_signal', ...content }),
  };
  return signEventWith(hashes, key, event, sign);
}

/** Nothing failed inside anybody, whatever came. */
function assertSound(simulation: SimulatedSwarm): void {
  assert.equal(simulation.network.thrown, 0);
  assert.equal(simulation.refused('fault'), 0);
  assert.deepEqual(
    simulation.nodes.flatMap(({ errors }) => errors),
    [],
  );
}

test(`${NODES} nodes and ${GATEWAYS} gateways on bad ways: all know each other, through churn, a partition and its healing`, async (t) => {
  const simulation = new SimulatedSwarm({ seed: 3, real: SLOW });
  const { clock, network, gateways, nodes } = simulation;
  await simulation.addGateways(GATEWAYS);
  await simulation.addNodes(NODES);

  await t.test('convergence', async (t) => {
    const confirmedMs = await simulation.until(() => simulation.silent() === 0, 10_000);
    assert.ok(confirmedMs !== null, `${simulation.silent()} configured peers are silent`);
    const knownMs = await simulation.until(() => simulation.strangers() === 0, 100_000);
    assert.ok(knownMs !== null, `${simulation.strangers()} of ${NODES * (NODES - 1)} pairs do not know each other`);
    const inGateways = new Set(gateways.flatMap((gateway) => gateway.devices(ZONE)));
    assert.equal(inGateways.size, NODES, 'each is known to its gateways');
    t.diagnostic(`all confirmed after ${2_000 + confirmedMs} ms, all known after ${2_000 + confirmedMs + knownMs} ms`);
  });

  await t.test(
    'an event reaches nearly all who are near enough, nobody twice, though datagrams come twice and overtake each other',
    async (t) => {
      network.faults = { ...network.faults, duplicates: 0.3, held: 0.2 };
      const event = signalOf(simulation, 5, { to: 'all' });
      nodes[5]!.swarm.publish(event, [ZONE]);
      await clock.advance(5_000);
      const heard = nodes.map(({ events }) => events.filter((each) => each.event.id === event.id).length);
      assert.equal(heard[5], 0, 'not its own');
      assert.ok(heard.every((times) => times <= 1));
      // Handed on three times at most: four links from where it began.
      const near = simulation.within(nodes[5]!, 4);
      const reached = near.filter(({ index }) => heard[index] === 1).length;
      assert.ok(near.length > NODES / 2 && reached >= 0.85 * near.length, `${reached} of ${near.length}`);
      assert.ok(simulation.refused('duplicate') > 0, 'and it did come twice');
      const seen = gateways.flatMap(({ published }) => published).filter(({ id }) => id === event.id);
      assert.equal(seen.length, 2, 'its two gateways publish it to browsers, once each');
      t.diagnostic(`${reached} of the ${near.length} within four links heard it`);
      network.faults = { ...network.faults, ...HOME_WAY };
    },
  );

  await t.test('partition and healing', async (t) => {
    const half = NODES / 2;
    const [left, right] = [nodes.slice(0, half), nodes.slice(half)];
    network.part(
      [...left.map(({ host }) => host), hostOfGateway(0)],
      [...right.map(({ host }) => host), hostOfGateway(1), hostOfGateway(2)],
    );
    await clock.advance(30_000);
    const across = simulation.silent();
    assert.ok(across > 0, 'who is out of reach is confirmed no more');
    // A newcomer on each side is known there, and there alone.
    const one = await simulation.addNode({ nodes: [0, 1], gateways: [0] });
    const other = await simulation.addNode({ nodes: [half, half + 1], gateways: [1] });
    network.part(
      [...left.map(({ host }) => host), hostOfGateway(0), one.host],
      [...right.map(({ host }) => host), hostOfGateway(1), hostOfGateway(2), other.host],
    );
    await simulation.until(
      () => simulation.strangers(left, [one]) + simulation.strangers(right, [other]) === 0,
      100_000,
    );
    assert.deepEqual([simulation.strangers(left, [one]), simulation.strangers(right, [other])], [0, 0]);
    assert.equal(simulation.strangers(right, [one]), half, 'nothing crosses the cut');

    network.heal();
    const healedMs = await simulation.until(() => simulation.silent() === 0, 15_000);
    assert.ok(healedMs !== null, `${simulation.silent()} of ${across} are still silent`);
    const knownMs = await simulation.until(() => simulation.strangers() === 0, 100_000);
    assert.ok(knownMs !== null, `${simulation.strangers()} pairs do not know each other`);
    t.diagnostic(
      `${across} lost peers are back after ${healedMs} ms, all newcomers known after ${healedMs + knownMs} ms`,
    );
  });

  await t.test('churn', async (t) => {
    const leaving = nodes.filter(({ index }) => index % 8 === 3);
    // Half of them say goodbye, the others are just gone.
    for (const [i, node] of leaving.entries()) {
      if (i % 2 === 0) await simulation.stop(node);
      else {
        network.part(
          [node.host],
          simulation.running.map(({ host }) => host).filter((host) => host !== node.host),
        );
        await simulation.stop(node);
        network.heal();
      }
    }
    const arriving: SimulatedNode[] = [];
    for (let i = 0; i < leaving.length; i++)
      arriving.push(await simulation.addNode({ nodes: [4 * i, 4 * i + 1], gateways: [i % GATEWAYS] }));
    await clock.advance(25_000);
    const gone = new Set(leaving.map(({ key }) => key));
    for (const { swarm } of simulation.running)
      assert.ok(
        swarm.status().peers.every(({ device, confirmed }) => !confirmed || !gone.has(device!)),
        'who left is not confirmed',
      );
    const knownMs = await simulation.until(() => simulation.strangers(simulation.running, arriving) === 0, 100_000);
    assert.ok(knownMs !== null, `${simulation.strangers(simulation.running, arriving)} do not know a newcomer`);
    t.diagnostic(`${arriving.length} newcomers known to all after ${25_000 + knownMs} ms`);
    await clock.advance(100_000);
    const strangers = simulation.running
      .flatMap(({ swarm }) => swarm.status().peers)
      .filter(({ configured }) => !configured);
    assert.ok(
      strangers.every(({ device }) => !gone.has(device!)),
      'who left and was not listed is forgotten',
    );
  });

  assertSound(simulation);
  await simulation.stopAll();
});

test('the same seed gives the same run', async () => {
  const runs: string[] = [];
  for (const seed of [8, 8, 9]) {
    const simulation = new SimulatedSwarm({ seed, real: false });
    await simulation.addGateways(2);
    await simulation.addNodes(6);
    await simulation.clock.advance(30_000);
    runs.push(JSON.stringify([simulation.network.fates, simulation.nodes.map(({ swarm }) => swarm.status().counters)]));
    await simulation.stopAll();
  }
  assert.equal(runs[0], runs[1]);
  assert.notEqual(runs[0], runs[2]);
});

test('calendars that are off: records from ten minutes ahead to a day behind are admitted, events only from the next minutes', async () => {
  const minute = 60_000;
  const simulation = new SimulatedSwarm({ seed: 4, faults: {} });
  const { clock } = simulation;
  const skews = [0, 9 * minute, 11 * minute, -5 * minute, -23 * 60 * minute, -25 * 60 * minute];
  await simulation.addGateways(1);
  for (const [i, skewMs] of skews.entries())
    await simulation.addNode({
      skewMs,
      nodes: skews
        .keys()
        .filter((each) => each !== i)
        .toArray(),
      gateways: [0],
    });
  await clock.advance(10_000);
  const known = (at: number) =>
    skews.map((_, of) => of !== at && simulation.nodes[at]!.swarm.deviceRecord(simulation.nodes[of]!.key) !== null);
  // By their own calendars: one eleven minutes ahead is refused by all who are more than ten minutes behind it.
  assert.deepEqual(known(0), [false, true, false, true, true, false]);
  assert.deepEqual(known(1), [true, false, true, true, true, false]);
  assert.deepEqual(
    known(5),
    [false, false, false, false, false, false],
    'a day behind, all others come from the future',
  );
  assert.ok(simulation.refused('future') > 0 && simulation.refused('stale') > 0);
  assert.equal(simulation.silent(), 0, 'who is confirmed is asked of nonces, not of calendars');

  for (const [i, skewMs] of skews.entries()) {
    const event = signalOf(simulation, i, { from: i }, clock.now() + skewMs);
    simulation.nodes[i]!.swarm.publish(event, [ZONE]);
  }
  await clock.advance(5_000);
  assert.deepEqual(
    simulation.nodes[0]!.events.map(({ event }) => JSON.parse(event.content).from),
    [],
    'none of them is within two minutes and half a minute',
  );
  const inTime = signalOf(simulation, 3, { from: 'in time' });
  simulation.nodes[3]!.swarm.publish(inTime, [ZONE]);
  await clock.advance(2_000);
  assert.deepEqual(
    simulation.nodes.map(({ events }) => events.filter(({ event }) => event.id === inTime.id).length),
    [1, 0, 0, 0, 0, 0],
    'right by the calendars of others, wrong by its own: heard where the calendar is right',
  );
  // A calendar that is put right is believed again.
  clock.step(2 * minute);
  await clock.advance(90_000);
  assert.equal(simulation.nodes[0]!.swarm.deviceRecord(simulation.nodes[2]!.key), null);
  assertSound(simulation);
  await simulation.stopAll();
});

test('two nodes behind one gateway of the old wire know each other without any other link', async () => {
  const simulation = new SimulatedSwarm({ seed: 5, faults: {} });
  await simulation.addGateways(1);
  const one = await simulation.addNode({ gateways: [0] });
  const other = await simulation.addNode({ gateways: [0] });
  const knownMs = await simulation.until(() => simulation.strangers() === 0, 120_000);
  assert.ok(knownMs !== null);
  assert.equal(
    simulation.gateways[0]!.table().filter(({ confirmed }) => confirmed).length,
    2,
    'and it counts them as confirmed',
  );
  // What it says in another's name is not believed: records are believed by their signatures.
  const gateway = { host: hostOfGateway(0), port: GATEWAY_PORT, family: 4 } as const;
  const updatedAt = simulation.clock.now() + 1_000;
  const facts = { identityId: '', label: 'Mallory', role: 'native', version: '0', hostGateway: '' };
  const counts = { uptimeS: 1, peersKnown: 1, peersConfirmed: 1, camerasTotal: 0, camerasEnabled: 0 };
  const draft = deviceRecordEvent(
    { device: other.key, updatedAt, ...facts },
    { ...counts, sessionUrl: '', channelKey: new Uint8Array(32).fill(1), channelAddresses: ['198.51.100.66:8456'] },
  );
  const forged = signEventWith(hashes, other.key, draft, one.sign);
  const text = JSON.stringify({
    kind: 'record',
    v: 1,
    zone: ZONE,
    record_type: 'device',
    event: forged,
    ts: updatedAt,
  });
  simulation.network.inject(new TextEncoder().encode(text), gateway, { host: one.host, port: PORT, family: 4 });
  await simulation.clock.advance(2_000);
  assert.equal(one.swarm.status().counters.refused['signature'], 1);
  assert.doesNotMatch(one.swarm.deviceRecord(other.key)!.content, /Mallory/);
  await simulation.stopAll();
});
