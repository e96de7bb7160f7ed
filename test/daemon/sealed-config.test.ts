import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fromUtf8, utf8 } from '../../src/bytes/index.ts';
import { CameraSecrets } from '../../src/daemon/camera-secrets.ts';
import { type Config, loadConfig } from '../../src/daemon/config.ts';
import { ConfigKeeper } from '../../src/daemon/config-keeper.ts';
import { keysToRestart } from '../../src/daemon/restart-keys.ts';
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

const FILE = '/data/config.yaml';
const KEY = new Uint8Array(32).fill(7);
const suite = createNodeSuite();
/** Each password is a word of its own that stands nowhere else. */
const [ONE, TWO, THREE, FOUR] = ['Zq7-first', 'Zq7-second', 'Zq7-third', 'Zq7-fourth'];
const TEXT = `# mine
listen: 127.0.0.1:0
sources:
  # the first
  front:
    name: Front # door
    url: rtsp://viewer:${ONE}@10.0.0.1/a # main
    sub: rtsp://other:${TWO}@10.0.0.1/b
  gate:
    url: rtsp://10.0.0.3/x
    username: u
    # what the installer wrote
    password: ${THREE}
    # two weeks
    keep: 14d
  yard: { url: 'rtsp://10.0.0.2/x', username: u, password: ${FOUR} }
`;
const AFTER = `# mine
listen: 127.0.0.1:0
sources:
  # the first
  front:
    name: Front # door
    url: rtsp://viewer@10.0.0.1/a # main; password: sealed in secrets/cameras.sealed
    sub: rtsp://other@10.0.0.1/b # password: sealed in secrets/cameras.sealed
  gate:
    url: rtsp://10.0.0.3/x
    username: u # password: sealed in secrets/cameras.sealed
    # what the installer wrote
    # two weeks
    keep: 14d
  yard: { url: 'rtsp://10.0.0.2/x', username: u } # password: sealed in secrets/cameras.sealed
`;

/** A disk with that text, and a keeper on it for each life of a node. */
function disk(text = TEXT) {
  const files = new SimulatedFiles();
  const lines: string[] = [];
  const note = (fields: LogFields, line: string) => void lines.push(`${line} ${JSON.stringify(fields)}`);
  const log: Log = { debug: note, info: note, warn: note, error: note, child: () => log };
  files.poke(FILE, utf8(text));
  return {
    files,
    lines,
    text: () => fromUtf8(files.peek(FILE))!,
    /** Whether a word stands anywhere on the disk or in the log. */
    has: (word: string) =>
      [...files.paths().map((path) => Buffer.from(files.peek(path)).toString('latin1')), ...lines].some((each) =>
        each.includes(word),
      ),
    async start() {
      const { config } = await loadConfig(files, '/data');
      const applied: Config[] = [];
      const keeper = new ConfigKeeper(
        {
          clock: new SimulatedClock(),
          files,
          random: new SeededRandom(files.calls + 1),
          suite,
          log,
          reserve: async () => {},
          apply: async (changed) => {
            applied.push(changed);
            return { started: [], restarted: [], stopped: [], adopted: [] };
          },
          needsRestart: keysToRestart,
        },
        { folder: '/data', config },
      );
      await keeper.unseal(KEY);
      await keeper.start();
      return { keeper, applied };
    },
  };
}

/** Passwords by source and stream that a node starting on this disk would record with. */
async function passwordsOn(files: SimulatedFiles): Promise<Record<string, string | undefined>> {
  const secrets = new CameraSecrets({ files, random: new SeededRandom(3), suite, log: silentLog }, '/data');
  await secrets.open(KEY);
  return passwordsOf((await loadConfig(files, '/data', secrets)).config);
}
function passwordsOf(config: Config): Record<string, string | undefined> {
  return Object.fromEntries(
    config.sources.flatMap(({ id, input }) =>
      input.kind === 'camera'
        ? [input.main, input.sub].flatMap((each, i) => (each ? [[`${id}${i}`, each.credentials?.password]] : []))
        : [],
    ),
  );
}
const ALL = { front0: ONE, front1: TWO, gate0: THREE, yard0: FOUR };

