import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { concatBytes } from '../../src/bytes/index.ts';
import {
  createNvrClient,
  type ExportOptions,
  type ExportReport,
  exportMovie,
  type FragmentUnit,
  type InitUnit,
} from '../../src/client/index.ts';
import { boxesIn, readPrft } from '../../src/media/index.ts';
import type { SourceId } from '../../src/protocol/index.ts';
import { BEGIN, cut, FakeNode, record, type StoredSegment, suite } from './sealed-recording.ts';

const folder = mkdtempSync(join(tmpdir(), 'exporter-'));
after(() => rmSync(folder, { recursive: true }));

type Units = AsyncIterable<InitUnit | FragmentUnit>;

/** Exports into memory. */
async function exported(
  units: Units,
  options: Partial<ExportOptions> = {},
): Promise<{ report: ExportReport; movies: Uint8Array[] }> {
  const parts: Uint8Array[][] = [];
  const report = await exportMovie(units, {
    openPart: async () => {
      const part: Uint8Array[] = [];
      parts.push(part);
      return { write: async (bytes) => void part.push(bytes), close: async () => {} };
    },
    ...options,
  });
  return { report, movies: parts.map((part) => concatBytes(...part)) };
}

async function* mediaOf(segments: StoredSegment[], from: number, to: number, node = new FakeNode(segments)): Units {
  const client = createNvrClient({ connection: node, suite });
  for await (const unit of client.readRange({ source: 'front' as SourceId, stream: 'main', from, to })) {
    if (unit.kind === 'init' || unit.kind === 'fragment') yield unit;
  }
}

interface Played {
  warnings: string;
  duration: number;
  frames: number;
  /** Presentation times of the pictures, seconds. */
  times: number[];
  tags: string;
}

/** What ffmpeg makes of a movie. */
function played(movie: Uint8Array): Played {
  const path = join(folder, `${Math.random()}.mp4`);
  writeFileSync(path, movie);
  const warnings = spawnSync('ffmpeg', ['-v', 'warning', '-i', path, '-f', 'null', '-'], { encoding: 'utf8' }).stderr;
  const probe = spawnSync(
    'ffprobe',
    [
      '-v',
      'error',
      '-select_streams',
      'v',
      '-show_entries',
      'format=duration:format_tags=creation_time:packet=pts_time',
      '-of',
      'json',
      path,
    ],
    { encoding: 'utf8' },
  );
  const { format, packets } = JSON.parse(probe.stdout) as {
    format: { duration: string; tags?: { creation_time: string } };
    packets: { pts_time: string }[];
  };
  return {
    warnings,
    duration: Number(format.duration),
    frames: packets.length,
    times: packets.map((each) => Number(each.pts_time)),
    tags: format.tags?.creation_time ?? '',
  };
}

function evenlySpaced(times: number[], step: number): void {
  for (let i = 1; i < times.length; i++) {
    assert.ok(
      Math.abs(times[i]! - times[i - 1]! - step) < 0.002,
      `picture ${i} comes ${times[i]! - times[i - 1]!} s later`,
    );
  }
}

