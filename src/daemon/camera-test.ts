import { type CameraDriver, CameraError, type CameraOrder, type CameraStream } from '../cameras/index.ts';
import type { SourceTest, TestWish } from '../commands/index.ts';
import { isNvrError } from '../errors.ts';
import { type CameraAddress, parseCameraUrl, type Track } from '../media/index.ts';
import type { Clock } from '../platform/index.ts';
import {
  isLabel,
  type SourceId,
  type SourcesTestResult,
  type StreamName,
  TESTED_STREAMS_MAX,
  TESTED_URL_MAX,
} from '../protocol/index.ts';
import type { SourceConfig } from './config.ts';
import { credentialsNotForThisHost, sourceMissing, sourceRefused, testsBusy } from './errors.ts';
import { hostNameOf, originOf, parseServiceUrl, usualService } from './service-url.ts';
import type { ProbeOutcome, StreamProbe } from './stream-probe.ts';
import { adviceOn } from './test-advice.ts';

export interface CameraTestsDeps {
  clock: Clock;
  probe: StreamProbe;
  /** A driver for a camera that is not configured (`CameraDesk.driverFor`). */
  driverFor(order: Omit<CameraOrder, 'source'>): CameraDriver;
  /** A configured source, or null. */
  source(id: SourceId): SourceConfig | null;
}

type OnvifResult = NonNullable<SourcesTestResult['onvif']>;
type StreamResult = SourcesTestResult['streams'][number];
type Credentials = NonNullable<CameraAddress['credentials']>;

/** Tests that run at once, and how long one may take. */
export const TESTS_MAX = 4;
export const TEST_MS = 40_000;

/** What is tried: addresses with the credentials that go there. */
interface Order {
  main: CameraAddress | null;
  sub: CameraAddress | null;
  transport: 'auto' | 'tcp' | 'udp';
  reader: SourceConfig['reader'];
  certificate: string | null;
  service: string | null;
  hardwareId: string | null;
  credentials: Credentials | null;
  /** Where these credentials may go; null: anywhere, they were given with the wish. */
  origins: ReadonlySet<string> | null;
}

/** Tries cameras (`sources.test`): asks who they are, what they offer, and sees a picture of each stream. Keeps nothing. */
export class CameraTests {
  readonly #deps: CameraTestsDeps;
  #running = 0;

  constructor(deps: CameraTestsDeps) {
    this.#deps = deps;
  }

