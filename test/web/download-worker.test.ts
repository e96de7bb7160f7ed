import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { answerDownload, type FromDownload, takeDownload } from '../../web/src/export/download-worker-part.ts';

const SCOPE = 'http://127.0.0.1:8456/';
const id = 'a'.repeat(32);

/** A download as the page opens it, with what the service worker said so far. */
function opened(t: TestContext, name: string) {
  const { port1, port2 } = new MessageChannel();
  t.after(() => port1.close());
  const said: FromDownload['kind'][] = [];
  const waiting: { kind: FromDownload['kind']; done: () => void }[] = [];
  port1.onmessage = ({ data }: MessageEvent<FromDownload>) => {
    said.push(data.kind);
    for (const each of waiting.splice(0))
      if (each.kind === data.kind) each.done();
      else waiting.push(each);
  };
  assert.ok(takeDownload({ data: { kind: 'open', id, name, type: 'video/mp4' }, ports: [port2] }));
  const hears = (kind: FromDownload['kind'], times = 1) =>
    new Promise<void>((done) => {
      const look = () => {
        if (said.filter((each) => each === kind).length >= times) done();
        else waiting.push({ kind, done: look });
      };
      look();
    });
  return { port: port1, said, hears };
}

test('bytes come through as they are asked for, under the name they have', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { port, said, hears } = opened(t, 'Jardín (1).mp4');
  await hears('ready');
  const answer = answerDownload(`${SCOPE}download/${id}`, SCOPE)!;
  assert.equal(
    answer.headers.get('content-disposition'),
    'attachment; filename="Jard_n _1_.mp4"; filename*=UTF-8\'\'Jard%C3%ADn%20%281%29.mp4',
  );
  assert.equal(answer.headers.get('content-type'), 'video/mp4');
  await hears('pull');
  port.postMessage({ kind: 'bytes', bytes: Uint8Array.of(1, 2).buffer });
  const reader = answer.body!.getReader();
  assert.deepEqual([...(await reader.read()).value!], [1, 2]);
  await hears('pull', 2);
  // Nobody reads: one piece is held, and no further one is asked for.
  port.postMessage({ kind: 'bytes', bytes: Uint8Array.of(3).buffer });
  assert.deepEqual([...(await reader.read()).value!], [3]);
  await hears('pull', 3);
  port.postMessage({ kind: 'end' });
  assert.equal((await reader.read()).done, true);
  assert.deepEqual(said, ['ready', 'pull', 'pull', 'pull']);
  assert.equal(answerDownload(`${SCOPE}download/${id}`, SCOPE)!.status, 404, 'an address is good once');
});

test('a download that is broken off is told to the page, and one the page breaks off to the browser', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const first = opened(t, 'a.mp4');
  await answerDownload(`${SCOPE}download/${id}`, SCOPE)!.body!.cancel();
  await first.hears('cancel');
  const second = opened(t, 'b.mp4');
  const answer = answerDownload(`${SCOPE}download/${id}`, SCOPE)!;
  second.port.postMessage({ kind: 'abort' });
  await assert.rejects(answer.arrayBuffer());
});

test('other requests and messages are left to others, and what nobody opens is forgotten', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  assert.equal(answerDownload(`${SCOPE}index.html`, SCOPE), null);
  assert.equal(answerDownload(`http://elsewhere/download/${id}`, SCOPE), null);
  assert.equal(answerDownload(`${SCOPE}download/unknown`, SCOPE)!.status, 404);
  for (const data of [null, 'text', {}, { kind: 'other' }]) assert.equal(takeDownload({ data, ports: [] }), false);
  assert.ok(takeDownload({ data: { kind: 'keep' }, ports: [] }));
  assert.ok(takeDownload({ data: { kind: 'open', id: '../x', name: 'x', type: 'y' }, ports: [] }));
  opened(t, 'late.mp4');
  t.mock.timers.tick(60_000);
  assert.equal(answerDownload(`${SCOPE}download/${id}`, SCOPE)!.status, 404);
});
