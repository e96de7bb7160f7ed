import { execFileSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { silentLog } from '../../src/platform/index.ts';
import {
  createNodeClock,
  createNodeDatagrams,
  createNodeProcesses,
  createNodeRandom,
} from '../../src/platform/node/index.ts';
import {
  createVirtualDevice,
  readStrip,
  stripCells,
  stripTime,
  type VirtualDevice,
  type VirtualDeviceOptions,
} from '../../src/virtual-camera/index.ts';

/** Of every camera in this house: small, ten pictures a second, a keyframe each second. */
export const MAIN = { width: 320, height: 180, fps: 10, gop: 10, bitrate: 200_000 };
export const SUB = { width: 160, height: 96, fps: 10, gop: 10, bitrate: 60_000 };

/** Where a device is: its address and the ports of its services and its streams. */
export interface Place {
  host: string;
  port: number;
  streams: number;
}

/** Virtual devices with real encoders and real sockets, in this process, so that a test can do to them what happens to cameras. */
export class CameraHouse {
  readonly #deps = {
    clock: createNodeClock(),
    random: createNodeRandom(),
    log: silentLog,
    processes: createNodeProcesses(),
    datagrams: createNodeDatagrams(),
  };
  readonly #standing = new Set<VirtualDevice>();

  /** A device at that place, which also answers probes there. Of two devices at one address only one is asked: every test has its own. */
  async open({ host, port, streams }: Place, options: VirtualDeviceOptions): Promise<VirtualDevice> {
    const device = createVirtualDevice(this.#deps, {
      host,
      port,
      discovery: { address: host },
      ...options,
      camera: { port: streams, main: MAIN, sub: SUB },
    });
    await device.start();
    this.#standing.add(device);
    return device;
  }

  async close(device: VirtualDevice): Promise<void> {
    this.#standing.delete(device);
    await device.stop();
  }

  async closeAll(): Promise<void> {
    await Promise.all([...this.#standing].map((device) => this.close(device)));
  }
}

/** What is burned into a picture of the main stream: its number, and when it was made (epoch ms); null where that cannot be read. */
export function codeOf(path: string): { frame: number; madeAt: number } | null {
  const args = ['-v', 'error', '-i', path, '-f', 'rawvideo', '-pix_fmt', 'gray', 'pipe:1'];
  const pixels = execFileSync('ffmpeg', args);
  if (pixels.length !== MAIN.width * MAIN.height) return null;
  const code = readStrip(stripCells(MAIN.width, MAIN.height).map(({ x, y }) => pixels[y * MAIN.width + x]!));
  return code && { frame: code.frame, madeAt: stripTime(code.timeMs, Date.now()) };
}

/** Files below `folder` that contain one of these texts, as it is or in the base64 of an `Authorization` header. */
export function filesWith(folder: string, texts: readonly string[]): string[] {
  return globSync('**', { cwd: folder, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => {
      const bytes = readFileSync(path);
      return texts.some(
        (text) => bytes.includes(text) || bytes.includes(Buffer.from(text).toString('base64').slice(0, -4)),
      );
    });
}
