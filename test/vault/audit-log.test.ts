import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isNvrError, NvrError } from '../../src/errors.ts';
import { SeededRandom } from '../../src/platform/index.ts';
import type { AuditEvent } from '../../src/protocol/index.ts';
import { createAuditLog } from '../../src/vault/index.ts';
import { AuditBench, DAY, detailOf, device } from './audit-bench.ts';
import { testKeys } from './bench.ts';

const SEEDS = process.env['SLOW'] === '1' ? 400 : 8;
const STEP = process.env['SLOW'] === '1' ? 1 : 5;

test('what is noted is on the disk within a second, in order, whatever came before the start', async () => {
  const bench = new AuditBench();
  bench.note({ detail: 'before' });
  await bench.audit.start();
  for (let i = 0; i < 10; i++) {
    bench.note({ detail: `number ${i}` });
    await bench.clock.advance(70);
  }
  await bench.clock.advance(1000);
  bench.files.crash();
  await bench.again();
  const told = (await bench.all()).map(detailOf);
  assert.deepEqual(told, ['before', ...Array.from({ length: 10 }, (_, i) => `number ${i}`)]);
  assert.deepEqual((await bench.verify()).findings, []);
});

test('an entry comes back as it was noted, and can be asked for by time, device, order and page', async () => {
  const bench = new AuditBench();
  await bench.audit.start();
  const began = bench.clock.now();
  for (let i = 0; i < 60; i++) {
    bench.note({ device: device(1 + (i % 3)), detail: String(i), span: i === 7 ? { from: 5, to: 9 } : null });
    await bench.clock.advance(1000);
  }
  await bench.clock.advance(1000);
  const [first] = await bench.all({ limit: 1 });
  assert.deepEqual(first, {
    index: 0,
    statement: {
      type: 'entry',
      entry: {
        event: 'changed',
        at: began,
        device: device(1),
        source: 'front',
        span: null,
        detail: '0',
        address: '192.0.2.7',
      },
    },
  });
  const details = async (query: Parameters<typeof bench.all>[0]) => (await bench.all(query)).map(detailOf).map(Number);
  const each = Array.from({ length: 60 }, (_, i) => i);
  const page = await bench.audit.list({ order: 'oldest', limit: 500 });
  assert.equal(page.cursor, undefined);
  for (const limit of [1, 7, 60, bench.audit.status().leaves, 500]) {
    assert.deepEqual(await details({ limit }), each, `oldest first, ${limit} a page`);
    assert.deepEqual(await details({ limit, order: 'newest' }), each.toReversed(), `newest first, ${limit} a page`);
  }
  assert.deepEqual(await details({ from: began + 10_000, to: began + 13_000 }), [10, 11, 12]);
  assert.deepEqual(
    await details({ device: device(2), limit: 3 }),
    each.filter((i) => i % 3 === 1),
  );
  await assert.rejects(bench.audit.list({ order: 'oldest', limit: 5, cursor: '-1' }), {
    code: 'ERR_VAULT_CURSOR_INVALID',
  });
});

test('a head is signed a minute after the first unsigned entry, and at the end', async () => {
  const bench = new AuditBench();
  await bench.audit.start();
  bench.note();
  await bench.clock.advance(58_000);
  assert.equal(bench.audit.head(), null);
  bench.note();
  await bench.clock.advance(4_000);
  assert.equal(bench.audit.head()?.count, 2);
  await bench.clock.advance(600_000);
  assert.equal(bench.audit.status().leaves, 3, 'nothing new, nothing signed');
  bench.note();
  await bench.audit.stop();
  const report = await bench.verify();
  assert.deepEqual([report.signed?.count, report.leaves, report.heads, report.findings], [4, 5, 2, []]);
});

