import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fromUtf8, toHex, utf8 } from '../../src/bytes/index.ts';
import { CameraError, type CameraTrouble, createOnvifDriver } from '../../src/cameras/index.ts';
import { REFUSED_FOR_MS } from '../../src/cameras/onvif/camera-access.ts';
import { createSoapSession } from '../../src/cameras/onvif/soap-session.ts';
import {
  type HttpAnswer,
  type HttpFailure,
  type HttpRequest,
  SeededRandom,
  SimulatedClock,
  silentLog,
} from '../../src/platform/index.ts';
import { nodeCameraHashes } from '../../src/platform/node/index.ts';

const SERVICE = 'http://192.0.2.20/onvif/device_service';
/** As the daemon gives them: the password answers to its name, and is no property that a copy of the object would have. */
const credentials = new (class {
  readonly username = 'operator';
  get password(): string {
    return 'secret';
  }
})();
const refusedAs = (trouble: CameraTrouble) => (error: unknown) =>
  error instanceof CameraError && error.trouble === trouble;
const md5 = (text: string) => toHex(nodeCameraHashes.md5(utf8(text)));
const fixture = (name: string) =>
  new Uint8Array(readFileSync(join(import.meta.dirname, `../fixtures/cameras/${name}.xml`)));

/** What a request proved: the name of its operation, and how. */
interface Seen {
  operation: string;
  request: HttpRequest;
  authorization: string;
  /** Fields of Digest. */
  digest: ReadonlyMap<string, string>;
  /** `Created` of the token, epoch ms, where its digest is right. */
  token: number | null;
}

type Reply = { status: number; body?: string | Uint8Array; ask?: string[] } | HttpFailure | Promise<HttpFailure>;

const inBody = (inside: string) =>
  `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>${inside}</s:Body></s:Envelope>`;
const done = (operation: string, inside = '') => ({
  status: 200,
  body: inBody(`<r:${operation}Response xmlns:r="r">${inside}</r:${operation}Response>`),
});
const refusal = {
  status: 400,
  body: inBody(
    '<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>ter:NotAuthorized</s:Value></s:Subcode></s:Code></s:Fault>',
  ),
};

/** A camera that is a function: `answer` is asked for everything but the time, which `clock` tells; null: it refuses to. */
function scripted(answer: (seen: Seen) => Reply, { tells }: { tells?: (seen: Seen) => Reply | null } = {}) {
  const clock = new SimulatedClock(Date.UTC(2026, 0, 1));
  const seen: Seen[] = [];
  const http = {
    async request(request: HttpRequest): Promise<HttpAnswer | HttpFailure> {
      const text = fromUtf8(request.body ?? new Uint8Array(0))!;
      const operation = request.method === 'GET' ? 'GET' : /<s:Body><([A-Za-z]+)/.exec(text)![1]!;
      const authorization = request.headers?.['authorization'] ?? '';
      const digest = new Map(
        Array.from(authorization.matchAll(/(\w+)="?([^",]*)"?/g), (match) => [match[1]!, match[2]!] as const),
      );
      const one = { operation, request, authorization, digest, token: tokenOf(text) };
      seen.push(one);
      const own = operation === 'GetSystemDateAndTime' ? (tells ? tells(one) : time(clock.now())) : null;
      const reply = await (own ?? answer(one));
      if (typeof reply === 'string') return reply;
      const body = typeof reply.body === 'string' ? utf8(reply.body) : (reply.body ?? new Uint8Array(0));
      return { status: reply.status, headers: reply.ask ? { 'www-authenticate': reply.ask } : {}, body };
    },
  };
  const deps = { clock, random: new SeededRandom(4), log: silentLog, http, hashes: nodeCameraHashes };
  return {
    clock,
    seen,
    deps,
    session: (options: { trustedAddress?: boolean } = {}) =>
      createSoapSession(deps, { service: SERVICE, credentials, trustedAddress: false, ...options }),
    driver: () => createOnvifDriver(deps, { service: SERVICE, credentials, trustedAddress: false }),
    /** Requests with credentials. */
    proved: () =>
      seen.filter(
        ({ authorization, token, request }) =>
          authorization !== '' || token !== null || bodyOf(request).includes('UsernameToken'),
      ),
  };
}

