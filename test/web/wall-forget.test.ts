import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Layout, Wall } from '../../web/src/model/wall.ts';
import { autoFill } from '../../web/src/wall/auto-fill.ts';
import { forgetOnWall, readWallMemory, writeWallMemory } from '../../web/src/wall/wall-memory.ts';

const place = (x: number) => ({ x, y: 0, w: 4, h: 4 });

function drawer(): Pick<Storage, 'getItem' | 'setItem'> {
  const kept = new Map<string, string>();
  return { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => void kept.set(key, value) };
}

test('a camera that was removed leaves its tile empty, and a free one goes with it, saved layouts included', () => {
  const storage = drawer();
  const wall = new Wall(storage);
  const four: Layout = { kind: '4', tiles: ['n/a', 'n/b', null, 'n/c'], places: [] };
  const free: Layout = { kind: 'free', tiles: ['n/b', 'n/a'], places: [place(0), place(4)] };
  wall.layout.set(four);
  wall.saved.set([{ ...free, name: 'yard' }]);
  wall.forget('n/b');
  assert.deepEqual(wall.layout.get().tiles, ['n/a', null, null, 'n/c']);
  assert.deepEqual(wall.saved.get(), [{ kind: 'free', tiles: ['n/a'], places: [place(4)], name: 'yard' }]);
  const again = new Wall(storage);
  assert.deepEqual(again.layout.get(), wall.layout.get());
  const before = again.layout.get();
  again.forget('n/unknown');
  assert.equal(again.layout.get(), before, 'nothing is drawn anew for one that was not there');
});

test('a camera that comes back after it was removed is offered its place again', () => {
  const storage = drawer();
  writeWallMemory(storage, { known: ['n/a', 'n/b'], untouched: false });
  const layout: Layout = { kind: '4', tiles: ['n/a', null, null, null], places: [] };
  const fill = () => autoFill({ layout, known: readWallMemory(storage).known }, ['n/a', 'n/b'], false).layout.tiles;
  assert.deepEqual(fill(), ['n/a', null, null, null], 'one that was taken off by hand stays off');
  forgetOnWall(storage, 'n/b');
  assert.deepEqual(readWallMemory(storage), { known: ['n/a'], untouched: false });
  assert.deepEqual(fill(), ['n/a', 'n/b', null, null]);
});
