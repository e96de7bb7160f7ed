import { resolve } from 'node:path';
import type { Terminal } from '../../src/cli/terminal.ts';
import type { World } from '../../src/cli/world.ts';
import { SeededRandom, SimulatedClock, SimulatedFiles, silentLog } from '../../src/platform/index.ts';
import { createNodeSuite } from '../../src/platform/node/index.ts';

/** A terminal that remembers. */
export class FakeTerminal implements Terminal {
  stdout = '';
  stderr = '';
  bytes: Uint8Array[] = [];
  interactive = false;
  outInteractive = false;

  out(text: string): void {
    this.stdout += text;
  }

  async outBytes(bytes: Uint8Array): Promise<void> {
    this.bytes.push(bytes.slice());
  }

  err(text: string): void {
    this.stderr += text;
  }

  /** What a person answers, or null where there is none. */
  answer: string | null = null;
  stdin: Uint8Array = new Uint8Array(0);

  async ask(question: string): Promise<string | null> {
    if (this.answer !== null) this.stderr += question;
    return this.answer;
  }

  async input(most: number): Promise<Uint8Array> {
    return this.stdin.subarray(0, most);
  }
}

/** A world without a disk, a network, or passing time. */
export function fakeWorld(change: Partial<World> = {}) {
  const terminal = new FakeTerminal();
  const clock = new SimulatedClock();
  const files = new SimulatedFiles();
  const world: World = {
    terminal,
    clock,
    random: new SeededRandom(3),
    files,
    suite: createNodeSuite(),
    processes: () => {
      throw new Error('no processes here');
    },
    log: () => silentLog,
    env: { HOME: '/home/me', CONSTITUTE_NVR_DATA: '/data' },
    cwd: '/home/me',
    home: resolve(import.meta.dirname, '../..'),
    pid: 1,
    interrupt: new AbortController().signal,
    onHangup: () => () => {},
    ...change,
  };
  return { world, terminal, clock, files };
}
