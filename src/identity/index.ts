export type { Identity, IdentityDeps, IdentityOptions, ProvedDevice, WrapRecipient } from './api.ts';
export { type PairedDevice, WRAP_KEY_BYTES, wrapKeyIdOf } from './device-list.ts';
export type { DeviceLoss } from './device-store.ts';
export { createIdentity } from './identity.ts';
export type { Invitation } from './invitation-store.ts';
