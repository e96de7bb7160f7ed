import { utf8 } from '../bytes/index.ts';
import type { Clock, Log, OwnedProcess, Processes, Startable } from '../platform/index.ts';

export interface EncoderDeps {
  clock: Clock;
  log: Log;
  processes: Processes;
}

export interface EncoderOptions {
  /** For the log: `main`, `sub`, `audio`. */
  name: string;
  command: string;
  /** Asked anew for each life. `plain` is true once burning in text has failed. */
  arguments: (plain: boolean) => readonly string[];
  /** A life begins; what was left of the one before is void. */
  onStart: () => void;
  onBytes: (bytes: Uint8Array) => void;
  /** It can be told things while it runs. */
  told?: boolean;
}

const BACKOFF_MS_MIN = 500;
const BACKOFF_MS_MAX = 10_000;
/** An encoder that lived this long was well; the next start does not wait longer than the least. */
const HEALTHY_MS = 10_000;

/** Keeps one ffmpeg alive until it is stopped: when it ends by itself it is started again, waiting longer each time. */
export class Encoder implements Startable {
  readonly #deps: EncoderDeps;
  readonly #options: EncoderOptions;
  #abort: AbortController | undefined;
  #child: OwnedProcess | undefined;
  #loop: Promise<void> | undefined;

  constructor(deps: EncoderDeps, options: EncoderOptions) {
    this.#deps = deps;
    this.#options = options;
  }

  async start(): Promise<void> {
    if (this.#loop) return;
    this.#abort = new AbortController();
    this.#loop = this.#run(this.#abort.signal);
  }

  /** Tells the running encoder; nothing where none runs. */
  tell(text: string): void {
    this.#child?.write?.(utf8(text));
  }

  async stop(): Promise<void> {
    this.#abort?.abort();
    await this.#child?.stop(500);
    await this.#loop;
    this.#loop = undefined;
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { clock, log, processes } = this.#deps;
    const { name, command, onBytes, onStart, told = false } = this.#options;
    let backoffMs = BACKOFF_MS_MIN;
    let plain = false;
    while (!signal.aborted) {
      const startedAt = clock.monotonic();
      let lastLine = '';
      let fontTrouble = false;
      onStart();
      const child = processes.spawn(command, this.#options.arguments(plain), told ? { openInput: true } : undefined);
      this.#child = child;
      child.onErrorLine((line) => {
        lastLine = line;
        fontTrouble ||= /drawtext|font/i.test(line);
        log.debug({ encoder: name, line }, 'encoder said');
      });
      let heard = false;
      try {
        for await (const bytes of child.stdout) {
          heard = true;
          if (!signal.aborted) onBytes(bytes);
        }
      } catch (error) {
        if (!signal.aborted) log.warn({ encoder: name, error }, 'encoder pipe broke');
      }
      const exit = await (signal.aborted ? child.stop(500) : child.exited);
      if (signal.aborted) break;
      if (!heard && fontTrouble && !plain) {
        plain = true;
        log.warn({ encoder: name }, 'text could not be drawn; the clock in the corner of the picture remains');
      }
      if (clock.monotonic() - startedAt >= HEALTHY_MS) backoffMs = BACKOFF_MS_MIN;
      log.warn({ encoder: name, exit, lastLine, backoffMs }, 'encoder ended by itself');
      await clock.sleep(backoffMs, signal).catch(() => undefined);
      backoffMs = Math.min(backoffMs * 2, BACKOFF_MS_MAX);
    }
  }
}
