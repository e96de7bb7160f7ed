import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NvrError } from '../../src/errors.ts';
import { createPinoLog, type PinoLogOptions } from '../../src/platform/node/index.ts';

function logTo(options: Partial<PinoLogOptions> = {}) {
  const lines: string[] = [];
  const log = createPinoLog({ level: 'info', format: 'json', write: (line) => void lines.push(line), ...options });
  return { log, lines };
}

test('a line is one JSON object with fields, time and text', () => {
  const { log, lines } = logTo();
  log.child({ room: 'vault' }).child({ source: 'front' }).info({ seq: 7 }, 'closed a segment');
  assert.equal(lines.length, 1);
  assert.ok(lines[0]!.endsWith('\n'));
  const { time, ...rest } = JSON.parse(lines[0]!) as Record<string, unknown>;
  assert.deepEqual(rest, { level: 30, room: 'vault', source: 'front', seq: 7, msg: 'closed a segment' });
  assert.ok(Math.abs(Date.parse(String(time)) - Date.now()) < 60_000);
});

test('what is below the level is not written', () => {
  const { log, lines } = logTo({ level: 'warn' });
  log.debug({}, 'no');
  log.info({}, 'no');
  log.warn({}, 'yes');
  log.error({}, 'yes');
  assert.equal(lines.length, 2);
});

test('an error is told as code and text, with its cause, and with a stack only where everything is told', () => {
  const error = new NvrError('ERR_TEST_OUTER', 'unavailable', 'outer', { cause: new Error('inner') });
  const { log, lines } = logTo();
  log.error({ error }, 'failed');
  assert.deepEqual((JSON.parse(lines[0]!) as { error: unknown }).error, {
    code: 'ERR_TEST_OUTER',
    message: 'outer',
    cause: { message: 'inner' },
  });
  const all = logTo({ level: 'debug' });
  all.log.error({ error }, 'failed');
  assert.match(all.lines[0]!, /"stack":"/);
});

test('for a terminal a line is readable', () => {
  const { log, lines } = logTo({ format: 'text' });
  log.child({ room: 'ingest' }).warn({ source: 'front', reason: 'two words', count: 3 }, 'a run ended');
  assert.match(lines[0]!, /^\d\d:\d\d:\d\d warn {2}ingest {3}a run ended source=front reason="two words" count=3\n$/);
});
