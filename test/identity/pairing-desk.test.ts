import assert from 'node:assert/strict';
import { test } from 'node:test';
import { utf8 } from '../../src/bytes/index.ts';
import { nobleHashes } from '../../src/crypto/index.ts';
import { issueDenied } from '../../src/identity/errors.ts';
import { FolderLock } from '../../src/identity/folder-lock.ts';
import { checkedTerms } from '../../src/identity/grant-rules.ts';
import { PairingDesk, type PairingOutcome } from '../../src/identity/pairing-code-desk.ts';
import { type PairingCode, readPairingCodeFile, writePairingCode } from '../../src/identity/pairing-code-store.ts';
import { readTries, writeTries } from '../../src/identity/pairing-code-tries.ts';
import { SeededRandom, SimulatedClock, SimulatedFiles, silentLog } from '../../src/platform/index.ts';
import {
  type DeviceKey,
  keyFingerprint,
  PENDING_MAX,
  pairingSecret,
  type Role,
  type SourceId,
} from '../../src/protocol/index.ts';

const DAY = 86_400_000;
const MUTATIONS = process.env['SLOW'] ? 50_000 : 3_000;
const NODE = 'e'.repeat(64) as DeviceKey;
/** A device that may let nobody in. */
const LOW = 'd'.repeat(64) as DeviceKey;
const key = (octet: number) => octet.toString(16).padStart(2, '0').repeat(32) as DeviceKey;

/** One data folder; any number of programs open desks on it. */
function folder() {
  const clock = new SimulatedClock();
  const random = new SeededRandom(2);
  const files = new SimulatedFiles();
  const stored: { device: DeviceKey; role: Role; label?: string; by?: DeviceKey }[] = [];
  const outcomes: PairingOutcome[] = [];
  const hooks = { fail: false, fits: true, denied: false };
  const desk = (approveAlways = false) => {
    const made = new PairingDesk(
      {
        clock,
        random,
        files,
        log: silentLog,
        hashes: nobleHashes,
        lock: new FolderLock({ clock, random, files }, '/data/devices.lock'),
        fits: async () => hooks.fits,
        node: () => ({ nodeId: NODE, sign: () => assert.fail(), decipher: () => assert.fail() }),
        terms: (wish, by) => {
          if (by === LOW) throw issueDenied('it may nothing itself');
          return checkedTerms(wish);
        },
        store: async (device, { terms: { role }, label, by }) => {
          if (hooks.fail) throw new Error('the disk is full');
          if (hooks.denied) throw issueDenied('it may nothing itself');
          stored.push({ device, role, ...(label === undefined ? {} : { label }), ...(by ? { by } : {}) });
          return role;
        },
      },
      { folder: '/data/pairing', approveAlways },
    );
    made.onOutcome((outcome) => outcomes.push(outcome));
    return made;
  };
  const guess = async (at: PairingDesk, right = false): Promise<boolean> => {
    const code = at.waiting();
    const tell = code && (await at.guess(code.id, '192.0.2.9'));
    await tell?.(right);
    return tell !== null;
  };
  return { clock, random, files, stored, outcomes, hooks, desk, guess };
}

const hello = (octet: number, codeId: string) => ({
  device: key(octet),
  suite: 4 as const,
  codeId,
  label: `device ${octet}`,
  address: `2001:db8::${octet}`,
});

async function started() {
  const place = folder();
  await place.files.makeFolder('/data');
  return { ...place, node: place.desk() };
}

test('a code made beside a running node is followed, and its digits are nowhere on the disk', async () => {
  const { node, desk, files } = await started();
  await node.refresh();
  assert.equal(node.waiting(), null);
  const made = await desk().make({ role: 'operator', approve: true });
  await node.refresh();
  assert.deepEqual(node.waiting(), { id: made.id, secret: pairingSecret(nobleHashes, made.digits) });
  const { digits: _, ...told } = made;
  assert.deepEqual(node.code(), { ...told, triesLeft: 5 });
  for (const path of files.paths()) {
    assert.ok(!new TextDecoder().decode(files.peek(path)).includes(made.digits), path);
  }
  assert.equal(files.paths().filter((path) => path.startsWith('/data/pairing/')).length, 1);
});

