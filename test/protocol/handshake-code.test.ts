import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { concatBytes, fromHex, toHex, utf8 } from '../../src/bytes/index.ts';
import type { CryptoSuite } from '../../src/crypto/index.ts';
import { SeededRandom } from '../../src/platform/index.ts';
import { HandshakeResponder } from '../../src/protocol/handshake.ts';
import { CodeResponder } from '../../src/protocol/handshake-code.ts';
import { encodePayload } from '../../src/protocol/handshake-payload.ts';
import { pairingSecret } from '../../src/protocol/pairing-code.ts';
import { type CodeScript, codeCastOf, codeScriptOf } from './code-cast.ts';
import { noble, node, suites } from './handshake-cast.ts';

const cast = codeCastOf(codeScriptOf(1));
const SLOW = process.env['SLOW'] !== undefined;

/** Plays up to HS3 written. */
async function play(ours: CryptoSuite = node, theirs: CryptoSuite = node) {
  const initiator = await cast.initiator(ours);
  const responder = await cast.responder(theirs);
  const pc1 = initiator.greet();
  const pc2 = responder.greet(pc1);
  assert.ok(typeof pc2 !== 'string', `a greeting, not ${pc2}`);
  assert.equal(initiator.readGreeting(pc2), null);
  const hs1 = await initiator.hello();
  assert.equal(await responder.judge(hs1), null);
  const hs2 = await responder.answer(cast.nodePayload);
  const told = await initiator.readAnswer(hs2);
  assert.ok(typeof told !== 'string', `an answer, not ${told}`);
  assert.deepEqual(told.payload.certificate, cast.nodePayload.certificate);
  assert.deepEqual(told.nodeKey, cast.nodeKey.publicKey);
  const { message: hs3, keys } = await initiator.finish(cast.clientPayload);
  return { initiator, responder, pc1, pc2, hs1, hs2, hs3, keys };
}

test('every suite pairs with every other by the same code, and both sides agree', async () => {
  for (const ours of suites) {
    for (const theirs of suites) {
      const { responder, pc1, pc2, hs1, hs2, hs3, keys } = await play(ours, theirs);
      assert.deepEqual([pc1.length, pc2.length, hs1.length], [52, 36, 1284]);
      assert.equal(hs2.length, 1201 + encodePayload(cast.nodePayload).length);
      const proof = await responder.readFinish(hs3);
      assert.ok(typeof proof !== 'string');
      assert.deepEqual(proof.remoteStatic, cast.clientKey.publicKey);
      assert.deepEqual(proof.payload, cast.clientPayload);
      assert.deepEqual(proof.keys.hash, keys.hash);
      const sealed = await keys.send.seal(utf8('to the node'));
      assert.deepEqual(await proof.keys.receive.open(sealed), utf8('to the node'));
    }
  }
});

test('a wrong code is refused at HS1, and a node with a wrong one cannot answer', async () => {
  const initiator = await cast.initiator(node, { code: '04711816' });
  const responder = await cast.responder();
  const pc2 = responder.greet(initiator.greet()) as Uint8Array;
  assert.equal(initiator.readGreeting(pc2), null, 'nothing can be told yet');
  assert.equal(await responder.judge(await initiator.hello()), 'mac');
  // A node that only pretends to know the code does not look at the proof and answers all the same.
  const victim = await cast.initiator();
  const pretender = await cast.responder(node, { code: '00000000' });
  assert.equal(victim.readGreeting(pretender.greet(victim.greet()) as Uint8Array), null);
  await victim.hello();
  const { hs2 } = await play();
  assert.equal(await victim.readAnswer(hs2), 'noise');
});

