import { place } from '../vault/bench.ts';

/** What the killed process records: 4 Mbit/s of a main stream, and a small one that rarely fills a chunk. */
export const CRASH_STREAMS = [
  { place: place('front', 'main', 0x11), pictureBytes: 100_000 },
  { place: place('front', 'sub', 0x22), pictureBytes: 2_500 },
] as const;
