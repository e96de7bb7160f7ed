// The process that gets killed: a whole node on a data folder (config.yaml in it), with ffmpeg and cameras, that tells its parent what
// comes in and what is safe. `node recorder.ts FOLDER`. Every line on standard output is written before the next thing happens:
//   f STREAM START_US END_US SHA256 SAMPLE   a fragment is handed to the vault; SAMPLE is 24 bytes of its picture, hex
//   a STREAM SEGMENT BYTES END_US            the vault acknowledges that much of a segment
import { createHash } from 'node:crypto';
import { writeSync } from 'node:fs';
import { toHex } from '../../src/bytes/index.ts';
import { createDaemon, prepareFolder } from '../../src/daemon/index.ts';
import { silentLog } from '../../src/platform/index.ts';
import {
  createNodeClock,
  createNodeDatagrams,
  createNodeFiles,
  createNodeHttp,
  createNodeProcesses,
  createNodeRandom,
  createNodeSockets,
  createNodeSuite,
} from '../../src/platform/node/index.ts';

const SAMPLE_BYTES = 24;

const folder = process.argv[2]!;
const say = (line: string) => writeSync(1, `${line}\n`);
const files = createNodeFiles();
const { config } = await prepareFolder(files, folder);
const daemon = createDaemon(
  {
    clock: createNodeClock(),
    random: createNodeRandom(),
    log: silentLog,
    files,
    processes: createNodeProcesses(),
    datagrams: createNodeDatagrams(),
    sockets: createNodeSockets(),
    http: createNodeHttp({ clock: createNodeClock() }),
    suite: createNodeSuite(),
    observe: {
      fragment(streamId, { bytes, startUs, endUs }) {
        const hash = createHash('sha256').update(bytes).digest('hex');
        // From the middle of the encoded picture: boxes and clocks stand at the front.
        const at = Math.max(0, bytes.length - SAMPLE_BYTES - Math.floor(bytes.length / 4));
        say(`f ${streamId} ${startUs} ${endUs} ${hash} ${toHex(bytes.subarray(at, at + SAMPLE_BYTES))}`);
      },
      durable: ({ streamId, segmentId, plaintextBytes, endUs }) =>
        say(`a ${streamId} ${segmentId} ${plaintextBytes} ${endUs}`),
    },
  },
  { folder, config, version: '0.0.0', pid: process.pid },
);
await daemon.start();