const bodyOf = (request: HttpRequest) => fromUtf8(request.body ?? new Uint8Array(0))!;

function time(at: number): Reply {
  const date = new Date(at);
  const part = (name: string, value: number) => `<${name}>${value}</${name}>`;
  const clock =
    part('Hour', date.getUTCHours()) + part('Minute', date.getUTCMinutes()) + part('Second', date.getUTCSeconds());
  const day =
    part('Year', date.getUTCFullYear()) + part('Month', date.getUTCMonth() + 1) + part('Day', date.getUTCDate());
  return done(
    'GetSystemDateAndTime',
    `<SystemDateAndTime><UTCDateTime><Time>${clock}</Time><Date>${day}</Date></UTCDateTime></SystemDateAndTime>`,
  );
}

/** The time a token was made at, where it proves the password. */
function tokenOf(text: string): number | null {
  const [, digest, nonce, created] =
    /Digest">([^<]+)<\/w:Password><w:Nonce [^>]*>([^<]+)<\/w:Nonce><u:Created>([^<]+)</.exec(text) ?? [];
  if (!digest || !nonce || !created) return null;
  const octets = Uint8Array.from(atob(nonce), (sign) => sign.charCodeAt(0));
  const expected = nodeCameraHashes.sha1(Uint8Array.from([...octets, ...utf8(created), ...utf8(credentials.password)]));
  return digest === btoa(String.fromCharCode(...expected)) ? Date.parse(created) : null;
}

/** True for a right answer with `nonce`, by MD5 with `qop=auth`. */
function answers({ digest, request }: Seen, nonce: string): boolean {
  const field = (name: string) => digest.get(name) ?? '';
  const ha1 = md5(`operator:r:secret`);
  const ha2 = md5(`${request.method}:${field('uri')}`);
  return (
    field('nonce') === nonce &&
    field('response') === md5(`${ha1}:${nonce}:${field('nc')}:${field('cnonce')}:auth:${ha2}`)
  );
}

const ask = (nonce: string, more = '') => ({
  status: 401,
  ask: [`Digest realm="r", nonce="${nonce}", qop="auth"${more}`],
});
const question = '<GetScopes xmlns="http://www.onvif.org/ver10/device/wsdl"/>';
const call = (session: ReturnType<typeof createSoapSession>) => session.call(SERVICE, 'a/GetScopes', question);

test('a camera that wants HTTP Digest and a token at once gets both, from then on at the first time', async () => {
  const camera = scripted((seen) => {
    if (!answers(seen, 'n')) return ask('n');
    return seen.token === null ? refusal : done('GetScopes');
  });
  const session = camera.session();
  await call(session);
  assert.equal(camera.proved().length, 2);
  await call(session);
  await call(session);
  assert.equal(camera.proved().length, 4);
  assert.deepEqual(
    camera.proved().map(({ digest }) => digest.get('nc')),
    ['00000001', '00000002', '00000003', '00000004'],
    'the same nonce goes on being counted',
  );
});

test('nonces that are good for one use are asked for, not tried', async () => {
  let nonce = 0;
  let used = true;
  const camera = scripted((seen) => {
    const good = !used && answers(seen, `n${nonce}`);
    used = true;
    if (good) return done('GetScopes');
    nonce += 1;
    used = false;
    return ask(`n${nonce}`);
  });
  const session = camera.session();
  await call(session);
  await call(session);
  const before = camera.proved().length;
  for (let i = 0; i < 5; i++) await call(session);
  assert.equal(camera.proved().length - before, 5, 'each password is shown once and is right');
});

