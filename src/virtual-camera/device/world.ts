import type { Clock, Log, Random } from '../../platform/index.ts';
import type { VirtualDeviceOptions } from '../device-api.ts';
import type { VideoCodec } from '../picture.ts';
import type { VirtualCamera } from '../virtual-camera.ts';
import type { DeviceClock } from './device-clock.ts';
import type { DeviceEvents } from './device-events.ts';
import type { FaultSwitches } from './fault-switches.ts';
import type { Head } from './head.ts';
import type { ImagingLevels } from './imaging-levels.ts';
import type { SoapFault, SoapQuestion } from './soap.ts';
import type { Markup } from './xml-writer.ts';

/** Who the device says it is, with every default in place. */
export interface DeviceIdentity {
  serial: string;
  endpoint: string;
  name: string;
  manufacturer: string;
  model: string;
  firmware: string;
  /** `02:…`, made of the serial number. */
  hardwareAddress: string;
}

/** One stream as the media services tell it. */
export interface DeviceProfile {
  /** `profile_main`, `profile_sub`. */
  token: string;
  /** Mount of the stream. */
  mount: '/main' | '/sub';
  width: number;
  height: number;
  fps: number;
  gop: number;
  bitrate: number;
}

/** What the services of a device work on. */
export interface DeviceWorld {
  clock: Clock;
  random: Random;
  log: Log;
  options: VirtualDeviceOptions;
  identity: DeviceIdentity;
  deviceClock: DeviceClock;
  camera: VirtualCamera;
  faults: FaultSwitches;
  head: Head;
  imaging: ImagingLevels;
  events: DeviceEvents;
  codec: () => VideoCodec;
  /** Those it has now. */
  profiles: () => DeviceProfile[];
  /** Restarts the device once the answer is out. */
  rebootSoon: () => void;
}

/** One question on its way through a service. */
export interface DeviceCall {
  question: SoapQuestion;
  /** `http://host:port/path`, as the device tells its addresses. */
  url: (path: string) => string;
  /** Host of the device as it tells it, an IPv6 address in brackets. */
  host: string;
  /** What stands behind the path of the service: the name of a subscription. */
  rest: string;
  /** Aborts when the client has gone. */
  gone: AbortSignal;
}

export type Operation = (call: DeviceCall) => Markup | SoapFault | Promise<Markup | SoapFault>;

/** A service: operations of its namespaces at its path. */
export interface DeviceService {
  path: string;
  /** Its own namespace; others its operations are in are written into their names. */
  namespace: string;
  version: { major: number; minor: number };
  /** By local name, or `{namespace}name` in another namespace than the service's. */
  operations: Readonly<Record<string, Operation>>;
  /** Told in GetServices and GetCapabilities. */
  listed: boolean;
}

/** Tokens of the one video source and what hangs at it. */
export const TOKENS = {
  source: 'video_source_1',
  sourceConfiguration: 'video_source_configuration_1',
  ptzNode: 'ptz_node_1',
  ptzConfiguration: 'ptz_configuration_1',
  analytics: 'video_analytics_1',
} as const;
