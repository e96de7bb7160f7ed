import { concatBytes, equalBytes } from '../bytes/index.ts';
import {
  boxesIn,
  type FragmentPart,
  findBox,
  type KeyframeEntry,
  mfra,
  PRFT_BYTES,
  prft,
  rebaseFragment,
  sameConfiguration,
  type Track,
} from '../media/index.ts';
import type { FragmentUnit, InitUnit } from './media-unit.ts';

/** A jump of the media time above this is a hole, not the jitter of a camera; in seconds. */
const HOLE_S = 0.5;
/** Seconds from 1904, where MP4 counts from, to 1970. */
const MP4_TO_UNIX_S = 2_082_844_800;

interface TrackState {
  track: Track;
  /** Added to decode times, in ticks. */
  shift: bigint;
  /** Where the track's next sample belongs in the output; null before the first. */
  end: bigint | null;
  /** Of the last sample, ticks. */
  lastDuration: number;
}

/** What one fragment became. */
export interface JoinedFragment {
  bytes: Uint8Array<ArrayBuffer>;
  /** Wall time left out in front of it, µs; absent where it follows on. */
  gapUs?: number;
}

/**
 * Makes one fragmented MP4 of fragments of any number of segments and runs: times begin at 0 and never jump (a hole is left
 * out and told), sequence numbers count from 1, wall times stay in `prft`, an `mfra` closes it.
 */
export class MovieJoiner {
  readonly #init: InitUnit;
  readonly #tracks = new Map<number, TrackState>();
  readonly #video: TrackState;
  readonly #index: KeyframeEntry[] = [];
  #sequence = 0;
  #offset = 0;
  #lastEndUs: number | null = null;
  /** Bytes of the next fragment are of another run: its times have nothing to do with those before. */
  #newRun = true;

  constructor(init: InitUnit) {
    this.#init = init;
    for (const track of init.segment.tracks)
      this.#tracks.set(track.id, { track, shift: 0n, end: null, lastDuration: 0 });
    this.#video = this.#tracks.get(init.segment.tracks[0]!.id)!;
  }

  /** The init segment, with the wall time of the first picture as its creation time. Comes first. */
  head(startUs: number): Uint8Array<ArrayBuffer> {
    const bytes = this.#init.bytes.slice();
    setCreationTimes(bytes, Math.floor(startUs / 1_000_000) + MP4_TO_UNIX_S);
    this.#offset += bytes.length;
    return bytes;
  }

