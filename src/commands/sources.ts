import { type Access, isLabel, type SourceId, type StreamName, sees } from '../protocol/index.ts';
import { sourceMissing } from './errors.ts';
import type { CommandDeps, Family } from './handler.ts';
import type { RecorderView, SourcesView, SourceView, StreamView } from './views.ts';
import { printable, trackFacts } from './wire.ts';

/** `sources.list`, `sources.states`, `sources.put`, `sources.remove`. */
export function sourceCommands({
  sources,
}: Pick<CommandDeps, 'sources'>): Family<'sources.list' | 'sources.states' | 'sources.put' | 'sources.remove'> {
  return {
    async 'sources.list'({ params, access }) {
      const { page, cursor } = pageOf(sources, params, access);
      return {
        sources: page.map(({ id, name, enabled, streams }) => ({
          id,
          name: isLabel(name) ? name : id,
          enabled,
          streams: streams.slice(0, 2).map(({ stream, streamId, status }) => ({
            stream,
            streamId,
            state: status.state,
            tracks: trackFacts(status.tracks),
          })),
        })),
        ...cursor,
      };
    },

    async 'sources.states'({ params, role, access }) {
      const { page, cursor } = pageOf(sources, params, access);
      const toldReason = role === 'admin' || role === 'owner';
      const states = page.flatMap(({ id, streams }) =>
        streams.slice(0, 2).map(({ stream, status }) => ({ source: id, stream, ...stateFacts(status, toldReason) })),
      );
      return { states, ...cursor };
    },

    'sources.put': ({ params }) => sources.put(params),

    async 'sources.remove'({ params }) {
      return { removed: await sources.remove(params.source) };
    },
  };
}

/** What may be told of a recorder; `told`: its reason in words too. */
function stateFacts(status: RecorderView, told: boolean) {
  const { state, since, cause, reason, restarts, retryAt, lastFragmentAt, transport, bitsPerSecond, framesPerSecond } =
    status;
  return {
    state,
    since,
    ...(cause === undefined ? {} : { cause }),
    ...(told && reason !== undefined ? { reason: printable(reason, 200) } : {}),
    restarts,
    ...(retryAt === undefined ? {} : { retryAt: Math.round(retryAt) }),
    ...(lastFragmentAt === undefined ? {} : { lastFragmentAt: Math.round(lastFragmentAt) }),
    ...(transport === undefined ? {} : { transport }),
    ...(typeof bitsPerSecond === 'number' ? { bitsPerSecond: Math.round(bitsPerSecond) } : {}),
    ...(typeof framesPerSecond === 'number' ? { framesPerSecond: Math.round(framesPerSecond * 100) / 100 } : {}),
  };
}

/** A recorded stream. `ERR_COMMANDS_SOURCE` (`missing`) where no such stream is configured. */
export function streamOf(sources: SourcesView, source: SourceId, stream: StreamName): StreamView {
  const found = sources
    .list()
    .find((each) => each.id === source)
    ?.streams.find((each) => each.stream === stream);
  if (!found) throw sourceMissing();
  return found;
}

/** A page by id, of those the caller may know of; the cursor is the last id told, so that sources may come and go between pages. */
function pageOf(
  sources: SourcesView,
  { limit, cursor }: { limit: number; cursor?: string | undefined },
  access: Access,
): { page: SourceView[]; cursor: { cursor?: string } } {
  const seen = sources.list().filter(({ id }) => sees(access, id));
  const sorted = seen.sort((a, b) => (a.id < b.id ? -1 : 1));
  const rest = cursor === undefined ? sorted : sorted.filter((each) => each.id > cursor);
  const page = rest.slice(0, limit);
  const last = page.at(-1);
  return { page, cursor: last && rest.length > limit ? { cursor: last.id } : {} };
}