describe('an exported movie', () => {
  const segments = record({ media: { seconds: 7, gop: 25 }, segmentMs: 2_000 });

  test('joins segments into one continuous file that begins at 0', async () => {
    assert.equal(segments.length, 4);
    const { report, movies } = await exported(mediaOf(segments, BEGIN, BEGIN + 60_000));
    assert.equal(movies.length, 1);
    assert.deepEqual(report.gaps, []);
    const { warnings, duration, frames, times, tags } = played(movies[0]!);
    assert.equal(warnings, '');
    assert.equal(frames, 175);
    assert.ok(Math.abs(duration - 7) < 0.05, `${duration} s`);
    assert.equal(times[0], 0);
    evenlySpaced(times, 0.04);
    assert.equal(new Date(tags).getTime(), BEGIN);
    assert.equal(report.parts[0]!.durationUs, 7_000_000);
    assert.equal(report.parts[0]!.bytes, movies[0]!.length);
  });

  test('is exact to the keyframe before its beginning and the fragment at its end', async () => {
    const { report, movies } = await exported(mediaOf(segments, BEGIN + 2_500, BEGIN + 5_100));
    assert.equal(report.parts[0]!.startUs, (BEGIN + 2_000) * 1000);
    assert.equal(report.parts[0]!.endUs, (BEGIN + 5_200) * 1000);
    const { warnings, times, duration } = played(movies[0]!);
    assert.equal(warnings, '');
    assert.equal(times[0], 0);
    assert.ok(Math.abs(duration - 3.2) < 0.05, `${duration} s`);
  });

  test('keeps the wall time of every fragment, and an index that players can seek by', async () => {
    const { movies } = await exported(mediaOf(segments, BEGIN, BEGIN + 60_000));
    const movie = movies[0]!;
    const walls: number[] = [];
    for (const box of boxesIn(movie)) if (box.type === 'prft') walls.push(readPrft(movie, box).wallUs);
    assert.deepEqual(
      walls,
      segments.flatMap(({ fragments }) => fragments.map(({ startUs }) => startUs)),
    );
    const boxes = [...boxesIn(movie)].map(({ type }) => type);
    assert.deepEqual(boxes.slice(0, 5), ['ftyp', 'moov', 'prft', 'moof', 'mdat']);
    assert.equal(boxes.at(-1), 'mfra');
    const sought = join(folder, 'sought.mp4');
    writeFileSync(sought, movie);
    const at = spawnSync(
      'ffprobe',
      [
        '-v',
        'error',
        '-read_intervals',
        '5%+#1',
        '-select_streams',
        'v',
        '-show_entries',
        'packet=pts_time',
        '-of',
        'csv=p=0',
        sought,
      ],
      {
        encoding: 'utf8',
      },
    );
    assert.equal(Number.parseFloat(at.stdout), 5);
  });

  test('leaves out what was not recorded, and tells it', async () => {
    const later = record({ media: { seconds: 3, gop: 25 }, startAt: BEGIN + 20_000, seq: 5, run: 'bb'.repeat(16) });
    const { report, movies } = await exported(mediaOf([...segments, ...later], BEGIN + 4_000, BEGIN + 60_000));
    assert.deepEqual(report.gaps, [
      { startUs: (BEGIN + 7_000) * 1000, endUs: (BEGIN + 20_000) * 1000, atUs: 3_000_000, part: 1 },
    ]);
    const { warnings, duration, times } = played(movies[0]!);
    assert.equal(warnings, '');
    assert.ok(Math.abs(duration - 6) < 0.05, `${duration} s`);
    evenlySpaced(times, 0.04);
    assert.equal(report.parts[0]!.durationUs, 6_000_000);
  });

  test('with sound keeps picture and sound together over a cut and a gap', async () => {
    const media = { seconds: 5, gop: 25, audio: 'aac' as const };
    const first = record({ media, segmentMs: 2_000 });
    const second = record({ media, segmentMs: 2_000, startAt: BEGIN + 30_000, seq: 9 });
    const { report, movies } = await exported(mediaOf([...first, ...second], BEGIN + 2_300, BEGIN + 90_000));
    const { warnings, times, duration } = played(movies[0]!);
    assert.equal(warnings, '');
    assert.equal(report.gaps.length, 1);
    assert.ok(Math.abs(duration - 8) < 0.3, `${duration} s`);
    assert.ok(times[0]! < 0.3, `the picture begins at ${times[0]} s`);
  });

  test('goes into a second file where the picture changes its format', async () => {
    const other = record({ media: { seconds: 2, gop: 25, size: '96x64' }, startAt: BEGIN + 8_000, seq: 5 });
    const { report, movies } = await exported(mediaOf([...segments.slice(3), ...other], BEGIN, BEGIN + 60_000));
    assert.deepEqual(
      report.parts.map(({ part, durationUs }) => ({ part, durationUs })),
      [
        { part: 1, durationUs: 1_000_000 },
        { part: 2, durationUs: 2_000_000 },
      ],
    );
    for (const movie of movies) assert.equal(played(movie).warnings, '');
  });

  test('ends after the length asked for', async () => {
    const { report } = await exported(mediaOf(segments, BEGIN, BEGIN + 60_000), { durationUsMax: 3_000_000 });
    assert.equal(report.parts[0]!.durationUs, 3_000_000);
  });

  test('of nothing opens no file', async () => {
    const { report, movies } = await exported(mediaOf(segments, BEGIN + 50_000, BEGIN + 60_000));
    assert.deepEqual({ report, movies }, { report: { parts: [], gaps: [] }, movies: [] });
  });

  test('that fails half way is closed whole, and the failure is told', async () => {
    const broken = segments.map((each) => ({ ...each, file: each.file.slice() }));
    broken[2]!.file[broken[2]!.file.length - 10]! ^= 1;
    const parts: Uint8Array[] = [];
    let closed = 0;
    const options: ExportOptions = {
      openPart: async () => ({ write: async (bytes) => void parts.push(bytes), close: async () => void (closed += 1) }),
    };
    await assert.rejects(exportMovie(mediaOf(broken, BEGIN, BEGIN + 60_000), options), {
      code: 'ERR_CLIENT_SEGMENT_DAMAGED',
    });
    assert.equal(closed, 1);
    assert.equal(played(concatBytes(...parts)).warnings, '');
  });

  test('what is written is counted also where the file takes the bytes away', async () => {
    let size = 0;
    const report = await exportMovie(mediaOf(segments, BEGIN, BEGIN + 60_000), {
      openPart: async () => ({
        write: async (bytes) => {
          size += bytes.length;
          bytes.buffer.transfer();
        },
        close: async () => {},
      }),
    });
    assert.equal(report.parts[0]!.bytes, size);
    assert.ok(size > 10_000);
  });

  test('a slow file holds the node back', async () => {
    const node = new FakeNode(segments);
    let written = 0;
    let most = 0;
    await exportMovie(mediaOf(segments, BEGIN, BEGIN + 60_000, node), {
      openPart: async () => ({
        write: async (bytes) => {
          written += bytes.length;
          most = Math.max(most, node.sent - written);
          await new Promise((resolve) => setImmediate(resolve));
        },
        close: async () => {},
      }),
    });
    assert.ok(most < 14 * 16_400, `${most} bytes were waiting`);
  });
});

test('a live picture becomes a movie like a stored one; fragments that were missed are left out', async () => {
  const [stored] = record({ media: { seconds: 4, gop: 25 }, segmentMs: 60_000 }) as [StoredSegment];
  const node = new FakeNode([stored]);
  const { init } = cut(stored.plaintext.subarray(0, stored.plaintext.length));
  const fragments = stored.fragments.filter(({ startUs }) => {
    const at = startUs / 1000 - BEGIN;
    return at < 1_000 || at >= 3_000;
  });
  node.live = [
    { bytes: init.bytes, marks: { init: true } },
    ...fragments.map(({ bytes, keyframe }) => ({ bytes: Uint8Array.from(bytes), marks: keyframe ? { keyframe } : {} })),
  ];
  const client = createNvrClient({ connection: node, suite });
  const { report, movies } = await exported(client.live({ source: 'front' as SourceId, stream: 'main' }));
  const { warnings, duration, frames } = played(movies[0]!);
  assert.equal(warnings, '');
  assert.equal(frames, 50);
  assert.ok(Math.abs(duration - 2) < 0.05);
  assert.equal(report.gaps.length, 1);
  assert.equal(report.gaps[0]!.endUs - report.gaps[0]!.startUs, 2_000_000);
});
