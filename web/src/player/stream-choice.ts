import type { StreamName } from '../engine/messages.ts';

/** A stream that could be shown. */
export interface StreamOffer {
  stream: StreamName;
  /** Pixels across; null where nothing was recorded of it yet. */
  width: number | null;
  /** The recorder has pictures of it now. */
  running: boolean;
  /** This browser has a decoder for it; null: not known. */
  playable: boolean | null;
}

export interface StreamWish {
  offers: readonly StreamOffer[];
  /** Real pixels across that the picture fills, digital zoom counted in. */
  pixels: number;
  /** The tile stands alone, or fills the wall. */
  alone: boolean;
  /** `bySize` of the choice before; not what was shown then, which may have stood in for the other. */
  before: StreamName | null;
}

export interface StreamChoice {
  stream: StreamName;
  /** The other stream would be shown, had this browser a decoder for it. */
  instead: StreamName | null;
  /** What the pixels alone ask for. */
  bySize: StreamName;
}

const SUB_WIDTH = 640;
/** To the large stream when a picture is stretched so much, back when there are more pixels than needed: no flicker in between. */
const UP = 1.3;
const DOWN = 1.05;

/** Which stream a tile shows: the small one where its pixels are enough. Null for a camera without streams. */
export function chooseStream({ offers, pixels, alone, before }: StreamWish): StreamChoice | null {
  const main = offers.find(({ stream }) => stream === 'main');
  const sub = offers.find(({ stream }) => stream === 'sub');
  if (!main || !sub) {
    const only = main ?? sub;
    return only ? { stream: only.stream, instead: null, bySize: only.stream } : null;
  }
  const enough = (sub.width ?? SUB_WIDTH) * (before === 'main' ? DOWN : UP);
  const bySize = pixels > enough ? 'main' : 'sub';
  const [wished, other] = alone || bySize === 'main' ? [main, sub] : [sub, main];
  const chosen = { stream: wished.stream, instead: null, bySize } as const;
  if (other.playable === false) return chosen;
  if (wished.playable === false) return { ...chosen, stream: other.stream, instead: wished.stream };
  return !wished.running && other.running ? { ...chosen, stream: other.stream } : chosen;
}
