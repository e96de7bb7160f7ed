import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fromUtf8, utf8 } from '../../src/bytes/index.ts';
import type { SourceWish } from '../../src/commands/index.ts';
import { type Config, loadConfig, type SourceConfig } from '../../src/daemon/config.ts';
import { ConfigKeeper } from '../../src/daemon/config-keeper.ts';
import { keysToRestart } from '../../src/daemon/restart-keys.ts';
import { isNvrError } from '../../src/errors.ts';
import { type Log, type LogFields, SeededRandom, SimulatedClock, SimulatedFiles } from '../../src/platform/index.ts';
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
  await keeper.start();
  const text_ = () => fromUtf8(files.peek(FILE))!;
  const disk = () => files.paths().map((path) => [path, fromUtf8(files.peek(path))]);
  return { clock, files, lines, keeper, applied, reserved, taken: () => taken, text: text_, disk, config };
}

type Rig = Awaited<ReturnType<typeof rig>>;

/** A wish as it comes over a channel: through the schema. */
function wish(params: Record<string, unknown>): SourceWish {
  const checked = checkParams('sources.put', params);
  assert.ok('params' in checked, JSON.stringify(checked));
  return checked.params;
}

const put = ({ keeper }: Rig, params: Record<string, unknown>) => keeper.put(wish(params));
const sourceOf = ({ keeper }: Pick<Rig, 'keeper'>, id: string) => keeper.current.sources.find((each) => each.id === id);
function camera(node: Pick<Rig, 'keeper'>, id: string) {
  const source = sourceOf(node, id);
  assert.ok(source?.input.kind === 'camera', id);
  return source.input;
}
const passwordFiles = ({ files }: Rig) => files.paths().filter((path) => path.startsWith('/data/secrets/cameras/'));

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
  test('is written below the others with comments kept, its password in a file of its own', async () => {
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
    const path = passwordFiles(node)[0]!;
    assert.match(path, /^\/data\/secrets\/cameras\/gate\.[0-9a-f]{16}$/);
    assert.equal(fromUtf8(node.files.peek(path)), `${SECRET}\n`);
    assert.equal(
      node.text(),
      `${START}  gate:
    name: "Gate: #1"
    url: rtsp://10.0.0.3:8554/x?y=1
    username: vi&wer
    password_file: ${path.slice('/data/'.length)}
    transport: udp
    keep: 3d
    size: 20%
`,
    );
    assert.deepEqual(node.applied.at(-1)?.sources.at(-1), {
      id: 'gate',
      name: 'Gate: #1',
      enabled: true,
      input: {
        kind: 'camera',
        main: { address: 'rtsp://10.0.0.3:8554/x?y=1', credentials: { username: 'vi&wer', password: SECRET } },
        sub: null,
        transport: 'udp',
      },
      audio: 'auto',
      record: { main: 'always', sub: 'always', schedule: null, on: ['motion'], beforeMs: 5_000, afterMs: 10_000 },
      onvif: null,
      keepMs: 3 * 86_400_000,
      size: { share: 0.2 },
    });
    assert.deepEqual(node.keeper.current, (await loadConfig(node.files, FOLDER)).config);
    assert.equal(fromUtf8(node.files.peek(`${FILE}.bak`)), START);
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
    assert.deepEqual(camera(node, 'gate').sub, {
      address: 'rtsp://10.0.0.3/y',
      credentials: { username: 'u', password: SECRET },
    });
    assert.equal(node.text().split(SECRET).length, START.split(SECRET).length, 'no new place for the password');
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
    assert.equal(node.text(), START.replace('name: Front # door', 'name: Porch # door'));
    await put(node, { source: 'front', name: null, enabled: false });
    assert.equal(node.text(), START.replace('    name: Front # door\n', '').replace(/\/b$/m, '/b\n    enabled: false'));
    await put(node, { source: 'yard', keep: null, size: '5GB' });
    assert.match(node.text(), /yard: \{ url: 'rtsp:\/\/10\.0\.0\.2\/x', size: 5GB \}/);
    assert.deepEqual(sourceOf(node, 'yard')?.size, { bytes: 5e9 });
    assert.equal(sourceOf(node, 'yard')?.keepMs, null);
  });

  test('of its path keeps the credentials, which move out of the URLs', async () => {
    const node = await rig();
    await put(node, { source: 'front', url: 'rtsp://10.0.0.1/other' });
    const credentials = { username: 'viewer', password: SECRET };
    assert.deepEqual(camera(node, 'front').main, { address: 'rtsp://10.0.0.1/other', credentials });
    assert.deepEqual(camera(node, 'front').sub, { address: 'rtsp://10.0.0.1/b', credentials });
    assert.ok(!node.text().includes(SECRET));
  });

  test('of its password alone keeps the name; null forgets both', async () => {
    const node = await rig();
    await put(node, { source: 'front', password: 'next' });
    assert.deepEqual(camera(node, 'front').main.credentials, { username: 'viewer', password: 'next' });
    assert.deepEqual(await put(node, { source: 'front', password: 'next' }), {
      created: false,
      changed: false,
      restarted: false,
    });
    assert.equal((await put(node, { source: 'front', username: 'viewer' })).changed, false, 'the password stays');
    await put(node, { source: 'front', username: 'other' });
    assert.deepEqual(camera(node, 'front').main.credentials, { username: 'other', password: '' });
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
    assert.deepEqual(camera(node, 'test').main.credentials, { username: 'u', password: 'p' });
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
    assert.deepEqual(camera(node, 'front').main.credentials, { username: 'u', password: 'p' });
    await refuses(node, { source: 'front', url: 'rtsp://10.0.0.8/a', username: 'u' }, 'ERR_DAEMON_CREDENTIALS');
    await put(node, { source: 'front', url: 'rtsp://10.0.0.8/a', username: 'u', password: '' });
    assert.deepEqual(camera(node, 'front').main.credentials, { username: 'u', password: '' });
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
      const checked = checkParams('sources.put', params);
      assert.ok('problems' in checked && (url === '' || !checked.problems.includes(url)), url);
    }
  }
  for (const bad of [{ password: 'a\nb' }, { username: 'a\0' }, { username: '' }, { keep: '14' }, { virtual: true }]) {
    assert.ok('problems' in checkParams('sources.put', { source: 'x', ...bad }), JSON.stringify(bad));
  }
});

