import pino from 'pino';
import type { Log } from '../log.ts';

/** How much is told: nothing below this level is written. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

export interface PinoLogOptions {
  level: LogLevel;
  /** `json`: one object a line, for machines. `text`: one readable line, for a terminal. */
  format: 'json' | 'text';
  /** Takes whole lines with their newline; called synchronously. */
  write(line: string): void;
}

const LEVEL_NAMES: Record<number, string> = { 20: 'debug', 30: 'info', 40: 'warn', 50: 'error' };

/**
 * A log kept by pino. An `error` field holding an `Error` is told as its code and message, without stack above `debug`.
 *
 * Lines are written synchronously, so the last words before an exit are not lost.
 */
export function createPinoLog(options: PinoLogOptions): Log {
  const write = options.format === 'json' ? options.write : (line: string) => options.write(readable(line));
  const logger = pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      serializers: { error: (value: unknown) => describe(value, options.level === 'debug') },
    },
    { write },
  );
  return wrap(logger);
}

function wrap(logger: pino.Logger): Log {
  return {
    debug: (fields, text) => logger.debug(fields, text),
    info: (fields, text) => logger.info(fields, text),
    warn: (fields, text) => logger.warn(fields, text),
    error: (fields, text) => logger.error(fields, text),
    child: (fields) => wrap(logger.child(fields)),
  };
}

function describe(value: unknown, withStack: boolean): unknown {
  if (!(value instanceof Error)) return value;
  const code = (value as { code?: unknown }).code;
  return {
    ...(typeof code === 'string' ? { code } : {}),
    message: value.message,
    ...(value.cause instanceof Error ? { cause: describe(value.cause, withStack) } : {}),
    ...(withStack ? { stack: value.stack } : {}),
  };
}

/** Turns one of pino's lines into `14:03:07 warn  ingest  text  key=value`. */
function readable(line: string): string {
  const { level, time, msg, room, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const clock = typeof time === 'string' ? new Date(time).toTimeString().slice(0, 8) : '';
  const name = (LEVEL_NAMES[level as number] ?? String(level)).padEnd(5);
  const rest = Object.entries(fields).map(([key, value]) => `${key}=${plain(value)}`);
  return `${[clock, name, String(room ?? 'daemon').padEnd(8), String(msg ?? ''), ...rest].join(' ')}\n`;
}

function plain(value: unknown): string {
  if (typeof value === 'string') return /^[\w./:@+-]+$/.test(value) ? value : JSON.stringify(value);
  return JSON.stringify(value) ?? 'undefined';
}
