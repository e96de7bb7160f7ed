import type { OwnedProcess, ProcessExit, Processes } from '../../src/platform/index.ts';
import { writeTransportStream } from './transport-stream-writer.ts';

/** One child that never was: its output is what a test pushes. */
export class FakeEncoder implements OwnedProcess {
  readonly pid = undefined;
  readonly args: readonly string[];
  readonly exited: Promise<ProcessExit>;
  stopped = false;
  #exit!: (exit: ProcessExit) => void;
  #queue: Uint8Array[] = [];
  #wake = () => {};
  #listeners: Array<(line: string) => void> = [];
  #ended = false;
  #pictures = 0;

  constructor(args: readonly string[]) {
    this.args = args;
    this.exited = new Promise((resolve) => {
      this.#exit = resolve;
    });
  }

  get stdout(): AsyncIterable<Uint8Array> {
    const self = this;
    return {
      async *[Symbol.asyncIterator]() {
        for (;;) {
          for (let bytes = self.#queue.shift(); bytes; bytes = self.#queue.shift()) yield bytes;
          if (self.#ended) return;
          await new Promise<void>((resolve) => {
            self.#wake = resolve;
          });
        }
      },
    };
  }

  onErrorLine(listener: (line: string) => void): void {
    this.#listeners.push(listener);
  }

  say(line: string): void {
    for (const listener of this.#listeners) listener(line);
  }

  push(bytes: Uint8Array): void {
    this.#queue.push(bytes);
    this.#wake();
  }

  /** One H.264 picture of about `sliceBytes`, at 25 a second; `mark` tells its SPS and slices apart from others. */
  picture(options: { keyframe: boolean; sliceBytes?: number; mark?: number }): void {
    const { keyframe, sliceBytes = 300, mark = 1 } = options;
    const slice = Buffer.alloc(sliceBytes, 0xa0 + mark);
    slice[0] = keyframe ? 0x65 : 0x41;
    const nals = keyframe
      ? [[9, 16], [0x67, 0x42, 0xc0, 0x1f, 0x80 + mark], [0x68, 0xce, 0x3c, 0x80], slice]
      : [[9, 48], slice];
    const annexB = Buffer.concat(nals.flatMap((nal) => [Buffer.of(0, 0, 0, 1), Buffer.from(nal)]));
    this.push(writeTransportStream(450_000 + this.#pictures++ * 3600, annexB));
  }

  /** Ends by itself. */
  end(exit: ProcessExit): void {
    this.#ended = true;
    this.#wake();
    this.#exit(exit);
  }

  async stop(): Promise<ProcessExit> {
    this.stopped = true;
    this.end({ code: null, signal: 'SIGTERM' });
    return this.exited;
  }
}

/** Children in the order in which they were asked for. */
export class FakeEncoders implements Processes {
  readonly all: FakeEncoder[] = [];

  spawn(_command: string, args: readonly string[]): FakeEncoder {
    const encoder = new FakeEncoder(args);
    this.all.push(encoder);
    return encoder;
  }

  /** The newest child whose arguments contain `text`. */
  of(text: string): FakeEncoder {
    const found = this.all.findLast((encoder) => encoder.args.join(' ').includes(text));
    if (!found) throw new Error(`no encoder with ${text} in its arguments`);
    return found;
  }
}
