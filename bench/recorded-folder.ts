import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromHex } from '../src/bytes/index.ts';
import { createIdentity } from '../src/identity/index.ts';
import { silentLog } from '../src/platform/index.ts';
import { createNodeClock, createNodeFiles, createNodeRandom, createNodeSuite } from '../src/platform/node/index.ts';
import type { SourceId, StreamId } from '../src/protocol/index.ts';
import { createVault } from '../src/vault/index.ts';
import { SyntheticStream } from '../test/vault/synthetic-stream.ts';
import { startNode } from './node-under-test.ts';

/** A source that is there and records nothing: what it holds was put there before. */
export const IDLE_SOURCE = '  front:\n    url: rtsp://127.0.0.1:1/none\n    enabled: false\n';

export interface Filling {
  /** How many segments, each of `segmentMs` in fragments of 200 ms with a keyframe every second. */
  segments: number;
  segmentMs: number;
  fragmentBytes: number;
}

/**
 * Fills a data folder with recordings of `front/main` that end now, through the node's own identity and vault; gives the start
 * of the first in epoch ms.
 */
export async function fillFolder(folder: string, filling: Filling): Promise<number> {
  await (await startNode(folder, IDLE_SOURCE)).stop();
  const clock = createNodeClock();
  const random = createNodeRandom();
  const files = createNodeFiles();
  const suite = createNodeSuite();
  const identity = createIdentity({ clock, random, log: silentLog, files, suite }, { folder, create: false });
  await identity.start();
  const { streams } = JSON.parse(readFileSync(join(folder, 'streams.json'), 'utf8')) as {
    streams: Record<string, string>;
  };
  const vault = createVault(
    {
      clock,
      random,
      log: silentLog,
      files,
      suite,
      keys: {
        kek: identity.kek(),
        nodeId: fromHex(identity.nodeId, 32)!,
        sign: (digest) => identity.sign(digest),
        recipients: () => [],
      },
    },
    { root: folder, segmentMs: filling.segmentMs },
  );
  await vault.start();
  const startAt = clock.now() - filling.segments * filling.segmentMs;
  const source = new SyntheticStream(random, { startUs: startAt * 1000, pictureBytes: () => filling.fragmentBytes });
  const streamId = streams['front/main'] as StreamId;
  const writer = vault.openStream({ sourceId: 'front' as SourceId, stream: 'main', streamId });
  await writer.beginRun(source.run());
  for (let i = 0; i < (filling.segments * filling.segmentMs) / 200; i++)
    await writer.fragment(source.next(clock.monotonicUs()));
  await writer.endRun({ cause: 'stopped', endUs: source.wallUs, reason: 'filled' });
  await writer.release();
  await vault.stop();
  await identity.stop();
  return startAt;
}
