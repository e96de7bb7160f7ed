import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { boxesIn, FragmentReader, readPrft } from '../../src/media/index.ts';
import { captureTimeInSample } from '../../src/virtual-camera/index.ts';

export interface CheckedMovie {
  durationS: number;
  frames: number;
  width: number;
  height: number;
  /** Wall time of the first fragment, epoch ms, by its `prft`. */
  startAt: number;
  /** Frame numbers of the first picture of every fragment, and how many pictures the fragment has. */
  numbers: { frame: number; samples: number }[];
  /** Wall time of a fragment less the capture time inside its first picture, ms. */
  delaysMs: number[];
}

/**
 * Plays a movie through ffmpeg, which must say nothing, and reads the clock inside the picture of a virtual camera: each
 * fragment's first picture carries its number and the time it was made.
 */
export function checkMovie(path: string): CheckedMovie {
  const play = spawnSync('ffmpeg', ['-v', 'warning', '-i', path, '-f', 'null', '-'], { encoding: 'utf8' });
  assert.equal(play.stderr, '', `ffmpeg on ${path}`);
  assert.equal(play.status, 0);
  const fields = 'format=duration:stream=width,height,nb_read_frames';
  const probe = spawnSync(
    'ffprobe',
    ['-v', 'error', '-count_frames', '-select_streams', 'v', '-show_entries', fields, '-of', 'json', path],
    {
      encoding: 'utf8',
    },
  );
  const { format, streams } = JSON.parse(probe.stdout) as {
    format: { duration: string };
    streams: { width: number; height: number; nb_read_frames: string }[];
  };
  const bytes = Uint8Array.from(readFileSync(path));
  const walls: number[] = [];
  for (const box of boxesIn(bytes)) if (box.type === 'prft') walls.push(readPrft(bytes, box).wallUs);
  const items = new FragmentReader().push(bytes);
  const [init] = items.flatMap((item) => ('init' in item ? [item.init] : []));
  const fragments = items.flatMap((item) => ('fragment' in item ? [item.fragment] : []));
  assert.equal(fragments.length, walls.length, 'every fragment has its wall time');
  assert.equal(fragments[0]!.keyframe, true, 'a movie begins with a keyframe');
  const marks = fragments.map((fragment) => captureTimeInSample(fragment.firstVideoSample, 4));
  const videoId = init!.tracks[0]!.id;
  return {
    durationS: Number(format.duration),
    frames: Number(streams[0]!.nb_read_frames),
    width: streams[0]!.width,
    height: streams[0]!.height,
    startAt: walls[0]! / 1000,
    numbers: fragments.map((fragment, i) => ({
      frame: marks[i]?.frameNumber ?? -1,
      samples: fragment.tracks.find(({ id }) => id === videoId)!.sampleCount,
    })),
    delaysMs: marks.map((mark, i) => (walls[i]! - (mark?.captureUs ?? 0)) / 1000),
  };
}

/** No picture is missing and none comes twice. */
export function assertContinuous({ numbers }: CheckedMovie): void {
  for (const [i, { frame, samples }] of numbers.slice(0, -1).entries()) {
    assert.equal(numbers[i + 1]!.frame, frame + samples, `picture after fragment ${i}`);
  }
}

/** The wall times are those at which the camera made the pictures, give or take its own delay. */
export function assertClock({ delaysMs }: CheckedMovie, mostMs: number): void {
  for (const delay of delaysMs) assert.ok(delay > -60 && delay < mostMs, `recorded ${delay} ms after it was made`);
}
