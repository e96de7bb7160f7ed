import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { test } from 'node:test';

const root = resolve(import.meta.dirname, '../..');
const pages = globSync(['*.md', 'docs/**/*.md', 'deploy/**/*.md'], { cwd: root });

test('every link between our pages leads somewhere', () => {
  let links = 0;
  for (const page of pages) {
    const text = readFileSync(join(root, page), 'utf8').replace(/```[\s\S]*?```/g, '');
    for (const [, target] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^(https?:|mailto:|#)/.test(target!)) continue;
      links++;
      assert.ok(existsSync(join(root, dirname(page), target!.split('#')[0]!)), `${page} links to ${target}`);
    }
  }
  assert.ok(links > 20, 'the test reads the pages');
});

test('every npm script a page names is there', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  for (const page of pages) {
    for (const [, name] of readFileSync(join(root, page), 'utf8').matchAll(/npm run ([a-z0-9:]+)/g)) {
      assert.ok(name! in scripts, `${page} names npm run ${name}`);
    }
  }
});

test('nothing in the tree names a path of a machine or a registry host', () => {
  const places = [
    'src/**/*',
    'test/**/*.ts',
    'bench/**/*',
    'scripts/**/*',
    'deploy/**/*',
    'docs/**/*',
    'bin/*',
    '*.md',
    '*.json',
    '.npmrc',
  ];
  for (const name of globSync(places, { cwd: root, exclude: (each) => String(each).includes('node_modules') })) {
    if (name.endsWith('links.test.ts') || !/\.[a-z]+$|constitute-nvr$|npmrc$/.test(name)) continue;
    const text = readFileSync(join(root, name), 'utf8');
    assert.doesNotMatch(text, /registry\.npmjs|\/root\/|\/work\//, name);
  }
});
