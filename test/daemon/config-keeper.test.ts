import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fromUtf8, utf8 } from '../../src/bytes/index.ts';
import type { SourceWish } from '../../src/commands/index.ts';
import { readCameraSecrets } from '../../src/daemon/camera-secret-file.ts';
import { CameraSecrets } from '../../src/daemon/camera-secrets.ts';
import { type Config, loadConfig, type SourceConfig } from '../../src/daemon/config.ts';
import { ConfigKeeper } from '../../src/daemon/config-keeper.ts';
import { keysToRestart } from '../../src/daemon/restart-keys.ts';
import { isNvrError } from '../../src/errors.ts';
import {
  type Log,
  type LogFields,
  SeededRandom,
  SimulatedClock,
  SimulatedFiles,
  silentLog,
} from '../../src/platform/index.ts';
import { createNodeSuite } from '../../src/platform/node/index.ts';
import { checkParams, type SourceId } from '../../src/protocol/index.ts';

const FOLDER = '/data';
const FILE = '/data/config.yaml';
const SECRET = 'Zq7-not-to-be-seen';
const START = `# mine
listen: 127.0.0.1:0
sources:
  # the first
  front:
    # of two
    name: Front # door
    url: rtsp://viewer:${SECRET}@10.0.0.1/a
    sub: rtsp://viewer:${SECRET}@10.0.0.1/b
  yard: { url: 'rtsp://10.0.0.2/x', keep: 14d }
`;

/** The same once its passwords were moved out of it. */
const SEALED = START.replaceAll(
  `:${SECRET}@10.0.0.1/a`,
  '@10.0.0.1/a # password: sealed in secrets/cameras.sealed',
).replaceAll(`:${SECRET}@10.0.0.1/b`, '@10.0.0.1/b # password: sealed in secrets/cameras.sealed');
const KEY = new Uint8Array(32).fill(7);
const suite = createNodeSuite();

/** A keeper on a simulated disk whose sources only write down what they were told to be. */
async function rig(text = START) {
  const clock = new SimulatedClock();
  const files = new SimulatedFiles();
  const lines: string[] = [];
  const note = (fields: LogFields, line: string) => void lines.push(`${line} ${JSON.stringify(fields)}`);
  const log: Log = { debug: note, info: note, warn: note, error: note, child: () => log };
  files.poke(FILE, utf8(text));
  const { config } = await loadConfig(files, FOLDER);
  const applied: Config[] = [];
  const reserved: (readonly SourceConfig[])[] = [];
  let taken = 0;
  const keeper = new ConfigKeeper(
    {
      clock,
      files,
      random: new SeededRandom(5),
      suite,
      log,
      reserve: async (sources) => void reserved.push(sources),
      apply: async (changed) => {
        const before = applied.at(-1) ?? config;
        applied.push(changed);
        const differs = (a: SourceConfig) =>
          JSON.stringify(a) !== JSON.stringify(before.sources.find(({ id }) => id === a.id));
        return {
          started: [],
          restarted: changed.sources.filter(differs).map(({ id }) => id),
          stopped: [],
          adopted: [],
        };
      },
      taken: () => {
        taken += 1;
      },
      needsRestart: keysToRestart,
    },
    { folder: FOLDER, config },
  );
  await keeper.unseal(KEY);
  await keeper.start();
  const text_ = () => fromUtf8(files.peek(FILE))!;
  const disk = () => files.paths().map((path) => [path, fromUtf8(files.peek(path))]);
  return { clock, files, lines, keeper, applied, reserved, taken: () => taken, text: text_, disk, config };
}

type Rig = Awaited<ReturnType<typeof rig>>;

/** A wish as it comes over a channel: through the schema. */
function wish(params: Record<string, unknown>): SourceWish {
  const checked = checkParams('sources.upsert', params);
  assert.ok('params' in checked, JSON.stringify(checked));
  return checked.params;
}

