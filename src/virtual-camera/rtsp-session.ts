import type { Clock, Log, Random } from '../platform/index.ts';
import type { Carrier } from './carrier.ts';
import type { FaultBoard } from './faults.ts';
import type { Feed } from './feed.ts';
import { Outlet } from './outlet.ts';
import { PACKET_HEADER_BYTES, type PacketBundle } from './rtp-packets.ts';

export interface SessionDeps {
  clock: Clock;
  random: Random;
  log: Log;
  faults: FaultBoard;
}

export interface SessionOptions {
  id: string;
  mount: string;
  /** Address of the client; only it may use the session. */
  address: string;
  cname: string;
  reportIntervalMs: number;
  queueBytesMax: number;
  /** The picture of the `resize` fault for a feed, or undefined where there is none (yet). */
  alternate: (feed: Feed) => Feed | undefined;
  /** Resets the client's connection (fault `drop`). */
  reset: () => void;
}

/** One RTSP session: the tracks a client has set up, ready or playing (RFC 2326 A.2). */
export class RtspSession {
  readonly id: string;
  readonly mount: string;
  readonly address: string;
  readonly #deps: SessionDeps;
  readonly #options: SessionOptions;
  readonly #outlets = new Map<number, Outlet>();
  #playing = false;
  #playedAtMs = 0;
  #heardAtMs: number;
  #unsubscribe: Array<() => void> = [];
  #cancelReport: (() => void) | undefined;
  /** Media time (seconds) of the first keyframe sent since PLAY: sound before it is left out. */
  #pictureFrom = Number.NaN;
  /** What the picture is taken from now, and what it will be taken from at its next keyframe. */
  #picture: Feed | undefined;
  #nextPicture: Feed | undefined;
  #lastPictureTicks = Number.NEGATIVE_INFINITY;
  #stopNextPicture: (() => void) | undefined;

  constructor(deps: SessionDeps, options: SessionOptions) {
    this.id = options.id;
    this.mount = options.mount;
    this.address = options.address;
    this.#deps = deps;
    this.#options = options;
    this.#heardAtMs = deps.clock.monotonic();
  }

  get playing(): boolean {
    return this.#playing;
  }

  /** Tracks that are set up, by number. */
  get outlets(): ReadonlyMap<number, Outlet> {
    return this.#outlets;
  }

  /** The client gave a sign of life. */
  heard(): void {
    this.#heardAtMs = this.#deps.clock.monotonic();
  }

  silentMs(): number {
    return this.#deps.clock.monotonic() - this.#heardAtMs;
  }

