import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { utf8 } from '../../src/bytes/index.ts';
import { MovieOutput, type MovieOutputOptions, partPath } from '../../src/cli/movie-output.ts';
import { FakeTerminal } from './fake-world.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'output-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function outputTo(name: string, options: Partial<MovieOutputOptions> = {}) {
  const terminal = new FakeTerminal();
  return {
    terminal,
    output: new MovieOutput(terminal, { path: join(folder, name), force: false, keepPartial: false, ...options }),
  };
}

test('a file takes its name when it is whole', async () => {
  const { output } = outputTo('a.mp4');
  await output.check();
  const sink = await output.openPart(1);
  await sink.write(utf8('one '));
  assert.deepEqual(readdirSync(folder), ['a.mp4.part']);
  await sink.write(utf8('two'));
  await sink.close();
  await output.abandon();
  assert.deepEqual(readdirSync(folder), ['a.mp4']);
  assert.equal(readFileSync(join(folder, 'a.mp4'), 'utf8'), 'one two');
  assert.deepEqual(output.paths, [join(folder, 'a.mp4')]);
});

test('what is broken off leaves nothing, or what was asked to be kept', async () => {
  for (const keepPartial of [false, true]) {
    const { output } = outputTo('b.mp4', { keepPartial });
    const sink = await output.openPart(1);
    await sink.write(utf8('half'));
    output.fail();
    await sink.close();
    await output.abandon();
    assert.deepEqual(readdirSync(folder), keepPartial ? ['b.mp4.part'] : []);
    assert.deepEqual(output.paths, []);
  }
});

test('a file that is there is not overwritten unless asked to', async () => {
  writeFileSync(join(folder, 'c.mp4'), 'old');
  await assert.rejects(outputTo('c.mp4').output.check(), { code: 'ERR_CLI_FILE_EXISTS', kind: 'conflict' });
  const { output } = outputTo('c.mp4', { force: true });
  await output.check();
  const sink = await output.openPart(1);
  await sink.write(utf8('new'));
  assert.equal(readFileSync(join(folder, 'c.mp4'), 'utf8'), 'old', 'until the new one is whole');
  await sink.close();
  assert.equal(readFileSync(join(folder, 'c.mp4'), 'utf8'), 'new');
});

test('a folder that is not there is told before anything is transferred', async () => {
  await assert.rejects(outputTo('none/d.mp4').output.check(), { code: 'ERR_CLI_OUTPUT', message: /does not exist/ });
});

test('further parts are numbered before the ending', () => {
  assert.equal(partPath('/x/a.mp4', 1), '/x/a.mp4');
  assert.equal(partPath('/x/a.mp4', 2), '/x/a-2.mp4');
  assert.equal(partPath('a', 3), 'a-3');
});

test('standard output takes one movie, and no terminal', async () => {
  const { output, terminal } = outputTo('', { path: '-' });
  await output.check();
  const sink = await output.openPart(1);
  await sink.write(utf8('bytes'));
  await sink.close();
  assert.deepEqual(terminal.bytes, [utf8('bytes')]);
  assert.deepEqual(output.paths, ['-']);
  await assert.rejects(async () => output.openPart(2), { code: 'ERR_CLI_OUTPUT' });
  terminal.outInteractive = true;
  assert.throws(() => new MovieOutput(terminal, { path: '-', force: false, keepPartial: false }), {
    code: 'ERR_CLI_USAGE',
  });
  assert.ok(!existsSync(join(folder, '-')));
});
