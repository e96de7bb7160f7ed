import type { OwnedProcess, ProcessExit, Processes, SpawnOptions } from '../../src/platform/index.ts';

/** A child that does what a test tells it to. */
export class FakeChild implements OwnedProcess {
  readonly pid = 1;
  readonly command: string;
  readonly args: readonly string[];
  readonly input: string;
  readonly exited: Promise<ProcessExit>;
  /** How often it was asked to end. */
  stops = 0;
  /** A child that does not listen ends only when the test says so. */
  deaf = false;
  #exit: (exit: ProcessExit) => void = () => {};
  #listeners: ((line: string) => void)[] = [];
  #queue: Uint8Array[] = [];
  #ended = false;
  #wake = () => {};

  constructor(command: string, args: readonly string[], options: SpawnOptions) {
    this.command = command;
    this.args = args;
    this.input = new TextDecoder().decode(options.input);
    this.exited = new Promise((resolve) => {
      this.#exit = resolve;
    });
  }

  get stdout(): AsyncIterable<Uint8Array> {
    return this.#read();
  }

  onErrorLine(listener: (line: string) => void): void {
    this.#listeners.push(listener);
  }

  stop(): Promise<ProcessExit> {
    this.stops++;
    if (!this.deaf) this.end({ code: 255, signal: null });
    return this.exited;
  }

  /** Bytes waiting to be read: what back-pressure leaves in the pipe. */
  get waiting(): number {
    return this.#queue.length;
  }

  write(bytes: Uint8Array): void {
    this.#queue.push(bytes);
    this.#wake();
  }

  say(line: string): void {
    for (const listener of this.#listeners) listener(line);
  }

  end(exit: ProcessExit = { code: 0, signal: null }): void {
    this.#ended = true;
    this.#exit(exit);
    this.#wake();
  }

  async *#read(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const bytes = this.#queue.shift();
      if (bytes) yield bytes;
      else if (this.#ended) return;
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
  }
}

/** Children made by a test instead of the system; all that were started, in order. */
export class FakeProcesses implements Processes {
  readonly children: FakeChild[] = [];

  get last(): FakeChild {
    return this.children.at(-1)!;
  }

  spawn(command: string, args: readonly string[], options: SpawnOptions = {}): FakeChild {
    const child = new FakeChild(command, args, options);
    this.children.push(child);
    return child;
  }
}
