import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { placeBeyond } from '../../web/src/player/media-buffer.ts';

const READY = [
  [1, 3.2],
  [7.75, 9],
] as const;

describe('where a video goes on over a stretch without pictures', () => {
  it('is the next picture, once all before it is shown', () => {
    assert.equal(placeBeyond(READY, 3.1, false), null);
    assert.equal(placeBeyond(READY, 3.16, false), 7.751);
    assert.equal(placeBeyond(READY, 5, false), 7.751);
    assert.equal(placeBeyond(READY, 0, false), 1.001);
  });

  it('is the next picture, where it searches or waits so near to the end that it never gets there', () => {
    assert.equal(placeBeyond(READY, 3.14, true), 7.751);
    assert.equal(placeBeyond(READY, 2.9, true), null);
  });

  it('is nowhere while nothing lies farther on', () => {
    assert.equal(placeBeyond(READY, 8.99, true), null);
    assert.equal(placeBeyond(READY, 12, true), null);
    assert.equal(placeBeyond([], 0, true), null);
  });
});
