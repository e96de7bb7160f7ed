import { parseRtcp, Reception, ReorderWindow, RtpPacket, receiverReport, type SenderReport } from '../media/index.ts';

/** Who takes what the packets of one track hold. */
export interface RtpTaker {
  /** One payload, in order, good for this call only. `lost`: packets before it are missing. */
  payload(bytes: Uint8Array, packet: RtpPacket, lost: boolean): void;
  report(report: SenderReport): void;
  goodbye(): void;
}

export interface ReceiverOptions {
  payloadType: number;
  clockRate: number;
  /** Packets may come in another order than they were sent (UDP). */
  unordered: boolean;
}

const NAME = 'constitute-nvr';

/** The packets of one track, over a connection or by datagrams: checked, put in order, counted. */
export class RtpReceiver {
  readonly #options: ReceiverOptions;
  readonly #taker: RtpTaker;
  readonly #packet = new RtpPacket();
  readonly #reception: Reception;
  readonly #window: ReorderWindow | null;
  #next: number | null = null;
  #nowMs = 0;

  constructor(options: ReceiverOptions, taker: RtpTaker) {
    this.#options = options;
    this.#taker = taker;
    this.#reception = new Reception(options.clockRate);
    this.#window = options.unordered
      ? new ReorderWindow((bytes, start, end) => {
          if (this.#packet.read(bytes, start, end)) this.#deliver(bytes);
        })
      : null;
  }

  get lost(): number {
    return this.#reception.lost;
  }

  /** One RTP packet; whatever else it may be is passed over. */
  rtp(bytes: Uint8Array, start: number, end: number, nowMs: number): void {
    const packet = this.#packet;
    if (!packet.read(bytes, start, end) || packet.payloadType !== this.#options.payloadType) return;
    this.#nowMs = nowMs;
    this.#reception.add(packet.ssrc, packet.sequence, packet.timestamp, nowMs);
    if (this.#window) this.#window.push(bytes.subarray(start, end), packet.sequence, nowMs);
    else this.#deliver(bytes);
  }

  /** One RTCP packet. */
  rtcp(bytes: Uint8Array, nowMs: number): void {
    const compound = parseRtcp(bytes);
    if (!compound) return;
    for (const report of compound.reports) {
      // Before the first packet nobody knows whose report is meant; there is one source in each track.
      if (this.#reception.ssrc !== null && report.ssrc !== this.#reception.ssrc) continue;
      this.#reception.heard(report, nowMs);
      this.#taker.report(report);
    }
    if (compound.goodbyes.some((ssrc) => ssrc === this.#reception.ssrc)) this.#taker.goodbye();
  }

  /** Hands on what waited too long for packets that do not come. */
  expire(nowMs: number): void {
    this.#nowMs = nowMs;
    this.#window?.expire(nowMs);
  }

  /** What is sent back now and then: how much arrived, and that we are there. */
  report(ssrc: number, nowMs: number): Uint8Array {
    return receiverReport(ssrc, this.#reception.facts(nowMs), NAME);
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  #deliver(bytes: Uint8Array): void {
    const { sequence } = this.#packet;
    const lost = this.#next !== null && sequence !== this.#next;
    this.#next = (sequence + 1) & 0xffff;
    this.#taker.payload(bytes, this.#packet, lost);
  }
}
