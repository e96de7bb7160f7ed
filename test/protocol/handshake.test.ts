import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { fromHex, toHex, utf8 } from '../../src/bytes/index.ts';
import type { CryptoSuite } from '../../src/crypto/index.ts';
import { SeededRandom } from '../../src/platform/index.ts';
import type { ClientProof, HandshakeInitiator, HandshakeResponder } from '../../src/protocol/handshake.ts';
import { encodeHello, type HandshakeReason, HELLO_SIZE, parseHello } from '../../src/protocol/handshake-message.ts';
import { encodePayload, parsePayload } from '../../src/protocol/handshake-payload.ts';
import type { DeviceKey } from '../../src/protocol/ids.ts';
import { type Cast, castOf, node, scriptOf, suites } from './handshake-cast.ts';

const EMPTY = new Uint8Array(0);
/** Inside long sealed fields every byte is like its neighbour; `SLOW=1` changes each of them all the same. */
const STEP = process.env['SLOW'] ? 1 : 11;
const MUTATIONS = process.env['SLOW'] ? 5_000 : 200;

const casts = { 'a known device': castOf(scriptOf(1, false)), 'an invited device': castOf(scriptOf(2, true)) };

interface Played {
  initiator: HandshakeInitiator;
  responder: HandshakeResponder;
  hs1: Uint8Array<ArrayBuffer>;
  hs2: Uint8Array<ArrayBuffer>;
  hs3: Uint8Array<ArrayBuffer>;
  client: Awaited<ReturnType<HandshakeInitiator['finish']>>;
}

/** Plays a handshake up to HS3 written. */
async function play(cast: Cast, ours: CryptoSuite = node, theirs: CryptoSuite = node): Promise<Played> {
  const initiator = await cast.initiator(ours);
  const responder = await cast.responder(theirs);
  const hs1 = await initiator.hello();
  const hs2 = await responder.answer(hs1, cast.nodePayload);
  assert.ok(typeof hs2 !== 'string', `an answer, not ${hs2}`);
  const told = await initiator.readAnswer(hs2);
  assert.ok(typeof told !== 'string', `a payload, not ${told}`);
  assert.deepEqual(told.certificate, cast.nodePayload.certificate);
  const client = await initiator.finish(cast.clientPayload);
  return { initiator, responder, hs1, hs2, hs3: client.message, client };
}

async function finish(responder: HandshakeResponder, hs3: Uint8Array): Promise<ClientProof> {
  const proof = await responder.readFinish(hs3);
  assert.ok(typeof proof !== 'string', `a proof, not ${proof}`);
  return proof;
}

