import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { loadConfig, type SourceConfig } from '../../src/daemon/config.ts';
import { vaultOptions } from '../../src/daemon/index.ts';
import { SourceSet } from '../../src/daemon/source-set.ts';
import { StreamIds } from '../../src/daemon/stream-ids.ts';
import { createLive } from '../../src/live/index.ts';
import { type CapturedFragment, needBox, type Run } from '../../src/media/index.ts';
import { silentLog } from '../../src/platform/index.ts';
import {
  createNodeClock,
  createNodeDatagrams,
  createNodeFiles,
  createNodeProcesses,
  createNodeRandom,
  createNodeSockets,
  createNodeSuite,
} from '../../src/platform/node/index.ts';
import type { SourceId, StreamName } from '../../src/protocol/index.ts';
import { createVault, type StreamPlace, type Vault } from '../../src/vault/index.ts';
import { captureTimeInSample, createVirtualCamera } from '../../src/virtual-camera/index.ts';
import { until } from '../support/wait.ts';
import { testKeys } from '../vault/bench.ts';

const base = mkdtempSync(join(tmpdir(), 'rules-'));
after(() => rmSync(base, { recursive: true, force: true }));
const deps = {
  clock: createNodeClock(),
  random: createNodeRandom(),
  files: createNodeFiles(),
  processes: createNodeProcesses(),
  sockets: createNodeSockets(),
  datagrams: createNodeDatagrams(),
  suite: createNodeSuite(),
  log: silentLog,
};
const YARD = 'yard' as SourceId;
const EVER = { fromUs: 0, toUs: Number.MAX_SAFE_INTEGER };
/** 25 pictures a second, a keyframe each second. */
const PICTURE = { width: 160, height: 96, fps: 25, gop: 25, bitrate: 60_000 };
const PICTURE_US = 40_000;

