import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fromHex, toHex, utf8 } from '../../src/bytes/index.ts';
import type { CryptoSuite } from '../../src/crypto/index.ts';
import { FRAME } from '../../src/protocol/frame.ts';
import { encodeRequest, encodeResult } from '../../src/protocol/frame-rpc.ts';
import { FrameOpener, FrameSealer } from '../../src/protocol/frame-sealer.ts';
import { encodePayload } from '../../src/protocol/handshake-payload.ts';
import { castOf, noble, type Script, scriptOf, suites } from './handshake-cast.ts';

const file = join(import.meta.dirname, '../vectors/handshake.json');
const NO_REKEY = { frames: 1e9, bytes: 1e15, ageMs: 1e9 };

interface Vector {
  name: string;
  why: string;
  /** What chance gave, and the stored keys. */
  script: Script;
  nodeId: string;
  nodePayload: string;
  clientPayload: string;
  hs1: string;
  hs2: string;
  hs3: string;
  /** `h`. */
  hash: string;
  /** Messages after Split(), in order; the REKEY frame of a direction steps its key. */
  transport: { from: 'client' | 'node'; frame: string; message: string }[];
}

async function vectorOf(name: string, why: string, script: Script, suite: CryptoSuite): Promise<Vector> {
  const cast = castOf(script);
  const initiator = await cast.initiator(suite);
  const responder = await cast.responder(suite);
  const hs1 = await initiator.hello();
  const hs2 = await responder.answer(hs1, cast.nodePayload);
  assert.ok(typeof hs2 !== 'string');
  assert.ok(typeof (await initiator.readAnswer(hs2)) !== 'string');
  const { message: hs3, keys } = await initiator.finish(cast.clientPayload);
  const proof = await responder.readFinish(hs3);
  assert.ok(typeof proof !== 'string');
  const sides = {
    client: { sealer: new FrameSealer(keys.send, NO_REKEY, 0), opener: new FrameOpener(proof.keys.receive, 'client') },
    node: { sealer: new FrameSealer(proof.keys.send, NO_REKEY, 0), opener: new FrameOpener(keys.receive, 'node') },
  };
  const request = encodeRequest(1, { method: 'status.get@1', params: {} })!;
  const script2 = [
    ['client', FRAME.request, 0, 1, request],
    ['node', FRAME.response, 0, 1, encodeResult(1, { ok: true })!],
    ['node', FRAME.data, 3, 1, utf8('a unit in one piece')],
    ['client', FRAME.rekey, 0, 0, new Uint8Array(0)],
    ['client', FRAME.window, 0, 1, Uint8Array.of(0, 1, 0, 0)],
    ['node', FRAME.rekey, 0, 0, new Uint8Array(0)],
    ['node', FRAME.end, 0, 1, Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 19)],
  ] as const;
  const transport: Vector['transport'] = [];
  for (const [from, type, flags, stream, body] of script2) {
    const { sealer, opener } = sides[from];
    const [message] = await sealer.seal(type, flags, stream, body, 0);
    // The sealer steps its key by itself only where its limits say so; here the script does.
    if (type === FRAME.rekey) await (from === 'client' ? keys.send : proof.keys.send).rekey();
    const frame = await opener.open(message!);
    assert.deepEqual([frame?.type, frame?.stream], [type, stream]);
    const header = [type, flags, body.length >> 8, body.length & 255, 0, 0, 0, stream];
    transport.push({ from, frame: toHex(Uint8Array.of(...header, ...body)), message: toHex(message!) });
  }
  return {
    name,
    why,
    script,
    nodeId: cast.nodeId,
    nodePayload: toHex(encodePayload(cast.nodePayload)),
    clientPayload: toHex(encodePayload(cast.clientPayload)),
    hs1: toHex(hs1),
    hs2: toHex(hs2),
    hs3: toHex(hs3),
    hash: toHex(proof.keys.hash),
    transport,
  };
}

const CASES = [
  ['XKhfs', 'suite 1: a device that is known', scriptOf(101, false)],
  ['XKhfs+psk0', 'suite 3: a device with an invitation', scriptOf(102, true)],
] as const;

if (process.env['UPDATE_VECTORS']) {
  const vectors = [];
  for (const [name, why, script] of CASES) vectors.push(await vectorOf(name, why, script, noble));
  const about =
    'docs/protocol/channel.md. All values hex. encapsulation is the 32 random bytes of ML-KEM.Encaps, clientKemSeed is d || z; certificates are signed with 32 zero bytes of auxiliary randomness. frame is without its padding.';
  writeFileSync(file, `${JSON.stringify({ about, vectors }, null, 1)}\n`);
}

const { vectors } = JSON.parse(readFileSync(file, 'utf8')) as { vectors: Vector[] };

for (const suite of suites) {
  test(`the ${suite.name} suite reproduces our handshake vectors, as initiator and as responder`, async () => {
    assert.equal(vectors.length, CASES.length);
    for (const [index, vector] of vectors.entries()) {
      const [name, why] = CASES[index]!;
      assert.deepEqual(await vectorOf(name, why, vector.script, suite), vector);
    }
  });
}

test('an independent reading of a vector: mac1, the hash of the prologue and the sizes are as the document says', () => {
  for (const vector of vectors) {
    const hs1 = fromHex(vector.hs1)!;
    const nodeId = fromHex(vector.nodeId)!;
    const { hashes } = noble;
    const key = hashes.sha256(Uint8Array.of(...utf8('constitute mac1 v2'), ...nodeId));
    const covered = Uint8Array.of(...hs1.subarray(1, 20), ...hs1.subarray(36));
    assert.equal(toHex(hashes.hmacSha256(key, covered).subarray(0, 16)), toHex(hs1.subarray(20, 36)));
    assert.equal(hs1.length, 1284);
    assert.equal(vector.hs2.length / 2, 1153 + vector.nodePayload.length / 2);
    assert.equal(vector.hs3.length / 2, 65 + vector.clientPayload.length / 2);
    assert.equal(toHex(hs1.subarray(4, 20)), vector.script.invitationId ?? '00'.repeat(16));
  }
});