describe('passwords in config.yaml', () => {
  test('are moved out at the first reading, with comments kept, and stand nowhere in the clear', async () => {
    const node = disk();
    const { keeper, applied } = await node.start();
    assert.equal(node.text(), AFTER);
    assert.deepEqual(passwordsOf(keeper.current), ALL);
    assert.equal(applied.length, 0, 'what records goes on');
    for (const word of [ONE, TWO, THREE, FOUR]) assert.ok(!node.has(word), word);
    assert.ok(node.files.paths().includes(`${FILE}.bak`));
    assert.ok(node.lines.some((line) => line.startsWith('passwords of cameras were moved out of config.yaml')));
    const before = node.text();
    const again = await node.start();
    assert.deepEqual(passwordsOf(again.keeper.current), ALL);
    assert.equal(node.text(), before);
    assert.ok(!JSON.stringify(again.keeper.current).includes('Zq7'));
  });

  test('are there after a power cut or a fault at any step', async () => {
    for (const kind of ['cut', 'EIO', 'ENOSPC'] as const) {
      let reached = 0;
      for (let n = 1; n < 60; n++) {
        const node = disk();
        const start = node.files.calls;
        if (kind === 'cut') {
          node.files.onCall = () => {
            if (node.files.calls - start >= n) throw new Error('power cut');
          };
        } else node.files.failAt(n, kind);
        const life = await node.start().catch(() => null);
        const calls = node.files.calls - start;
        node.files.onCall = null;
        node.files.heal();
        if (kind === 'cut') node.files.crash();
        if (life) assert.deepEqual(passwordsOf(life.keeper.current), ALL, `${kind} at ${n}`);
        else reached = n;
        assert.deepEqual(await passwordsOn(node.files), ALL, `${kind} at ${n}`);
        await node.start();
        assert.deepEqual(await passwordsOn(node.files), ALL);
        assert.equal(node.text(), AFTER, `and the next start ends it, ${kind} at ${n}`);
        for (const word of [ONE, TWO, THREE, FOUR]) assert.ok(!node.has(word), `${word}, ${kind} at ${n}`);
        if (calls < n) break;
      }
      if (kind === 'cut') assert.ok(reached > 8, `${reached} steps were cut`);
    }
  });

  test('that somebody writes later are moved again, and are those that hold', async () => {
    const node = disk();
    const { keeper } = await node.start();
    node.files.poke(
      FILE,
      utf8(node.text().replace('username: u # password', 'username: u\n    password: "Zq7-later" # password')),
    );
    assert.equal(await keeper.reload(), 'applied');
    assert.deepEqual(passwordsOf(keeper.current), { ...ALL, gate0: 'Zq7-later' });
    assert.ok(!node.has('Zq7-later'));
    assert.equal(node.text().split('username: u #').length, 2);
    node.files.poke(FILE, utf8(node.text().replace('viewer@10.0.0.1', 'viewer:Zq7-anew@10.0.0.1')));
    assert.equal(await keeper.reload(), 'applied');
    assert.deepEqual(passwordsOf(keeper.current), { ...ALL, gate0: 'Zq7-later', front0: 'Zq7-anew' });
    assert.ok(!node.has('Zq7-anew'));
    assert.deepEqual(await passwordsOn(node.files), passwordsOf(keeper.current));
  });

  test('of a file with mistakes stay where they are until it is mended', async () => {
    const node = disk();
    const { keeper } = await node.start();
    const text = `${node.text()}  fifth: { url: 'rtsp://u:Zq7-fifth@10.0.0.5/x', keep: soon }\n`;
    node.files.poke(FILE, utf8(text));
    assert.equal(await keeper.reload(), 'refused');
    assert.equal(node.text(), text);
    node.files.poke(FILE, utf8(text.replace('soon', '3d')));
    assert.equal(await keeper.reload(), 'applied');
    assert.deepEqual(passwordsOf(keeper.current), { ...ALL, fifth0: 'Zq7-fifth' });
    assert.ok(!node.has('Zq7-fifth'));
  });

  test('are moved out of every notation, and what was written is read back the same', async () => {
    const texts = [
      `{"sources": {"a": {"url": "rtsp://u:${ONE}@10.0.0.1/x"}, "b": {"url": "rtsp://10.0.0.2/x", "username": "u", "password": "${TWO}"}}}`,
      `sources: {a: {url: 'rtsp://u:${ONE}@10.0.0.1/x', sub: "rtsp://u:${ONE}@10.0.0.1/y"}}`,
      `sources:\n  a:\n    password: '${ONE}'\n    username: >-\n      u\n    url: |-\n      rtsp://10.0.0.1/x\n`,
      `sources:\n  ? a\n  : { username: u, password: ${ONE}, url: rtsp://10.0.0.1/x }\n`,
      `sources:\n  a:\n    url: rtsp://u%40home:${ONE}%3A@10.0.0.1/x\n`,
      `sources:\n  a:\n    url: rtsp://:${ONE}@10.0.0.1/x\n`,
    ];
    for (const text of texts) {
      const node = disk(text);
      const before = passwordsOf((await loadConfig(node.files, '/data')).config);
      const { keeper } = await node.start();
      assert.deepEqual(passwordsOf(keeper.current), before, text);
      assert.deepEqual(await passwordsOn(node.files), before, text);
      for (const word of [ONE, TWO]) assert.ok(!node.has(word), `${node.text()}\n${node.lines.join('\n')}`);
    }
  });

  test('in a file of their own are the own business of who put them there', async () => {
    const text = "sources:\n  a: { url: 'rtsp://10.0.0.1/x', username: u, password_file: secrets/mine }\n";
    const node = disk(text);
    node.files.poke('/data/secrets/mine', utf8(`${ONE}\n`));
    const { keeper } = await node.start();
    assert.equal(node.text(), text);
    assert.deepEqual(passwordsOf(keeper.current), { a0: ONE });
    assert.ok(!node.files.paths().includes('/data/secrets/cameras.sealed'));
  });

  test('in a backup of earlier days are taken out of it', async () => {
    const node = disk(AFTER.replace(/^ {2}yard.*\n/m, ''));
    node.files.poke(`${FILE}.bak`, utf8(TEXT));
    await node.start();
    for (const word of [ONE, TWO, THREE, FOUR]) assert.ok(!node.has(word), word);
  });

  test('stay in use where the disk cannot be written, and nothing copies them', async () => {
    const node = disk();
    node.files.failAt(1, 'EROFS', 'replace', 1000);
    const { keeper } = await node.start();
    assert.deepEqual(passwordsOf(keeper.current), ALL);
    assert.equal(node.text(), TEXT);
    assert.ok(node.lines.some((line) => line.startsWith('passwords of cameras could not be moved')));
    const wish = { source: 'front' as SourceId, name: 'Porch' };
    await assert.rejects(keeper.upsert(wish), { code: 'ERR_DAEMON_CONFIG_WRITE' });
    node.files.heal();
    assert.equal((await keeper.upsert(wish)).changed, true);
    assert.deepEqual(passwordsOf(keeper.current), ALL);
    for (const word of [ONE, TWO, THREE, FOUR]) assert.ok(!node.has(word), word);
    assert.ok(node.lines.every((line) => !line.includes('Zq7')));
  });
});

