import assert from 'node:assert/strict';
import { PassThrough, Readable } from 'node:stream';
import { test } from 'node:test';
import type { ReadStream } from 'node:tty';
import { readHiddenLine, readInput } from '../../src/cli/terminal-input.ts';

/** A terminal that is typed at; remembers its modes. */
function typed() {
  const input = new PassThrough() as PassThrough & { setRawMode(on: boolean): void };
  const modes: boolean[] = [];
  input.setRawMode = (on) => void modes.push(on);
  let shown = '';
  const show = (text: string) => {
    shown += text;
  };
  const line = readHiddenLine(input as unknown as ReadStream, show, 'password: ');
  return { input, modes, line, shown: () => shown };
}

test('a line that is typed is heard and not shown, and the terminal is as it was', async () => {
  const { input, modes, line, shown } = typed();
  for (const part of ['s3', 'cr\u007f\u0007ret', ' é\r', 'next line']) input.write(part);
  assert.equal(await line, 's3cret é');
  assert.equal(shown(), 'password: \n');
  assert.deepEqual(modes, [true, false]);
});

test('who gives up is asked no more', async () => {
  for (const sign of ['\u0003', '\u0004']) {
    const { input, modes, line } = typed();
    input.write(`half${sign}`);
    await assert.rejects(line, { code: 'ERR_CLI_INTERRUPTED' });
    assert.deepEqual(modes, [true, false]);
  }
});

test('standard input is taken whole, and no more than wanted', async () => {
  assert.deepEqual(Buffer.from(await readInput(Readable.from(['ab', Buffer.from('c')]), 3)).toString(), 'abc');
  await assert.rejects(readInput(Readable.from(['ab', 'cd']), 3), { code: 'ERR_CLI_USAGE' });
});