test('what a killed process left unsigned is signed by the next one', async () => {
  const bench = new AuditBench();
  await bench.audit.start();
  bench.note();
  await bench.clock.advance(2000);
  bench.files.crash({ keepAll: true });
  assert.deepEqual(
    (await bench.verify()).findings.map(({ name }) => name),
    ['end-unsigned'],
  );
  await bench.again();
  assert.equal(bench.audit.head()?.count, 1);
  assert.deepEqual((await bench.verify()).findings, []);
});

test('a full disk never throws and never waits: entries wait in memory, what is beyond is counted and told', async () => {
  const bench = new AuditBench({ capacityBytes: 20_000 });
  await bench.audit.start();
  const hog = new Uint8Array(20_000 - bench.files.usedBytes() - 300);
  bench.files.poke('/elsewhere/hog', hog);
  for (let i = 0; i < 1500; i++) bench.note({ detail: String(i), at: bench.clock.now() + i });
  await bench.clock.advance(20_000);
  const { state, waiting, lost, reason } = bench.audit.status();
  assert.deepEqual([state, waiting, lost], ['failing', 1024, 476]);
  assert.match(reason ?? '', /full/);
  bench.files.capacityBytes = 1e9;
  await bench.clock.advance(8_000);
  assert.deepEqual([bench.audit.status().state, bench.audit.status().waiting], ['ok', 0]);
  const records = await bench.all();
  assert.equal(detailOf(records[0]!), 'lost disk', 'the hole is told before what follows it');
  const hole = records[0]!.statement;
  assert.ok(hole.type === 'lost');
  assert.deepEqual([hole.count, hole.to - hole.from], [476, 475]);
  assert.deepEqual(
    records.slice(1).map(detailOf),
    Array.from({ length: 1024 }, (_, i) => String(i)),
  );
  await bench.audit.stop();
  assert.deepEqual(
    (await bench.verify()).findings.map(({ name }) => name),
    ['entries-lost'],
  );
});

test('a node starts without a disk for its audit log and begins it when there is one', async () => {
  const bench = new AuditBench({ capacityBytes: 100 });
  await bench.audit.start();
  bench.note({ detail: 'kept' });
  await bench.clock.advance(5000);
  assert.equal(bench.audit.status().state, 'failing');
  assert.deepEqual(await bench.all(), []);
  bench.files.capacityBytes = 1e9;
  await bench.clock.advance(8000);
  assert.deepEqual((await bench.all()).map(detailOf), ['kept']);
});

test('whichever call the disk refuses, nothing is lost and the chain holds', async () => {
  for (const fault of ['EIO', 'ENOSPC', 'short'] as const) {
    for (let at = 1; at < 60; at += STEP) {
      const bench = new AuditBench({ seed: at });
      bench.files.failAt(at, fault);
      await bench.audit.start();
      for (let i = 0; i < 12; i++) {
        bench.note({ detail: String(i) });
        await bench.clock.advance(i % 4 === 3 ? 61_000 : 300);
      }
      bench.files.heal();
      await bench.clock.advance(3000);
      await bench.audit.stop();
      await bench.again();
      const details = (await bench.all()).map(detailOf);
      assert.deepEqual(
        details,
        Array.from({ length: 12 }, (_, i) => String(i)),
        `${fault} at call ${at}`,
      );
      assert.deepEqual((await bench.verify()).findings, [], `${fault} at call ${at}`);
    }
  }
});

