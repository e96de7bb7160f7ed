/** A size on disk: bytes, or a share of the volume it lies on. */
export type Size = { bytes: number } | { share: number };

const DURATION = /^(\d{1,9}(?:\.\d{1,3})?)\s*(ms|s|m|h|d)$/;
const UNIT_MS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const SIZE = /^(\d{1,12}(?:\.\d{1,3})?)\s*(%|[kMGT]i?B|B)$/;
const UNIT_BYTES: Record<string, number> = {
  B: 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  kiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

/** Whole milliseconds of a text such as `60s`, `12h`, `30d`, or null. Total. */
export function parseDurationMs(text: string): number | null {
  const parts = DURATION.exec(text.trim());
  return parts ? Math.round(Number(parts[1]) * UNIT_MS[parts[2]!]!) : null;
}

/** A size of a text such as `10GB`, `500 MiB`, `80%`, or null. Total. */
export function parseSize(text: string): Size | null {
  const parts = SIZE.exec(text.trim());
  if (!parts) return null;
  const amount = Number(parts[1]);
  if (parts[2] === '%') return amount > 0 && amount <= 100 ? { share: amount / 100 } : null;
  const bytes = Math.round(amount * UNIT_BYTES[parts[2]!]!);
  return Number.isSafeInteger(bytes) ? { bytes } : null;
}

/** Bytes of a size on a volume of `totalBytes`. */
export function bytesOf(size: Size, totalBytes: number): number {
  return 'bytes' in size ? size.bytes : Math.floor(size.share * totalBytes);
}
