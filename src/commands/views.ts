import type { CameraDriver, CameraTime, CameraView, EventStore, PtzDesk, SnapshotDesk } from '../cameras/index.ts';
import type { Track } from '../media/index.ts';
import type {
  Access,
  AccessChange,
  CamerasDiscoverResult,
  CheckedParams,
  DeviceKey,
  DiscoveredCamera,
  GapCause,
  GrantTerms,
  RecorderState,
  RecordingState,
  Role,
  SignedEvent,
  SourceId,
  SourcesSettingsResult,
  SourcesTestResult,
  SourcesUpsertResult,
  StreamId,
  StreamName,
} from '../protocol/index.ts';
import type { SwarmStatus } from '../swarm/index.ts';
import type { AuditLog } from '../vault/index.ts';

/** The configured sources, as the daemon knows them at this moment. */
export interface SourcesView {
  /** Every configured source, in any order. */
  list(): readonly SourceView[];
  /** How one is configured. `ERR_DAEMON_SOURCE_MISSING` (`missing`). */
  settings(source: SourceId): SourcesSettingsResult;
  /** Adds or changes one, in config.yaml first. Nothing has changed where it rejects. */
  upsert(wish: SourceWish): Promise<SourcesUpsertResult>;
  /** Takes one out; false where none is configured by this id. */
  remove(source: SourceId): Promise<boolean>;
  /** Tries a camera; nothing is stored. */
  test(wish: TestWish, signal: AbortSignal): Promise<SourceTest>;
}

/** What is wished for one source, as `sources.upsert` takes it: shapes are checked, sense is not. */
export type SourceWish = CheckedParams<'sources.upsert'>;

/** What is to be tried, as `sources.test` takes it. */
export type TestWish = CheckedParams<'sources.test'>;

/** What came of it, and a picture: the init segment of a stream and a fragment that begins with a keyframe. */
export interface SourceTest {
  result: SourcesTestResult;
  picture: { init: Uint8Array; fragment: Uint8Array } | null;
}

/** Cameras that are configured, and those that may be. */
export interface CamerasView {
  /** Looks for cameras on the local networks, or at one host; `onFound` is told each as it answers. One search at a time. */
  discover(
    wish: CheckedParams<'cameras.discover'>,
    options: { onFound(camera: DiscoveredCamera): void; signal: AbortSignal },
  ): Promise<CamerasDiscoverResult>;
  /** How a kept camera and the node stand to each other; null where the source has none. */
  view(source: SourceId): CameraView | null;
  /** The driver of a kept camera, as `CameraDesk.driver` gives it. */
  driver(source: SourceId): CameraDriver;
  /** Tells what a kept camera's clock said when it was asked for somebody. */
  measured(source: SourceId, time: CameraTime): void;
  /** Who steers which camera. */
  ptz: PtzDesk;
  /** Pictures from the cameras themselves. */
  snapshots: SnapshotDesk;
}

export interface SourceView {
  id: SourceId;
  /** For people. */
  name: string;
  enabled: boolean;
  /** What is known of its camera; null or absent where the node keeps in touch with none. */
  camera?: CameraView | null;
  /** Recorded streams, at most one `main` and one `sub`. */
  streams: readonly StreamView[];
}

export interface StreamView {
  stream: StreamName;
  streamId: StreamId;
  status: RecorderView;
  /** What happens to its pictures as they come; absent where nothing decides. */
  recording?: RecordingState;
  /** Pictures that wait in memory for an event, and fragments that memory could not hold long enough. */
  heldBytes?: number;
  heldCut?: number;
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
  /** Between the last two keyframes. */
  gopMs?: number | null;
  /** What is done with the camera's sound. */
  audio?: 'copy' | 'transcode' | 'none';
  /** Which way the camera is read. */
  reader?: 'own' | 'ffmpeg';
  /** rtsps: SHA-256 of the certificate the camera shows, hex. */
  certificate?: string | null;
  /** Fragments that could not be used, and packets that did not arrive. */
  droppedFragments?: number;
  lostPackets?: number;
  /** Of the current run; empty while none runs. */
  tracks: readonly Track[];
}

