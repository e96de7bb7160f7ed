import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SyncCryptoSuite } from '../crypto/index.ts';
import type { Clock, Files, Log, Processes, Random } from '../platform/index.ts';
import type { Terminal } from './terminal.ts';

/** Everything a command may touch; `main.ts` hands in the real things. */
export interface World {
  terminal: Terminal;
  clock: Clock;
  random: Random;
  files: Files;
  suite: SyncCryptoSuite;
  processes(): Processes;
  /** A log of this level, written to standard error. */
  log(level: 'debug' | 'info' | 'warn' | 'error'): Log;
  env: Readonly<Record<string, string | undefined>>;
  cwd: string;
  /** The folder that holds package.json. */
  home: string;
  pid: number;
  /** Aborts with the first Ctrl-C or SIGTERM. */
  interrupt: AbortSignal;
  /** Calls the listener at each SIGHUP, until the function it gives is called; while nobody listens SIGHUP ends the program. */
  onHangup(listener: () => void): () => void;
}

/** The version in package.json. */
export function versionOf({ home }: Pick<World, 'home'>): string {
  return (JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')) as { version: string }).version;
}
