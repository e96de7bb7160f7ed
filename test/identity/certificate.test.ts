import assert from 'node:assert/strict';
import { test } from 'node:test';
import { verifyEvent } from 'nostr-tools/pure';
import { toHex } from '../../src/bytes/index.ts';
import { verifyCertificate } from '../../src/protocol/index.ts';
import { world } from './fake-device.ts';

const DAY = 86_400_000;

test('the certificate is a nostr event of the node over its channel key', async () => {
  const { program, clock, suite } = world();
  const identity = program();
  await identity.start();
  const event = JSON.parse(identity.certificate());
  assert.ok(verifyEvent({ ...event }));
  assert.equal(event.kind, 27420);
  assert.equal(event.pubkey, identity.nodeId);
  assert.equal(event.created_at, Math.floor(clock.now() / 1000));
  assert.deepEqual(Object.fromEntries(event.tags), {
    p: identity.nodeId,
    x25519: toHex(identity.channelKey.publicKey),
    v: '2',
    expiration: String(event.created_at + 30 * 86_400),
    role: 'node',
  });
  const expected = {
    role: 'node' as const,
    channelKey: identity.channelKey.publicKey,
    node: identity.nodeId,
    now: clock.now(),
  };
  assert.ok('claim' in verifyCertificate(suite.hashes, identity.certificate(), expected));
  assert.ok(identity.certificate().length < 2_048 - 100, 'it fits a handshake payload');
});

test('it is signed anew when half of its life is over, and when the clock was set back', async () => {
  const { program, clock } = world();
  const identity = program();
  await identity.start();
  const first = identity.certificate();
  clock.step(14 * DAY);
  assert.equal(identity.certificate(), first);
  clock.step(2 * DAY);
  const second = identity.certificate();
  assert.notEqual(second, first);
  clock.step(-200 * DAY);
  const third = JSON.parse(identity.certificate());
  assert.equal(third.created_at, Math.floor(clock.now() / 1000));
  clock.step(500 * DAY);
  assert.equal(JSON.parse(identity.certificate()).created_at, Math.floor(clock.now() / 1000));
});
