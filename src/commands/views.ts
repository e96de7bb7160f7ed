import type { Track } from '../media/index.ts';
import type { DeviceKey, GapCause, RecorderState, Role, SourceId, StreamId, StreamName } from '../protocol/index.ts';

/** The configured sources, as the daemon knows them at this moment. */
export interface SourcesView {
  /** Every configured source, in any order. */
  list(): readonly SourceView[];
}

export interface SourceView {
  id: SourceId;
  /** For people. */
  name: string;
  enabled: boolean;
  /** Recorded streams, at most one `main` and one `sub`. */
  streams: readonly StreamView[];
}

export interface StreamView {
  stream: StreamName;
  streamId: StreamId;
  status: RecorderView;
}

/** What a recorder says of itself. */
export interface RecorderView {
  state: RecorderState;
  /** Epoch ms at which it entered this state. */
  since: number;
  /** Why it does not run, or why it last ended. */
  cause?: GapCause;
  /** For people; no address and no secret in it. */
  reason?: string;
  /** Runs begun after the first. */
  restarts: number;
  /** Epoch ms of the next try, in `backoff`. */
  retryAt?: number;
  /** Epoch ms at which the last fragment arrived. */
  lastFragmentAt?: number;
  transport?: 'tcp' | 'udp';
  /** Measured lately; null or absent where nothing was. */
  bitsPerSecond?: number | null;
  framesPerSecond?: number | null;
  /** Of the current run; empty while none runs. */
  tracks: readonly Track[];
}

/** The part of `identity` that commands use. */
export interface DevicesView {
  devices(): readonly DeviceView[];
  /** The role a device has now, or null where it is not paired (any more). */
  roleOf(device: DeviceKey): Role | null;
  invite(wish: { role: Role; expiresMs?: number }): Promise<InvitationView & { secret: Uint8Array }>;
  invitations(): readonly InvitationView[];
  remove(device: DeviceKey): Promise<boolean>;
  rename(device: DeviceKey, label: string): Promise<boolean>;
  /** Told when a device was removed or its role changed. */
  onLoss(listener: (loss: { device: DeviceKey }) => void): () => void;
}

export interface DeviceView {
  device: DeviceKey;
  role: Role;
  label: string;
  pairedAt: number;
  lastSeenAt: number;
  /** Hex, or null where the device gave no storage key. */
  wrapKeyId: string | null;
}

export interface InvitationView {
  /** 16 bytes, hex. */
  id: string;
  role: Role;
  /** Epoch ms. */
  expiresAt: number;
}

/** What only the daemon knows of the node. */
export interface NodeView {
  readonly nodeId: DeviceKey;
  /** Of package.json. */
  readonly version: string;
  /** Epoch ms. */
  readonly startedAt: number;
  /** Monotonic ms. */
  readonly startedMonotonic: number;
  /** Open channels and bytes since the start. */
  channels(): { open: number; devices: readonly DeviceKey[]; bytesIn: number; bytesOut: number };
  /** The text of an invitation, with the addresses at which this node is reached (docs/protocol/pairing.md). */
  writeInvitation(invitation: InvitationView & { secret: Uint8Array }): string;
}
