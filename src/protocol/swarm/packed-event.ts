import { ByteReader, ByteWriter, fromHex, fromUtf8, toHex, utf8 } from '../../bytes/index.ts';
import type { Hashes } from '../../crypto/index.ts';
import { eventDigest, eventOf, type SignedEvent } from '../event.ts';

/** Bytes before the texts: author 32, signature 64, created_at 8, kind 4, length of the tags 2. */
export const PACKED_EVENT_HEADER = 110;

/** Bounds of an event in a datagram; tighter than an event's own. */
export const PACKED_EVENT_LIMITS = { tags: 32, content: 1_024 } as const;

/**
 * An event without its id and without escapes: about a third shorter than its JSON, so that a whole device record stays in
 * one unfragmented datagram. Null where the event is beyond the limits. Layout: docs/protocol/swarm.md section 4.3.
 */
export function packEvent(event: SignedEvent): Uint8Array<ArrayBuffer> | null {
  const tags = utf8(JSON.stringify(event.tags));
  const content = utf8(event.content);
  if (event.tags.length > PACKED_EVENT_LIMITS.tags || content.length > PACKED_EVENT_LIMITS.content) return null;
  if (tags.length > 0xffff) return null;
  return new ByteWriter(PACKED_EVENT_HEADER + tags.length + content.length)
    .bytes(fromHex(event.pubkey, 32)!)
    .bytes(fromHex(event.sig, 64)!)
    .u64(event.created_at)
    .u32(event.kind)
    .u16(tags.length)
    .bytes(tags)
    .bytes(content)
    .finish();
}

/** The event of packed bytes, its id worked out, its signature not verified; null where there is none. Total. */
export function unpackEvent(hashes: Hashes, bytes: Uint8Array): SignedEvent | null {
  if (bytes.length < PACKED_EVENT_HEADER) return null;
  const reader = new ByteReader(bytes);
  const pubkey = toHex(reader.bytes(32));
  const sig = toHex(reader.bytes(64));
  const createdAt = reader.u64();
  const kind = reader.u32();
  const tagsLength = reader.u16();
  if (createdAt > BigInt(Number.MAX_SAFE_INTEGER) || tagsLength > reader.left) return null;
  const tags = parsedTags(reader.bytes(tagsLength));
  if (reader.left > PACKED_EVENT_LIMITS.content) return null;
  const content = fromUtf8(reader.bytes(reader.left));
  if (tags === null || content === null) return null;
  const shaped = eventOf({ id: pubkey, pubkey, created_at: Number(createdAt), kind, tags, content, sig });
  if (!shaped) return null;
  return { ...shaped, id: toHex(eventDigest(hashes, shaped)) };
}

/** Tags in the one spelling `packEvent` gives them: another spelling would be another datagram of the same event. */
function parsedTags(bytes: Uint8Array): unknown[] | null {
  const text = fromUtf8(bytes);
  if (text === null) return null;
  try {
    const tags: unknown = JSON.parse(text);
    if (!Array.isArray(tags) || tags.length > PACKED_EVENT_LIMITS.tags) return null;
    return JSON.stringify(tags) === text ? tags : null;
  } catch {
    return null;
  }
}