test('one code at a time: a new one takes the place of the old, and of two made at once the newer', async () => {
  const { clock, node, desk, files } = await started();
  const first = await node.make({ role: 'viewer' });
  await clock.advance(1);
  const second = await desk().make({ role: 'admin' });
  await node.refresh();
  assert.equal(node.waiting()?.id, second.id);
  assert.equal(await node.admit(hello(1, first.id)), null);
  // Another program's file, put there as if at the same time.
  const secret = pairingSecret(nobleHashes, '1');
  const { approve, expiresAt } = second;
  const third: PairingCode = {
    id: 'f'.repeat(32),
    terms: checkedTerms({ role: 'admin' }),
    by: null,
    approve,
    expiresAt,
    secret,
    madeAt: clock.now() + 1,
  };
  files.poke(`/data/pairing/${third.id}`, writePairingCode(third));
  await node.refresh();
  assert.equal(node.waiting()?.id, third.id);
  assert.equal(files.paths().filter((path) => path.startsWith('/data/pairing/')).length, 1);
});

test('a code expires, is taken back, and does not outlive a calendar that was set back', async () => {
  const { clock, node } = await started();
  await node.make({ role: 'viewer', expiresMs: 60_000 });
  await clock.advance(59_999);
  assert.ok(node.waiting());
  await clock.advance(1);
  assert.equal(node.waiting(), null);
  await node.make({ role: 'viewer' });
  clock.step(-DAY);
  assert.equal(node.waiting(), null);
  const { id } = await node.make({ role: 'viewer' });
  assert.equal(await node.cancel(), true);
  assert.equal(await node.cancel(), false);
  assert.equal(await node.admit(hello(1, id)), null);
});

test('wrong guesses wait 1, 2, 4 and 8 s, and the fifth ends the code for good', async () => {
  const { clock, node, desk, guess, outcomes } = await started();
  const { id } = await node.make({ role: 'viewer' });
  for (const waitMs of [1_000, 2_000, 4_000, 8_000]) {
    assert.equal(await guess(node), true);
    assert.equal(node.waiting(), null, 'too soon');
    assert.equal(await node.guess(id, 'x'), null, 'also for who was greeted before');
    await clock.advance(waitMs - 1);
    assert.equal(node.waiting(), null);
    await clock.advance(1);
    assert.ok(node.waiting());
  }
  assert.equal(await guess(node), true);
  await clock.advance(60_000);
  assert.equal(node.waiting(), null);
  assert.equal(node.code(), null);
  assert.equal(await node.guess(id, 'x'), null);
  assert.equal(outcomes.filter(({ what }) => what === 'guessed').length, 5);
  const restarted = desk();
  await restarted.refresh();
  assert.equal(restarted.waiting(), null, 'a restart gives no new guesses');
});

test('guesses are counted before they are judged, and many at once win none', async () => {
  const { node, desk } = await started();
  const { id } = await node.make({ role: 'viewer' });
  const tells = await Promise.all(Array.from({ length: 50 }, () => node.guess(id, 'x')));
  assert.equal(tells.filter((tell) => tell !== null).length, 1);
  // The program is killed before it can judge: the guess counts.
  const restarted = desk();
  await restarted.refresh();
  assert.equal(restarted.code()?.triesLeft, 4);
});

test('a right guess is not counted, but has to wait for a wrong one before it', async () => {
  const { clock, node, desk, guess } = await started();
  await node.make({ role: 'viewer' });
  await guess(node);
  assert.equal(await guess(node, true), false, 'too soon');
  await clock.advance(1_000);
  assert.equal(await guess(node, true), true);
  assert.equal(node.triesLeftToday(), 19);
  const restarted = desk();
  await restarted.refresh();
  assert.equal(restarted.triesLeftToday(), 19, 'on the disk as well');
});

