// Runs the files of tests it is given, two at a time, in the order given, and tells them as one run: scripts/test.mjs starts it.
// Those that want much of the machine and judge times run one after the other, beside others: two browsers at once are more than two cores
// can show in time. With SLOW=1 they go through walls of sixteen pictures, and nothing runs beside them.
import { Readable } from 'node:stream';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';

const AT_ONCE = 2;
const DEMANDING = /^test\/(viewer\/|e2e\/swarm-namespaces)/;
const ALONE = process.env.SLOW === '1';
const SUMMARY = [
  ['tests', 'tests'],
  ['suites', 'suites'],
  ['passed', 'pass'],
  ['failed', 'fail'],
  ['cancelled', 'cancelled'],
  ['skipped', 'skipped'],
  ['todo', 'todo'],
];

const startedAt = performance.now();
const counts = Object.fromEntries(SUMMARY.map(([name]) => [name, 0]));
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => stop.abort());

/** Whether a file may begin beside those that run. */
function mayJoin(file, running) {
  const demanding = [file, ...running].filter((each) => DEMANDING.test(each)).length;
  return ALONE ? demanding === 0 || running.length === 0 : demanding < 2;
}

/** What one file tells, at once when it is done: what two files tell would be mixed otherwise. */
async function eventsOf(file) {
  const events = [];
  for await (const event of run({ files: [file], concurrency: 1, signal: stop.signal })) {
    const { type, data } = event;
    // A run of a file counts itself at its end; here that is done once, for all of them.
    if (data.file) events.push(event);
    else if (type === 'test:summary') for (const name of Object.keys(counts)) counts[name] += data.counts[name];
  }
  return events;
}

async function* eventsOfAll(waiting) {
  const running = new Map();
  for (;;) {
    while (running.size < AT_ONCE && !stop.signal.aborted) {
      const next = waiting.findIndex((file) => mayJoin(file, [...running.keys()]));
      if (next === -1) break;
      const [file] = waiting.splice(next, 1);
      const done = eventsOf(file).then((events) => ({ file, events }));
      running.set(file, done);
    }
    if (running.size === 0) break;
    const { file, events } = await Promise.race(running.values());
    running.delete(file);
    yield* events;
  }
  for (const [name, word] of SUMMARY)
    yield { type: 'test:diagnostic', data: { nesting: 0, level: 'info', message: `${word} ${counts[name]}` } };
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  yield { type: 'test:diagnostic', data: { nesting: 0, level: 'info', message: `seconds ${seconds}` } };
}

const told = Readable.from(eventsOfAll(process.argv.slice(2))).compose(spec);
for await (const chunk of told) process.stdout.write(chunk);
const green = counts.tests > 0 && counts.failed === 0 && counts.cancelled === 0 && !stop.signal.aborted;
process.exitCode = green ? 0 : 1;
