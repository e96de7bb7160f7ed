import assert from 'node:assert/strict';
import { test } from 'node:test';
import { QuestionGate } from '../../src/cameras/question-gate.ts';
import { SimulatedClock } from '../../src/platform/index.ts';

const never = new AbortController().signal;

/** A gate of two, and questions that end when they are told to. */
function rig() {
  const clock = new SimulatedClock();
  const gate = new QuestionGate(clock, { most: 2, limitMs: 1_000 });
  const begun: string[] = [];
  const ends = new Map<string, PromiseWithResolvers<string>>();
  const ask = (name: string, options: { owner?: object; signal?: AbortSignal; urgent?: boolean } = {}) => {
    const end = Promise.withResolvers<string>();
    ends.set(name, end);
    const asked = gate.ask(
      () => {
        begun.push(name);
        return end.promise;
      },
      { owner: {}, signal: never, ...options },
    );
    asked.catch(() => {});
    return asked;
  };
  return { clock, gate, begun, ends, ask };
}

test('few questions go on at once, in order, those somebody waits for first', async () => {
  const { clock, gate, begun, ends, ask } = rig();
  const mine = {};
  const all = [ask('a'), ask('b'), ask('c'), ask('d'), ask('e', { owner: mine }), ask('f', { urgent: true })];
  assert.deepEqual(begun, ['a', 'b']);
  assert.deepEqual(gate.load, { going: 2, waiting: 4 });
  gate.hurry(mine);
  for (const name of ['a', 'b', 'e', 'f', 'c', 'd']) {
    ends.get(name)!.resolve(name);
    await clock.advance(0);
  }
  assert.deepEqual(begun, ['a', 'b', 'e', 'f', 'c', 'd']);
  assert.deepEqual(await Promise.all(all), ['a', 'b', 'c', 'd', 'e', 'f']);
  assert.deepEqual(gate.load, { going: 0, waiting: 0 });
});

test('a question that takes too long, fails, throws or is given up leaves its place', async () => {
  const { clock, gate, begun, ends, ask } = rig();
  const gone = new AbortController();
  const [slow, failing] = [ask('slow'), ask('failing')];
  const [waiting, leaving, late] = [
    ask('waiting', { signal: gone.signal }),
    ask('leaving', { signal: gone.signal }),
    ask('late'),
  ];
  ends.get('failing')!.reject(new Error('no'));
  await assert.rejects(failing, /no/);
  await clock.advance(0);
  assert.deepEqual(begun, ['slow', 'failing', 'waiting']);
  gone.abort();
  await assert.rejects(waiting, { trouble: 'cancelled' }, 'while it went on');
  await assert.rejects(leaving, { trouble: 'cancelled' }, 'while it waited');
  await clock.advance(0);
  assert.equal(begun.at(-1), 'late');
  await clock.advance(1_000);
  await assert.rejects(slow, { trouble: 'unreachable' });
  await assert.rejects(late, { trouble: 'unreachable' });
  const thrown = gate.ask(
    () => {
      throw new Error('at once');
    },
    { owner: {}, signal: never },
  );
  await assert.rejects(thrown, /at once/);
  await assert.rejects(ask('never', { signal: gone.signal }), { trouble: 'cancelled' });
  assert.ok(!begun.includes('never'));
  assert.deepEqual(gate.load, { going: 0, waiting: 0 });
});
