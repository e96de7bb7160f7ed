import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { challenge, judge, REALM } from '../../src/virtual-camera/authentication.ts';

const md5 = (text: string) => createHash('md5').update(text).digest('hex');
const NONCE = 'dcd98b7102dd2f0e8b11d0f600bfb0c0';
const URL = 'rtsp://h:554/main';

function digest(changes: Record<string, string> = {}, password = 'secret', method = 'DESCRIBE'): string {
  const fields: Record<string, string> = { username: 'joe', realm: REALM, nonce: NONCE, uri: URL, ...changes };
  const ha1 = md5(`joe:${REALM}:${password}`);
  const ha2 = md5(`${method}:${fields['uri']}`);
  const { qop, nc, cnonce, nonce } = fields;
  fields['response'] ??= md5(qop ? `${ha1}:${nonce}:${nc}:${cnonce}:${qop}:${ha2}` : `${ha1}:${nonce}:${ha2}`);
  return `Digest ${Object.entries(fields)
    .map(([name, value]) => `${name}="${value}"`)
    .join(', ')}`;
}

const ask = (authorization: string | undefined, url = URL, method = 'DESCRIBE') =>
  judge({ username: 'joe', password: 'secret', scheme: 'digest' }, { method, url, authorization }, NONCE);

test('a right Digest answer is accepted, with and without qop', () => {
  assert.equal(ask(digest()), 'ok');
  assert.equal(ask(digest({ qop: 'auth', nc: '00000001', cnonce: 'abc' })), 'ok');
  assert.equal(ask(digest({ uri: '/main' })), 'ok');
  assert.equal(ask(digest({ uri: '/main' }), `${URL}/trackID=1`), 'ok');
  assert.equal(ask(digest({ uri: `${URL}/` }), `${URL}/trackID=1`), 'ok');
  assert.equal(ask(digest({ algorithm: 'MD5' })), 'ok');
});

test('a wrong Digest answer is refused', () => {
  assert.equal(ask(undefined), 'refused');
  assert.equal(ask(digest({}, 'guess')), 'refused');
  assert.equal(ask(digest(), URL, 'SETUP'), 'refused');
  assert.equal(ask(digest({ uri: 'rtsp://h:554/sub' })), 'refused');
  assert.equal(ask(digest({ uri: '/' })), 'refused');
  assert.equal(ask(digest({ username: 'jim' })), 'refused');
  assert.equal(ask(digest({ realm: 'x' })), 'refused');
  assert.equal(ask(digest({ algorithm: 'SHA-256' })), 'refused');
  assert.equal(ask(digest({ qop: 'auth-int', nc: '1', cnonce: 'a' })), 'refused');
  assert.equal(ask(digest({ response: md5('x') })), 'refused');
  assert.equal(ask(`Basic ${Buffer.from('joe:secret').toString('base64')}`), 'refused');
});

test('an answer to another nonce is stale, if it is right', () => {
  assert.equal(ask(digest({ nonce: 'old' })), 'stale');
  assert.equal(ask(digest({ nonce: 'old' }, 'guess')), 'refused');
  assert.match(challenge('digest', NONCE, true), /stale=TRUE$/);
  assert.doesNotMatch(challenge('digest', NONCE, false), /stale/);
});

test('any changed character of the response is refused', () => {
  const good = digest();
  const at = good.indexOf('response="') + 10;
  for (let i = at; i < at + 32; i++) {
    const other = good[i] === '0' ? '1' : '0';
    assert.equal(ask(good.slice(0, i) + other + good.slice(i + 1)), 'refused');
  }
});

test('Basic is compared whole', () => {
  const credentials = { username: 'joe', password: 'a:b', scheme: 'basic' as const };
  const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;
  const verdict = (authorization: string) => judge(credentials, { method: 'PLAY', url: URL, authorization }, NONCE);
  assert.equal(verdict(basic('joe:a:b')), 'ok');
  assert.equal(verdict(`bAsIc   ${basic('joe:a:b').slice(6)}`), 'ok');
  for (const wrong of ['joe:a:', 'joe:a:bc', 'Joe:a:b', '', 'joe', ':']) assert.equal(verdict(basic(wrong)), 'refused');
  assert.equal(verdict('Basic'), 'refused');
});

test('no text makes the judge throw', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary', maxLength: 200 }),
      fc.constantFrom('', 'Basic ', 'Digest ', digest()),
      (text, head) => {
        assert.notEqual(ask(head + text), undefined);
        return ask(text) === 'refused';
      },
    ),
    { numRuns: 500 },
  );
});