for (const [who, cast] of Object.entries(casts)) {
  test(`${who}: every suite finishes with every other, and both sides agree`, async () => {
    for (const ours of suites) {
      for (const theirs of suites) {
        const { responder, hs1, hs3, client } = await play(cast, ours, theirs);
        assert.equal(hs1.length, HELLO_SIZE);
        const proof = await finish(responder, hs3);
        assert.deepEqual(proof.remoteStatic, cast.clientKey.publicKey);
        assert.deepEqual(proof.payload, cast.clientPayload);
        assert.deepEqual(proof.keys.hash, client.keys.hash);
        const sealed = await client.keys.send.seal(utf8('to the node'));
        assert.deepEqual(await proof.keys.receive.open(sealed), utf8('to the node'));
        assert.equal(await client.keys.receive.open(sealed), null, 'a reflected message opens nowhere');
      }
    }
  });

  test(`${who}: any changed byte of HS1, HS2 or HS3 is refused`, async () => {
    const random = new SeededRandom(11);
    const change = (message: Uint8Array<ArrayBuffer>, at: number) => {
      const changed = message.slice();
      changed[at]! ^= 1 << random.below(8);
      return changed;
    };
    const { hs1, hs2, hs3 } = await play(cast);
    const refused = new Set<string>();
    for (let at = 0; at < hs1.length; at++) {
      const answer = await (await cast.responder()).answer(change(hs1, at), cast.nodePayload);
      assert.equal(typeof answer, 'string', `HS1 byte ${at}`);
      refused.add(answer as HandshakeReason);
    }
    assert.deepEqual(
      [...refused].sort(),
      ['flags', 'mac', 'suite', 'type', 'version', ...(cast.clientPayload.pairing ? [] : ['hint'])].sort(),
    );
    for (let at = 0; at < hs2.length; at += at < 40 || at > hs2.length - 40 ? 1 : STEP) {
      const initiator = await cast.initiator();
      await initiator.hello();
      assert.match(String(await initiator.readAnswer(change(hs2, at))), /^(type|noise)$/, `HS2 byte ${at}`);
    }
    for (let at = 0; at < hs3.length; at += at < 70 || at > hs3.length - 40 ? 1 : STEP) {
      const responder = await cast.responder();
      await responder.answer(hs1, cast.nodePayload);
      assert.match(String(await responder.readFinish(change(hs3, at))), /^(type|noise)$/, `HS3 byte ${at}`);
    }
  });

  test(`${who}: any cut or lengthened message is refused`, async () => {
    const { hs1, hs2, hs3 } = await play(cast);
    const longer = (message: Uint8Array) => Uint8Array.of(...message, 0);
    for (let length = 0; length < hs1.length; length++) {
      assert.equal(await (await cast.responder()).answer(hs1.subarray(0, length), cast.nodePayload), 'length');
    }
    assert.equal(await (await cast.responder()).answer(longer(hs1), cast.nodePayload), 'length');
    for (let length = 0; length < hs2.length; length += length < 40 || length > 1140 ? 1 : 13) {
      const initiator = await cast.initiator();
      await initiator.hello();
      assert.match(String(await initiator.readAnswer(hs2.subarray(0, length))), /^(type|length|noise)$/);
    }
    for (let length = 0; length < hs3.length; length += length < 80 ? 1 : 17) {
      const responder = await cast.responder();
      await responder.answer(hs1, cast.nodePayload);
      assert.match(String(await responder.readFinish(hs3.subarray(0, length))), /^(type|length|noise)$/);
    }
    const { responder } = await play(cast);
    assert.equal(await responder.readFinish(longer(hs3)), 'noise');
    const huge = new Uint8Array(70_000).fill(3);
    assert.equal(await (await play(cast)).responder.readFinish(huge), 'length');
  });

  test(`${who}: what is negotiated in the open is bound, also when mac1 is made to fit`, async () => {
    const { hs1 } = await play(cast);
    const nodeId = fromHex(cast.nodeId)!;
    const noise = hs1.subarray(36);
    const hint = hs1.slice(4, 20);
    const answer = async (hello: Uint8Array) => (await cast.responder()).answer(hello, cast.nodePayload);
    if (cast.clientPayload.pairing) {
      const zero = new Uint8Array(16);
      assert.equal(await answer(encodeHello(node.hashes, nodeId, { suite: 1, hint: zero, noise })), 'noise');
      const other = hint.slice();
      other[0]! ^= 1;
      assert.equal(await answer(encodeHello(node.hashes, nodeId, { suite: 3, hint: other, noise })), 'invitation');
    } else {
      assert.equal(await answer(encodeHello(node.hashes, nodeId, { suite: 3, hint, noise })), 'invitation');
      const filled = new Uint8Array(16).fill(1);
      assert.equal(await answer(encodeHello(node.hashes, nodeId, { suite: 1, hint: filled, noise })), 'hint');
    }
    for (const [at, value, reason] of [
      [1, 1, 'version'],
      [1, 3, 'version'],
      [2, 2, 'suite'],
      [2, 4, 'suite'],
      [2, 5, 'suite'],
      [3, 1, 'flags'],
    ] as const) {
      const changed = hs1.slice();
      changed[at] = value;
      assert.equal(await answer(changed), reason);
    }
  });

  test(`${who}: replays and splices lead nowhere`, async () => {
    const first = await play(cast);
    await finish(first.responder, first.hs3);
    // Chance differs between sessions; the script would make them the same, so the second node draws its own.
    const fresh = async () => {
      const responder = await castOf({ ...scriptOf(1, false), ...scriptFor(who), ...freshNode() }).responder();
      const hs2 = await responder.answer(first.hs1, cast.nodePayload);
      assert.ok(typeof hs2 !== 'string', 'a replayed hello is answered');
      return { responder, hs2 };
    };
    const { responder, hs2 } = await fresh();
    assert.notDeepEqual(hs2, first.hs2);
    assert.equal(await responder.readFinish(first.hs3), 'noise', 'a replayed HS3');
    const other = await cast.initiator();
    await other.hello();
    assert.ok(typeof (await other.readAnswer(hs2)) !== 'string', 'the same ephemerals: it may answer the same hello');
    const stranger = await castOf({ ...scriptFor(who), clientEphemeral: 'ab'.repeat(32) }).initiator();
    await stranger.hello();
    assert.equal(await stranger.readAnswer(first.hs2), 'noise', 'HS2 of another session');
    const { responder: third } = await fresh();
    const { hs3 } = await play(castOf({ ...scriptFor(who), clientEphemeral: 'cd'.repeat(32) }));
    assert.equal(await third.readFinish(hs3), 'noise', 'HS3 of another session');
  });

  test(`${who}: seeded mutations of every message end in a reason`, async () => {
    const random = new SeededRandom(23);
    const { hs1, hs2, hs3 } = await play(cast);
    for (let round = 0; round < MUTATIONS; round++) {
      const [message, which] = (
        [
          [hs1, 1],
          [hs2, 2],
          [hs3, 3],
        ] as const
      )[round % 3]!;
      const changed = mutate(message, random);
      if (toHex(changed) === toHex(message)) continue;
      if (which === 1) {
        const answer = await (await cast.responder()).answer(changed, cast.nodePayload);
        assert.equal(typeof answer, 'string');
      } else if (which === 2) {
        const initiator = await cast.initiator();
        await initiator.hello();
        assert.equal(typeof (await initiator.readAnswer(changed)), 'string');
      } else {
        const responder = await cast.responder();
        await responder.answer(hs1, cast.nodePayload);
        assert.equal(typeof (await responder.readFinish(changed)), 'string');
      }
    }
  });
}