/** The part of `identity` that commands use. */
export interface DevicesView {
  devices(): readonly DeviceView[];
  /** What a device may do at `now` (epoch ms), or null where it may nothing. */
  accessOf(device: DeviceKey, now?: number): Access | null;
  grants(): readonly GrantView[];
  /** The time by which grants are judged, epoch ms. */
  judgedAt(): number;
  trustClock(): Promise<void>;
  invite(wish: TermsView & { expiresMs?: number; by?: DeviceKey }): Promise<InvitationView & { secret: Uint8Array }>;
  invitations(): readonly InvitationView[];
  /** Takes an invitation back by its id; false where none waits. */
  withdraw(id: string): Promise<boolean>;
  /** Grants on the word of `by`. */
  grant(device: DeviceKey, wish: TermsView, by?: DeviceKey): Promise<GrantView>;
  /** Takes a grant that `caller` signed. */
  acceptGrant(event: SignedEvent, caller: DeviceKey): Promise<GrantView>;
  revoke(device: DeviceKey, wish?: { by?: DeviceKey; adopt?: boolean }): Promise<boolean>;
  remove(device: DeviceKey, wish?: { by?: DeviceKey; adopt?: boolean }): Promise<boolean>;
  rename(device: DeviceKey, label: string): Promise<boolean>;
  /** Told when what a device may do has changed, within a second. */
  onAccessChange(listener: (change: AccessChange) => void): () => void;
}

/** Terms wished for a device; what is left out is not narrowed. */
export type TermsView = Pick<GrantTerms, 'role'> & Partial<GrantTerms>;

export interface GrantView extends GrantTerms {
  device: DeviceKey;
  generation: number;
  issuer: DeviceKey;
  /** Epoch ms. */
  createdAt: number;
  state: 'in-force' | 'waiting' | 'ended' | 'cut-off';
}

/** The part of `identity` behind pairing by typed code, and the enrolment of this node where one goes on. */
export interface PairingView {
  /** On the word of `by`. */
  make(wish: TermsView & { approve: boolean; expiresMs: number; by: DeviceKey }): Promise<{
    id: string;
    /** Eight digits. */
    digits: string;
    role: Role;
    approve: boolean;
    expiresAt: number;
  }>;
  cancel(): Promise<boolean>;
  code(): { id: string; role: Role; approve: boolean; expiresAt: number; triesLeft: number } | null;
  triesLeftToday(): number;
  pending(): readonly {
    device: DeviceKey;
    fingerprint: string;
    label: string;
    role: Role;
    /** What its code promised, in full. */
    terms: GrantTerms;
    since: number;
    expiresAt: number;
    present: boolean;
  }[];
  /** On the word of `by`: the role the device has now, or null where it does not wait. */
  approve(device: DeviceKey, wish: TermsView & { label?: string; by: DeviceKey }): Promise<Role | null>;
  reject(device: DeviceKey): boolean;
  /** Answers to the enrolment that nobody vouched for; empty where none goes on. */
  enrolments(): readonly { signer: DeviceKey; identityId: string; label: string; at: number }[];
  /** Accepts or dismisses such an answer; false where it does not wait. */
  confirm(signer: DeviceKey, accept: boolean): Promise<boolean>;
}

export interface DeviceView {
  device: DeviceKey;
  /** Null while it may nothing. */
  role: Role | null;
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
  /** What a person should look at, each in one sentence; no secret. */
  warnings(): readonly string[];
  /** The text of an invitation, with the addresses at which this node is reached (docs/protocol/pairing.md). */
  writeInvitation(invitation: InvitationView & { secret: Uint8Array }): string;
}

/** The part of the event store that commands read. */
export type EventsView = Pick<EventStore, 'list' | 'open' | 'onChange' | 'cameraTimeAt'>;

/** The part of the audit log that commands read. */
export type AuditView = Pick<AuditLog, 'list' | 'head'>;

/** The part of `swarm` that commands use. */
export interface SwarmView {
  /** The member's view at this moment, or null where the node is in no swarm. */
  status(): SwarmStatus | null;
}
