import { resolve } from 'node:path';
import {
  createNodeClock,
  createNodeFiles,
  createNodeProcesses,
  createNodeRandom,
  createNodeSuite,
  createPinoLog,
} from '../platform/node/index.ts';
import { EXIT_CODES, EXIT_INTERRUPTED } from './exit-codes.ts';
import { runCommandLine } from './program.ts';
import type { Terminal } from './terminal.ts';
import { readHiddenLine, readInput } from './terminal-input.ts';
import type { World } from './world.ts';

const interrupt = new AbortController();

/** The first signal asks to end in order, the second means now. */
function onSignal(): void {
  if (interrupt.signal.aborted) process.exit(EXIT_INTERRUPTED);
  interrupt.abort(new Error('interrupted'));
}

const terminal: Terminal = {
  out: (text) => void process.stdout.write(text),
  outBytes: (bytes) =>
    new Promise((done, fail) => {
      process.stdout.write(bytes, (error) => (error ? fail(error) : done()));
    }),
  err: (text) => void process.stderr.write(text),
  ask: async (question) =>
    process.stdin.isTTY ? readHiddenLine(process.stdin, (text) => void process.stderr.write(text), question) : null,
  input: (most) => readInput(process.stdin, most),
  interactive: process.stderr.isTTY === true,
  outInteractive: process.stdout.isTTY === true,
};

const world: World = {
  terminal,
  clock: createNodeClock(),
  random: createNodeRandom(),
  files: createNodeFiles(),
  suite: createNodeSuite(),
  processes: createNodeProcesses,
  log: (level) => createPinoLog({ level, format: terminal.interactive ? 'text' : 'json', write: terminal.err }),
  env: process.env,
  cwd: process.cwd(),
  home: resolve(import.meta.dirname, '../..'),
  pid: process.pid,
  interrupt: interrupt.signal,
  onHangup(listener) {
    process.on('SIGHUP', listener);
    return () => process.off('SIGHUP', listener);
  },
};

process.on('SIGINT', onSignal);
process.on('SIGTERM', onSignal);
// A reader of our output that goes away (`| head`) ends us quietly.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});
for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (error: unknown) => {
    terminal.err(`error: a fault of the program: ${error instanceof Error ? error.stack : String(error)}\n`);
    process.exitCode = EXIT_CODES.internal;
    if (interrupt.signal.aborted) process.exit();
    interrupt.abort(error); // what runs gets the chance to end in order
  });
}

const code = await runCommandLine(world, process.argv.slice(2));
// Output to a pipe may still be on its way.
process.stdout.write('', () => process.exit(process.exitCode ?? code));
