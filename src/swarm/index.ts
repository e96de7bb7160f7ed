export type * from './api.ts';
export { type FindNodeDeps, type FindNodeOptions, type FoundNode, findNode } from './find-node.ts';
export { SWARM_LIMITS } from './limits.ts';
export { createSwarm } from './swarm.ts';
