export type { ChannelDeps, ChannelOptions, ChannelServer, ChannelStatus, ProvedHello } from './api.ts';
export { CHANNEL_LIMITS, type ChannelLimits } from './limits.ts';
export { createChannelServer } from './server.ts';
