import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { encrypt } from 'nostr-tools/nip04';
import { fromHex, toHex } from '../../src/bytes/index.ts';
import { nobleHashes, schnorrPublicKey, schnorrSign } from '../../src/crypto/index.ts';
import { type Enrolled, Enrolment, type EnrolmentOptions } from '../../src/identity/enrolment.ts';
import { decipherNip04 } from '../../src/identity/enrolment-cipher.ts';
import { SeededRandom, SimulatedClock, silentLog } from '../../src/platform/index.ts';
import {
  codeHashV1,
  type DeviceKey,
  PENDING_MAX,
  type SignedEvent,
  signEvent,
  verifyEvent,
} from '../../src/protocol/index.ts';

const v1 = JSON.parse(readFileSync(join(import.meta.dirname, '../vectors/vectors-v1.json'), 'utf8'));
const ZONES = ['ZLoI5dHO2oBisXbfazo6', 'wjsZ4VEjEJxm1Kcwa8WR'];
const IDENTITY = 'id-b64urlExample012';

type Name = 'service' | 'owner' | 'gateway' | 'other';
const secretOf = (name: Name) => fromHex(v1.keys[name].secretKey)!;
const keyOf = (name: Name) => v1.keys[name].publicKey as DeviceKey;

interface Sent {
  event: SignedEvent;
  zones: readonly string[];
}

/** A node that asks the identity `Home`, at a clock of its own. */
async function asking(change: Partial<EnrolmentOptions> = {}, startAt = 1_772_200_000_000) {
  const clock = new SimulatedClock(startAt);
  const random = new SeededRandom(4);
  const sent: Sent[] = [];
  const enrolled: Enrolled[] = [];
  const hooks = { fail: false };
  const enrolment = new Enrolment(
    {
      clock,
      random,
      log: silentLog,
      hashes: nobleHashes,
      nodeId: keyOf('service'),
      sign: (digest) => schnorrSign(secretOf('service'), digest, random.bytes(32)),
      decipher: (peer, text) => decipherNip04(secretOf('service'), peer, text),
      publish: (event, zones) => sent.push({ event, zones }),
      onEnrolled: async (told) => {
        if (hooks.fail) throw new Error('the disk is full');
        enrolled.push(told);
      },
    },
    {
      identityLabel: 'Home',
      codeHash: codeHashV1(nobleHashes, 'Home', '123456'),
      deviceLabel: 'Garage NVR',
      zones: ZONES,
      owner: keyOf('owner'),
      ...change,
    },
  );
  await enrolment.start();
  return { clock, sent, enrolled, enrolment, hooks };
}

/** An answer as the owner's web app writes it, changed at will. */
function answer(
  clock: SimulatedClock,
  change: { by?: Name; content?: object; plain?: object; agedS?: number; tags?: string[][]; type?: string } = {},
): SignedEvent {
  const { by = 'owner', agedS = 0 } = change;
  const plain = {
    identityId: IDENTITY,
    roomKeyB64: 'o0epa-Ujl1yKjITqrknmoJCZamYTjPUKfUBw5AK9EQw',
    devices: [{ pk: keyOf(by), did: `did:device:nostr:${keyOf(by)}`, label: 'Phone' }],
    ...change.plain,
  };
  const content = {
    type: change.type ?? 'pair_approve',
    identity: 'Home',
    code: '123456',
    toPk: keyOf('service'),
    fromPk: keyOf(by),
    encryptedRoomKey: encrypt(secretOf(by), keyOf('service'), JSON.stringify(plain)),
    ...change.content,
  };
  const tags = change.tags ?? [
    ['t', 'constitute'],
    ['i', 'Home'],
    ['p', keyOf('service')],
  ];
  const created_at = Math.floor(clock.now() / 1000) - agedS;
  const event = { created_at, kind: 1, tags, content: JSON.stringify(content) };
  return signEvent(nobleHashes, secretOf(by), event, new Uint8Array(32));
}

test('a request goes out for each zone alone, every 15 s, 24 times, signed, without the code', async () => {
  const { clock, sent, enrolment } = await asking();
  assert.equal(sent.length, 2);
  await clock.advance(15_000 * 30);
  assert.equal(sent.length, 48);
  assert.equal(enrolment.attempts, 24);
  assert.equal(enrolment.state, 'waiting');
  const ids = new Set<string>();
  for (const [i, { event, zones }] of sent.entries()) {
    assert.ok(verifyEvent(nobleHashes, event));
    assert.deepEqual(zones, [ZONES[i % 2]]);
    assert.deepEqual(event.tags, [
      ['t', 'constitute'],
      ['i', 'Home'],
      ['z', ZONES[i % 2]],
    ]);
    const content = JSON.parse(event.content);
    assert.ok(!event.content.includes('123456') && !('code' in content));
    assert.match(content.requestId, /^req-nvr-[0-9a-f]{12}$/);
    ids.add(content.requestId);
  }
  assert.equal(ids.size, 48);
  await clock.advance(600_000);
  assert.equal(enrolment.state, 'unanswered');
});