  /**
   * Resolves with what came of it, whatever the camera does. `ERR_DAEMON_TESTS` (`exhausted`), `ERR_DAEMON_SOURCE_MISSING`
   * (`missing`), `ERR_DAEMON_SOURCE_REFUSED` and `ERR_DAEMON_CREDENTIALS` (`invalid`), or the signal's reason.
   */
  async run(wish: TestWish, signal: AbortSignal): Promise<SourceTest> {
    const order = orderOf(wish, wish.source === undefined ? null : this.#known(wish.source));
    if (this.#running >= TESTS_MAX) throw testsBusy(TESTS_MAX);
    this.#running += 1;
    const late = new AbortController();
    const cancel = this.#deps.clock.after(TEST_MS, () => late.abort());
    try {
      const outcome = await this.#try(order, AbortSignal.any([signal, late.signal]));
      signal.throwIfAborted();
      return outcome;
    } finally {
      cancel();
      this.#running -= 1;
    }
  }

  #known(id: SourceId): SourceConfig {
    const source = this.#deps.source(id);
    if (!source) throw sourceMissing();
    return source;
  }

  async #try(order: Order, signal: AbortSignal): Promise<SourceTest> {
    const asking = order.service === null ? null : this.#ask(order, order.service, signal);
    const look = (streams: Pick<Order, 'main' | 'sub'>) =>
      Promise.all(
        (['main', 'sub'] as const).flatMap((stream) => {
          const camera = streams[stream];
          return camera ? [this.#see(stream, camera, order, signal)] : [];
        }),
      );
    // Where nobody named a stream, the camera does.
    const [asked, seen] = await Promise.all([
      asking,
      order.main || !asking ? look(order) : asking.then(({ found }) => look(offered(order, found))),
    ]);
    const onvif = asked?.result;
    const results = seen.map(({ result }) => result);
    const shown = seen.find(({ picture }) => picture !== null) ?? null;
    const facts = { ...(onvif ? { onvif } : {}), streams: results };
    return {
      result: { ...facts, ...(shown ? { picture: shown.result.stream } : {}), advice: adviceOn(facts) },
      picture: shown?.picture ?? null,
    };
  }

  async #ask(
    { credentials, hardwareId }: Order,
    service: string,
    signal: AbortSignal,
  ): Promise<{ result: OnvifResult; found: CameraStream[] }> {
    const result: OnvifResult = { ok: false, streams: [], abilities: [] };
    let found: CameraStream[] = [];
    try {
      const driver = this.#deps.driverFor({ service, credentials, hardwareId: null });
      const time = await driver.time(signal).catch(() => null);
      if (time) result.clockOffsetMs = Math.round(time.cameraAt - time.nodeAt);
      const { hardwareId: id, manufacturer, model, firmware } = await driver.identify(signal);
      result.ok = true;
      if (isLabel(id)) result.identity = { hardwareId: id, manufacturer, model, firmware };
      if (hardwareId !== null) result.expected = id === hardwareId;
      const abilities = await driver.abilities(signal);
      result.abilities = (['media2', 'snapshot', 'ptz', 'imaging', 'events', 'recordings'] as const).filter(
        (ability) => abilities[ability],
      );
      found = await driver.streams(signal);
      result.streams = found.filter(({ url }) => url.length <= TESTED_URL_MAX && isVisible(url)).map(streamFacts);
      result.streams.splice(TESTED_STREAMS_MAX);
      if (abilities.snapshot)
        result.snapshot = await driver.snapshot(signal).then(
          () => true,
          () => false,
        );
    } catch (error) {
      if (!isNvrError(error)) throw error;
      result.cause = error instanceof CameraError ? error.trouble : 'unknown';
      result.reason = visible(error.message);
    }
    return { result, found };
  }

  async #see(
    stream: StreamName,
    camera: CameraAddress,
    { transport, reader, certificate }: Order,
    signal: AbortSignal,
  ) {
    const outcome = await this.#deps.probe(camera, { transport, reader, certificate, signal });
    return {
      result: { stream, ...pictureFacts(outcome) } satisfies StreamResult,
      picture: 'init' in outcome ? { init: outcome.init, fragment: outcome.fragment } : null,
    };
  }
}

/** Puts a wish and what is configured together. Stored credentials go where they were given for, and nowhere else. */
function orderOf(wish: TestWish, known: SourceConfig | null): Order {
  const before = known?.input.kind === 'camera' ? known.input : null;
  if (known && !before && wish.url === undefined && typeof wish.onvif !== 'string') {
    throw sourceRefused(['a virtual camera is not tried: it has no address']);
  }
  const given = wish.url === undefined ? null : parseCameraUrl(wish.url);
  const small = typeof wish.sub === 'string' ? parseCameraUrl(wish.sub) : null;
  const main = given ?? (wish.onvif === undefined || before ? (before?.main ?? null) : null);
  const sub = wish.sub === null ? null : (small ?? (given ? null : (before?.sub ?? null)));
  const service = serviceOf(wish, known, main);
  if (!main && service === null) throw sourceRefused(['there is nothing to try: give a url or an onvif address']);
  const own = ownCredentials(wish, [given, small]);
  const transport = wish.transport ?? before?.transport ?? 'auto';
  // Wherever stored credentials go the pinned certificate holds; who names another place and brings credentials along tries that place.
  const certificate = given && own ? null : (known?.certificate ?? null);
  const order = { main, sub, transport, reader: known?.reader ?? 'auto', certificate, service } as const;
  const hardwareId = known?.onvif?.hardwareId ?? null;
  if (own) {
    const withOwn = (camera: CameraAddress | null) => camera && { ...camera, credentials: own };
    return { ...order, main: withOwn(main), sub: withOwn(sub), hardwareId, credentials: own, origins: null };
  }
  const stored = before?.main.credentials ?? null;
  const kept = [before?.main, before?.sub].filter((each) => each?.credentials).map((each) => each!.address);
  const origins = new Set(kept.map(originOf));
  const hosts = new Set([...kept, ...(known?.onvif ? [known.onvif.service] : [])].map(hostNameOf));
  const withStored = (camera: CameraAddress | null, credentials: Credentials | null | undefined) => {
    if (!camera || !credentials) return camera;
    if (!origins.has(originOf(camera.address))) throw credentialsNotForThisHost();
    return { ...camera, credentials };
  };
  if (stored && service !== null && !hosts.has(hostNameOf(service))) throw credentialsNotForThisHost();
  return {
    ...order,
    main: withStored(main, stored),
    sub: withStored(sub, before?.sub?.credentials ?? stored),
    hardwareId,
    credentials: stored,
    origins,
  };
}

