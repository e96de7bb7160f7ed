import { isSegmentId, type SegmentFacts, type SegmentId } from '../../protocol/index.ts';

/** `<UTC start>-<seq>-<segment id>.mp4`: a key into the catalogue, never a part of a path. */
const NAME = /^[0-9]{8}T[0-9]{6}Z-(?:0|[1-9][0-9]{0,15})-([0-9a-f]{32})\.mp4$/;

/** The name under which the old wire knows a segment, such as `20260227T134640Z-42-<32 hex>.mp4`. */
export function segmentName({ startAt, seq, id }: Pick<SegmentFacts, 'startAt' | 'seq' | 'id'>): string {
  const utc = new Date(startAt).toISOString().slice(0, 19).replaceAll(/[-:]/g, '');
  return `${utc}Z-${seq}-${id}.mp4`;
}

/**
 * The segment a name speaks of, or null where it is no name of ours. The caller still holds the name against `segmentName` of
 * what it found, so that each segment has exactly one name. Total.
 */
export function segmentIdOf(name: string): SegmentId | null {
  const id = NAME.exec(name)?.[1] ?? '';
  return isSegmentId(id) ? id : null;
}
