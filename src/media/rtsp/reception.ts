import type { ReceptionFacts, SenderReport } from './rtcp.ts';

/** What came of one source, counted as RFC 3550 (appendix A.1, A.3, A.8) says. */
export class Reception {
  readonly #clockRate: number;
  #ssrc: number | null = null;
  #highest = 0;
  #wraps = 0;
  #first = 0;
  #received = 0;
  #expectedBefore = 0;
  #receivedBefore = 0;
  #jitter = 0;
  #transit = 0;
  #report: { middle: number; atMs: number } | null = null;

  constructor(clockRate: number) {
    this.#clockRate = clockRate;
  }

  get ssrc(): number | null {
    return this.#ssrc;
  }

  /** Packets that never came, as far as the sequence numbers tell. */
  get lost(): number {
    return this.#ssrc === null ? 0 : Math.max(0, this.#expected() - this.#received);
  }

  /** Takes the next packet's numbers; `arrivalMs` monotonic. */
  add(ssrc: number, sequence: number, timestamp: number, arrivalMs: number): void {
    if (this.#ssrc !== ssrc) this.#begin(ssrc, sequence);
    const ahead = (sequence - this.#highest) & 0xffff;
    if (ahead < 0x8000) {
      if (sequence < this.#highest) this.#wraps++;
      this.#highest = sequence;
    }
    this.#received++;
    const transit = ((arrivalMs * this.#clockRate) / 1000 - timestamp) % 2 ** 32;
    // Packets of one picture share a timestamp and arrive behind each other: that spread is jitter too, by the standard.
    const change = Math.abs(transit - this.#transit);
    if (this.#received > 1 && change < this.#clockRate * 10) this.#jitter += (change - this.#jitter) / 16;
    this.#transit = transit;
  }

  heard(report: SenderReport, arrivalMs: number): void {
    this.#report = { middle: report.middle, atMs: arrivalMs };
  }

  /** What the next receiver report says; null before anything came. */
  facts(nowMs: number): ReceptionFacts | null {
    if (this.#ssrc === null) return null;
    const expected = this.#expected();
    const expectedNow = expected - this.#expectedBefore;
    const lostNow = expectedNow - (this.#received - this.#receivedBefore);
    this.#expectedBefore = expected;
    this.#receivedBefore = this.#received;
    return {
      ssrc: this.#ssrc,
      fractionLost: expectedNow > 0 && lostNow > 0 ? Math.min(255, Math.floor((lostNow * 256) / expectedNow)) : 0,
      lost: Math.min(0x7f_ffff, this.lost),
      highest: ((this.#wraps & 0xffff) << 16) | this.#highest,
      jitter: Math.min(0xffff_ffff, Math.round(this.#jitter)),
      lastReport: this.#report?.middle ?? 0,
      sinceLastReport: this.#report
        ? Math.min(0xffff_ffff, Math.max(0, Math.round(((nowMs - this.#report.atMs) * 65_536) / 1000)))
        : 0,
    };
  }

  #begin(ssrc: number, sequence: number): void {
    this.#ssrc = ssrc;
    this.#first = sequence;
    this.#highest = sequence;
    this.#wraps = 0;
    this.#received = 0;
    this.#expectedBefore = 0;
    this.#receivedBefore = 0;
    this.#report = null;
  }

  #expected(): number {
    return this.#wraps * 65_536 + this.#highest - this.#first + 1;
  }
}
