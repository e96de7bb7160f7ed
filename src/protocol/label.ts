/** Most characters (UTF-16 units) of a name that people give to a device or a source. */
export const LABEL_LENGTH_MAX = 64;

/** No control characters, unpaired surrogates, line separators, nor marks that reverse writing direction. */
export const LABEL_SIGNS = /^[^\p{Cc}\p{Cs}\u2028-\u202e\u2066-\u2069\ufeff]+$/u;

/** True for a text that may be shown as somebody's name of a thing: 1 to 64 characters, nothing invisible that misleads. */
export function isLabel(text: string): boolean {
  return text.length <= LABEL_LENGTH_MAX && text.trim() === text && LABEL_SIGNS.test(text);
}
