import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { concatBytes } from '../../src/bytes/index.ts';
import {
  type Fragment,
  FragmentReader,
  type ParsedInit,
  parseFragment,
  prft,
  rebaseFragment,
  sameConfiguration,
} from '../../src/media/index.ts';
import { sampleMedia } from '../support/sample-media.ts';

function parts(bytes: Uint8Array): { init: ParsedInit; fragments: Fragment[] } {
  let init: ParsedInit | null = null;
  const fragments: Fragment[] = [];
  for (const item of new FragmentReader().push(bytes)) {
    if ('init' in item) init = item.init;
    else fragments.push(item.fragment);
  }
  return { init: init!, fragments };
}

test('fragments taken from the middle play from zero, without a warning', () => {
  const { init, fragments } = parts(sampleMedia({ audio: 'aac' }));
  const from = fragments.findIndex((fragment, i) => i > 0 && fragment.keyframe);
  const taken = fragments.slice(from);
  const subtract = new Map(taken[0]!.tracks.map((track) => [track.id, track.baseDecodeTime]));
  const joined = taken.map((fragment, i) => {
    const stored = concatBytes(prft({ trackId: 1, wallUs: 0, mediaTime: 0n }), fragment.bytes);
    return rebaseFragment(stored, init, { sequence: i + 1, subtract });
  });
  for (const track of parseFragment(joined[0]!, init).tracks) assert.equal(track.baseDecodeTime, 0n);
  const run = spawnSync('ffmpeg', ['-hide_banner', '-v', 'warning', '-i', 'pipe:0', '-f', 'null', '-'], {
    input: concatBytes(init.bytes, ...joined),
    encoding: 'utf8',
  });
  assert.equal(run.stderr, '');
  assert.equal(run.status, 0);
});

test('a time before zero is refused', () => {
  const { init, fragments } = parts(sampleMedia());
  const subtract = new Map([[1, 1n]]);
  assert.throws(() => rebaseFragment(fragments[0]!.bytes, init, { sequence: 1, subtract }), {
    code: 'ERR_MEDIA_MALFORMED',
  });
});

test('init segments are the same configuration only when a decoder could not tell', () => {
  const a = parts(sampleMedia()).init;
  assert.ok(sameConfiguration(a, parts(sampleMedia({ seconds: 1 })).init));
  assert.ok(!sameConfiguration(a, parts(sampleMedia({ size: '320x180' })).init));
  assert.ok(!sameConfiguration(a, parts(sampleMedia({ audio: 'aac' })).init));
  assert.ok(!sameConfiguration(a, parts(sampleMedia({ codec: 'h265' })).init));
});
