import { ByteReader, ByteWriter, concatBytes, equalBytes, fromUtf8, isZero, utf8, wipe } from '../bytes/index.ts';
import type { SyncAeadKey } from '../crypto/index.ts';
import { isNvrError } from '../errors.ts';
import { isSourceId, type SourceId } from '../protocol/index.ts';
import { Secret } from './secret.ts';

/** What a password belongs to: `password` to the source's `username`, `main` and `sub` to the user in that URL. */
export const SECRET_PURPOSES = ['password', 'main', 'sub'] as const;
export type SecretPurpose = (typeof SECRET_PURPOSES)[number];

/** A password, whose it is, and the places it was given for (`scheme://host:port`). */
export interface CameraSecret {
  source: SourceId;
  purpose: SecretPurpose;
  username: string;
  origins: readonly string[];
  password: Secret;
}

export interface CameraSecretFile {
  /** Counts writings from 1. */
  generation: number;
  secrets: CameraSecret[];
}

/** Most bytes of the file, and of what is in it: bounds of reading, far above what 256 sources need. */
export const SECRET_FILE_BYTES_MAX = 4 * 1024 * 1024;
export const SECRETS_MAX = 2_048;
export const ORIGINS_MAX = 4;
const TEXT_BYTES_MAX = 2_048;

const MAGIC = Uint8Array.of(0x89, 0x43, 0x4e, 0x53, 0x31, 0x0d, 0x0a, 0x1a);
const VERSION = 1;
const HEADER_BYTES = 32;
const TAG_BYTES = 16;
/** The length of the file tells no length of a password. */
const PAD_BYTES = 1_024;

/** The file's bytes (docs/formats/secrets.md). `nonce`: 12 random bytes that were never used under this key. */
export function writeCameraSecrets(
  key: SyncAeadKey,
  { generation, secrets }: CameraSecretFile,
  nonce: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const header = new ByteWriter(HEADER_BYTES);
  header.bytes(MAGIC).u8(VERSION).zeros(3).u64(generation).bytes(nonce, 12);
  const top = header.finish();
  const plain = plainOf(secrets);
  const sealed = key.seal(nonce, top, plain);
  wipe(plain);
  return concatBytes(top, sealed);
}

/** What the bytes say, or why they are refused. Total. */
export function readCameraSecrets(key: SyncAeadKey, bytes: Uint8Array): CameraSecretFile | { reason: string } {
  if (bytes.length < HEADER_BYTES + TAG_BYTES) return { reason: 'it is too short' };
  if (bytes.length > SECRET_FILE_BYTES_MAX) return { reason: 'it is too long' };
  const header = bytes.subarray(0, HEADER_BYTES);
  if (!equalBytes(header.subarray(0, 8), MAGIC)) return { reason: 'it is another kind of file' };
  if (header[8] !== VERSION) return { reason: 'it is of another version' };
  if (!isZero(header.subarray(9, 12))) return { reason: 'a reserved byte is not zero' };
  const generation = new ByteReader(header.subarray(12, 20)).u64();
  if (generation < 1n || generation > BigInt(Number.MAX_SAFE_INTEGER))
    return { reason: 'its generation is out of range' };
  const plain = key.open(header.subarray(20), header, bytes.subarray(HEADER_BYTES));
  if (!plain) return { reason: 'it was changed, or sealed under another storage key' };
  try {
    const secrets = secretsOf(plain);
    return 'reason' in secrets ? secrets : { generation: Number(generation), secrets: secrets.secrets };
  } finally {
    wipe(plain);
  }
}

function plainOf(secrets: readonly CameraSecret[]): Uint8Array<ArrayBuffer> {
  const field = (value: string | Secret) => {
    const bytes = typeof value === 'string' ? utf8(value) : value.reveal();
    return new ByteWriter(2 + bytes.length).u16(bytes.length).bytes(bytes).finish();
  };
  const parts: Uint8Array[] = [new ByteWriter(2).u16(secrets.length).finish()];
  for (const { source, purpose, username, origins, password } of secrets) {
    parts.push(Uint8Array.of(SECRET_PURPOSES.indexOf(purpose) + 1), field(source), field(username));
    parts.push(Uint8Array.of(origins.length), ...origins.map(field), field(password));
  }
  const plain = concatBytes(...parts);
  const padded = new Uint8Array(Math.ceil(plain.length / PAD_BYTES) * PAD_BYTES);
  padded.set(plain);
  wipe(plain, ...parts);
  return padded;
}

function secretsOf(plain: Uint8Array): { secrets: CameraSecret[] } | { reason: string } {
  const reader = new ByteReader(plain);
  const text = () => {
    const length = reader.u16();
    return length > TEXT_BYTES_MAX ? null : fromUtf8(reader.bytes(length));
  };
  const secrets: CameraSecret[] = [];
  try {
    const count = reader.u16();
    if (count > SECRETS_MAX) return { reason: 'it holds too many passwords' };
    for (let i = 0; i < count; i++) {
      const purpose = SECRET_PURPOSES[reader.u8() - 1];
      const [source, username] = [text(), text()];
      const originCount = reader.u8();
      if (originCount > ORIGINS_MAX) return { reason: 'a password in it has too many places' };
      const origins = Array.from({ length: originCount }, text);
      const password = text();
      if (!purpose || source === null || !isSourceId(source) || username === null || password === null) {
        return { reason: 'a password in it belongs to nothing' };
      }
      if (!origins.every((origin) => origin !== null)) return { reason: 'a place in it is no text' };
      secrets.push({ source, purpose, username, origins, password: Secret.of(password) });
    }
    if (!isZero(reader.bytes(reader.left))) return { reason: 'something stands behind its end' };
    return { secrets };
  } catch (error) {
    if (isNvrError(error, 'corrupt')) return { reason: 'it ends too early' };
    throw error;
  }
}
