import {
  isSegmentId,
  isSourceId,
  isStreamName,
  type SegmentId,
  type SourceId,
  type StreamName,
} from '../protocol/index.ts';

/** A source's stream, as a place in the tree of folders. */
export interface Place {
  sourceId: SourceId;
  stream: StreamName;
}

/** What a segment's file name says. */
export interface SegmentName {
  seq: number;
  id: SegmentId;
}

const SEGMENT_NAME = /^(\d{10,16})-([0-9a-f]{32})\.cnv$/;
const KEY_NAME = /^([1-9]\d{0,15})\.cnk$/;
const EPOCH_NAME = /^[1-9]\d{0,15}$/;

/** Where everything of a vault lies below its root (docs/formats/cnv.md). */
export class VaultPaths {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  get logFolder(): string {
    return `${this.root}/log`;
  }

  get log(): string {
    return `${this.root}/log/log.bin`;
  }

  /** Room kept back so that the log can still be written on a full disk. */
  get logReserve(): string {
    return `${this.root}/log/reserve.bin`;
  }

  get segments(): string {
    return `${this.root}/segments`;
  }

  source(sourceId: SourceId): string {
    return `${this.segments}/${sourceId}`;
  }

  place({ sourceId, stream }: Place): string {
    return `${this.segments}/${sourceId}/${stream}`;
  }

  epoch(place: Place, epochId: number): string {
    return `${this.place(place)}/${epochId}`;
  }

  epochKey(place: Place, epochId: number): string {
    return `${this.place(place)}/${epochId}.cnk`;
  }

  segment(place: Place, epochId: number, { seq, id }: SegmentName): string {
    return `${this.epoch(place, epochId)}/${String(seq).padStart(10, '0')}-${id}.cnv`;
  }
}

/** Reads a segment's file name, or null where it is none of ours. */
export function parseSegmentName(name: string): SegmentName | null {
  const match = SEGMENT_NAME.exec(name);
  const seq = Number(match?.[1]);
  return match && isSegmentId(match[2]!) && Number.isSafeInteger(seq) ? { seq, id: match[2] } : null;
}

/** Reads the name of an epoch's folder. */
export function parseEpochName(name: string): number | null {
  const id = Number(name);
  return EPOCH_NAME.test(name) && Number.isSafeInteger(id) ? id : null;
}

/** Reads the name of an epoch's key file. */
export function parseEpochKeyName(name: string): number | null {
  const match = KEY_NAME.exec(name);
  return match ? parseEpochName(match[1]!) : null;
}

/** Reads a place from the names of its two folders. */
export function parsePlace(sourceName: string, streamName: string): Place | null {
  return isSourceId(sourceName) && isStreamName(streamName) ? { sourceId: sourceName, stream: streamName } : null;
}
