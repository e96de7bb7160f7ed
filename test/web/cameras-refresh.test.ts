import assert from 'node:assert/strict';
import { after, mock, test } from 'node:test';
import type { Engine } from '../../web/src/engine/engine.ts';
import { Store } from '../../web/src/engine/store.ts';

/** Until everything that was answered has been heard. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

mock.timers.enable({ apis: ['setTimeout'] });
const before = Object.getOwnPropertyDescriptor(globalThis, 'document');
Object.defineProperty(globalThis, 'document', {
  value: { hidden: false, addEventListener() {} },
  configurable: true,
});
after(() => {
  mock.timers.reset();
  if (before) Object.defineProperty(globalThis, 'document', before);
  else Reflect.deleteProperty(globalThis, 'document');
});

test('news that is wanted while an older answer is on its way is asked for at once after it', async () => {
  const { Cameras } = await import('../../web/src/model/cameras.ts');
  let name = 'Yard';
  let asked: string[] = [];
  const waiting: (() => void)[] = [];
  const engine = {
    nodes: new Store([{ node: 'n', name: 'Node', site: '', link: { kind: 'open', role: 'owner' } }]),
    call: (_node: string, command: string) =>
      new Promise((resolve) => {
        asked.push(command);
        const source = { id: 'yard', name, enabled: true, actions: [], streams: [] };
        const told = { role: 'owner', actions: [], sources: [source], states: [] };
        waiting.push(() => resolve(told));
      }),
  };
  const cameras = new Cameras(engine as unknown as Engine);
  const names = () => cameras.all.get().map((each) => each.name);
  /** Answers what is asked, one question after the other, until `enough`. */
  const answer = async (enough = () => false) => {
    while (waiting.length > 0 && !enough()) {
      waiting.shift()!();
      await settle();
    }
  };
  cameras.refresh();
  await answer(() => asked.includes('sources.list'));
  // What is on its way tells what held before.
  name = 'Courtyard';
  cameras.refresh();
  await answer();
  assert.deepEqual(names(), ['Yard']);
  asked = [];
  mock.timers.tick(1);
  await answer();
  assert.ok(asked.includes('sources.list'), 'the list too');
  assert.deepEqual(names(), ['Courtyard']);
});
