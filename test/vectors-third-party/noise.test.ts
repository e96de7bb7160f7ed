import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { fromHex, toHex } from '../../src/bytes/index.ts';
import type { CryptoSuite, KeyPair } from '../../src/crypto/index.ts';
import { createNodeSuite } from '../../src/platform/node/index.ts';
import { NoiseHandshake, type NoiseKeys } from '../../src/protocol/noise-handshake.ts';
import { type NoisePatternText, noisePattern } from '../../src/protocol/noise-pattern.ts';

const folder = resolve(
  process.env['CONSTITUTE_VECTORS'] ?? join(import.meta.dirname, '../../../shared/vectors/third-party'),
);
const NAME = /^Noise_([A-Z0-9]+)((?:psk\d)(?:\+psk\d)*)?_25519_AESGCM_SHA256$/;

/** Every pattern of the vectors, as revision 34 prints it: `i` and `r` before the bar are the static keys known beforehand. */
const PATTERNS: Record<string, string> = {
  N: 'r | e, es',
  K: 'i r | e, es, ss',
  X: 'r | e, es, s, ss',
  NN: '| e | e, ee',
  KN: 'i | e | e, ee, se',
  NK: 'r | e, es | e, ee',
  KK: 'i r | e, es, ss | e, ee, se',
  NX: '| e | e, ee, s, es',
  KX: 'i | e | e, ee, se, s, es',
  XN: '| e | e, ee | s, se',
  IN: '| e, s | e, ee, se',
  XK: 'r | e, es | e, ee | s, se',
  IK: 'r | e, es, s, ss | e, ee, se',
  XX: '| e | e, ee, s, es | s, se',
  IX: '| e, s | e, ee, se, s, es',
  NK1: 'r | e | e, ee, es',
  NX1: '| e | e, ee, s | es',
  X1N: '| e | e, ee | s | se',
  X1K: 'r | e, es | e, ee | s | se',
  XK1: 'r | e | e, ee, es | s, se',
  X1K1: 'r | e | e, ee, es | s | se',
  X1X: '| e | e, ee, s, es | s | se',
  XX1: '| e | e, ee, s | es, s, se',
  X1X1: '| e | e, ee, s | es, s | se',
  K1N: 'i | e | e, ee | se',
  K1K: 'i r | e, es | e, ee | se',
  KK1: 'i r | e | e, ee, se, es',
  K1K1: 'i r | e | e, ee, es | se',
  K1X: 'i | e | e, ee, s, es | se',
  KX1: 'i | e | e, ee, se, s | es',
  K1X1: 'i | e | e, ee, s | se, es',
  I1N: '| e, s | e, ee | se',
  I1K: 'r | e, es, s | e, ee | se',
  IK1: 'r | e, s | e, ee, se, es',
  I1K1: 'r | e, s | e, ee, es | se',
  I1X: '| e, s | e, ee, s, es | se',
  IX1: '| e, s | e, ee, se, s | es',
  I1X1: '| e, s | e, ee, s | se, es',
};

const patterns = Object.fromEntries(
  Object.entries(PATTERNS).map(([name, text]): [string, NoisePatternText] => {
    const [known, ...messages] = text.split('|').map((part) => part.trim());
    return [name, { initiatorKnown: known!.includes('i'), responderKnown: known!.includes('r'), messages }];
  }),
);

interface Vector {
  protocol_name: string;
  init_prologue: string;
  init_ephemeral?: string;
  init_static?: string;
  init_remote_static?: string;
  init_psks?: string[];
  resp_prologue: string;
  resp_ephemeral?: string;
  resp_static?: string;
  resp_remote_static?: string;
  resp_psks?: string[];
  handshake_hash?: string;
  messages: { payload: string; ciphertext: string }[];
}

const hex = (text: string): Uint8Array<ArrayBuffer> => fromHex(text)!;
const node = createNodeSuite();

function side(vector: Vector, initiator: boolean): NoiseHandshake {
  const who = initiator ? 'init' : 'resp';
  const ephemeral = vector[`${who}_ephemeral`];
  const ownStatic = vector[`${who}_static`];
  const remoteStatic = vector[`${who}_remote_static`];
  const fixed = (text: string): KeyPair => node.x25519.fromScalar(hex(text)) as KeyPair;
  const suite: CryptoSuite = {
    ...node,
    x25519: { ...node.x25519, generate: () => fixed(ephemeral!) },
  };
  return new NoiseHandshake(suite, {
    pattern: noisePattern(vector.protocol_name, patterns),
    initiator,
    prologue: hex(vector[`${who}_prologue`]),
    ...(ownStatic ? { staticKey: fixed(ownStatic) } : {}),
    ...(remoteStatic ? { remoteStatic: hex(remoteStatic) } : {}),
    psks: (vector[`${who}_psks`] ?? []).map(hex),
  });
}

async function run(vector: Vector): Promise<void> {
  const initiator = side(vector, true);
  const responder = side(vector, false);
  const keys: NoiseKeys[] = [];
  for (const [index, { payload, ciphertext }] of vector.messages.entries()) {
    if (!initiator.done) {
      const [writer, reader] = index % 2 === 0 ? [initiator, responder] : [responder, initiator];
      const message = await writer.write(hex(payload));
      assert.equal(toHex(message), ciphertext, `message ${index}`);
      assert.equal(toHex((await reader.read(message))!), payload, `payload ${index}`);
      if (!initiator.done) continue;
      keys.push(await initiator.split(), await responder.split());
      for (const { hash } of keys) if (vector.handshake_hash) assert.equal(toHex(hash), vector.handshake_hash);
      continue;
    }
    const oneWay = vector.protocol_name.match(/^Noise_[NKX](psk\d)?_/);
    const [from, to] = oneWay || index % 2 === 0 ? [keys[0]!, keys[1]!] : [keys[1]!, keys[0]!];
    const sealed = await from.send.seal(hex(payload));
    assert.equal(toHex(sealed), ciphertext, `transport message ${index}`);
    assert.equal(toHex((await to.receive.open(sealed))!), payload);
  }
}

for (const file of ['noise_cacophony.json', 'noise_snow.json']) {
  const path = join(folder, file);
  const absent = existsSync(path) ? false : `published vectors are not here: ${path}`;
  test(`noise speaks every AESGCM_SHA256 pattern of ${file}`, { skip: absent }, async () => {
    const vectors = (JSON.parse(readFileSync(path, 'utf8')) as { vectors: Vector[] }).vectors;
    const ours = vectors.filter(({ protocol_name }) => NAME.test(protocol_name));
    assert.ok(ours.length >= 50, `${ours.length} vectors to run`);
    for (const vector of ours) {
      await run(vector).catch((error) => assert.fail(`${vector.protocol_name}: ${error.message}`));
    }
    console.log(`vectors: ${file} ${ours.length} run`);
  });
}
