// The process that gets killed: a real vault on a real folder, fed by two synthetic cameras at their own pace.
// `node writer.ts ROOT SEED`. Every line on standard output is written before the next thing happens:
//   ready
//   f STREAM END_US SHA256      a fragment was handed to the vault
//   a STREAM SEGMENT BYTES END_US   the vault acknowledged that much of a segment
import { createHash } from 'node:crypto';
import { writeSync } from 'node:fs';
import { SeededRandom, silentLog } from '../../src/platform/index.ts';
import { createNodeClock, createNodeFiles, createNodeRandom, createNodeSuite } from '../../src/platform/node/index.ts';
import { createVault } from '../../src/vault/index.ts';
import { testKeys } from '../vault/bench.ts';
import { SyntheticStream } from '../vault/synthetic-stream.ts';
import { CRASH_STREAMS } from './streams.ts';

const [root, seed] = [process.argv[2]!, Number(process.argv[3])];
const say = (line: string) => writeSync(1, `${line}\n`);

const clock = createNodeClock();
const vault = createVault(
  {
    clock,
    random: createNodeRandom(),
    log: silentLog,
    files: createNodeFiles(),
    suite: createNodeSuite(),
    keys: testKeys,
    onDurable: (mark) => say(`a ${mark.streamId} ${mark.segmentId} ${mark.plaintextBytes} ${mark.endUs}`),
  },
  { root, segmentMs: 900, floor: { bytes: 1, ratio: 0 } },
);
await vault.start();

await Promise.all(
  CRASH_STREAMS.map(async ({ place, pictureBytes }, i) => {
    const writer = vault.openStream(place);
    const camera = new SyntheticStream(new SeededRandom(seed * 2 + i), {
      startUs: clock.nowUs(),
      pictureBytes: () => pictureBytes,
    });
    const beganMs = clock.monotonic();
    await writer.beginRun(camera.run());
    if (i === 0) say('ready');
    for (let number = 1; ; number++) {
      // A fragment is there when its last picture is.
      await clock.sleep(Math.max(0, beganMs + number * 200 - clock.monotonic()));
      const fragment = camera.next(clock.monotonicUs());
      await writer.fragment(fragment);
      const hash = createHash('sha256').update(fragment.bytes).digest('hex');
      say(`f ${place.streamId} ${fragment.endUs} ${hash}`);
    }
  }),
);
