import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fromHex } from '../../src/bytes/index.ts';
import { EXIT_CODES } from '../../src/cli/exit-codes.ts';
import { runCommandLine } from '../../src/cli/program.ts';
import { createIdentity } from '../../src/identity/index.ts';
import { silentLog } from '../../src/platform/index.ts';
import { createNodeClock, createNodeFiles, createNodeRandom } from '../../src/platform/node/index.ts';
import type { DeviceKey, SourceId } from '../../src/protocol/index.ts';
import { createAuditLog } from '../../src/vault/index.ts';
import { fakeWorld } from './fake-world.ts';

const folder = mkdtempSync(join(tmpdir(), 'cli-audit-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const real = { files: createNodeFiles(), clock: createNodeClock(), random: createNodeRandom(), cwd: folder };
const data = join(folder, 'data');
const [alice, bob] = ['aa'.repeat(32) as DeviceKey, 'bb'.repeat(32) as DeviceKey];
let nodeId: DeviceKey;

async function run(...args: string[]) {
  const { world, terminal } = fakeWorld({ ...real, env: { CONSTITUTE_NVR_DATA: data } });
  const code = await runCommandLine(world, args);
  return { code, out: terminal.stdout, err: terminal.stderr };
}

before(async () => {
  mkdirSync(data);
  const { world } = fakeWorld(real);
  const identity = createIdentity({ ...world, log: silentLog }, { folder: data });
  await identity.start();
  nodeId = identity.nodeId;
  const keys = { nodeId: fromHex(nodeId, 32)!, sign: (digest: Uint8Array) => identity.sign(digest) };
  const audit = createAuditLog({ ...world, log: silentLog, keys }, { root: data });
  await audit.start();
  const common = { source: null, span: null, address: '192.0.2.7' };
  audit.note({ ...common, event: 'connected', at: Date.now() - 7_200_000, device: alice, detail: 'session one' });
  const span = { from: 1_795_000_000_000, to: 1_795_000_060_000 };
  audit.note({
    ...common,
    event: 'played',
    at: Date.now() - 60_000,
    device: bob,
    source: 'front' as SourceId,
    span,
    detail: 'main',
  });
  audit.note({
    ...common,
    event: 'connect-refused',
    at: Date.now() - 1000,
    device: null,
    detail: 'refused',
    address: '',
  });
  await audit.stop();
  await identity.stop();
});

test('the log of a folder is listed, narrowed, and told as one object', async () => {
  const all = await run('audit');
  assert.equal(all.code, 0, all.err);
  const lines = all.out.trimEnd().split('\n');
  assert.match(lines[0]!, /^TIME +EVENT +DEVICE +SOURCE +FROM +ABOUT$/);
  assert.match(lines[1]!, /connect-refused +- +- +- +refused$/);
  assert.match(lines[2]!, /played +bbbbbbbbbbbbbbbb +front +192\.0\.2\.7 +main {2}\d{4}-\d\d-\d\d .* to /);
  assert.match(lines[3]!, /connected +aaaaaaaaaaaaaaaa/);
  const recent = await run('audit', '--from', '-1h', '--oldest', '--json');
  const { entries } = JSON.parse(recent.out) as { entries: { event: string; index: number }[] };
  assert.deepEqual(
    entries.map(({ event }) => event),
    ['played', 'connect-refused'],
  );
  const his = await run('audit', 'list', '--device', bob, '--json', '--data', data);
  assert.equal((JSON.parse(his.out) as { entries: unknown[] }).entries.length, 1);
  const one = await run('audit', '--limit', '1', '--json');
  assert.equal((JSON.parse(one.out) as { entries: unknown[] }).entries.length, 1);
  const none = await run('audit', '--to', '-3h');
  assert.deepEqual([none.code, none.out], [0, '']);
});

test('what cannot be meant is refused', async () => {
  for (const args of [
    ['--limit', '0'],
    ['--from', '-1h', '--to', '-2h'],
    ['--from', 'soon'],
  ]) {
    assert.equal((await run('audit', ...args)).code, EXIT_CODES.invalid, args.join(' '));
  }
  assert.equal((await run('audit', '--device', 'nobody')).code, EXIT_CODES.missing);
  assert.equal((await run('audit', 'verify', '--node-key', 'x')).code, EXIT_CODES.invalid);
  assert.equal((await run('audit', 'verify', '--head', 'x')).code, EXIT_CODES.invalid);
  assert.equal((await run('audit', 'verify', '--data', join(folder, 'nothing'))).code, EXIT_CODES.missing);
});

test('verify says what it checked, needs the files only, and finds a change and a cut', async () => {
  const sound = await run('audit', 'verify');
  assert.equal(sound.code, 0, sound.out + sound.err);
  assert.match(sound.out, new RegExp(`^node {3}${nodeId}$`, 'm'));
  assert.match(sound.out, /^log {4}leaves 0 to 4: 3 entries, 1 signatures$/m);
  const head = /^head {3}(\d+:[0-9a-f]{64}) /m.exec(sound.out)![1]!;
  assert.match(sound.out, /^sound$/m);
  assert.equal((await run('audit', 'verify', '--head', head, '--node-key', nodeId)).code, 0);
  assert.equal((await run('audit', 'verify', '--node-key', alice)).code, EXIT_CODES.corrupt);

  const copy = join(folder, 'copy');
  mkdirSync(join(copy, 'audit'), { recursive: true });
  const [name] = readdirSync(join(data, 'audit'));
  const bytes = readFileSync(join(data, 'audit', name!));
  writeFileSync(join(copy, 'audit', name!), bytes);
  const elsewhere = await run('audit', 'verify', '--data', copy);
  assert.equal(elsewhere.code, 0);
  assert.match(elsewhere.out, /as its files say/);

  writeFileSync(join(copy, 'audit', name!), bytes.subarray(0, bytes.length - 2 * 256));
  assert.equal((await run('audit', 'verify', '--data', copy)).code, 0, 'a shorter log is a log');
  const cut = await run('audit', 'verify', '--data', copy, '--head', head);
  assert.equal(cut.code, EXIT_CODES.corrupt);
  assert.match(cut.out, /^damage: head-unknown /m);

  bytes[2048 + 200]! ^= 1;
  writeFileSync(join(copy, 'audit', name!), bytes);
  const changed = await run('audit', 'verify', '--data', copy, '--json');
  assert.equal(changed.code, EXIT_CODES.corrupt);
  assert.equal((JSON.parse(changed.out) as { sound: boolean }).sound, false);
  assert.match(changed.err, /ERR_CLI_DAMAGE/);
});

test('key files of a folder whose node does not run are written anew', async () => {
  const { code, out, err } = await run('vault', 'rewrap');
  assert.equal(code, 0, err);
  assert.equal(out, '0 of 0 key files written anew: 0 copies left out, 0 added\n');
  const json = await run('vault', 'rewrap', '--json');
  assert.deepEqual(JSON.parse(json.out), { files: 0, rewritten: 0, dropped: 0, added: 0, faults: [] });
});