test('a hello for another node, another static key or another secret is refused', async () => {
  const known = casts['a known device'];
  const other = castOf(scriptOf(77, false));
  const hello = async (cast: Cast, change: Parameters<Cast['initiator']>[1]) =>
    (await cast.initiator(node, change)).hello();
  const answer = async (cast: Cast, hs1: Uint8Array) => (await cast.responder()).answer(hs1, cast.nodePayload);
  assert.equal(await answer(known, await hello(known, { nodeId: other.nodeId })), 'mac');
  assert.equal(await answer(known, await hello(known, { nodeKey: other.nodeKey.publicKey })), 'noise');
  const invited = casts['an invited device'];
  assert.equal(await answer(invited, await hello(invited, { secret: new Uint8Array(16) })), 'noise');
  assert.equal(await answer(invited, await hello(castOf(scriptOf(3, true)), { nodeId: invited.nodeId })), 'invitation');
});

test('an unknown invitation is refused before any key agreement', async () => {
  const cast = casts['an invited device'];
  const { hs1 } = await play(cast);
  const { HandshakeResponder } = await import('../../src/protocol/handshake.ts');
  const counted = { ...node, x25519: { ...node.x25519, shared: () => assert.fail('no key agreement') } };
  const options = { nodeId: cast.nodeId, staticKey: cast.nodeKey, invitationSecret: () => null };
  assert.equal(await new HandshakeResponder(counted, options).answer(hs1, cast.nodePayload), 'invitation');
});

