export { auditLine } from './audit.ts';
export { type Allowed, authorize, type Decision, type Question, type Refused } from './authorize.ts';
export { createCommands } from './commands.ts';
export { type Concern, concernOf } from './concern.ts';
export type { CommandDeps } from './handler.ts';
export { type HealthFacts, healthReport } from './health.ts';
export { type MetricsFacts, metricsText } from './metrics.ts';
export type {
  CamerasView,
  DevicesView,
  DeviceView,
  EventsView,
  GrantView,
  InvitationView,
  NodeView,
  PairingView,
  RecorderView,
  SourcesView,
  SourceTest,
  SourceView,
  SourceWish,
  StreamView,
  SwarmView,
  TestWish,
} from './views.ts';
