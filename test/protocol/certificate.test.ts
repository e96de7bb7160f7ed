import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { finalizeEvent, verifyEvent } from 'nostr-tools/pure';
import { toHex } from '../../src/bytes/index.ts';
import { nobleHashes, schnorrPublicKey } from '../../src/crypto/index.ts';
import { SeededRandom } from '../../src/platform/index.ts';
import {
  CERTIFICATE_LIFE_S,
  type CertificateExpectation,
  type CertificateReason,
  signCertificate,
  unsignedCertificate,
  verifyCertificate,
} from '../../src/protocol/certificate.ts';
import type { DeviceKey } from '../../src/protocol/ids.ts';

const NOW_S = 1_795_000_000;
const random = new SeededRandom(41);
const secretKey = random.bytes(32);
const author = toHex(schnorrPublicKey(secretKey)) as DeviceKey;
const nodeId = toHex(schnorrPublicKey(random.bytes(32))) as DeviceKey;
const channelKey = random.bytes(32);
const claim = { role: 'client', channelKey, node: nodeId, createdAtS: NOW_S - 60, expiresAtS: NOW_S + 86_400 } as const;
const expected: CertificateExpectation = { role: 'client', channelKey, node: nodeId, now: NOW_S * 1000 };
const text = signCertificate(nobleHashes, secretKey, claim, random.bytes(32));

interface Event {
  id: string;
  pubkey: string;
  created_at: number;
  kind: number;
  tags: string[][];
  content: string;
  sig: string;
}
const event = JSON.parse(text) as Event;

const verify = (certificate: unknown, change: Partial<CertificateExpectation> = {}) =>
  verifyCertificate(nobleHashes, certificate, { ...expected, ...change });

/** The same claim signed by nostr-tools, with changes. */
function signed(change: { tags?: string[][]; created_at?: number; kind?: number; content?: string }): Event {
  const { created_at, kind, tags, content } = { ...event, ...change };
  return JSON.parse(JSON.stringify(finalizeEvent({ created_at, kind, tags, content }, secretKey)));
}

function tagged(name: string, value: string): string[][] {
  return event.tags.map((tag) => (tag[0] === name ? [name, value] : tag));
}

test('nostr-tools accepts what is signed here, and what it signs is accepted here', () => {
  assert.equal(verifyEvent({ ...event }), true);
  assert.deepEqual(verify(text), { claim: { author, ...claim } });
  assert.deepEqual(verify(event), { claim: { author, ...claim } });
  assert.deepEqual(verify(signed({})), { claim: { author, ...claim } });
  assert.deepEqual(verify(signed({ tags: [...event.tags].reverse().concat([['client', 'some signer']]) })), {
    claim: { author, ...claim },
  });
  const { event: unsigned, digest } = unsignedCertificate(nobleHashes, { author, ...claim });
  const { id, pubkey } = signed({});
  assert.deepEqual([toHex(digest), unsigned.pubkey], [id, pubkey]);
});

test('a node certifies itself', () => {
  const nodeClaim = { ...claim, role: 'node', node: author } as const;
  const own = signCertificate(nobleHashes, secretKey, nodeClaim, random.bytes(32));
  assert.deepEqual(verify(own, { role: 'node', node: author }), { claim: { author, ...nodeClaim } });
  const other = signCertificate(nobleHashes, secretKey, { ...nodeClaim, node: nodeId }, random.bytes(32));
  assert.deepEqual(verify(other, { role: 'node' }), { reason: 'node' });
});

