import type { CameraAddress } from '../media/index.ts';

/** Longest address of a device service we take. */
const URL_MAX = 512;
const SHAPE =
  /^(https?):\/\/(\[[0-9a-fA-F:.]{2,45}\]|[a-zA-Z0-9](?:[a-zA-Z0-9._-]{0,252}))(?::([0-9]{1,5}))?(\/[A-Za-z0-9._~!$&()*+,;=:@/?%-]*)?$/;
const DEVICE_SERVICE = '/onvif/device_service';

/** The address of an ONVIF device service, with its path, or null where the text is none. No user, no fragment, no quotes. Total. */
export function parseServiceUrl(text: string): string | null {
  const parts = text.length <= URL_MAX ? SHAPE.exec(text) : null;
  if (!parts) return null;
  const [, scheme, host, port, path] = parts;
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65_535)) return null;
  return `${scheme}://${host}${port === undefined ? '' : `:${Number(port)}`}${path ?? DEVICE_SERVICE}`;
}

/** Where the device service of most makes is: on the host of a stream, port 80. */
export function usualService(camera: CameraAddress): string {
  return `http://${hostNameOf(camera.address)}${DEVICE_SERVICE}`;
}

/** The host of a URL of ours (rtsp, rtsps, http, https), lower case, with brackets where it is IPv6. */
export function hostNameOf(address: string): string {
  return partsOf(address).host;
}

/** Scheme, host and port of a URL of ours: whom credentials are given to. */
export function originOf(address: string): string {
  const { scheme, host, port } = partsOf(address);
  return `${scheme}://${host}:${port}`;
}

/** The same URL at another host; its user, port and path stay. */
export function atHost(url: string, host: string): string {
  return url.replace(/^([a-z]+:\/\/(?:[^@/?#]*@)?)(?:\[[^\]]*\]|[^:/?]*)/, (_, front: string) => `${front}${host}`);
}

const PORTS: Readonly<Record<string, string>> = { rtsp: '554', rtsps: '322', http: '80', https: '443' };

function partsOf(address: string): { scheme: string; host: string; port: string } {
  const [, scheme = '', host = '', port] = /^([a-z]+):\/\/(\[[^\]]*\]|[^:/?]*)(?::(\d+))?/.exec(address) ?? [];
  return { scheme, host: host.toLowerCase(), port: port ?? PORTS[scheme] ?? '' };
}
