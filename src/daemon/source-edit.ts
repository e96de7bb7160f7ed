import type { SourceWish } from '../commands/index.ts';
import { type CameraAddress, parseCameraUrl } from '../media/index.ts';
import type { SourceConfig } from './config.ts';
import type { ConfigText } from './config-file.ts';
import { credentialsNotForThisHost, sourceRefused } from './errors.ts';

type Credentials = NonNullable<CameraAddress['credentials']>;

/**
 * Writes a wish into the text of the configuration. `current` is what that text says of the source now, or null where it says
 * nothing. `keep` is called with a password that is to lie in a file, and gives the path to be written in its stead.
 *
 * Only what differs from now is touched, so that comments and the notation of everything else stay. Checks what needs the old
 * and the new together; the rest is found by checking the whole text afterwards. `ERR_DAEMON_SOURCE_REFUSED`,
 * `ERR_DAEMON_CREDENTIALS` (both `invalid`).
 */
export function editSource(
  text: ConfigText,
  wish: SourceWish,
  current: SourceConfig | null,
  keep: (password: string) => string,
): void {
  const at = ['sources', wish.source];
  const said: Record<string, unknown> = {};
  const taken: string[] = [];
  const put = (key: string, value: unknown, before: unknown) => {
    if (value === null) taken.push(key);
    else if (value !== undefined && value !== before) said[key] = value;
  };

  put('name', wish.name, current?.name);
  put('enabled', wish.enabled, current?.enabled ?? true);
  const addresses = editAddresses(wish, current, put, taken);
  editCredentials(wish, current, addresses, { said, put, taken, keep });
  const transport = current?.input.kind === 'camera' ? current.input.transport : 'auto';
  put('transport', wish.transport, transport);
  put('audio', wish.audio, current?.audio ?? 'auto');
  put('keep', wish.keep, undefined);
  put('size', wish.size, undefined);

  if (!current) {
    const order = ['name', 'enabled', 'url', 'sub', 'username', 'password_file', 'transport', 'audio', 'keep', 'size'];
    text.set(at, Object.fromEntries(order.flatMap((key) => (key in said ? [[key, said[key]]] : []))));
    return;
  }
  for (const key of taken) text.delete([...at, key]);
  for (const [key, value] of Object.entries(said)) text.set([...at, key], value);
}

/** Where the streams will be found, without credentials, and whether their notation in the text must change. */
interface Addresses {
  main: CameraAddress | null;
  sub: CameraAddress | null;
  /** Those that were given with the wish. */
  given: (Credentials | null)[];
  /** True where main or sub is another than now. */
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
  const main = url ?? before?.main ?? null;
  const sub = wish.sub === null ? null : (small ?? before?.sub ?? null);
  return {
    main,
    sub,
    given: [url?.credentials ?? null, small?.credentials ?? null],
    moved: main?.address !== before?.main.address || sub?.address !== before?.sub?.address,
  };
}

interface Pen {
  said: Record<string, unknown>;
  put: (key: string, value: unknown, before: unknown) => void;
  taken: string[];
  keep: (password: string) => string;
}

/** Credentials of a source that is changed from here stand apart from its URLs: the user name in the text, the password in a file. */
function editCredentials(
  wish: SourceWish,
  current: SourceConfig | null,
  { main, sub, given, moved }: Addresses,
  pen: Pen,
): void {
  const before = current?.input.kind === 'camera' ? [current.input.main, current.input.sub] : [];
  const stored = distinct(before.map((each) => each?.credentials ?? null));
  const wished = wishedCredentials(wish, given, stored);
  if (wished === undefined && !moved) return;
  if (wished === undefined && stored.length === 0) return;
  if (stored.length > 1 && wished === undefined) {
    throw sourceRefused(['main and sub have credentials of their own: give username and password for both']);
  }
  const after = [main, sub].filter((each) => each !== null);
  if (wished === undefined) {
    const known = before.filter((each) => each?.credentials).map((each) => hostOf(each!));
    if (!after.every((each) => known.includes(hostOf(each)))) throw credentialsNotForThisHost();
  }
  const credentials = wished === undefined ? stored[0]! : wished;
  const isSo = before.length > 0 && before.every((each) => !each || sameCredentials(each.credentials, credentials));
  if (isSo && !moved) return;
  writeCredentials(credentials, { main, sub }, pen);
}

function writeCredentials(
  credentials: Credentials | null,
  { main, sub }: Pick<Addresses, 'main' | 'sub'>,
  { said, taken, keep }: Pen,
): void {
  taken.push('password', 'password_file');
  // Addresses are written anew: there may be credentials inside them.
  if (main) said['url'] = main.address;
  if (sub) said['sub'] = sub.address;
  if (!credentials) {
    taken.push('username');
    return;
  }
  said['username'] = credentials.username;
  if (credentials.password !== '') said['password_file'] = keep(credentials.password);
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

/** Scheme, host and port: whom credentials are given to. */
function hostOf({ address }: CameraAddress): string {
  const [, scheme, host, port] = /^(rtsps?):\/\/(\[[^\]]*\]|[^:/?]*)(?::(\d+))?/.exec(address)!;
  return `${scheme}://${host!.toLowerCase()}:${port ?? (scheme === 'rtsps' ? '322' : '554')}`;
}
