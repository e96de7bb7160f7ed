import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CryptoSuite } from '../../src/crypto/index.ts';
import { SeededRandom } from '../../src/platform/index.ts';
import type { RekeyLimits } from '../../src/protocol/flow.ts';
import { FRAME, type Frame } from '../../src/protocol/frame.ts';
import { FrameOpener, FrameSealer } from '../../src/protocol/frame-sealer.ts';
import { NoiseCipher } from '../../src/protocol/noise-cipher.ts';
import { node, suites } from './handshake-cast.ts';

const FAR: RekeyLimits = { frames: 1e9, bytes: 1e15, ageMs: 1e9 };
const EMPTY = new Uint8Array(0);

async function cipher(suite: CryptoSuite = node, fill = 1): Promise<NoiseCipher> {
  return new NoiseCipher(suite, await suite.aead.key(new Uint8Array(32).fill(fill)));
}

async function pair(limits = FAR, suite: CryptoSuite = node, other = suite) {
  return {
    sealer: new FrameSealer(await cipher(suite), limits, 0),
    opener: new FrameOpener(await cipher(other), 'node'),
  };
}

test('frames pass from every suite to every other, across many rekeys', async () => {
  const random = new SeededRandom(81);
  for (const ours of suites) {
    for (const theirs of suites) {
      const { sealer, opener } = await pair({ ...FAR, frames: 5 }, ours, theirs);
      let rekeys = 0;
      for (let i = 0; i < 40; i++) {
        const body = random.bytes(1 + random.below(300));
        const messages = await sealer.seal(FRAME.data, 1, 1, body, 0);
        for (const message of messages.slice(0, -1)) {
          assert.equal((await opener.open(message))?.type, FRAME.rekey);
          rekeys++;
        }
        assert.deepEqual((await opener.open(messages.at(-1)!))?.body, body);
      }
      assert.equal(rekeys, 9, 'every fifth frame of a key is its last');
    }
  }
});

test('REKEY comes exactly where a limit is met', async () => {
  const counted = async (limits: Partial<RekeyLimits>, sizes: number[], times: number[] = []) => {
    const { sealer, opener } = await pair({ ...FAR, ...limits });
    const counts: number[] = [];
    for (const [i, size] of sizes.entries()) {
      const messages = await sealer.seal(FRAME.data, 1, 1, new Uint8Array(size), times[i] ?? 0);
      for (const message of messages) assert.ok(await opener.open(message));
      counts.push(messages.length);
    }
    return counts;
  };
  assert.deepEqual(await counted({ frames: 3 }, [1, 1, 1, 1, 1]), [1, 1, 2, 1, 2]);
  // Plaintext is counted with its header: 108 bytes each.
  assert.deepEqual(await counted({ bytes: 250 }, [100, 100, 100, 100]), [1, 1, 2, 1]);
  assert.deepEqual(await counted({ ageMs: 10 }, [1, 1, 1, 1], [0, 9, 10, 19]), [1, 1, 2, 1]);
});

test('a message that is changed, cut, repeated, reordered, reflected or of another channel opens nothing', async () => {
  const sealer = new FrameSealer(await cipher(), FAR, 0);
  const [first] = await sealer.seal(FRAME.data, 1, 1, new Uint8Array(50), 0);
  const [second] = await sealer.seal(FRAME.end, 0, 1, new Uint8Array(8), 0);
  const opener = async () => new FrameOpener(await cipher(), 'node');
  for (let at = 0; at < first!.length; at++) {
    const changed = first!.slice();
    changed[at]! ^= 0x40;
    assert.equal(await (await opener()).open(changed), null, `byte ${at}`);
    assert.equal(await (await opener()).open(first!.subarray(0, at)), null, `cut at ${at}`);
  }
  assert.equal(await (await opener()).open(second!), null, 'reordered');
  const used = await opener();
  assert.ok(await used.open(first!));
  assert.equal(await used.open(first!), null, 'repeated');
  assert.equal(await new FrameOpener(await cipher(node, 2), 'node').open(first!), null, 'of another channel');
  const reflected = new FrameOpener(await cipher(), 'client');
  assert.equal(await reflected.open(first!), null, 'even under the same key a client sends no DATA');
  assert.equal(await (await opener()).open(EMPTY), null);
});

test('after REKEY the old key opens nothing', async () => {
  const { sealer, opener } = await pair({ ...FAR, frames: 2 });
  const stale = new FrameOpener(await cipher(), 'node');
  const all = [...(await sealer.seal(FRAME.data, 1, 1, EMPTY, 0)), ...(await sealer.seal(FRAME.data, 1, 1, EMPTY, 0))];
  assert.equal(all.length, 3);
  const types: (Frame | null)[] = [];
  for (const message of all) types.push(await opener.open(message));
  assert.deepEqual(
    types.map((frame) => frame?.type),
    [FRAME.data, FRAME.rekey, FRAME.data],
  );
  await stale.open(all[0]!);
  assert.equal(await stale.open(all[2]!), null, 'skipping REKEY leads nowhere');
});

test('messages can be sealed into places that come back', async () => {
  const place = new Uint8Array(70_000);
  const sealer = new FrameSealer(await cipher(), FAR, 0, (length) => place.subarray(0, length));
  const opener = new FrameOpener(await cipher(), 'node');
  const random = new SeededRandom(91);
  for (let i = 0; i < 50; i++) {
    const body = random.bytes(random.below(65_504));
    const [message] = await sealer.seal(FRAME.data, 1, 1, body, 0);
    assert.equal(message!.buffer, place.buffer);
    assert.deepEqual((await opener.open(message!))?.body, body);
  }
});
