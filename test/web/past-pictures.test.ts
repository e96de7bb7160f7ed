import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PictureIndex } from '../../web/src/player/past-index.ts';
import { PastPictures, type PastVideo } from '../../web/src/player/past-pictures.ts';

const T0 = 1_795_000_000_000_000;
const S = 1_000_000;

/** A video that searches and plays as far as it is told, with ten seconds of five pictures each before it. */
function world() {
  const index = new PictureIndex();
  for (let second = 0; second < 10; second++) {
    const startUs = T0 + second * S;
    const common = { bytes: new ArrayBuffer(0), keyframe: true, pictures: 5, times: [] };
    index.lay({ kind: 'fragment', ...common, startUs, endUs: startUs + S, mediaStart: second });
  }
  const video = {
    currentTime: 0,
    muted: true,
    paused: true,
    playbackRate: 1,
    readyState: 4,
    seeking: false,
    volume: 1,
    pause() {
      video.paused = true;
    },
    async play() {
      video.paused = false;
    },
  };
  let now = 1_000;
  let [held, readied] = [false, 0];
  const pictures = new PastPictures(video as PastVideo, index, () => now);
  const keep = (second: number, pace: { playing?: boolean; speed?: number } = {}) => {
    const atUs = T0 + second * S;
    const whole = { atUs, playing: true, speed: 1, held, ...pace };
    return pictures.keep(
      index.pictureAt(atUs)!,
      whole,
      () => held,
      () => {
        readied++;
      },
    );
  };
  return {
    index,
    video,
    pictures,
    keep,
    /** Seconds since T0 that the video stands at. */
    at: () => (index.wallAt(video.currentTime)! - T0) / S,
    hold: (on: boolean) => {
      held = on;
    },
    readied: () => readied,
    pass: (ms: number) => {
      now += ms;
    },
  };
}

const near = (a: number, b: number, slack = 0.01) => assert.ok(Math.abs(a - b) < slack, `${a}, expected ${b}`);

test('what is elsewhere is searched, then it runs in step, a little faster or slower as it must', () => {
  const { video, keep, at, readied, pictures } = world();
  assert.equal(keep(3.05), 'late');
  near(at(), 3.05);
  assert.equal(pictures.jumps, 1);
  assert.equal(keep(3.05), 'ready');
  assert.deepEqual([video.paused, readied()], [false, 1]);
  keep(3.1);
  assert.ok(video.playbackRate > 1 && video.playbackRate <= 1.25);
  video.currentTime += 0.15;
  keep(3.1);
  assert.ok(video.playbackRate < 1 && video.playbackRate >= 0.75);
  assert.equal(keep(4.5), 'late', 'too far to hurry');
});

test('standing, exactly the picture of the time is searched, also where one near to it ran', () => {
  const { keep, at, video, pictures } = world();
  keep(3.05);
  keep(3.05);
  video.currentTime += 0.2;
  assert.equal(keep(3.25, { playing: false }), 'late');
  near(at(), 3.3);
  assert.equal(keep(3.25, { playing: false }), 'ready');
  assert.equal(video.paused, true);
  assert.equal(pictures.jumps, 2);
});

test('while somebody holds the clock it stands; the next moment it runs', () => {
  const { keep, video, hold } = world();
  keep(5.1);
  hold(true);
  keep(5.1);
  assert.equal(video.paused, true);
  hold(false);
  keep(5.1);
  assert.equal(video.paused, false);
});

test('what lies ready and does not come up is to be fetched again after a while, and counts as a stall once', () => {
  const { keep, video, pass, pictures } = world();
  keep(2.1);
  keep(2.1);
  video.readyState = 1;
  assert.equal(keep(2.15), 'late');
  pass(1_000);
  assert.equal(keep(2.15), 'late');
  assert.equal(pictures.stalls, 1);
  pass(1_000);
  assert.equal(keep(2.15), 'stuck');
  assert.equal(keep(2.15), 'late', 'and waited for anew');
});

test('one search at a time, unless it goes somewhere else entirely', () => {
  const { keep, video, pictures } = world();
  keep(2.1);
  video.seeking = true;
  keep(2.9);
  assert.equal(pictures.jumps, 1);
  keep(7.1);
  assert.equal(pictures.jumps, 2);
});

test('sound is left out above twice the speed; the present runs at the pace of time', () => {
  const { keep, video, pictures } = world();
  keep(2.1, { speed: 4 });
  keep(2.1, { speed: 4 });
  assert.equal(video.volume, 0);
  near(video.playbackRate, 4);
  pictures.leave();
  assert.equal(video.playbackRate, 1);
});

test('keyframes: each is searched once, none while a search is under way, all again when the glass was cleared', () => {
  const { pictures, video, at } = world();
  for (const second of [1, 1, 2]) pictures.keepKey(T0 + second * S);
  assert.equal(pictures.jumps, 2);
  near(at(), 2.1);
  video.seeking = true;
  pictures.keepKey(T0 + 3 * S);
  assert.equal(pictures.jumps, 2);
  video.seeking = false;
  pictures.renew();
  pictures.keepKey(T0 + 2 * S);
  assert.equal(pictures.jumps, 3);
});

test('what a browser forgot to search, because nothing lay there yet, is searched again; never under what runs', () => {
  const { video, pictures, index, at, keep } = world();
  pictures.insist();
  assert.equal(video.currentTime, 0, 'nothing was searched for');
  pictures.show(index.pictureAt(T0 + 4.1 * S)!);
  video.currentTime = 0;
  video.readyState = 0;
  pictures.insist();
  assert.equal(video.currentTime, 0, 'still nothing there');
  video.readyState = 1;
  pictures.insist();
  near(at(), 4.1, 0.11);
  video.seeking = true;
  video.currentTime = 0;
  pictures.insist();
  assert.equal(video.currentTime, 0, 'it is under way');
  video.seeking = false;
  video.readyState = 4;
  keep(3.05);
  keep(3.05);
  video.currentTime += 2;
  const ran = video.currentTime;
  pictures.insist();
  assert.equal(video.currentTime, ran, 'it runs');
});
