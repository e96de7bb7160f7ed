import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cameraCommands } from '../../src/commands/cameras.ts';
import type { CommandDeps, Granted } from '../../src/commands/handler.ts';
import {
  type Access,
  type CamerasDiscoverResult,
  type DiscoveredCamera,
  OWNER_ACCESS,
  type SourceId,
} from '../../src/protocol/index.ts';

const camera = (device: string, configured?: string): DiscoveredCamera => ({
  device,
  urls: ['http://10.0.0.1/'],
  from: ['10.0.0.1:3702'],
  interfaces: ['eth0'],
  ...(configured === undefined ? {} : { configured }),
});

/** Asks as a device of that access; gives the reply, what was told on the way, and what the search was handed. */
async function discover(access: Access) {
  const all = [camera('urn:a', 'yard'), camera('urn:b', 'gate'), camera('urn:c')];
  const signal = new AbortController().signal;
  const handed: unknown[] = [];
  const events: [string, unknown][] = [];
  const cameras = {
    async discover(wish: unknown, options: { onFound(camera: DiscoveredCamera): void; signal: AbortSignal }) {
      handed.push(wish, options.signal);
      for (const each of all) options.onFound(each);
      return { cameras: all, total: 3, complete: true, networks: [] } satisfies CamerasDiscoverResult;
    },
  };
  const deps = { cameras } as unknown as CommandDeps;
  const params = { seconds: 2, interfaces: ['eth0'] };
  const call = { stream: { event: (name: string, told: unknown) => events.push([name, told]) } };
  const granted = { params, call, access, signal } as unknown as Granted<'cameras.discover'>;
  const reply = await cameraCommands(deps)['cameras.discover'](granted);
  assert.deepEqual(handed, [params, signal]);
  return { reply, events };
}

test('each camera is told as it answers, and all of them at the end', async () => {
  const { reply, events } = await discover(OWNER_ACCESS);
  const all = [camera('urn:a', 'yard'), camera('urn:b', 'gate'), camera('urn:c')];
  assert.deepEqual(reply, { cameras: all, total: 3, complete: true, networks: [] });
  assert.deepEqual(
    events,
    all.map((each) => ['cameras.found', each]),
  );
});

test('a source outside the grant is not told to be configured', async () => {
  const { reply, events } = await discover({ ...OWNER_ACCESS, sources: new Set(['gate' as SourceId]) });
  const shown = [camera('urn:a'), camera('urn:b', 'gate'), camera('urn:c')];
  assert.deepEqual(reply?.cameras, shown);
  assert.deepEqual(
    events.map(([, told]) => told),
    shown,
  );
});