test('what an eavesdropper sees of two codes is unrelated, and no guess explains a transcript better than another', async () => {
  // The same chance on both sides, another code: nothing on the wire stays the same but what was sent in the open.
  const seen = [];
  for (const code of ['04711815', '04711816']) {
    const initiator = await cast.initiator(noble, { code });
    const responder = await cast.responder(noble, { code });
    const pc1 = initiator.greet();
    const pc2 = responder.greet(pc1) as Uint8Array;
    initiator.readGreeting(pc2);
    const hs1 = await initiator.hello();
    assert.equal(await responder.judge(hs1), null);
    seen.push({ pc1, pc2, hs1 });
  }
  const [one, two] = seen as [(typeof seen)[0], (typeof seen)[0]];
  assert.deepEqual(one.pc1.subarray(0, 20), two.pc1.subarray(0, 20));
  assert.notDeepEqual(one.pc1.subarray(20), two.pc1.subarray(20));
  assert.notDeepEqual(one.pc2.subarray(4), two.pc2.subarray(4));
  assert.deepEqual(one.hs1.subarray(36, 68), two.hs1.subarray(36, 68), 'the ephemeral key, which the test fixed');
  assert.notDeepEqual(one.hs1.subarray(20, 36), two.hs1.subarray(20, 36));
  // Somebody who saw a whole transcript and tries codes: with his own scalar each guess, the right one too, gives another
  // key than the one behind mac1, for he lacks both scalars.
  for (const code of ['04711815', '04711816', '00000000']) {
    const guesser = await cast.responder(noble, { code, seed: new SeededRandom(Number(code)).bytes(64) });
    assert.ok(typeof guesser.greet(one.pc1) !== 'string');
    assert.equal(await guesser.judge(one.hs1), 'mac');
  }
});

test('replayed messages fit no other run', async () => {
  const { pc1, hs1, hs3 } = await play();
  const responder = await cast.responder(node, { seed: new SeededRandom(5).bytes(64) });
  assert.ok(typeof responder.greet(pc1) !== 'string', 'a replayed greeting is answered with a fresh share');
  assert.equal(await responder.judge(hs1), 'mac');
  const other = await cast.responder(node, { seed: new SeededRandom(6).bytes(64) });
  const initiator = await cast.initiator(node, { seed: new SeededRandom(7).bytes(64) });
  assert.equal(initiator.readGreeting(other.greet(initiator.greet()) as Uint8Array), null);
  assert.equal(await other.judge(await initiator.hello()), null);
  await other.answer(cast.nodePayload);
  assert.equal(await other.readFinish(hs3), 'noise');
});

test('messages sent back to their sender are refused', async () => {
  const initiator = await cast.initiator();
  const pc1 = initiator.greet();
  assert.equal(initiator.readGreeting(pc1), 'length');
  const echo = concatBytes(Uint8Array.of(5, 2, 4, 0), pc1.subarray(20));
  assert.equal((await cast.initiator()).readGreeting(echo), 'code', 'its own share');
  const { hs1, hs2, initiator: first } = await play();
  assert.equal(await first.readAnswer(hs1).catch((error) => error.code), 'type');
  const responder = await cast.responder();
  responder.greet(pc1);
  assert.equal(await responder.judge(hs2), 'length');
  assert.equal((await cast.responder()).greet(hs1), 'length');
});

test('shares that are no element, or the neutral one, are refused by both sides', async () => {
  for (const share of [new Uint8Array(32), new Uint8Array(32).fill(255), new Uint8Array(32).fill(1)]) {
    const { pc1 } = await play();
    const hello = concatBytes(pc1.subarray(0, 20), share);
    assert.equal((await cast.responder()).greet(hello), 'code');
    const initiator = await cast.initiator();
    assert.equal(initiator.readGreeting(concatBytes(Uint8Array.of(5, 2, 4, 0), share)), 'code');
  }
});

test('any changed byte, any cut and any longer message is refused, and nothing throws', async () => {
  const { pc1, pc2, hs1, hs2, hs3 } = await play();
  const changes = (message: Uint8Array, step: number) => {
    const all = [message.subarray(0, message.length - 1), concatBytes(message, Uint8Array.of(0)), new Uint8Array(0)];
    for (let at = 0; at < message.length; at += SLOW ? 1 : step) {
      const changed = message.slice();
      changed[at]! ^= 1 << (at % 8);
      all.push(changed);
    }
    return all;
  };
  // A changed greeting may be answered, but then HS1 or HS2 fails: the two sides have different keys.
  for (const changed of changes(pc1, 3)) {
    const responder = await cast.responder();
    if (typeof responder.greet(changed) !== 'string') assert.notEqual(await responder.judge(hs1), null);
  }
  for (const changed of changes(pc2, 3)) {
    const initiator = await cast.initiator();
    if (initiator.readGreeting(changed) !== null) continue;
    const responder = await cast.responder();
    responder.greet(pc1);
    assert.equal(await responder.judge(await initiator.hello()), 'mac');
  }
  for (const changed of changes(hs1, 97)) {
    const responder = await cast.responder();
    responder.greet(pc1);
    assert.notEqual(await responder.judge(changed), null);
  }
  for (const changed of changes(hs2, 97)) {
    const initiator = await cast.initiator();
    initiator.readGreeting(pc2);
    await initiator.hello();
    assert.equal(typeof (await initiator.readAnswer(changed)), 'string');
  }
  for (const changed of changes(hs3, 149)) {
    const responder = await cast.responder();
    responder.greet(pc1);
    assert.equal(await responder.judge(hs1), null);
    await responder.answer(cast.nodePayload);
    assert.equal(typeof (await responder.readFinish(changed)), 'string');
  }
});

