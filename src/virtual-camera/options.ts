import { optionsError } from './errors.ts';
import type { FaultSetting } from './faults.ts';
import type { VideoCodec } from './picture.ts';

export type AudioCodec = 'aac' | 'pcma' | 'pcmu';
export type RtpTransport = 'tcp' | 'udp';

/** One encoder's picture. */
export interface PictureOptions {
  /** Pixels, even, 64-3840. */
  width: number;
  height: number;
  /** Pictures per second, whole, 1-60. */
  fps: number;
  /** Pictures from keyframe to keyframe, exact, 1-600. */
  gop: number;
  /** Bits per second, 32,000-50,000,000. */
  bitrate: number;
}

/** Who may watch; the password is compared, never logged. */
export interface Credentials {
  username: string;
  password: string;
  scheme: 'basic' | 'digest';
}

export interface VirtualCameraOptions {
  /** Address to listen on; default 127.0.0.1. */
  host?: string | undefined;
  /** TCP port; 0 (default) takes a free one. */
  port?: number | undefined;
  /** How many numbered cameras (`/cam1/main`, `/cam1/sub`, ...) stand beside `/main` and `/sub`; default 0, at most 512. */
  cameras?: number | undefined;
  codec?: VideoCodec | undefined;
  main?: Partial<PictureOptions> | undefined;
  /** `null`: no sub stream. */
  sub?: Partial<PictureOptions> | null | undefined;
  audio?: AudioCodec | 'none' | undefined;
  credentials?: Credentials | undefined;
  /** What SETUP agrees to; default both. */
  transports?: readonly RtpTransport[] | undefined;
  /** A session without sign of life ends after this; default 60,000. */
  sessionTimeoutMs?: number | undefined;
  /** Time between sender reports; default 5,000. */
  reportIntervalMs?: number | undefined;
  /** Bytes that may wait for one slow client before its pictures are dropped up to the next keyframe; default 1 MiB. */
  queueBytesMax?: number | undefined;
  /** Faults that hold from the start. */
  faults?: readonly FaultSetting[] | undefined;
  /** The ffmpeg to run; default `ffmpeg` from PATH. */
  ffmpeg?: string | undefined;
}

export type StreamName = 'main' | 'sub';

/** Options with every default in place. */
export interface ResolvedOptions {
  host: string;
  port: number;
  codec: VideoCodec;
  pictures: Partial<Record<StreamName, PictureOptions>>;
  audio: AudioCodec | 'none';
  credentials: Credentials | undefined;
  transports: readonly RtpTransport[];
  sessionTimeoutMs: number;
  reportIntervalMs: number;
  queueBytesMax: number;
  faults: readonly FaultSetting[];
  ffmpeg: string;
  /** Path of every mount with the stream it shows. */
  mounts: ReadonlyMap<string, StreamName>;
}

const MAIN: PictureOptions = { width: 1280, height: 720, fps: 25, gop: 50, bitrate: 2_000_000 };
const SUB: PictureOptions = { width: 640, height: 360, fps: 25, gop: 50, bitrate: 400_000 };
const CAMERAS_MAX = 512;

/** Fills in the defaults; `ERR_VIRTUAL_CAMERA_OPTIONS` (`invalid`) names what cannot be meant. */
export function resolveOptions(options: VirtualCameraOptions): ResolvedOptions {
  const cameras = whole('cameras', options.cameras ?? 0, 0, CAMERAS_MAX);
  const pictures: Partial<Record<StreamName, PictureOptions>> = { main: picture('main', MAIN, options.main ?? {}) };
  if (options.sub !== null) pictures.sub = picture('sub', SUB, options.sub ?? {});
  const mounts = new Map<string, StreamName>();
  for (const prefix of ['', ...Array.from({ length: cameras }, (_, index) => `/cam${index + 1}`)]) {
    for (const name of Object.keys(pictures) as StreamName[]) mounts.set(`${prefix}/${name}`, name);
  }
  const { credentials } = options;
  if (credentials && !/^[\x21\x23-\x39\x3b-\x7e]{1,64}$/.test(credentials.username)) {
    throw optionsError('expected a user name of 1-64 visible ASCII characters without colon and quotation mark');
  }
  if (credentials && !/^[\x20-\x7e]{1,128}$/.test(credentials.password)) {
    throw optionsError('expected a password of 1-128 ASCII characters');
  }
  const transports = options.transports ?? ['tcp', 'udp'];
  if (transports.length === 0) throw optionsError('expected at least one transport');
  return {
    host: options.host ?? '127.0.0.1',
    port: whole('port', options.port ?? 0, 0, 65535),
    codec: options.codec ?? 'h264',
    pictures,
    audio: options.audio ?? 'none',
    credentials,
    transports,
    sessionTimeoutMs: whole('session timeout (ms)', options.sessionTimeoutMs ?? 60_000, 1000, 3_600_000),
    reportIntervalMs: whole('report interval (ms)', options.reportIntervalMs ?? 5000, 100, 60_000),
    queueBytesMax: whole('client queue (bytes)', options.queueBytesMax ?? 1024 * 1024, 16_384, 64 * 1024 * 1024),
    faults: options.faults ?? [],
    ffmpeg: options.ffmpeg ?? 'ffmpeg',
    mounts,
  };
}

/** The picture the `resize` fault switches to: three quarters of the size, kept even; a quarter more where that is too small. */
export function otherSize(picture: PictureOptions): PictureOptions {
  const factor = Math.min(picture.width, picture.height) >= 128 ? 0.75 : 1.25;
  const even = (value: number) => Math.round((value * factor) / 2) * 2;
  return { ...picture, width: even(picture.width), height: even(picture.height) };
}

function picture(name: string, defaults: PictureOptions, given: Partial<PictureOptions>): PictureOptions {
  const fps = whole(`${name} fps`, given.fps ?? defaults.fps, 1, 60);
  const result = {
    width: whole(`${name} width`, given.width ?? defaults.width, 64, 3840),
    height: whole(`${name} height`, given.height ?? defaults.height, 64, 3840),
    fps,
    gop: whole(`${name} gop`, given.gop ?? fps * 2, 1, 600),
    bitrate: whole(`${name} bitrate`, given.bitrate ?? defaults.bitrate, 32_000, 50_000_000),
  };
  if (result.width % 2 !== 0 || result.height % 2 !== 0) throw optionsError(`expected an even size for ${name}`);
  return result;
}

function whole(name: string, value: number, least: number, most: number): number {
  if (!Number.isInteger(value) || value < least || value > most) {
    throw optionsError(`expected ${name} to be a whole number from ${least} to ${most}, got ${value}`);
  }
  return value;
}