test('a stale nonce is no wrong password', async () => {
  let nonce = 'a';
  const camera = scripted((seen) => (answers(seen, nonce) ? done('GetScopes') : ask(nonce, ', stale=TRUE')));
  const session = camera.session();
  for (const next of ['a', 'b', 'c', 'd', 'e']) {
    nonce = next;
    await call(session);
  }
  assert.equal(camera.proved().length, 9);
});

test('whatever a server says, one question shows a password twice at most', async () => {
  const replies: ((seen: Seen) => Reply)[] = [
    ({ digest }) => ask(`n${digest.get('nc')}${digest.get('cnonce')}`, ', stale=true'),
    () => ask('n'),
    () => refusal,
    () => ({ status: 401 }),
    () => ({ status: 401, ask: ['Basic realm="r"', 'Digest realm="r", nonce="n", algorithm=SHA-512-256', 'x', '"'] }),
    ({ digest }) => (digest.size % 2 ? refusal : ask('n', ', stale=true')),
  ];
  for (const trustedAddress of [false, true]) {
    for (const reply of replies) {
      const camera = scripted(reply);
      const session = camera.session({ trustedAddress });
      await assert.rejects(call(session), refusedAs('unauthorized'));
      assert.ok(camera.proved().length <= 2);
      const before = camera.seen.length;
      await assert.rejects(call(session), refusedAs('unauthorized'));
      assert.equal(camera.seen.length, before);
      for (let minute = 0; minute < 4; minute++) {
        const shown = camera.proved().length;
        await camera.clock.advance(REFUSED_FOR_MS + 1);
        await assert.rejects(call(session), refusedAs('unauthorized'));
        assert.ok(camera.proved().length - shown <= 1, 'then once a minute');
      }
    }
  }
});

test('the password is told in clear only where nothing else is offered, after a token, at an address a person gave', async () => {
  const basic = `Basic ${btoa('operator:secret')}`;
  const only = scripted(({ authorization }) =>
    authorization === basic ? done('GetScopes') : { status: 401, ask: ['Basic realm="r"'] },
  );
  await call(only.session({ trustedAddress: true }));
  assert.deepEqual(
    only.proved().map(({ authorization, token }) => [authorization, token !== null]),
    [
      ['', true],
      [basic, false],
    ],
  );
  const stranger = scripted(({ authorization }) =>
    authorization === basic ? done('GetScopes') : { status: 401, ask: ['Basic realm="r"'] },
  );
  await assert.rejects(call(stranger.session()), refusedAs('unauthorized'));
  const both = scripted((seen) =>
    answers(seen, 'n')
      ? done('GetScopes')
      : { status: 401, ask: ['Basic realm="r", Digest realm="r", nonce="n", qop="auth"'] },
  );
  await call(both.session({ trustedAddress: true }));
  for (const camera of [stranger, both])
    assert.ok(!camera.seen.some(({ authorization }) => authorization.startsWith('Basic')));
});

test('SHA-256 is taken before MD5', async () => {
  const camera = scripted(({ digest }) => {
    if (digest.get('algorithm') === 'SHA-256' && digest.get('response')?.length === 64) return done('GetScopes');
    return {
      status: 401,
      ask: ['Digest realm="r", nonce="n", qop="auth"', 'Digest realm="r", nonce="n", qop="auth", algorithm=SHA-256'],
    };
  });
  await call(camera.session());
  assert.equal(camera.proved().length, 1);
});

test('a camera that tells no time without credentials is taken to be right', async () => {
  const camera = scripted((seen) => (seen.token === null ? refusal : done(seen.operation)), {
    tells: (seen) =>
      seen.token === null
        ? { status: 400, body: fixture('vivotek-get-system-date-and-time') }
        : time(Date.UTC(2026, 0, 1)),
  });
  const session = camera.session();
  await call(session);
  assert.equal(camera.proved()[0]!.token, camera.clock.now());
  assert.equal((await session.time()).cameraAt, Date.UTC(2026, 0, 1) + 500, 'and asked with them');
});

