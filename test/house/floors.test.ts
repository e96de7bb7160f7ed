import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative, resolve } from 'node:path';
import { test } from 'node:test';

const root = resolve(import.meta.dirname, '../../src');

/** The house: imports go to lower floors only. `platform/node` stands one step above the interfaces it fulfils. */
const FLOORS: Record<string, number> = {
  bytes: 0,
  crypto: 1,
  media: 1,
  platform: 1,
  'platform/node': 1.5,
  protocol: 2,
  identity: 3,
  swarm: 3,
  cameras: 3,
  ingest: 3,
  vault: 3,
  live: 3,
  archive: 3,
  channel: 3,
  alerts: 3,
  update: 3,
  client: 3,
  'virtual-camera': 3,
  commands: 4,
  daemon: 5,
  cli: 6,
};

/** Rooms that run in a browser unchanged. */
const PORTABLE = new Set(['bytes', 'crypto', 'media', 'platform', 'protocol', 'client']);
const PORTABLE_NO_ZOD = new Set(['bytes', 'crypto', 'media']);

interface Import {
  file: string;
  room: string;
  target: string;
}

function roomOf(path: string): string {
  const parts = relative(root, path).split('/');
  const pair = `${parts[0]}/${parts[1]}`;
  return pair in FLOORS ? pair : parts[0]!;
}

function imports(): Import[] {
  const found: Import[] = [];
  for (const name of globSync('**/*.ts', { cwd: root })) {
    const file = join(root, name);
    const text = readFileSync(file, 'utf8');
    const room = name.includes('/') ? roomOf(file) : 'doormat';
    for (const match of text.matchAll(
      /(?:^|\n)\s*(?:import|export)\s(?:[^'";]*?from\s*)?'([^']+)'|import\(\s*'([^']+)'\s*\)/g,
    )) {
      found.push({ file: name, room, target: (match[1] ?? match[2])! });
    }
  }
  return found;
}

test('every room has a floor', () => {
  const rooms = new Set(imports().map((each) => each.room));
  rooms.delete('doormat');
  for (const room of rooms) assert.ok(room in FLOORS, `${room} has no floor`);
  assert.ok(rooms.size >= 4, 'the test reads the sources');
});

test('imports go to lower floors, through the front door of a room', () => {
  for (const { file, room, target } of imports()) {
    if (!target.startsWith('.')) continue;
    const path = normalize(join(root, dirname(file), target));
    if (path === join(root, 'errors.ts')) continue;
    if (path === join(root, '../package.json')) continue;
    assert.ok(path.startsWith(root), `${file} imports ${target} from outside src`);
    assert.notEqual(room, 'doormat', `${file} imports ${target}`);
    const other = roomOf(path);
    if (other === room) {
      assert.ok(!path.endsWith(`/${room}/index.ts`), `${file} imports its own room's index`);
      continue;
    }
    assert.ok(FLOORS[other]! < FLOORS[room]!, `${file} (${room}) imports ${target} (${other}) sideways or upwards`);
    if (room === 'platform/node' && other === 'platform') continue; // two halves of one room
    assert.ok(path === join(root, other, 'index.ts'), `${file} imports ${target} past the front door of ${other}`);
  }
});

test('rooms that run in a browser use nothing of Node', () => {
  for (const { file, room, target } of imports()) {
    if (!PORTABLE.has(room)) continue;
    assert.ok(!target.startsWith('node:'), `${file} imports ${target}`);
    if (PORTABLE_NO_ZOD.has(room)) assert.notEqual(target, 'zod', `${file} imports zod`);
  }
  for (const name of globSync('{bytes,crypto,media,protocol,client}/**/*.ts', { cwd: root })) {
    const text = readFileSync(join(root, name), 'utf8');
    assert.doesNotMatch(text, /\b(Buffer\.|process\.|__dirname)/, `${name} uses a Node global`);
  }
});
