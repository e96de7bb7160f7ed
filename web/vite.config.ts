import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import react from '@vitejs/plugin-react';
import { build, defineConfig, type Plugin } from 'vite';

const licences = new Map<string, string>();

// Addresses inside the page are relative: the same files work at the root of a node and in a folder of any other host.
export default defineConfig({
  base: './',
  plugins: [react(), collectLicences(), finish()],
  worker: {
    format: 'es',
    plugins: () => [collectLicences()],
    // Our rooms do nothing when they are loaded: what is not used falls out, the schemas of all commands among it.
    rolldownOptions: { treeshake: { moduleSideEffects: (id) => !id.includes('/src/') } },
  },
  build: { target: 'es2023', sourcemap: false, assetsInlineLimit: 0, modulePreload: { polyfill: false } },
});

/** Notes the licence of each package whose code goes into the files. */
function collectLicences(): Plugin {
  return {
    name: 'collect-licences',
    apply: 'build',
    generateBundle(_, bundle) {
      for (const file of Object.values(bundle)) {
        if (file.type !== 'chunk') continue;
        for (const [id, { renderedLength }] of Object.entries(file.modules)) {
          if (renderedLength > 0) noteLicence(id);
        }
      }
    },
  };
}

function noteLicence(id: string): void {
  const found = /^(.*\/node_modules\/((?:@[^/]+\/)?[^/]+))\//.exec(id);
  if (!found) return;
  const [, folder, name] = found as unknown as [string, string, string];
  if (licences.has(name)) return;
  const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each));
  const { version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Record<string, string>;
  const text = file ? readFileSync(join(folder, file), 'utf8').trim() : '';
  licences.set(name, `${name} ${version} (${license})\n\n${text}`);
}

/**
 * What is made of the built files: `licences.txt`; `sw.js`, the service worker, which is renewed whenever any file is; and last `files.json`: each file
 * with its SHA-256. The node serves nothing else; a copy elsewhere can be held against it.
 */
function finish(): Plugin {
  let root = '';
  let folder = '';
  return {
    name: 'finish',
    apply: 'build',
    configResolved(config) {
      root = config.root;
      folder = resolve(config.root, config.build.outDir);
    },
    async closeBundle() {
      const texts = [...licences].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, text]) => text);
      writeFileSync(join(folder, 'licences.txt'), `${texts.join(`\n\n${'-'.repeat(80)}\n\n`)}\n`);
      const version = createHash('sha256')
        .update(JSON.stringify(hashesIn(folder)))
        .digest('hex')
        .slice(0, 16);
      await build({
        configFile: false,
        root,
        logLevel: 'warn',
        publicDir: false,
        define: { __VERSION__: JSON.stringify(version) },
        build: {
          target: 'es2023',
          outDir: folder,
          emptyOutDir: false,
          rolldownOptions: {
            input: join(root, 'src/service-worker.ts'),
            // One file without imports: it runs as a classic script everywhere.
            output: { format: 'iife', entryFileNames: 'sw.js' },
          },
        },
      });
      const files = { ...hashesIn(folder), 'sw.js': hashOf(join(folder, 'sw.js')) };
      writeFileSync(join(folder, 'files.json'), `${JSON.stringify({ files }, null, 2)}\n`);
    },
  };
}

function hashesIn(folder: string): Record<string, string> {
  const paths = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .filter((path) => path !== 'files.json' && path !== 'sw.js')
    .sort();
  return Object.fromEntries(paths.map((path) => [path, hashOf(join(folder, path))]));
}

function hashOf(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}