test('every key of a source comes over a channel into the file and back out of it', async () => {
  const node = disk('sources:\n  a: { url: "rtsp://10.0.0.1/x" }\n');
  const { keeper } = await node.start();
  const put = async (params: Record<string, unknown>) => {
    const checked = checkParams('sources.upsert', { source: 'b', ...params });
    assert.ok('params' in checked, JSON.stringify(checked));
    return keeper.upsert(checked.params);
  };
  const all = {
    url: 'rtsp://10.0.0.2/x',
    username: 'u',
    password: ONE,
    onvif: true,
    hardware: 'SN 42',
    find: false,
    transport: 'tcp',
    reader: 'own',
    record: { main: 'event' },
    schedule: ['mon-fri 08:00-18:00', 'sun 22:00-06:00'],
    on: ['motion', 'line'],
    before: '3s',
    after: '1m',
  };
  assert.equal((await put(all)).created, true);
  const source = () => keeper.current.sources.find(({ id }) => id === 'b')!;
  assert.deepEqual(source().onvif, { service: 'http://10.0.0.2/onvif/device_service', hardwareId: 'SN 42' });
  assert.deepEqual(source().record, {
    main: 'event',
    sub: 'always',
    schedule: [[0, 360], ...[0, 1, 2, 3, 4].map((day) => [day * 1440 + 480, day * 1440 + 1080]), [9960, 10_080]].map(
      ([from, until]) => ({ from, until }),
    ),
    on: ['motion', 'line'],
    beforeMs: 3_000,
    afterMs: 60_000,
  });
  assert.deepEqual([source().find, source().reader], [false, 'own']);
  assert.equal((await put(all)).changed, false);
  const text = node.text();
  assert.equal((await put({ record: { main: 'event' } })).changed, false);
  assert.equal(node.text(), text);
  await put({ record: 'never', on: null, before: null, after: null, schedule: null, hardware: null });
  assert.deepEqual(source().record, {
    main: 'never',
    sub: 'never',
    schedule: null,
    on: ['motion'],
    beforeMs: 5_000,
    afterMs: 10_000,
  });
  for (const refused of [
    { on: ['motion'] },
    { record: 'event', onvif: null },
    { hardware: 'x', onvif: null },
    { schedule: ['someday'] },
    { record: 'event', before: '31s' },
    { onvif: 'http://10.0.0.2:99999/' },
  ])
    await assert.rejects(put(refused), { code: 'ERR_DAEMON_SOURCE_REFUSED' }, JSON.stringify(refused));
  await assert.rejects(put({ onvif: 'http://10.0.0.66/onvif/device_service' }), { code: 'ERR_DAEMON_CREDENTIALS' });
  await put({ onvif: 'http://10.0.0.2:8080/onvif/device_service' });
  assert.equal(source().onvif?.service, 'http://10.0.0.2:8080/onvif/device_service');
  await put({ onvif: null });
  assert.equal(source().onvif, null);
  assert.deepEqual(passwordsOf(keeper.current), { a0: undefined, b0: ONE });
});

