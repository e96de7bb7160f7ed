import type { SourceWish } from '../commands/index.ts';
import { type CameraAddress, parseCameraUrl } from '../media/index.ts';
import { isLabel } from '../protocol/index.ts';
import type { CameraSecret } from './camera-secret-file.ts';
import type { SourceConfig } from './config.ts';
import type { ConfigText } from './config-file.ts';
import { credentialsNotForThisHost, sourceRefused } from './errors.ts';
import { remarkSealed } from './inline-passwords.ts';
import { Secret } from './secret.ts';
import { atHost, hostNameOf, originOf, parseServiceUrl, usualService } from './service-url.ts';

type Credentials = NonNullable<CameraAddress['credentials']>;

/** Keys of a new source, in the order they are written. */
const ORDER = [
  ...['name', 'enabled', 'url', 'sub', 'username', 'onvif', 'hardware', 'find', 'transport', 'reader', 'audio'],
  ...['record', 'schedule', 'on', 'before', 'after', 'keep', 'size'],
];
/** Fields whose notation is the file's own. */
const AS_WRITTEN = ['hardware', 'record', 'schedule', 'on', 'before', 'after', 'keep', 'size'] as const;
const AROUND_EVENTS = ['on', 'before', 'after'] as const;

/**
 * Writes a wish into the text of the configuration. `current` is what that text says of the source now, or null where it says
 * nothing. Gives the password that is to be kept beside it, where the wish brought or moved one.
 *
 * Only what differs from now is touched, so that comments and the notation of everything else stay. Checks what needs the old
 * and the new together; the rest is found by checking the whole text afterwards. `ERR_DAEMON_SOURCE_REFUSED`,
 * `ERR_DAEMON_CREDENTIALS` (both `invalid`).
 */
export function editSource(text: ConfigText, wish: SourceWish, current: SourceConfig | null): CameraSecret[] {
  const at = ['sources', wish.source];
  const said: Record<string, unknown> = {};
  const taken: string[] = [];
  const put = (key: string, value: unknown, before: unknown) => {
    if (value === null) taken.push(key);
    else if (value !== undefined && !isSame(value, before)) said[key] = value;
  };
  const written = (key: string) => text.get([...at, key]);

  put('name', wish.name, current?.name);
  put('enabled', wish.enabled, current?.enabled ?? true);
  const addresses = editAddresses(wish, current, put, taken);
  put('onvif', wish.onvif === null ? null : serviceWish(wish.onvif), written('onvif'));
  if (wish.onvif === null) taken.push('hardware'); // it is what onvif tells
  const pen = { said, taken, isApart: text.has([...at, 'username']) };
  const secrets = editCredentials(wish, current, addresses, pen);
  const transport = current?.input.kind === 'camera' ? current.input.transport : 'auto';
  put('transport', wish.transport, transport);
  put('reader', wish.reader, current?.reader ?? 'auto');
  put('audio', wish.audio, current?.audio ?? 'auto');
  put('find', wish.find, current?.find ?? true);
  for (const key of AS_WRITTEN) put(key, wish[key], written(key));
  // What is kept around events goes with the rule that asks for them.
  if (wish.record !== undefined && !JSON.stringify(wish.record).includes('"event"')) {
    taken.push(...AROUND_EVENTS.filter((key) => wish[key] === undefined));
  }

  if (!current) {
    text.set(at, Object.fromEntries(ORDER.flatMap((key) => (key in said ? [[key, said[key]]] : []))));
  } else {
    for (const key of taken) text.delete([...at, key]);
    for (const [key, value] of Object.entries(said)) text.set([...at, key], value);
  }
  if (secrets.length > 0) remarkSealed(text, [...at, 'username']);
  return secrets;
}

/** What the node found out about a camera. */
export interface Learned {
  /** Who answered, where nobody had said who must. */
  hardwareId?: string;
  /** URL of its device service at the address it has now. */
  service?: string;
}

/**
 * Writes what was learned into the text; false where it says nothing new. A hardware id that is there stays: it is what was learned first,
 * or what a person wrote. With another service go the streams that were on the same host; ports and paths stay.
 */
export function writeLearned(text: ConfigText, { id, input, onvif }: SourceConfig, learned: Learned): boolean {
  if (!onvif || input.kind !== 'camera') return false;
  const at = ['sources', id];
  let isNew = false;
  const { hardwareId } = learned;
  if (hardwareId !== undefined && onvif.hardwareId === null && isLabel(hardwareId)) {
    text.set([...at, 'hardware'], hardwareId);
    isNew = true;
  }
  const service = learned.service === undefined ? null : parseServiceUrl(learned.service);
  if (!service || service === onvif.service) return isNew;
  const [before, now] = [hostNameOf(onvif.service), hostNameOf(service)];
  for (const key of ['url', 'sub']) {
    const written = text.get([...at, key]);
    if (typeof written !== 'string') continue;
    const { address } = parseCameraUrl(written);
    if (hostNameOf(address) === before) text.set([...at, key], atHost(written, now));
  }
  const spelled = text.get([...at, 'onvif']);
  const url = text.get([...at, 'url']);
  const isUsual = spelled === true && typeof url === 'string' && usualService(parseCameraUrl(url)) === service;
  if (!isUsual) text.set([...at, 'onvif'], service);
  return true;
}

