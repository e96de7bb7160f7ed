import { ByteReader, ByteWriter, concatBytes, equalBytes, utf8 } from '../bytes/index.ts';
import { type Hashes, schnorrVerify } from '../crypto/index.ts';
import { assert } from '../errors.ts';
import type { FromFile } from './cnv.ts';

// The format (docs/formats/cnk.md).
const MAGIC = Uint8Array.of(0x89, 0x43, 0x4e, 0x4b, 0x32, 0x0d, 0x0a, 0x1a);
const VERSION = 2;
const SUITE = 1;
const HEAD_SIZE = 96;
const STANZA_HEAD_SIZE = 20;
const TAIL_SIZE = 32 + 64;
const STANZA_VERSION = 1;
const SIGNATURE_LABEL = utf8('constitute.cnk/2 sig');
const STANZA_LABEL = utf8('constitute.cnk/2 stanza');
const COMMITMENT_LABEL = utf8('constitute.cnk/2 ekid');

/** Our own limit: wrapped copies in one file. */
export const STANZAS_MAX = 256;

/** How one copy of the epoch key is wrapped; the number is the stanza's type byte. */
export const STANZA_TYPES = { kek: 1, xWing: 2, x25519: 3, passphrase: 4 } as const;
export type StanzaType = keyof typeof STANZA_TYPES;

/** Exact body size by type. */
const BODY_SIZES: Record<StanzaType, number> = { kek: 60, xWing: 1168, x25519: 80, passphrase: 84 };
const TYPE_NAMES = Object.keys(STANZA_TYPES) as StanzaType[];

/** The largest `.cnk` file there is. */
export const EPOCH_KEY_FILE_MAX = HEAD_SIZE + STANZAS_MAX * (STANZA_HEAD_SIZE + BODY_SIZES.xWing) + TAIL_SIZE;

/** One wrapped copy of the epoch key. */
export interface Stanza {
  type: StanzaType;
  /** 16 bytes: whose key opens it. */
  keyId: Uint8Array;
  body: Uint8Array;
}

/** The key file of one epoch of one stream: the only file beside segments that is ever rewritten. */
export interface EpochKeyFile {
  /** 16 bytes. */
  streamId: Uint8Array;
  epochId: number;
  notBeforeUs: number;
  /** Null while the epoch is open. */
  notAfterUs: number | null;
  /** 32 bytes, `epochKeyCommitment` of the key inside. */
  commitment: Uint8Array;
  /** +1 with each rewriting. */
  generation: number;
  stanzas: Stanza[];
}

/** A parsed key file; its signature has not been checked. */
export interface StoredEpochKeyFile {
  file: EpochKeyFile;
  /** x-only key of the node or device that wrote it. */
  signer: Uint8Array;
  signature: Uint8Array;
  /** Everything before the signature. */
  signed: Uint8Array;
}

/** What names an epoch key and commits to it: 32 bytes, of which the first 16 stand in segment headers. */
export function epochKeyCommitment(hashes: Hashes, epochKey: Uint8Array): Uint8Array<ArrayBuffer> {
  return hashes.sha256(concatBytes(COMMITMENT_LABEL, epochKey));
}

/** The additional data of every stanza: what a copy is bound to. Adding, removing or closing changes none of it. */
export function stanzaContext(
  file: Pick<EpochKeyFile, 'streamId' | 'epochId' | 'notBeforeUs' | 'commitment'>,
): Uint8Array<ArrayBuffer> {
  return new ByteWriter(STANZA_LABEL.length + 10 + 32 + 32)
    .bytes(STANZA_LABEL)
    .bytes(MAGIC)
    .u8(VERSION)
    .u8(SUITE)
    .bytes(file.streamId, 16)
    .u64(file.epochId)
    .u64(file.notBeforeUs)
    .bytes(file.commitment, 32)
    .finish();
}

