import type { DiscoveredHost } from '../protocol/index.ts';
import type { CameraDriver, CameraTrouble } from './api.ts';
import { hostMissing, troubleOf } from './errors.ts';

/** A host that a person named. */
export interface NamedHost {
  /** A name or a numeric address, IPv6 without brackets. */
  host: string;
  /** Its device service, where ONVIF puts it. */
  url: string;
}

/** Reads `host`, `host:port`, `[v6]` or `[v6]:port`; `ERR_CAMERAS_HOST` (`missing`) where it is none. */
export function parseHost(text: string): NamedHost {
  const parts = /^(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9][A-Za-z0-9._-]{0,252})(?::([0-9]{1,5}))?$/.exec(text);
  const port = Number(parts?.[2] ?? 80);
  const scheme = port === 443 ? 'https' : 'http';
  const url = parts ? URL.parse(`${scheme}://${parts[1]}:${port}/onvif/device_service`) : null;
  if (!url) throw hostMissing(text.slice(0, 64).replace(/[^ -~]/g, '?'));
  return { host: url.hostname.replace(/^\[|\]$/g, ''), url: url.href };
}

/**
 * Whether ONVIF answers at a URL, asked without credentials: the time, which every camera tells, then who it is, which many keep for
 * themselves. Never rejects; the driver bounds what it reads.
 */
export async function askHost(driver: CameraDriver, url: string, signal: AbortSignal): Promise<DiscoveredHost> {
  let cameraAt: number | undefined;
  try {
    cameraAt = (await within(driver.time(signal), signal)).cameraAt;
  } catch (error) {
    return { url, onvif: signal.aborted ? 'silent' : OTHERWISE[troubleOf(error)] };
  }
  const at = Number.isSafeInteger(cameraAt) && cameraAt >= 0 ? { cameraAt } : {};
  try {
    const { manufacturer, model, firmware } = await within(driver.identify(signal), signal);
    const facts = Object.entries({ manufacturer, model, firmware }).filter(([, value]) => value !== null);
    return { url, onvif: 'answers', ...at, ...Object.fromEntries(facts) };
  } catch {
    return { url, onvif: 'protected', ...at };
  }
}

/** What a failed question for the time says of who answers. */
const OTHERWISE: Readonly<Record<CameraTrouble, DiscoveredHost['onvif']>> = {
  unauthorized: 'protected',
  malformed: 'other',
  refused: 'other',
  unsupported: 'other',
  unreachable: 'silent',
  cancelled: 'silent',
};

/** The signal ends it even where the driver does not listen. */
function within<T>(asked: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    asked.then(resolve, reject);
  });
}
