import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { Page } from 'playwright-core';
import { LAPTOP, PHONE, type Viewer, ViewerWorld, WALL_SCREEN } from './support.ts';

const PAGES = ['wall', 'health', 'devices', 'cameras', 'settings', 'pair'] as const;
const FIRST_PAINT_BYTES_MAX = 250 * 1024;

describe('the pages of the viewer', () => {
  let world: ViewerWorld;
  let english: Viewer;
  let spanish: Viewer;

  before(async () => {
    world = await ViewerWorld.start({ cameras: 4 });
    await world.recording();
    english = await world.paired({ size: LAPTOP, name: 'Laptop' });
    spanish = await world.paired({ size: PHONE, locale: 'es-ES', theme: 'light', name: 'Teléfono', touch: true });
  });
  after(() => world?.stop());

  for (const name of PAGES) {
    test(`${name}: axe finds nothing in both themes, and nothing is wider than the screen`, async () => {
      const { page } = english;
      await english.show(name);
      await settled(page);
      for (const theme of ['dark', 'light'] as const) {
        await page.emulateMedia({ colorScheme: theme });
        await english.screenshot(`${name}-${theme}`);
        assert.deepEqual(await english.axe(), [], `${name}, ${theme}`);
      }
      await page.setViewportSize(PHONE);
      await settled(page);
      await english.screenshot(`${name}-phone-light`);
      assert.deepEqual(await tooWide(page), [], `${name} on a phone`);
      await page.emulateMedia({ colorScheme: 'dark' });
      await english.screenshot(`${name}-phone-dark`);
      assert.deepEqual(await english.axe(), [], `${name} on a phone`);
      await page.setViewportSize(WALL_SCREEN);
      await settled(page);
      await english.screenshot(`${name}-wide`);
      assert.deepEqual(await tooWide(page), [], `${name} on a wide screen`);
      assert.deepEqual(await keysShown(page, 'en'), [], `${name} in English`);
      await page.setViewportSize(LAPTOP);
    });

    test(`${name}: every text is there in Spanish and fits a phone`, async () => {
      await spanish.show(name);
      await settled(spanish.page);
      await spanish.screenshot(`${name}-phone-es`);
      assert.equal(await spanish.page.locator('html').getAttribute('lang'), 'es');
      assert.deepEqual(await keysShown(spanish.page, 'es'), []);
      assert.deepEqual(await tooWide(spanish.page), []);
    });
  }

  test('the page of keys is opened by ? and axe finds nothing in it', async () => {
    const { page } = english;
    await english.show('wall');
    await settled(page);
    await page.keyboard.press('?');
    await page.getByRole('dialog').waitFor();
    assert.deepEqual(await english.axe(), []);
    await english.screenshot('keys');
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
  });

  test('every page can be reached by keyboard alone', async () => {
    const { page } = english;
    await english.show('wall');
    await settled(page);
    const met = new Set<string>();
    for (let presses = 0; presses < 60; presses++) {
      await page.keyboard.press('Tab');
      const focus = await page.evaluate(() => {
        const at = document.activeElement as HTMLElement | null;
        const box = at?.getBoundingClientRect();
        const style = at && getComputedStyle(at);
        const seen = style && (style.outlineStyle !== 'none' || style.boxShadow !== 'none');
        const name = at?.getAttribute('aria-label') ?? at?.textContent?.trim() ?? '';
        return {
          name: name.split('\n')[0],
          seen: Boolean(seen),
          there: at !== document.body && Boolean(box && box.width > 0),
        };
      });
      if (!focus.there) continue;
      assert.ok(focus.seen, `the focus on "${focus.name}" is not seen`);
      met.add(focus.name!);
    }
    for (const name of ['Health', 'Devices', 'Cameras', 'Settings'])
      assert.ok(
        [...met].some((each) => each.includes(name)),
        `${name} was not met: ${[...met].join(', ')}`,
      );
  });

  test('the first paint takes 250 KB gzipped at most, and asks nobody but the node', async () => {
    const viewer = await world.open({ serviceWorker: false });
    const bodies: Promise<readonly [string, number]>[] = [];
    viewer.page.on('response', (response) => {
      bodies.push(response.body().then((body) => [response.url(), gzipSync(body).length] as const));
    });
    await viewer.page.goto(await world.invite());
    await viewer.page.getByRole('button', { name: 'Pair', exact: true }).waitFor();
    const sizes = await Promise.all(bodies);
    const total = sizes.reduce((sum, [, size]) => sum + size, 0);
    assert.ok(sizes.length >= 4);
    assert.ok(total <= FIRST_PAINT_BYTES_MAX, `${total} bytes: ${JSON.stringify(sizes)}`);
    viewer.assertQuiet();
    await viewer.close();
  });

  test('the files served are those of the manifest, by name and hash', async () => {
    const { files } = (await (await fetch(new URL('files.json', world.address))).json()) as {
      files: Record<string, string>;
    };
    assert.ok(Object.keys(files).length >= 8 && files['index.html'] && files['sw.js']);
    for (const [path, hash] of Object.entries(files)) {
      const response = await fetch(new URL(path, world.address));
      assert.equal(response.status, 200, path);
      const bytes = new Uint8Array(await response.arrayBuffer());
      assert.equal(createHash('sha256').update(bytes).digest('hex'), hash, path);
    }
    const { host } = new URL(world.address);
    for (const url of [...english.requests, ...spanish.requests].map((each) => new URL(each))) {
      if (url.protocol === 'blob:' || url.protocol === 'data:') continue;
      assert.equal(url.host, host, `a request to somebody else: ${url.href}`);
      const path = url.pathname.slice(1) || 'index.html';
      const known = path in files || path === 'files.json' || path === 'session' || path.startsWith('download/');
      assert.ok(known || url.protocol === 'ws:', `${url.href} is not in the manifest`);
    }
  });

  test('the policy is strict, Trusted Types are on, and nothing broke either', async () => {
    const policy = (await fetch(world.address)).headers.get('content-security-policy') ?? '';
    for (const part of ["default-src 'none'", "script-src 'self'", "require-trusted-types-for 'script'"])
      assert.ok(policy.includes(part), policy);
    assert.doesNotMatch(policy, /unsafe|\*/);
    const refused = await english.page.evaluate(() => {
      try {
        document.createElement('div').innerHTML = '<b>x</b>';
        return 'taken';
      } catch (error) {
        return (error as Error).name;
      }
    });
    assert.equal(refused, 'TypeError');
    english.violations.splice(english.violations.findIndex((each) => each.includes('trusted-types')));
    english.assertQuiet();
    spanish.assertQuiet();
  });
});