test('a camera that judges by another time than it tells gets tokens of ours', async () => {
  const hour = 3_600_000;
  const camera = scripted(
    ({ token }) =>
      token !== null && Math.abs(token - camera.clock.now()) < 10_000
        ? done('GetScopes')
        : { status: 400, body: fixture('dahua-time-check') },
    { tells: () => time(camera.clock.now() + hour) },
  );
  const session = camera.session();
  await call(session);
  assert.equal(camera.proved().length, 2);
  await call(session);
  assert.equal(camera.proved().length, 3);
});

test('its clock runs by our monotonic one, whatever our calendar does', async () => {
  const offset = -5 * 3_600_000;
  const camera = scripted(({ token }) => (token === null ? refusal : done('GetScopes')), {
    tells: () => time(Date.UTC(2026, 0, 1) + offset),
  });
  const session = camera.session();
  await call(session);
  await camera.clock.advance(90_000);
  camera.clock.step(86_400_000);
  await call(session);
  assert.deepEqual(
    camera.proved().map(({ token }) => token),
    [Date.UTC(2026, 0, 1) + offset, Date.UTC(2026, 0, 1) + offset + 90_000],
  );
});

test('what a user may not do keeps him from nothing else', async () => {
  const camera = scripted((seen) =>
    seen.token === null || seen.operation === 'Reboot' ? refusal : done(seen.operation),
  );
  const session = camera.session();
  await call(session);
  const reboot = () => session.call(SERVICE, 'a/Reboot', '<Reboot/>');
  await assert.rejects(reboot(), refusedAs('unauthorized'));
  await call(session);
  const before = camera.seen.length;
  await assert.rejects(reboot(), refusedAs('unauthorized'));
  assert.equal(camera.seen.length, before, 'and is not asked again at once');
  await call(session);
});

test('a question that waits for another to prove the password has its own deadline, and can be given up', async () => {
  const hang = Promise.withResolvers<HttpFailure>();
  const camera = scripted(() => hang.promise);
  const session = camera.session();
  const first = session.call(SERVICE, 'a/GetScopes', question, { deadlineMs: 60_000 });
  const second = session.call(SERVICE, 'a/GetScopes', question, { deadlineMs: 2_000 });
  const over = new AbortController();
  const third = session.call(SERVICE, 'a/GetScopes', question, { signal: over.signal });
  const ends = Promise.all([
    assert.rejects(first, refusedAs('unreachable')),
    assert.rejects(second, refusedAs('unreachable')),
    assert.rejects(third, refusedAs('cancelled')),
  ]);
  await camera.clock.advance(2_000);
  over.abort();
  await camera.clock.advance(1);
  hang.resolve('deadline');
  await ends;
  assert.ok(camera.seen.filter(({ operation }) => operation === 'GetScopes').length <= 1);
});

test('an answer to another question is none', async () => {
  const camera = scripted(() => done('GetHostname'));
  await assert.rejects(call(camera.session()), refusedAs('malformed'));
});

test('what became of a request becomes a trouble', async () => {
  const cases: [Reply, CameraTrouble][] = [
    ['unreachable', 'unreachable'],
    ['deadline', 'unreachable'],
    ['too-large', 'malformed'],
    ['malformed', 'malformed'],
    ['cancelled', 'cancelled'],
    [{ status: 404, body: '<html>' }, 'unsupported'],
    [{ status: 200, body: '<html>' }, 'malformed'],
    [{ status: 500, body: '' }, 'malformed'],
    [{ status: 500, body: inBody('<s:Fault><s:Code><s:Value>s:Receiver</s:Value></s:Code></s:Fault>') }, 'refused'],
  ];
  for (const [reply, trouble] of cases) {
    const camera = scripted(() => reply);
    await assert.rejects(call(camera.session()), refusedAs(trouble), JSON.stringify(reply));
  }
});

