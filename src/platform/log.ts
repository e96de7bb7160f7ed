/** Fields of one log line. Never a key, a credential, or an address with a password in it. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Where a room tells its story: fields first, then a short sentence in the past tense. */
export interface Log {
  debug(fields: LogFields, text: string): void;
  info(fields: LogFields, text: string): void;
  warn(fields: LogFields, text: string): void;
  error(fields: LogFields, text: string): void;
  /** A log that adds `fields` (usually `{ room }`) to each line. */
  child(fields: LogFields): Log;
}

/** A log that says nothing. */
export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => silentLog };
