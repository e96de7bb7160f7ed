import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { utf8 } from '../bytes/index.ts';
import type { Files } from '../platform/index.ts';
import { type Config, checkConfig, loadConfig } from './config.ts';
import { ConfigText, writeConfigText } from './config-file.ts';

const EXAMPLE = resolve(import.meta.dirname, '../../docs/config.example.yaml');

/** What a new data folder begins with; the virtual camera is added to it like to any other. */
const NEW_CONFIG = `# Configuration of this node. config.example.yaml beside this file shows everything that can be said here;
# a camera is three lines:
#
#   sources:
#     front:
#       url: rtsp://user:password@192.168.1.20/stream1
#
# A running node takes most changes by itself (docs/configuration.md).
`;

/**
 * Makes the data folder, reads the configuration, writes one where there is none, and adds a virtual camera where no source
 * is configured. The example is kept beside it.
 */
export async function prepareFolder(files: Files, folder: string): Promise<{ config: Config; added: string | null }> {
  await files.makeFolder(folder);
  const { config, text } = await loadConfig(files, folder);
  const example = utf8(await readFile(EXAMPLE, 'utf8'));
  const there = await files.stat(join(folder, 'config.example.yaml'));
  if (there?.sizeBytes !== example.length) {
    await files.replace(join(folder, 'config.example.yaml'), example, { mode: 0o600 });
  }
  // `sources: {}` says that nothing is to be recorded; so does a file whose last camera was removed.
  if (config.sources.length > 0 || (text && isEmptyMap(text))) return { config, added: null };
  const changed = text ?? new ConfigText(config.file, NEW_CONFIG);
  changed.set(['sources', 'front'], { name: 'Virtual camera', virtual: true });
  await writeConfigText(files, config.file, changed.toString());
  return { config: await checkConfig(files, folder, changed), added: 'front' };
}

/** True where `sources` is a map without entries, and not just a key with nothing behind it. */
function isEmptyMap(text: ConfigText): boolean {
  const { sources } = text.values() as { sources?: unknown };
  return typeof sources === 'object' && sources !== null;
}
