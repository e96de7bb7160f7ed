import assert from 'node:assert/strict';
import { test } from 'node:test';
import { socketAddress } from '../../web/src/engine/socket-address.ts';

for (const [url, page, dialled] of [
  ['ws://192.168.1.5:8456/session/v2', 'http:', 'ws://192.168.1.5:8456/session/v2'],
  ['ws://nvr.example:443/session/v2', 'https:', 'wss://nvr.example:443/session/v2'],
  ['ws://[fd00::5]:8456/session/v2', 'https:', 'wss://[fd00::5]:8456/session/v2'],
  ['ws://127.0.0.1:8456/session/v2', 'https:', 'ws://127.0.0.1:8456/session/v2'],
  ['ws://[::1]:8456/session/v2', 'https:', 'ws://[::1]:8456/session/v2'],
  ['ws://127.evil.example:8456/session/v2', 'http:', 'ws://127.evil.example:8456/session/v2'],
] as const) {
  test(`from a page of ${page} ${url} is dialled as ${dialled.split(':')[0]}`, () => {
    assert.equal(socketAddress(url, page), dialled);
  });
}
