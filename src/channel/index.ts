export type { ChannelDeps, ChannelOptions, ChannelServer, ChannelStatus, ProvedHello } from './api.ts';
