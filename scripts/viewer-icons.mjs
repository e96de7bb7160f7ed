// Draws the viewer's icons from web/public/icon.svg through Chromium. Run by hand when the drawing changes: node scripts/viewer-icons.mjs
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const folder = join(import.meta.dirname, '../web/public');
const svg = readFileSync(join(folder, 'icon.svg'), 'utf8');
const ground = /<rect[^>]* fill="(#[0-9a-f]+)"/.exec(svg)[1];
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox'],
});
try {
  const page = await browser.newPage();
  for (const { name, size, share } of [
    { name: 'icon-192.png', size: 192, share: 1 },
    { name: 'icon-512.png', size: 512, share: 1 },
    // Systems cut their own shape out of it: all that counts lies within the inner four fifths.
    { name: 'icon-mask.png', size: 512, share: 0.72 },
  ]) {
    await page.setViewportSize({ width: size, height: size });
    const style = `margin:0;width:${size}px;height:${size}px;display:grid;place-items:center;background:${share < 1 ? ground : 'none'}`;
    const drawn = svg.replace('<svg', `<svg style="width:${size * share}px;height:${size * share}px"`);
    await page.setContent(`<body style="${style}">${drawn}</body>`);
    const path = join(folder, name);
    await page.screenshot({ path, omitBackground: true });
    console.log(name, statSync(path).size);
  }
} finally {
  await browser.close();
}
