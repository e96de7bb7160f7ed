import type { InitPiece } from '../engine/messages.ts';

/** Later than any picture; s. */
const GLASS_END_S = 1e10;

interface Step {
  run(buffer: SourceBuffer): void;
  /** Stays when all pictures are let go of. */
  keep: boolean;
}

/** What one tile of the past is drawn on: a `<video>` with one source buffer, laid out by wall time. Steps are done one after the other. */
export class PastGlass {
  readonly video: HTMLVideoElement;
  readonly #source = new MediaSource();
  readonly #url: string;
  readonly #onFault: (what: string) => void;
  #buffer: SourceBuffer | null = null;
  #steps: Step[] = [];
  #type = '';
  #closed = false;
  #retried = false;

  /** `onFault`: the browser took the bytes for damaged; nothing more is shown. */
  constructor(video: HTMLVideoElement, onFault: (what: string) => void) {
    this.video = video;
    this.#onFault = onFault;
    this.#url = URL.createObjectURL(this.#source);
    this.#source.addEventListener('sourceopen', () => this.#run(), { once: true });
    video.src = this.#url;
  }

  /** False where this browser has no decoder for it. */
  init({ bytes, codecs }: InitPiece): boolean {
    const type = `video/mp4; codecs="${codecs}"`;
    if (!MediaSource.isTypeSupported(type)) return false;
    this.#steps.push({
      keep: true,
      run: (buffer) => {
        if (type !== this.#type) buffer.changeType(type);
        this.#type = type;
        buffer.appendBuffer(bytes);
      },
    });
    this.#type ||= type;
    this.#run();
    return true;
  }

  append(bytes: ArrayBuffer, offset: number): void {
    this.#steps.push({
      keep: false,
      run: (buffer) => {
        // Only a change is told: each one begins a new group of the decoder's.
        if (Math.abs(buffer.timestampOffset - offset) > 1e-6) buffer.timestampOffset = offset;
        buffer.appendBuffer(bytes);
      },
    });
    this.#run();
  }

  /** Frees a stretch, in seconds of the glass. */
  remove(from: number, to: number): void {
    if (to > from) {
      this.#steps.push({
        keep: true,
        run: (buffer) => buffer.remove(Math.max(0, from), to),
      });
    }
    this.#run();
  }

  /** Frees everything; the picture on the glass stays. What waited to be laid is left out. */
  clear(): void {
    this.#steps = this.#steps.filter(({ keep }) => keep);
    if (this.#buffer) this.remove(0, Number.POSITIVE_INFINITY);
  }

  get waiting(): number {
    return this.#steps.length;
  }

  close(): void {
    this.#closed = true;
    this.#steps = [];
    URL.revokeObjectURL(this.#url);
    if (this.video.src === this.#url) {
      this.video.pause();
      this.video.removeAttribute('src');
      this.video.load();
    }
  }

  #run(): void {
    if (this.#closed || this.#source.readyState !== 'open' || !this.#type) return;
    if (!this.#buffer) {
      // What is searched for may be on its way yet: without this a browser goes to the end of what lies there instead, and stays.
      this.#source.duration = Number.POSITIVE_INFINITY;
      this.#source.setLiveSeekableRange(0, GLASS_END_S);
      this.#buffer = this.#source.addSourceBuffer(this.#type);
      this.#buffer.addEventListener('updateend', () => this.#run());
      this.#buffer.addEventListener('error', () => this.#fail('the browser could not read it'));
    }
    while (!this.#buffer.updating && this.#steps.length > 0) {
      const step = this.#steps.shift()!;
      try {
        step.run(this.#buffer);
        this.#retried = false;
      } catch (error) {
        // No room: what lies behind is freed, then it is tried once more.
        if ((error as DOMException).name === 'QuotaExceededError' && !this.#retried) {
          this.#retried = true;
          const { currentTime } = this.video;
          const free = (buffer: SourceBuffer) => buffer.remove(0, Math.max(0.001, currentTime - 1));
          this.#steps.unshift({ keep: true, run: free }, step);
        } else this.#fail(String((error as Error).message));
      }
    }
  }

  #fail(what: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#steps = [];
    this.#onFault(what);
  }
}
