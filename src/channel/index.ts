export type {
  Awaited,
  ChannelDeps,
  ChannelOptions,
  ChannelServer,
  ChannelStatus,
  PairingCodes,
  ProvedHello,
} from './api.ts';
export { CHANNEL_LIMITS, type ChannelLimits } from './limits.ts';
export { createChannelServer } from './server.ts';
export type { V1Status } from './v1/endpoint.ts';
export { V1_LIMITS, type V1Limits } from './v1/limits.ts';
export type { Reach } from './v1/reach.ts';
export type { V1Deps, V1Device } from './v1/settings.ts';