test('the approval of the published vectors is taken, its room key is not kept', async () => {
  const { event } = v1.records.pair_approve;
  const { enrolment, enrolled } = await asking({}, event.created_at * 1000 - 4_000);
  assert.equal(await enrolment.offer(event), 'enrolled');
  assert.deepEqual(enrolled, [
    {
      identityId: IDENTITY,
      label: 'Home',
      signer: keyOf('owner'),
      devices: [
        { device: keyOf('owner'), label: 'Phone' },
        { device: keyOf('service'), label: 'Garage NVR' },
      ],
    },
  ]);
  assert.ok(!JSON.stringify(enrolled).includes('o0epa'));
});

test('an answer of the owner ends the asking; replayed it changes nothing', async () => {
  const { clock, sent, enrolled, enrolment } = await asking();
  const approve = answer(clock);
  assert.equal(await enrolment.offer(approve), 'enrolled');
  assert.deepEqual(await enrolment.offer(approve), { reason: 'over' });
  await clock.advance(120_000);
  assert.equal(sent.length, 2);
  assert.equal(enrolled.length, 1);
});

test('an approval forged by any other key, or bound to anything else, is refused', async () => {
  const { clock, enrolled, enrolment } = await asking();
  const refused = async (event: SignedEvent, reason: string) =>
    assert.deepEqual(await enrolment.offer(event), { reason }, `${reason}: ${event.content.slice(0, 60)}`);
  await refused(answer(clock, { by: 'other' }), 'signer');
  await refused(answer(clock, { by: 'other', content: { fromPk: keyOf('owner') } }), 'sender');
  await refused(answer(clock, { content: { fromPk: keyOf('other') } }), 'sender');
  await refused(answer(clock, { content: { toPk: keyOf('other') } }), 'addressee');
  await refused(
    answer(clock, {
      content: { identity: 'Garage' },
      tags: [
        ['t', 'constitute'],
        ['i', 'Garage'],
      ],
    }),
    'label',
  );
  await refused(answer(clock, { content: { identity: 'Garage' } }), 'shape');
  await refused(answer(clock, { content: { code: '654321' } }), 'code');
  await refused(answer(clock, { agedS: 121 }), 'time');
  await refused(answer(clock, { agedS: -121 }), 'time');
  await refused(answer(clock, { content: { encryptedRoomKey: 'AAAA?iv=AAAAAAAAAAAAAAAAAAAAAA==' } }), 'cipher');
  await refused(answer(clock, { plain: { devices: [{ pk: keyOf('other'), label: 'Phone' }] } }), 'content');
  await refused(answer(clock, { plain: { identityId: '../../x' } }), 'content');
  const good = answer(clock);
  await refused({ ...good, sig: good.sig.replace(/^../, '00') }, 'signature');
  await refused({ ...good, id: '0'.repeat(64) }, 'signature');
  // Enciphered for somebody else by the owner, and put into an event of the owner's: impossible without the owner's key.
  await refused({ ...good, pubkey: keyOf('other') }, 'sender');
  assert.equal(enrolled.length, 0);
  assert.equal(await enrolment.offer(good), 'enrolled');
});

test('an answer to an earlier life of the node, or after its time, is refused', async () => {
  const before = new SimulatedClock(1_772_199_000_000);
  const old = answer(before);
  const { clock, enrolment } = await asking();
  assert.deepEqual(await enrolment.offer(old), { reason: 'time' });
  await clock.advance(15_000 * 23 + 590_000);
  assert.equal(await enrolment.offer(answer(clock)), 'enrolled', 'a person took long to decide');
  const late = await asking();
  await late.clock.advance(15_000 * 23 + 600_000);
  assert.deepEqual(await late.enrolment.offer(answer(late.clock)), { reason: 'over' });
});

test('an approver that was told no code may name none', async () => {
  for (const code of [undefined, null, '']) {
    const { clock, enrolment } = await asking();
    assert.equal(await enrolment.offer(answer(clock, { content: { code } })), 'enrolled');
  }
});

