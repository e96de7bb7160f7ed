import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { fromHex, toHex } from '../../src/bytes/index.ts';
import { Cpace, cpaceGenerator, cpaceScalarMult, nobleHashes } from '../../src/crypto/index.ts';

const folder = resolve(
  process.env['CONSTITUTE_VECTORS'] ?? join(import.meta.dirname, '../../../shared/vectors/third-party'),
);
const file = join(folder, 'cpace_draft21.json');
const skip = existsSync(file) ? false : `no vectors in ${folder}`;

type Vector = Record<'PRS' | 'CI' | 'sid' | 'g' | 'ya' | 'ADa' | 'Ya' | 'yb' | 'ADb' | 'Yb' | 'K' | 'ISK_IR', string>;
interface Points {
  Valid: Record<'s' | 'X' | 'G.scalar_mult_vfy(s,X)', string>;
  'Invalid Y1': string;
  'Invalid Y2': string;
}

const bytes = (hex: string) => fromHex(hex.toLowerCase())!;
const hex = (octets: Uint8Array) => toHex(octets).toUpperCase();

function vectors(): { run: Vector; points: Points } {
  const all = JSON.parse(readFileSync(file, 'utf8'));
  return { run: all['G_Coffee25519'], points: all['G_Coffee25519_points'] };
}

/** A scalar of the vectors as the 64 bytes it is reduced from. */
const seedOf = (scalar: string) => Uint8Array.of(...bytes(scalar), ...new Uint8Array(32));
const numberOf = (scalar: string) => BigInt(`0x${toHex(bytes(scalar).reverse())}`);

test('CPace over ristretto255 gives every value of draft 21', { skip }, () => {
  const { run } = vectors();
  const input = { password: bytes(run.PRS), channel: bytes(run.CI), sessionId: bytes(run.sid) };
  assert.equal(hex(cpaceGenerator(nobleHashes, input)), run.g);
  const [a, b] = [new Cpace(nobleHashes, input, seedOf(run.ya)), new Cpace(nobleHashes, input, seedOf(run.yb))];
  assert.equal(hex(a.share), run.Ya);
  assert.equal(hex(b.share), run.Yb);
  assert.equal(hex(cpaceScalarMult(numberOf(run.ya), b.share)!), run.K);
  assert.equal(hex(cpaceScalarMult(numberOf(run.yb), a.share)!), run.K);
  const messages = [
    { share: a.share, additional: bytes(run.ADa) },
    { share: b.share, additional: bytes(run.ADb) },
  ] as const;
  assert.equal(hex(a.key(...messages)!), run.ISK_IR);
  assert.equal(hex(b.key(...messages)!), run.ISK_IR);
});

test('the points of draft 21 are multiplied or refused as it says', { skip }, () => {
  const { points } = vectors();
  const scalar = numberOf(points.Valid.s);
  assert.equal(hex(cpaceScalarMult(scalar, bytes(points.Valid.X))!), points.Valid['G.scalar_mult_vfy(s,X)']);
  assert.equal(cpaceScalarMult(scalar, bytes(points['Invalid Y1'])), null);
  assert.equal(cpaceScalarMult(scalar, bytes(points['Invalid Y2'])), null);
});
