import { SOURCE_ID_RULE } from '../../../../src/protocol/ids.ts';

/** Most characters of an id. */
export const SOURCE_ID_MAX = 63;

/** Why a text is no id for a new camera. */
export type IdFault = 'empty' | 'long' | 'start' | 'signs' | 'taken';

/** What is wrong with an id, or null. `taken`: ids of the node's cameras. */
export function idFault(id: string, taken: ReadonlySet<string>): IdFault | null {
  if (id === '') return 'empty';
  if (id.length > SOURCE_ID_MAX) return 'long';
  if (!/^[a-z0-9]/.test(id)) return 'start';
  if (!new RegExp(`^${SOURCE_ID_RULE}$`).test(id)) return 'signs';
  return taken.has(id) ? 'taken' : null;
}

/** An id that reads like the name and is free: "Front door" is `front-door`, the second one `front-door-2`. */
export function suggestId(name: string, taken: ReadonlySet<string>): string {
  const plain = name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/ß/g, 'ss')
    .replace(/[æœ]/g, (letters) => (letters === 'æ' ? 'ae' : 'oe'))
    .replace(/ø/g, 'o')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+/, '')
    .slice(0, SOURCE_ID_MAX)
    .replace(/-+$/, '');
  const base = plain || 'camera';
  if (!taken.has(base)) return base;
  for (let number = 2; ; number++) {
    const tail = `-${number}`;
    const id = base.slice(0, SOURCE_ID_MAX - tail.length) + tail;
    if (!taken.has(id)) return id;
  }
}