/** Until nothing is being loaded and what is asked of the node was answered. */
async function settled(page: Page): Promise<void> {
  await page.waitForLoadState('networkidle').catch(() => {});
  await page.locator('.shell-waiting').waitFor({ state: 'detached' });
  await page.waitForTimeout(400);
}

/** Elements that reach over the right edge where nothing scrolls them. */
function tooWide(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= width) return [];
    return [...document.querySelectorAll('body *')]
      .filter((each) => each.getBoundingClientRect().right > width + 1)
      .map((each) => `${each.tagName} ${each.className} ${(each.textContent ?? '').slice(0, 40)}`)
      .slice(0, 5);
  });
}

/** Texts on the page that are names of texts: nobody wrote them in this language. */
async function keysShown(page: Page, language: 'en' | 'es'): Promise<string[]> {
  const folder = resolve(import.meta.dirname, '../../web/src/i18n', language);
  const keys = new Set<string>();
  const texts = new Set<string>();
  const collect = (value: unknown, path: string) => {
    if (typeof value === 'string') {
      keys.add(path.replace(/_(?:one|many|other)$/, ''));
      texts.add(value);
    } else for (const [name, each] of Object.entries(value as object)) collect(each, path ? `${path}.${name}` : name);
  };
  for (const file of readdirSync(folder)) collect(JSON.parse(readFileSync(join(folder, file), 'utf8')), '');
  const shown = await page.evaluate(() => {
    const found: string[] = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) found.push(node.textContent ?? '');
    for (const each of document.querySelectorAll('[aria-label], [title], [placeholder]'))
      for (const name of ['aria-label', 'title', 'placeholder']) found.push(each.getAttribute(name) ?? '');
    return found.map((each) => each.trim());
  });
  return shown.filter((each) => each.includes('{{') || (keys.has(each) && !texts.has(each) && each.includes('.')));
}
