import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Layout, LayoutKind } from '../../web/src/model/wall.ts';
import { autoFill, fillEmpty } from '../../web/src/wall/auto-fill.ts';
import {
  BETWEEN,
  boxesOf,
  changeKind,
  clampPlace,
  FREE_GRID,
  freePlace,
  padded,
  phoneBoxes,
  putCamera,
  swapTiles,
  TILES,
  tileCount,
} from '../../web/src/wall/geometry.ts';
import { movePlace } from '../../web/src/wall/use-tile-drag.ts';
import { readWallMemory, writeWallMemory } from '../../web/src/wall/wall-memory.ts';

const grid = (kind: '1' | '2' | '4' | '9' | '16', tiles: (string | null)[] = []): Layout => ({
  kind,
  tiles,
  places: [],
});
const wall = { w: 1500, h: 680 };

describe('where tiles lie', () => {
  it('inside the wall, without touching, in the shape of pictures', () => {
    const size = fc.record({ w: fc.integer({ min: 300, max: 4_000 }), h: fc.integer({ min: 200, max: 2_400 }) });
    fc.assert(
      fc.property(fc.constantFrom('1', '2', '4', '9', '16' as const), size, (kind, wall) => {
        const boxes = boxesOf(grid(kind as '1'), wall);
        assert.equal(boxes.length, TILES[kind as '1']);
        for (const [index, box] of boxes.entries()) {
          assert.ok(
            box.x >= -0.01 && box.y >= -0.01 && box.x + box.w <= wall.w + 0.01 && box.y + box.h <= wall.h + 0.01,
          );
          assert.ok(Math.abs(box.w / box.h - 16 / 9) < 0.12, `${box.w} x ${box.h}`);
          for (const other of boxes.slice(index + 1)) {
            const apart = other.x >= box.x + box.w + BETWEEN - 0.01 || other.x + other.w + BETWEEN - 0.01 <= box.x;
            const below = other.y >= box.y + box.h + BETWEEN - 0.01 || other.y + other.h + BETWEEN - 0.01 <= box.y;
            assert.ok(apart || below);
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  it('four are a large one and three on a wide wall, equal where the wall is a picture’s shape', () => {
    const wide = boxesOf(grid('4'), wall);
    assert.ok(wide[0]!.w > wide[1]!.w * 2.9);
    const equal = boxesOf(grid('4'), { w: 1600, h: 900 });
    assert.ok(equal.every(({ w }) => Math.abs(w - equal[0]!.w) < 0.01));
    const tall = boxesOf(grid('4'), { w: 700, h: 950 });
    assert.ok(tall[0]!.w > tall[1]!.w * 2.9 && tall[1]!.y > tall[0]!.h);
  });

  it('two stand side by side on a wide wall, one above the other on a high one', () => {
    const wide = boxesOf(grid('2'), wall);
    assert.ok(wide[1]!.x > wide[0]!.w && wide[0]!.y === wide[1]!.y);
    const tall = boxesOf(grid('2'), { w: 700, h: 950 });
    assert.ok(tall[1]!.y > tall[0]!.h && tall[0]!.x === tall[1]!.x);
  });

  it('on a phone a large one above two columns', () => {
    const two = phoneBoxes(2, 374);
    assert.deepEqual(two[1], { x: 0, y: two[0]!.h + BETWEEN, w: 374, h: two[0]!.h });
    const boxes = phoneBoxes(4, 374);
    assert.deepEqual(boxes[0], { x: 0, y: 0, w: 374, h: 374 / (16 / 9) });
    assert.equal(boxes[1]!.y, boxes[2]!.y);
    assert.ok(boxes[3]!.y > boxes[1]!.y + boxes[1]!.h);
    assert.equal(phoneBoxes(0, 374).length, 0);
  });

  it('places of the free layout stay on the grid, whatever is asked', () => {
    const number = fc.double({ min: -50, max: 50, noNaN: true });
    fc.assert(
      fc.property(number, number, number, number, (x, y, w, h) => {
        const place = clampPlace({ x, y, w, h });
        assert.ok(Object.values(place).every((each) => Number.isInteger(each)));
        assert.ok(place.x >= 0 && place.y >= 0 && place.w >= 2 && place.h >= 2);
        assert.ok(place.x + place.w <= FREE_GRID && place.y + place.h <= FREE_GRID);
      }),
    );
    assert.deepEqual(freePlace([]), { x: 0, y: 0, w: 4, h: 4 });
    assert.deepEqual(freePlace([{ x: 0, y: 0, w: 12, h: 9 }]), { x: 0, y: 9, w: 3, h: 3 });
    assert.deepEqual(freePlace([{ x: 0, y: 0, w: 12, h: 12 }]), { x: 8, y: 8, w: 4, h: 4 });
  });

  it('moves and resizes by whole cells and not beyond the edge', () => {
    const free: Layout = { kind: 'free', tiles: ['a'], places: [{ x: 4, y: 4, w: 4, h: 4 }] };
    assert.deepEqual(movePlace(free, 0, 'move', 1.4, -9).places[0], { x: 5, y: 0, w: 4, h: 4 });
    assert.deepEqual(movePlace(free, 0, 'resize', -9, 3).places[0], { x: 4, y: 4, w: 2, h: 7 });
    assert.equal(movePlace(free, 3, 'move', 1, 1), free);
  });
});

describe('which camera stands where', () => {
  it('keeps cameras and their order when the kind changes', () => {
    const nine = grid('9', ['a', null, 'b', null, null, null, 'c']);
    assert.deepEqual(changeKind(nine, '4', wall).tiles, ['a', 'b', 'c', null]);
    assert.deepEqual(changeKind(grid('4', ['a', null, 'b']), '9', wall).tiles, padded(['a', null, 'b'], 9));
    assert.deepEqual(changeKind(nine, '1', wall).tiles, ['a']);
    const free = changeKind(grid('4', ['a', 'b', 'c', 'd']), 'free', wall);
    assert.equal(free.places.length, 4);
    assert.equal(tileCount(free), 4);
    assert.deepEqual(free.places[0], { x: 0, y: 0, w: 9, h: 11 });
    assert.deepEqual(changeKind(free, '4', wall).tiles, ['a', 'b', 'c', 'd']);
  });

  it('loses no camera in any row of changes while there is room', () => {
    const kinds = fc.array(fc.constantFrom('9', '16', 'free' as LayoutKind), { maxLength: 6 });
    fc.assert(
      fc.property(fc.uniqueArray(fc.constantFrom(...'abcdefghi'), { maxLength: 9 }), kinds, (cameras, kinds) => {
        let layout = grid('9', padded(cameras, 9));
        for (const kind of kinds) layout = changeKind(layout, kind as LayoutKind, wall);
        assert.deepEqual(
          layout.tiles.filter((each) => each !== null),
          cameras,
        );
        assert.equal(layout.tiles.length, tileCount(layout));
      }),
    );
  });

  it('swaps, puts and moves a camera that is there already', () => {
    assert.deepEqual(swapTiles(grid('4', ['a', 'b']), 0, 3).tiles, [null, 'b', null, 'a']);
    assert.deepEqual(putCamera(grid('4', ['a', 'b']), 3, 'a').tiles, [null, 'b', null, 'a']);
    assert.deepEqual(putCamera(grid('4', ['a', 'b']), 0, null).tiles, [null, 'b', null, null]);
  });

  it('shows new cameras by themselves and grows while nobody arranged it', () => {
    let filled = autoFill({ layout: grid('4'), known: [] }, ['a'], true);
    assert.deepEqual(filled, { layout: grid('1', ['a']), known: ['a'] });
    filled = autoFill(filled, ['a', 'b'], true);
    assert.deepEqual(filled.layout, grid('2', ['a', 'b']));
    filled = autoFill(filled, ['a', 'b', 'c'], true);
    assert.deepEqual(filled.layout, grid('4', ['a', 'b', 'c', null]));
    filled = autoFill(filled, [...'abcdefg'], true);
    assert.equal(filled.layout.kind, '9');
    assert.equal(autoFill(filled, [...'abcdefg'], true).known, filled.known, 'nothing is new');
    const many = Array.from({ length: 20 }, (_, index) => `camera ${index}`);
    const full = autoFill({ layout: grid('4'), known: [] }, many, true);
    assert.deepEqual(full.layout, grid('16', many.slice(0, 16)));
    assert.equal(full.known.length, 20);
  });

  it('does not put back what was taken off, nor change what was arranged by hand', () => {
    const known = ['a', 'b', 'c'];
    assert.deepEqual(autoFill({ layout: grid('4', ['b']), known }, known, false).layout.tiles, ['b']);
    const added = autoFill({ layout: grid('4', [null, 'b']), known }, [...known, 'd'], false);
    assert.deepEqual(added.layout, grid('4', ['d', 'b', null, null]));
    const full = grid('1', ['a']);
    assert.deepEqual(autoFill({ layout: full, known }, [...known, 'd'], false).layout, full);
    assert.deepEqual(fillEmpty(grid('4', ['b']), known).tiles, ['b', 'a', 'c', null]);
  });

  it('remembers, and begins anew with what it cannot read', () => {
    let kept: string | null = null;
    const storage = {
      getItem: () => kept,
      setItem: (_: string, text: string) => {
        kept = text;
      },
    };
    assert.deepEqual(readWallMemory(storage), { known: [], untouched: true });
    writeWallMemory(storage, { known: ['a'], untouched: false });
    assert.deepEqual(readWallMemory(storage), { known: ['a'], untouched: false });
    for (const text of ['{', 'null', '[]', '{"known":3,"untouched":"yes"}', '{"known":[1,"a"]}']) {
      kept = text;
      const { known, untouched } = readWallMemory(storage);
      assert.ok(known.every((each) => typeof each === 'string'));
      assert.equal(typeof untouched, 'boolean');
    }
  });
});
