/** The code of an invitation in whatever was pasted or scanned: an address with `#i=…`, `i=…`, or the code alone; null where there is none. */
export function invitationFrom(text: string): string | null {
  const found = /(?:^|[#\s'"])(?:i=)?([A-Za-z0-9_-]{140,4096})(?:$|['"\s])/.exec(text.trim());
  return found ? `i=${found[1]}` : null;
}

/** Eight digits as they are typed: others are dropped, a space stands in the middle. */
export function typedCode(text: string): string {
  const digits = text.replaceAll(/\D/g, '').slice(0, 8);
  return digits.length > 4 ? `${digits.slice(0, 4)} ${digits.slice(4)}` : digits;
}

/** `host:port` of a node from what was typed: an address of a page will do; the standard port where none is named. */
export function typedAddress(text: string): string {
  const bare = text
    .trim()
    .replace(/^(?:https?|wss?):\/\//, '')
    .replace(/[/?#].*$/, '');
  return bare === '' || /:\d+$/.test(bare) ? bare : `${bare}:${STANDARD_PORT}`;
}

/** The port a node listens at when nobody says otherwise. */
const STANDARD_PORT = 8456;
