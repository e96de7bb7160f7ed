import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { ERROR_KINDS } from '../../src/errors.ts';

const root = resolve(import.meta.dirname, '../..');
const page = join(root, 'docs/reference/errors.md');

interface Found {
  kinds: Set<string>;
  /** What the code says where it throws. */
  text: string;
  files: Set<string>;
}

const CODE = /'(ERR_(?:[A-Z0-9]+_)*[A-Z0-9]+)'/g;
// What follows a code where an error, or a row of a table of errors, is made: its kind (or one of two), then perhaps a text.
const KIND = `'(${ERROR_KINDS.join('|')})'`;
const MAKING = new RegExp(
  `^\\s*,\\s*(?:kind: )?(?:${KIND}|[^',]*\\? ${KIND} : ${KIND})(?:\\s*,\\s*(?:'((?:[^'\\\\]|\\\\.)*)'|\`((?:[^\`\\\\]|\\\\.)*)\`))?`,
);

/** Every code that stands as a literal in the sources. */
function collect(): Map<string, Found> {
  const codes = new Map<string, Found>();
  for (const name of globSync('src/**/*.ts', { cwd: root }).sort()) {
    const text = readFileSync(join(root, name), 'utf8');
    for (const match of text.matchAll(CODE)) {
      const code = match[1]!;
      const found = codes.get(code) ?? { kinds: new Set(), text: '', files: new Set() };
      codes.set(code, found);
      found.files.add(name);
      const made = MAKING.exec(text.slice(match.index + match[0].length));
      if (!made) continue;
      for (const kind of made.slice(1, 4)) if (kind) found.kinds.add(kind);
      found.text ||= makerDocstring(text.slice(0, match.index)) ?? sentence(made[4] ?? made[5] ?? '');
    }
  }
  return codes;
}

/** What the function or class says of itself that makes one error and ends in `before`; null where the code stands elsewhere. */
function makerDocstring(before: string): string | null {
  const end = before.lastIndexOf('*/');
  const begin = before.lastIndexOf('/**', end);
  if (begin < 0 || !/^\*\/\n(?:export )?(?:function|class|const) (?:(?!\n}\n)[\s\S])*$/.test(before.slice(end)))
    return null;
  // A function that does more than make its error is about something else.
  if (before.slice(end).split('\n').length > 6) return null;
  const words = before
    .slice(begin + 3, end)
    .replace(/\n\s*\*/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  return (/^.*?[^.]\.(?= |$)/.exec(words)?.[0] ?? words).replaceAll('|', '\\|');
}

/** A message as a meaning: what is filled in becomes an ellipsis. */
function sentence(text: string): string {
  return text
    .replace(/\$\{[^}]*\}/g, '…')
    .replaceAll("\\'", "'")
    .replaceAll('|', '\\|');
}

/** Meanings that stand in the page already, by code. */
function meanings(text: string): Map<string, string> {
  const rows = text.matchAll(/^\| `(ERR_[A-Z0-9_]+)` \| [a-z, ]* \| (.*) \|$/gm);
  return new Map([...rows].map(([, code, meaning]) => [code!, meaning!]));
}

function write(codes: Map<string, Found>, known: Map<string, string>): string {
  const rows = [...codes.keys()].sort().map((code) => {
    const { kinds, text } = codes.get(code)!;
    return `| \`${code}\` | ${[...kinds].sort().join(', ') || 'any'} | ${known.get(code) || text} |`;
  });
  return `# Errors

Every error has a stable code, \`ERR_<ROOM>_<WHAT>\`, and a kind. The kind is for decisions:

| kind | what to do |
|---|---|
| invalid | ask again with other input |
| unauthenticated | prove who you are first |
| denied | ask somebody who may |
| missing | there is no such thing (any more) |
| conflict | look at the present state, then try again |
| exhausted | a limit is reached: wait, or make room |
| unavailable | try again later |
| corrupt | stored or received bytes are damaged: look at the named place |
| cancelled | somebody gave up; nothing to do |
| internal | a fault of ours: please report it |

A remote device is told code, kind and a fixed text for the kind (../protocol/channel.md); the texts below go to logs and to the
command line. A test holds this table equal to the sources (\`UPDATE_DOCS=1\` rewrites it; meanings written here stay).

| code | kind | meaning |
|---|---|---|
${rows.join('\n')}
`;
}

test('the page of errors lists exactly the codes of the sources, with their kinds', () => {
  const codes = collect();
  const before = existsSync(page) ? readFileSync(page, 'utf8') : '';
  if (process.env['UPDATE_DOCS']) writeFileSync(page, write(codes, meanings(before)));
  const now = existsSync(page) ? readFileSync(page, 'utf8') : '';
  const wanted = write(codes, meanings(now));
  const [told, should] = [now, wanted].map((text) => new Set(text.split('\n')));
  const missing = [...should!].filter((line) => !told!.has(line));
  const surplus = [...told!].filter((line) => !should!.has(line));
  assert.deepEqual({ missing, surplus }, { missing: [], surplus: [] }, 'run this test with UPDATE_DOCS=1');
  assert.equal(now, wanted, 'the order of lines');
});

test('every code has a kind, a meaning, and the name of a room', () => {
  const codes = collect();
  assert.ok(codes.size > 20, 'the test reads the sources');
  const told = meanings(readFileSync(page, 'utf8'));
  const rooms = new Set(
    globSync('src/*/', { cwd: root }).map((path) => path.slice(4).toUpperCase().replaceAll('-', '_')),
  );
  // Codes that name a thing instead of the room that throws them.
  for (const thing of ['INTERNAL', 'FILES', 'DATAGRAMS', 'REMOTE']) rooms.add(thing);
  for (const [code, { kinds, files }] of codes) {
    const where = [...files].join(', ');
    // A code that another program sent comes with the kind it sent.
    if (!code.startsWith('ERR_REMOTE_')) assert.ok(kinds.size > 0, `${code} (${where}) has no kind`);
    assert.ok(told.get(code), `${code} (${where}) has no meaning in docs/reference/errors.md`);
    assert.ok(
      [...rooms].some((room) => code.startsWith(`ERR_${room}_`)),
      `${code} (${where}) names no room`,
    );
  }
});
