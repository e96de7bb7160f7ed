import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { GAP_CAUSES } from '../../src/protocol/index.ts';

const WEB = join(import.meta.dirname, '../../web/src');
const ROOT = join(import.meta.dirname, '../..');
const LANGUAGES = ['en', 'es'] as const;
const areas = readdirSync(join(WEB, 'i18n/en')).map((file) => file.replace('.json', ''));

/** Texts of an area by their whole key. */
function texts(language: string, area: string): Map<string, string> {
  const found = new Map<string, string>();
  const walk = (value: unknown, key: string) => {
    if (typeof value === 'string') found.set(key, value);
    else
      for (const [name, inner] of Object.entries(value as Record<string, unknown>))
        walk(inner, key === '' ? name : `${key}.${name}`);
  };
  walk(JSON.parse(readFileSync(join(WEB, 'i18n', language, `${area}.json`), 'utf8')), '');
  return found;
}

function sources(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
}

/** One may be said in words ("a camera", "una cámara"). */
const withoutOne = (key: string, text: string) => (key.endsWith('_one') ? text.replaceAll('{{count}}', '') : text);
const marks = (text: string) => (text.match(/\{\{[^}]+\}\}|<\/?\w+>/g) ?? []).sort().join(' ');

test('both languages have the same areas', () => {
  for (const language of LANGUAGES) {
    assert.deepEqual(readdirSync(join(WEB, 'i18n', language)).sort(), areas.map((area) => `${area}.json`).sort());
  }
});

for (const area of areas) {
  test(`${area}: both languages have the same keys and placeholders, and no text is empty`, () => {
    const [en, es] = [texts('en', area), texts('es', area)];
    assert.deepEqual([...en.keys()].sort(), [...es.keys()].sort());
    for (const [key, text] of en) {
      assert.equal(marks(withoutOne(key, es.get(key)!)), marks(withoutOne(key, text)), `${area}:${key}`);
      assert.ok(text.trim() !== '' && es.get(key)!.trim() !== '', `${area}:${key}`);
    }
  });

  test(`${area}: what counts has every form its language needs`, () => {
    const keys = texts('en', area);
    for (const key of keys.keys()) {
      const stem = /^(.*)_(?:one|other)$/.exec(key)?.[1];
      if (stem) assert.ok(keys.has(`${stem}_one`) && keys.has(`${stem}_other`), `${area}:${stem}`);
    }
  });
}

test('every text that a component names is there', () => {
  const known = new Map(areas.map((area) => [area, texts('en', area)]));
  const missing: string[] = [];
  let checked = 0;
  for (const file of sources(WEB)) {
    const code = readFileSync(file, 'utf8');
    const used = [...code.matchAll(/useTranslation\((?:'(\w+)'|\[\s*'(\w+)')/g)].map(([, one, first]) => one ?? first!);
    // Where a file speaks for several areas it cannot be told which `t` is which.
    if (new Set(used).size !== 1) continue;
    for (const [, , key] of code.matchAll(/\b(t\(|i18nKey=)\{?\s*'((?:\w+:)?[\w.]+)'/g)) {
      const [area, name] = key!.includes(':') ? (key!.split(':') as [string, string]) : ([used[0]!, key!] as const);
      const area_ = known.get(area);
      checked++;
      if (!area_?.has(name) && !area_?.has(`${name}_other`))
        missing.push(`${file.slice(WEB.length + 1)}: ${area}:${name}`);
    }
  }
  assert.deepEqual(missing, []);
  assert.ok(checked > 100, `only ${checked} were found`);
});

test('every cause of a gap is told in words', () => {
  const words = texts('en', 'words');
  for (const cause of Object.keys(GAP_CAUSES)) assert.ok(words.has(`causes.${cause}.name`), cause);
});

test('every error the page can be told has a text of its own', () => {
  const words = texts('en', 'words');
  const told = ['src/client', 'src/commands', 'web/src/engine'].flatMap((folder) => sources(join(ROOT, folder)));
  const codes = new Set(told.flatMap((file) => readFileSync(file, 'utf8').match(/'ERR_[A-Z_]+'/g) ?? []));
  assert.ok(codes.size > 30);
  const missing = [...codes].map((code) => code.slice(1, -1)).filter((code) => !words.has(`errors.${code}`));
  assert.deepEqual(missing, []);
});

test('no advice stands without its error', () => {
  const words = texts('en', 'words');
  for (const key of words.keys()) {
    const code = /^advice\.(.*)$/.exec(key)?.[1];
    if (code) assert.ok(words.has(`errors.${code}`), code);
  }
});
