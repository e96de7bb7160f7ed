import assert from 'node:assert/strict';
import { test } from 'node:test';
import { adviceOn, isRefused, isSameDoor } from '../../web/src/pages/cameras/test-advice.ts';

type Facts = Parameters<typeof adviceOn>[0];
type Onvif = NonNullable<Facts['onvif']>;

const good = (stream: 'main' | 'sub', width: number) =>
  ({ stream, ok: true, codec: 'h264', size: { width, height: (width * 9) / 16 } }) as const;
const bad = (cause: NonNullable<Facts['streams'][number]['cause']>) => ({ stream: 'main', ok: false, cause }) as const;
const onvif = (more: Partial<Onvif> = {}): Onvif => ({ ok: true, streams: [], abilities: ['events'], ...more });
const small = { name: null, codec: 'h264', width: 640, height: 360, fps: 10, audio: false, url: 'rtsp://c/2' } as const;

for (const [what, facts, keys] of [
  ['all is well', { onvif: onvif(), streams: [good('main', 1920), good('sub', 640)] }, []],
  ['nothing answers', { streams: [bad('unreachable')] }, ['unreachable']],
  ['the stream refuses', { streams: [bad('unauthorized')] }, ['credentials', 'lockout']],
  [
    'ONVIF refuses alone',
    { onvif: onvif({ ok: false, cause: 'unauthorized' }), streams: [good('main', 1920), good('sub', 640)] },
    ['credentials', 'lockout'],
  ],
  ['no picture comes', { streams: [bad('stalled')] }, ['noPicture']],
  ['it hangs up', { streams: [bad('ended')] }, ['broken']],
  ['ONVIF is off', { onvif: onvif({ ok: false, cause: 'unreachable' }), streams: [] }, ['onvif']],
  ['another camera', { onvif: onvif({ expected: false }), streams: [] }, ['foreign']],
  ['its clock is an hour back', { onvif: onvif({ clockOffsetMs: -3_600_000 }), streams: [] }, ['clock']],
  ['its clock is nearly right', { onvif: onvif({ clockOffsetMs: 1_999 }), streams: [] }, []],
  ['no small picture', { streams: [good('main', 1920)] }, ['noSmall']],
  [
    'a small picture is not used',
    { onvif: onvif({ streams: [small] }), streams: [good('main', 1920)] },
    ['smallOffered'],
  ],
  ['the small picture is large', { streams: [good('main', 3840), good('sub', 1920)] }, ['smallLarge']],
  ['H.265', { streams: [{ ...good('main', 1920), codec: 'h265' }, good('sub', 640)] }, ['h265']],
  ['a strange codec', { streams: [{ ...good('main', 1920), codec: 'other' }, good('sub', 640)] }, ['codec']],
  ['it tells nothing', { onvif: onvif({ abilities: [] }), streams: [] }, ['noEvents']],
] as [string, Facts, string[]][]) {
  test(`advice where ${what}: ${keys.join(', ') || 'none'}`, () => {
    assert.deepEqual(
      adviceOn(facts).map(({ key }) => key),
      keys,
    );
    assert.equal(isRefused(facts), keys.includes('credentials'));
  });
}

test('advice tells of sizes and of how far a clock is off', () => {
  assert.deepEqual(adviceOn({ onvif: onvif({ streams: [small] }), streams: [good('main', 1920)] }), [
    { key: 'smallOffered', size: '640 × 360' },
  ]);
  assert.deepEqual(adviceOn({ onvif: onvif({ clockOffsetMs: -5_000 }), streams: [] }), [
    { key: 'clock', offMs: 5_000 },
  ]);
});

test('a refusal is about the credentials and places that were tried, and no others', () => {
  const tried = { url: 'rtsp://c/1', username: 'eye', password: 'one' };
  assert.ok(isSameDoor({ ...tried, sub: 'rtsp://c/2' }, tried));
  assert.ok(!isSameDoor({ ...tried, password: 'two' }, tried));
  assert.ok(!isSameDoor({ ...tried, username: 'ear' }, tried));
  assert.ok(!isSameDoor({ ...tried, url: 'rtsp://d/1' }, tried));
  assert.ok(!isSameDoor({ url: tried.url }, tried));
});
