export { AUDIT_PAGE_MAX, type AuditListResult } from './audit.ts';
export {
  type CamerasDiscoverResult,
  DISCOVER_NETWORKS_MAX,
  DISCOVERED_DEVICE_MAX,
  DISCOVERED_MAX,
  DISCOVERED_PLACES_MAX,
  DISCOVERED_TOLD_MAX,
  DISCOVERED_URL_MAX,
  DISCOVERED_URLS_MAX,
  type DiscoveredCamera,
  type DiscoveredHost,
  type DiscoverNetwork,
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
  EVENT_CHANGES_SECOND_MAX,
  EVENT_SOURCES_MAX,
  EVENT_WATCHES_MAX,
  EVENTS_PAGE_MAX,
  type EventFacts,
  type EventsListResult,
  type EventsWatchResult,
} from './events.ts';
export {
  type GapFacts,
  JSON_BYTES_MAX,
  RESULT_BYTES_MAX,
  TIME_AT_MAX,
  type TrackFacts,
} from './fields.ts';
export { type AccessGetResult, GRANTS_PAGE_MAX, type GrantFacts, type GrantsListResult } from './grants.ts';
export { CAMERA_STATES } from './kept-cameras.ts';
export { LIVE_SUBSCRIPTIONS_MAX, type LiveRun, type LiveSubscribeResult } from './live.ts';
export { PENDING_MAX } from './pairing.ts';
export { PTZ_FOR_MS_MAX, PTZ_PRESETS_MAX } from './ptz.ts';
export { commandsReference } from './reference.ts';
export { type CommandRights, RIGHTS, type Right } from './rights.ts';
export {
  RANGE_KEYFRAMES_MAX,
  RANGE_PAGE_MAX,
  type RangeReadResult,
  type RangeSegment,
  SEGMENTS_PAGE_MAX,
  type SegmentFacts,
  type SegmentsGetResult,
  type SegmentsListResult,
  STORED_UNIT_BYTES_MAX,
} from './segments.ts';
export { SNAPSHOTS_MAX, type SnapshotsGetResult } from './snapshots.ts';
export type { SourcesUpsertResult } from './source-changes.ts';
export { type SourcesSettingsResult, sourcesSettings } from './source-settings.ts';
export { CLOCK_MS_MAX, RECORDER_STATES, type RecorderState } from './source-state.ts';
export {
  ADVICE_LENGTH_MAX,
  ADVICE_MAX,
  type SourcesTestResult,
  TESTED_STREAMS_MAX,
  TESTED_URL_MAX,
} from './source-test.ts';
export {
  SOURCES_PAGE_MAX,
  type SourcesListResult,
  type SourcesStatesResult,
} from './sources.ts';
export { type StatusResult, WARNING_LENGTH_MAX, WARNINGS_MAX } from './status.ts';
export { type KeysRewrapResult, REWRAP_PAGE_MAX } from './storage-keys.ts';
export { SWARM_PAGE_MAX, SWARM_REASONS_MAX, SWARM_SOCKETS_MAX, type SwarmStatusResult } from './swarm.ts';
export {
  CALENDAR_DAYS_MAX,
  type CalendarDaysResult,
  GAPS_PAGE_MAX,
  type GapsListResult,
  TIMELINE_BUCKETS_MAX,
  TIMELINE_EXACT_MAX,
  TIMELINE_SOURCES_MAX,
  type TimelineCoverageResult,
} from './timeline.ts';
