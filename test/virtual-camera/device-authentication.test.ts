import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { utf8 } from '../../src/bytes/index.ts';
import { SeededRandom, SimulatedClock } from '../../src/platform/index.ts';
import { childrenOf, readXml } from '../../src/protocol/index.ts';
import { HttpDigest } from '../../src/virtual-camera/device/http-digest.ts';
import { TokenJudge } from '../../src/virtual-camera/device/username-token.ts';
import type { DeviceAuthentication } from '../../src/virtual-camera/index.ts';
import { ask, askRaw, envelope, faultOf, startFakeDevice, USER, usernameToken } from './fake-device.ts';

const REALM = 'Constitute virtual camera';
const ASK = { method: 'POST', url: '/onvif/device_service' };

function answerTo(
  challenge: string,
  { user = USER, algorithm = 'MD5', nc = '00000001', qop = true, method = ASK.method, uri = ASK.url } = {},
): string {
  const hash = (text: string) =>
    createHash(algorithm === 'MD5' ? 'md5' : 'sha256')
      .update(text)
      .digest('hex');
  const nonce = /nonce="([^"]+)"/.exec(challenge)![1]!;
  const middle = qop ? `${nonce}:${nc}:abc:auth` : nonce;
  const response = hash(`${hash(`${user.username}:${REALM}:${user.password}`)}:${middle}:${hash(`${method}:${uri}`)}`);
  const counted = qop ? `, qop=auth, nc=${nc}, cnonce="abc"` : '';
  return (
    `username="${user.username}", realm="${REALM}", nonce="${nonce}", uri="${uri}", algorithm=${algorithm}` +
    `${counted}, response="${response}"`
  );
}

describe('HTTP Digest', () => {
  const setUp = () => {
    const clock = new SimulatedClock();
    const digest = new HttpDigest({ clock, random: new SeededRandom(1) }, REALM);
    const judge = (text: string) => digest.judge(USER, ASK, text);
    return { clock, digest, judge };
  };

  test('is offered with MD5 and SHA-256, and both are taken', () => {
    const { digest, judge } = setUp();
    const challenges = digest.challenges(false);
    assert.deepEqual(
      challenges.map((each) => /algorithm=([\w-]+)/.exec(each)![1]),
      ['MD5', 'SHA-256'],
    );
    assert.equal(judge(answerTo(challenges[0]!)), 'ok');
    assert.equal(judge(answerTo(challenges[1]!, { algorithm: 'SHA-256', nc: '00000002' })), 'ok');
  });

  test('takes each count of a nonce once, and only growing ones', () => {
    const { digest, judge } = setUp();
    const [challenge] = digest.challenges(false);
    assert.equal(judge(answerTo(challenge!, { nc: '00000003' })), 'ok');
    assert.equal(judge(answerTo(challenge!, { nc: '00000003' })), 'stale');
    assert.equal(judge(answerTo(challenge!, { nc: '00000002' })), 'stale');
    assert.equal(judge(answerTo(challenge!, { nc: '00000004' })), 'ok');
  });

  test('without qop takes a nonce once', () => {
    const { digest, judge } = setUp();
    const [challenge] = digest.challenges(false);
    assert.equal(judge(answerTo(challenge!, { qop: false })), 'ok');
    assert.equal(judge(answerTo(challenge!, { qop: false })), 'stale');
    assert.equal(judge(answerTo(challenge!, { nc: '0000ffff' })), 'stale');
  });

  test('says stale of an old nonce and of one that was never given', async () => {
    const { clock, digest, judge } = setUp();
    const [challenge] = digest.challenges(false);
    await clock.advance(300_001);
    assert.equal(judge(answerTo(challenge!)), 'stale');
    assert.equal(judge(answerTo('nonce="0123"')), 'stale');
    assert.match(digest.challenges(true)[0]!, /stale=true/);
  });

  const [challenge] = [`nonce="${'ab'.repeat(16)}"`];
  const wrong: [string, string][] = [
    ['another password', answerTo(challenge, { user: { ...USER, password: 'x' } })],
    ['another user', answerTo(challenge, { user: { ...USER, username: 'root' } })],
    ['another path', answerTo(challenge, { uri: '/onvif/media_service' })],
    ['another method', answerTo(challenge, { method: 'GET' })],
    ['another algorithm', answerTo(challenge).replace('MD5', 'SHA-512')],
    ['another kind of protection', answerTo(challenge).replace('qop=auth', 'qop=auth-int')],
    ['a count that is none', answerTo(challenge).replace('nc=00000001', 'nc=1')],
    ['nothing', ''],
  ];
  for (const [what, text] of wrong) {
    test(`refuses ${what}`, () => assert.equal(setUp().judge(text), 'refused'));
  }
});