/** A device service as it is written: `true` for the usual one, which the file spells so. */
function serviceWish(onvif: SourceWish['onvif']): string | true | undefined {
  if (typeof onvif !== 'string') return onvif || undefined;
  const service = parseServiceUrl(onvif);
  if (service === null) throw sourceRefused(['onvif: expected true, or the http address of its ONVIF device service']);
  return service;
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** Where the streams will be found, without credentials, and whether their notation in the text must change. */
interface Addresses {
  main: CameraAddress | null;
  sub: CameraAddress | null;
  /** Those that were given with the wish. */
  given: (Credentials | null)[];
  /** The device service that was given with the wish. */
  service: string | null;
  /** True where one of them is another than now. */
  moved: boolean;
}

function editAddresses(
  wish: SourceWish,
  current: SourceConfig | null,
  put: (key: string, value: unknown, before: unknown) => void,
  taken: string[],
): Addresses {
  const before = current?.input.kind === 'camera' ? current.input : null;
  const url = wish.url === undefined ? null : parseCameraUrl(wish.url);
  const small = wish.sub === undefined || wish.sub === null ? null : parseCameraUrl(wish.sub);
  if (current?.input.kind === 'virtual') {
    if (url) taken.push('virtual');
    else if (wish.sub !== undefined || wish.username !== undefined || wish.password !== undefined) {
      throw sourceRefused(['a virtual camera has no address and no credentials; give it a url to make it a real one']);
    }
  } else if (!current && !url) throw sourceRefused(['a new source needs a url']);
  put('url', url?.address, before?.main.address);
  put('sub', wish.sub === null && before?.sub ? null : small?.address, before?.sub?.address);
  const service = typeof wish.onvif === 'string' ? parseServiceUrl(wish.onvif) : null;
  const main = url ?? before?.main ?? null;
  const sub = wish.sub === null ? null : (small ?? before?.sub ?? null);
  return {
    main,
    sub,
    given: [url?.credentials ?? null, small?.credentials ?? null],
    service,
    moved:
      main?.address !== before?.main.address ||
      sub?.address !== before?.sub?.address ||
      (service !== null && service !== current?.onvif?.service),
  };
}

interface Pen {
  said: Record<string, unknown>;
  taken: string[];
  /** The user's name stands beside the URLs already. */
  isApart: boolean;
}

/** Credentials of a source that is changed from here stand apart from its URLs: the user name in the text, the password sealed. */
function editCredentials(
  wish: SourceWish,
  current: SourceConfig | null,
  { main, sub, given, service, moved }: Addresses,
  pen: Pen,
): CameraSecret[] {
  const before = current?.input.kind === 'camera' ? [current.input.main, current.input.sub] : [];
  const stored = distinct(before.map((each) => each?.credentials ?? null));
  const wished = wishedCredentials(wish, given, stored);
  if (wished === undefined && (!moved || stored.length === 0)) return [];
  if (stored.length > 1 && wished === undefined) {
    throw sourceRefused(['main and sub have credentials of their own: give username and password for both']);
  }
  if (wished === undefined) {
    const known = before.filter((each) => each?.credentials).map((each) => each!.address);
    const origins = new Set(known.map(originOf));
    const hosts = new Set([...known, ...(current?.onvif ? [current.onvif.service] : [])].map(hostNameOf));
    const after = [main, sub].filter((each) => each !== null);
    if (!after.every(({ address }) => origins.has(originOf(address)))) throw credentialsNotForThisHost();
    if (service !== null && !hosts.has(hostNameOf(service))) throw credentialsNotForThisHost();
    // Where they stand beside the URLs already, they stay as they are.
    if (pen.isApart) return [];
  }
  const credentials = wished === undefined ? stored[0]! : wished;
  const isSo = before.length > 0 && before.every((each) => !each || sameCredentials(each.credentials, credentials));
  if (isSo && !moved) return [];
  return writeCredentials(wish, credentials, { main, sub }, pen);
}

function writeCredentials(
  { source }: SourceWish,
  credentials: Credentials | null,
  { main, sub }: Pick<Addresses, 'main' | 'sub'>,
  { said, taken }: Pen,
): CameraSecret[] {
  taken.push('password', 'password_file');
  // Addresses are written anew: there may be credentials inside them.
  if (main) said['url'] = main.address;
  if (sub) said['sub'] = sub.address;
  if (!credentials) {
    taken.push('username');
    return [];
  }
  const { username, password } = credentials;
  said['username'] = username;
  const origins = [...new Set([main, sub].flatMap((each) => (each ? [originOf(each.address)] : [])))];
  // An empty one too: a password that was sealed before must not come back.
  return [{ source, purpose: 'password', username, origins, password: Secret.of(password) }];
}

/** The credentials a wish is about: null takes them away, undefined leaves them. */
function wishedCredentials(
  { username, password }: SourceWish,
  given: readonly (Credentials | null)[],
  stored: readonly Credentials[],
): Credentials | null | undefined {
  const inside = distinct(given);
  if (inside.length > 0 && (username !== undefined || password !== undefined)) {
    throw sourceRefused(['credentials stand either inside the url or beside it']);
  }
  if (inside.length > 1) throw sourceRefused(['main and sub of one source have the same credentials']);
  if (inside[0]) {
    const { username: name } = inside[0];
    if (name === '') throw sourceRefused(['credentials in a url begin with a user name']);
    return inside[0];
  }
  if (username === null) {
    if (password !== undefined) throw sourceRefused(['a password has a user name']);
    return null;
  }
  const known = stored.length === 1 ? stored[0]! : null;
  if (username !== undefined) {
    return password === undefined && known?.username === username ? undefined : { username, password: password ?? '' };
  }
  if (password === undefined) return undefined;
  if (!known) throw sourceRefused(['a password has a user name']);
  return { username: known.username, password };
}

function distinct(all: readonly (Credentials | null)[]): Credentials[] {
  const found: Credentials[] = [];
  for (const each of all) {
    if (each && !found.some((other) => sameCredentials(other, each))) found.push(each);
  }
  return found;
}

function sameCredentials(a: Credentials | null, b: Credentials | null): boolean {
  return a === b || (a !== null && b !== null && a.username === b.username && a.password === b.password);
}
