export type {
  HeldGrant,
  Identity,
  IdentityDeps,
  IdentityOptions,
  PairedDevice,
  PinnedIdentity,
  ProvedDevice,
  Standing,
  WrapRecipient,
} from './api.ts';
export type { EndWish } from './device-desk.ts';
export { WRAP_KEY_BYTES, wrapKeyIdOf } from './device-list.ts';
export type { Enrolled, Enrolment, EnrolmentOptions, EnrolmentReason, EnrolmentState } from './enrolment.ts';
export type { GrantState, TermsWish } from './grant-rules.ts';
export { createIdentity } from './identity.ts';
export type { EventVerdict } from './identity-events.ts';
export type { Invitation } from './invitation-store.ts';
export type { MadeCode, PairingDesk, PairingOutcome, WaitingCode } from './pairing-code-desk.ts';
export type { PendingDevice } from './pending-devices.ts';
