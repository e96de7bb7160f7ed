import type { Clock } from '../platform/index.ts';
import { AAC_FRAME_SAMPLES, AdtsReader } from './adts.ts';
import { Encoder, type EncoderDeps } from './encoder.ts';
import { AUDIO_RATES, audioArguments, G711_PACKET_SAMPLES } from './encoder-arguments.ts';
import { Audience, type Feed } from './feed.ts';
import type { AudioCodec } from './options.ts';
import { type PacketBundle, packAac, packG711 } from './rtp-packets.ts';
import { audioDescription } from './sdp.ts';

/** RTP payload types: static for G.711 (RFC 3551 6), dynamic for AAC. */
const PAYLOAD_TYPES: Record<AudioCodec, number> = { aac: 97, pcma: 8, pcmu: 0 };
/** As for pictures: a count this far from the clock begins anew. */
const DRIFT_US_MAX = 500_000;

/** The camera's sound, packed once for all clients. RTP time is the count of samples on the monotonic clock. */
export class AudioFeed implements Feed {
  readonly kind = 'audio';
  readonly payloadType: number;
  readonly clockRate: number;
  readonly #clock: Clock;
  readonly #codec: AudioCodec;
  readonly #originUs: number;
  readonly #encoder: Encoder;
  readonly #audience = new Audience();
  #adts = new AdtsReader();
  #samples: Buffer = Buffer.alloc(0);
  #heard = false;
  #anchorTicks = Number.NaN;
  #counted = 0;
  /** Where the last unit ended: no later one begins before. */
  #endTicks = Number.NEGATIVE_INFINITY;

  constructor(deps: EncoderDeps, options: { codec: AudioCodec; ffmpeg: string; originUs: number }) {
    this.#clock = deps.clock;
    this.#codec = options.codec;
    this.#originUs = options.originUs;
    this.payloadType = PAYLOAD_TYPES[options.codec];
    this.clockRate = AUDIO_RATES[options.codec];
    this.#encoder = new Encoder(deps, {
      name: 'audio',
      command: options.ffmpeg,
      arguments: () => audioArguments(options.codec),
      onStart: () => {
        this.#adts = new AdtsReader();
        this.#samples = Buffer.alloc(0);
        this.#anchorTicks = Number.NaN;
      },
      onBytes: (bytes) => this.#take(bytes),
    });
  }

  start(): Promise<void> {
    return this.#encoder.start();
  }

  stop(): Promise<void> {
    return this.#encoder.stop();
  }

  description(): string[] | null {
    return this.#heard ? audioDescription(this.#codec, this.payloadType, this.clockRate) : null;
  }

  ready(timeoutMs: number): Promise<boolean> {
    return this.#audience.until(() => this.#heard, this.#clock, timeoutMs);
  }

  subscribe(listener: (bundle: PacketBundle) => void): () => void {
    return this.#audience.add(listener);
  }

  get listeners(): number {
    return this.#audience.size;
  }

  ticksNow(): number {
    return Math.round(((this.#clock.monotonicUs() - this.#originUs) * this.clockRate) / 1e6);
  }

  nextKeyframeTicks(): number {
    return this.ticksNow();
  }

  #take(bytes: Uint8Array): void {
    const units = this.#codec === 'aac' ? this.#adts.push(bytes) : this.#g711(bytes);
    const samples = this.#codec === 'aac' ? AAC_FRAME_SAMPLES : G711_PACKET_SAMPLES;
    for (const unit of units) {
      const ticks = this.#ticks(samples);
      if (this.#audience.size === 0) continue;
      const pack = this.#codec === 'aac' ? packAac : packG711;
      this.#audience.send(pack(this.payloadType, unit, ticks));
    }
    if (units.length > 0 && !this.#heard) {
      this.#heard = true;
      this.#audience.wake();
    }
  }

  #g711(bytes: Uint8Array): Uint8Array[] {
    const data = Buffer.concat([this.#samples, bytes]);
    const units: Uint8Array[] = [];
    let at = 0;
    for (; at + G711_PACKET_SAMPLES <= data.length; at += G711_PACKET_SAMPLES) {
      units.push(data.subarray(at, at + G711_PACKET_SAMPLES));
    }
    this.#samples = data.subarray(at);
    return units;
  }

  /** Media time of the next unit, which ends now as far as one can see from here. */
  #ticks(samples: number): number {
    const madeTicks = this.ticksNow() - samples;
    const steady = this.#anchorTicks + this.#counted;
    if (Number.isNaN(steady) || (Math.abs(madeTicks - steady) * 1e6) / this.clockRate > DRIFT_US_MAX) {
      this.#anchorTicks = Math.max(madeTicks, this.#endTicks);
      this.#counted = 0;
    }
    const ticks = this.#anchorTicks + this.#counted;
    this.#counted += samples;
    this.#endTicks = ticks + samples;
    return ticks;
  }
}
