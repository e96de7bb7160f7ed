import type { Hashes } from '../crypto/index.ts';
import type { Clock, Datagrams, Log, Random, Startable } from '../platform/index.ts';
import type { DeviceKey, SignedEvent } from '../protocol/index.ts';

/** What the swarm is handed by the daemon. */
export interface SwarmDeps {
  clock: Clock;
  random: Random;
  log: Log;
  hashes: Hashes;
  datagrams: Datagrams;
  /** The node's x-only device key. */
  nodeId: DeviceKey;
  /** BIP-340 over a 32-byte digest by the node's device key. */
  sign(digest: Uint8Array): Uint8Array;
  /** What the records say of this node, asked anew for each announcement. */
  facts(): NodeFacts;
  /**
   * Told each verified, fresh, first-seen app event (kind 1, `t=constitute`; presence excepted, it is kept as a record) and
   * each newer identity record whose zone is ours: hints, nothing is trusted because it came here. What it throws is logged.
   */
  onEvent(event: SignedEvent, zone: string): void;
  /** BIP-340 over a 32-byte digest, where checks are shared or made elsewhere; default `schnorrVerify`. */
  verify?(publicKey: Uint8Array, digest: Uint8Array, signature: Uint8Array): boolean;
}

/** What may be said of this node. Which of it a peer is told depends on `disclose`. */
export interface NodeFacts {
  /** For people. */
  label: string;
  /** The identity this node claims to belong to; empty where none. */
  identityId: string;
  /** Of package.json. */
  version: string;
  /** The x-only key of the gateway that hosts us, or empty. */
  hostGateway: string;
  /** Static X25519 key, 32 bytes, and `host:port` texts at which the channel is reached, best first. */
  channelKey: Uint8Array;
  channelAddresses: readonly string[];
  /** URL of the old session where it is switched on; told to `full` gateways only. */
  sessionUrl?: string;
  camerasTotal: number;
  camerasEnabled: number;
  /** Whole seconds. */
  uptimeS: number;
}

/** A peer of the configuration. */
export interface SwarmPeer {
  /** Host name or numeric address; IPv6 without brackets. */
  host: string;
  port: number;
  /** `gateway`, `peer`: the old wire (version 1) is spoken to both; `node`: one of our own, spoken to in the new form. */
  kind: 'gateway' | 'peer' | 'node';
  /** `full`: the v1.1 record with labels, counts and session address; `least`: v1.0 fields, deviceKind and hostGatewayPk. */
  disclose: 'full' | 'least';
  /** Zone keys this peer may be told of: its share of ours. */
  zones: readonly string[];
  /** Its device key where the operator knows it: then nothing else is believed of that address. */
  key?: DeviceKey;
}

export interface SwarmOptions {
  /** `host:port` pairs to bind, such as 0.0.0.0:4050 and [::]:4050. */
  listen: readonly { host: string; port: number }[];
  peers: readonly SwarmPeer[];
  /** Zones we are in: 20 characters of `[A-Za-z0-9_-]`. */
  zones: readonly { key: string; name: string }[];
  /** The v1 wire's `node_id`, `nvr-` + 8 hex. */
  nodeName: string;
  /** The v1 wire's `role` and `node_role`; `native`. */
  role: string;
  /** Plain `host:port` for presence's `swarm`, or empty. */
  endpointHint: string;
  /** Default 20,000, at least 5,000. */
  announceMs?: number;
  limits?: Partial<SwarmLimits>;
}

/** Everything that bounds the swarm (docs/protocol/swarm.md section 7; defaults in limits.ts). Times in ms, rates per second. */
export interface SwarmLimits {
  /** Largest datagram of our own form, both ways, bytes. */
  datagramMax: number;
  /** Largest datagram of the old wire, both ways, bytes. */
  legacyMax: number;
  /** Peers of all kinds; configured ones are never evicted. */
  peersMax: number;
  /** Peers that are not configured, per IPv4 /24 or IPv6 /48. */
  peersPerNetMax: number;
  /** Peers that are neither configured nor confirmed. */
  unconfirmedMax: number;
  /** How long such a one is kept. */
  unconfirmedMs: number;
  /** Silence after which a peer counts as confirmed no more. */
  confirmedMs: number;
  /** Datagrams of an address that has proved nothing. */
  sourcePerSecond: number;
  sourceBurst: number;
  /** Datagrams of a configured or proved peer. */
  peerPerSecond: number;
  peerBurst: number;
  /** Signature checks for an address that has proved nothing, for a peer, and for everybody together. */
  checksPerSource: number;
  checksPerSourceBurst: number;
  checksPerPeer: number;
  checksPerPeerBurst: number;
  checksPerSecond: number;
  checksBurst: number;
  /** Addresses counted one by one; further ones share one count. */
  sourcesMax: number;
  recordsMax: number;
  /** Event ids of each of two generations, and the age at which the older is forgotten. */
  seenMax: number;
  seenMs: number;
  /** Bits sent per second, to one peer and to all; up to eight seconds may come at once. */
  bitsPerPeer: number;
  bitsTotal: number;
  /** How often a record is passed on, and to how many peers each time. */
  hops: number;
  fanOut: number;
}

/** Presence and records over UDP: who is there. It decides nothing about who may do what. */
export interface Swarm extends Startable {
  /** The member's view at this moment. */
  status(): SwarmStatus;
  /** Sends an app event of our own, once for each of `zones` that a confirmed peer shares; as `signal` on the old wire. */
  publish(event: SignedEvent, zones: readonly string[]): void;
  /** Newest admitted device record of a key, or null. A hint: only its signature is proved. */
  deviceRecord(device: DeviceKey): SignedEvent | null;
}

export interface SwarmStatus {
  nodeId: DeviceKey;
  listening: string[];
  zones: { key: string; name: string }[];
  peers: PeerStatus[];
  records: RecordStatus[];
  counters: SwarmCounters;
}

export interface PeerStatus {
  /** `host:port`. */
  address: string;
  configured: boolean;
  kind: 'gateway' | 'peer' | 'node' | 'stranger';
  /** Null until it said so (v1) or proved it (our form). */
  device: DeviceKey | null;
  /** Our form: signed. */
  proved: boolean;
  confirmed: boolean;
  /** Epoch ms of the last datagram, or null. */
  lastSeenAt: number | null;
  /** Epoch ms since which it is confirmed, or null. */
  confirmedAt: number | null;
  zones: string[];
  datagramsIn: number;
  datagramsOut: number;
  bytesIn: number;
  bytesOut: number;
}

export interface RecordStatus {
  type: 'device' | 'identity' | 'dht' | 'presence';
  device: DeviceKey;
  zone: string;
  role: string;
  /** Epoch ms, as it says itself. */
  updatedAt: number;
  receivedAt: number;
  from: string;
}

export interface SwarmCounters {
  datagramsIn: number;
  datagramsOut: number;
  bytesIn: number;
  bytesOut: number;
  sendErrors: number;
  recordsAdmitted: number;
  /** Why datagrams and records were refused: reason to count. */
  refused: Readonly<Record<string, number>>;
  signatureChecks: number;
}
