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

/** `host:port` of a node from what was typed: an address of a page will do. Where no port is named it is that of the protocol, else the standard one. */
export function typedAddress(text: string): string {
  const [, protocol = '', rest = ''] = /^(?:(https?|wss?):\/\/)?(.*)$/s.exec(text.trim())!;
  const bare = rest.replace(/[/?#].*$/s, '');
  if (bare === '' || /:\d+$/.test(bare)) return bare;
  return `${bare}:${{ http: 80, ws: 80, https: 443, wss: 443 }[protocol] ?? STANDARD_PORT}`;
}

/** The port a node listens at when nobody says otherwise. */
const STANDARD_PORT = 8456;
