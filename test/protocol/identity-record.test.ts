import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { toHex } from '../../src/bytes/index.ts';
import { nobleHashes, schnorrPublicKey } from '../../src/crypto/index.ts';
import { SeededRandom } from '../../src/platform/index.ts';
import {
  type DeviceKey,
  eventOf,
  IDENTITY_DEVICES_MAX,
  IDENTITY_RECORD_AHEAD_MS,
  type IdentityStatement,
  identityRecordEvent,
  identityStatementOf,
  isLabel,
  type SignedEvent,
  signEvent,
  type UnsignedEvent,
  UPKEEP_FRESH_MS,
  type Upkeep,
  upkeepEvent,
  upkeepOf,
  verifyEvent,
  writeEvent,
} from '../../src/protocol/index.ts';

const vectors = JSON.parse(readFileSync(join(import.meta.dirname, '../vectors/vectors-v1.json'), 'utf8'));
const NOW = 1_795_000_000_000;
const runs = process.env['SLOW'] ? 50_000 : 3_000;
const key = (octet: number) => octet.toString(16).padStart(2, '0').repeat(32) as DeviceKey;
const secret = new Uint8Array(32).fill(9);
const author = toHex(schnorrPublicKey(secret)) as DeviceKey;
const home: IdentityStatement = {
  identityId: 'id-b64urlExample012',
  label: 'Home',
  devices: [author, key(2)],
  updatedAt: NOW,
};
const revoked: Upkeep = { type: 'device_revoked', identity: 'Home', device: key(2) };

/** An event without a good signature: reading looks at none. */
function plain(event: UnsignedEvent, change: Partial<SignedEvent> = {}): SignedEvent {
  return { ...event, id: key(1), pubkey: author, sig: '0'.repeat(128), ...change };
}

test('the published records of the contract are understood, byte for byte', () => {
  const { event, eventJson } = vectors.records.identity;
  const taken = eventOf(JSON.parse(eventJson))!;
  assert.deepEqual(taken, event);
  assert.equal(verifyEvent(nobleHashes, taken), true);
  const read = identityStatementOf(taken, event.created_at * 1000);
  assert.ok('statement' in read);
  const { statement } = read;
  assert.equal(statement.identityId, 'id-b64urlExample012');
  assert.equal(identityRecordEvent(statement, 'web-dev').content, event.content, 'and written the same');

  const away = vectors.records.device_revoked.event as SignedEvent;
  const heard = upkeepOf(eventOf(away)!, away.created_at * 1000);
  assert.ok('upkeep' in heard);
  const again = upkeepEvent(heard.upkeep, away.created_at * 1000);
  assert.deepEqual([again.content, again.tags, again.kind], [away.content, away.tags, away.kind]);
});

test('what is written is read as it was', () => {
  const label = fc.string({ minLength: 1, maxLength: 64, unit: 'grapheme' }).filter(isLabel);
  const device = fc.integer({ min: 1, max: 255 }).map(key);
  fc.assert(
    fc.property(label, fc.uniqueArray(device, { maxLength: 20 }), fc.nat(1e6), (name, others, ago) => {
      const devices = [author, ...others];
      const statement = { ...home, label: name, devices, updatedAt: NOW - ago };
      assert.deepEqual(identityStatementOf(plain(identityRecordEvent(statement, 'x')), NOW), { statement });
    }),
    { numRuns: 300 },
  );
  const anyUpkeep: fc.Arbitrary<Upkeep> = fc.oneof(
    fc.record({ type: fc.constantFrom('device_revoked', 'device_blocked'), identity: label, device }),
    fc.record({ type: fc.constant('device_label_update' as const), identity: label, device, label }),
    fc.record({ type: fc.constant('identity_label_update' as const), identity: label, label }),
  ) as fc.Arbitrary<Upkeep>;
  fc.assert(
    fc.property(anyUpkeep, (upkeep) => {
      assert.deepEqual(upkeepOf(plain(upkeepEvent(upkeep, NOW)), NOW), { upkeep: { ...upkeep } });
    }),
    { numRuns: 300 },
  );
});

test('an identity record is refused for each thing that is wrong with it', () => {
  const reason = (change: Partial<IdentityStatement>, event: Partial<SignedEvent> = {}, now = NOW) => {
    const read = identityStatementOf(plain(identityRecordEvent({ ...home, ...change }, 'x'), event), now);
    return 'reason' in read ? read.reason : 'taken';
  };
  const many = Array.from({ length: IDENTITY_DEVICES_MAX }, (_, i) => key(i + 1));
  assert.equal(reason({}), 'taken');
  assert.equal(reason({}, { kind: 1 }), 'kind');
  assert.equal(reason({}, { tags: [['type', 'identity']] }), 'topic');
  assert.equal(reason({}, { tags: [['t', 'swarm_discovery']] }), 'type');
  assert.equal(reason({ devices: [key(2)] }), 'author', 'its author is not in its list');
  assert.equal(reason({ devices: [author, ...many] }), 'identity', 'more devices than we keep');
  assert.equal(reason({ devices: [author, author] }), 'identity', 'a device twice');
  assert.equal(reason({ devices: [author, author.toUpperCase() as DeviceKey] }), 'content', 'an upper-case key');
  for (const identityId of ['id-short', 'id-b64urlExample012x', 'xx-b64urlExample012', 'id-b64urlExampl e12']) {
    assert.equal(reason({ identityId }), 'identity', identityId);
  }
  for (const label of ['', ' Home', 'Ho\u202eme', 'x'.repeat(65), 'Ho\u0000me']) {
    assert.equal(reason({ label }), 'identity', JSON.stringify(label));
  }
  assert.equal(reason({ updatedAt: NOW + IDENTITY_RECORD_AHEAD_MS }), 'taken');
  assert.equal(
    reason({ updatedAt: NOW + IDENTITY_RECORD_AHEAD_MS + 1 }),
    'future',
    'one from far ahead shuts out the next',
  );
  assert.equal(reason({}, {}, NOW + 90_000_000), 'stale');
  assert.equal(reason({}, { content: '[]' }), 'content');
});

