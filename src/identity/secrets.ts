import { fromHex, fromUtf8, isZero, toHex, utf8 } from '../bytes/index.ts';
import { schnorrPublicKey } from '../crypto/index.ts';
import { isNvrError } from '../errors.ts';
import type { Files, Log, Random } from '../platform/index.ts';
import { nodeMissing, secretMalformed, secretMissing } from './errors.ts';

/** The three secrets of a node, 32 bytes each. */
export interface NodeSecrets {
  /** secp256k1 scalar of the node's device key. */
  nodeKey: Uint8Array<ArrayBuffer>;
  /** X25519 scalar of the channel. */
  channelKey: Uint8Array<ArrayBuffer>;
  /** Key encryption key of the vault. */
  storageKek: Uint8Array<ArrayBuffer>;
}

export interface SecretPlaces {
  /** The data folder, for messages. */
  folder: string;
  /** The folder of secrets, mode 0700. */
  secrets: string;
  /** Where a service manager put the storage key; it is used instead of `storage-kek` and never written. */
  kekCredentialPath?: string;
}

const SECRET_BYTES = 32;
const FILE_BYTES_MAX = 256;

/**
 * Loads the node's secrets; in a folder without a node makes them first, where `create` allows it.
 *
 * A secret is a file of 64 lower-case hex characters and a line feed, mode 0600; the credential may also be 32 raw bytes.
 * `node-key` is written last, so its presence says that the others were written: one that is missing then is an error, not
 * a reason to make a new one. Callers hold the folder's lock.
 */
export async function loadSecrets(
  { files, random, log }: { files: Files; random: Random; log: Log },
  places: SecretPlaces,
  create: boolean,
): Promise<NodeSecrets> {
  const path = (name: string) => `${places.secrets}/${name}`;
  const exists = (await files.stat(path('node-key'))) !== null;
  if (!exists && !create) throw nodeMissing(places.folder);
  if (!exists) await files.makeFolder(places.secrets);

  async function load(name: string): Promise<Uint8Array<ArrayBuffer>> {
    const found = await readSecret(files, path(name));
    if (found) return found;
    if (exists) throw secretMissing(path(name));
    const secret = freshSecret(random);
    await files.replace(path(name), utf8(`${toHex(secret)}\n`), { mode: 0o600 });
    log.info({ file: path(name) }, 'made a key');
    return secret;
  }

  const storageKek = places.kekCredentialPath
    ? await readCredential(files, places.kekCredentialPath)
    : await load('storage-kek');
  const channelKey = await load('channel-key');
  const nodeKey = await load('node-key');
  if (!isScalar(nodeKey)) throw secretMalformed(path('node-key'), 'a secp256k1 secret key');
  await warnOfLooseModes(files, log, places.secrets);
  return { nodeKey, channelKey, storageKek };
}

async function readSecret(files: Files, path: string): Promise<Uint8Array<ArrayBuffer> | null> {
  const bytes = await readIfThere(files, path);
  if (!bytes) return null;
  const secret = parseHexLine(bytes);
  bytes.fill(0);
  if (!secret) throw secretMalformed(path, '64 hex characters');
  return secret;
}

async function readCredential(files: Files, path: string): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await readIfThere(files, path);
  if (!bytes) throw secretMissing(path);
  const secret = bytes.length === SECRET_BYTES ? bytes : parseHexLine(bytes);
  if (!secret || isZero(secret)) throw secretMalformed(path, '32 bytes, or 64 hex characters');
  return secret;
}

async function readIfThere(files: Files, path: string): Promise<Uint8Array<ArrayBuffer> | null> {
  try {
    return await files.read(path, FILE_BYTES_MAX);
  } catch (error) {
    if (isNvrError(error, 'missing')) return null;
    if (isNvrError(error, 'invalid')) throw secretMalformed(path, `at most ${FILE_BYTES_MAX} bytes`);
    throw error;
  }
}

function parseHexLine(bytes: Uint8Array): Uint8Array<ArrayBuffer> | null {
  const secret = fromHex(fromUtf8(bytes)?.replace(/\r?\n$/, '') ?? '', SECRET_BYTES);
  return secret && !isZero(secret) ? secret : null;
}

/** 32 random bytes that are also a secp256k1 scalar (all but one in 2^128 are). */
function freshSecret(random: Random): Uint8Array<ArrayBuffer> {
  for (;;) {
    const secret = random.bytes(SECRET_BYTES);
    if (isScalar(secret)) return secret;
  }
}

function isScalar(secret: Uint8Array): boolean {
  try {
    schnorrPublicKey(secret);
    return true;
  } catch {
    return false;
  }
}

async function warnOfLooseModes(files: Files, log: Log, folder: string): Promise<void> {
  const inside = (await files.list(folder)).map((entry) => ({ ...entry, name: `${folder}/${entry.name}` }));
  const self = await files.stat(folder);
  for (const { name, mode } of self ? [{ ...self, name: folder }, ...inside] : inside) {
    if (mode === undefined || (mode & 0o077) === 0) continue;
    log.warn({ path: name, mode: (mode & 0o777).toString(8) }, 'found secrets that others may reach');
  }
}
