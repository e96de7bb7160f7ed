import { sizeText, type Terminal } from './terminal.ts';

/** Redrawn this often where a person looks, and written as a line this often where none does; ms. */
const REDRAW_MS = 200;
const LINE_MS = 5_000;

/**
 * Tells on standard error how a transfer goes: drawn over one line on a terminal, a plain line now and then elsewhere.
 * Nothing is said of what is over in a moment.
 */
export class Progress {
  readonly #terminal: Terminal;
  readonly #clock: { monotonic(): number };
  readonly #startedAt: number;
  #toldAt: number;
  #drawn = false;
  #received = 0;

  constructor(terminal: Terminal, clock: { monotonic(): number }) {
    this.#terminal = terminal;
    this.#clock = clock;
    this.#startedAt = clock.monotonic();
    this.#toldAt = this.#startedAt;
  }

  /** More bytes came in. */
  received(bytes: number): void {
    this.#received += bytes;
  }

  /** Says how far it is: `what` is for people, `share` from 0 to 1 where it is known. */
  tell(what: string, share?: number): void {
    const now = this.#clock.monotonic();
    if (now - this.#toldAt < (this.#terminal.interactive ? REDRAW_MS : LINE_MS)) return;
    this.#toldAt = now;
    const percent = share === undefined ? '' : `${String(Math.floor(Math.min(1, share) * 100)).padStart(3)}%  `;
    const line = `${percent}${what}  ${sizeText(this.#received)}  ${sizeText(Math.round(this.rate))}/s`;
    this.#drawn = this.#terminal.interactive;
    this.#terminal.err(this.#terminal.interactive ? `\r\x1b[K${line}` : `${line}\n`);
  }

  /** Bytes per second since the start. */
  get rate(): number {
    const seconds = (this.#clock.monotonic() - this.#startedAt) / 1000;
    return seconds > 0 ? this.#received / seconds : 0;
  }

  /** Bytes that came in. */
  get bytes(): number {
    return this.#received;
  }

  /** Wipes the line that was drawn. */
  end(): void {
    if (this.#drawn) this.#terminal.err('\r\x1b[K');
    this.#drawn = false;
  }
}
