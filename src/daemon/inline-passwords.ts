import { isNvrError } from '../errors.ts';
import { type CameraAddress, parseCameraUrl } from '../media/index.ts';
import { isSourceId } from '../protocol/index.ts';
import type { CameraSecret } from './camera-secret-file.ts';
import { SECRETS_PATH, type SecretPlace } from './camera-secrets.ts';
import type { ConfigText } from './config-file.ts';
import { Secret } from './secret.ts';
import { originOf } from './service-url.ts';

/** Passwords of cameras that stand in a text, beside their user or inside a URL. Total: what makes no sense is left to the check. */
export function inlinePasswords(text: ConfigText): CameraSecret[] {
  const found: CameraSecret[] = [];
  for (const [source, { username, password, url, sub }] of sourcesIn(text)) {
    if (!isSourceId(source)) continue;
    const streams = { main: addressOf(url), sub: addressOf(sub) };
    const origins = [...new Set([streams.main, streams.sub].flatMap((each) => (each ? [originOf(each.address)] : [])))];
    if (typeof username === 'string' && typeof password === 'string' && password !== '') {
      found.push({ source, purpose: 'password', username, origins, password: Secret.of(password) });
    }
    for (const purpose of ['main', 'sub'] as const) {
      const camera = streams[purpose];
      if (!camera?.credentials?.password) continue;
      const { username: user, password: inside } = camera.credentials;
      found.push({ source, purpose, username: user, origins: [originOf(camera.address)], password: Secret.of(inside) });
    }
  }
  return found;
}

/** Takes them out of the text: `password` goes, a URL keeps its user, and a remark behind the user says where it is. */
export function removePasswords(text: ConfigText, found: readonly Pick<CameraSecret, 'source' | 'purpose'>[]): void {
  const sources = new Map(sourcesIn(text));
  for (const { source, purpose } of found) {
    const at = ['sources', source];
    if (purpose === 'password') {
      text.retire([...at, 'password']);
      remarkSealed(text, [...at, 'username']);
      continue;
    }
    const key = purpose === 'main' ? 'url' : 'sub';
    const written = sources.get(source)?.[key];
    if (typeof written !== 'string') continue;
    text.set([...at, key], written.replace(/^(rtsps?:\/\/[^@/?#:]*):[^@/?#]*@/, '$1@'));
    remarkSealed(text, [...at, key]);
  }
}

/** Says behind a user name, or a URL with one, where the password is. */
export function remarkSealed(text: ConfigText, path: readonly string[]): void {
  text.remark(path, ` password: sealed in ${SECRETS_PATH}`);
}

/** Every place a text would have a password looked up for. */
export function secretPlaces(text: ConfigText): SecretPlace[] {
  return sourcesIn(text).flatMap(([id, { username, password_file, url, sub }]): SecretPlace[] => {
    if (!isSourceId(id) || password_file !== undefined) return [];
    const streams = { main: addressOf(url), sub: addressOf(sub) };
    return (['main', 'sub'] as const).flatMap((stream): SecretPlace[] => {
      const camera = streams[stream];
      const user = typeof username === 'string' ? username : camera?.credentials?.username;
      if (!camera || user === undefined) return [];
      const purpose = typeof username === 'string' ? 'password' : stream;
      return [{ source: id, purpose, username: user, origin: originOf(camera.address) }];
    });
  });
}

interface Written {
  username?: unknown;
  password?: unknown;
  password_file?: unknown;
  url?: unknown;
  sub?: unknown;
}

function sourcesIn(text: ConfigText): [string, Written][] {
  const { sources } = text.values() as { sources?: unknown };
  if (typeof sources !== 'object' || sources === null || Array.isArray(sources)) return [];
  return Object.entries(sources).flatMap(([id, source]): [string, Written][] =>
    typeof source === 'object' && source !== null ? [[id, source as Written]] : [],
  );
}

function addressOf(url: unknown): CameraAddress | null {
  try {
    return typeof url === 'string' ? parseCameraUrl(url) : null;
  } catch (error) {
    if (isNvrError(error, 'invalid')) return null;
    throw error;
  }
}