test('recording by event and by schedule, with a real camera and a real vault', { timeout: 90_000 }, async () => {
  const camera = createVirtualCamera(deps, { main: PICTURE, sub: PICTURE });
  await camera.start();
  const folder = join(base, 'node');
  await deps.files.makeFolder(folder);
  writeFileSync(
    join(folder, 'config.yaml'),
    `sources: { yard: { url: '${camera.url('/main')}', sub: '${camera.url('/sub')}' } }\n`,
  );
  const { config } = await loadConfig(deps.files, folder);
  const vault = createVault({ ...deps, keys: testKeys }, { ...vaultOptions(config, folder, 1e12), segmentMs: 60_000 });
  const live = createLive({ log: silentLog });
  const stored: { place: StreamPlace; run: Run; fragment: CapturedFragment }[] = [];
  const opened: StreamName[] = [];
  const sources = new SourceSet({
    ...deps,
    vault: () => noting(vault, stored, opened),
    live,
    streamIds: new StreamIds(deps, join(folder, 'streams.json')),
    timezone: 'UTC',
  });
  const rules = (record: Partial<SourceConfig['record']>): SourceConfig[] => {
    const [source] = config.sources;
    const given = {
      main: 'event',
      sub: 'never',
      on: ['motion'],
      beforeMs: 2_000,
      afterMs: 1_500,
      schedule: null,
    } as const;
    return [{ ...source!, record: { ...given, ...record } }];
  };
  const view = (stream: StreamName = 'main') => sources.list()[0]!.streams.find((each) => each.stream === stream)!;
  const list = (stream: StreamName = 'main') =>
    vault
      .list({ sourceId: YARD, stream, ...EVER, order: 'oldest', limit: 100 })
      .segments.filter(({ state }) => state !== 'open');
  const gaps = () => vault.gaps({ sourceId: YARD, stream: 'main', ...EVER, limit: 100 });
  /** The run before has ended, with the keyframe after what was wanted, and the log says why nothing follows. */
  const rests = () => gaps().some(({ cause, endUs }) => cause === 'unwanted' && endUs === null);
  const count = () => stored.length;
  const motion = (active: boolean) => sources.event(YARD, { kind: 'motion', active, name: null, at: deps.clock.now() });
  await vault.start();
  try {
    await sources.start(rules({}));
    // Nobody tells of events yet: everything is stored.
    await until('the large picture is stored, for safety', () => view().recording === 'unsure' && count() > 5);
    sources.eventsConnected(YARD, true);
    await until('it waits for an event', () => view().recording === 'waiting' && rests());
    const known = list().length;
    const since = view().status.since;
    const settled = count();
    const watching = live.subscribe({ sourceId: YARD, stream: 'main' });
    let watched = 0;
    void (async () => {
      for await (const unit of watching) if (unit.kind === 'fragment') watched++;
    })();
    await until('three seconds are held', () => watched >= 15);
    assert.equal(count(), settled, 'who watches is shown what is not stored');
    assert.ok((view().heldBytes ?? 0) > 0);

    // An event: what was two seconds before it is in the vault at once.
    const eventUs = deps.clock.nowUs();
    motion(true);
    await until('the event is stored', () => count() > settled && view().recording === 'event');
    const [first] = stored.slice(settled);
    assert.equal(first!.fragment.keyframe, true);
    assert.equal(first!.run.startUs, first!.fragment.startUs);
    assert.ok(first!.fragment.startUs <= eventUs - 2_000_000 + 500_000, 'two seconds before are there');
    assert.ok(first!.fragment.startUs >= eventUs - 4_500_000, 'and no more than a group beyond');
    const { nalLengthSize } = first!.run.init.tracks[0]!;
    motion(false);
    const overUs = deps.clock.nowUs();
    await until('the run was closed', () => view().recording === 'waiting' && rests() && list().length > known);
    const mine = stored.slice(settled).map(({ fragment }) => fragment);
    for (const [i, { startUs }] of mine.entries()) if (i > 0) assert.equal(startUs, mine[i - 1]!.endUs, 'seamless');
    const endUs = mine.at(-1)!.endUs;
    assert.ok(endUs >= overUs + 1_000_000 && endUs <= overUs + 4_500_000, `${endUs - overUs} µs after the event`);
    // The time a picture was made stands in it: no picture is missing, and each lies where it was made.
    const made = mine.filter(({ keyframe }) => keyframe).map((each) => ({ each, time: madeAt(each, nalLengthSize!) }));
    assert.ok(made.length >= 3);
    for (const { each, time } of made) assert.ok(Math.abs(each.startUs - time.captureUs) < 700_000);
    const pictures = mine.reduce((sum, { sampleCount }) => sum + sampleCount, 0);
    const lastGroup = mine.length - 1 - mine.findLastIndex(({ keyframe }) => keyframe);
    const last = made.at(-1)!.time.frameNumber - made[0]!.time.frameNumber;
    assert.ok(pictures >= last && pictures <= last + (lastGroup + 1) * 10, `${pictures} pictures of ${last}`);
    assert.ok(Math.abs((endUs - mine[0]!.startUs) / PICTURE_US - pictures) <= 2);
    // The index tells the same, and why there is nothing in between.
    const segment = list()[known];
    assert.equal(segment!.startUs, mine[0]!.startUs);
    assert.equal(segment!.endUs, endUs);
    assert.ok(gaps().length > 0 && gaps().every(({ cause }) => cause === 'unwanted'));
    assert.equal(gaps().at(-1)!.startUs, endUs);
    assert.equal(gaps().at(-1)!.endUs, null);

    // Always, but not at this time of the week; then at this time.
    const minute = minuteOfWeek(deps.clock.now());
    const elsewhere = [{ from: (minute + 600) % 10_000, until: ((minute + 600) % 10_000) + 60 }];
    const held = count();
    const seen = watched;
    await sources.apply(rules({ main: 'always', schedule: elsewhere }));
    assert.equal(view().recording, 'schedule');
    await until('the picture goes on', () => watched > seen + 8);
    assert.equal(count(), held);
    await sources.apply(rules({ main: 'always', schedule: [{ from: 0, until: 10_080 }] }));
    await until('it is stored again', () => count() > held + 3);
    assert.equal(view().recording, 'yes');

    // Through all of it the recorder noticed nothing, and the small picture was only shown.
    assert.equal(view().status.since, since);
    assert.equal(view().status.restarts, 0);
    assert.equal(view('sub').recording, 'never');
    assert.equal(view('sub').status.state, 'running');
    assert.deepEqual(opened, ['main'], 'a stream that is never stored is not opened in the vault');
    assert.equal(list('sub').length, 0);
  } finally {
    await sources.stop();
    await vault.stop();
    await camera.stop();
  }
});

/** A vault whose takings are noted. */
function noting(
  vault: Vault,
  stored: { place: StreamPlace; run: Run; fragment: CapturedFragment }[],
  opened: StreamName[],
): Pick<Vault, 'openStream' | 'list'> {
  return {
    list: (query) => vault.list(query),
    openStream(place) {
      opened.push(place.stream);
      const writer = vault.openStream(place);
      let run: Run | null = null;
      return {
        beginRun: (begun) => {
          run = begun;
          return writer.beginRun(begun);
        },
        fragment: (fragment) => {
          stored.push({ place, run: run!, fragment: { ...fragment, bytes: fragment.bytes.slice() } });
          return writer.fragment(fragment);
        },
        endRun: (end) => writer.endRun(end),
        release: () => writer.release(),
      };
    },
  };
}

function madeAt({ bytes }: CapturedFragment, nalLengthSize: number) {
  const mdat = needBox(bytes, 'mdat');
  return captureTimeInSample(bytes.subarray(mdat.body, mdat.end), nalLengthSize)!;
}

/** Of UTC, Monday 00:00 is 0; 1970 began on a Thursday. */
function minuteOfWeek(at: number): number {
  return (Math.floor(at / 60_000) + 3 * 1_440) % 10_080;
}
