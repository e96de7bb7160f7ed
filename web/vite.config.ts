import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

// Addresses inside the page are relative: the same files work at the root of a node and in a folder of any other host.
export default defineConfig({
  base: './',
  plugins: [react(), manifest()],
  worker: { format: 'es' },
  build: { target: 'es2023', sourcemap: false, assetsInlineLimit: 0, modulePreload: { polyfill: false } },
});

/** Writes `files.json`: each built file with its SHA-256. The node serves nothing else; a copy elsewhere can be held against it. */
function manifest(): Plugin {
  let folder = '';
  return {
    name: 'files-manifest',
    apply: 'build',
    configResolved(config) {
      folder = join(config.root, config.build.outDir);
    },
    closeBundle() {
      const paths = readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
        .filter((path) => path !== 'files.json')
        .sort();
      const files = Object.fromEntries(
        paths.map((path) => [
          path,
          createHash('sha256')
            .update(readFileSync(join(folder, path)))
            .digest('hex'),
        ]),
      );
      writeFileSync(join(folder, 'files.json'), `${JSON.stringify({ files }, null, 2)}\n`);
    },
  };
}
