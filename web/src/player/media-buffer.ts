/** What a buffer tells: `fed` after each piece that lies ready, `fault` when it cannot go on (a new one is needed). */
export interface BufferListener {
  fed(): void;
  fault(reason: 'type' | 'decode' | 'full' | 'closed'): void;
}

type Task =
  | { kind: 'append'; bytes: ArrayBuffer; offset: number | null; tries: number }
  | { kind: 'type'; mime: string }
  | { kind: 'remove'; from: number; to: number };

/** Pieces that wait for the browser. Far more than ever wait where it keeps up. */
const WAITING_MAX = 1_024;

interface ManagedWindow {
  ManagedMediaSource?: typeof MediaSource;
}

/** The browser's way of playing what a script hands it; `ManagedMediaSource` is what some phones have instead. */
function mediaSourceClass(): typeof MediaSource | null {
  if (typeof MediaSource !== 'undefined') return MediaSource;
  return (globalThis as ManagedWindow).ManagedMediaSource ?? null;
}

/** True where this browser plays these codecs (`avc1.64001f,mp4a.40.2`). */
export function isPlayable(codecs: string): boolean {
  return mediaSourceClass()?.isTypeSupported(mimeOf(codecs)) ?? false;
}

function mimeOf(codecs: string): string {
  return `video/mp4; codecs="${codecs}"`;
}

/** Streams with and without sound cannot follow each other in one buffer. */
function trackCount(codecs: string): number {
  return codecs.split(',').length;
}

/** Nearer than this to where pictures end, a browser may not finish a search, nor show the last of them, until more follows there. */
const UNREACHED_S = 0.25;
/** So near to the end it has shown all. */
const SHOWN_S = 0.05;

/**
 * Where to go on for a video that has nothing more to show at `at` and pictures only farther on; null: it can go on by itself. `ranges`: what lies
 * ready, s; `stands`: it searches, or waits for data.
 */
export function placeBeyond(
  ranges: readonly (readonly [number, number])[],
  at: number,
  stands: boolean,
): number | null {
  const next = ranges.find(([from]) => from > at);
  if (!next) return null;
  const here = ranges.find(([from, to]) => at >= from - 0.01 && at < to);
  const leftS = here ? here[1] - at : 0;
  return leftS > (stands ? UNREACHED_S : SHOWN_S) ? null : next[0] + 0.001;
}

/** A `MediaSource` on a video element with one buffer, fed in order; everything waits for its turn. */
export class MediaBuffer {
  readonly #video: HTMLVideoElement;
  readonly #listener: BufferListener;
  readonly #source: MediaSource;
  readonly #url: string;
  #codecs: string;
  #buffer: SourceBuffer | null = null;
  #tasks: Task[] = [];
  #closed = false;

  /** `codecs` must be playable. The video's `src` is replaced. */
  constructor(video: HTMLVideoElement, codecs: string, listener: BufferListener) {
    this.#video = video;
    this.#codecs = codecs;
    this.#listener = listener;
    this.#source = new (mediaSourceClass()!)();
    this.#source.addEventListener('sourceopen', () => this.#opened(), { once: true });
    video.disableRemotePlayback = true;
    this.#url = URL.createObjectURL(this.#source);
    video.src = this.#url;
  }

  /** An init segment; false where a buffer of its own is needed for it. */
  init(bytes: ArrayBuffer, codecs: string): boolean {
    if (trackCount(codecs) !== trackCount(this.#codecs)) return false;
    if (codecs !== this.#codecs) {
      this.#codecs = codecs;
      this.#do({ kind: 'type', mime: mimeOf(codecs) });
    }
    this.#do({ kind: 'append', bytes, offset: null, tries: 0 });
    return true;
  }

  /** A fragment, moved by `offset` seconds. */
  append(bytes: ArrayBuffer, offset: number): void {
    this.#do({ kind: 'append', bytes, offset, tries: 0 });
  }

  /** Lets go of what lies before. */
  trim(before: number): void {
    const from = this.start;
    if (from === null || before <= from || this.#tasks.some(({ kind }) => kind === 'remove')) return;
    this.#do({ kind: 'remove', from: 0, to: before });
  }

  /** Pieces that are not ready yet. */
  get waiting(): number {
    return this.#tasks.length;
  }

  get start(): number | null {
    const ranges = this.ranges;
    return ranges[0]?.[0] ?? null;
  }

  get end(): number | null {
    return this.ranges.at(-1)?.[1] ?? null;
  }

  /** What lies ready, as `[from, to]` in seconds. */
  get ranges(): readonly (readonly [number, number])[] {
    if (!this.#buffer || this.#source.readyState !== 'open') return [];
    const { buffered } = this.#buffer;
    return Array.from({ length: buffered.length }, (_, index) => [buffered.start(index), buffered.end(index)] as const);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#tasks = [];
    URL.revokeObjectURL(this.#url);
  }

  #opened(): void {
    if (this.#closed) return;
    try {
      this.#buffer = this.#source.addSourceBuffer(mimeOf(this.#codecs));
    } catch {
      this.#fail('type');
      return;
    }
    this.#buffer.addEventListener('updateend', () => {
      if (this.#closed) return;
      this.#next();
      this.#listener.fed();
    });
    this.#buffer.addEventListener('error', () => this.#fail('decode'));
    this.#next();
  }

  #do(task: Task): void {
    if (this.#closed) return;
    if (this.#tasks.length < WAITING_MAX) {
      this.#tasks.push(task);
      this.#next();
    } else this.#fail('full');
  }

  #next(): void {
    const buffer = this.#buffer;
    const task = this.#tasks[0];
    if (!buffer || !task || buffer.updating || this.#closed) return;
    if (this.#source.readyState !== 'open') {
      this.#fail('closed');
      return;
    }
    this.#tasks.shift();
    try {
      if (task.kind === 'append') {
        if (task.offset !== null && buffer.timestampOffset !== task.offset) buffer.timestampOffset = task.offset;
        buffer.appendBuffer(task.bytes);
      } else if (task.kind === 'remove') buffer.remove(task.from, task.to);
      else {
        buffer.changeType(task.mime);
        this.#next();
      }
    } catch (error) {
      if ((error as DOMException).name === 'QuotaExceededError' && task.kind === 'append' && task.tries === 0)
        this.#makeRoom(task);
      else this.#fail((error as DOMException).name === 'QuotaExceededError' ? 'full' : 'decode');
    }
  }

  /** The browser has no room: everything up to two seconds before the picture goes, then it is tried once more. */
  #makeRoom(task: Extract<Task, { kind: 'append' }>): void {
    const to = this.#video.currentTime - 2;
    if (to <= 0) {
      this.#fail('full');
      return;
    }
    this.#tasks.unshift({ kind: 'remove', from: 0, to }, { ...task, tries: 1 });
    this.#next();
  }

  #fail(reason: Parameters<BufferListener['fault']>[0]): void {
    if (this.#closed) return;
    this.close();
    this.#listener.fault(reason);
  }
}