test('after a power cut at any call everything acknowledged is there, and what was torn is cut and told', async () => {
  let torn = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const bench = new AuditBench({ seed });
    const random = new SeededRandom(seed);
    const deadline = 5 + random.below(70);
    let synced = 0;
    let noted = 0;
    for (let life = 0; life < 3; life++) {
      const end = bench.files.calls + deadline;
      bench.files.onCall = (verb) => {
        if (bench.files.calls >= end) throw new NvrError('ERR_FILES_FAILED', 'unavailable', `no power at ${verb}`);
      };
      await bench.again();
      while (bench.files.calls < end) {
        for (let n = random.below(5); n >= 0; n--) bench.note({ detail: String(noted++) });
        await bench.clock.advance(1000 + random.below(30) * 1000);
        if (bench.audit.status().state === 'ok' && bench.audit.status().waiting === 0) synced = noted;
      }
      bench.files.onCall = null;
      bench.files.crash();
      // The number of the next entry is one that is not on the disk.
      await bench.again();
      const numbers = (await bench.all()).map(detailOf);
      torn += numbers.filter((each) => each === 'lost torn').length;
      const kept = numbers.filter((each) => /^\d+$/.test(each)).map(Number);
      for (let i = 0; i < synced; i++) assert.ok(kept.includes(i), `entry ${i} of ${synced}, seed ${seed}`);
      assert.deepEqual(
        kept,
        kept.toSorted((a, b) => a - b),
      );
      assert.equal(new Set(kept).size, kept.length);
      await bench.audit.stop();
      const report = await bench.verify();
      assert.ok(report.sound, JSON.stringify(report.findings));
      assert.equal(bench.audit.status().state, 'ok', `seed ${seed}`);
      synced = Math.max(synced, ...kept.map((each) => each + 1), 0);
      noted = synced;
    }
  }
  assert.ok(torn > 0, 'some cut tore something');
});

test('chatter of one device, and of all strangers together, is bounded; what is left out is counted by whom', async () => {
  const bench = new AuditBench();
  await bench.audit.start();
  const flood = (event: AuditEvent, from: number | null, count: number) => {
    for (let i = 0; i < count; i++)
      bench.note({ event, device: from === null ? null : device(from), detail: `${event} ${i}` });
  };
  flood('command-refused', 4, 5000);
  flood('connect-refused', null, 5000);
  flood('played', 5, 20);
  flood('revoked', 4, 300);
  await bench.clock.advance(61_000);
  const records = await bench.all();
  const of = (event: AuditEvent) =>
    records.filter(({ statement }) => statement.type === 'entry' && statement.entry.event === event).length;
  assert.deepEqual([of('command-refused'), of('connect-refused'), of('played'), of('revoked')], [200, 200, 20, 300]);
  const lost = records.flatMap(({ statement }) =>
    statement.type === 'lost' ? [[statement.device, statement.count]] : [],
  );
  assert.deepEqual(lost, [
    [device(4), 4800],
    [null, 4800],
  ]);
  assert.equal((await bench.all({ device: device(4) })).length, 501, 'the counted ones are found by device too');
  await bench.clock.advance(40_000);
  flood('command-refused', 4, 50);
  await bench.clock.advance(1000);
  const later = (await bench.all({ device: device(4) })).length;
  assert.equal(later, 501 + 10, 'one more every ten seconds');
  const many = new AuditBench();
  await many.audit.start();
  for (let i = 0; i < 3000; i++) {
    many.note({ event: 'connected', device: `${i.toString(16).padStart(4, '0')}${'a'.repeat(60)}` as never });
  }
  await many.audit.stop();
  assert.ok((await many.all()).length < 700, 'actors beyond the table share one budget');
});

test('files are closed when full or a month old; the oldest goes by size, and a leaf says so first', async () => {
  const bench = new AuditBench({ sizeBytesMax: 4 * 2 ** 20 });
  await bench.audit.start();
  let number = 0;
  const write = async (count: number) => {
    for (let i = 0; i < count; i++) {
      bench.note({ detail: String(number++) });
      if (i % 256 === 255) await bench.clock.advance(501);
    }
    await bench.clock.advance(1000);
  };
  await write(9000);
  assert.equal(bench.paths().length, 3);
  await bench.clock.advance(31 * DAY);
  await write(1);
  assert.equal(bench.paths().length, 4, 'a month');
  await write(20_000);
  const used = bench.paths().reduce((sum, path) => sum + bench.files.peek(path).length, 0);
  assert.ok(used <= 4 * 2 ** 20, `${used} bytes`);
  const records = await bench.all();
  const drops = records.filter(({ statement }) => statement.type === 'dropped');
  assert.ok(drops.length > 0);
  const numbers = records.map(detailOf).filter((each) => /^\d+$/.test(each));
  assert.equal(numbers.at(-1), String(number - 1));
  assert.equal(Number(numbers[0]) + numbers.length, number, 'what is kept has no hole');
  await bench.audit.stop();
  const report = await bench.verify();
  assert.deepEqual(report.findings, []);
  assert.ok(report.first > 0);
  assert.equal(report.entries, numbers.length);
});