const put = ({ keeper }: Rig, params: Record<string, unknown>) => keeper.upsert(wish(params));
const sourceOf = ({ keeper }: Pick<Rig, 'keeper'>, id: string) => keeper.current.sources.find((each) => each.id === id);
function camera(node: Pick<Rig, 'keeper'>, id: string) {
  const source = sourceOf(node, id);
  assert.ok(source?.input.kind === 'camera', id);
  return source.input;
}
/** The sealed passwords as they lie on the disk. */
function sealed({ files }: Pick<Rig, 'files'>): string[] {
  if (!files.paths().includes('/data/secrets/cameras.sealed')) return [];
  const read = readCameraSecrets(suite.aead.key(KEY), files.peek('/data/secrets/cameras.sealed'));
  assert.ok('secrets' in read, JSON.stringify(read));
  return read.secrets.map(({ source, purpose, username, password }) =>
    [source, purpose, username, password.revealText()].join(' '),
  );
}
/** What a node that starts on this disk would have. */
async function reread({ files }: Pick<Rig, 'files'>): Promise<Config> {
  const secrets = new CameraSecrets({ files, random: new SeededRandom(9), suite, log: silentLog }, FOLDER);
  await secrets.open(KEY);
  return (await loadConfig(files, FOLDER, secrets)).config;
}
/** Credentials as plain values. */
const plain = (camera: { credentials: { username: string; password: string } | null } | null | undefined) =>
  camera?.credentials && { username: camera.credentials.username, password: camera.credentials.password };
/** A configuration as text, with marks for passwords. */
const told = (config: Config) => JSON.parse(JSON.stringify(config)) as unknown;

async function refuses(node: Rig, params: Record<string, unknown>, code: string): Promise<void> {
  const before = { disk: node.disk(), config: node.keeper.current, applied: node.applied.length };
  const error = await put(node, params).then(
    () => assert.fail(`expected ${code}`),
    (reason: unknown) => reason,
  );
  assert.ok(isNvrError(error), String(error));
  assert.equal(error.code, code);
  assert.ok(!error.message.includes(SECRET) && !error.message.includes('/data'), error.message);
  assert.deepEqual({ disk: node.disk(), config: node.keeper.current, applied: node.applied.length }, before);
}

describe('a camera that is put', () => {
  test('is written below the others with comments kept, its password sealed', async () => {
    const node = await rig();
    const params = {
      source: 'gate',
      expect: 'new',
      name: 'Gate: #1',
      url: 'rtsp://10.0.0.3:8554/x?y=1',
      username: 'vi&wer',
      password: SECRET,
      keep: '3d',
      size: '20%',
      transport: 'udp',
    };
    assert.deepEqual(await put(node, params), { created: true, changed: true, restarted: true });
    assert.deepEqual(sealed(node).at(-1), `gate password vi&wer ${SECRET}`);
    assert.equal(
      node.text(),
      `${SEALED}  gate:
    name: "Gate: #1"
    url: rtsp://10.0.0.3:8554/x?y=1
    username: vi&wer # password: sealed in secrets/cameras.sealed
    transport: udp
    keep: 3d
    size: 20%
`,
    );
    assert.deepEqual(plain(camera(node, 'gate').main), { username: 'vi&wer', password: SECRET });
    const { mark } = /(?<mark>[0-9a-f]{16})/.exec(JSON.stringify(camera(node, 'gate').main))!.groups!;
    assert.deepEqual(JSON.parse(JSON.stringify(node.applied.at(-1)?.sources.at(-1))), {
      id: 'gate',
      name: 'Gate: #1',
      enabled: true,
      input: {
        kind: 'camera',
        main: {
          address: 'rtsp://10.0.0.3:8554/x?y=1',
          credentials: { username: 'vi&wer', password: `(secret ${mark})` },
        },
        sub: null,
        transport: 'udp',
      },
      reader: 'auto',
      certificate: null,
      audio: 'auto',
      record: { main: 'always', sub: 'always', schedule: null, on: ['motion'], beforeMs: 5_000, afterMs: 10_000 },
      onvif: null,
      find: true,
      keepMs: 3 * 86_400_000,
      size: { share: 0.2 },
    });
    assert.deepEqual(told(node.keeper.current), told(await reread(node)));
    assert.equal(fromUtf8(node.files.peek(`${FILE}.bak`)), SEALED);
    assert.ok(node.lines.every((line) => !line.includes(SECRET)));

    const before = node.disk();
    assert.deepEqual(await put(node, { ...params, expect: 'known' }), {
      created: false,
      changed: false,
      restarted: false,
    });
    assert.deepEqual(node.disk(), before, 'putting the same again writes nothing');
  });

  test('may have its credentials inside the URL, and they are taken out of it', async () => {
    const node = await rig();
    await put(node, { source: 'gate', url: `rtsp://u:${SECRET}@10.0.0.3/x`, sub: `rtsp://u:${SECRET}@10.0.0.3/y` });
    assert.equal(camera(node, 'gate').sub?.address, 'rtsp://10.0.0.3/y');
    assert.deepEqual(plain(camera(node, 'gate').sub), { username: 'u', password: SECRET });
    assert.ok(!node.text().includes(SECRET));
  });

  test('may have an id that YAML takes for something else', async () => {
    const node = await rig('sources:\n');
    for (const source of ['123', 'true', 'null', '1e3', '0x1', 'no', 'constructor']) {
      await put(node, { source, url: 'rtsp://10.0.0.3/x' });
    }
    const ids = (await loadConfig(node.files, FOLDER)).config.sources.map(({ id }) => id);
    assert.deepEqual(new Set(ids), new Set(['123', 'true', 'null', '1e3', '0x1', 'no', 'constructor']));
  });
});