test('without an owner key answers wait until somebody vouches for one; whoever comes first is no better', async () => {
  const { clock, sent, enrolled, enrolment } = await asking({ owner: null });
  assert.equal(await enrolment.offer(answer(clock, { by: 'other' })), 'asking');
  assert.equal(await enrolment.offer(answer(clock, { by: 'owner' })), 'asking');
  assert.deepEqual(
    enrolment.candidates().map(({ signer, identityId, label }) => [signer, identityId, label]),
    [
      [keyOf('other'), IDENTITY, 'Home'],
      [keyOf('owner'), IDENTITY, 'Home'],
    ],
  );
  // What a signer said first stays: nothing changes under the eyes of who compares.
  await enrolment.offer(answer(clock, { by: 'owner', plain: { identityId: 'id-AAAAAAAAAAAAAAAA' } }));
  assert.equal(enrolment.candidates()[1]!.identityId, IDENTITY);
  await clock.advance(15_000);
  assert.equal(sent.length, 4, 'the asking goes on');
  assert.equal(await enrolment.accept(keyOf('gateway')), false);
  assert.equal(enrolment.dismiss(keyOf('other')), true);
  assert.equal(await enrolment.accept(keyOf('other')), false);
  assert.equal(await enrolment.accept(keyOf('owner')), true);
  assert.equal(enrolled[0]!.signer, keyOf('owner'));
  assert.equal(await enrolment.accept(keyOf('owner')), false);
  assert.deepEqual(enrolment.candidates(), []);
});

test('who may answer fills 16 places and no more', async () => {
  const { clock, enrolment } = await asking({ owner: null });
  const random = new SeededRandom(8);
  const strangers = Array.from({ length: 18 }, () => random.bytes(32));
  const offers = strangers.map((secret) => {
    const { created_at, kind, tags, content } = answer(clock);
    const signer = toHex(schnorrPublicKey(secret));
    const plain = { identityId: IDENTITY, devices: [{ pk: signer, label: 'x' }] };
    const encryptedRoomKey = encrypt(secret, keyOf('service'), JSON.stringify(plain));
    const text = JSON.stringify({ ...JSON.parse(content), fromPk: signer, encryptedRoomKey });
    const event = { created_at, kind, tags, content: text };
    return () => enrolment.offer(signEvent(nobleHashes, secret, event, new Uint8Array(32)));
  });
  const results = [];
  for (const offer of offers) results.push(await offer());
  const full = results.slice(PENDING_MAX);
  assert.deepEqual(results.slice(0, PENDING_MAX), new Array(PENDING_MAX).fill('asking'));
  assert.deepEqual(full, new Array(18 - PENDING_MAX).fill({ reason: 'full' }));
});

test('a rejection counts from the owner alone', async () => {
  const anyone = await asking({ owner: null });
  const reject = { type: 'pair_reject', content: { encryptedRoomKey: undefined } };
  assert.deepEqual(await anyone.enrolment.offer(answer(anyone.clock, { by: 'other', ...reject })), {
    reason: 'signer',
  });
  const { clock, sent, enrolment } = await asking();
  assert.deepEqual(await enrolment.offer(answer(clock, { by: 'other', ...reject })), { reason: 'signer' });
  assert.equal(await enrolment.offer(answer(clock, reject)), 'rejected');
  await clock.advance(60_000);
  assert.equal(sent.length, 2);
  assert.deepEqual(await enrolment.offer(answer(clock)), { reason: 'over' });
});

test('an identity that could not be kept was not taken: the asking goes on', async () => {
  for (const owner of [keyOf('owner'), null]) {
    const { clock, sent, enrolled, enrolment, hooks } = await asking({ owner });
    hooks.fail = true;
    if (owner) assert.deepEqual(await enrolment.offer(answer(clock)), { reason: 'unkept' });
    else {
      await enrolment.offer(answer(clock));
      await assert.rejects(enrolment.accept(keyOf('owner')), /disk/);
    }
    assert.equal(enrolment.state, 'asking');
    await clock.advance(15_000);
    assert.equal(sent.length, 4);
    hooks.fail = false;
    if (owner) assert.equal(await enrolment.offer(answer(clock)), 'enrolled');
    else assert.equal(await enrolment.accept(keyOf('owner')), true);
    assert.equal(enrolled.length, 1);
  }
});

test('two answers at once: one is taken', async () => {
  const { clock, enrolled, enrolment } = await asking();
  const both = await Promise.all([enrolment.offer(answer(clock)), enrolment.offer(answer(clock))]);
  assert.deepEqual(both, ['enrolled', { reason: 'over' }]);
  assert.equal(enrolled.length, 1);
});

test('other events are none of its business, and stopping stops the asking', async () => {
  const { clock, sent, enrolment } = await asking();
  for (const name of ['device_v1', 'zone_presence', 'pair_request', 'device_revoked']) {
    assert.equal(await enrolment.offer(v1.records[name].event), null, name);
  }
  await enrolment.stop();
  await clock.advance(60_000);
  assert.equal(sent.length, 2);
});