describe('a UsernameToken', () => {
  const NOW = Date.parse('2026-01-02T03:04:05Z');
  const nonce = new SeededRandom(2).bytes(16);
  const header = (text: string) => {
    const root = readXml(utf8(envelope('<a/>', text)));
    assert.ok(typeof root !== 'string', String(root));
    return childrenOf(root, [root.namespace], 'Header')[0]!;
  };
  const judgeAt = (now: number) => new TokenJudge(() => now);

  test('is taken once, within five minutes of the device’s clock', () => {
    const judge = judgeAt(NOW);
    const token = header(usernameToken(USER, NOW - 299_000, nonce));
    assert.equal(judge.judge(USER, token), 'ok');
    assert.equal(judge.judge(USER, token), 'replayed');
    assert.equal(judge.judge(USER, header(usernameToken(USER, NOW, nonce))), 'replayed', 'the nonce counts');
    judge.forget();
    assert.equal(judge.judge(USER, token), 'ok');
    for (const ms of [-301_000, 301_000]) {
      assert.equal(judge.judge(USER, header(usernameToken(USER, NOW + ms, Uint8Array.of(1, ms & 1)))), 'clock');
    }
  });

  test('is refused for what is wrong in it', () => {
    const good = usernameToken(USER, NOW, nonce);
    const judge = judgeAt(NOW);
    const spoiled = [
      usernameToken({ ...USER, password: 'other' }, NOW, nonce),
      usernameToken({ ...USER, username: 'other' }, NOW, nonce),
      good.replace('#PasswordDigest', '#PasswordText'),
      good.replace(/<w:Password .*<\/w:Password>/, ''),
      good.replace(/<w:Nonce>[^<]+/, '<w:Nonce>'),
      good.replace(/<u:Created>[^<]+/, '<u:Created>yesterday'),
      good.replace('2026-01-02', '2026-01-03'),
    ];
    for (const each of spoiled) {
      assert.notEqual(each, good);
      assert.equal(judge.judge(USER, header(each)), 'refused', each);
    }
    assert.equal(judge.judge(USER, header('')), 'none');
    assert.equal(judge.judge(USER, null), 'none');
    assert.equal(judge.judge(USER, header(good)), 'ok');
  });
});

describe('over HTTP', () => {
  test('what everybody may ask needs no user, everything else does', async () => {
    await using all = await startFakeDevice({ credentials: USER });
    for (const name of ['GetSystemDateAndTime', 'GetCapabilities', 'GetServices', 'GetEndpointReference']) {
      assert.equal((await ask(all.device, `tds:${name}`)).status, 200, name);
    }
    for (const name of ['GetDeviceInformation', 'SystemReboot', 'SetSystemDateAndTime', 'GetScopes']) {
      const answer = await ask(all.device, `tds:${name}`);
      assert.equal(answer.status, 401);
      assert.equal(answer.headers['www-authenticate']!.length, 2);
      assert.equal(faultOf(answer), 's:Sender ter:NotAuthorized');
    }
    const snapshot = await askRaw(new URL('/snapshot/main.jpg', all.device.serviceUrl).href, { method: 'GET' });
    assert.equal(snapshot.status, 401);
  });

  const refusals: [DeviceAuthentication[], 'token' | 'nothing', number][] = [
    [['token'], 'nothing', 400],
    [['token'], 'token', 400],
    [['digest', 'token'], 'token', 400],
    [['digest'], 'token', 401],
    [['basic'], 'nothing', 401],
  ];
  for (const [ways, shown, status] of refusals) {
    test(`who shows ${shown === 'token' ? 'a wrong token' : shown} to ${ways.join(' and ')} is told ${status}`, async () => {
      await using all = await startFakeDevice({ credentials: USER, authentication: ways });
      const wrong = usernameToken({ ...USER, password: 'x' }, Date.now(), Uint8Array.of(1));
      const answer = await ask(all.device, 'tds:GetDeviceInformation', '', shown === 'token' ? { header: wrong } : {});
      assert.equal(answer.status, status);
      assert.equal(faultOf(answer), 's:Sender ter:NotAuthorized');
      assert.equal(answer.headers['www-authenticate'] !== undefined, status === 401);
    });
  }

  test('a right token works once, and not after the clock was set away', async () => {
    await using all = await startFakeDevice({ credentials: USER, authentication: ['token'] });
    const header = usernameToken(USER, Date.now(), Uint8Array.of(9));
    assert.equal((await ask(all.device, 'tds:GetDeviceInformation', '', { header })).status, 200);
    assert.equal((await ask(all.device, 'tds:GetDeviceInformation', '', { header })).status, 400);
    all.device.setClock(3_600_000);
    const late = usernameToken(USER, Date.now(), Uint8Array.of(10));
    assert.equal((await ask(all.device, 'tds:GetDeviceInformation', '', { header: late })).status, 400);
    const right = usernameToken(USER, Date.now() + 3_600_000, Uint8Array.of(11));
    assert.equal((await ask(all.device, 'tds:GetDeviceInformation', '', { header: right })).status, 200);
  });

  test('Basic is taken where it was chosen, and nowhere else', async () => {
    const authorization = `Basic ${Buffer.from(`${USER.username}:${USER.password}`).toString('base64')}`;
    for (const [ways, status] of [
      [['basic'], 200],
      [['digest'], 401],
    ] as const) {
      await using all = await startFakeDevice({ credentials: USER, authentication: ways });
      const answer = await ask(all.device, 'tds:GetDeviceInformation', '', { headers: { authorization } });
      assert.equal(answer.status, status);
    }
  });

  test('Digest for the snapshot: a picture that is not there yet is not there, and not forbidden', async () => {
    await using all = await startFakeDevice({ credentials: USER, authentication: ['token'] });
    const url = new URL('/snapshot/main.jpg', all.device.serviceUrl).href;
    const first = await askRaw(url, { method: 'GET' });
    const [challenge] = first.headers['www-authenticate']!;
    const answer = answerTo(challenge!, { method: 'GET', uri: '/snapshot/main.jpg' });
    const second = await askRaw(url, { method: 'GET', headers: { authorization: `Digest ${answer}` } });
    assert.equal(second.status, 503);
  });
});
