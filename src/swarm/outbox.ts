import type { Clock, DatagramAddress, DatagramSocket } from '../platform/index.ts';
import type { SwarmLimits } from './api.ts';
import type { Counters } from './counters.ts';
import type { Peer } from './peer.ts';
import { Rate } from './rate.ts';

/** Seconds of a bit rate that may be sent at once. */
const BURST_S = 8;
/** Share of the whole that answers to strangers may take beside it: a flood of questions leaves the rest to peers. */
const STRANGERS_SHARE = 0.25;
/** Bytes of IP and UDP headers, counted with each datagram. */
const HEADER_BYTES = 48;

/** Sends datagrams within the bit rates and counts them. */
export class Outbox {
  readonly #clock: Clock;
  readonly #limits: SwarmLimits;
  readonly #counters: Counters;
  readonly #total = new Rate();
  readonly #strangers = new Rate();
  #sockets: DatagramSocket[] = [];

  constructor(clock: Clock, limits: SwarmLimits, counters: Counters) {
    this.#clock = clock;
    this.#limits = limits;
    this.#counters = counters;
  }

  /** Sockets to send from, in order of preference within a family. */
  open(sockets: DatagramSocket[]): void {
    this.#sockets = sockets;
  }

  /** True where there is a socket for addresses of a family. */
  reaches(family: 4 | 6): boolean {
    return this.#sockets.some((socket) => socket.local.family === family);
  }

  /** Sends to a peer, or counts why not. False where a bit rate forbids it now. */
  toPeer(peer: Peer, bytes: Uint8Array): boolean {
    const most = peer.isLegacy ? this.#limits.legacyMax : this.#limits.datagramMax;
    if (bytes.length > most) {
      this.#counters.refuse('out-size');
      return true;
    }
    const { bitsPerPeer, bitsTotal } = this.#limits;
    const bits = (bytes.length + HEADER_BYTES) * 8;
    const nowMs = this.#clock.monotonic();
    if (
      !peer.bitRate.take(nowMs, bitsPerPeer, bitsPerPeer * BURST_S, bits) ||
      !this.#total.take(nowMs, bitsTotal, bitsTotal * BURST_S, bits)
    ) {
      this.#counters.refuse('out-rate');
      return false;
    }
    peer.datagramsOut++;
    peer.bytesOut += bytes.length;
    this.#send(bytes, peer.address);
    return true;
  }

  /** Answers an address that may be nobody's: the caller has made sure that the question was at least as long. */
  toAddress(address: DatagramAddress, bytes: Uint8Array): void {
    const perSecond = this.#limits.bitsTotal * STRANGERS_SHARE;
    const bits = (bytes.length + HEADER_BYTES) * 8;
    if (!this.#strangers.take(this.#clock.monotonic(), perSecond, perSecond * BURST_S, bits)) {
      this.#counters.refuse('out-rate');
      return;
    }
    this.#send(bytes, address);
  }

  #send(bytes: Uint8Array, to: DatagramAddress): void {
    const socket = this.#sockets.find(({ local }) => local.family === to.family);
    if (!socket) {
      this.#counters.sendErrors++;
      return;
    }
    this.#counters.datagramsOut++;
    this.#counters.bytesOut += bytes.length;
    // The seam never rejects; a socket that breaks this promise must not end the swarm.
    socket.send(bytes, to).then(
      (sent) => {
        if (!sent) this.#counters.sendErrors++;
      },
      () => {
        this.#counters.sendErrors++;
      },
    );
  }
}
