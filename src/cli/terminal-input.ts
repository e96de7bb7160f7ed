import type { ReadStream } from 'node:tty';
import { interrupted, usageError } from './errors.ts';

/** Longest line that is taken from a person. */
const LINE_MAX = 512;

/** All that comes from standard input, at most `most` bytes. */
export async function readInput(input: NodeJS.ReadableStream, most: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of input) {
    const bytes = typeof part === 'string' ? Buffer.from(part) : (part as Uint8Array);
    size += bytes.length;
    if (size > most) throw usageError(`expected at most ${most} bytes on standard input`);
    parts.push(bytes);
  }
  return Buffer.concat(parts);
}

/**
 * One line from a person at a terminal, without showing it. Ctrl-C and Ctrl-D give up (`ERR_CLI_INTERRUPTED`); the terminal is as it was
 * afterwards.
 */
export function readHiddenLine(input: ReadStream, show: (text: string) => void, question: string): Promise<string> {
  show(question);
  input.setRawMode(true);
  input.resume();
  return new Promise((resolve, reject) => {
    let line = '';
    const end = () => {
      input.off('data', take);
      input.setRawMode(false);
      input.pause();
      show('\n');
    };
    const take = (bytes: Buffer) => {
      for (const sign of bytes.toString('utf8')) {
        if (sign === '\r' || sign === '\n') {
          end();
          resolve(line);
          return;
        }
        if (sign === '\u0003' || sign === '\u0004') {
          end();
          reject(interrupted());
          return;
        }
        if (sign === '\u007f' || sign === '\b') line = [...line].slice(0, -1).join('');
        else if (sign >= ' ' && line.length < LINE_MAX) line += sign;
      }
    };
    input.on('data', take);
  });
}
