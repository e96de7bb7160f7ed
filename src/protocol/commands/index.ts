export { AUDIT_PAGE_MAX, type AuditListResult } from './audit.ts';
export {
  type CamerasDiscoverResult,
  DISCOVERED_DEVICE_MAX,
  DISCOVERED_MAX,
  DISCOVERED_URL_MAX,
} from './cameras.ts';
export {
  type CheckedParams,
  COMMANDS,
  type CommandName,
  type CommandParams,
  type CommandResult,
  checkParams,
  checkResult,
  commandOf,
  methodOf,
} from './catalogue.ts';
export type { Command } from './command.ts';
export {
  DEVICES_MAX,
  type DevicesInviteResult,
  type DevicesListResult,
  INVITATION_EXPIRES_MS,
  INVITATIONS_MAX,
} from './devices.ts';
export {
  type GapFacts,
  isLabel,
  JSON_BYTES_MAX,
  LABEL_LENGTH_MAX,
  RESULT_BYTES_MAX,
  TIME_AT_MAX,
  type TrackFacts,
} from './fields.ts';
export { GRANTS_PAGE_MAX, type GrantFacts, type GrantsListResult } from './grants.ts';
export { LIVE_SUBSCRIPTIONS_MAX, type LiveRun, type LiveSubscribeResult } from './live.ts';
export { PENDING_MAX } from './pairing.ts';
export { commandsReference } from './reference.ts';
export { type CommandRights, RIGHTS, type Right, ROLES } from './rights.ts';
export {
  RANGE_PAGE_MAX,
  type RangeReadResult,
  type RangeSegment,
  SEGMENTS_PAGE_MAX,
  type SegmentFacts,
  type SegmentsGetResult,
  type SegmentsListResult,
  STORED_UNIT_BYTES_MAX,
} from './segments.ts';
export {
  RECORDER_STATES,
  type RecorderState,
  SOURCES_PAGE_MAX,
  type SourcesListResult,
  type SourcesPutResult,
  type SourcesStatesResult,
} from './sources.ts';
export { type StatusResult, WARNING_LENGTH_MAX, WARNINGS_MAX } from './status.ts';
export { type KeysRewrapResult, REWRAP_PAGE_MAX } from './storage-keys.ts';
export { SWARM_PAGE_MAX, SWARM_REASONS_MAX, SWARM_SOCKETS_MAX, type SwarmStatusResult } from './swarm.ts';
