/** The person's side: what commands print and hear. Tests hand in one that remembers. */
export interface Terminal {
  /** Standard output: results, and nothing else. */
  out(text: string): void;
  /** Bytes to standard output; resolves when they may be forgotten. */
  outBytes(bytes: Uint8Array): Promise<void>;
  /** Standard error: progress, remarks, errors. */
  err(text: string): void;
  /** Asks a person for a line that is not shown; null where nobody sits at standard input. */
  ask(question: string): Promise<string | null>;
  /** All of standard input, at most so many bytes. */
  input(most: number): Promise<Uint8Array>;
  /** True where a person looks at standard error, and a line may be drawn over. */
  readonly interactive: boolean;
  /** True where a person looks at standard output. */
  readonly outInteractive: boolean;
}

/** Prints rows as a table: columns as wide as their widest cell, two spaces between, numbers as the caller padded them. */
export function printTable(terminal: Terminal, head: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => (row[i] ?? '').length)));
  for (const row of [head, ...rows]) {
    const cells = row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i]!)));
    terminal.out(`${cells.join('  ').trimEnd()}\n`);
  }
}

/** Text of somebody else, made harmless for a terminal. */
export function harmless(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu, '?');
}

/** `12.3 MB`, in powers of a thousand. */
export function sizeText(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  const units = ['kB', 'MB', 'GB', 'TB'];
  let value = bytes / 1000;
  let unit = 0;
  while (value >= 999.95 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value.toFixed(1)} ${units[unit]}`;
}

/** Local date and time, `2026-11-21 14:22:05`. */
export function timeText(at: number): string {
  const date = new Date(at);
  const two = (value: number) => String(value).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** `59.9 s`, `12m 05s`, `3h 02m`, `4d 03h`. */
export function lengthText(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const two = (value: number) => String(Math.floor(value)).padStart(2, '0');
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ${two(seconds % 60)}s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)}h ${two((seconds % 3600) / 60)}m`;
  return `${Math.floor(seconds / 86_400)}d ${two((seconds % 86_400) / 3600)}h`;
}
