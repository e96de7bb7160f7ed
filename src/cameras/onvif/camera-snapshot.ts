/** Longest picture that is taken. */
export const SNAPSHOT_BYTES_MAX = 8 * 1024 * 1024;

const START = [0xff, 0xd8, 0xff] as const;
/** Room for what some makes put behind the end of the picture. */
const TAIL_MAX = 4_096;

/**
 * Why an answer is no single JPEG picture, or null where it is one: `multipart` for streams of pictures, `kind` for other octets,
 * `cut` without an end. Goes by the octets; of the content type only a stream is believed. Total.
 */
export function snapshotTrouble(contentType: string, body: Uint8Array): 'multipart' | 'kind' | 'cut' | null {
  if (/^\s*multipart\//i.test(contentType)) return 'multipart';
  if (!START.every((octet, at) => body[at] === octet)) return 'kind';
  // The mark of the end cannot stand inside the coded picture.
  for (let at = body.length - 2; at >= Math.max(START.length, body.length - TAIL_MAX); at--) {
    if (body[at] === 0xff && body[at + 1] === 0xd9) return null;
  }
  return 'cut';
}