test('entries are kept for their time and a month at most; a calendar set far ahead forgets nothing', async () => {
  const bench = new AuditBench({ keepMs: 60 * DAY });
  await bench.audit.start();
  for (let day = 0; day < 200; day++) {
    bench.note({ detail: String(day) });
    await bench.clock.advance(DAY);
  }
  const first = Number(detailOf((await bench.all())[0]!));
  assert.ok(first > 200 - 60 - 33 && first <= 200 - 60, `the oldest is of day ${first}`);
  bench.clock.step(20 * 365 * DAY);
  await bench.clock.advance(3 * 3_600_000);
  assert.equal(Number(detailOf((await bench.all())[0]!)), first);
  await bench.audit.stop();
  assert.deepEqual((await bench.verify()).findings, []);
});

test('a crash between telling and removing is gone on with', async () => {
  for (let after = 0; after < 3; after++) {
    const bench = new AuditBench({ keepMs: 10 * DAY, seed: after + 1 });
    await bench.again();
    for (let day = 0; day < 71; day++) {
      if (day % 31 === 0) bench.note();
      await bench.clock.advance(DAY);
    }
    assert.equal(bench.paths().length, 2);
    // The power goes with the removal, or one or two calls behind it.
    let left = Number.POSITIVE_INFINITY;
    bench.files.onCall = (verb) => {
      if (verb === 'remove' && left === Number.POSITIVE_INFINITY) left = after;
      if (left-- <= 0) throw new NvrError('ERR_FILES_FAILED', 'unavailable', `no power at ${verb}`);
    };
    for (let hour = 0; hour < 48 && left > 0; hour++) await bench.clock.advance(3_600_000);
    assert.ok(left <= 0, 'the removal came');
    bench.files.onCall = null;
    bench.files.crash();
    await bench.again();
    await bench.clock.advance(2 * 3_600_000);
    await bench.audit.stop();
    const report = await bench.verify();
    assert.deepEqual(report.findings, []);
    assert.ok(report.first > 0, 'it was dropped in the end');
  }
});

test('the log of another node is refused, a file that cannot be read is set aside', async () => {
  const bench = new AuditBench();
  await bench.audit.start();
  bench.note();
  await bench.audit.stop();
  const other = createAuditLog(
    { ...bench.deps, keys: { ...testKeys, nodeId: new Uint8Array(32).fill(3) } },
    bench.options,
  );
  await assert.rejects(other.start(), (error) => isNvrError(error) && error.code === 'ERR_VAULT_AUDIT_FOREIGN');
  const [path] = bench.paths();
  const bytes = bench.files.peek(path!);
  bytes[9] = 1;
  bench.files.poke(path!, bytes);
  await bench.again();
  assert.equal(bench.audit.status().state, 'damaged');
  bench.note();
  await bench.audit.stop();
  assert.ok(bench.files.paths().includes(`${path}.damaged`), 'what was found is kept');
  assert.deepEqual(
    (await bench.verify()).findings.map(({ name }) => name),
    ['stray-file'],
  );
});

test('nothing is noted after the end, and nothing throws', async () => {
  const bench = new AuditBench();
  await bench.audit.start();
  await bench.audit.stop();
  await bench.audit.stop();
  bench.note();
  assert.equal(bench.audit.status().lost, 1);
  assert.deepEqual(await bench.all(), []);
});
