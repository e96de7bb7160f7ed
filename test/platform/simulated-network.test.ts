import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromUtf8, utf8 } from '../../src/bytes/index.ts';
import { type DatagramSocket, type NetworkFaults, SimulatedClock, SimulatedNetwork } from '../../src/platform/index.ts';

const A = '10.0.0.1';
const B = '10.0.1.1';

interface Pair {
  clock: SimulatedClock;
  network: SimulatedNetwork;
  a: DatagramSocket;
  b: DatagramSocket;
  /** What B heard, and when (monotonic ms). */
  got: { text: string; atMs: number }[];
}

async function pair(faults: Partial<NetworkFaults> = {}, seed = 1): Promise<Pair> {
  const clock = new SimulatedClock();
  const network = new SimulatedNetwork(clock, { seed, ...faults });
  const a = await network.host(A).open({ host: A, port: 4050 });
  const b = await network.host(B).open({ host: B, port: 4050 });
  const got: Pair['got'] = [];
  b.onDatagram((bytes) => got.push({ text: fromUtf8(bytes)!, atMs: clock.monotonic() }));
  return { clock, network, a, b, got };
}

async function sendMany({ a, b, clock }: Pair, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await a.send(utf8(String(i)), b.local);
  await clock.advance(10_000);
}

test('loss is about as large as it is told, and the same for the same seed', async () => {
  const heard: string[][] = [];
  for (const seed of [7, 7, 8]) {
    const each = await pair({ loss: 0.1 }, seed);
    await sendMany(each, 5_000);
    heard.push(each.got.map(({ text }) => text));
    const { lost, delivered } = each.network.fates;
    assert.equal(lost + delivered, 5_000);
    assert.ok(lost > 420 && lost < 580, `${lost} of 5,000`);
  }
  assert.deepEqual(heard[0], heard[1]);
  assert.notDeepEqual(heard[0], heard[2]);
});

test('delay and jitter keep their bounds, and jitter alone changes the order', async () => {
  const each = await pair({ delayMs: 50, jitterMs: 100 });
  await sendMany(each, 500);
  assert.equal(each.got.length, 500);
  const times = each.got.map(({ atMs }) => atMs);
  assert.ok(
    Math.min(...times) >= 50 && Math.min(...times) < 55 && Math.max(...times) <= 151 && Math.max(...times) > 140,
  );
  assert.deepEqual(
    times,
    times.toSorted((x, y) => x - y),
  );
  const order = each.got.map(({ text }) => Number(text));
  assert.notDeepEqual(
    order,
    order.toSorted((x, y) => x - y),
  );
});

test('without jitter the order stays, unless some are held back', async () => {
  const still = await pair({ delayMs: 20 });
  await sendMany(still, 100);
  assert.deepEqual(
    still.got.map(({ text }) => Number(text)),
    Array.from({ length: 100 }, (_, i) => i),
  );
  const held = await pair({ delayMs: 20, held: 0.2, heldMs: 30 });
  await sendMany(held, 500);
  const late = held.got.filter(({ atMs }) => atMs >= 50).length;
  assert.ok(late > 60 && late < 140, `${late} of 500`);
});

test('some come twice, each as a copy of its own', async () => {
  const each = await pair({ duplicates: 0.2, jitterMs: 10 });
  await sendMany(each, 1_000);
  const duplicated = each.got.length - 1_000;
  assert.ok(duplicated > 140 && duplicated < 260);
  assert.equal(new Set(each.got.map(({ text }) => text)).size, 1_000, 'none was spoiled by its twin');
});

test('what is larger than the MTU vanishes, headers counted, and the sender is not told', async () => {
  const each = await pair({ mtuBytes: 1_280 });
  assert.equal(await each.a.send(new Uint8Array(1_252), each.b.local), true);
  assert.equal(await each.a.send(new Uint8Array(1_253), each.b.local), true);
  await each.clock.advance(100);
  assert.equal(each.got.length, 1);
  assert.equal(each.network.fates['too-large'], 1);
});

test('a partition cuts both ways, also what is under way, and heals', async () => {
  const each = await pair({ delayMs: 100 });
  const { a, b, clock, network, got } = each;
  const back: string[] = [];
  a.onDatagram((bytes) => back.push(fromUtf8(bytes)!));
  await a.send(utf8('under way'), b.local);
  network.part([A], [B]);
  await a.send(utf8('there'), b.local);
  await b.send(utf8('back'), a.local);
  await a.send(utf8('to itself'), a.local);
  await clock.advance(1_000);
  assert.deepEqual([got.length, back], [0, ['to itself']]);
  assert.equal(network.fates.cut, 3);
  network.heal();
  await a.send(utf8('again'), b.local);
  await clock.advance(1_000);
  assert.deepEqual(
    got.map(({ text }) => text),
    ['again'],
  );
});