/** Writes and signs a key file. `sign` makes a BIP-340 signature (64 bytes) of `signer` over a 32-byte digest. */
export function encodeEpochKeyFile(
  hashes: Hashes,
  file: EpochKeyFile,
  signer: Uint8Array,
  sign: (digest: Uint8Array<ArrayBuffer>) => Uint8Array,
): Uint8Array<ArrayBuffer> {
  assert(file.stanzas.length <= STANZAS_MAX, 'at most 256 stanzas');
  const bodies = file.stanzas.reduce((sum, stanza) => sum + STANZA_HEAD_SIZE + stanza.body.length, 0);
  const writer = new ByteWriter(HEAD_SIZE + bodies + TAIL_SIZE)
    .bytes(MAGIC)
    .u8(VERSION)
    .u8(SUITE)
    .u16(0)
    .u16(file.stanzas.length)
    .u16(0)
    .bytes(file.streamId, 16)
    .u64(file.epochId)
    .u64(file.notBeforeUs)
    .u64(file.notAfterUs ?? 0)
    .bytes(file.commitment, 32)
    .u64(file.generation);
  for (const { type, keyId, body } of file.stanzas) {
    writer.u8(STANZA_TYPES[type]).u8(STANZA_VERSION).u16(body.length).bytes(keyId, 16).bytes(body, BODY_SIZES[type]);
  }
  writer.bytes(signer, 32);
  return writer.bytes(sign(signatureDigest(hashes, writer.written())), 64).finish();
}

/** Reads a whole key file. Check it with `verifyEpochKeyFile` before believing a word. */
export function parseEpochKeyFile(bytes: Uint8Array): FromFile<StoredEpochKeyFile> {
  if (bytes.length < HEAD_SIZE + TAIL_SIZE) return refuse('key file is cut');
  if (bytes.length > EPOCH_KEY_FILE_MAX) return refuse('key file is too large');
  const reader = new ByteReader(bytes);
  if (!equalBytes(reader.bytes(8), MAGIC)) return refuse('not a .cnk file of version 2');
  if (reader.u8() !== VERSION) return refuse('unknown version');
  if (reader.u8() !== SUITE) return refuse('unknown suite');
  if (reader.u16() !== 0) return refuse('unknown flags');
  const count = reader.u16();
  if (count > STANZAS_MAX) return refuse('too many stanzas');
  if (reader.u16() !== 0) return refuse('reserved bytes are not zero');
  const streamId = reader.bytes(16);
  const numbers = [reader.u64(), reader.u64(), reader.u64()];
  const commitment = reader.bytes(32);
  numbers.push(reader.u64());
  if (numbers.some((value) => value > BigInt(Number.MAX_SAFE_INTEGER))) return refuse('number out of range');
  const [epochId, notBeforeUs, notAfterUs, generation] = numbers.map(Number) as [number, number, number, number];
  const stanzas: Stanza[] = [];
  for (let i = 0; i < count; i++) {
    const stanza = readStanza(reader);
    if (typeof stanza === 'string') return refuse(stanza);
    stanzas.push(stanza);
  }
  if (reader.left !== TAIL_SIZE) return refuse('stanzas do not fill the file');
  const [signer, signature] = [reader.bytes(32), reader.bytes(64)];
  const file = { streamId, epochId, notBeforeUs, notAfterUs: notAfterUs || null, commitment, generation, stanzas };
  return { ok: true, value: { file, signer, signature, signed: bytes.subarray(0, bytes.length - 64) } };
}

/** True when the file's own signer signed it. Whether that signer may is the caller's question. */
export function verifyEpochKeyFile(hashes: Hashes, stored: StoredEpochKeyFile): boolean {
  return schnorrVerify(stored.signer, signatureDigest(hashes, stored.signed), stored.signature);
}

function readStanza(reader: ByteReader): Stanza | string {
  if (reader.left < STANZA_HEAD_SIZE + TAIL_SIZE) return 'stanza is cut';
  const number = reader.u8();
  const type = TYPE_NAMES.find((name) => STANZA_TYPES[name] === number);
  if (type === undefined) return 'unknown stanza type';
  if (reader.u8() !== STANZA_VERSION) return 'unknown stanza version';
  const length = reader.u16();
  if (length !== BODY_SIZES[type]) return 'stanza has the wrong length';
  const keyId = reader.bytes(16);
  if (reader.left < length + TAIL_SIZE) return 'stanza is cut';
  const body = reader.bytes(length);
  return { type, keyId, body };
}

function signatureDigest(hashes: Hashes, signed: Uint8Array): Uint8Array<ArrayBuffer> {
  return hashes.sha256(concatBytes(SIGNATURE_LABEL, signed));
}

const refuse = (reason: string): { ok: false; reason: string } => ({ ok: false, reason });
