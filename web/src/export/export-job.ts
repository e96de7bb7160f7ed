import type { ExportReport } from '../../../src/client/index.ts';
import { EngineFailure, type ExportSink } from '../engine/engine.ts';
import type { EngineError, ExportOrder, StreamName } from '../engine/messages.ts';
import { Store } from '../engine/store.ts';
import type { Camera } from '../model/cameras.ts';
import { type Download, DownloadFailure } from './download.ts';
import { fileName, RateMeter } from './export-facts.ts';

/** What is to be exported. */
export interface ExportWish {
  cameras: readonly Camera[];
  stream: StreamName;
  /** Epoch ms. */
  from: number;
  to: number;
  /** For the names of the files. */
  timeZone: string;
}

/** What became of one camera's stretch. */
export interface CameraOutcome {
  key: string;
  name: string;
  /** `empty`: nothing was recorded. */
  state: 'waits' | 'runs' | 'done' | 'empty' | 'failed' | 'cancelled';
  files: readonly { name: string; bytes: number }[];
  gaps: readonly ExportReport['gaps'][number][];
  failure: EngineError | DownloadFailure | null;
}

export interface JobState {
  cameras: readonly CameraOutcome[];
  /** Of the whole, 0 to 1. */
  share: number;
  bytes: number;
  bytesPerSecond: number;
  /** The channel is away and is waited for. */
  lost: boolean;
  ended: boolean;
}

export interface JobDeps {
  exportMovie(order: ExportOrder, sink: ExportSink, signal: AbortSignal): Promise<unknown>;
  openDownload(name: string): Promise<Download>;
  /** Monotonic ms. */
  clock(): number;
}

/** Writes one stretch of some cameras as files, one camera after the other. Lives on while its dialog is closed. */
export class ExportJob {
  readonly wish: ExportWish;
  readonly state: Store<JobState>;
  readonly #deps: JobDeps;
  readonly #abort = new AbortController();
  readonly #meter = new RateMeter();
  #bytesBefore = 0;

  constructor(deps: JobDeps, wish: ExportWish) {
    this.#deps = deps;
    this.wish = wish;
    const cameras = wish.cameras.map(({ key, name }): CameraOutcome => ({ key, name, ...NOTHING_YET }));
    this.state = new Store<JobState>({ cameras, share: 0, bytes: 0, bytesPerSecond: 0, lost: false, ended: false });
  }

  /** Ends what is being written; files that are whole stay. */
  cancel(): void {
    this.#abort.abort();
  }

  /** Resolves when everything was written, or was not; never rejects. */
  async run(): Promise<void> {
    for (const [index, camera] of this.wish.cameras.entries()) {
      if (this.#abort.signal.aborted) this.#tell(index, { state: 'cancelled' });
      else await this.#exportOf(camera, index);
    }
    this.#change({ ended: true, share: 1, bytesPerSecond: 0, lost: false });
  }

  async #exportOf(camera: Camera, index: number): Promise<void> {
    const { from, to, stream, timeZone } = this.wish;
    const one = new AbortController();
    const signal = AbortSignal.any([one.signal, this.#abort.signal]);
    const files: { name: string; bytes: number }[] = [];
    let open: Download | null = null;
    let failure: DownloadFailure | null = null;
    // One thing after the other, in the order the engine told it.
    let line: Promise<void> = Promise.resolve();
    const inTurn = (task: () => Promise<void>) => {
      line = line.then(task).catch((error: unknown) => {
        if (!(error instanceof DownloadFailure)) throw error;
        failure ??= error;
        one.abort();
      });
      return line;
    };
    const write = async (part: number, bytes: ArrayBuffer) => {
      if (signal.aborted) return;
      const size = bytes.byteLength;
      if (!files[part - 1]) {
        const name = fileName({ node: camera.nodeName, camera: camera.name, from, part }, timeZone);
        open = await this.#deps.openDownload(name);
        files.push({ name, bytes: 0 });
      }
      await open!.write(bytes);
      files[part - 1]!.bytes += size;
    };
    const close = async () => {
      const closing = open;
      open = null;
      if (closing && !signal.aborted) await closing.close();
      else closing?.abort();
    };
    this.#tell(index, { state: 'runs' });
    try {
      const { node, source } = camera;
      const report = (await this.#deps.exportMovie(
        { node, source, stream, from, to },
        {
          bytes: (part, bytes) => inTurn(() => write(part, bytes)),
          partClosed: () => void inTurn(close),
          progress: ({ bytes, endUs }) => this.#progress(index, bytes, endUs),
          lost: () => this.#change({ lost: true }),
        },
        signal,
      )) as ExportReport;
      await line;
      this.#tell(index, {
        state: failure ? 'failed' : files.length > 0 ? 'done' : 'empty',
        files,
        gaps: report.gaps,
        failure,
      });
    } catch (error) {
      await inTurn(close);
      if (this.#abort.signal.aborted) this.#tell(index, { state: 'cancelled' });
      else if (failure) this.#tell(index, { state: 'failed', failure });
      // What was closed in order before the failure plays up to there.
      else if (error instanceof EngineFailure) this.#tell(index, { state: 'failed', files, failure: errorOf(error) });
      else throw error;
    }
    this.#bytesBefore += files.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  #progress(index: number, bytes: number, endUs: number): void {
    const { from, to, cameras } = this.wish;
    const share = Math.min(1, Math.max(0, (endUs / 1000 - from) / (to - from)));
    const total = this.#bytesBefore + bytes;
    this.#change({
      share: (index + share) / cameras.length,
      bytes: total,
      bytesPerSecond: this.#meter.add(this.#deps.clock(), total),
      lost: false,
    });
  }

  #tell(index: number, news: Partial<CameraOutcome>): void {
    const cameras = this.state.get().cameras.map((each, at) => (at === index ? { ...each, ...news } : each));
    this.#change({ cameras });
  }

  #change(news: Partial<JobState>): void {
    this.state.update((before) => ({ ...before, ...news }));
  }
}

const NOTHING_YET = { state: 'waits', files: [], gaps: [], failure: null } as const;

function errorOf({ code, kind, message }: EngineFailure): EngineError {
  return { code, kind, message };
}