test('an upkeep event is refused for each thing that is wrong with it', () => {
  const reason = (upkeep: Upkeep, event: Partial<SignedEvent> = {}, now = NOW) => {
    const read = upkeepOf(plain(upkeepEvent(upkeep, NOW), event), now);
    return 'reason' in read ? read.reason : 'taken';
  };
  const content = (fields: object) => ({ content: JSON.stringify(fields) });
  const { past, ahead } = UPKEEP_FRESH_MS;
  assert.equal(reason(revoked), 'taken');
  assert.equal(reason(revoked, {}, NOW + past), 'taken');
  assert.equal(reason(revoked, {}, NOW + past + 1_000), 'stale');
  assert.equal(reason(revoked, {}, NOW - ahead), 'taken');
  assert.equal(reason(revoked, {}, NOW - ahead - 1_000), 'future');
  assert.equal(reason(revoked, { kind: 30_078 }), 'kind');
  assert.equal(reason(revoked, { tags: [['i', 'Home']] }), 'topic');
  assert.equal(reason(revoked, { tags: [['t', 'constitute']] }), 'identity', 'no tag that binds it');
  const two = [
    ['t', 'constitute'],
    ['i', 'Home'],
    ['i', 'Work'],
  ];
  assert.equal(reason(revoked, { tags: two }), 'identity', 'two tags');
  assert.equal(
    reason(revoked, {
      tags: [
        ['t', 'constitute'],
        ['i', 'Work'],
      ],
    }),
    'identity',
    'another label in the tag',
  );
  assert.equal(reason({ ...revoked, device: 'AB'.repeat(32) as DeviceKey }), 'content', 'an upper-case key');
  assert.equal(reason(revoked, content({ type: 'device_unblocked', identity: 'Home', targetPk: key(2) })), 'type');
  assert.equal(reason(revoked, content({ type: 'toString', identity: 'Home' })), 'type');
  assert.equal(reason(revoked, content({ type: 'device_revoked', identity: 'Home' })), 'content');
  assert.equal(
    reason(revoked, content({ type: 'device_revoked', identity: 'Home', targetPk: key(2), ts: 5, ttl: 9 })),
    'stale',
  );
  const named = { type: 'device_label_update', identity: 'Home', device: key(2) } as const;
  assert.equal(reason({ ...named, label: 'Desk' }), 'taken');
  for (const label of ['', 'a\u202eb', ' a'])
    assert.equal(reason({ ...named, label }), 'content', JSON.stringify(label));
  assert.equal(reason({ type: 'identity_label_update', identity: 'Home', label: 'x'.repeat(65) }), 'content');
});

test('whatever bytes come, there is a statement or a reason, and no changed text keeps its signature', () => {
  const random = new SeededRandom(4);
  const texts = [identityRecordEvent(home, 'x'), upkeepEvent(revoked, NOW)].map((event) =>
    writeEvent(signEvent(nobleHashes, secret, event, new Uint8Array(32))),
  );
  let verified = 0;
  for (let i = 0; i < runs; i++) {
    const text = texts[i % 2]!;
    const at = random.below(text.length);
    const letter = String.fromCharCode(32 + random.below(95));
    const changed = i % 7 === 0 ? text.slice(0, at) : text.slice(0, at) + letter + text.slice(at + 1);
    const event = parsed(changed);
    if (!event || changed === text) continue;
    const reads = [identityStatementOf(event, NOW), upkeepOf(event, NOW)];
    if (reads.every((read) => 'reason' in read) || writeEvent(event) === text || verified++ > 100) continue;
    assert.equal(verifyEvent(nobleHashes, event), false, changed);
  }
  assert.ok(verified > 20);
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom('identity', 'device'), (content, type) => {
      const tags = [
        ['t', 'swarm_discovery'],
        ['t', 'constitute'],
        ['type', type],
        ['i', 'Home'],
      ];
      const event = plain({ created_at: NOW / 1000, kind: 30_078, tags, content: JSON.stringify(content) });
      assert.ok('reason' in identityStatementOf(event, NOW));
      assert.ok('reason' in upkeepOf({ ...event, kind: 1 }, NOW));
    }),
    { numRuns: 500 },
  );
});

function parsed(text: string): SignedEvent | null {
  try {
    return eventOf(JSON.parse(text));
  } catch (error) {
    assert.ok(error instanceof SyntaxError);
    return null;
  }
}