  /** Sets a track up, or gives it another carrier; not while playing. */
  setUp(track: number, feed: Feed, carrier: Carrier): Outlet {
    const existing = this.#outlets.get(track);
    if (existing) {
      existing.changeCarrier(carrier);
      return existing;
    }
    const outlet = new Outlet(this.#deps, feed, carrier, this.#options.queueBytesMax);
    this.#outlets.set(track, outlet);
    return outlet;
  }

  /** Value of RTP-Info for a PLAY that is answered now: what the first packets will carry (RFC 2326 12.33). */
  rtpInfo(base: string): string {
    const main = [...this.#outlets.values()].find((outlet) => outlet.feed.kind === 'video')?.feed;
    const picture = main && this.#pictureDue(main, 0);
    const entries = [...this.#outlets].map(([track, outlet]) => {
      const ticks = picture
        ? Math.round((picture.nextKeyframeTicks() * outlet.feed.clockRate) / picture.clockRate)
        : outlet.feed.ticksNow();
      const rtptime = outlet.timestamp(ticks, this.#jumpMs(0));
      return `url=${base}trackID=${track};seq=${outlet.nextSequence};rtptime=${rtptime}`;
    });
    return entries.join(',');
  }

  /** Begins to send: the picture from its next keyframe, the sound with it. */
  play(): void {
    if (this.#playing) return;
    this.#playing = true;
    this.#playedAtMs = this.#deps.clock.monotonic();
    this.#pictureFrom = Number.NaN;
    this.#lastPictureTicks = Number.NEGATIVE_INFINITY;
    for (const outlet of this.#outlets.values()) {
      if (outlet.feed.kind === 'video') this.#watch(outlet, this.#pictureDue(outlet.feed, 0));
      else this.#unsubscribe.push(outlet.feed.subscribe((bundle) => this.#onSound(outlet, bundle)));
    }
    this.#reportLater();
  }

  pause(): void {
    this.#playing = false;
    for (const end of this.#unsubscribe) end();
    this.#unsubscribe = [];
    this.#stopNextPicture?.();
    this.#stopNextPicture = undefined;
    this.#picture = undefined;
    this.#nextPicture = undefined;
    this.#cancelReport?.();
  }

  /** Ends for good; `farewell` says so to the client in RTCP. */
  close(farewell: boolean): void {
    const silenced = this.#quiet();
    const wasPlaying = this.#playing;
    this.pause();
    if (farewell && wasPlaying && !silenced && !this.#deps.faults.active('no-rtcp', this.mount)) {
      for (const outlet of this.#outlets.values()) outlet.goodbye();
    }
    this.#outlets.clear();
  }

  #watch(outlet: Outlet, feed: Feed): void {
    this.#picture = feed;
    const end = feed.subscribe((bundle) => {
      if (this.#picture === feed) this.#onPicture(outlet, bundle);
    });
    this.#unsubscribe.push(end);
  }

  #onPicture(outlet: Outlet, bundle: PacketBundle): void {
    this.#considerResize(outlet);
    if (Number.isNaN(this.#pictureFrom) && !bundle.keyframe) return;
    // After a change of encoder the new one may lag a little behind the old: time never runs back for it.
    const ticks = Math.max(bundle.ticks, this.#lastPictureTicks + 1);
    if (!this.#deliver(outlet, { ...bundle, ticks })) return;
    this.#lastPictureTicks = ticks;
    if (Number.isNaN(this.#pictureFrom)) {
      this.#pictureFrom = ticks / outlet.feed.clockRate;
      this.#report();
    }
  }

  #onSound(outlet: Outlet, bundle: PacketBundle): void {
    const hasPicture = this.#picture !== undefined;
    // Not `<`: while there is no picture yet the comparison is with NaN, and sound waits.
    if (hasPicture && !(bundle.ticks / outlet.feed.clockRate >= this.#pictureFrom)) return;
    this.#deliver(outlet, bundle);
  }

  /** Sends unless a fault forbids; false where nothing left. */
  #deliver(outlet: Outlet, bundle: PacketBundle): boolean {
    const { faults, random } = this.#deps;
    if (faults.due('drop', this.mount, this.#playedMs())) {
      this.#options.reset();
      return false;
    }
    if (this.#quiet()) return false;
    const malformed = faults.malformed('PLAY', this.mount);
    const spoil =
      malformed === undefined
        ? undefined
        : (copy: Buffer, starts: readonly number[]) => spoilPackets(malformed, copy, starts, random);
    return outlet.send(bundle, this.#jumpMs(this.#playedMs()), spoil);
  }

  /** Follows the `resize` fault: the other picture is watched beside this one until it comes to a keyframe. */
  #considerResize(outlet: Outlet): void {
    const wanted = this.#pictureDue(outlet.feed, this.#playedMs());
    if (wanted === this.#picture) {
      this.#stopNextPicture?.();
      this.#stopNextPicture = undefined;
      this.#nextPicture = undefined;
      return;
    }
    if (wanted === this.#nextPicture) return;
    this.#stopNextPicture?.();
    this.#nextPicture = wanted;
    const leave = wanted.subscribe((bundle) => {
      if (this.#nextPicture !== wanted || !bundle.keyframe) return;
      this.#stopNextPicture = undefined;
      this.#nextPicture = undefined;
      leave();
      const sound = [...this.#outlets.values()].filter((other) => other.feed.kind === 'audio');
      for (const end of this.#unsubscribe) end();
      this.#unsubscribe = [];
      for (const other of sound) {
        this.#unsubscribe.push(other.feed.subscribe((next) => this.#onSound(other, next)));
      }
      this.#watch(outlet, wanted);
      this.#onPicture(outlet, bundle);
    });
    this.#stopNextPicture = leave;
  }

  /** The picture a client is to see that has been playing for so long. */
  #pictureDue(feed: Feed, playedMs: number): Feed {
    const due = this.#deps.faults.due('resize', this.mount, playedMs);
    return (due && this.#options.alternate(feed)) ?? feed;
  }

  #reportLater(): void {
    this.#cancelReport = this.#deps.clock.after(this.#options.reportIntervalMs, () => {
      if (!this.#playing) return;
      this.#report();
      this.#reportLater();
    });
  }

  #report(): void {
    const { faults } = this.#deps;
    if (this.#quiet() || faults.active('no-rtcp', this.mount)) return;
    for (const outlet of this.#outlets.values()) {
      if (outlet.packets > 0 || outlet.feed.kind === 'audio') {
        outlet.report(this.#options.cname, this.#jumpMs(this.#playedMs()));
      }
    }
  }

  /** True while a fault keeps this client without packets. */
  #quiet(): boolean {
    const { faults } = this.#deps;
    const hang = faults.active('hang', this.mount);
    return (hang && hang.method === undefined) || faults.due('silent', this.mount, this.#playedMs()) !== undefined;
  }

  #jumpMs(playedMs: number): number {
    return this.#deps.faults.due('jump', this.mount, playedMs)?.byMs ?? 0;
  }

  #playedMs(): number {
    return this.#playing ? this.#deps.clock.monotonic() - this.#playedAtMs : 0;
  }
}

/** Damage for the `malformed` fault: `rtp` spoils versions and payloads, `frames` also channels and lengths of interleaving. */
function spoilPackets(kind: string, copy: Buffer, starts: readonly number[], random: Random): void {
  starts.forEach((start, index) => {
    const dice = random.bytes(32);
    if (kind === 'frames' && dice[0]! < 64) {
      copy[start + 1] = dice[1]!;
      copy.writeUInt16BE((dice[2]! << 8) | dice[3]!, start + 2);
    }
    if (kind === 'rtp') {
      const end = starts[index + 1] ?? copy.length;
      if (dice[0]! < 64) copy[start + 4] = dice[1]!;
      const payload = start + PACKET_HEADER_BYTES;
      copy.set(dice.subarray(4, 4 + Math.min(28, end - payload)), payload);
    }
  });
}
