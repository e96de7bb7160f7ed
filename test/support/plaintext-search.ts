import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

const BOX_NAMES = new Set([
  'ftyp',
  'moov',
  'moof',
  'mdat',
  'prft',
  'mfra',
  'free',
  'styp',
  'sidx',
  'tfra',
  'mvhd',
  'trak',
]);
const HEADS = ['ftyp', 'moov', 'moof', 'mdat', 'prft', 'mfra'];

/**
 * Looks below a folder for media in the clear: MP4 boxes that stand where a box can stand (a size in front, and behind it another
 * box or the end of the file), and any of the given byte patterns. Gives one line for each find.
 *
 * `changedSince` (epoch ms) leaves out files that were not written since.
 *
 * Four letters alone mean nothing: a gigabyte of ciphertext holds `moof` by chance every fourth time.
 */
export function findPlaintext(
  folder: string,
  patterns: readonly Uint8Array[],
  { changedSince = 0 }: { changedSince?: number } = {},
): string[] {
  const found: string[] = [];
  for (const name of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!name.isFile()) continue;
    const path = join(name.parentPath, name.name);
    if (statSync(path).mtimeMs < changedSince) continue;
    const bytes = readFileSync(path);
    for (const head of HEADS) {
      for (let at = bytes.indexOf(head); at >= 0; at = bytes.indexOf(head, at + 1)) {
        if (isBox(bytes, at - 4)) found.push(`${path}: box ${head} at ${at - 4}`);
      }
    }
    for (const pattern of patterns) {
      const at = bytes.indexOf(pattern);
      if (at >= 0) found.push(`${path}: picture bytes at ${at}`);
    }
  }
  return found;
}

function isBox(bytes: Buffer, at: number): boolean {
  if (at < 0) return false;
  const size = bytes.readUInt32BE(at);
  if (size < 8 || size > 64 * 1024 * 1024) return false;
  const inner = bytes.toString('latin1', at + 12, at + 16);
  const next = bytes.toString('latin1', at + size + 4, at + size + 8);
  return BOX_NAMES.has(inner) || BOX_NAMES.has(next) || at + size === bytes.length;
}