test('suite 4 is spoken only where it was asked for: its HS1 is nothing to a node without a greeting', async () => {
  const { hs1, pc1 } = await play();
  const options = { nodeId: cast.nodeId, staticKey: cast.nodeKey, invitationSecret: () => new Uint8Array(16) };
  assert.equal(await new HandshakeResponder(node, options).answer(hs1, cast.nodePayload), 'suite');
  assert.equal(await new HandshakeResponder(node, options).answer(pc1, cast.nodePayload), 'length');
  const secret = pairingSecret(node.hashes, '1');
  const responder = new CodeResponder(node, { secret, staticKey: cast.nodeKey, seed: new SeededRandom(1).bytes(64) });
  await assert.rejects(responder.judge(hs1), { code: 'ERR_INTERNAL_ASSERTION' });
});

const file = join(import.meta.dirname, '../vectors/pairing-code.json');

interface Vector {
  script: CodeScript;
  nodeId: string;
  secret: string;
  pc1: string;
  pc2: string;
  hs1: string;
  nodePayload: string;
  hs2: string;
  clientPayload: string;
  hs3: string;
  /** `h`. */
  hash: string;
}

async function vectorOf(script: CodeScript, suite: CryptoSuite): Promise<Vector> {
  const sides = codeCastOf(script);
  const [initiator, responder] = [await sides.initiator(suite), await sides.responder(suite)];
  const pc1 = initiator.greet();
  const pc2 = responder.greet(pc1) as Uint8Array;
  assert.equal(initiator.readGreeting(pc2), null);
  const hs1 = await initiator.hello();
  assert.equal(await responder.judge(hs1), null);
  const hs2 = await responder.answer(sides.nodePayload);
  assert.ok(typeof (await initiator.readAnswer(hs2)) !== 'string');
  const { message: hs3, keys } = await initiator.finish(sides.clientPayload);
  return {
    script,
    nodeId: sides.nodeId,
    secret: toHex(pairingSecret(suite.hashes, script.code)),
    pc1: toHex(pc1),
    pc2: toHex(pc2),
    hs1: toHex(hs1),
    nodePayload: toHex(encodePayload(sides.nodePayload)),
    hs2: toHex(hs2),
    clientPayload: toHex(encodePayload(sides.clientPayload)),
    hs3: toHex(hs3),
    hash: toHex(keys.hash),
  };
}

const SCRIPTS = [codeScriptOf(201), codeScriptOf(202, '00000000'), codeScriptOf(203, '99999999')];

if (process.env['UPDATE_VECTORS']) {
  const vectors = [];
  for (const script of SCRIPTS) vectors.push(await vectorOf(script, noble));
  const about =
    'docs/protocol/pairing.md section 5. All values hex but code. clientSeed and nodeSeed are the 64 bytes of the CPace scalars; the rest as in handshake.json.';
  writeFileSync(file, `${JSON.stringify({ about, vectors }, null, 1)}\n`);
}

test('every suite reproduces our vectors of pairing by code', async () => {
  const { vectors } = JSON.parse(readFileSync(file, 'utf8')) as { vectors: Vector[] };
  assert.equal(vectors.length, SCRIPTS.length);
  for (const suite of suites) {
    for (const [i, vector] of vectors.entries()) {
      assert.deepEqual(vector.script, SCRIPTS[i]);
      assert.deepEqual(await vectorOf(vector.script, suite), vector);
    }
  }
});

test('an independent reading of a vector: the secret, the heads and where the session id stands', () => {
  const { vectors } = JSON.parse(readFileSync(file, 'utf8')) as { vectors: Vector[] };
  for (const { script, secret, pc1, pc2, hs1 } of vectors) {
    const text = utf8(`constitute-pairing-code/1\0${script.code}`);
    assert.equal(secret, toHex(noble.hashes.sha256(text)));
    assert.ok(pc1.startsWith(`04020400${script.sessionId}`));
    assert.ok(pc2.startsWith('05020400'));
    assert.ok(hs1.startsWith(`01020400${script.sessionId}`));
    assert.equal(fromHex(hs1)!.length, 1284);
  }
});
