import type { Live } from '../live/index.ts';
import type { Clock, Log } from '../platform/index.ts';
import type {
  Access,
  AuditSink,
  Call,
  CheckedParams,
  CommandName,
  CommandResult,
  Right,
  Role,
} from '../protocol/index.ts';
import type { Vault } from '../vault/index.ts';
import type { ActNotes } from './act-notes.ts';
import type {
  AuditView,
  CamerasView,
  DevicesView,
  EventsView,
  NodeView,
  PairingView,
  SourcesView,
  SwarmView,
} from './views.ts';

/** The workers behind the commands, by their contracts. */
export interface CommandDeps {
  clock: Clock;
  log: Log;
  vault: Vault;
  live: Live;
  devices: DevicesView;
  pairing: PairingView;
  sources: SourcesView;
  cameras: CamerasView;
  events: EventsView;
  swarm: SwarmView;
  node: NodeView;
  /** Where it is told who viewed, played, exported and changed what, and who was refused. */
  audit: AuditSink & AuditView;
}

/** What families have that tell their acts themselves. */
export interface NotingDeps extends CommandDeps {
  notes: ActNotes;
}

/** A call that was checked and allowed. */
export interface Granted<N extends CommandName> {
  call: Call;
  params: CheckedParams<N>;
  role: Role;
  right: Exclude<Right, 'no'>;
  /** What the device may do: lists show no source outside it and nothing before its window. */
  access: Access;
  /** Epoch ms of the decision. */
  at: number;
  /** Aborts with the call, and when the device loses its right. */
  signal: AbortSignal;
}

/** Answers one command: gives the result, or sent it by `call.stream.reply` before its data and gives nothing. */
export type Handler<N extends CommandName> = (granted: Granted<N>) => Promise<CommandResult<N> | undefined>;

/** The handlers of one family. */
export type Family<N extends CommandName> = { [K in N]: Handler<K> };
