import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EngineFailure, type ExportSink } from '../../web/src/engine/engine.ts';
import type { ExportOrder } from '../../web/src/engine/messages.ts';
import { DownloadFailure } from '../../web/src/export/download.ts';
import { ExportJob, type JobDeps } from '../../web/src/export/export-job.ts';
import type { Camera } from '../../web/src/model/cameras.ts';

const cameras = ['front', 'yard'].map(
  (source) => ({ key: `n/${source}`, node: 'n', nodeName: 'Home', source, name: source }) as unknown as Camera,
);
const wish = { cameras, stream: 'main' as const, from: 100_000, to: 110_000, timeZone: 'UTC' };
const buffer = (size: number) => new ArrayBuffer(size);

/** Downloads that note what becomes of them. */
function downloads(failAfter = Number.POSITIVE_INFINITY) {
  const files: { name: string; sizes: number[]; end: 'open' | 'whole' | 'broken' }[] = [];
  const openDownload: JobDeps['openDownload'] = async (name) => {
    const file = { name, sizes: [] as number[], end: 'open' as 'open' | 'whole' | 'broken' };
    files.push(file);
    return {
      async write(bytes) {
        if (file.sizes.length >= failAfter) throw new DownloadFailure('broken-off');
        file.sizes.push(bytes.byteLength);
      },
      close: async () => void (file.end = 'whole'),
      abort: () => void (file.end = 'broken'),
    };
  };
  return { files, openDownload };
}

type Movie = (order: ExportOrder, sink: ExportSink, signal: AbortSignal) => Promise<unknown>;

const twoParts: Movie = async (_, sink) => {
  await sink.bytes(1, buffer(10));
  sink.progress({ bytes: 10, durationUs: 5e6, endUs: 105_000_000 });
  void sink.bytes(1, buffer(20));
  sink.partClosed(1);
  void sink.bytes(2, buffer(30));
  sink.partClosed(2);
  sink.progress({ bytes: 60, durationUs: 1e7, endUs: 110_000_000 });
  return { parts: [], gaps: [{ startUs: 1, endUs: 2, atUs: 0, part: 1, cause: 'unreachable' }] };
};

test('each part of each camera is a file, written in order and closed whole', async () => {
  const { files, openDownload } = downloads();
  const job = new ExportJob({ exportMovie: twoParts, openDownload, clock: () => 0 }, wish);
  const shares: number[] = [];
  job.state.subscribe(() => shares.push(job.state.get().share));
  await job.run();
  assert.deepEqual(
    files.map(({ name, sizes, end }) => `${name} ${sizes} ${end}`),
    [
      'Home_front_1970-01-01_00-01-40.mp4 10,20 whole',
      'Home_front_1970-01-01_00-01-40_2.mp4 30 whole',
      'Home_yard_1970-01-01_00-01-40.mp4 10,20 whole',
      'Home_yard_1970-01-01_00-01-40_2.mp4 30 whole',
    ],
  );
  const { cameras, bytes, ended } = job.state.get();
  assert.deepEqual(
    cameras.map(({ state, gaps, files }) => [state, gaps[0]!.cause, files.map(({ bytes }) => bytes)]),
    [
      ['done', 'unreachable', [30, 30]],
      ['done', 'unreachable', [30, 30]],
    ],
  );
  assert.deepEqual([bytes, ended], [120, true]);
  assert.ok(shares.includes(0.25) && shares.includes(0.75));
  assert.deepEqual(shares.toSorted(), shares);
});

test('a camera without recordings leaves no file', async () => {
  const { files, openDownload } = downloads();
  const exportMovie: Movie = async () => ({ parts: [], gaps: [] });
  const job = new ExportJob({ exportMovie, openDownload, clock: () => 0 }, wish);
  await job.run();
  assert.deepEqual([files.length, job.state.get().cameras[0]!.state], [0, 'empty']);
});

test('stopping breaks off what is being written and leaves the rest alone', async () => {
  const { files, openDownload } = downloads();
  const exportMovie: Movie = async (_, sink, signal) => {
    await sink.bytes(1, buffer(10));
    job.cancel();
    assert.ok(signal.aborted);
    await sink.bytes(1, buffer(10));
    sink.partClosed(1);
    throw new EngineFailure({ code: 'ERR_VIEWER_CANCELLED', kind: 'cancelled', message: '' });
  };
  const job = new ExportJob({ exportMovie, openDownload, clock: () => 0 }, wish);
  await job.run();
  assert.deepEqual(
    files.map(({ sizes, end }) => [sizes, end]),
    [[[10], 'broken']],
  );
  assert.deepEqual(
    job.state.get().cameras.map(({ state }) => state),
    ['cancelled', 'cancelled'],
  );
});

test('a download the browser broke off ends its camera only, and the engine is told', async () => {
  const { files, openDownload } = downloads(1);
  const told: boolean[] = [];
  const exportMovie: Movie = async (_, sink, signal) => {
    await sink.bytes(1, buffer(10));
    await sink.bytes(1, buffer(10));
    told.push(signal.aborted);
    throw new EngineFailure({ code: 'ERR_VIEWER_CANCELLED', kind: 'cancelled', message: '' });
  };
  const job = new ExportJob({ exportMovie, openDownload, clock: () => 0 }, wish);
  await job.run();
  assert.deepEqual(told, [true, true]);
  assert.deepEqual(
    files.map(({ end }) => end),
    ['broken', 'broken'],
  );
  for (const { state, failure } of job.state.get().cameras) {
    assert.equal(state, 'failed');
    assert.equal((failure as DownloadFailure).reason, 'broken-off');
  }
});

test('what the node refuses is told, and the file that was begun is closed up to there', async () => {
  const { files, openDownload } = downloads();
  const exportMovie: Movie = async (_, sink) => {
    await sink.bytes(1, buffer(10));
    sink.partClosed(1);
    throw new EngineFailure({ code: 'ERR_COMMANDS_DENIED', kind: 'denied', message: '' });
  };
  const job = new ExportJob({ exportMovie, openDownload, clock: () => 0 }, { ...wish, cameras: [cameras[0]!] });
  await job.run();
  const [{ state, failure, files: written }] = job.state.get().cameras as [
    ReturnType<typeof job.state.get>['cameras'][0],
  ];
  assert.deepEqual([state, (failure as { code: string }).code, written.length], ['failed', 'ERR_COMMANDS_DENIED', 1]);
  assert.equal(files[0]!.end, 'whole');
});
