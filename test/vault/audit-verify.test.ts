import assert from 'node:assert/strict';
import { test } from 'node:test';
import { schnorrPublicKey, schnorrSign } from '../../src/crypto/index.ts';
import { AUDIT_HEADER_SIZE, AUDIT_LEAF_SIZE } from '../../src/protocol/index.ts';
import { AUDIT_FINDINGS, createAuditLog } from '../../src/vault/index.ts';
import { AuditBench, DAY, device } from './audit-bench.ts';
import { testKeys } from './bench.ts';

/** Every so many bytes one is changed; all of them with SLOW=1. */
const STEP = process.env['SLOW'] === '1' ? 1 : 29;

/** Two closed files and a newest one, each with a few entries and a head behind them. */
async function threeFiles(options: { keepMs?: number } = {}): Promise<AuditBench> {
  const bench = new AuditBench(options);
  await bench.audit.start();
  for (let day = 0; day < 70; day++) {
    if (day % 31 < 2) bench.note({ detail: `day ${day}`, device: device(1 + (day % 3)) });
    await bench.clock.advance(DAY);
  }
  await bench.audit.stop();
  return bench;
}

const names = async (bench: AuditBench, expected?: Parameters<AuditBench['verify']>[0]) =>
  (await bench.verify(expected)).findings.map(({ name }) => name);

test('a whole log verifies with the node key alone, and says what it holds', async () => {
  const bench = await threeFiles();
  const report = await bench.verify({});
  const { sound, files, first, entries, lost, findings, nodeId, signed } = report;
  assert.deepEqual([sound, files, first, entries, lost, findings], [true, 3, 0, 6, 0, []]);
  assert.equal(nodeId, Buffer.from(testKeys.nodeId).toString('hex'));
  assert.equal(signed?.count, report.leaves - 1, 'everything in front of the last head is signed');
});

test('any changed byte is found', async () => {
  const bench = await threeFiles();
  for (const path of bench.paths()) {
    const whole = bench.files.peek(path);
    for (let at = 0; at < whole.length; at += STEP) {
      const changed = whole.slice();
      changed[at]! ^= 1 + (at % 255);
      bench.files.poke(path, changed);
      const report = await bench.verify();
      assert.ok(!report.sound, `byte ${at} of ${path}`);
    }
    bench.files.poke(path, whole);
  }
  assert.deepEqual(await names(bench), []);
});

test('a changed entry whose chain was repaired behind it is found by the signed heads', async () => {
  const bench = await threeFiles();
  // A forger with the disk, but without the node's key, writes the whole log anew.
  const secret = new Uint8Array(32).fill(3);
  const forged = new AuditBench();
  const keys = {
    nodeId: testKeys.nodeId,
    sign: (digest: Uint8Array) => schnorrSign(secret, digest, new Uint8Array(32)),
  };
  const audit = createAuditLog({ ...forged.deps, keys }, forged.options);
  await audit.start();
  forged.audit = audit;
  forged.note({ detail: 'nothing happened' });
  await audit.stop();
  assert.deepEqual(await names(forged), ['signature-wrong']);
  assert.notDeepEqual(schnorrPublicKey(secret), testKeys.nodeId);
  assert.deepEqual(await names(bench, { nodeId: schnorrPublicKey(secret) }), [
    'node-differs',
    'node-differs',
    'node-differs',
  ]);
});

test('missing files are found, at the beginning, in the middle, and where a removal was told', async () => {
  for (const [gone, finding] of [
    [0, 'beginning-missing'],
    [1, 'file-missing'],
  ] as const) {
    const bench = await threeFiles();
    await bench.files.remove(bench.paths()[gone]!);
    const found = await names(bench);
    assert.ok(found.includes(finding), found.join(' '));
  }
  const lawful = await threeFiles({ keepMs: 10 * DAY });
  const report = await lawful.verify();
  assert.deepEqual([report.findings, report.first > 0], [[], true]);
  // Dropping more than the log says it dropped is found as well.
  assert.equal(lawful.paths().length, 2);
  await lawful.files.remove(lawful.paths()[0]!);
  assert.ok((await names(lawful)).includes('beginning-missing'));
});

