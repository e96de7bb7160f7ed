import {
  type Access,
  actionsOf,
  isLabel,
  isLower,
  roleAt,
  type SourceId,
  type StreamName,
  sees,
} from '../protocol/index.ts';
import { sourceMissing } from './errors.ts';
import type { CommandDeps, Family } from './handler.ts';
import { streamState } from './source-states.ts';
import type { SourcesView, SourceView, StreamView } from './views.ts';
import { trackFacts } from './wire.ts';

/** `sources.list`, `sources.states`, `sources.settings`, `sources.upsert`, `sources.remove`, `sources.test`. */
export function sourceCommands({
  sources,
}: Pick<CommandDeps, 'sources'>): Family<
  'sources.list' | 'sources.states' | 'sources.settings' | 'sources.upsert' | 'sources.remove' | 'sources.test'
> {
  return {
    async 'sources.list'({ params, access }) {
      const { page, cursor } = pageOf(sources, params, access);
      return {
        sources: page.map(({ id, name, enabled, streams }) => ({
          id,
          name: isLabel(name) ? name : id,
          enabled,
          actions: [...actionsOf(access, id)],
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

    async 'sources.states'({ params, access }) {
      const { page, cursor } = pageOf(sources, params, access);
      const states = page.flatMap((source) => {
        const told = !isLower(roleAt(access, source.id), 'admin');
        return source.streams.slice(0, 2).map((stream) => streamState(source, stream, told));
      });
      return { states, ...cursor };
    },

    'sources.settings': async ({ params }) => sources.settings(params.source),

    'sources.upsert': ({ params }) => sources.upsert(params),

    async 'sources.remove'({ params }) {
      return { removed: await sources.remove(params.source) };
    },

    async 'sources.test'({ params, call, signal }) {
      const { result, picture } = await sources.test(params, signal);
      if (!picture) return result;
      call.stream.reply(result);
      await call.stream.data(picture.init, { init: true });
      await call.stream.data(picture.fragment, { keyframe: true });
      return undefined;
    },
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
