import type { Clock } from '../platform/index.ts';
import { captureTimeNal } from './capture-time.ts';
import { Encoder, type EncoderDeps } from './encoder.ts';
import { videoArguments } from './encoder-arguments.ts';
import { Audience, type Feed } from './feed.ts';
import type { PictureOptions } from './options.ts';
import { insertBeforeSlices, type ParameterSets, readPicture, type VideoCodec } from './picture.ts';
import { type PacketBundle, packVideo } from './rtp-packets.ts';
import { videoDescription } from './sdp.ts';
import { TransportStreamReader } from './transport-stream.ts';

export interface VideoFeedOptions {
  name: string;
  codec: VideoCodec;
  picture: PictureOptions;
  ffmpeg: string;
  /** Monotonic µs at which the camera's media time is zero; the same for all its feeds. */
  originUs: number;
}

const CLOCK_RATE = 90_000;
const PAYLOAD_TYPE = 96;
const PTS_MODULUS = 2 ** 33;
/** A capture time further than this from the wall clock is not believed (the clock was stepped): the arrival stands in. */
const CAPTURE_ERROR_US_MAX = 2_000_000;
/** When the encoder's steady count and the clock are this far apart (the machine slept), counting begins anew. */
const DRIFT_US_MAX = 500_000;

/** One encoder's picture, packed once for all clients. RTP time is the steady count of pictures on the monotonic clock. */
export class VideoFeed implements Feed {
  readonly kind = 'video';
  readonly payloadType = PAYLOAD_TYPE;
  readonly clockRate = CLOCK_RATE;
  readonly #clock: Clock;
  readonly #options: VideoFeedOptions;
  readonly #encoder: Encoder;
  readonly #audience = new Audience();
  #reader = new TransportStreamReader();
  #parameterSets: ParameterSets | null = null;
  /** Wall µs at which the encoder's timestamps are zero. */
  #wallOriginUs = 0;
  #frameNumber = 0;
  /** Monotonic µs of the picture counted as zero, and pictures since. */
  #anchorUs = 0;
  #counted = -1;
  #lastTicks = Number.NEGATIVE_INFINITY;
  #lastKeyTicks = 0;

  constructor(deps: EncoderDeps, options: VideoFeedOptions) {
    this.#clock = deps.clock;
    this.#options = options;
    this.#encoder = new Encoder(deps, {
      name: options.name,
      command: options.ffmpeg,
      arguments: (plain) => videoArguments(options.codec, options.picture, this.#wallOriginUs, !plain),
      onStart: () => this.#begin(),
      onBytes: (bytes) => {
        for (const unit of this.#reader.push(bytes)) this.#take(unit.pts, unit.payload);
      },
    });
  }

  start(): Promise<void> {
    return this.#encoder.start();
  }

  async stop(): Promise<void> {
    await this.#encoder.stop();
    this.#parameterSets = null;
    this.#audience.wake();
  }

  description(): string[] | null {
    const { codec, picture } = this.#options;
    return this.#parameterSets && videoDescription(codec, PAYLOAD_TYPE, picture, this.#parameterSets);
  }

  ready(timeoutMs: number): Promise<boolean> {
    return this.#audience.until(() => this.#parameterSets !== null, this.#clock, timeoutMs);
  }

  subscribe(listener: (bundle: PacketBundle) => void): () => void {
    return this.#audience.add(listener);
  }

  get listeners(): number {
    return this.#audience.size;
  }

  ticksNow(): number {
    return Math.round((this.#clock.monotonicUs() - this.#options.originUs) * 0.09);
  }

  nextKeyframeTicks(): number {
    const { gop, fps } = this.#options.picture;
    return this.#lastKeyTicks + Math.round((gop * CLOCK_RATE) / fps);
  }

  #begin(): void {
    this.#reader = new TransportStreamReader();
    // Five seconds back, so that a clock stepped a little does not make the first timestamps negative.
    this.#wallOriginUs = this.#clock.nowUs() - 5_000_000;
    this.#frameNumber = 0;
    this.#counted = -1;
  }

  #take(pts: number, payload: Buffer): void {
    const { codec } = this.#options;
    const captureUs = this.#captureUs(pts);
    const ticks = this.#ticks(captureUs);
    const frameNumber = this.#frameNumber++;
    const picture = readPicture(codec, payload);
    if (picture.nals.length === 0) return;
    if (picture.keyframe) this.#lastKeyTicks = ticks;
    if (picture.parameterSets) {
      this.#parameterSets = picture.parameterSets;
      this.#audience.wake();
    }
    if (this.#audience.size === 0) return;
    const nals = insertBeforeSlices(codec, picture.nals, captureTimeNal(codec, { captureUs, frameNumber }));
    this.#audience.send(packVideo(codec, PAYLOAD_TYPE, nals, { ticks, keyframe: picture.keyframe }));
  }

  #captureUs(pts: number): number {
    const nowUs = this.#clock.nowUs();
    const expected = Math.round((nowUs - this.#wallOriginUs) * 0.09);
    const unwrapped = pts + Math.round((expected - pts) / PTS_MODULUS) * PTS_MODULUS;
    const captureUs = this.#wallOriginUs + Math.round(unwrapped / 0.09);
    return Math.abs(captureUs - nowUs) > CAPTURE_ERROR_US_MAX ? nowUs : captureUs;
  }

  #ticks(captureUs: number): number {
    const { fps } = this.#options.picture;
    const madeUs = this.#clock.monotonicUs() - (this.#clock.nowUs() - captureUs);
    this.#counted++;
    const steadyUs = this.#anchorUs + (this.#counted * 1e6) / fps;
    if (this.#counted === 0 || Math.abs(madeUs - steadyUs) > DRIFT_US_MAX) {
      this.#anchorUs = madeUs;
      this.#counted = 0;
    }
    const us = this.#anchorUs + (this.#counted * 1e6) / fps - this.#options.originUs;
    this.#lastTicks = Math.max(Math.round(us * 0.09), this.#lastTicks + 1);
    return this.#lastTicks;
  }
}