test('20 wrong guesses within 24 hours end pairing by code, over restarts and new codes, until one is a day old', async () => {
  const { clock, node, desk, guess } = await started();
  for (let code = 0; code < 4; code++) {
    await node.make({ role: 'viewer' });
    for (let i = 0; i < 5; i++) {
      await clock.advance(16_000);
      assert.equal(await guess(node), true, `guess ${code * 5 + i}`);
    }
  }
  await clock.advance(16_000);
  await assert.rejects(node.make({ role: 'viewer' }), { code: 'ERR_IDENTITY_CODE_TRIES', kind: 'exhausted' });
  const restarted = desk();
  await restarted.refresh();
  await assert.rejects(restarted.make({ role: 'viewer' }), { code: 'ERR_IDENTITY_CODE_TRIES' });
  assert.equal(restarted.triesLeftToday(), 0);
  await clock.advance(DAY - 16_000 * 20 + 1);
  assert.equal(restarted.triesLeftToday(), 1);
  await restarted.make({ role: 'viewer' });
  assert.equal(restarted.code()!.triesLeft, 1);
});

test('a count that cannot be read allows no guess; one of a clock that was years ahead does not lock for years', async () => {
  const { clock, node, files, desk } = await started();
  await node.make({ role: 'viewer' });
  files.poke('/data/pairing/tries', utf8('{"version":1,"tries":'));
  await node.refresh();
  assert.equal(node.waiting(), null);
  await assert.rejects(node.make({ role: 'viewer' }), { code: 'ERR_IDENTITY_TRIES_REFUSED', kind: 'corrupt' });
  const at = clock.now() + 5 * 365 * DAY;
  files.poke('/data/pairing/tries', writeTries(Array.from({ length: 20 }, () => ({ codeId: '0'.repeat(32), at }))));
  const later = desk();
  await later.refresh();
  assert.equal(later.triesLeftToday(), 20);
});

test('a disk that cannot count lets nobody guess', async () => {
  const { node, files } = await started();
  const { id } = await node.make({ role: 'viewer' });
  files.failAt(1, 'EIO', 'replace');
  await assert.rejects(node.guess(id, 'x'), { kind: 'unavailable' });
  files.heal();
  assert.ok(await node.guess(id, 'x'), 'and goes on once it can');
});

test('exactly one device pairs by a code, however many know it', async () => {
  const { node, stored, outcomes } = await started();
  const { id } = await node.make({ role: 'operator' });
  const roles = await Promise.all([1, 2, 3, 4].map((octet) => node.admit(hello(octet, id))));
  assert.equal(roles.filter((role) => role !== null).length, 1);
  assert.equal(stored.length, 1);
  assert.equal(stored[0]!.role, 'operator');
  assert.equal(node.code(), null);
  assert.equal(await node.admit(hello(5, id)), null);
  assert.deepEqual(outcomes.map(({ what }) => what).sort(), ['late', 'late', 'late', 'late', 'paired']);
});

test('a code is somebody’s word: what it gives hangs on who made it, and it ends with that right', async () => {
  const { node, hooks, stored, outcomes } = await started();
  await assert.rejects(node.make({ role: 'viewer', by: LOW }), { code: 'ERR_IDENTITY_GRANT_DENIED' });
  const own = await node.make({ role: 'viewer', by: NODE });
  await node.admit(hello(1, own.id));
  const { id } = await node.make({ role: 'viewer', by: key(9) });
  await node.admit(hello(2, id));
  assert.deepEqual(
    stored.map(({ device, by }) => [device, by]),
    [
      [key(1), undefined],
      [key(2), key(9)],
    ],
  );
  const late = await node.make({ role: 'viewer', by: key(9) });
  hooks.denied = true;
  assert.equal(await node.admit(hello(3, late.id)), null, 'its maker lost the right meanwhile');
  assert.equal(outcomes.at(-1)!.what, 'rejected');
});

test('an approval is the approver’s word, and nobody gives what he may not', async () => {
  const { node, stored } = await started();
  const { id } = await node.make({ role: 'owner', approve: true, by: key(9) });
  await node.admit(hello(1, id));
  await assert.rejects(node.approve(key(1), { role: 'viewer', by: LOW }), { code: 'ERR_IDENTITY_GRANT_DENIED' });
  assert.equal(await node.approve(key(1), { role: 'viewer', by: key(8) }), 'viewer');
  assert.deepEqual(stored, [{ device: key(1), role: 'viewer', label: 'device 1', by: key(8) }]);
});