describe('a change of a camera', () => {
  test('touches what differs and nothing else', async () => {
    const node = await rig();
    assert.equal((await put(node, { source: 'front', name: 'Porch', transport: 'auto', enabled: true })).changed, true);
    assert.equal(node.text(), SEALED.replace('name: Front # door', 'name: Porch # door'));
    await put(node, { source: 'front', name: null, enabled: false });
    assert.equal(
      node.text(),
      SEALED.replace('    name: Front # door\n', '').replace(/(\/b #.*)$/m, '$1\n    enabled: false'),
    );
    await put(node, { source: 'yard', keep: null, size: '5GB' });
    assert.match(node.text(), /yard: \{ url: 'rtsp:\/\/10\.0\.0\.2\/x', size: 5GB \}/);
    assert.deepEqual(sourceOf(node, 'yard')?.size, { bytes: 5e9 });
    assert.equal(sourceOf(node, 'yard')?.keepMs, null);
  });

  test('of the rule takes what is kept around events with it, unless another stream still needs it', async () => {
    const node = await rig();
    await put(node, { source: 'yard', onvif: true, record: 'event', on: ['line'], before: '2s', after: '3s' });
    await put(node, { source: 'yard', record: { main: 'always', sub: 'event' } });
    assert.deepEqual(sourceOf(node, 'yard')?.record.on, ['line']);
    await put(node, { source: 'yard', record: 'always' });
    assert.doesNotMatch(node.text(), /on:|before:|after:/);
    assert.equal(sourceOf(node, 'yard')?.record.main, 'always');
    await put(node, { source: 'yard', record: 'event', after: '4s' });
    await put(node, { source: 'yard', record: null });
    assert.doesNotMatch(node.text(), /record:|after:/);
  });

  test('of its path keeps the credentials, which move out of the URLs', async () => {
    const node = await rig();
    await put(node, { source: 'front', url: 'rtsp://10.0.0.1/other' });
    const credentials = { username: 'viewer', password: SECRET };
    assert.equal(camera(node, 'front').main.address, 'rtsp://10.0.0.1/other');
    assert.deepEqual(plain(camera(node, 'front').main), credentials);
    assert.equal(camera(node, 'front').sub?.address, 'rtsp://10.0.0.1/b');
    assert.deepEqual(plain(camera(node, 'front').sub), credentials);
    assert.match(node.text(), /username: viewer # password: sealed/);
  });

  test('of its password alone keeps the name; null forgets both', async () => {
    const node = await rig();
    await put(node, { source: 'front', password: 'next' });
    assert.deepEqual(plain(camera(node, 'front').main), { username: 'viewer', password: 'next' });
    assert.deepEqual(await put(node, { source: 'front', password: 'next' }), {
      created: false,
      changed: false,
      restarted: false,
    });
    assert.equal((await put(node, { source: 'front', username: 'viewer' })).changed, false, 'the password stays');
    await put(node, { source: 'front', username: 'other' });
    assert.deepEqual(plain(camera(node, 'front').main), { username: 'other', password: '' });
    await put(node, { source: 'front', username: null });
    assert.equal(camera(node, 'front').main.credentials, null);
    assert.equal(camera(node, 'front').sub?.credentials, null);
    assert.equal((await put(node, { source: 'front', username: null })).changed, false);
    assert.ok(!node.text().includes('password_file'));
  });

  test('of the small picture adds and takes it', async () => {
    const node = await rig();
    await put(node, { source: 'yard', sub: 'rtsp://10.0.0.2/small' });
    assert.equal(camera(node, 'yard').sub?.address, 'rtsp://10.0.0.2/small');
    await put(node, { source: 'yard', sub: null });
    assert.equal(camera(node, 'yard').sub, null);
    assert.equal((await put(node, { source: 'yard', sub: null })).changed, false);
  });

  test('gives a virtual camera a real address', async () => {
    const node = await rig('sources:\n  test: { virtual: { sub: true }, name: T }\n');
    await refuses(node, { source: 'test', sub: 'rtsp://10.0.0.2/s' }, 'ERR_DAEMON_SOURCE_REFUSED');
    await refuses(node, { source: 'test', username: 'u' }, 'ERR_DAEMON_SOURCE_REFUSED');
    await put(node, { source: 'test', name: 'U' });
    await put(node, { source: 'test', url: 'rtsp://u:p@10.0.0.2/s' });
    assert.equal(camera(node, 'test').main.address, 'rtsp://10.0.0.2/s');
    assert.deepEqual(plain(camera(node, 'test').main), { username: 'u', password: 'p' });
  });

  test('never sends stored credentials to a host they were not given for', async () => {
    const node = await rig();
    const elsewhere = [
      'rtsp://10.0.0.9/a',
      'rtsp://10.0.0.1:8554/a',
      'rtsps://10.0.0.1/a',
      'rtsp://10.0.0.1.evil.example/a',
    ];
    for (const url of elsewhere) {
      await refuses(node, { source: 'front', url }, 'ERR_DAEMON_CREDENTIALS');
      await refuses(node, { source: 'front', sub: url }, 'ERR_DAEMON_CREDENTIALS');
    }
    await put(node, { source: 'front', url: 'rtsp://10.0.0.1:554/c' });
    await put(node, { source: 'front', url: 'rtsp://10.0.0.9/a', sub: null, username: 'u', password: 'p' });
    assert.deepEqual(plain(camera(node, 'front').main), { username: 'u', password: 'p' });
    await refuses(node, { source: 'front', url: 'rtsp://10.0.0.8/a', username: 'u' }, 'ERR_DAEMON_CREDENTIALS');
    await put(node, { source: 'front', url: 'rtsp://10.0.0.8/a', username: 'u', password: '' });
    assert.deepEqual(plain(camera(node, 'front').main), { username: 'u', password: '' });
    await put(node, { source: 'front', url: 'rtsp://10.0.0.7/a', username: null });
    await put(node, { source: 'front', url: 'rtsp://10.0.0.6/a' });
    assert.equal(camera(node, 'front').main.credentials, null);
    await put(node, { source: 'yard', url: 'rtsp://10.0.0.1/a' });
    assert.equal(camera(node, 'yard').main.credentials, null, 'nor those of another source');
  });

  test('that makes no sense is refused before anything is written', async () => {
    const node = await rig();
    const cases: [Record<string, unknown>, string][] = [
      [{ source: 'gate' }, 'ERR_DAEMON_SOURCE_REFUSED'],
      [{ source: 'gate', expect: 'known', url: 'rtsp://10.0.0.1/' }, 'ERR_DAEMON_SOURCE_MISSING'],
      [{ source: 'front', expect: 'new', url: 'rtsp://10.0.0.1/' }, 'ERR_DAEMON_SOURCE_KNOWN'],
      [{ source: 'gate', url: 'rtsp://10.0.0.1/', password: SECRET }, 'ERR_DAEMON_SOURCE_REFUSED'],
      [{ source: 'yard', password: SECRET }, 'ERR_DAEMON_SOURCE_REFUSED'],
      [{ source: 'yard', username: null, password: SECRET }, 'ERR_DAEMON_SOURCE_REFUSED'],
      [{ source: 'gate', url: `rtsp://u:${SECRET}@10.0.0.1/`, username: 'v' }, 'ERR_DAEMON_SOURCE_REFUSED'],
      [
        { source: 'gate', url: `rtsp://u:${SECRET}@10.0.0.1/`, sub: 'rtsp://v:x@10.0.0.1/' },
        'ERR_DAEMON_SOURCE_REFUSED',
      ],
      [{ source: 'gate', url: `rtsp://:${SECRET}@10.0.0.1/` }, 'ERR_DAEMON_SOURCE_REFUSED'],
      [{ source: 'front', keep: '1s' }, 'ERR_DAEMON_SOURCE_REFUSED'],
      [{ source: 'front', size: '0%' }, 'ERR_DAEMON_SOURCE_REFUSED'],
      [{ source: 'front', size: '9e9.B'.replace('e', '.') }, 'ERR_DAEMON_SOURCE_REFUSED'],
    ];
    for (const [params, code] of cases) await refuses(node, params, code);
  });
});

test('what is not rtsp never gets past the schema', () => {
  for (const url of [
    'file:///etc/passwd',
    'concat:/etc/passwd|x',
    'http://10.0.0.1/x',
    'rtsp://10.0.0.1/x y',
    "rtsp://10.0.0.1/'",
    'rtsp:///x',
    'rtsp+file://x/',
    '-i',
    '',
    'pipe:0',
    'RTSP://10.0.0.1/',
  ]) {
    for (const params of [
      { source: 'x', url },
      { source: 'x', url: 'rtsp://10.0.0.1/', sub: url },
    ]) {
      const checked = checkParams('sources.upsert', params);
      assert.ok('problems' in checked && (url === '' || !checked.problems.includes(url)), url);
    }
  }
  for (const bad of [{ password: 'a\nb' }, { username: 'a\0' }, { username: '' }, { keep: '14' }, { virtual: true }]) {
    assert.ok('problems' in checkParams('sources.upsert', { source: 'x', ...bad }), JSON.stringify(bad));
  }
});

test('removing takes the source out and leaves the rest as it was', async () => {
  const node = await rig();
  assert.equal(await node.keeper.remove('nobody' as SourceId), false);
  assert.equal(node.text(), SEALED);
  assert.equal(await node.keeper.remove('yard' as SourceId), true);
  assert.equal(node.text(), SEALED.replace(/ {2}yard.*\n/, ''));
  assert.equal(await node.keeper.remove('yard' as SourceId), false);
  assert.equal(await node.keeper.remove('front' as SourceId), true);
  assert.deepEqual(node.keeper.current.sources, []);
  assert.match(node.text(), /^sources:\s*(?:#.*\n\s*)*\{\}/m);
  await put(node, { source: 'front', url: 'rtsp://10.0.0.3/x' });
  assert.equal(sourceOf(node, 'front')?.name, 'front');
});

test('passwords that nothing has a use for any more are forgotten, those of the backup stay', async () => {
  const node = await rig();
  for (const [username, password] of [
    ['a', 'one'],
    ['b', 'two'],
    ['c', 'three'],
    ['d', 'four'],
  ]) {
    await put(node, { source: 'front', username, password });
  }
  assert.deepEqual(sealed(node), ['front password c three', 'front password d four']);
  await put(node, { source: 'front', password: 'five' });
  assert.deepEqual(sealed(node), ['front password c three', 'front password d five']);
  await node.keeper.remove('front' as SourceId);
  await put(node, { source: 'yard', name: 'Y' });
  assert.deepEqual(sealed(node), []);
});

describe('a disk that fails', () => {
  const params = { source: 'gate', url: 'rtsp://10.0.0.3/x', username: 'u', password: SECRET };
  for (const fault of ['EIO', 'ENOSPC'] as const) {
    test(`with ${fault} at any step leaves file, memory and recorders as they were`, async () => {
      let failures = 0;
      for (let n = 1; ; n++) {
        const node = await rig();
        const before = node.keeper.current;
        const start = node.files.calls;
        node.files.failAt(n, fault);
        const outcome = await put(node, params).then(
          () => 'done',
          (error: unknown) => (isNvrError(error) ? error.code : String(error)),
        );
        const calls = node.files.calls - start;
        node.files.heal();
        if (outcome === 'done') {
          assert.deepEqual(told(await reread(node)), told(node.keeper.current));
          if (n > calls) break;
          continue; // what failed was only cleaning up
        }
        failures += 1;
        assert.match(outcome, /^ERR_(DAEMON_CONFIG_WRITE|FILES_FAILED|FILES_FULL)$/);
        assert.equal(node.keeper.current, before);
        assert.equal(node.applied.length, 0);
        assert.equal(node.text(), SEALED);
        assert.ok(!sealed(node).some((each) => each.startsWith('gate')), 'no password without its camera');
        assert.deepEqual(told(await reread(node)), told(before));
        assert.equal((await put(node, params)).created, true, 'and it works afterwards');
      }
      assert.ok(failures >= 4, `${failures}`);
    });
  }

  test('and power cut at any step leave one of the two configurations, whole', async () => {
    for (let n = 1; n < 40; n++) {
      const node = await rig();
      const start = node.files.calls;
      node.files.onCall = () => {
        if (node.files.calls - start === n) throw new Error('power cut');
      };
      await put(node, params).catch(() => {});
      node.files.onCall = null;
      node.files.crash();
      const { sources } = await reread(node);
      assert.ok([2, 3].includes(sources.length));
      for (const { id, input } of sources) {
        if (id !== 'yard') assert.equal(input.kind === 'camera' && input.main.credentials?.password, SECRET, id);
      }
    }
  });
});

describe('a changed file', () => {
  const looks = async ({ clock }: Rig, count: number) => {
    for (let i = 0; i < count; i++) {
      await clock.advance(2_000);
      for (let k = 0; k < 10; k++) await new Promise((resolve) => setImmediate(resolve));
    }
  };

  test('is taken once it rests', async () => {
    const node = await rig();
    await looks(node, 3);
    assert.equal(node.applied.length, 0);
    node.files.poke(FILE, utf8(`${START}  gate: { url: 'rtsp://10.0.0.3/x' }\n`));
    await looks(node, 1);
    assert.equal(node.applied.length, 0, 'it may still be written');
    await looks(node, 1);
    assert.deepEqual(
      node.applied.map(({ sources }) => sources.map(({ id }) => id)),
      [['front', 'yard', 'gate']],
    );
    await looks(node, 3);
    assert.equal(node.applied.length, 1);
  });

  const broken: [string, string | null, RegExp][] = [
    ['with a mistake', START.replace('rtsp://10.0.0.2/x', 'https://10.0.0.2/x'), /yard\.url/],
    ['that is no YAML', `${START}  '`, /^line 1\d: expected another sign[^\n]*$/],
    ['cut to nothing', '', /empty/],
    ['with comments only', '# nothing\n', /empty/],
    ['with a viewer that is no address', `${START}viewer: x\n`, /viewer/],
  ];
  for (const [what, text, mistake] of broken) {
    test(`${what} is refused, told, and taken when it is mended`, async () => {
      const node = await rig();
      node.files.poke(FILE, utf8(text!));
      await looks(node, 2);
      assert.equal(node.applied.length, 0);
      assert.match(node.keeper.state.mistakes.join('\n'), mistake);
      assert.ok(node.lines.some((line) => line.startsWith('a changed configuration was refused')));
      assert.ok(node.lines.every((line) => !line.includes(SECRET)));
      await refuses(node, { source: 'front', name: 'x' }, 'ERR_DAEMON_CONFIG_BROKEN');
      await assert.rejects(node.keeper.remove('front' as SourceId), { code: 'ERR_DAEMON_CONFIG_BROKEN' });
      node.files.poke(FILE, utf8(START));
      await looks(node, 2);
      assert.deepEqual(node.keeper.state, { mistakes: [], restart: [] });
      assert.equal((await put(node, { source: 'front', name: 'x' })).changed, true);
    });
  }

  test('that is gone changes nothing', async () => {
    const node = await rig();
    await node.files.remove(FILE);
    await looks(node, 2);
    assert.deepEqual(node.keeper.state.mistakes, ['it is missing']);
    assert.equal(node.keeper.current.sources.length, 2);
  });

  test('by hand is taken before a wish is written into it', async () => {
    const node = await rig();
    node.files.poke(FILE, utf8(START.replace('name: Front', 'name: By hand')));
    await put(node, { source: 'yard', name: 'Yard' });
    assert.equal(sourceOf(node, 'front')?.name, 'By hand');
    assert.equal(sourceOf(node, 'yard')?.name, 'Yard');
    assert.match(node.text(), /By hand/);
  });

  test('tells which keys hold after a restart only, until they are put back', async () => {
    const node = await rig();
    const changed = START.replace('127.0.0.1:0', '127.0.0.1:1').replace('keep: 14d', 'keep: 13d, size: 1GB');
    node.files.poke(FILE, utf8(`${changed}viewer: https://viewer.example/\nstorage: { segment: 30s, keep: 9d }\n`));
    assert.equal(await node.keeper.reload(), 'applied');
    assert.equal(node.keeper.current.viewer, 'https://viewer.example/');
    assert.deepEqual(node.keeper.state.restart, ['listen', 'storage.segment']);
    node.files.poke(FILE, utf8(SEALED));
    assert.equal(await node.keeper.reload(), 'applied');
    assert.deepEqual(node.keeper.state.restart, []);
  });

  test('need not be changed itself: asked to reload, password files are read again', async () => {
    const node = await rig(
      "sources:\n  front: { url: 'rtsp://10.0.0.1/a', username: u, password_file: secrets/mine }\n".replace(
        'password_file: secrets/mine',
        'password: old',
      ),
    );
    node.files.poke('/data/secrets/mine', utf8('new\n'));
    node.files.poke(
      FILE,
      utf8("sources:\n  front: { url: 'rtsp://10.0.0.1/a', username: u, password_file: secrets/mine }\n"),
    );
    assert.equal(await node.keeper.reload(), 'applied');
    node.files.poke('/data/secrets/mine', utf8('newer\n'));
    assert.equal(await node.keeper.reload(), 'applied');
    assert.equal(camera(node, 'front').main.credentials?.password, 'newer');
    assert.equal(await node.keeper.reload(), 'unchanged');
    await node.files.remove('/data/secrets/mine');
    assert.equal(await node.keeper.reload(), 'refused');
    assert.equal(camera(node, 'front').main.credentials?.password, 'newer');
  });
});

test('changes take turns, and after the end there are none', async () => {
  const node = await rig();
  const all = await Promise.all(
    Array.from({ length: 8 }, (_, i) => put(node, { source: `cam${i}`, url: `rtsp://10.0.1.${i}/x` })),
  );
  assert.ok(all.every(({ created }) => created));
  assert.equal(node.keeper.current.sources.length, 10);
  assert.deepEqual(told(await reread(node)), told(node.keeper.current));
  const last = put(node, { source: 'last', url: 'rtsp://10.0.2.1/x' });
  await Promise.resolve();
  await node.keeper.stop();
  await last.catch(() => {});
  await assert.rejects(put(node, { source: 'late', url: 'rtsp://10.0.2.2/x' }), { code: 'ERR_DAEMON_NOT_RUNNING' });
});

test('a change made to the file itself is told, one that came as a wish is told by who wished', async () => {
  const node = await rig();
  await node.keeper.upsert(wish({ source: 'front', name: 'Porch' }));
  assert.equal(node.taken(), 0);
  node.files.poke(FILE, utf8(node.text().replace('Porch', 'Gate')));
  assert.equal(await node.keeper.reload(), 'applied');
  assert.equal(node.taken(), 1);
  await node.keeper.reload();
  node.files.poke(FILE, utf8('listen: 5'));
  assert.equal(await node.keeper.reload(), 'refused');
  assert.equal(node.taken(), 1, 'what changes nothing is not told');
  await node.keeper.stop();
});
