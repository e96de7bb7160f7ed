import type { Clock } from '../platform/index.ts';
import { captureTimeNal } from './capture-time.ts';
import { Encoder, type EncoderDeps } from './encoder.ts';
import { videoArguments } from './encoder-arguments.ts';
import { Audience, type Feed } from './feed.ts';
import type { PictureOptions } from './options.ts';
import { insertBeforeSlices, type ParameterSets, readPicture, type VideoCodec } from './picture.ts';
import { commandLine, type PictureView, type ViewSetting, viewSettings } from './picture-view.ts';
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
  /** Moves and colours the picture; without one it stays as it is. */
  view?: PictureView | undefined;
}

const CLOCK_RATE = 90_000;
const PAYLOAD_TYPE = 96;
const PTS_MODULUS = 2 ** 33;
/** A capture time further than this from the wall clock is not believed (the clock was stepped): the arrival stands in. */
const CAPTURE_ERROR_US_MAX = 2_000_000;
/** When the encoder's steady count and the clock are this far apart (the machine slept), counting begins anew. */
const DRIFT_US_MAX = 500_000;
/** The pictures since the last keyframe are kept for a snapshot up to this many bytes. */
const RECENT_BYTES_MAX = 16 * 1024 * 1024;

/** One encoder's picture, packed once for all clients. RTP time is the steady count of pictures on the monotonic clock. */
export class VideoFeed implements Feed {
  readonly kind = 'video';
  readonly payloadType = PAYLOAD_TYPE;
  readonly clockRate = CLOCK_RATE;
  readonly #clock: Clock;
  readonly #options: VideoFeedOptions;
  readonly #encoder: Encoder;
  readonly #audience = new Audience();
  readonly #unwatch: () => void;
  /** What the encoder was told last. */
  #settings: ViewSetting[] = [];
  #recent: Buffer[] = [];
  #recentBytes = 0;
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
      told: options.view !== undefined,
      arguments: (plain) => {
        const view = options.view && { of: options.view, settings: this.#settings };
        return videoArguments(options.codec, options.picture, this.#wallOriginUs, !plain, view);
      },
      onStart: () => this.#begin(),
      onBytes: (bytes) => {
        for (const unit of this.#reader.push(bytes)) this.#take(unit.pts, unit.payload);
      },
    });
    this.#unwatch = options.view?.onChange(() => this.#steer()) ?? (() => {});
  }

  /** The coded pictures from the last keyframe to this moment, Annex B, and how many they are; only with a view. */
  recent(): { bytes: Buffer; pictures: number } | null {
    return this.#recent.length === 0 ? null : { bytes: Buffer.concat(this.#recent), pictures: this.#recent.length };
  }

  start(): Promise<void> {
    return this.#encoder.start();
  }

  async stop(): Promise<void> {
    this.#unwatch();
    await this.#encoder.stop();
    this.#parameterSets = null;
    this.#forget();
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
    this.#forget();
    const { view, picture } = this.#options;
    if (view) this.#settings = viewSettings(view, picture, this.#wallOriginUs);
  }

  /** Tells the encoder what has changed of the view. */
  #steer(): void {
    const { view, picture } = this.#options;
    if (!view) return;
    const settings = viewSettings(view, picture, this.#wallOriginUs);
    const known = new Set(this.#settings.map(commandLine));
    const changed = settings.map(commandLine).filter((line) => !known.has(line));
    this.#settings = settings;
    // In one piece, so that a line is never torn.
    if (changed.length > 0) this.#encoder.tell(changed.join(''));
  }

  #remember(payload: Buffer, keyframe: boolean): void {
    if (keyframe) this.#forget();
    if ((this.#recent.length === 0 && !keyframe) || this.#recentBytes + payload.length > RECENT_BYTES_MAX) return;
    this.#recent.push(Buffer.from(payload));
    this.#recentBytes += payload.length;
  }

  #forget(): void {
    this.#recent = [];
    this.#recentBytes = 0;
  }

  #take(pts: number, payload: Buffer): void {
    const { codec } = this.#options;
    const captureUs = this.#captureUs(pts);
    const ticks = this.#ticks(captureUs);
    const frameNumber = this.#frameNumber++;
    const picture = readPicture(codec, payload);
    if (picture.nals.length === 0) return;
    if (picture.keyframe) this.#lastKeyTicks = ticks;
    if (this.#options.view) this.#remember(payload, picture.keyframe);
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