test('removing takes the source out and leaves the rest as it was', async () => {
  const node = await rig();
  assert.equal(await node.keeper.remove('nobody' as SourceId), false);
  assert.equal(node.text(), START);
  assert.equal(await node.keeper.remove('yard' as SourceId), true);
  assert.equal(node.text(), START.replace(/ {2}yard.*\n/, ''));
  assert.equal(await node.keeper.remove('yard' as SourceId), false);
  assert.equal(await node.keeper.remove('front' as SourceId), true);
  assert.deepEqual(node.keeper.current.sources, []);
  assert.match(node.text(), /^sources:\s*(?:#.*\n\s*)*\{\}/m);
  await put(node, { source: 'front', url: 'rtsp://10.0.0.3/x' });
  assert.equal(sourceOf(node, 'front')?.name, 'front');
});

test('passwords that nothing names any more are removed, those of the backup and of people stay', async () => {
  const node = await rig();
  node.files.poke('/data/secrets/cameras/by-hand', utf8('x\n'));
  for (const password of ['one', 'two', 'three', 'four']) await put(node, { source: 'front', password });
  const ours = passwordFiles(node).filter((path) => !path.endsWith('by-hand'));
  assert.deepEqual(ours.map((path) => fromUtf8(node.files.peek(path))!.trim()).sort(), ['four', 'three']);
  assert.ok(passwordFiles(node).includes('/data/secrets/cameras/by-hand'));
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
          assert.deepEqual((await loadConfig(node.files, FOLDER)).config, node.keeper.current);
          if (n > calls) break;
          continue; // what failed was only cleaning up
        }
        failures += 1;
        assert.match(outcome, /^ERR_(DAEMON_CONFIG_WRITE|FILES_FAILED|FILES_FULL)$/);
        assert.equal(node.keeper.current, before);
        assert.equal(node.applied.length, 0);
        assert.equal(node.text(), START);
        assert.deepEqual(passwordFiles(node), []);
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
      const { config } = await loadConfig(node.files, FOLDER);
      assert.ok([2, 3].includes(config.sources.length));
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
    node.files.poke(FILE, utf8(START));
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
  assert.deepEqual((await loadConfig(node.files, FOLDER)).config, node.keeper.current);
  const last = put(node, { source: 'last', url: 'rtsp://10.0.2.1/x' });
  await Promise.resolve();
  await node.keeper.stop();
  await last.catch(() => {});
  await assert.rejects(put(node, { source: 'late', url: 'rtsp://10.0.2.2/x' }), { code: 'ERR_DAEMON_NOT_RUNNING' });
});

test('a change made to the file itself is told, one that came as a wish is told by who wished', async () => {
  const node = await rig();
  await node.keeper.put(wish({ source: 'front', name: 'Porch' }));
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