test('services: hints of the camera led home; without GetServices its older sister is asked', async () => {
  const camera = scripted(({ operation }) =>
    operation === 'GetServices' ? { status: 200, body: fixture('standard-get-services') } : done(operation),
  );
  const services = await camera.session().services();
  assert.deepEqual(
    [...services],
    [
      ['http://www.onvif.org/ver10/device/wsdl', SERVICE],
      ['http://www.onvif.org/ver10/media/wsdl', 'http://192.0.2.20/onvif/media?a=1&b=2'],
      ['http://www.onvif.org/ver20/ptz/wsdl', 'http://192.0.2.20/onvif/ptz'],
    ],
  );
  const old = scripted(({ operation }) =>
    operation === 'GetServices'
      ? {
          status: 500,
          body: inBody(
            '<s:Fault><s:Code><s:Value>s:Receiver</s:Value><s:Subcode><s:Value>ter:ActionNotSupported</s:Value></s:Subcode></s:Code></s:Fault>',
          ),
        }
      : done(
          'GetCapabilities',
          '<Capabilities><Media><XAddr>http://192.0.2.20/m</XAddr></Media><Extension><Search><XAddr>http://192.0.2.20/s</XAddr></Search></Extension></Capabilities>',
        ),
  );
  assert.deepEqual(
    [...(await old.session().services()).values()].sort(),
    ['http://192.0.2.20/m', SERVICE, 'http://192.0.2.20/s'].sort(),
  );
});

test('a snapshot: asked for where the camera says, with the same credentials; streams of pictures and other things are refused', async () => {
  const jpeg = Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 1, 0xff, 0xd9);
  let picture: Uint8Array = jpeg;
  const camera = scripted((seen) => {
    if (seen.operation === 'GET') return answers(seen, 'g') ? { status: 200, body: picture } : ask('g');
    if (seen.operation === 'GetServices') return { status: 200, body: fixture('standard-get-services') };
    if (seen.operation === 'GetProfiles') return { status: 200, body: fixture('hikvision-get-profiles') };
    return done('GetSnapshotUri', '<MediaUri><Uri>http://10.9.9.9/picture?a=1&amp;b=2</Uri></MediaUri>');
  });
  const driver = camera.driver();
  assert.deepEqual(await driver.snapshot(), jpeg);
  const { request, digest } = camera.proved().at(-1)!;
  assert.equal(request.url, 'http://192.0.2.20/picture?a=1&b=2');
  assert.equal(digest.get('uri'), '/picture?a=1&b=2');
  assert.equal(request.bodyBytesMax, 8 * 1024 * 1024);
  picture = utf8('<html>no picture</html>');
  await assert.rejects(driver.snapshot(), refusedAs('malformed'));
});

test('a newer media service with nothing in it, and pictures in the older one only', async () => {
  const service = (namespace: string, path: string) =>
    `<Service><Namespace>${namespace}</Namespace><XAddr>http://192.0.2.20/${path}</XAddr></Service>`;
  const services =
    service('http://www.onvif.org/ver10/media/wsdl', 'm') + service('http://www.onvif.org/ver20/media/wsdl', 'm2');
  const fault = { status: 500, body: inBody('<s:Fault><s:Code><s:Value>s:Receiver</s:Value></s:Code></s:Fault>') };
  const camera = (newer: (operation: string) => Reply) =>
    scripted(({ operation, request }) => {
      if (operation === 'GET') return { status: 200, body: Uint8Array.of(0xff, 0xd8, 0xff, 0, 0xff, 0xd9) };
      if (operation === 'GetServices') return done(operation, services);
      if (request.url.endsWith('/m2')) return newer(operation);
      if (operation === 'GetProfiles') return { status: 200, body: fixture('hikvision-get-profiles') };
      return done(
        operation,
        `<MediaUri><Uri>${operation === 'GetStreamUri' ? 'rtsp' : 'http'}://192.0.2.20/x</Uri></MediaUri>`,
      );
    });
  for (const newer of [() => fault, () => done('GetProfiles'), () => ({ status: 200, body: '' })]) {
    const it = camera(newer);
    const driver = it.driver();
    assert.equal((await driver.streams()).length, 2);
    assert.equal((await driver.abilities()).media2, false);
    assert.equal(it.seen.filter(({ request }) => request.url.endsWith('/m2')).length, 1, 'it is asked once');
  }
  const it = camera((operation) =>
    operation === 'GetProfiles'
      ? { status: 200, body: fixture('media2-get-profiles') }
      : operation === 'GetStreamUri'
        ? done(operation, '<Uri>rtsp://192.0.2.20/live</Uri>')
        : fault,
  );
  const driver = it.driver();
  assert.deepEqual(
    (await driver.streams()).map(({ token, url }) => [token, url]),
    [['1.50', 'rtsp://192.0.2.20/live']],
  );
  assert.equal((await driver.snapshot()).length, 6);
});