describe('what is learned of a camera', () => {
  const CAMERA = `sources:
  a: # the yard
    url: rtsp://viewer:${ONE}@10.0.0.1:8554/x # main
    sub: rtsp://viewer:${ONE}@10.0.0.9/small
    onvif: true
`;
  const id = 'a' as SourceId;

  test('is written into the file: who it is once, and where it is now with its streams and its password', async () => {
    const node = disk(CAMERA);
    const { keeper, applied } = await node.start();
    const source = () => keeper.current.sources[0]!;
    assert.equal(await keeper.learn(id, { hardwareId: 'SN 42' }), true);
    assert.equal(await keeper.learn(id, { hardwareId: 'SN 42' }), false);
    assert.equal(await keeper.learn(id, { hardwareId: 'SN 43' }), false, 'the first stays');
    assert.deepEqual(source().onvif, { service: 'http://10.0.0.1/onvif/device_service', hardwareId: 'SN 42' });
    assert.equal(applied.length, 1);
    assert.equal(await keeper.learn(id, { service: 'http://10.0.0.7/onvif/device_service' }), true);
    assert.ok(source().input.kind === 'camera');
    const { main, sub } = source().input as { main: { address: string }; sub: { address: string } };
    assert.deepEqual([main.address, sub.address], ['rtsp://10.0.0.7:8554/x', 'rtsp://10.0.0.9/small']);
    assert.deepEqual(source().onvif, { service: 'http://10.0.0.7/onvif/device_service', hardwareId: 'SN 42' });
    assert.match(node.text(), /onvif: true/);
    assert.match(node.text(), /# the yard/);
    assert.deepEqual(passwordsOf(keeper.current), { a0: ONE, a1: ONE });
    assert.deepEqual(await passwordsOn(node.files), { a0: ONE, a1: ONE });
    await keeper.learn(id, { service: 'http://10.0.0.8:8000/onvif/device_service' });
    assert.match(node.text(), /onvif: http:\/\/10\.0\.0\.8:8000\/onvif\/device_service/);
    assert.ok(node.lines.some((line) => line.startsWith('what was learned of a camera') && line.includes('10.0.0.8')));
  });

  test('is nothing where the source is gone, has no such service, or what was told makes no sense', async () => {
    const node = disk(`${CAMERA}  b: { url: 'rtsp://10.0.0.3/x' }\n`);
    const { keeper } = await node.start();
    const text = node.text();
    assert.equal(await keeper.learn('c' as SourceId, { hardwareId: 'x' }), false);
    assert.equal(await keeper.learn('b' as SourceId, { hardwareId: 'x', service: 'http://10.0.0.4/' }), false);
    assert.equal(await keeper.learn(id, { hardwareId: 'a\nb', service: 'file:///etc/passwd' }), false);
    assert.equal(await keeper.learn(id, {}), false);
    assert.equal(node.text(), text);
  });
});
