import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakeNode } from './fake-node.ts';

test('a camera that is tried answers with its picture behind the reply, to those who set up cameras', async () => {
  const node = fakeNode();
  const asked = node.call('sources.test@1', { url: 'rtsp://10.0.0.3/x' }, { as: 3 });
  await asked.ended;
  assert.deepEqual(asked.result, {
    streams: [{ stream: 'main', ok: true, codec: 'h264', ms: 5 }],
    picture: 'main',
    advice: [],
  });
  assert.deepEqual(asked.units, [
    { bytes: new Uint8Array([1, 2]), marks: { init: true } },
    { bytes: new Uint8Array([3]), marks: { keyframe: true } },
  ]);
  assert.ok(!node.audited.some(({ event }) => event === 'changed'), 'nothing was changed');
  for (const as of [1, 2]) {
    const refused = node.call('sources.test@1', { url: 'rtsp://10.0.0.3/x' }, { as });
    await assert.rejects(refused.ended, { code: 'ERR_COMMANDS_DENIED' });
  }
});

test('what is to be tried is checked, and nothing of it is repeated', async () => {
  const node = fakeNode();
  for (const params of [
    { url: 'file:///etc/passwd' },
    { url: 'rtsp://10.0.0.3/x', onvif: 'ftp://10.0.0.3/' },
    { onvif: 'http://10.0.0.3/\n' },
    { url: 'rtsp://10.0.0.3/x', password: 'a\nb' },
    { url: 'rtsp://10.0.0.3/x', virtual: true },
    { source: '../x' },
  ]) {
    await assert.rejects(node.ask('sources.test', params), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'ERR_COMMANDS_PARAMS');
      assert.doesNotMatch(error.message, /passwd|10\.0\.0\.3/);
      return true;
    });
  }
});