  /** True where fragments made under `init` can follow in the same file; they are then taken as another run. */
  accepts(init: InitUnit): boolean {
    const fits = sameConfiguration(this.#init.segment, init.segment) && sameDefaults(this.#init, init);
    if (fits && !equalBytes(init.bytes, this.#init.bytes)) this.#newRun = true;
    return fits;
  }

  /** The next fragment, moved to its place. */
  fragment(unit: FragmentUnit): JoinedFragment {
    const gapUs = this.#place(unit);
    const subtract = new Map<number, bigint>();
    for (const [id, { shift }] of this.#tracks) subtract.set(id, -shift);
    const moved = rebaseFragment(unit.bytes, this.#init.segment, { sequence: ++this.#sequence, subtract });
    const mediaTime = unit.time + this.#video.shift;
    const bytes = concatBytes(prft({ trackId: this.#video.track.id, wallUs: unit.startUs, mediaTime }), moved);
    for (const part of unit.fragment.parts) {
      const state = this.#tracks.get(part.id)!;
      state.end = part.baseDecodeTime + state.shift + BigInt(part.duration);
      state.lastDuration = part.lastDuration;
      if (state === this.#video && part.keyframe) {
        this.#index.push({ time: mediaTime, moofAt: this.#offset + PRFT_BYTES });
      }
    }
    this.#offset += bytes.length;
    this.#lastEndUs = unit.endUs;
    return gapUs === null ? { bytes } : { bytes, gapUs };
  }

  /** The index that closes the file. */
  tail(): Uint8Array<ArrayBuffer> {
    return mfra(this.#video.track.id, this.#index);
  }

  /** Length of the picture so far, µs. */
  get durationUs(): number {
    const { end, track } = this.#video;
    return end === null ? 0 : Number((end * 1_000_000n) / BigInt(track.timescale));
  }

  /** Sets the tracks' shifts where this fragment does not follow on by itself; gives the wall time left out, or null. */
  #place(unit: FragmentUnit): number | null {
    const part = unit.fragment.parts.find((each) => each.id === this.#video.track.id);
    if (!part) return null;
    const first = this.#video.end === null;
    const hole = first ? 0n : part.baseDecodeTime + this.#video.shift - this.#video.end!;
    const holeMax = BigInt(Math.floor(this.#video.track.timescale * HOLE_S));
    if (!first && !this.#newRun && hole >= 0n && hole <= holeMax) return null;
    this.#newRun = false;
    this.#restart(part, unit.fragment.parts);
    if (first || this.#lastEndUs === null) return null;
    const missing = unit.startUs - this.#lastEndUs;
    return missing > HOLE_S * 1_000_000 ? missing : null;
  }

  /** Begins anew right after what is there: no track may step back, and sound keeps its place beside the picture. */
  #restart(part: FragmentPart, parts: readonly FragmentPart[]): void {
    const videoScale = BigInt(this.#video.track.timescale);
    let position = this.#video.end ?? 0n;
    // The last picture before a break is often said to last hardly any time; it is shown as long as any other.
    const usual = Math.round(part.duration / Math.max(1, part.sampleCount));
    if (this.#video.end !== null && usual > this.#video.lastDuration)
      position += BigInt(usual - this.#video.lastDuration);
    for (const other of parts) {
      const state = this.#tracks.get(other.id)!;
      if (state === this.#video) continue;
      const scale = BigInt(state.track.timescale);
      const ahead = other.baseDecodeTime * videoScale - part.baseDecodeTime * scale; // in units of 1 / (scale * videoScale)
      const earliest = (state.end ?? 0n) * videoScale - ahead;
      const needed = ceilDiv(earliest, scale);
      if (needed > position) position = needed;
    }
    this.#video.shift = position - part.baseDecodeTime;
    for (const state of this.#tracks.values()) {
      if (state === this.#video) continue;
      const scale = BigInt(state.track.timescale);
      state.shift = ceilDiv(this.#video.shift * scale, videoScale);
    }
  }
}

/** True where fragments that lean on their own init segment's defaults mean the same under the other. */
function sameDefaults(a: InitUnit, b: InitUnit): boolean {
  return a.segment.tracks.every(({ id }) => {
    const [mine, other] = [a.segment.defaults.get(id), b.segment.defaults.get(id)];
    return (
      mine?.durationTicks === other?.durationTicks &&
      mine?.sizeBytes === other?.sizeBytes &&
      mine?.flags === other?.flags
    );
  });
}

/** Sets creation and modification time of `mvhd`, `tkhd` and `mdhd`; seconds since 1904. */
function setCreationTimes(bytes: Uint8Array<ArrayBuffer>, seconds: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const moov = findBox(bytes, 'moov');
  if (!moov) return;
  for (const box of boxesIn(bytes, moov.body, moov.end)) {
    const headers =
      box.type === 'mvhd'
        ? [box]
        : box.type === 'trak'
          ? [findBox(bytes, 'tkhd', box), findBox(bytes, 'mdia.mdhd', box)]
          : [];
    for (const header of headers) {
      if (!header || header.end - header.body < 20) continue;
      if (bytes[header.body] === 1) {
        view.setBigUint64(header.body + 4, BigInt(seconds));
        view.setBigUint64(header.body + 12, BigInt(seconds));
      } else {
        view.setUint32(header.body + 4, seconds % 2 ** 32);
        view.setUint32(header.body + 8, seconds % 2 ** 32);
      }
    }
  }
}

function ceilDiv(a: bigint, b: bigint): bigint {
  return a >= 0n ? (a + b - 1n) / b : -(-a / b);
}
