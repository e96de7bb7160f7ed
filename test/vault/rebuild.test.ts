import assert from 'node:assert/strict';
import {
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { SeededRandom, silentLog } from '../../src/platform/index.ts';
import { createNodeClock, createNodeFiles, createNodeRandom, createNodeSuite } from '../../src/platform/node/index.ts';
import type { SegmentId } from '../../src/protocol/index.ts';
import {
  createVault,
  type FindingName,
  type StoredSegment,
  type Vault,
  type VaultDeps,
  type VaultOptions,
  VERIFY_FINDINGS,
  verifyVault,
} from '../../src/vault/index.ts';
import { openStored, place, testKeys } from './bench.ts';
import { SyntheticStream } from './synthetic-stream.ts';

const scratch = mkdtempSync(join(tmpdir(), 'vault-rebuild-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

const deps: VaultDeps = {
  clock: createNodeClock(),
  random: createNodeRandom(),
  log: silentLog,
  files: createNodeFiles(),
  suite: createNodeSuite(),
  keys: testKeys,
};
const optionsFor = (root: string): VaultOptions => ({ root, segmentMs: 2000, floor: { bytes: 1, ratio: 0 } });
const QUERY = { ...place(), fromUs: 0, toUs: Number.MAX_SAFE_INTEGER, order: 'oldest', limit: 1000 } as const;

/** A store on the real disk: two runs with a gap between, five segments or so. */
async function stored(): Promise<string> {
  const root = join(scratch, 'base');
  const vault = createVault(deps, optionsFor(root));
  await vault.start();
  const writer = vault.openStream(place());
  const camera = new SyntheticStream(new SeededRandom(1), {
    startUs: deps.clock.nowUs() - 60_000_000,
    pictureBytes: () => 9000,
  });
  for (let run = 0; run < 2; run++) {
    await writer.beginRun(camera.run());
    for (let i = 0; i < 25; i++) await writer.fragment(camera.next(i));
    await writer.endRun({ cause: 'unreachable', endUs: camera.wallUs, reason: '' });
    camera.skip(4000);
  }
  await writer.release();
  await vault.stop();
  return root;
}
const base = await stored();
let copies = 0;
const copyOf = () => {
  const root = join(scratch, `copy${copies++}`);
  cpSync(base, root, { recursive: true });
  return root;
};

async function opened<T>(root: string, look: (vault: Vault) => T | Promise<T>): Promise<T> {
  const vault = createVault(deps, optionsFor(root));
  await vault.start();
  try {
    return await look(vault);
  } finally {
    await vault.stop();
  }
}

const known = await opened(copyOf(), (vault) => ({
  segments: vault.list(QUERY).segments,
  gaps: vault.gaps({ ...QUERY, limit: 100 }),
}));
const withoutMemory = ({ run: _run, tracks: _tracks, ...rest }: StoredSegment) => rest;

for (const [how, damage] of [
  ['is missing', (index: string) => unlinkSync(index)],
  ['is no database', (index: string) => writeFileSync(index, 'something else entirely')],
  ['is cut in half', (index: string) => truncateSync(index, 8192)],
] as const) {
  test(`an index that ${how} is rebuilt from the log and the files`, async () => {
    const root = copyOf();
    damage(join(root, 'index.sqlite'));
    await opened(root, async (vault) => {
      assert.equal(vault.recovery?.indexRebuilt, true);
      assert.deepEqual([vault.recovery?.recovered, vault.recovery?.discarded], [0, 0]);
      const { segments } = vault.list(QUERY);
      assert.deepEqual(segments.map(withoutMemory), known.segments.map(withoutMemory));
      assert.deepEqual(vault.gaps({ ...QUERY, limit: 100 }), known.gaps);
      const runsOf = (list: StoredSegment[]) => list.map(({ run }) => list.findIndex((other) => other.run === run));
      assert.deepEqual(runsOf(segments), runsOf(known.segments), 'neighbours without a gap are one run');
      assert.deepEqual(segments[0]!.tracks, [], 'lost with the index');
      const reading = await vault.read(segments[0]!.id);
      assert.deepEqual(reading.segment.tracks, known.segments[0]!.tracks, 'and found again when somebody looks');
      await reading.close();
      assert.deepEqual(vault.find(segments[0]!.id)?.tracks, known.segments[0]!.tracks);
      for (const { id } of segments) assert.ok((await openStored(vault, deps.suite, id)).complete);
    });
    assert.deepEqual((await verifyVault(deps, optionsFor(root))).findings, []);
  });
}

test('an index that is behind catches up; one of another log is rebuilt', async () => {
  const old = copyOf();
  const newer = copyOf();
  await opened(newer, async (vault) => {
    const writer = vault.openStream(place());
    const camera = new SyntheticStream(new SeededRandom(2), { startUs: deps.clock.nowUs() });
    await writer.beginRun(camera.run());
    for (let i = 0; i < 30; i++) await writer.fragment(camera.next(i));
    await writer.release();
  });
  const count = await opened(newer, (vault) => vault.list(QUERY).segments.length);
  assert.ok(count > known.segments.length);
  cpSync(join(old, 'index.sqlite'), join(newer, 'index.sqlite'));
  const behind = await verifyVault(deps, optionsFor(newer));
  assert.deepEqual(
    behind.findings.map(({ name }) => name),
    ['index-behind'],
  );
  await opened(newer, (vault) => {
    assert.equal(vault.recovery?.indexRebuilt, false);
    assert.equal(vault.list(QUERY).segments.length, count);
  });
  // The log of the older copy does not have what this index was fed.
  cpSync(join(newer, 'index.sqlite'), join(old, 'index.sqlite'));
  await opened(old, (vault) => {
    assert.equal(vault.recovery?.indexRebuilt, true);
    assert.equal(vault.list(QUERY).segments.length, known.segments.length);
  });
});

test('a store whose log is lost is logged anew from its files', async () => {
  const root = copyOf();
  rmSync(join(root, 'log'), { recursive: true });
  await opened(root, async (vault) => {
    assert.equal(vault.recovery?.recovered, known.segments.length);
    for (const { id } of vault.list(QUERY).segments) assert.ok((await openStored(vault, deps.suite, id)).complete);
  });
});

test('a log of another node, or no log at all, stops the start', async () => {
  const root = copyOf();
  const path = join(root, 'log/log.bin');
  const bytes = readFileSync(path);
  bytes[20]! ^= 1;
  writeFileSync(path, bytes);
  await assert.rejects(
    opened(root, () => {}),
    { code: 'ERR_VAULT_LOG_FOREIGN', kind: 'corrupt' },
  );
  writeFileSync(path, Buffer.alloc(500, 7));
  await assert.rejects(
    opened(root, () => {}),
    { code: 'ERR_VAULT_LOG_FOREIGN' },
  );
});

test('a vault that runs is not opened twice, and not verified', async () => {
  const root = copyOf();
  await opened(root, async () => {
    await assert.rejects(createVault(deps, optionsFor(root)).start(), { code: 'ERR_VAULT_LOCKED', kind: 'conflict' });
    await assert.rejects(verifyVault(deps, optionsFor(root)), { code: 'ERR_VAULT_LOCKED' });
  });
});

test('a node without the key to an epoch still stores and serves, and says denied', async () => {
  const root = copyOf();
  const other = createVault({ ...deps, keys: { ...testKeys, kek: new Uint8Array(32) } }, optionsFor(root));
  await other.start();
  const [segment] = other.list(QUERY).segments;
  await assert.rejects(other.fileKey(segment!.id), { code: 'ERR_VAULT_SEALED', kind: 'denied' });
  const reading = await other.read(segment!.id);
  assert.equal(await reading.read(new Uint8Array(1000), 0), 1000);
  assert.equal(await reading.read(new Uint8Array(10), segment!.sizeBytes), 0);
  await reading.close();
  await other.stop();
  const report = await verifyVault({ ...deps, keys: { ...testKeys, kek: new Uint8Array(32) } }, optionsFor(root));
  assert.deepEqual([report.sound, report.opened], [true, 0]);
  assert.deepEqual(new Set(report.findings.map(({ name }) => name)), new Set(['key-not-opened']));
});

const epochFolder = (root: string) => join(root, 'segments/front/main/1');
const segmentPath = (root: string, i: number) => join(epochFolder(root), readdirSync(epochFolder(root)).sort()[i]!);
const flip = (path: string, at: number) => {
  const bytes = readFileSync(path);
  bytes[at < 0 ? bytes.length + at : at]! ^= 1;
  writeFileSync(path, bytes);
};
const logAt = (leaf: number, byte: number) => 64 + leaf * 256 + byte;

/** Where the first leaf of a type stands. */
function leafOf(root: string, type: number): number {
  const bytes = readFileSync(join(root, 'log/log.bin'));
  for (let i = 0; logAt(i, 0) < bytes.length; i++) if (bytes[logAt(i, 1)] === type) return i;
  throw new Error(`no leaf of type ${type}`);
}

const DAMAGES: [FindingName[], string, (root: string) => void][] = [
  [['chunk-unreadable', 'root-differs'], 'a flipped bit in a chunk', (root) => flip(segmentPath(root, 0), 3000)],
  [['header-differs'], 'a flipped bit in a header', (root) => flip(segmentPath(root, 1), 90)],
  [['header-differs'], 'a flipped bit in a commitment', (root) => flip(segmentPath(root, 1), 540)],
  [
    ['segment-cut', 'chunk-unreadable', 'root-differs', 'end-missing'],
    'a cut file',
    (root) => truncateSync(segmentPath(root, 2), 5000),
  ],
  [['segment-missing'], 'a removed file', (root) => unlinkSync(segmentPath(root, 2))],
  [['segment-longer'], 'bytes behind a file', (root) => writeFileSync(segmentPath(root, 0), 'more', { flag: 'a' })],
  [
    ['segment-unlogged'],
    'a file from elsewhere',
    (root) => cpSync(segmentPath(root, 0), join(epochFolder(root), `${'9'.repeat(10)}-${'ab'.repeat(16)}.cnv`)),
  ],
  [['stray-file'], 'a file that is none of ours', (root) => writeFileSync(join(epochFolder(root), 'movie.mp4'), 'x')],
  [
    ['stray-file'],
    'a folder that is none of ours',
    (root) => cpSync(epochFolder(root), join(root, 'segments/front/other'), { recursive: true }),
  ],
  [
    ['key-signature', 'key-not-opened'],
    'a changed key file',
    (root) => flip(join(root, 'segments/front/main/1.cnk'), 60),
  ],
  [
    ['key-malformed', 'key-not-opened'],
    'a broken key file',
    (root) => truncateSync(join(root, 'segments/front/main/1.cnk'), 100),
  ],
  [
    ['key-foreign', 'key-not-opened'],
    'a key file somebody else signed',
    (root) => flip(join(root, 'segments/front/main/1.cnk'), -96),
  ],
  [['key-missing'], 'a removed key file', (root) => unlinkSync(join(root, 'segments/front/main/1.cnk'))],
  [
    ['key-unlogged'],
    'a key leaf that tells of another file',
    (root) => flip(join(root, 'log/log.bin'), logAt(leafOf(root, 4), 140)),
  ],
  [
    ['log-torn'],
    'half a leaf at the end of the log',
    (root) => writeFileSync(join(root, 'log/log.bin'), 'torn', { flag: 'a' }),
  ],
  [['leaf-malformed'], 'an unreadable leaf', (root) => flip(join(root, 'log/log.bin'), logAt(leafOf(root, 6), 255))],
  [
    ['leaf-of-unknown-stream'],
    'a leaf of no stream',
    (root) => flip(join(root, 'log/log.bin'), logAt(leafOf(root, 3), 40)),
  ],
  [['chain-broken'], 'a changed leaf', (root) => flip(join(root, 'log/log.bin'), logAt(leafOf(root, 1), 70))],
  [
    ['chain-broken'],
    'a changed lost-frames count',
    (root) => flip(join(root, 'log/log.bin'), logAt(leafOf(root, 1), 207)),
  ],
  [
    ['sequence-repeated', 'chain-broken', 'sequence-hole'],
    'a sequence number used twice',
    (root) => {
      const path = join(root, 'log/log.bin');
      const bytes = readFileSync(path);
      bytes[logAt(leafOf(root, 1) + 1, 55)] = 1;
      writeFileSync(path, bytes);
    },
  ],
  [['index-missing'], 'no index', (root) => unlinkSync(join(root, 'index.sqlite'))],
  [['index-differs'], 'an unreadable index', (root) => writeFileSync(join(root, 'index.sqlite'), 'x'.repeat(200))],
];

for (const [expected, what, damage] of DAMAGES) {
  test(`a verification finds ${what}`, async () => {
    const root = copyOf();
    damage(root);
    const report = await verifyVault(deps, optionsFor(root));
    const names = new Set(report.findings.map(({ name }) => name));
    for (const name of expected) assert.ok(names.has(name), `${name} among ${[...names]}`);
    const worst = report.findings.some(({ severity }) => severity === 'damage');
    assert.equal(report.sound, !worst);
    if (expected.some((name) => VERIFY_FINDINGS[name] === 'damage')) assert.equal(report.sound, false);
  });
}

test('a sound store verifies without a finding, and says how far it is', async () => {
  const root = copyOf();
  const progress: number[] = [];
  const report = await verifyVault(deps, optionsFor(root), ({ segments, segmentsTotal }) => {
    progress.push(segments);
    assert.equal(segmentsTotal, known.segments.length);
  });
  assert.deepEqual([report.sound, report.findings], [true, []]);
  assert.equal(report.segments, known.segments.length);
  assert.ok(report.chunks > report.segments && report.opened === report.chunks);
  assert.deepEqual(
    progress,
    known.segments.map((_, i) => i + 1),
  );
});

test('a file that disappears while the vault runs is missed when read, and accounted for', async () => {
  const root = copyOf();
  await opened(root, async (vault) => {
    const { id } = known.segments[1]!;
    unlinkSync(segmentPath(root, 1));
    await assert.rejects(vault.read(id), { code: 'ERR_VAULT_SEGMENT_MISSING', kind: 'missing' });
    assert.equal(vault.find(id), null);
    await assert.rejects(vault.read('00'.repeat(16) as SegmentId), { code: 'ERR_VAULT_SEGMENT_MISSING' });
  });
  assert.deepEqual((await verifyVault(deps, optionsFor(root))).findings, []);
});
