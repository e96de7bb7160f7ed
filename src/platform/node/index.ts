export { createNodeClock } from './clock.ts';
export { createNodeSuite, nodeHashes } from './crypto-suite.ts';
export { createNodeDatagrams } from './datagrams.ts';
export { createNodeFiles } from './files.ts';
export { createPinoLog, type LogLevel, type PinoLogOptions } from './pino-log.ts';
export { createNodeProcesses, type NodeProcesses } from './processes.ts';
export { createNodeRandom } from './random.ts';
export { type NodeSocket, openNodeSocket } from './socket.ts';