test('a device that could not be stored costs no code', async () => {
  const { node, hooks } = await started();
  const { id } = await node.make({ role: 'viewer' });
  hooks.fits = false;
  assert.equal(await node.admit(hello(1, id)), null);
  hooks.fits = true;
  assert.deepEqual(await node.admit(hello(1, id)), { role: 'viewer' });
});

test('a code that asks for approval lets a device wait; it is approved by its key and by no other', async () => {
  const { node, stored, outcomes } = await started();
  const { id } = await node.make({ role: 'viewer', approve: true });
  assert.equal(await node.admit(hello(1, id)), null);
  assert.equal(stored.length, 0);
  const waits = node.awaiting(key(1))!;
  assert.equal(node.awaiting(key(2)), null);
  const [pending] = node.pending();
  assert.deepEqual(
    [pending!.device, pending!.fingerprint, pending!.label, pending!.role, pending!.present],
    [key(1), keyFingerprint(key(1)), 'device 1', 'viewer', true],
  );
  assert.equal(await node.approve(key(2), { role: 'owner' }), null, 'a key that does not wait');
  assert.equal(await node.approve(key(1), { role: 'operator', label: 'Kitchen' }), 'operator');
  assert.deepEqual(await waits.decided, { role: 'operator' });
  assert.deepEqual(stored, [{ device: key(1), role: 'operator', label: 'Kitchen' }]);
  assert.equal(await node.approve(key(1), { role: 'owner' }), null, 'once');
  assert.deepEqual(
    outcomes.map(({ what, device, address }) => [what, device, address]),
    [
      ['waits', key(1), '2001:db8::1'],
      ['paired', key(1), '2001:db8::1'],
    ],
  );
});

test('a node may demand approval of every code', async () => {
  const { desk } = await started();
  const strict = desk(true);
  const { id, approve } = await strict.make({ role: 'viewer' });
  assert.equal(approve, true);
  assert.equal(await strict.admit(hello(1, id)), null);
  assert.equal(strict.pending().length, 1);
});

test('approval races: another device by another code is another place, and approving one touches no other', async () => {
  const { node, stored } = await started();
  const first = await node.make({ role: 'viewer', approve: true });
  await node.admit(hello(1, first.id));
  assert.equal(await node.admit(hello(2, first.id)), null, 'the same code again: burnt');
  assert.equal(node.pending().length, 1);
  const second = await node.make({ role: 'owner', approve: true });
  await node.admit(hello(2, second.id));
  const [one, two] = [node.awaiting(key(1))!, node.awaiting(key(2))!];
  const [given, rejected] = await Promise.all([node.approve(key(1), { role: 'viewer' }), node.reject(key(1))]);
  assert.equal(given, 'viewer');
  assert.equal(rejected, false, 'of two decisions one is taken');
  assert.deepEqual(await one.decided, { role: 'viewer' });
  assert.deepEqual(
    stored.map(({ device }) => device),
    [key(1)],
  );
  assert.equal(node.reject(key(2)), true);
  assert.equal(await two.decided, null);
  assert.equal(stored.length, 1);
});

test('a waiting device that comes back goes on waiting; its older channel gives way', async () => {
  const { node } = await started();
  const { id } = await node.make({ role: 'viewer', approve: true });
  await node.admit(hello(1, id));
  const old = node.awaiting(key(1))!;
  const fresh = node.awaiting(key(1))!;
  assert.equal(await old.decided, null);
  old.leave();
  assert.equal(node.pending()[0]!.present, true);
  fresh.leave();
  assert.equal(node.pending()[0]!.present, false);
  assert.equal(await node.approve(key(1), { role: 'viewer' }), 'viewer', 'decided while it was away');
});

