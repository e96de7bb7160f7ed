import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { finalizeEvent, verifyEvent as verifyElsewhere } from 'nostr-tools/pure';
import { fromHex, fromUtf8, toHex, utf8 } from '../../src/bytes/index.ts';
import { schnorrPublicKey } from '../../src/crypto/index.ts';
import { SeededRandom } from '../../src/platform/index.ts';
import { createNodeSuite } from '../../src/platform/node/index.ts';
import {
  EVENT_LIMITS,
  eventDigest,
  eventOf,
  type SignedEvent,
  signEvent,
  tagValues,
  verifyEvent,
  writeEvent,
} from '../../src/protocol/index.ts';
import { MUTATIONS, mutations } from './swarm-mutations.ts';
import { vectors } from './swarm-vectors.ts';

const { hashes } = createNodeSuite();
const random = new SeededRandom(17);
const secret = random.bytes(32);

test('events of the vectors are hashed, signed and written byte for byte', () => {
  const all = [...vectors.events, ...Object.values(vectors.records)];
  assert.ok(all.length >= 12);
  for (const { name, secretKey, auxRand, serialized, event, eventJson } of all) {
    assert.equal(toHex(hashes.sha256(utf8(serialized))), event.id, name);
    assert.equal(toHex(eventDigest(hashes, event)), event.id, name);
    const signed = signEvent(hashes, fromHex(secretKey)!, event, fromHex(auxRand)!);
    assert.deepEqual(signed, event, name);
    assert.equal(writeEvent(signed), eventJson, name);
    assert.deepEqual(eventOf(JSON.parse(eventJson)), event, name);
    assert.equal(verifyEvent(hashes, event), true, name);
  }
});

test('nostr-tools accepts what is signed here, and what it signs is accepted here', () => {
  const awkward = {
    created_at: 1_795_000_000,
    kind: 1,
    tags: [['t', 'ü "q" \\ \u2028'], ['solo']],
    content: '\b\u0001/📷',
  };
  assert.equal(verifyElsewhere({ ...signEvent(hashes, secret, awkward, random.bytes(32)) }), true);
  const theirs = JSON.parse(JSON.stringify(finalizeEvent({ ...awkward, tags: awkward.tags }, secret)));
  const read = eventOf(theirs);
  assert.ok(read && verifyEvent(hashes, read));
  assert.equal(read.pubkey, toHex(schnorrPublicKey(secret)));
});

test('every field of an event has a form and a bound', () => {
  const good = vectors.events[0]!.event as unknown as Record<string, unknown>;
  const sig = good['sig'] as string;
  const broken: [string, unknown][] = [
    ['id', undefined],
    ['id', (good['id'] as string).toUpperCase()],
    ['id', `${(good['id'] as string).slice(2)}`],
    ['pubkey', (good['pubkey'] as string).replace(/[a-f]/, (each) => each.toUpperCase())],
    ['sig', sig.slice(2)],
    ['sig', `${sig.slice(0, 125)}é`],
    ['created_at', '1772200000'],
    ['created_at', -1],
    ['created_at', 1.5],
    ['created_at', 2 ** 53],
    ['kind', 2 ** 32],
    ['kind', null],
    ['tags', [['t', 1]]],
    ['tags', ['t']],
    ['tags', {}],
    ['tags', Array.from({ length: EVENT_LIMITS.tags + 1 }, () => ['t'])],
    ['tags', [Array.from({ length: EVENT_LIMITS.tagTexts + 1 }, () => 't')]],
    ['tags', [['t', 'x'.repeat(EVENT_LIMITS.tagText + 1)]]],
    ['tags', [['t', '\ud800']]],
    ['content', 7],
    ['content', '\udc00'],
    ['content', 'x'.repeat(EVENT_LIMITS.content + 1)],
  ];
  assert.ok(eventOf({ ...good, extra: 1 }));
  for (const [field, value] of broken) assert.equal(eventOf({ ...good, [field]: value }), null, `${field} ${value}`);
  for (const value of [null, undefined, 7, 'x', [], [good]]) assert.equal(eventOf(value), null);
});

test('a change of any field of a signed event is noticed', () => {
  const event = signEvent(
    hashes,
    secret,
    { created_at: 5, kind: 1, tags: [['t', 'x']], content: '{}' },
    random.bytes(32),
  );
  const other = toHex(schnorrPublicKey(random.bytes(32)));
  const changes: Partial<Record<keyof SignedEvent, unknown>>[] = [
    { created_at: 6 },
    { kind: 2 },
    { tags: [['t', 'y']] },
    { tags: [['t'], ['x']] },
    { content: '{} ' },
    { pubkey: other },
    { id: `${'0'.repeat(63)}1` },
    { sig: `${event.sig.slice(0, 126)}00` },
  ];
  for (const change of changes) assert.equal(verifyEvent(hashes, { ...event, ...change } as SignedEvent), false);
});

test('any JSON value is an event or none, and nothing throws', () => {
  fc.assert(
    fc.property(fc.anything(), fc.anything(), (wild, other) => {
      const read = eventOf(wild);
      assert.ok(read === null || read.tags.length <= EVENT_LIMITS.tags);
      assert.equal(eventOf({ ...vectors.events[0]!.event, tags: other, content: wild }) === null, !isFine(other, wild));
    }),
    { numRuns: 500 },
  );
  const seeds = Object.values(vectors.records).map((each) => utf8(each.eventJson));
  let read = 0;
  for (const bytes of mutations(seeds, MUTATIONS, 3)) {
    const text = fromUtf8(bytes);
    try {
      if (text !== null && eventOf(JSON.parse(text))) read++;
    } catch (error) {
      assert.ok(error instanceof SyntaxError);
    }
  }
  assert.ok(read > 0 && read < MUTATIONS);
});

test('values of a tag are the second texts of the tags of that name', () => {
  const tags = [['z', 'a'], ['t', 'b'], ['z'], ['z', 'c', 'd']];
  assert.deepEqual(tagValues({ tags }, 'z'), ['a', 'c']);
  assert.deepEqual(tagValues({ tags }, 'x'), []);
});

function isFine(tags: unknown, content: unknown): boolean {
  if (typeof content !== 'string' || !content.isWellFormed() || content.length > EVENT_LIMITS.content) return false;
  if (!Array.isArray(tags) || tags.length > EVENT_LIMITS.tags) return false;
  return Array.from(tags).every((tag) => {
    if (!Array.isArray(tag) || tag.length > EVENT_LIMITS.tagTexts) return false;
    return Array.from(tag).every(
      (text) => typeof text === 'string' && text.length <= EVENT_LIMITS.tagText && text.isWellFormed(),
    );
  });
}
