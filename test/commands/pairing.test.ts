import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pairingCommands } from '../../src/commands/pairing.ts';
import { nobleHashes } from '../../src/crypto/index.ts';
import { FolderLock } from '../../src/identity/folder-lock.ts';
import { checkedTerms } from '../../src/identity/grant-rules.ts';
import { PairingDesk } from '../../src/identity/pairing-code-desk.ts';
import { SeededRandom, SimulatedClock, SimulatedFiles, silentLog } from '../../src/platform/index.ts';
import {
  type Call,
  type CommandName,
  checkParams,
  checkResult,
  type DeviceKey,
  type GrantTerms,
  keyFingerprint,
} from '../../src/protocol/index.ts';

type Name = Extract<CommandName, `pairing.${string}`>;

const key = (octet: number) => octet.toString(16).padStart(2, '0').repeat(32) as DeviceKey;
const OWNER = key(4);

/** The commands on a real desk. */
async function pairing() {
  const clock = new SimulatedClock();
  const random = new SeededRandom(3);
  const files = new SimulatedFiles();
  await files.makeFolder('/data');
  const stored: { device: DeviceKey; terms: GrantTerms; by?: DeviceKey; label?: string }[] = [];
  const desk = new PairingDesk(
    {
      clock,
      random,
      files,
      log: silentLog,
      hashes: nobleHashes,
      lock: new FolderLock({ clock, random, files }, '/data/lock'),
      fits: async () => true,
      node: () => ({ nodeId: key(0x7e), sign: () => assert.fail(), decipher: () => assert.fail() }),
      terms: (wish) => checkedTerms(wish),
      async store(device, told) {
        stored.push({ device, ...told });
        return told.terms.role;
      },
    },
    { folder: '/data/pairing', approveAlways: false },
  );
  const family = pairingCommands({ pairing: desk });
  async function ask(name: Name, params: unknown, caller = OWNER): Promise<Record<string, unknown>> {
    const checked = checkParams(name, params);
    assert.ok('params' in checked, 'problems' in checked ? checked.problems : '');
    const call = { caller: { device: caller, role: 'owner', sessionId: 'ab' } } as Call;
    const granted = { call, params: checked.params, right: 'yes', role: 'owner' };
    const handler = family[name] as (granted: unknown) => Promise<unknown>;
    const result = await handler(granted);
    const told = checkResult(name, result);
    assert.ok('result' in told, 'problems' in told ? told.problems : '');
    assert.deepEqual(told.result, result, 'nothing beyond the schema');
    return told.result as Record<string, unknown>;
  }
  const enter = async (octet: number, codeId: string) =>
    desk.admit({ device: key(octet), suite: 4, codeId, label: `tablet ${octet}` });
  return { clock, desk, stored, ask, enter };
}

test('a code is told once, its digits are in no list, and its terms hang on who asked', async () => {
  const { desk, stored, ask, enter } = await pairing();
  const made = await ask('pairing.code', { role: 'operator', sources: ['front'], pastMs: 3_600_000 });
  assert.match(String(made['code']), /^[0-9]{8}$/);
  const listed = await ask('pairing.pending', {});
  assert.ok(!JSON.stringify(listed).includes(String(made['code'])));
  const { code: _, ...facts } = made;
  assert.deepEqual(listed['code'], { ...facts, triesLeft: 5 });
  assert.deepEqual(await enter(1, String(made['id'])), { role: 'operator' });
  assert.equal(stored[0]!.by, OWNER);
  assert.deepEqual(stored[0]!.terms.sources, ['front']);
  assert.equal(stored[0]!.terms.pastMs, 3_600_000);
  assert.equal(desk.code(), null);
});

test('the operator at the machine gives on nobody’s word but the node’s', async () => {
  const { stored, ask, enter } = await pairing();
  const made = await ask('pairing.code', {}, key(0x7e));
  await enter(1, String(made['id']));
  assert.equal(stored[0]!.by, undefined);
});

test('a waiting device is listed with its fingerprint, and approved by exactly that', async () => {
  const { clock, stored, ask, enter } = await pairing();
  const { id } = await ask('pairing.code', { role: 'viewer', approve: true });
  assert.equal(await enter(1, String(id)), null);
  const { devices } = await ask('pairing.pending', {});
  assert.deepEqual(devices, [
    {
      device: key(1),
      fingerprint: keyFingerprint(key(1)),
      label: 'tablet 1',
      role: 'viewer',
      since: clock.now(),
      expiresAt: clock.now() + 600_000,
      present: false,
    },
  ]);
  const fingerprint = keyFingerprint(key(1));
  await assert.rejects(
    ask('pairing.approve', { device: key(1), fingerprint: keyFingerprint(key(2)), role: 'viewer' }),
    { code: 'ERR_COMMANDS_FINGERPRINT', kind: 'invalid' },
  );
  await assert.rejects(ask('pairing.approve', { device: key(2), fingerprint, role: 'viewer' }), {
    code: 'ERR_COMMANDS_FINGERPRINT',
  });
  assert.equal(stored.length, 0);
  const params = { device: key(1), fingerprint, role: 'operator', label: 'Kitchen' };
  assert.deepEqual(await ask('pairing.approve', params, key(8)), { approved: true, role: 'operator' });
  assert.deepEqual([stored[0]!.device, stored[0]!.by, stored[0]!.label], [key(1), key(8), 'Kitchen']);
  assert.deepEqual(await ask('pairing.approve', params), { approved: false });
});

test('a rejected device is gone, and so is a code that was taken back', async () => {
  const { ask, enter } = await pairing();
  const first = await ask('pairing.code', { approve: true });
  await enter(1, String(first['id']));
  assert.deepEqual(await ask('pairing.reject', { device: key(1) }), { rejected: true });
  assert.deepEqual(await ask('pairing.reject', { device: key(1) }), { rejected: false });
  await ask('pairing.code', {});
  assert.deepEqual(await ask('pairing.cancel', {}), { cancelled: true });
  assert.deepEqual(await ask('pairing.cancel', {}), { cancelled: false });
});

test('without an enrolment there is nothing to confirm', async () => {
  const { ask } = await pairing();
  const params = { signer: key(1), fingerprint: keyFingerprint(key(1)), accept: true };
  assert.deepEqual(await ask('pairing.confirm', params), { done: false });
  await assert.rejects(ask('pairing.confirm', { ...params, signer: key(2) }), { code: 'ERR_COMMANDS_FINGERPRINT' });
});

test('params are strict', () => {
  const wrong: [Name, unknown][] = [
    ['pairing.code', { expiresMs: 59_999 }],
    ['pairing.code', { expiresMs: 3_600_001 }],
    ['pairing.code', { approve: 'yes' }],
    ['pairing.code', { code: '12345678' }],
    ['pairing.approve', { device: key(1), role: 'viewer' }],
    ['pairing.approve', { device: key(1), fingerprint: keyFingerprint(key(1)) }],
    ['pairing.approve', { device: key(1), fingerprint: '0101', role: 'viewer' }],
    ['pairing.reject', {}],
    ['pairing.confirm', { signer: key(1), fingerprint: keyFingerprint(key(1)) }],
  ];
  for (const [name, params] of wrong) assert.ok('problems' in checkParams(name, params), JSON.stringify(params));
});