test('anybody can speak in any name, and what nobody listens to is counted', async () => {
  const { a, b, clock, network, got } = await pair();
  const seen: string[] = [];
  network.onSend = ({ from, to }) => seen.push(`${from.host} ${to.host}`);
  network.inject(utf8('forged'), { host: '203.0.113.9', port: 53, family: 4 }, b.local);
  await a.send(utf8('x'), { ...b.local, port: 9 });
  await a.send(utf8('x'), { host: '203.0.113.10', port: 4050, family: 4 });
  await clock.advance(100);
  assert.deepEqual(
    got.map(({ text }) => text),
    ['forged'],
  );
  assert.equal(network.fates.nobody, 2);
  assert.deepEqual(seen, ['203.0.113.9 10.0.1.1', '10.0.0.1 10.0.1.1', '10.0.0.1 203.0.113.10']);
});

test('a listener that keeps the bytes finds them overwritten', async () => {
  const { a, b, clock } = await pair();
  const kept: Uint8Array[] = [];
  b.onDatagram((bytes) => kept.push(bytes));
  const sent = utf8('mine');
  await a.send(sent, b.local);
  sent.fill(0);
  await clock.advance(10);
  assert.deepEqual([...kept[0]!], [0xee, 0xee, 0xee, 0xee]);
});

test('a listener that throws is counted, and the next datagram comes', async () => {
  const { a, b, clock, network } = await pair();
  let heard = 0;
  b.onDatagram(() => {
    heard++;
    throw new Error('the owner fails');
  });
  await a.send(utf8('x'), b.local);
  await a.send(utf8('y'), b.local);
  await clock.advance(10);
  assert.deepEqual([heard, network.thrown], [2, 2]);
});

test('a host of two families has two sockets, and names have the addresses they are given', async () => {
  const clock = new SimulatedClock();
  const network = new SimulatedNetwork(clock);
  const host = network.host('10.0.2.1', '2001:db8::2');
  const four = await host.open({ host: '0.0.0.0', port: 4050 });
  const six = await host.open({ host: '::', port: 4050 });
  const heard: string[] = [];
  four.onDatagram((_, from) => heard.push(from.host));
  six.onDatagram((_, from) => heard.push(from.host));
  await four.send(utf8('x'), { host: '10.0.2.1', port: 4050, family: 4 });
  await six.send(utf8('x'), { host: '2001:db8::2', port: 4050, family: 6 });
  await clock.advance(10);
  assert.deepEqual(heard, ['10.0.2.1', '2001:db8::2']);
  await assert.rejects(network.host(A).open({ host: '::', port: 1 }), { message: /EADDRNOTAVAIL/ });
  assert.deepEqual(await host.resolve('home.example'), []);
  network.name('home.example', '2001:db8::2', '10.0.2.1', '10.0.2.1');
  assert.deepEqual(await host.resolve('home.example'), [
    { host: '10.0.2.1', family: 4 },
    { host: '2001:db8::2', family: 6 },
  ]);
});

test('a group reaches everybody who joined it, and who shares a place does not hide another', async () => {
  const clock = new SimulatedClock();
  const network = new SimulatedNetwork(clock);
  const group = '239.255.255.250';
  const heard: string[] = [];
  const member = async (address: string, called: string) => {
    const multicast = { through: address, group };
    const socket = await network.host(address).open({ host: group, port: 3702, shared: true, multicast });
    socket.onDatagram((bytes, from) => heard.push(`${called} ${bytes[0]} ${from.host}`));
    return socket;
  };
  const one = await member('10.0.0.1', 'one');
  await member('10.0.0.1', 'two');
  await member('10.0.0.2', 'three');
  const asker = await network.host('10.0.0.9').open({ host: '10.0.0.9', port: 0, multicast: { through: '10.0.0.9' } });
  await asker.send(Uint8Array.of(1), { host: group, port: 3702, family: 4 });
  await clock.advance(5);
  assert.deepEqual(heard.sort(), ['one 1 10.0.0.9', 'three 1 10.0.0.9', 'two 1 10.0.0.9']);
  await one.close();
  network.part(['10.0.0.9'], ['10.0.0.2']);
  await asker.send(Uint8Array.of(2), { host: group, port: 3702, family: 4 });
  await asker.send(Uint8Array.of(3), { host: group, port: 3703, family: 4 });
  await clock.advance(5);
  assert.deepEqual(heard.slice(3), ['two 2 10.0.0.9']);
  assert.equal(network.fates.cut, 1);
  assert.equal(network.fates.nobody, 1);
  await assert.rejects(
    network.host('10.0.0.1').open({ host: group, port: 3702, shared: true, multicast: { through: '10.9.9.9', group } }),
    { code: 'ERR_DATAGRAMS_BIND' },
  );
});
