import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromUtf8, utf8 } from '../../src/bytes/index.ts';
import { type DatagramAddress, type Datagrams, SimulatedClock, SimulatedNetwork } from '../../src/platform/index.ts';
import { createNodeDatagrams } from '../../src/platform/node/index.ts';
import { until } from '../support/wait.ts';

interface Implementation {
  name: string;
  datagrams: Datagrams;
  /** Lets what was sent arrive until `done` says so. */
  arrive(done: () => boolean): Promise<void>;
}

const clock = new SimulatedClock();
const network = new SimulatedNetwork(clock);
const implementations: Implementation[] = [
  { name: 'this machine', datagrams: createNodeDatagrams(), arrive: (done) => until('datagrams arrived', done) },
  {
    name: 'the simulated network',
    datagrams: network.host('127.0.0.1', '::1'),
    async arrive(done) {
      await clock.advance(100);
      assert.ok(done());
    },
  },
];

// One suite for every implementation of the seam.
for (const { name, datagrams, arrive } of implementations) {
  for (const host of ['127.0.0.1', '::1']) {
    test(`${name}: datagrams go both ways on ${host}, and none of a burst is lost`, async () => {
      const one = await datagrams.open({ host, port: 0 });
      const other = await datagrams.open({ host, port: 0 });
      assert.notEqual(one.local.port, other.local.port);
      const got: string[] = [];
      const back: DatagramAddress[] = [];
      other.onDatagram((bytes, from) => {
        got.push(fromUtf8(bytes)!);
        void other.send(bytes, from);
      });
      one.onDatagram((_, from) => back.push(from));
      try {
        const sent = await Promise.all(Array.from({ length: 200 }, (_, i) => one.send(utf8(`n${i}`), other.local)));
        assert.ok(sent.every(Boolean));
        await arrive(() => back.length === 200);
        assert.deepEqual(got.toSorted(), Array.from({ length: 200 }, (_, i) => `n${i}`).toSorted());
        assert.deepEqual(back[0], other.local);
      } finally {
        await Promise.all([one.close(), other.close(), one.close()]);
      }
      assert.equal(await one.send(utf8('x'), other.local), false, 'closed');
    });
  }

  test(`${name}: a socket bound everywhere sends from an address that can be answered`, async () => {
    const everywhere = await datagrams.open({ host: '0.0.0.0', port: 0 });
    const other = await datagrams.open({ host: '127.0.0.1', port: 0 });
    const seen: DatagramAddress[] = [];
    let answered = false;
    other.onDatagram((bytes, from) => {
      seen.push(from);
      void other.send(bytes, from);
    });
    everywhere.onDatagram(() => (answered = true));
    try {
      assert.equal(everywhere.local.host, '0.0.0.0');
      await everywhere.send(utf8('x'), other.local);
      await arrive(() => answered);
      assert.deepEqual(seen, [{ host: '127.0.0.1', port: everywhere.local.port, family: 4 }]);
    } finally {
      await Promise.all([everywhere.close(), other.close()]);
    }
  });

  test(`${name}: what is refused is told, a listener that throws ends nothing, and nobody at the other end is no error`, async () => {
    const socket = await datagrams.open({ host: '127.0.0.1', port: 0 });
    const gone = await datagrams.open({ host: '127.0.0.1', port: 0 });
    await gone.close();
    let heard = 0;
    socket.onDatagram(() => {
      heard++;
      throw new Error('the owner fails');
    });
    try {
      assert.equal(await socket.send(new Uint8Array(70_000), socket.local), false, 'too large');
      assert.equal(await socket.send(utf8('x'), { host: '::1', port: 9, family: 6 }), false, 'another family');
      await socket.send(utf8('x'), gone.local);
      assert.equal(await socket.send(utf8('x'), socket.local), true, 'what went wrong before is not held against it');
      assert.equal(await socket.send(new Uint8Array(0), socket.local), true, 'an empty one is one too');
      await arrive(() => heard === 2);
    } finally {
      await socket.close();
    }
  });

  test(`${name}: a port that is taken is named, and free again once it is closed`, async () => {
    const socket = await datagrams.open({ host: '127.0.0.1', port: 0 });
    const { port } = socket.local;
    await assert.rejects(datagrams.open({ host: '127.0.0.1', port }), {
      code: 'ERR_DATAGRAMS_BIND',
      message: /127\.0\.0\.1 port \d+: EADDRINUSE/,
    });
    await socket.close();
    await (await datagrams.open({ host: '127.0.0.1', port })).close();
    await assert.rejects(datagrams.open({ host: '192.0.2.1', port: 0 }), { message: /EADDRNOTAVAIL/ });
  });

  test(`${name}: numeric addresses are their own, a name of nobody becomes none`, async () => {
    assert.deepEqual(await datagrams.resolve('127.0.0.1'), [{ host: '127.0.0.1', family: 4 }]);
    assert.deepEqual(await datagrams.resolve('::1'), [{ host: '::1', family: 6 }]);
    assert.deepEqual(await datagrams.resolve('no host of this name'), []);
  });
}

test('this machine: IPv4 and IPv6 share a port, since an IPv6 socket takes IPv6 only', async () => {
  const datagrams = createNodeDatagrams();
  const six = await datagrams.open({ host: '::', port: 0 });
  const four = await datagrams.open({ host: '0.0.0.0', port: six.local.port });
  assert.deepEqual([six.local.family, four.local.family], [6, 4]);
  await Promise.all([six.close(), four.close()]);
  assert.ok((await datagrams.resolve('localhost')).length > 0, 'names are looked up');
});
