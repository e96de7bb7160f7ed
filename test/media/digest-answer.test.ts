import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  basicAnswer,
  type Challenge,
  chooseChallenge,
  type DigestChallenge,
  digestAnswer,
  parseChallenges,
} from '../../src/media/index.ts';
import { SeededRandom } from '../../src/platform/index.ts';

const md5 = (data: Uint8Array) => createHash('md5').update(data).digest();
const sha256 = (data: Uint8Array) => createHash('sha256').update(data).digest();

/** The example of RFC 7616 section 3.9.1, with either of its hashes. */
const MUFASA = {
  method: 'GET',
  uri: '/dir/index.html',
  username: 'Mufasa',
  password: 'Circle of Life',
  cnonce: 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ',
  nc: 1,
  md5,
  sha256,
};
const NONCE = '7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v';
const OPAQUE = 'FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS';
const header = (algorithm: string) =>
  `Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=${algorithm}, nonce="${NONCE}", opaque="${OPAQUE}"`;
const responseOf = (answer: string) => /response="([0-9a-f]+)"/.exec(answer)![1];

test('the examples of RFC 7616 and RFC 2617 are answered as they say', () => {
  for (const [algorithm, response] of [
    ['MD5', '8ca523f5e9506fed4657c9700eebdbec'],
    ['SHA-256', '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1'],
  ] as const) {
    const [challenge] = parseChallenges([header(algorithm)]);
    const answer = digestAnswer({ ...MUFASA, challenge: challenge as DigestChallenge });
    assert.equal(responseOf(answer), response);
    assert.match(answer, /, qop=auth, nc=00000001, cnonce="f2\/wE4q/);
    assert.equal(answer.includes('algorithm='), algorithm !== 'MD5');
  }
  // Without qop, as cameras ask: MD5(MD5(A1):nonce:MD5(A2)), worked out here the long way.
  const [plain] = parseChallenges(['Digest realm="IP Camera(12345)", nonce="abc"']);
  const hex = (text: string) => md5(Buffer.from(text)).toString('hex');
  const expected = hex(`${hex('admin:IP Camera(12345):x y')}:abc:${hex('DESCRIBE:rtsp://h/1')}`);
  const question = { ...MUFASA, username: 'admin', password: 'x y', method: 'DESCRIBE', uri: 'rtsp://h/1' };
  const answer = digestAnswer({ ...question, challenge: plain as DigestChallenge });
  assert.equal(responseOf(answer), expected);
  assert.doesNotMatch(answer, /qop|cnonce|nc=/);
  const session = digestAnswer({ ...question, challenge: { ...(plain as DigestChallenge), algorithm: 'MD5-sess' } });
  const first = hex(`${hex('admin:IP Camera(12345):x y')}:abc:${MUFASA.cnonce}`);
  assert.equal(responseOf(session), hex(`${first}:abc:${hex('DESCRIBE:rtsp://h/1')}`));
});

test('Basic is padded as it must be, and taken only where nothing else is offered and it is allowed', () => {
  assert.equal(basicAnswer('Aladdin', 'open sesame'), 'Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==');
  assert.equal(basicAnswer('a', ''), `Basic ${Buffer.from('a:').toString('base64')}`);
  assert.equal(basicAnswer('ü', 'ß'), `Basic ${Buffer.from('ü:ß').toString('base64')}`);
  const all = parseChallenges(['Basic realm="a"', header('MD5'), header('SHA-256')]);
  assert.deepEqual(
    all.map((each) => each.scheme),
    ['basic', 'digest', 'digest'],
  );
  const algorithm = (challenge: Challenge | null) => challenge?.scheme === 'digest' && challenge.algorithm;
  assert.equal(algorithm(chooseChallenge(all, { basic: true })), 'SHA-256');
  assert.equal(algorithm(chooseChallenge(all.slice(0, 2), { basic: true })), 'MD5');
  assert.equal(chooseChallenge(all.slice(0, 1), { basic: true })?.scheme, 'basic');
  assert.equal(chooseChallenge(all.slice(0, 1), { basic: false }), null);
});

test('challenges are found however they stand, and what is not understood is left out', () => {
  const one = 'Basic realm="with, comma", Digest realm="r", nonce="n", stale=TRUE';
  assert.deepEqual(
    parseChallenges([one]).map((each) => [each.scheme, each.realm, each.scheme === 'digest' && each.stale]),
    [
      ['basic', 'with, comma', false],
      ['digest', 'r', true],
    ],
  );
  for (const useless of [
    'Digest realm="r"',
    'Digest realm="r", nonce="n", algorithm=SHA-512-256',
    'Digest realm="r", nonce="n", qop="auth-int"',
    'Negotiate',
    '"',
    '',
  ]) {
    assert.deepEqual(parseChallenges([useless]), [], useless);
  }
  const quoted = parseChallenges(['Digest realm="a\\"b\\\\c", nonce="n"'])[0] as DigestChallenge;
  assert.equal(quoted.realm, 'a"b\\c');
  assert.match(digestAnswer({ ...MUFASA, challenge: quoted }), /realm="a\\"b\\\\c"/);
});

test('whatever a server sends, challenges are read in bounded time, and an answer is one line', () => {
  const random = new SeededRandom(7);
  const source = `${header('SHA-256')}, Basic realm="x", Digest nonce=1, realm=2`;
  for (let round = 0; round < (process.env['SLOW'] ? 200_000 : 4_000); round++) {
    const bytes = Buffer.from(source);
    for (let n = random.below(8); n >= 0; n--) bytes[random.below(bytes.length)] = random.below(256);
    for (const challenge of parseChallenges([bytes.toString('latin1')])) {
      if (challenge.scheme !== 'digest') continue;
      const answer = digestAnswer({ ...MUFASA, challenge });
      assert.doesNotMatch(answer, /[\r\n\0]/);
    }
  }
  const started = process.hrtime.bigint();
  assert.deepEqual(
    parseChallenges(['a='.repeat(500_000), `Digest ${'"'.repeat(500_000)}`, `${' '.repeat(500_000)}x`]),
    [],
  );
  assert.ok(process.hrtime.bigint() - started < 1_000_000_000n);
  fc.assert(
    fc.property(fc.string(), fc.string(), (username, password) => {
      const [challenge] = parseChallenges([header('MD5')]);
      assert.doesNotMatch(
        digestAnswer({ ...MUFASA, username, password, challenge: challenge as DigestChallenge }),
        /[\r\n]/,
      );
      const text = `${username}:${password}`.toWellFormed();
      assert.equal(Buffer.from(basicAnswer(username, password).slice(6), 'base64').toString(), text);
    }),
    { numRuns: 200 },
  );
});