function serviceOf({ onvif }: TestWish, known: SourceConfig | null, main: CameraAddress | null): string | null {
  if (onvif === null) return null;
  if (typeof onvif === 'string') {
    const service = parseServiceUrl(onvif);
    if (service === null)
      throw sourceRefused(['onvif: expected true, or the http address of its ONVIF device service']);
    return service;
  }
  if (onvif === true) {
    if (!main) throw sourceRefused(['onvif: true needs a url, whose host it is']);
    return usualService(main);
  }
  return known?.onvif?.service ?? null;
}

/** Credentials that came with the wish, beside the URLs or inside one. */
function ownCredentials({ username, password }: TestWish, urls: readonly (CameraAddress | null)[]): Credentials | null {
  const inside = urls.find((each) => each?.credentials)?.credentials ?? null;
  if (username !== undefined) return { username, password: password ?? '' };
  if (password !== undefined && !inside) throw sourceRefused(['a password has a user name']);
  return inside;
}

/** The largest picture a camera offers, and the smallest where that is another. */
function offered({ credentials, origins }: Order, found: readonly CameraStream[]): Pick<Order, 'main' | 'sub'> {
  const address = (stream: CameraStream | undefined): CameraAddress | null => {
    if (!stream) return null;
    try {
      const camera = parseCameraUrl(stream.url);
      const mayGo = origins === null || origins.has(originOf(camera.address));
      return { ...camera, credentials: mayGo ? credentials : null };
    } catch (error) {
      if (isNvrError(error, 'invalid')) return null;
      throw error;
    }
  };
  return { main: address(found[0]), sub: found.length > 1 ? address(found.at(-1)) : null };
}

function pictureFacts(outcome: ProbeOutcome): Omit<StreamResult, 'stream'> {
  if (!('init' in outcome)) {
    const cause = (CAUSES as Readonly<Record<string, StreamResult['cause']>>)[outcome.cause] ?? 'unknown';
    return { ok: false, cause, ...(outcome.reason === '' ? {} : { reason: visible(outcome.reason) }) };
  }
  const video = outcome.tracks.find(({ kind }) => kind === 'video');
  return {
    ok: true,
    codec: codecOf(video),
    ...(video?.width && video.height ? { size: { width: video.width, height: video.height } } : {}),
    ...(outcome.framesPerSecond === null ? {} : { fps: outcome.framesPerSecond }),
    audio: outcome.tracks.some(({ kind }) => kind === 'audio'),
    transport: outcome.transport,
    ms: outcome.firstPictureMs,
  };
}

/** Causes that mean something to who tries a camera. */
const CAUSES = {
  ...{ unreachable: 'unreachable', unauthorized: 'unauthorized', stalled: 'stalled', ended: 'ended' },
  ...{ malformed: 'malformed', timeout: 'timeout', stopped: 'timeout' },
};

function codecOf(video: Track | undefined): 'h264' | 'h265' | 'other' {
  if (video?.format === 'avc1' || video?.format === 'avc3') return 'h264';
  return video?.format === 'hvc1' || video?.format === 'hev1' ? 'h265' : 'other';
}

function streamFacts({ name, codec, width, height, framesPerSecond: fps, audio, url }: CameraStream) {
  return { name, codec, width, height, fps, audio, url };
}

function isVisible(text: string): boolean {
  return /^[\x20-\x7e]+$/.test(text);
}

function visible(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 200);
}
