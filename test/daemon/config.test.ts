import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, test } from 'node:test';
import { utf8 } from '../../src/bytes/index.ts';
import { ConfigText } from '../../src/daemon/config-file.ts';
import { nearest, publishedSecrets } from '../../src/daemon/config-mistakes.ts';
import { type Config, ConfigError, checkConfig, readEnvironment } from '../../src/daemon/index.ts';
import { SeededRandom, SimulatedFiles } from '../../src/platform/index.ts';

const FOLDER = '/data';
const example = readFileSync(resolve(import.meta.dirname, '../../docs/config.example.yaml'), 'utf8');

async function check(text: string, files = new SimulatedFiles()): Promise<Config> {
  return checkConfig(files, FOLDER, new ConfigText('config.yaml', text));
}

async function problemsOf(text: string, files = new SimulatedFiles()): Promise<readonly string[]> {
  try {
    await check(text, files);
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.problems;
  }
  assert.fail(`expected mistakes in ${text}`);
}

describe('a configuration', () => {
  test('may be empty: all is default and frozen', async () => {
    const config = await check('');
    assert.deepEqual(config, {
      file: '/data/config.yaml',
      listen: [{ host: '127.0.0.1', port: 8456 }],
      addresses: null,
      viewer: null,
      origins: [],
      health: 'loopback',
      log: 'info',
      timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
      cameras: { discoveryPort: 33_702, interfaces: null, clockAlarmMs: 2_000, events: true },
      storage: { segmentMs: 60_000, keepMs: 30 * 86_400_000, size: { bytes: 10e9 }, reserve: null },
      audit: { keepMs: 365 * 86_400_000, size: { bytes: 64 * 2 ** 20 } },
      identity: { label: 'Constitute NVR', hostGateway: null, approveCodes: false, enrol: null },
      swarm: null,
      v1: null,
      sources: [],
    });
    assert.throws(() => {
      (config.storage as { segmentMs: number }).segmentMs = 1;
    }, TypeError);
  });

  test('takes a camera in three lines', async () => {
    const { sources } = await check('sources:\n  front:\n    url: rtsp://viewer:p%40ss@192.168.1.20/stream1\n');
    const { input } = sources[0]!;
    assert.ok(input.kind === 'camera' && input.main.credentials?.password === 'p@ss');
    assert.deepEqual(JSON.parse(JSON.stringify(sources[0])), {
      id: 'front',
      name: 'front',
      enabled: true,
      input: {
        kind: 'camera',
        main: { address: 'rtsp://192.168.1.20/stream1', credentials: { username: 'viewer', password: '(secret)' } },
        sub: null,
        transport: 'auto',
      },
      reader: 'auto',
      certificate: null,
      audio: 'auto',
      record: { main: 'always', sub: 'always', schedule: null, on: ['motion'], beforeMs: 5_000, afterMs: 10_000 },
      onvif: null,
      find: true,
      keepMs: null,
      size: null,
    });
  });

  test('a pinned certificate is taken as programs print it, beside rtsps only', async () => {
    const hex = 'ab'.repeat(32);
    const printed = hex.toUpperCase().match(/../g)!.join(':');
    const source = (rest: string) => `sources:\n  front:\n    certificate: '${printed}'\n    ${rest}\n`;
    const { sources } = await check(source('url: rtsps://192.168.1.20/1'));
    assert.equal(sources[0]!.certificate, hex);
    await assert.rejects(check(source('url: rtsp://192.168.1.20/1')), /certificate: expected an rtsps url beside it/);
    await assert.rejects(check(source('url: rtsps://10.0.0.1/1\n    reader: ffmpeg')), /expected another reader/);
    await assert.rejects(check("sources: { a: { url: 'rtsps://a/1', certificate: 'abc' } }"), /SHA-256 fingerprint/);
  });

  test('the documented example is in order, and shows every key', async () => {
    const config = await check(example);
    assert.deepEqual(
      config.sources.map(({ id }) => id),
      ['yard', 'test'],
    );
    const [yard] = config.sources;
    assert.ok(yard?.input.kind === 'camera' && yard.input.sub?.credentials?.username === 'viewer');
    for (const key of [
      'listen',
      'addresses',
      'viewer',
      'origins',
      'health',
      'log',
      'segment',
      'keep',
      'size',
      'reserve',
    ])
      assert.match(example, new RegExp(`^\\s*(# )?${key}: `, 'm'), key);
    for (const key of [
      'name',
      'enabled',
      'url',
      'sub',
      'username',
      'password',
      'password_file',
      'transport',
      'audio',
      'virtual',
    ])
      assert.match(example, new RegExp(`^\\s*(# )?${key}:`, 'm'), key);
  });

  test('may be written as JSON', async () => {
    const config = await check('{"listen": ["[::1]:9000", "127.0.0.1"], "sources": {"a": {"virtual": {"fps": 10}}}}');
    assert.deepEqual(config.listen, [
      { host: '::1', port: 9000 },
      { host: '127.0.0.1', port: 8456 },
    ]);
    const { input } = config.sources[0]!;
    assert.ok(input.kind === 'virtual');
    assert.deepEqual(input.camera, {
      codec: 'h264',
      size: { width: 1280, height: 720 },
      fps: 10,
      audio: 'none',
      sub: false,
      onvif: false,
      ptz: false,
    });
  });

  test('says how the network of the cameras is used, and in which zone schedules are meant', async () => {
    const { timezone, cameras } = await check(
      'timezone: Asia/Tokyo\ncameras: { discovery_port: 0, interfaces: eth1, clock_alarm: 500ms, events: false }',
    );
    assert.equal(timezone, 'Asia/Tokyo');
    assert.deepEqual(cameras, { discoveryPort: 0, interfaces: ['eth1'], clockAlarmMs: 500, events: false });
  });

  test('says who a camera is and when it is recorded', async () => {
    const { sources } = await check(`sources:
  a: { url: 'rtsp://10.0.0.1:8554/x', onvif: true, hardware: SN 42, record: event, on: [motion, tamper], before: 0s, schedule: 'mon 22:00-06:00' }
  b: { url: 'rtsp://[fe80::1]/x', onvif: 'https://10.0.0.2:8443', record: { sub: never }, find: false, reader: ffmpeg }
  c: { url: 'rtsp://10.0.0.3/x', onvif: false }
  d: { virtual: { onvif: true, ptz: true }, record: event }
`);
    const [a, b, c, d] = sources;
    assert.deepEqual(a?.onvif, { service: 'http://10.0.0.1/onvif/device_service', hardwareId: 'SN 42' });
    assert.deepEqual(a.record, {
      main: 'event',
      sub: 'event',
      schedule: [{ from: 1320, until: 1800 }],
      on: ['motion', 'tamper'],
      beforeMs: 0,
      afterMs: 10_000,
    });
    assert.deepEqual(b?.onvif, { service: 'https://10.0.0.2:8443/onvif/device_service', hardwareId: null });
    assert.deepEqual([b.record.main, b.record.sub, b.find, b.reader], ['always', 'never', false, 'ffmpeg']);
    assert.equal(c?.onvif, null);
    assert.deepEqual([d?.record.main, d?.record.on], ['event', ['motion']]);
  });

  test('an installed node may fill most of its volume', async () => {
    const installed = await checkConfig(new SimulatedFiles(), '/var/lib/constitute-nvr', null);
    assert.deepEqual(installed.storage.size, { share: 0.8 });
  });

  test('takes the password from a file, in the data folder or elsewhere', async () => {
    const files = new SimulatedFiles();
    for (const folder of ['/data/secrets', '/run']) await files.makeFolder(folder);
    await files.replace('/data/secrets/front', utf8('from a file\n'));
    await files.replace('/run/other', utf8('elsewhere'));
    const text = (file: string) => `sources: {front: {url: 'rtsp://cam/1', username: u, password_file: '${file}'}}`;
    for (const [file, password] of [
      ['secrets/front', 'from a file'],
      ['/run/other', 'elsewhere'],
    ] as const) {
      const { input } = (await check(text(file), files)).sources[0]!;
      assert.ok(input.kind === 'camera');
      assert.deepEqual([input.main.credentials?.username, input.main.credentials?.password], ['u', password]);
    }
    assert.match(
      (await problemsOf(text('missing'), files)).join(),
      /sources\.front\.password_file: expected a readable file/,
    );
    await files.replace('/data/two', utf8('a\nb\n'));
    assert.match((await problemsOf(text('two'), files)).join(), /one line of text/);
  });
});

