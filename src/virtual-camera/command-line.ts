import { isIP } from 'node:net';
import type { VirtualDeviceOptions } from './device-api.ts';
import { optionsError } from './errors.ts';
import { parseFault } from './faults.ts';
import type { AudioCodec, Credentials, VirtualCameraOptions } from './options.ts';
import { createVirtualCamera } from './virtual-camera.ts';
import { createVirtualDevice, type VirtualDeviceDeps } from './virtual-device.ts';

/** What the command line gives as text; the password comes from a file its caller has read, never from the arguments. */
export interface VirtualCameraFlags {
  host?: string | undefined;
  port?: string | undefined;
  cameras?: string | undefined;
  codec?: string | undefined;
  /** `1280x720`. */
  size?: string | undefined;
  /** `640x360`, or `none` for a camera without sub stream. */
  subSize?: string | undefined;
  fps?: string | undefined;
  gop?: string | undefined;
  /** Bits per second, or with `k` or `M` behind it. */
  bitrate?: string | undefined;
  subBitrate?: string | undefined;
  audio?: string | undefined;
  transport?: string | undefined;
  user?: string | undefined;
  password?: string | undefined;
  auth?: string | undefined;
  /** As `parseFault` reads them. */
  faults?: readonly string[] | undefined;
  /** ONVIF services beside the streams. */
  onvif?: boolean | undefined;
  onvifPort?: string | undefined;
  /** Local address on which probes of WS-Discovery are answered. */
  discovery?: string | undefined;
  ptz?: boolean | undefined;
  imaging?: boolean | undefined;
  serial?: string | undefined;
  name?: string | undefined;
  /** Seconds its clock is wrong by. */
  clockOffset?: string | undefined;
}

/** Options of the flags; `ERR_VIRTUAL_CAMERA_OPTIONS` or `ERR_VIRTUAL_CAMERA_FAULT` (`invalid`) says what was expected. */
export function virtualCameraOptions(flags: VirtualCameraFlags): VirtualCameraOptions {
  const pace = { fps: whole('fps', flags.fps), gop: whole('gop', flags.gop) };
  const main = { ...size('size', flags.size), ...given(pace), ...given({ bitrate: bits('bitrate', flags.bitrate) }) };
  const sub =
    flags.subSize === 'none'
      ? null
      : {
          ...size('sub size', flags.subSize),
          ...given(pace),
          ...given({ bitrate: bits('sub bitrate', flags.subBitrate) }),
        };
  return {
    host: flags.host,
    port: whole('port', flags.port),
    cameras: whole('cameras', flags.cameras),
    codec: oneOf('codec', flags.codec, ['h264', 'h265'] as const),
    main,
    sub,
    audio: oneOf<AudioCodec | 'none'>('audio', flags.audio, ['none', 'aac', 'pcma', 'pcmu']),
    transports: transports(flags.transport),
    credentials: credentials(flags),
    faults: flags.faults?.map(parseFault),
  };
}

/**
 * Options of a device around that camera, or null where the flags ask for none; `ERR_VIRTUAL_CAMERA_OPTIONS` (`invalid`) says what
 * was expected.
 */
export function virtualDeviceOptions(
  flags: VirtualCameraFlags,
  camera: VirtualCameraOptions,
): VirtualDeviceOptions | null {
  const { onvif, onvifPort, discovery, ptz, imaging, serial, name, clockOffset } = flags;
  if (!onvif) {
    const alone = { onvifPort, discovery, ptz, imaging, serial, name, clockOffset };
    if (Object.values(alone).some((each) => each !== undefined))
      throw optionsError('expected --onvif beside its options');
    return null;
  }
  const { credentials, host, ...rest } = camera;
  return {
    camera: rest,
    ...given({ host, port: whole('onvif port', onvifPort), ptz, imaging }),
    ...given({ serial: label('serial', serial), name: label('name', name) }),
    ...(discovery === undefined ? {} : { discovery: { address: numericAddress(discovery) } }),
    ...(clockOffset === undefined ? {} : { clockOffsetMs: seconds('clock offset', clockOffset) }),
    ...(credentials && {
      credentials: { username: credentials.username, password: credentials.password },
      authentication: credentials.scheme === 'basic' ? ['basic'] : ['digest', 'token'],
    }),
  };
}

