import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import type { Readable } from 'node:stream';
import type { OwnedProcess, ProcessExit, Processes, SpawnOptions } from '../processes.ts';

const ERROR_LINE_MAX = 2_000;
const GRACE_MS = 3_000;
const LAST_WORDS_MS = 2_000;
/** Bytes that may wait for a child that does not read its input; more is not taken. */
const INPUT_WAITING_MAX = 64 * 1024;

/** Real children, and whether they are tied to our life: without `setpriv` a child may survive our own kill -9. */
export interface NodeProcesses extends Processes {
  readonly tied: boolean;
}

/**
 * Children of this process, started under `setpriv --pdeathsig KILL` (util-linux) where it is there, so that the kernel ends
 * them with us. They get an environment of PATH, LANG=C and TZ=UTC unless told otherwise, and no file of ours.
 */
export function createNodeProcesses(): NodeProcesses {
  const tied = spawnSync('setpriv', ['--pdeathsig', 'KILL', 'true'], { stdio: 'ignore' }).status === 0;
  return {
    tied,
    spawn(command, args, options) {
      const words = tied ? ['setpriv', '--pdeathsig', 'KILL', '--', command, ...args] : [command, ...args];
      return own(words, options ?? {});
    },
  };
}

function own([command, ...args]: string[], options: SpawnOptions): OwnedProcess {
  const env = { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LANG: 'C', TZ: 'UTC', ...options.env };
  // A session of its own: Ctrl-C at our terminal is for us, who stop children in order.
  const child = spawn(command!, args, { env, stdio: ['pipe', 'pipe', 'pipe'], detached: true });
  const exited = exitOf(child);
  child.stdin.on('error', () => {}); // a child that closes its input early says why by its exit
  if (options.openInput) child.stdin.write(options.input ?? new Uint8Array(0));
  else child.stdin.end(options.input);
  const errors = errorLines(child);
  let stopping: Promise<ProcessExit> | null = null;
  return {
    pid: child.pid,
    stdout: lent(child.stdout),
    write(bytes) {
      if (child.stdin.writable && child.stdin.writableLength <= INPUT_WAITING_MAX) child.stdin.write(bytes);
    },
    onErrorLine: errors,
    exited,
    stop(graceMs = GRACE_MS) {
      stopping ??= terminate(child, exited, graceMs);
      return stopping;
    },
  };
}

/** Pieces that may wait for their reader; the pipe is held back beyond that. */
const WAITING_MAX = 4;

/**
 * The pieces of a pipe, one at a time. Begins to read when first asked, and gives each piece's memory back once the next is
 * asked for: left to the collector, the pieces of eight cameras count as memory pressure that brings a full collection every
 * second, which costs more than recording. Listens to `data` because a stream's own iterator costs several turns and
 * promises for each piece.
 */
function lent(stream: Readable): AsyncIterable<Uint8Array> {
  return {
    [Symbol.asyncIterator]() {
      const waiting: Buffer[] = [];
      let last: Buffer | null = null;
      let ended = false;
      let failure: Error | null = null;
      let wake: (() => void) | null = null;
      const tell = () => {
        wake?.();
        wake = null;
      };
      const end = () => {
        ended = true;
        tell();
      };
      stream.on('error', (error: Error) => {
        failure = error;
        end();
      });
      stream.on('end', end);
      stream.on('close', end);
      stream.on('data', (piece: Buffer) => {
        waiting.push(piece);
        if (waiting.length >= WAITING_MAX) stream.pause();
        tell();
      });
      return {
        async next() {
          giveBack(last);
          last = null;
          while (waiting.length === 0 && !ended) {
            if (stream.isPaused()) stream.resume();
            await new Promise<void>((resolve) => {
              wake = resolve;
            });
          }
          last = waiting.shift() ?? null;
          if (last) return { value: last, done: false };
          if (failure) throw failure;
          return { value: undefined, done: true };
        },
        async return() {
          giveBack(last);
          stream.destroy();
          return { value: undefined, done: true };
        },
      };
    },
  };
}

function giveBack(piece: Buffer | null): void {
  if (piece?.buffer instanceof ArrayBuffer && piece.length === piece.buffer.byteLength) piece.buffer.transfer(0);
}

function exitOf(child: ChildProcess): Promise<ProcessExit> {
  return new Promise((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) => {
      if (child.pid === undefined) resolve({ code: null, signal: null, failed: error.code ?? 'failed to start' });
    });
    // `exit`, not `close`: a grandchild or an unread pipe must not keep us waiting.
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
}

async function terminate(child: ChildProcess, exited: Promise<ProcessExit>, graceMs: number): Promise<ProcessExit> {
  child.kill('SIGTERM');
  const force = setTimeout(() => child.kill('SIGKILL'), graceMs);
  const exit = await exited;
  clearTimeout(force);
  // What the child wrote last may still be read; pipes nobody reads are let go.
  setTimeout(() => {
    child.stdout?.destroy();
    child.stderr?.destroy();
  }, LAST_WORDS_MS).unref();
  return exit;
}

/** Splits standard error into capped lines; drains it from the start, whether or not anybody listens. */
function errorLines(child: ChildProcess): (listener: (line: string) => void) => void {
  const listeners: ((line: string) => void)[] = [];
  let line = '';
  const emit = () => {
    if (line !== '') for (const listener of listeners) listener(line);
    line = '';
  };
  child.stderr?.setEncoding('utf8');
  child.stderr?.on('data', (text: string) => {
    for (const [index, part] of text.split(/[\r\n]/).entries()) {
      if (index > 0) emit();
      if (line.length < ERROR_LINE_MAX) line = (line + part).slice(0, ERROR_LINE_MAX);
    }
  });
  child.stderr?.on('end', emit);
  child.stderr?.on('error', () => {});
  return (listener) => {
    listeners.push(listener);
  };
}
