/** How a child ended: its exit code, or the signal that ended it; `failed` when it could not be started. */
export interface ProcessExit {
  code: number | null;
  signal: string | null;
  failed?: string;
}

/** Starts children that are owned: none outlives this process, even when it is killed. */
export interface Processes {
  spawn(command: string, args: readonly string[], options?: SpawnOptions): OwnedProcess;
}

export interface SpawnOptions {
  /** Written to standard input, which is then closed. The way in for whatever must not stand in argv. */
  input?: Uint8Array;
  /** Standard input stays open for `write`. */
  openInput?: boolean;
  /** The whole environment of the child; by default PATH, LANG=C and TZ=UTC only. */
  env?: Readonly<Record<string, string>>;
}

export interface OwnedProcess {
  readonly pid: number | undefined;
  /** Standard output; not reading it holds the child back (the pipe fills). A piece is good until the next is asked for. */
  readonly stdout: AsyncIterable<Uint8Array>;
  /** Writes to standard input that was asked to stay open; what a child does not take is lost with it. Never throws. */
  write?(bytes: Uint8Array): void;
  /** Standard error, line by line, each cut at 2,000 characters; always drained by the implementation. */
  onErrorLine(listener: (line: string) => void): void;
  /** Resolves once the child is gone and its pipes are closed. Never rejects. */
  readonly exited: Promise<ProcessExit>;
  /** Asks (SIGTERM), waits `graceMs` (default 3,000), then forces (SIGKILL); resolves with the exit. Safe to call twice. */
  stop(graceMs?: number): Promise<ProcessExit>;
}
