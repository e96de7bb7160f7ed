import type { SyncCryptoSuite } from '../../crypto/index.ts';
import { isNvrError } from '../../errors.ts';
import { parseCameraUrl } from '../../media/index.ts';
import type { Clock } from '../../platform/index.ts';
import {
  type Caller,
  type CallHandler,
  type CamerasDiscoverResult,
  isLabel,
  isSourceId,
  type SegmentFacts,
  type SegmentsGetResult,
  type SegmentsListResult,
  type SourcesListResult,
  type SourcesStatesResult,
} from '../../protocol/index.ts';
import { toBase64 } from './base64.ts';
import { incompleteSource, notSupported, unknownSource } from './errors.ts';
import { callHere, within } from './local-call.ts';
import type { Request, WishedSource } from './request.ts';
import { feedSegment } from './segment-feed.ts';
import { segmentName } from './segment-name.ts';

/** Pages of one listing that are asked for: more sources or segments than that are not told to an old client. */
const PAGES_MAX = 32;
const SEGMENTS_PAGE = 150;

/** What answering a request needs. */
export interface Desk {
  clock: Clock;
  suite: SyncCryptoSuite;
  handle: CallHandler;
  caller: Caller;
  /** Aborts when the session ends. */
  signal: AbortSignal;
  /** How long a command may take, ms. */
  commandMs: number;
  /** Tells the client; resolves when there is room for more. */
  send(reply: Record<string, unknown>): Promise<void>;
}

/** Answers one request of the old wire by commands of version 2. Throws what they throw; the caller tells it. */
export async function answer(request: Request, desk: Desk): Promise<void> {
  const { cmd } = request;
  switch (cmd) {
    case 'list_sources':
      return desk.send({ ok: true, cmd, sources: await sourceIds(desk) });
    case 'list_source_states':
      return desk.send({ ok: true, cmd, states: await sourceStates(desk) });
    case 'discover_onvif':
      return desk.send({ ok: true, cmd, cameras: await cameras(desk) });
    case 'list_segments': {
      const { sourceId, limit } = request;
      return desk.send({ ok: true, cmd, sourceId, segments: await segments(desk, sourceId, limit) });
    }
    case 'get_segment':
      return carry(desk, request);
    case 'upsert_source':
      return desk.send({ ok: true, cmd, source: await put(desk, request.source) });
    case 'remove_source': {
      const { sourceId } = request;
      if (!isSourceId(sourceId)) throw unknownSource();
      const { removed } = (await call(desk, 'sources.remove@1', { source: sourceId })) as { removed: boolean };
      return desk.send({ ok: true, cmd, sourceId, removed });
    }
    case 'unsupported':
      throw notSupported();
  }
}

/** Ids of the configured sources, sorted. */
async function sourceIds(desk: Desk): Promise<string[]> {
  const pages = await allPages<SourcesListResult>(desk, 'sources.list@1', {});
  return pages.flatMap(({ sources }) => sources.map(({ id }) => id)).sort();
}

/** One state for each source: the old wire knows one stream only, which is `main`. */
async function sourceStates(desk: Desk): Promise<unknown[]> {
  const pages = await allPages<SourcesStatesResult>(desk, 'sources.states@1', {});
  const now = desk.clock.now();
  return pages
    .flatMap(({ states }) => states)
    .filter(({ stream }) => stream === 'main')
    .map(({ source, state, restarts, retryAt, reason, cause, since }) => ({
      sourceId: source,
      state: OLD_STATES[state],
      restartAttempt: restarts,
      backoffSecs: retryAt === undefined ? 0 : Math.max(0, Math.ceil((retryAt - now) / 1000)),
      lastError: reason ?? cause ?? '',
      updatedAt: since,
    }))
    .sort((a, b) => (a.sourceId < b.sourceId ? -1 : 1));
}

const OLD_STATES = {
  starting: 'starting',
  running: 'running',
  stalled: 'backoff',
  backoff: 'backoff',
  disabled: 'stopped',
  failed: 'failed',
} as const;

/** Hints of cameras nearby; nothing in them is proved. */
async function cameras(desk: Desk): Promise<unknown[]> {
  type Found = Pick<CamerasDiscoverResult, 'cameras'>;
  const { cameras } = (await call(desk, 'cameras.discover@1', {})) as Found;
  // The old wire has a row for each URL, with one address that answered: the one the URL names, where it names one of them.
  return cameras.flatMap(({ urls, from }) =>
    urls.map((endpoint) => {
      const host = URL.parse(endpoint)?.hostname;
      return { endpoint, from: from.find((each) => each.replace(/:\d+$/, '') === host) ?? from[0] };
    }),
  );
}