/**
 * Runs a camera, or the device around it, until `signal` aborts, telling each mount's address through `print`, then that of the
 * device service; resolves when everything is closed.
 *
 * Errors: those of `createVirtualCamera`, `createVirtualDevice` and `start`.
 */
export async function runVirtualCamera(
  deps: VirtualDeviceDeps & { print: (line: string) => void },
  options: VirtualCameraOptions,
  signal: AbortSignal,
  deviceOptions: VirtualDeviceOptions | null = null,
): Promise<void> {
  const device = deviceOptions && createVirtualDevice(deps, deviceOptions);
  const camera = device?.camera ?? createVirtualCamera(deps, options);
  if (signal.aborted) return;
  const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  try {
    await (device ?? camera).start();
    for (const mount of camera.mounts) deps.print(camera.url(mount));
    if (device) deps.print(device.serviceUrl);
    if (options.credentials) {
      deps.print(`user ${options.credentials.username}, ${options.credentials.scheme} authentication`);
    }
    for (const { fault, mount } of camera.faults.list()) {
      deps.print(`fault ${fault.name} on ${mount ?? 'every mount'}`);
    }
    await aborted;
  } finally {
    await (device ?? camera).stop();
  }
}

function transports(text: string | undefined): VirtualCameraOptions['transports'] {
  const chosen = oneOf('transport', text, ['tcp', 'udp', 'both'] as const);
  return chosen === undefined || chosen === 'both' ? undefined : [chosen];
}

function credentials(flags: VirtualCameraFlags): Credentials | undefined {
  const scheme = oneOf('auth', flags.auth, ['basic', 'digest', 'none'] as const);
  if (flags.user === undefined || scheme === 'none') {
    if (scheme !== undefined && scheme !== 'none') throw optionsError('expected a user name beside the scheme');
    return undefined;
  }
  if (!flags.password) throw optionsError('expected a password file beside the user name');
  return { username: flags.user, password: flags.password, scheme: scheme ?? 'digest' };
}

function size(name: string, text: string | undefined): { width?: number; height?: number } {
  if (text === undefined) return {};
  const match = /^(\d{2,4})x(\d{2,4})$/.exec(text);
  if (!match) throw optionsError(`expected ${name} as in 1280x720`);
  return { width: Number(match[1]), height: Number(match[2]) };
}

function bits(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const match = /^(\d{1,9}(?:\.\d{1,3})?)([kM]?)$/.exec(text);
  if (!match) throw optionsError(`expected ${name} as in 2M, 800k or 2000000`);
  return Math.round(Number(match[1]) * { '': 1, k: 1000, M: 1_000_000 }[match[2] as '' | 'k' | 'M']);
}

function whole(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,9}$/.test(text)) throw optionsError(`expected ${name} as a whole number`);
  return Number(text);
}

function seconds(name: string, text: string): number {
  if (!/^-?\d{1,9}(?:\.\d{1,3})?$/.test(text)) throw optionsError(`expected ${name} in seconds`);
  return Math.round(Number(text) * 1000);
}

function label(name: string, text: string | undefined): string | undefined {
  if (text !== undefined && !/^[\x21-\x7e](?:[\x20-\x7e]{0,62}[\x21-\x7e])?$/.test(text)) {
    throw optionsError(`expected ${name} as 1-64 ASCII characters`);
  }
  return text;
}

function numericAddress(text: string): string {
  if (isIP(text) !== 4) throw optionsError('expected a local IPv4 address for discovery');
  return text;
}

function oneOf<T extends string>(name: string, text: string | undefined, allowed: readonly T[]): T | undefined {
  if (text === undefined) return undefined;
  const found = allowed.find((each) => each === text);
  if (found === undefined) throw optionsError(`expected ${name} to be one of ${allowed.join(', ')}`);
  return found;
}

/** The entries that are there. */
function given<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