test('a user who may look and not move is told of what there is for him', async () => {
  let may = false;
  const camera = scripted((seen) => {
    if (seen.operation === 'GetServices') return { status: 200, body: fixture('standard-get-services') };
    if (seen.token === null || (seen.operation === 'GetNodes' && !may)) return refusal;
    if (seen.operation === 'GetProfiles') return { status: 200, body: fixture('hikvision-get-profiles') };
    if (seen.operation === 'GetNodes') return { status: 200, body: fixture('standard-get-nodes') };
    return done(seen.operation, '<MediaUri><Uri>http://192.0.2.20/x</Uri></MediaUri>');
  });
  const driver = camera.driver();
  const { ptz, snapshot } = await driver.abilities();
  assert.deepEqual([ptz, snapshot], [false, true]);
  may = true;
  await camera.clock.advance(REFUSED_FOR_MS + 1);
  assert.equal((await driver.abilities()).ptz, true);
});

const runs = process.env['SLOW'] ? 10_000 : 1_000;

test(`${runs} cameras that answer nonsense at some step: every call ends with an answer or a trouble`, async () => {
  const random = new SeededRandom(77);
  const answered = new Map<string, number>();
  for (let run = 0; run < runs; run++) {
    const broken = random.below(6);
    let step = 0;
    const camera = scripted(({ operation }) => {
      if (step++ === broken) {
        const bytes = fixture(['dahua-get-profiles', 'standard-get-nodes', 'standard-get-services'][random.below(3)]!);
        for (let i = random.below(8); i > 0; i--) bytes[random.below(bytes.length)] = random.below(256);
        return {
          status: [200, 200, 400, 401, 500][random.below(5)]!,
          body: bytes.subarray(0, random.below(bytes.length)),
        };
      }
      if (operation === 'GetServices') return { status: 200, body: fixture('standard-get-services') };
      if (operation === 'GetProfiles') return { status: 200, body: fixture('hikvision-get-profiles') };
      if (operation === 'GetNodes') return { status: 200, body: fixture('standard-get-nodes') };
      return done(operation, '<MediaUri><Uri>rtsp://192.0.2.20/live</Uri></MediaUri>');
    });
    const driver = camera.driver();
    const ways = {
      streams: () => driver.streams(),
      abilities: () => driver.abilities(),
      status: () => driver.ptz.status(),
    };
    const [name, way] = Object.entries(ways)[run % 3]!;
    const outcome = await way().then(
      () => 'answer',
      (error: unknown) => {
        assert.ok(error instanceof CameraError && error.cause === undefined, String((error as Error).stack));
        return error.trouble;
      },
    );
    answered.set(`${name} ${outcome}`, (answered.get(`${name} ${outcome}`) ?? 0) + 1);
  }
  for (const name of ['streams answer', 'abilities answer', 'status answer', 'streams malformed']) {
    assert.ok((answered.get(name) ?? 0) > 0, `${name}: ${JSON.stringify([...answered])}`);
  }
});
