import type { CameraEventKind } from '../protocol/index.ts';
import type { VirtualCameraOptions } from './options.ts';
import type { VirtualCamera } from './virtual-camera.ts';

/** How a virtual device may be asked who one is. */
export type DeviceAuthentication = 'digest' | 'basic' | 'token';

export interface VirtualDeviceOptions {
  /** Address to listen on; default 127.0.0.1. */
  host?: string;
  /** Port of the device service; 0 (default) takes a free one. */
  port?: number;
  /** Answer probes of WS-Discovery on this local address; absent: do not. Several devices may answer on one host. */
  discovery?: { address: string; port?: number };
  credentials?: { username: string; password: string };
  /** What it accepts of credentials; default `digest` and `token` (WS-UsernameToken, replays and clocks off by over five minutes are refused). */
  authentication?: readonly DeviceAuthentication[];
  serial?: string;
  /** `urn:uuid:…`; default made of the serial. */
  endpoint?: string;
  name?: string;
  manufacturer?: string;
  model?: string;
  firmware?: string;
  /** Its clock against the real one, ms, and how fast it runs away, ms a day. */
  clockOffsetMs?: number;
  clockDriftMsPerDay?: number;
  /** Default true. */
  media2?: boolean;
  /** A head that moves the picture; default false. */
  ptz?: boolean;
  /** Settings that change the picture; default false. */
  imaging?: boolean;
  /** Default true. */
  events?: boolean;
  /** Which topics tell of motion: of the cell motion detector (default), of the older alarm of the video source, or both at once. */
  motionTopics?: readonly ('cell' | 'alarm')[];
  /** What it says it keeps itself, epoch ms; absent: it has no search service. */
  recordings?: { from: number; until: number; count: number };
  /** Of the stream it gives; its credentials are the device's. */
  camera?: Omit<VirtualCameraOptions, 'credentials' | 'host'>;
}

/** Faults of the device, each in force from the moment it is set. Those of the stream are `camera.faults`. */
export interface DeviceFaults {
  /** XAddrs and stream URIs name another host. */
  wrongAddresses: boolean;
  /** Each answer comes so late, ms; null: at once. */
  slowMs: number | null;
  /** Takes questions and never answers. */
  hang: boolean;
  /** Answers with octets that are no SOAP. */
  malformed: 'markup' | 'fault' | 'empty' | 'truncated' | 'binary' | 'entities' | null;
  /** Answers with so many bytes. */
  hugeBytes: number | null;
  /** Forgets subscriptions at once. */
  forgetSubscriptions: boolean;
  /** Tokens of profiles it does not have any more: `profile_main`, `profile_sub`. */
  withoutProfiles: readonly string[];
}

/** A camera that does not exist, with ONVIF services over HTTP, discovery, a head that moves its picture, and faults. */
export interface VirtualDevice {
  start(): Promise<void>;
  stop(): Promise<void>;
  /** `http://host:port/onvif/device_service`, once started. */
  readonly serviceUrl: string;
  readonly endpoint: string;
  readonly camera: VirtualCamera;
  readonly faults: DeviceFaults;
  /** Tells subscribers: a state that begins or ends, or a moment (`null`). */
  emit(kind: CameraEventKind, active: boolean | null, name?: string): void;
  /** Where its head looks now, and whether it moves. */
  head(): { pan: number; tilt: number; zoom: number; moving: boolean };
  /** What its clock says, epoch ms; `setClock` sets it. */
  clock(): number;
  setClock(offsetMs: number): void;
  setPassword(password: string): void;
  /** Stops answering for so long, forgets subscriptions, comes back; on another port where one is given. */
  reboot(options?: { forMs?: number; port?: number }): Promise<void>;
  /** Names of the operations that were asked, oldest first; at most 1,000 are kept. */
  readonly asked: readonly string[];
}
