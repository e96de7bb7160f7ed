import type { SwarmLimits } from './api.ts';

/** The limits in use unless told otherwise; what each bounds stands at its name in `SwarmLimits`. */
export const SWARM_LIMITS: Readonly<SwarmLimits> = {
  datagramMax: 1_232,
  legacyMax: 2_047,
  peersMax: 256,
  peersPerNetMax: 8,
  unconfirmedMax: 64,
  unconfirmedMs: 90_000,
  confirmedMs: 20_000,
  sourcePerSecond: 10,
  sourceBurst: 20,
  peerPerSecond: 60,
  peerBurst: 240,
  checksPerSource: 2,
  checksPerSourceBurst: 5,
  checksPerPeer: 20,
  checksPerPeerBurst: 120,
  checksPerSecond: 50,
  checksBurst: 120,
  sourcesMax: 4_096,
  recordsMax: 2_048,
  seenMax: 8_192,
  seenMs: 60_000,
  bitsPerPeer: 64_000,
  bitsTotal: 1_000_000,
  hops: 3,
  fanOut: 8,
};

/** Rhythm of the swarm, ms. */
export const SWARM_TIMES = {
  /** Default and least of `announceMs`: how often the old wire is told who we are. */
  announce: 20_000,
  announceMin: 5_000,
  /** How often our own form is told the same; keep-alives do the rest. */
  announceOwn: 60_000,
  /** Greeting of a confirmed peer, and of one that is not. */
  keepAlive: 5_000,
  retry: 2_000,
  /** Until a lost step of a handshake is repeated, and how long steps are repeated before a new handshake begins. */
  step: 1_000,
  handshake: 8_000,
  /** How long an `ack` may take to come, and how often one is sent unasked. */
  ackWindow: 10_000,
  ackAgain: 15_000,
  /** How often members are asked for: usually, and where rates made us drop some. */
  ask: 90_000,
  askAgain: 15_000,
  /** How often names are looked up: usually, and while a peer is silent. */
  resolve: 300_000,
  resolveSilent: 30_000,
  /** Life of the secret behind cookies; the one before is good as long again. */
  cookie: 120_000,
  /** How often expired things are swept out. */
  sweep: 10_000,
  /** Presence and signals: how old and how far ahead `created_at` may be. */
  freshPast: 120_000,
  freshAhead: 30_000,
} as const;
