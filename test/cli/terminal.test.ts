import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Progress } from '../../src/cli/progress.ts';
import { harmless, lengthText, printTable, sizeText, timeText } from '../../src/cli/terminal.ts';
import { SimulatedClock } from '../../src/platform/index.ts';
import { FakeTerminal } from './fake-world.ts';

test('a table has columns as wide as they need to be', () => {
  const terminal = new FakeTerminal();
  printTable(
    terminal,
    ['A', 'LONG'],
    [
      ['wide one', 'x'],
      ['y', ''],
    ],
  );
  assert.equal(terminal.stdout, 'A         LONG\nwide one  x\ny\n');
});

test('sizes, lengths and times for people', () => {
  assert.deepEqual([0, 999, 1000, 999_949, 999_950, 12_345_678, 5e12].map(sizeText), [
    '0 B',
    '999 B',
    '1.0 kB',
    '999.9 kB',
    '1.0 MB',
    '12.3 MB',
    '5.0 TB',
  ]);
  assert.deepEqual([0, 59_940, 725_000, 10_920_000, 356_400_000].map(lengthText), [
    '0.0 s',
    '59.9 s',
    '12m 05s',
    '3h 02m',
    '4d 03h',
  ]);
  assert.equal(timeText(new Date(2026, 10, 1, 4, 5, 6).getTime()), '2026-11-01 04:05:06');
});

test('names of others cannot move the cursor', () => {
  assert.equal(harmless('a\x1b[2J\u202eb\u009bc'), 'a?[2J?b?c');
});

test('on a terminal progress is drawn over one line, and wiped', async () => {
  const terminal = new FakeTerminal();
  terminal.interactive = true;
  const clock = new SimulatedClock();
  const progress = new Progress(terminal, clock);
  const told = () => terminal.stderr;
  progress.received(500_000);
  progress.tell('at once');
  assert.equal(told(), '', 'nothing is said of what is over in a moment');
  await clock.advance(500);
  progress.tell('12.0 s', 0.456);
  assert.equal(told(), '\r\x1b[K 45%  12.0 s  500.0 kB  1.0 MB/s');
  progress.end();
  assert.equal(told().slice(-4), '\r\x1b[K');
});

test('elsewhere it is a line now and then', async () => {
  const terminal = new FakeTerminal();
  const clock = new SimulatedClock();
  const progress = new Progress(terminal, clock);
  for (let second = 0; second < 11; second++) {
    progress.received(1_000_000);
    progress.tell(`${second}`);
    await clock.advance(1000);
  }
  progress.end();
  assert.deepEqual(terminal.stderr.split('\n'), ['5  6.0 MB  1.2 MB/s', '10  11.0 MB  1.1 MB/s', '']);
});
