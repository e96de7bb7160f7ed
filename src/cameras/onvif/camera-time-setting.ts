import type { Clock } from '../../platform/index.ts';
import type { XmlElement } from '../../protocol/index.ts';
import { CameraError } from '../errors.ts';
import { first, textAt } from './element-reader.ts';
import { ownPhrase, type Phrase, phrase } from './vocabulary.ts';

const NAME_LENGTH_MAX = 253;

/**
 * Sets a camera's clock to the node's, on the second, and tells it a time server, as far as that is wished; its time zone stays.
 * `refused` where the time server is neither a name nor an address.
 */
export async function setCameraTime(
  { clock, ask }: { clock: Clock; ask: (phrase: Phrase) => Promise<XmlElement> },
  wish: { clock: boolean; timeServer: string | null },
  signal: AbortSignal,
): Promise<void> {
  if (wish.timeServer !== null) await ask(phrase('setNTP', { fromDHCP: false, ...ntpServer(wish.timeServer) }));
  if (!wish.clock && wish.timeServer === null) return;
  const askedMs = clock.monotonic();
  const told = first(await ask(ownPhrase('device', 'GetSystemDateAndTime')), 'SystemDateAndTime');
  const halfWayMs = Math.min(500, (clock.monotonic() - askedMs) / 2);
  // Its zone and its summer time are how it shows the time to people.
  const zone = textAt(told, 'TimeZone', 'TZ');
  const daylightSavings = textAt(told, 'DaylightSavings') === 'true';
  const keep = { daylightSavings, ...(zone === '' ? {} : { timezone: zone }) };
  if (wish.clock) {
    // It takes whole seconds: told so that it arrives when one begins.
    await clock.sleep(1_000 - ((clock.now() + halfWayMs) % 1_000), signal);
    const dateTime = new Date(Math.round((clock.now() + halfWayMs) / 1_000) * 1_000);
    await ask(phrase('setSystemDateAndTime', { dateTimeType: 'Manual', dateTime, ...keep }));
  }
  if (wish.timeServer !== null) await ask(phrase('setSystemDateAndTime', { dateTimeType: 'NTP', ...keep }));
}

/** Parameters of a time server: a numeric address, or a name. */
function ntpServer(text: string): Record<string, string> {
  const name = text.trim();
  if (/^\d{1,3}(?:\.\d{1,3}){3}$/.test(name)) return { type: 'IPv4', ipv4Address: name };
  if (/^[0-9a-f:.]{2,45}$/i.test(name) && name.includes(':')) return { type: 'IPv6', ipv6Address: name };
  if (name.length <= NAME_LENGTH_MAX && /^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/i.test(name))
    return { type: 'DNS', dnsName: name };
  throw new CameraError('refused', { detail: 'expected the name or address of a time server' });
}
