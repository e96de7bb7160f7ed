import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { REKEY_LIMITS, ReceiveCredit, RekeyMeter, SendCredit, STREAM_CREDIT } from '../../src/protocol/flow.ts';
import { CREDIT_MAX } from '../../src/protocol/frame.ts';

test('sender and receiver agree on credit whatever is sent and read, and nobody waits for ever', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(70_000), fc.nat(100_000)), { maxLength: 200 }), (steps) => {
      const sender = new SendCredit(STREAM_CREDIT);
      const receiver = new ReceiveCredit(STREAM_CREDIT);
      let unread = 0;
      for (const [wish, read] of steps) {
        const bytes = Math.min(wish, sender.left);
        sender.spend(bytes);
        assert.ok(receiver.receive(bytes));
        unread += bytes;
        const taken = Math.min(read, unread);
        unread -= taken;
        const due = receiver.release(taken);
        if (due > 0) assert.ok(sender.grant(due));
        assert.ok(sender.left + unread <= STREAM_CREDIT, 'unread bytes stay within the window');
        // Everything read: more than half of the window is free, enough for the largest frame.
        if (unread === 0) assert.ok(sender.left > STREAM_CREDIT / 2);
      }
    }),
  );
});

test('sending beyond credit asserts, receiving beyond it and granting too much are told', () => {
  const sender = new SendCredit(10);
  assert.throws(() => sender.spend(11), { code: 'ERR_INTERNAL_ASSERTION' });
  assert.equal(sender.grant(CREDIT_MAX - 10), true);
  assert.equal(sender.grant(1), false);
  const receiver = new ReceiveCredit(10);
  assert.equal(receiver.receive(10), true);
  assert.equal(receiver.receive(1), false);
});

test('a key is due at 2^20 frames, 1 GiB or ten minutes, whichever comes first', () => {
  const { frames, bytes, ageMs } = REKEY_LIMITS;
  assert.deepEqual([frames, bytes, ageMs], [2 ** 20, 2 ** 30, 600_000]);
  const meter = () => {
    const made = new RekeyMeter(REKEY_LIMITS, 1000);
    made.count(1);
    return made;
  };
  const byFrames = meter();
  for (let i = 1; i < frames - 2; i++) byFrames.count(0);
  assert.equal(byFrames.isDue(1, 1000), false);
  byFrames.count(0);
  assert.equal(byFrames.isDue(1, 1000), true, 'the last frame of a key is REKEY itself');
  const byBytes = meter();
  byBytes.count(bytes - 1001);
  assert.equal(byBytes.isDue(1000, 1000), false);
  assert.equal(byBytes.isDue(1001, 1000), true);
  const byAge = meter();
  assert.equal(byAge.isDue(1, 1000 + ageMs - 1), false);
  assert.equal(byAge.isDue(1, 1000 + ageMs), true);
  byAge.restart(5000 + ageMs);
  assert.equal(byAge.isDue(1, 5000 + 2 * ageMs), false, 'an unused key is not stepped');
});
