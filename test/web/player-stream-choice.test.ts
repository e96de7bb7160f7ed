import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { chooseStream, type StreamChoice, type StreamOffer } from '../../web/src/player/stream-choice.ts';

const main: StreamOffer = { stream: 'main', width: 1920, running: true, playable: true };
const sub: StreamOffer = { stream: 'sub', width: 640, running: true, playable: true };
const wish = { offers: [main, sub], pixels: 400, alone: false, before: null };

describe('which stream a tile shows', () => {
  it('is the small one in a small tile, the large one in a large tile, alone or zoomed', () => {
    assert.equal(chooseStream(wish)!.stream, 'sub');
    assert.equal(chooseStream({ ...wish, pixels: 1_200 })!.stream, 'main');
    assert.equal(chooseStream({ ...wish, alone: true })!.stream, 'main');
    assert.equal(chooseStream({ ...wish, pixels: 400 * 3 })!.stream, 'main');
  });

  it('stays with what is shown near the border', () => {
    const shown: string[] = [];
    let before: 'main' | 'sub' | null = null;
    for (const pixels of [600, 700, 800, 840, 800, 700, 680, 660, 700, 800, 830]) {
      const choice: StreamChoice = chooseStream({ ...wish, pixels, before })!;
      shown.push(choice.stream);
      before = choice.bySize;
    }
    assert.deepEqual(shown, ['sub', 'sub', 'sub', 'main', 'main', 'main', 'main', 'sub', 'sub', 'sub', 'sub']);
  });

  it('goes back to what its size asks for once the stream that was down runs again', () => {
    const down = [main, { ...sub, running: false }];
    const standIn = chooseStream({ ...wish, pixels: 700, offers: down })!;
    assert.deepEqual(standIn, { stream: 'main', instead: null, bySize: 'sub' });
    assert.equal(chooseStream({ ...wish, pixels: 700, before: standIn.bySize })!.stream, 'sub');
  });

  it('is the one this browser can play, and says what it stands in for', () => {
    const h265 = { ...main, playable: false };
    assert.deepEqual(chooseStream({ ...wish, alone: true, offers: [h265, sub] }), {
      stream: 'sub',
      instead: 'main',
      bySize: 'sub',
    });
    const neither = [h265, { ...sub, playable: false }];
    assert.deepEqual(chooseStream({ ...wish, alone: true, offers: neither }), {
      stream: 'main',
      instead: null,
      bySize: 'sub',
    });
    const unknown = [h265, { ...sub, playable: null }];
    assert.deepEqual(chooseStream({ ...wish, alone: true, offers: unknown }), {
      stream: 'sub',
      instead: 'main',
      bySize: 'sub',
    });
  });

  it('is the one that runs, where only one does', () => {
    assert.equal(chooseStream({ ...wish, offers: [main, { ...sub, running: false }] })!.stream, 'main');
    assert.equal(chooseStream({ ...wish, alone: true, offers: [{ ...main, running: false }, sub] })!.stream, 'sub');
    const none = [
      { ...main, running: false },
      { ...sub, running: false },
    ];
    assert.equal(chooseStream({ ...wish, offers: none })!.stream, 'sub');
    const cannot = [main, { ...sub, running: false, playable: false }];
    assert.equal(chooseStream({ ...wish, offers: cannot })!.stream, 'main');
  });

  it('is the only one there is, or none', () => {
    assert.deepEqual(chooseStream({ ...wish, offers: [main] }), { stream: 'main', instead: null, bySize: 'main' });
    assert.equal(chooseStream({ ...wish, offers: [] }), null);
    assert.equal(chooseStream({ ...wish, offers: [main, { ...sub, width: null }], pixels: 500 })!.stream, 'sub');
  });
});