test('waiting ends after 10 minutes, at a rejection, and when the node stops', async () => {
  const { clock, node, outcomes } = await started();
  const enter = async (octet: number) => {
    const { id } = await node.make({ role: 'viewer', approve: true });
    await node.admit(hello(octet, id));
    return node.awaiting(key(octet))!;
  };
  const late = await enter(1);
  assert.equal(late.expiresAt, clock.now() + 600_000);
  await clock.advance(600_000);
  assert.equal(await late.decided, null);
  assert.equal(await node.approve(key(1), { role: 'viewer' }), null);
  const turned = await enter(2);
  node.reject(key(2));
  assert.equal(await turned.decided, null);
  const last = await enter(3);
  node.stop();
  assert.equal(await last.decided, null);
  assert.deepEqual(
    outcomes.filter(({ what }) => what !== 'waits').map(({ what, address }) => [what, address]),
    [
      ['expired', '2001:db8::1'],
      ['rejected', '2001:db8::2'],
    ],
  );
});

test('an approval that cannot be stored leaves the device waiting', async () => {
  const { node, hooks } = await started();
  const { id } = await node.make({ role: 'viewer', approve: true });
  await node.admit(hello(1, id));
  const waits = node.awaiting(key(1))!;
  hooks.fail = true;
  await assert.rejects(node.approve(key(1), { role: 'viewer' }), /disk/);
  hooks.fail = false;
  assert.equal(await node.approve(key(1), { role: 'viewer' }), 'viewer');
  assert.deepEqual(await waits.decided, { role: 'viewer' });
});

test('who waits is told with all that the code promised', async () => {
  const { node } = await started();
  const { id } = await node.make({ role: 'operator', sources: ['front' as SourceId], pastMs: 60_000, approve: true });
  await node.admit(hello(1, id));
  const [{ role, terms }] = node.pending() as [ReturnType<typeof node.pending>[number]];
  assert.deepEqual([role, terms.sources, terms.pastMs, terms.actions], ['operator', ['front'], 60_000, 'all']);
});

test('12 devices wait and no more; the code of the next is kept', async () => {
  const { node } = await started();
  for (let octet = 1; octet <= PENDING_MAX; octet++) {
    const { id } = await node.make({ role: 'viewer', approve: true });
    await node.admit(hello(octet, id));
  }
  const { id } = await node.make({ role: 'viewer', approve: true });
  await assert.rejects(node.admit(hello(17, id)), { code: 'ERR_IDENTITY_PENDING_FULL', kind: 'exhausted' });
  assert.equal(node.code()?.id, id);
  node.reject(key(1));
  assert.equal(await node.admit(hello(17, id)), null);
  assert.equal(node.pending().length, PENDING_MAX);
});

test('files that are not ours are no code and no count, whatever is in them', () => {
  const random = new SeededRandom(6);
  const id = 'a'.repeat(32);
  const code: PairingCode = {
    id,
    terms: checkedTerms({ role: 'viewer', sources: ['front' as SourceId], pastMs: 5 }),
    by: key(7),
    approve: false,
    madeAt: 1,
    expiresAt: 2,
    secret: random.bytes(32),
  };
  const tries = [{ codeId: id, at: 5 }];
  assert.deepEqual(readPairingCodeFile(id, writePairingCode(code)), code);
  assert.deepEqual(readTries(writeTries(tries)), tries);
  assert.equal(readTries(writeTries(Array.from({ length: 21 }, () => tries[0]!))), null);
  const seeds = [writePairingCode(code), writeTries(tries)];
  for (let i = 0; i < MUTATIONS; i++) {
    const bytes = seeds[i % 2]!.slice();
    for (let k = random.below(4); k >= 0; k--) bytes[random.below(bytes.length)] = random.below(256);
    const cut = bytes.subarray(0, random.below(3) === 0 ? random.below(bytes.length) : bytes.length);
    if (i % 2) readTries(cut);
    else readPairingCodeFile(id, cut);
  }
  for (let cut = 0; cut < seeds[0]!.length - 1; cut++) {
    assert.equal(readPairingCodeFile(id, seeds[0]!.subarray(0, cut)), null);
  }
});