describe('mistakes', () => {
  test('are told all together, with line and path', async () => {
    const problems = await problemsOf(
      [
        'lisen: 0.0.0.0:8456',
        'health: everyone',
        'storage:',
        '  segment: 1s',
        '  size: lots',
        'sources:',
        '  Front:',
        '    url: rtsp://cam/1',
        '  yard:',
        '    url: http://cam/1',
        '    transport: quic',
      ].join('\n'),
    );
    assert.match(problems.join('\n'), /^line 1: lisen: unknown key; did you mean listen\?$/m);
    assert.match(problems.join('\n'), /^line 2: health: expected one of loopback, anyone$/m);
    assert.match(
      problems.join('\n'),
      /^line 4: storage\.segment: expected a duration such as 60s, 12h or 30d, from 2s to 10m$/m,
    );
    assert.match(problems.join('\n'), /^line 5: storage\.size: expected a size/m);
    assert.match(problems.join('\n'), /^line 10: sources\.yard\.url: expected a camera url with/m);
    assert.match(problems.join('\n'), /^line 11: sources\.yard\.transport: expected one of auto, tcp, udp$/m);
    assert.equal(problems.length, 6);
  });

  const zones = 'zones: [{key: ZLoI5dHO2oBisXbfazo6, name: Home}]';
  const cases: [string, string, RegExp][] = [
    [
      'a misspelt key of a peer, which would share every zone with it',
      `swarm: {${zones}, peers: [{node: 'a:1', zone: ZLoI5dHO2oBisXbfazo6}]}`,
      /swarm\.peers\.0\.zone: unknown key; did you mean zones\?/,
    ],
    [
      'a peer without address',
      `swarm: {${zones}, peers: [{}]}`,
      /swarm\.peers\.0: expected one of gateway, peer or node/,
    ],
    [
      'a zone of a peer that is none of ours',
      `swarm: {${zones}, peers: [{node: 'a:1', zones: [AAAAAAAAAAAAAAAAAAAA]}]}`,
      /swarm\.peers\.0\.zones: expected keys that stand in swarm\.zones/,
    ],
    ['no zone', 'swarm: {}', /swarm\.zones: expected/],
    [
      'a code and its hash',
      'identity: {enrol: {label: Us, owners: x, code: "123456"}}',
      /identity\.enrol\.owners: unknown key/,
    ],
    [
      'a misspelt role',
      'v1: {identity_id: x, devices: [{key: a, rol: viewer}]}',
      /v1\.devices\.0\.rol: unknown key; did you mean role/,
    ],
    [
      'the old session without its secrets',
      'v1: {identity_id: x}',
      /v1\.identity_secret_file: expected a file with 64/,
    ],
    ['a source id out of the rule', 'sources: {Front: {virtual: true}}', /sources\.Front: expected an id of the form/],
    [
      'a source without input',
      'sources: {a: {name: x}}',
      /sources\.a\.url: expected either a camera url or virtual: true/,
    ],
    ['a source with two inputs', 'sources: {a: {url: "rtsp://c/1", virtual: true}}', /either a camera url or virtual/],
    ['credentials twice', 'sources: {a: {url: "rtsp://u:p@c/1", username: u}}', /not in both/],
    [
      'a password without user',
      'sources: {a: {url: "rtsp://c/1", password: p}}',
      /expected a user name beside the password/,
    ],
    ['two passwords', 'sources: {a: {url: "rtsp://c/1", username: u, password: p, password_file: f}}', /not both/],
    ['a password that is a number', 'sources: {a: {url: "rtsp://c/1", username: u, password: 1234}}', /quote it/],
    [
      'an unknown key of a source',
      'sources: {a: {url: "rtsp://c/1", ulr: x}}',
      /sources\.a\.ulr: unknown key; did you mean url\?/,
    ],
    [
      'an unknown key of a virtual camera',
      'sources: {a: {virtual: {codek: h264}}}',
      /virtual\.codek: unknown key; did you mean codec\?/,
    ],
    ['a service with a user', 'sources: {a: {url: "rtsp://c/1", onvif: "http://u:p@c/"}}', /a\.onvif: expected/],
    ['a service by another scheme', 'sources: {a: {url: "rtsp://c/1", onvif: "ftp://c/"}}', /a\.onvif: expected/],
    ['hardware without onvif', 'sources: {a: {url: "rtsp://c/1", hardware: x}}', /expected onvif beside hardware/],
    ['events without onvif', 'sources: {a: {url: "rtsp://c/1", record: event}}', /expected onvif beside record: event/],
    ['events of a deaf virtual camera', 'sources: {a: {virtual: true, record: event}}', /expected onvif beside/],
    ['a head without onvif', 'sources: {a: {virtual: {ptz: true}}}', /expected onvif: true beside ptz/],
    ['onvif beside virtual', 'sources: {a: {virtual: true, onvif: true}}', /expected no onvif beside virtual/],
    ['a rule that does nothing', 'sources: {a: {url: "rtsp://c/1", after: 5s}}', /record: event beside after/],
    ['another mode', 'sources: {a: {url: "rtsp://c/1", record: sometimes}}', /a\.record\.main: expected one of always/],
    ['a misspelt stream', 'sources: {a: {url: "rtsp://c/1", record: {mian: never}}}', /did you mean main\?/],
    ['a time that is none', 'sources: {a: {url: "rtsp://c/1", schedule: daily}}', /expected days and times/],
    ['too long before', 'sources: {a: {url: "rtsp://c/1", onvif: true, record: event, before: 31s}}', /a\.before: /],
    ['a zone that is none', 'timezone: Europe/Nowhere', /timezone: expected a time zone/],
    ['an interface that is none', 'cameras: {interfaces: ["a b"]}', /interfaces\.0: expected the name/],
    ['a misspelt key of cameras', 'cameras: {event: false}', /did you mean events\?/],
    ['sources that are no map', 'sources: [1, 2]', /sources: expected a source for each id/],
    ['a port out of range', 'listen: 127.0.0.1:70000', /listen\.0: expected an address and port/],
    ['an origin with a path', 'origins: https://x/y', /origins\.0: expected a web origin/],
    ['a text that is no map', 'hello', /expected/],
    ['a list', '- 1', /expected/],
    ['broken notation', 'a: [1, 2', /line 1: /],
    ['a key twice', 'log: info\nlog: warn', /line 2: /],
    ['an alias', 'a: &x 1\nb: *x', /without aliases/],
    ['deep nesting', '['.repeat(5000), /nesting/],
    ['deep nesting by dashes', '- '.repeat(5000), /nesting|expected/],
    ['a huge text', `# ${'x'.repeat(300_000)}`, /at most/],
  ];
  for (const [what, text, expected] of cases) {
    test(`${what} is told`, async () => assert.match((await problemsOf(text)).join('\n'), expected));
  }

  test('secrets of the published template are refused wherever they stand, and version 1 is named', async () => {
    const old = { nostr_pubkey: 'x', nostr_sk_hex: 'y', api: {}, cameras: [] };
    assert.match((await problemsOf(JSON.stringify(old))).join('\n'), /looks like the configuration of version 1/);
    // The published values are known to us by their fingerprints only.
    const secret = 'ab'.repeat(32);
    const prints = new Set([createHash('sha256').update(secret).digest('hex')]);
    assert.deepEqual(publishedSecrets({ a: [{ b: secret.toUpperCase() }], c: 'cd'.repeat(32) }, prints), [
      'a.0.b: this secret was published in a template; make a new one',
    ]);
    assert.deepEqual(publishedSecrets({ a: secret }), []);
  });

  test('never quote what was written in the place of a secret', async () => {
    const problems = await problemsOf('sources: {a: {url: "rtsp://u:hunter2@ bad/1", password: [hunter2]}}');
    assert.doesNotMatch(problems.join('\n'), /hunter2/);
  });
});