test('what is cut off the end is told apart: within a leaf, unsigned, and by a head that somebody kept', async () => {
  const bench = await threeFiles();
  const { signed } = await bench.verify();
  const head = { count: signed!.count, root: Buffer.from(signed!.root, 'hex') };
  assert.deepEqual(await names(bench, { head }), []);
  const path = bench.paths().at(-1)!;
  const whole = bench.files.peek(path);
  const leaves = (whole.length - AUDIT_HEADER_SIZE) / AUDIT_LEAF_SIZE;
  assert.equal(leaves, 4, 'an entry, its head, another, its head');
  const cut = async (bytes: number, expected = {}) => {
    bench.files.poke(path, whole.subarray(0, bytes));
    return names(bench, expected);
  };
  assert.deepEqual(await cut(whole.length - 1), ['end-torn', 'end-unsigned']);
  assert.deepEqual(await cut(whole.length - AUDIT_LEAF_SIZE), ['end-unsigned']);
  assert.deepEqual(await cut(whole.length - 2 * AUDIT_LEAF_SIZE), [], 'to an older head: a shorter log');
  assert.deepEqual(await cut(whole.length - 2 * AUDIT_LEAF_SIZE, { head }), ['head-unknown']);
  bench.files.poke(path, whole);
  assert.deepEqual(await names(bench, { head: { ...head, root: head.root.fill(0) } }), ['head-unknown']);
  const dropped = await threeFiles({ keepMs: 10 * DAY });
  assert.deepEqual(await names(dropped, { head: { count: 1, root: head.root } }), ['head-dropped']);
});

test('leaves moved, doubled or taken from another log are found', async () => {
  const bench = await threeFiles();
  const path = bench.paths()[0]!;
  const whole = bench.files.peek(path);
  const place = (i: number) => AUDIT_HEADER_SIZE + i * AUDIT_LEAF_SIZE;
  const leaf = (i: number) => whole.slice(place(i), place(i + 1));
  for (const [to, from] of [
    [0, 2],
    [2, 0],
    [1, 3],
  ] as const) {
    const changed = whole.slice();
    changed.set(leaf(from), place(to));
    bench.files.poke(path, changed);
    assert.ok(!(await bench.verify()).sound, `leaf ${from} in the place of ${to}`);
  }
  const other = new AuditBench({ seed: 9 });
  await other.audit.start();
  other.note();
  await other.audit.stop();
  bench.files.poke(path, other.files.peek(other.paths()[0]!));
  assert.ok((await names(bench)).includes('log-differs'));
});

test('a node that starts over a changed log says so, goes on, and the change stays to be found', async () => {
  const bench = await threeFiles();
  const path = bench.paths().at(-1)!;
  const changed = bench.files.peek(path);
  changed[AUDIT_HEADER_SIZE + 200]! ^= 1;
  bench.files.poke(path, changed);
  await bench.again();
  assert.equal(bench.audit.status().state, 'damaged');
  bench.note({ detail: 'after' });
  await bench.audit.stop();
  const found = await names(bench);
  assert.ok(found.includes('chain-broken') || found.includes('leaf-malformed'), found.join(' '));
  assert.ok(found.includes('root-differs'));
  assert.equal((await bench.verify()).signed?.count, (await bench.verify()).leaves - 1, 'the new head is good');
});

test('a folder without a log is said to have none; stray files are named', async () => {
  const bench = new AuditBench();
  await assert.rejects(bench.verify(), { code: 'ERR_VAULT_AUDIT_MISSING' });
  const full = await threeFiles();
  full.files.poke('/vault/audit/notes.txt', new Uint8Array(3));
  assert.deepEqual((await full.verify()).findings, [
    { name: 'stray-file', severity: 'notice', where: 'audit/notes.txt' },
  ]);
  assert.ok(Object.keys(AUDIT_FINDINGS).length > 10);
});
