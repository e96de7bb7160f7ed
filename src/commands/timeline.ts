import { toBase64Url } from '../bytes/index.ts';
import { isNvrError } from '../errors.ts';
import {
  type Access,
  type CheckedParams,
  earliestOf,
  GAP_CAUSES,
  type GapFacts,
  mayAt,
  type SourceId,
  type StreamName,
  TIMELINE_EXACT_MAX,
  type TimelineCoverageResult,
} from '../protocol/index.ts';
import type { GapPage, GapQuery, Vault } from '../vault/index.ts';
import { paramsRefused } from './errors.ts';
import type { CommandDeps, Family } from './handler.ts';
import { localDays } from './local-days.ts';
import { clippedGap, requireKnown } from './segments.ts';
import { atOf, gapFacts, usOf } from './wire.ts';

/** `timeline.coverage`, `calendar.days`, `gaps.list`. */
export function timelineCommands({
  vault,
  sources,
}: Pick<CommandDeps, 'vault' | 'sources'>): Family<'timeline.coverage' | 'calendar.days' | 'gaps.list'> {
  return {
    async 'timeline.coverage'({ params, access, at, signal }) {
      const { from, to, buckets } = params;
      const earliest = earliestOf(access, at);
      const starts = Array.from({ length: buckets + 1 }, (_, i) => from + Math.floor((i * (to - from)) / buckets));
      const edgesUs = starts.map((start) => usOf(Math.max(start, Math.min(earliest, to))));
      const known = knownOf(params.sources, access);
      const exactMax = Math.floor(TIMELINE_EXACT_MAX / Math.max(1, known.length));
      const told: Pick<TimelineCoverageResult, 'lanes' | 'turns' | 'gaps'> = { lanes: [], turns: [], gaps: [] };
      for (const { source, stream } of known) {
        const found = vault.coverage({ sourceId: source, stream, edgesUs, exactMax });
        const { stretches } = found;
        const gaps = found.gaps?.map((gap) => clippedGap(gapFacts(gap), earliest)!);
        told.lanes.push({
          source,
          stream,
          fill: fillText(found.coveredUs, starts),
          ...(stretches ? { stretches: addTurns(told.turns, stretches, from) } : {}),
          ...(gaps ? { gaps: gaps.length } : { gapCounts: countText(found.gapsBegun) }),
        });
        told.gaps.push(...(gaps ?? []).flatMap(numbersOf));
        // One stream at a time, so that live pictures go out in between.
        await new Promise((resolve) => setImmediate(resolve));
        signal.throwIfAborted();
      }
      return { ...told, at: atOf(usOf(at)) };
    },

    async 'calendar.days'({ params, access, at, signal }) {
      const days = localDays(params.from, params.to, params.timeZone);
      if (!days) throw paramsRefused('timeZone: expected a zone of the IANA database');
      const earliest = earliestOf(access, at);
      const edgesUs = days.edges.map((edge) => usOf(Math.max(0, edge, earliest)));
      const lanes: { source: SourceId; stream: StreamName; seconds: number[] }[] = [];
      for (const { source, stream } of knownOf(params.sources, access)) {
        const { coveredUs } = vault.coverage({
          sourceId: source,
          stream,
          edgesUs,
          exactMax: TIMELINE_EXACT_MAX,
          fine: true,
        });
        const seconds = Array.from(coveredUs, (us) => (us > 0 ? Math.max(1, Math.round(us / 1_000_000)) : 0));
        lanes.push({ source, stream, seconds });
        await new Promise((resolve) => setImmediate(resolve));
        signal.throwIfAborted();
      }
      return { first: days.first, days: days.edges.length - 1, lanes };
    },

    async 'gaps.list'({ params, access, at }) {
      const { source, stream, from, to, order, limit, lengthMin, cursor } = params;
      requireKnown({ vault, sources }, source, stream);
      const earliest = earliestOf(access, at);
      const page = gapPage(vault, {
        sourceId: source,
        stream,
        fromUs: usOf(Math.max(from, earliest)),
        toUs: usOf(to),
        order,
        limit,
        lengthUsMin: usOf(lengthMin),
        nowUs: usOf(at),
        ...(cursor === undefined ? {} : { cursor }),
      });
      const gaps = page.gaps.map((gap) => clippedGap(gapFacts(gap), earliest)!);
      return { source, stream, gaps, ...(page.cursor === undefined ? {} : { cursor: page.cursor }) };
    },
  };

  /** Those of the streams that the device may know of and that are there, each once. */
  function knownOf(wanted: CheckedParams<'timeline.coverage'>['sources'], access: Access) {
    const seen = new Set<string>();
    return wanted.filter(({ source, stream }) => {
      const name = `${source}/${stream}`;
      if (seen.has(name) || !mayAt(access, 'playback', source)) return false;
      seen.add(name);
      try {
        requireKnown({ vault, sources }, source, stream);
        return true;
      } catch (error) {
        if (isNvrError(error, 'missing')) return false;
        throw error;
      }
    });
  }
}

/** One octet a bucket; `starts` are the borders of the buckets in epoch ms. */
function fillText(coveredUs: Float64Array, starts: readonly number[]): string {
  const octets = new Uint8Array(coveredUs.length);
  for (let i = 0; i < octets.length; i++) octets[i] = fillOf(coveredUs[i]!, usOf(starts[i + 1]! - starts[i]!));
  return toBase64Url(octets);
}

/** 0 only for nothing, 255 only for everything (to half a millisecond). */
function fillOf(coveredUs: number, lengthUs: number): number {
  if (coveredUs <= 0 || lengthUs === 0) return 0;
  if (coveredUs >= lengthUs - 500) return 255;
  return Math.min(254, Math.max(1, Math.round((255 * coveredUs) / lengthUs)));
}

/** Adds stretches as ms by turns and gives how many were added; those that touch in whole ms are one. */
function addTurns(turns: number[], stretches: readonly { startUs: number; endUs: number }[], from: number): number {
  let [at, count] = [from, 0];
  for (const { startUs, endUs } of stretches) {
    const [start, end] = [atOf(startUs), atOf(endUs)];
    if (start === at && count > 0) turns[turns.length - 1]! += end - start;
    else count = turns.push(start - at, end - start) && count + 1;
    at = end;
  }
  return count;
}

function countText(counts: Uint32Array): string {
  let text = '';
  for (const count of counts) text += count > 14 ? 'f' : HEX[count]!;
  return text;
}

const HEX = '0123456789abcdef';

/** Begin, length (0: it lasts), cause. */
function numbersOf({ startAt, endAt, cause }: GapFacts): number[] {
  return [startAt, endAt === null ? 0 : Math.max(1, endAt - startAt), GAP_CAUSES[cause]];
}

/** A cursor that the vault does not know is the caller's fault. */
function gapPage(vault: Vault, query: GapQuery): GapPage {
  try {
    return vault.gapPage(query);
  } catch (error) {
    if (query.cursor !== undefined && isNvrError(error, 'invalid'))
      throw paramsRefused('cursor: expected one of a page before');
    throw error;
  }
}
