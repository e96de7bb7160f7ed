import type { Clock, Random } from '../platform/index.ts';
import type { Carrier } from './carrier.ts';
import type { Feed } from './feed.ts';
import { goodbye, senderReport } from './rtcp.ts';
import { type PacketBundle, patchBundle } from './rtp-packets.ts';

/** One track on its way to one client: its own SSRC, sequence numbers and timestamp offset, all drawn at random. */
export class Outlet {
  readonly feed: Feed;
  readonly ssrc: number;
  readonly #clock: Clock;
  readonly #queueBytesMax: number;
  readonly #timestampOffset: number;
  #carrier: Carrier;
  #sequence: number;
  #packets = 0;
  #octets = 0;
  /** After a drop: nothing more until a keyframe finds the queue drained. */
  #thirsty = false;
  #droppedBundles = 0;

  constructor(deps: { clock: Clock; random: Random }, feed: Feed, carrier: Carrier, queueBytesMax: number) {
    this.#clock = deps.clock;
    this.feed = feed;
    this.#carrier = carrier;
    this.#queueBytesMax = queueBytesMax;
    const random = Buffer.from(deps.random.bytes(10));
    this.ssrc = random.readUInt32BE(0);
    this.#timestampOffset = random.readUInt32BE(4);
    this.#sequence = random.readUInt16BE(8);
  }

  get carrier(): Carrier {
    return this.#carrier;
  }

  /** Another SETUP of the same track before PLAY. */
  changeCarrier(carrier: Carrier): void {
    this.#carrier = carrier;
  }

  get packets(): number {
    return this.#packets;
  }

  get droppedBundles(): number {
    return this.#droppedBundles;
  }

  /** Sequence number the next packet will have. */
  get nextSequence(): number {
    return this.#sequence;
  }

  /** RTP timestamp of a media time, `jumpMs` included. */
  timestamp(ticks: number, jumpMs = 0): number {
    const jump = Math.round((jumpMs * this.feed.clockRate) / 1000);
    return modulo32(ticks + this.#timestampOffset + jump);
  }

  /**
   * Sends a bundle, or drops it where the client is too slow: then everything up to the next keyframe is dropped too.
   * Sequence numbers run on, as with a camera that skips pictures. `spoil` may damage the copy.
   */
  send(bundle: PacketBundle, jumpMs: number, spoil?: (copy: Buffer, starts: readonly number[]) => void): boolean {
    const waiting = this.#carrier.waitingBytes();
    if (this.#thirsty && bundle.keyframe && waiting <= this.#queueBytesMax / 2) this.#thirsty = false;
    if (this.#thirsty || waiting > this.#queueBytesMax) {
      this.#thirsty = true;
      this.#droppedBundles++;
      return false;
    }
    const copy = patchBundle(bundle, {
      channel: this.#carrier.channel,
      sequence: this.#sequence,
      timestamp: this.timestamp(bundle.ticks, jumpMs),
      ssrc: this.ssrc,
    });
    spoil?.(copy, bundle.starts);
    this.#sequence = (this.#sequence + bundle.starts.length) & 0xffff;
    this.#packets += bundle.starts.length;
    this.#octets += bundle.payloadBytes;
    this.#carrier.packets(copy, bundle.starts);
    return true;
  }

  /** Tells which wall time belongs to which timestamp, both of this moment. */
  report(cname: string, jumpMs: number): void {
    if (this.#carrier.waitingBytes() > this.#queueBytesMax) return;
    this.#carrier.report(
      senderReport({
        ssrc: this.ssrc,
        wallUs: this.#clock.nowUs(),
        timestamp: this.timestamp(this.feed.ticksNow(), jumpMs),
        packets: this.#packets,
        octets: this.#octets,
        cname,
      }),
    );
  }

  goodbye(): void {
    this.#carrier.report(goodbye(this.ssrc));
  }
}

function modulo32(value: number): number {
  return ((value % 2 ** 32) + 2 ** 32) % 2 ** 32;
}