test('each rule refuses with its own reason', () => {
  const table: [CertificateReason, unknown, Partial<CertificateExpectation>?][] = [
    ['size', `${text}${' '.repeat(2048)}`],
    ['size', undefined],
    ['shape', 'no JSON'],
    ['shape', null],
    ['shape', []],
    ['shape', { ...event, id: event.id.toUpperCase() }],
    ['shape', { ...event, pubkey: event.pubkey.slice(2) }],
    ['shape', { ...event, sig: `${event.sig}00` }],
    ['shape', { ...event, created_at: 1.5 }],
    ['shape', { ...event, created_at: -1 }],
    ['shape', { ...event, created_at: '1' }],
    ['shape', signed({ kind: 27421 })],
    ['shape', signed({ content: 'x' })],
    ['shape', { ...event, tags: 'none' }],
    ['shape', { ...event, tags: [...event.tags, ['x']] }],
    ['shape', { ...event, tags: [...event.tags, ['x', 'a', 'b', 'c', 'd']] }],
    ['shape', { ...event, tags: [...event.tags, ['x', 'ü']] }],
    ['shape', { ...event, tags: [...event.tags, ['x', 'y'.repeat(129)]] }],
    ['shape', { ...event, tags: [...event.tags, ...Array.from({ length: 12 }, () => ['x', 'y'])] }],
    ...['p', 'x25519', 'v', 'expiration', 'role'].flatMap((name): [CertificateReason, unknown][] => [
      [name === 'role' ? 'role' : 'shape', signed({ tags: event.tags.filter((tag) => tag[0] !== name) })],
      [
        name === 'role' ? 'role' : 'shape',
        signed({ tags: [...event.tags, event.tags.find((tag) => tag[0] === name)!] }),
      ],
    ]),
    ['shape', signed({ tags: tagged('expiration', '01795086400') })],
    ['shape', signed({ tags: tagged('expiration', '1e10') })],
    ['shape', signed({ tags: tagged('x25519', toHex(channelKey).toUpperCase()) })],
    ['role', event, { role: 'node' }],
    ['role', signed({ tags: tagged('role', 'owner') })],
    ['version', signed({ tags: tagged('v', '1') })],
    ['key', event, { channelKey: random.bytes(32) }],
    ['node', event, { node: author }],
    ['expired', event, { now: (NOW_S + 86_400) * 1000 }],
    ['expired', signed({ tags: tagged('expiration', String(NOW_S - 61)) })],
    ['expired', signed({ tags: tagged('expiration', String(NOW_S - 60 + CERTIFICATE_LIFE_S + 1)) })],
    ['id', { ...signed({}), id: '0'.repeat(64) }],
    ['id', { ...event, created_at: event.created_at + 1 }],
    ['id', { ...event, pubkey: nodeId }],
    ['signature', { ...event, sig: signed({ created_at: NOW_S }).sig }],
  ];
  for (const [reason, certificate, change] of table) {
    assert.deepEqual(verify(certificate, change), { reason }, JSON.stringify(certificate)?.slice(0, 300));
  }
});

test('a node without a clock still knows its owner, up to the last second of a certificate', () => {
  for (const now of [0, (NOW_S - 3600) * 1000, (NOW_S + 86_399) * 1000]) assert.ok('claim' in verify(text, { now }));
});

test('a verified id is remembered and its signature not computed again', () => {
  const verified = new Set<string>();
  assert.ok('claim' in verify(text, { verified }));
  assert.deepEqual([...verified], [event.id]);
  const broken = { ...event, sig: '0'.repeat(128) };
  assert.ok('claim' in verify(broken, { verified }), 'the id stands for the whole statement');
  assert.deepEqual(verify(broken, { verified: new Set() }), { reason: 'signature' });
});

test('any changed character is refused', () => {
  let refused = 0;
  for (let at = 0; at < text.length; at++) {
    const other = text[at] === 'a' ? 'b' : 'a';
    const result = verify(text.slice(0, at) + other + text.slice(at + 1));
    assert.ok('reason' in result, `character ${at}`);
    refused++;
  }
  assert.equal(refused, text.length);
  for (let length = 0; length < text.length; length++) assert.ok('reason' in verify(text.slice(0, length)));
});

test('verifying is total', () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => 'reason' in verify(value)));
  fc.assert(fc.property(fc.string(), (value) => 'reason' in verify(value)));
  const shape = fc.record({
    id: fc.constant(event.id),
    pubkey: fc.constant(event.pubkey),
    created_at: fc.oneof(fc.constant(event.created_at), fc.integer()),
    kind: fc.constant(27420),
    tags: fc.oneof(fc.constant(event.tags), fc.array(fc.array(fc.string()))),
    content: fc.constant(''),
    sig: fc.oneof(fc.constant(event.sig), fc.string()),
  });
  fc.assert(
    fc.property(shape, (value) => {
      const same = JSON.stringify(value) === JSON.stringify(event) || value.created_at === event.created_at;
      return same || 'reason' in verify(value);
    }),
  );
});
