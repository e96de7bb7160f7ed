import { createRecorder, type RecorderDeps, type RecorderStatus, type StreamSink } from '../ingest/index.ts';
import type { CameraAddress, CapturedFragment, Run, Track } from '../media/index.ts';
import type { GapCause } from '../protocol/index.ts';

/** What came of one try to see a camera's picture. */
export type ProbeOutcome = ProbedPicture | { cause: GapCause | 'timeout'; reason: string };

export interface ProbedPicture {
  tracks: readonly Track[];
  transport: 'tcp' | 'udp';
  /** From the beginning to the first whole keyframe. */
  firstPictureMs: number;
  /** By the times the camera gives its pictures; null where too few came. */
  framesPerSecond: number | null;
  init: Uint8Array<ArrayBuffer>;
  /** Begins with a keyframe. */
  fragment: Uint8Array<ArrayBuffer>;
}

/** Tries one stream. Resolves, whatever the camera does; on abort with cause `stopped`. */
export type StreamProbe = (
  camera: CameraAddress,
  options: {
    transport: 'auto' | 'tcp' | 'udp';
    reader: 'auto' | 'own' | 'ffmpeg';
    /** SHA-256 of the certificate the camera must show, hex; null takes any. */
    certificate: string | null;
    signal: AbortSignal;
  },
) => Promise<ProbeOutcome>;

/** How long one stream may take. */
export const PROBE_MS = 15_000;
/** Fragments after the first picture that are waited for, to tell how many pictures come, and for how long. */
const FRAGMENTS_WANTED = 5;
const FRAGMENTS_MS = 1_500;

/** Sees with a recorder of its own that keeps nothing: exactly what recording would see. */
export function createStreamProbe(deps: Omit<RecorderDeps, 'sink' | 'startGate'>): StreamProbe {
  return async (camera, { transport, reader, certificate, signal }) => {
    const { clock } = deps;
    const began = clock.monotonic();
    const seen = new FirstPicture(() => clock.monotonic());
    const fixed = { enabled: true, audio: 'keep', notBeforeUs: 0, ffmpeg: 'ffmpeg' } as const;
    const recorder = createRecorder(
      { ...deps, sink: seen },
      { ...fixed, camera, transport, reader, ...(certificate === null ? {} : { certificate }) },
    );
    const ended = new AbortController();
    const until = (ms: number) => clock.sleep(ms, ended.signal).catch(() => {});
    const refusal = new Promise<ProbeOutcome>((resolve) => {
      recorder.onState((status) => {
        const told = refusalOf(status);
        if (told) resolve(told);
      });
    });
    const given = aborted(signal, ended.signal).then((): ProbeOutcome => ({ cause: 'stopped', reason: 'given up' }));
    await recorder.start();
    try {
      const first = await Promise.race([
        seen.first.then(() => null),
        refusal,
        given,
        until(PROBE_MS).then(() => lastWord(recorder.status())),
      ]);
      if (first) return first;
      await Promise.race([seen.enough, refusal, given, until(FRAGMENTS_MS)]);
      const { init, fragment, at } = seen.picture!;
      const { transport: by } = recorder.status();
      return {
        tracks: init.tracks,
        transport: by,
        firstPictureMs: Math.round(at - began),
        framesPerSecond: seen.framesPerSecond(),
        init: init.bytes.slice(),
        fragment,
      };
    } finally {
      ended.abort();
      await recorder.stop();
    }
  };
}

/** Keeps the first picture and counts a few more. */
class FirstPicture implements StreamSink {
  picture: { init: Run['init']; fragment: Uint8Array<ArrayBuffer>; at: number } | null = null;
  readonly first: Promise<void>;
  readonly enough: Promise<void>;
  readonly #monotonic: () => number;
  #run: Run | null = null;
  #seen: { decodeTime: bigint; samples: number }[] = [];
  #tellFirst = () => {};
  #tellEnough = () => {};

  constructor(monotonic: () => number) {
    this.#monotonic = monotonic;
    this.first = new Promise((resolve) => {
      this.#tellFirst = resolve;
    });
    this.enough = new Promise((resolve) => {
      this.#tellEnough = resolve;
    });
  }

  async beginRun(run: Run): Promise<void> {
    this.#run = run;
  }

  async fragment({ bytes, keyframe, videoDecodeTime, sampleCount }: CapturedFragment): Promise<void> {
    if (!this.picture) {
      if (!keyframe || !this.#run) return;
      // Whoever gives fragments may use their memory again.
      this.picture = { init: this.#run.init, fragment: bytes.slice(), at: this.#monotonic() };
      this.#tellFirst();
    }
    if (this.#seen.length >= FRAGMENTS_WANTED) return;
    this.#seen.push({ decodeTime: videoDecodeTime, samples: sampleCount });
    if (this.#seen.length === FRAGMENTS_WANTED) this.#tellEnough();
  }

  async endRun(): Promise<void> {
    this.#tellEnough();
  }

  framesPerSecond(): number | null {
    const [first, last] = [this.#seen[0], this.#seen.at(-1)];
    const timescale = this.picture?.init.tracks[0]?.timescale ?? 0;
    if (!first || !last || last.decodeTime <= first.decodeTime || timescale <= 0) return null;
    const samples = this.#seen.slice(0, -1).reduce((sum, each) => sum + each.samples, 0);
    const rate = (samples * timescale) / Number(last.decodeTime - first.decodeTime);
    return Number.isFinite(rate) ? Math.round(Math.min(rate, 1000) * 100) / 100 : null;
  }
}

/** Why nothing more is to be expected: refused credentials, a missing program, nobody there. Everything else may mend itself. */
function refusalOf({ state, cause, reason }: RecorderStatus): ProbeOutcome | null {
  const isFinal = state === 'failed' || (state === 'backoff' && (cause === 'unreachable' || cause === 'unauthorized'));
  return isFinal && cause ? { cause, reason: reason ?? '' } : null;
}

function lastWord({ cause, reason }: RecorderStatus): ProbeOutcome {
  return cause ? { cause, reason: reason ?? '' } : { cause: 'timeout', reason: 'no picture came in time' };
}

function aborted(signal: AbortSignal, ended: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true, signal: ended });
  });
}
