export {
  type Config,
  checkConfig,
  type Environment,
  loadConfig,
  readEnvironment,
  type SourceConfig,
} from './config.ts';
export { createDaemon, type Daemon, type DaemonDeps, type DaemonOptions } from './daemon.ts';
export { ConfigError } from './errors.ts';
export { prepareFolder } from './first-start.ts';
export { type HeldFolder, holdFolder } from './folder-lock.ts';
export { fingerprintOf, type GreetingFacts, greetingText, invitationText } from './greeting.ts';
export { knownCameras } from './known-cameras.ts';
export { machineAddresses, nodeAddresses } from './node-addresses.ts';
export { type NodeState, readNodeState } from './node-state.ts';
export { vaultKeys, vaultOptions } from './vault-setup.ts';