test('the known word nearest to a misspelt one is found, and nothing far-fetched', () => {
  assert.equal(nearest('lisen', ['listen', 'log']), 'listen');
  assert.equal(nearest('Listen', ['listen', 'log']), 'listen');
  assert.equal(nearest('xyz', ['url', 'sub']), null);
  assert.equal(nearest('x'.repeat(10_000), ['url']), null);
});

test('any text gives a configuration or mistakes', { timeout: 30_000 }, async () => {
  const rng = new SeededRandom(5);
  const rounds = process.env['SLOW'] === '1' ? 10_000 : 600;
  const signs = '{}[]:,-#&*!|>\'"%@` \n\t?x0';
  for (let round = 0; round < rounds; round++) {
    const characters = [...example];
    for (let n = 1 + rng.below(12); n > 0; n--) {
      const at = rng.below(characters.length);
      const sign = signs[rng.below(signs.length)]!;
      if (rng.below(2)) characters[at] = sign;
      else characters.splice(at, rng.below(40), sign);
    }
    try {
      await check(characters.join(''));
    } catch (error) {
      assert.ok(error instanceof ConfigError, `${String(error)} in round ${round}`);
      assert.ok(error.problems.length > 0 && error.problems.length <= 51);
    }
  }
});

describe('rewriting', () => {
  test('keeps comments and order, and adds what is new', async () => {
    const text = new ConfigText('c', '# head\nlog: warn # why\n\n# cameras\nsources:\n  # none yet\n');
    text.set(['sources', 'front'], { virtual: true });
    const written = text.toString();
    for (const words of ['# head', 'log: warn # why', '# cameras', '# none yet'])
      assert.ok(written.includes(words), words);
    assert.equal((await check(written)).sources[0]?.id, 'front');
  });

  test('adds to an empty text, to one with a source, and to JSON', async () => {
    for (const [text, count] of [
      ['', 1],
      ['sources:\n  yard:\n    virtual: true # mine\n', 2],
      ['{"log": "warn", "sources": {}}', 1],
    ] as const) {
      const changed = new ConfigText('c', text);
      changed.set(['sources', 'front'], { name: 'Front door', virtual: true });
      assert.equal((await check(changed.toString())).sources.length, count, changed.toString());
    }
  });
});

test('the data folder comes from the command line, then from the environment, then lies beside the program', () => {
  const options = { home: '/opt/nvr', cwd: '/home/me' };
  assert.equal(readEnvironment({}, options).folder, '/opt/nvr/data');
  assert.equal(readEnvironment({ CONSTITUTE_NVR_DATA: '/var/x' }, options).folder, '/var/x');
  assert.equal(readEnvironment({ CONSTITUTE_NVR_DATA: 'x' }, { ...options, data: '../y' }).folder, '/home/y');
  const credentials = mkdtempSync(join(tmpdir(), 'credentials-'));
  assert.deepEqual(readEnvironment({ CREDENTIALS_DIRECTORY: credentials }, options), { folder: '/opt/nvr/data' });
  writeFileSync(join(credentials, 'storage-kek'), 'x');
  const found = readEnvironment({ CREDENTIALS_DIRECTORY: credentials }, options);
  rmSync(credentials, { recursive: true });
  assert.equal(found.kekCredentialPath, join(credentials, 'storage-kek'));
});