test('parsing a hello is total, and gives back what was encoded', () => {
  const nodeId = fromHex(casts['a known device'].nodeId as DeviceKey)!;
  fc.assert(
    fc.property(fc.constantFrom(1, 3), fc.uint8Array({ minLength: 1248, maxLength: 1248 }), (suite, noise) => {
      const hint = new Uint8Array(16).fill(suite === 3 ? 9 : 0);
      const hello = { suite: suite as 1 | 3, hint, noise };
      assert.deepEqual(parseHello(node.hashes, nodeId, encodeHello(node.hashes, nodeId, hello)), hello);
    }),
    { numRuns: 50 },
  );
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 2000 }),
      (bytes) => typeof parseHello(node.hashes, nodeId, bytes) === 'string',
    ),
  );
});

test('payloads: what was encoded comes back, everything else is null', () => {
  const certificate = casts['a known device'].clientPayload.certificate;
  const wrapKey = new SeededRandom(4).bytes(1216);
  const full = encodePayload({ certificate, pairing: { label: 'Küche', wrapKey } });
  assert.ok(full.length > 2048 && full.length <= 4096, `${full.length} bytes with an X-Wing key`);
  assert.deepEqual(parsePayload(full, true), { certificate, pairing: { label: 'Küche', wrapKey } });
  assert.deepEqual(parsePayload(encodePayload({ certificate }), false), { certificate });
  assert.deepEqual(parsePayload(encodePayload({ certificate: JSON.stringify(certificate) }), false), { certificate });
  const json = (value: unknown) => utf8(JSON.stringify(value));
  const text = 'A'.repeat(1622).slice(0, 1621);
  const good = { certificate, label: 'x', wrapKey: `${text}A`, extra: [1] };
  assert.ok(parsePayload(json(good), true));
  const wrong: [string, Uint8Array, boolean][] = [
    ['not JSON', utf8('{'), false],
    ['not UTF-8', Uint8Array.of(0x7b, 0xff, 0x7d), false],
    ['a list', json([certificate]), false],
    ['no certificate', json({}), false],
    ['a certificate of another kind', json({ certificate: 'text' }), false],
    ['too deep', utf8(`{"certificate":{},"x":${'['.repeat(20)}${']'.repeat(20)}}`), false],
    ['too long', utf8(`{"certificate":{}${' '.repeat(2048)}}`), false],
    ['too long for pairing', utf8(`{"certificate":{}${' '.repeat(4096)}}`), true],
    ['no label', json({ ...good, label: undefined }), true],
    ['an empty label', json({ ...good, label: '' }), true],
    ['a label with a control', json({ ...good, label: 'a\u0007' }), true],
    ['a label that turns around', json({ ...good, label: 'a\u202eb' }), true],
    ['a long label', json({ ...good, label: 'x'.repeat(65) }), true],
    ['no key', json({ ...good, wrapKey: undefined }), true],
    ['a short key', json({ ...good, wrapKey: text.slice(1) }), true],
  ];
  for (const [name, bytes, pairing] of wrong) assert.equal(parsePayload(bytes, pairing), null, name);
  const random = new SeededRandom(31);
  for (let i = 0; i < MUTATIONS * 5; i++) {
    const parsed = parsePayload(mutate(full, random), true);
    assert.ok(parsed === null || parsed.pairing!.wrapKey.length === 1216);
  }
  assert.equal(parsePayload(EMPTY, false), null);
});

function scriptFor(who: string) {
  return who === 'a known device' ? scriptOf(1, false) : scriptOf(2, true);
}

function freshNode() {
  return { nodeEphemeral: '0f'.repeat(32), encapsulation: '1e'.repeat(32) };
}

function mutate(message: Uint8Array, random: SeededRandom): Uint8Array<ArrayBuffer> {
  let bytes = message.slice() as Uint8Array<ArrayBuffer>;
  for (let i = 0; i <= random.below(4); i++) {
    const at = random.below(Math.max(1, bytes.length));
    const kind = random.below(4);
    if (kind === 0) bytes[at] = random.below(256);
    else if (kind === 1) bytes = bytes.slice(0, at);
    else if (kind === 2) bytes.fill(random.below(256), at, at + random.below(64));
    else bytes = Uint8Array.of(...bytes.subarray(0, at), ...random.bytes(1 + random.below(8)), ...bytes.subarray(at));
  }
  return bytes;
}
