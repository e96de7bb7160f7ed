import { REKEY_LIMITS, type RekeyLimits, STREAMS_MAX } from '../protocol/index.ts';

/** Everything that bounds the endpoint. Times in ms. */
export interface ChannelLimits {
  /** Handshakes going on: in all, and from one source. */
  pendingMax: number;
  pendingPerSourceMax: number;
  /** From the upgrade to the end of the handshake, and from a proved code to it: its owner may have to be asked for a signature. */
  handshakeMs: number;
  codeFinishMs: number;
  /** Upgrades of one source, and of all. */
  sourcePerSecond: number;
  sourceBurst: number;
  totalPerSecond: number;
  totalBurst: number;
  /** Sources remembered for counting. */
  sourcesMax: number;
  /** Certificate ids remembered as verified. */
  certificatesMax: number;
  /** Requests open at once on a channel, and bytes of requests being answered. */
  streamsMax: number;
  requestBytesMax: number;
  /** Open channels of one device, and of all: one more ends the quietest (of the device, or of the one that has most). */
  channelsPerDeviceMax: number;
  channelsMax: number;
  /** Commands of one device over all its channels, and bytes of its requests; at once, and each second. */
  commandsPerSecond: number;
  commandsBurst: number;
  requestBytesPerSecond: number;
  requestBytesBurst: number;
  /** Commands from one address, whoever sends them. */
  sourceCommandsPerSecond: number;
  sourceCommandsBurst: number;
  /** Devices, and addresses, whose commands are remembered for counting. */
  budgetsMax: number;
  /** Refused requests of one channel, at once and each second; who goes on beyond that loses the channel. */
  refusalsPerSecond: number;
  refusalsBurst: number;
  /** Bytes waiting in the socket above which nothing more is sent or read, and below which it goes on. */
  bufferedMax: number;
  bufferedLow: number;
  /** How long DATA may wait for room. */
  stallMs: number;
  /** Silence after which the peer is asked, and after which it is taken for dead. */
  pingMs: number;
  deadMs: number;
  /** Age at which a channel must be replaced, and how long it may live on after being told. */
  ageMs: number;
  ageGraceMs: number;
  /** How long running calls may go on when the node stops. */
  stopGraceMs: number;
  /** How long a peer may take to answer our closing. */
  closeMs: number;
  rekey: RekeyLimits;
}

/** The limits of docs/protocol/channel.md. */
export const CHANNEL_LIMITS: Readonly<ChannelLimits> = {
  pendingMax: 128,
  pendingPerSourceMax: 4,
  handshakeMs: 5_000,
  codeFinishMs: 60_000,
  sourcePerSecond: 20,
  sourceBurst: 5,
  totalPerSecond: 200,
  totalBurst: 50,
  sourcesMax: 4_096,
  certificatesMax: 1_024,
  streamsMax: STREAMS_MAX,
  requestBytesMax: 512 * 1024,
  channelsPerDeviceMax: 8,
  channelsMax: 256,
  commandsPerSecond: 500,
  commandsBurst: 2_000,
  requestBytesPerSecond: 512 * 1024,
  requestBytesBurst: 2 * 1024 * 1024,
  sourceCommandsPerSecond: 1_000,
  sourceCommandsBurst: 4_000,
  budgetsMax: 1_024,
  refusalsPerSecond: 100,
  refusalsBurst: 1_000,
  bufferedMax: 1024 * 1024,
  bufferedLow: 512 * 1024,
  stallMs: 30_000,
  pingMs: 15_000,
  deadMs: 45_000,
  ageMs: 86_400_000,
  ageGraceMs: 60_000,
  stopGraceMs: 2_000,
  closeMs: 1_000,
  rekey: REKEY_LIMITS,
};