/** The newest segments of a source, newest first. A source that nobody knows has none. */
async function segments(desk: Desk, sourceId: string, limit: number): Promise<unknown[]> {
  if (!isSourceId(sourceId)) throw unknownSource();
  const found: SegmentFacts[] = [];
  let cursor: string | undefined;
  do {
    const wish = { source: sourceId, order: 'newest', limit: Math.min(SEGMENTS_PAGE, limit - found.length) };
    const page = await segmentsPage(desk, { ...wish, ...(cursor === undefined ? {} : { cursor }) });
    // The old wire has whole files only: what still grows is told once it is closed.
    found.push(...page.segments.filter(({ state }) => state !== 'open'));
    cursor = page.cursor;
  } while (cursor !== undefined && found.length < limit);
  return found.map((each) => ({
    bytes: each.size,
    modified_unix: Math.floor(each.endAt / 1000),
    name: segmentName(each),
  }));
}

async function segmentsPage(
  desk: Desk,
  params: Record<string, unknown>,
): Promise<Pick<SegmentsListResult, 'segments' | 'cursor'>> {
  try {
    return (await call(desk, 'segments.list@1', params)) as SegmentsListResult;
  } catch (error) {
    if (isNvrError(error, 'missing')) return { segments: [] };
    throw error;
  }
}

async function carry(desk: Desk, { sourceId, name }: { sourceId: string; name: string }): Promise<void> {
  const { suite, send, commandMs } = desk;
  await feedSegment(
    {
      suite,
      get: (params, onData, pace) => {
        const ask = (signal: AbortSignal) =>
          callHere(desk.handle, { caller: desk.caller, method: 'segments.get@1', params, signal }, onData);
        const asked = pace === 'steady' ? ask(desk.signal) : within(desk.clock, commandMs, desk.signal, ask);
        return asked as Promise<SegmentsGetResult>;
      },
      start: (bytes) => send({ ok: true, cmd: 'segment_start', sourceId, name, bytes }),
      piece: (seq, plain) => send({ ok: true, cmd: 'segment_chunk', seq, data: toBase64(plain) }),
    },
    { sourceId, name },
  );
  await send({ ok: true, cmd: 'segment_end', name });
}

/**
 * Adds or changes a camera; what is told back is what was asked for, without any secret. Credentials may come inside the
 * address, as old clients write them.
 */
async function put(desk: Desk, wish: WishedSource): Promise<Record<string, unknown>> {
  if (wish.sourceId.trim() === '') throw incompleteSource('sourceId');
  if (wish.rtspUrl.trim() === '') throw incompleteSource('rtsp_url');
  if (!isSourceId(wish.sourceId)) throw unknownSource();
  const { address, credentials } = parseCameraUrl(wish.rtspUrl.trim());
  const username = wish.username || (credentials?.username ?? '');
  const password = wish.password || (credentials?.password ?? '');
  await call(desk, 'sources.upsert@1', {
    source: wish.sourceId,
    ...(isLabel(wish.name) ? { name: wish.name } : {}),
    enabled: wish.enabled,
    url: address,
    // What is absent stays as it is: an old client writes an empty password where we told it none.
    ...(username === '' ? {} : { username }),
    ...(password === '' ? {} : { password }),
  });
  return {
    source_id: wish.sourceId,
    name: wish.name,
    onvif_host: wish.onvifHost,
    onvif_port: wish.onvifPort,
    rtsp_url: address,
    username,
    password: '',
    enabled: wish.enabled,
    segment_secs: wish.segmentSecs,
  };
}

function call(desk: Desk, method: string, params: unknown): Promise<unknown> {
  const { clock, commandMs, handle, caller } = desk;
  return within(clock, commandMs, desk.signal, (signal) => callHere(handle, { caller, method, params, signal }));
}

async function allPages<T extends { cursor?: string | undefined }>(
  desk: Desk,
  method: string,
  params: Record<string, unknown>,
): Promise<T[]> {
  const pages: T[] = [];
  let cursor: string | undefined;
  do {
    const page = (await call(desk, method, cursor === undefined ? params : { ...params, cursor })) as T;
    pages.push(page);
    cursor = page.cursor;
  } while (cursor !== undefined && pages.length < PAGES_MAX);
  return pages;
}
