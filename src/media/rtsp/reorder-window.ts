/** How far a packet may come before those it follows. */
const WINDOW_PACKETS = 64;
/** How long those behind a hole wait for it. */
const WAIT_MS_MAX = 150;
const PACKET_BYTES_MAX = 65_535;

interface Held {
  bytes: Uint8Array;
  sequence: number;
  atMs: number;
}

/**
 * Puts packets that came by UDP into the order of their sequence numbers. One that follows the last is handed on where it lies; what
 * comes early is kept, copied, until the hole is filled, 64 packets lie behind it, or it has waited for 150 ms. What comes too late or
 * twice is dropped. Holds at most 64 packets.
 */
export class ReorderWindow {
  readonly #deliver: (bytes: Uint8Array, start: number, end: number) => void;
  #next: number | null = null;
  #held: Held[] = [];
  #foreign = 0;

  constructor(deliver: (bytes: Uint8Array, start: number, end: number) => void) {
    this.#deliver = deliver;
  }

  /** Takes one packet with its sequence number; `nowMs` monotonic. */
  push(bytes: Uint8Array, sequence: number, nowMs: number): void {
    if (bytes.length > PACKET_BYTES_MAX) return;
    this.#next ??= sequence;
    const ahead = (sequence - this.#next) & 0xffff;
    if (ahead >= 0x8000) {
      // A camera that began to count anew is followed after a while; a straggler is not.
      if (++this.#foreign < WINDOW_PACKETS) return;
      this.#release();
      this.#next = sequence;
    } else if (ahead > 0) {
      this.#hold(bytes, sequence, nowMs);
      if (this.#held.length >= WINDOW_PACKETS) this.#release();
      else this.expire(nowMs);
      return;
    }
    this.#foreign = 0;
    this.#next = (sequence + 1) & 0xffff;
    this.#deliver(bytes, 0, bytes.length);
    this.#releaseFollowing();
  }

  /** Hands on what has waited too long; to be called now and then where packets may stop coming. */
  expire(nowMs: number): void {
    if (this.#held.some((each) => nowMs - each.atMs >= WAIT_MS_MAX)) this.#release();
  }

  #hold(bytes: Uint8Array, sequence: number, atMs: number): void {
    const place = (each: { sequence: number }) => (each.sequence - this.#next!) & 0xffff;
    const own = { bytes: bytes.slice(), sequence, atMs };
    let at = this.#held.length;
    while (at > 0 && place(this.#held[at - 1]!) > place(own)) at--;
    if (this.#held[at - 1]?.sequence !== sequence) this.#held.splice(at, 0, own);
  }

  /** Everything that is held, holes and all. */
  #release(): void {
    for (const each of this.#held.splice(0)) this.#handOn(each);
  }

  #releaseFollowing(): void {
    while (this.#held[0]?.sequence === this.#next) this.#handOn(this.#held.shift()!);
  }

  #handOn({ bytes, sequence }: Held): void {
    this.#next = (sequence + 1) & 0xffff;
    this.#deliver(bytes, 0, bytes.length);
  }
}
