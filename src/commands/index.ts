export { authorize, type Decision, type Question } from './authorize.ts';
export { createCommands } from './commands.ts';
export type { CommandDeps } from './handler.ts';
export { type HealthFacts, healthReport } from './health.ts';
export type {
  DevicesView,
  DeviceView,
  InvitationView,
  NodeView,
  RecorderView,
  SourcesView,
  SourceView,
  StreamView,
} from './views.ts';
