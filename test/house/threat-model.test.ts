import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';

const root = resolve(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'docs/threat-model.md'), 'utf8');

/** A test the page names: its file, and its title with an ellipsis for each part that is filled in. */
const NAMED = /`([a-z0-9/-]+)`: “([^”]+)”/g;

/** Attackers that were agreed on beforehand; each stands in bold, in a heading, or in both. */
const ATTACKS = [
  'replayed hello',
  'reflected frames',
  'forged identity records',
  'approval race',
  'revoked device',
  'expired grant mid-stream',
  'downgrade to version 1',
  'spoofed source address',
  'guessing',
  'malicious swarm peer',
  'malicious gateway',
  'thief of the disk',
  'hostile camera',
  'hostile client',
  'local user',
  'operator',
  'a page from elsewhere',
  'rebinding',
  'a hostile hosted copy',
  'a script injected into the page',
  'somebody with the browser profile',
];

/** Rows of the tables of promises: the promise, and the cell with its tests. */
function promises(): { promise: string; tests: string }[] {
  const rows = page.split('\n').filter((line) => line.startsWith('| ') && line !== '| promise | test |');
  return rows.map((line) => {
    const [promise, tests, ...rest] = line.slice(2, -2).split(' | ');
    assert.ok(line.endsWith(' |') && tests !== undefined && rest.length === 0, `two cells: ${line}`);
    return { promise: promise!, tests };
  });
}

/** Titles of all tests of a file; what is filled in becomes an ellipsis. */
function titlesOf(file: string): Set<string> {
  const text = readFileSync(file, 'utf8');
  const found = [...text.matchAll(/\b(?:test|describe)\(\s*(['"`])((?:\\.|(?!\1)[^\\])*)\1/g)];
  return new Set(found.map(([, , title]) => title!.replace(/\$\{[^}]*\}/g, '…').replace(/\\(.)/g, '$1')));
}

test('every promise of the threat model names tests, and each of them exists', () => {
  const rows = promises();
  assert.ok(rows.length >= 50, `the test reads the page: ${rows.length} rows`);
  const titles = new Map<string, Set<string>>();
  const missing: string[] = [];
  for (const { promise, tests } of rows) {
    const named = [...tests.matchAll(NAMED)];
    assert.ok(named.length > 0, `no test for: ${promise}`);
    assert.equal(tests, named.map(([whole]) => whole).join('<br>'), `nothing but tests beside: ${promise}`);
    for (const [, name, title] of named) {
      const file = join(root, 'test', `${name}.test.ts`);
      assert.ok(existsSync(file), `no file ${name}.test.ts, named beside: ${promise}`);
      if (!titles.has(file)) titles.set(file, titlesOf(file));
      if (!titles.get(file)!.has(title!)) missing.push(`${name}.test.ts has no “${title}”`);
    }
  }
  assert.deepEqual(missing, []);
});

test('every attacker that was agreed on stands in the threat model, and none without a promise', () => {
  const marked = [...page.matchAll(/\*\*([^*]+)\*\*|^## (.+)$/gm)].map(([, bold, heading]) =>
    (bold ?? heading)!.toLowerCase(),
  );
  for (const attack of ATTACKS)
    assert.ok(
      marked.some((each) => each.includes(attack)),
      attack,
    );
  const sections = page.split(/^## /m).slice(1);
  for (const section of sections) {
    const heading = section.split('\n')[0]!;
    assert.equal(section.includes('| promise | test |'), heading !== 'Promised to nobody', heading);
  }
});
