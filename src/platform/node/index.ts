export { createNodeSuite, nodeHashes } from './crypto-suite.ts';
