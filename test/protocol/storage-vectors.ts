// Makes the published vectors of our stored formats (test/vectors/{cnv,cnk,log}.json) from fixed keys and scripted chance.
// `node test/protocol/storage-vectors.ts` writes them anew; storage-vectors.test.ts holds the files to what this makes.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { concatBytes, toHex, utf8 } from '../../src/bytes/index.ts';
import {
  CHUNK_SIZE,
  ChunkSealer,
  createNobleSuite,
  hpkeKeySchedule,
  nobleHashes,
  schnorrPublicKey,
  schnorrSign,
  xWingEncapsulate,
  xWingPairOfSeed,
  xWingPublicKey,
} from '../../src/crypto/index.ts';
import { SeededRandom } from '../../src/platform/index.ts';
import {
  chainKeyAt,
  createLeaf,
  type EpochKeyFile,
  encodeBoundHeader,
  encodeEpochKeyFile,
  encodeLeaf,
  encodeLogHeader,
  encodeSegmentHeader,
  epochKeyCommitment,
  type LogLeaf,
  leafHash,
  MerkleTree,
  type SegmentHeader,
  type SourceId,
  type Stanza,
  sealKekStanza,
  sealRecipientStanza,
  segmentContext,
  streamAssignedLeaf,
  wrapFileKey,
} from '../../src/protocol/index.ts';

const filled = (byte: number, length: number) => new Uint8Array(length).fill(byte);
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
const random = new SeededRandom(20_261_121);
const suite = createNobleSuite((length) => random.bytes(length));

/** Plaintexts are told by a rule: byte i is (i * 7 + 13) mod 256. */
export const plaintextOf = (length: number) => Uint8Array.from({ length }, (_, i) => (i * 7 + 13) & 255);

/** How a changed case comes from its base: bytes cut off the end, one byte XORed, two chunks swapped, bytes appended, a CRC mended. */
export interface Change {
  cutTo?: number;
  xor?: { at: number; with: number };
  append?: string;
  /** Order of the file's chunks, by their former index. */
  chunks?: number[];
  mendCrc?: boolean;
}

export interface CnvBase {
  name: string;
  why: string;
  epochKey: string;
  fileKey: string;
  salt: string;
  chainIndex: number;
  plaintextBytes: number;
  file: string;
  sha256: string;
}

export interface CnvCase {
  name: string;
  why: string;
  base: string;
  change: Change;
  /** `header`: refused by its form; `key`: its keys do not open it; `chunk`: so many chunks open and the next does not; `unterminated`: all chunks open and the end is missing. */
  expect: 'header' | 'key' | 'chunk' | 'unterminated';
  chunksOpened?: number;
}

const EPOCH_KEY = filled(0x11, 32);

export function cnvVectors() {
  const bases: CnvBase[] = [
    ['empty', 'no plaintext: the final chunk is a tag alone', 0, 0],
    ['short', 'one chunk', 3, 1],
    ['end-on-chunk', 'plaintext ends with a chunk: an empty final chunk follows', CHUNK_SIZE, 2],
    ['three-chunks', 'two whole chunks and a short one', 2 * CHUNK_SIZE + 100, 130],
    ['last-of-chain', 'the last chain index there is', 10, 16_383],
  ].map(([name, why, length, chainIndex]) => cnvBase(String(name), String(why), Number(length), Number(chainIndex)));
  const three = 'three-chunks';
  const end = 568 + 2 * 16_400 + 116;
  const flip = (
    name: string,
    why: string,
    at: number,
    expect: CnvCase['expect'],
    more: Partial<CnvCase> = {},
  ): CnvCase => ({
    name,
    why,
    base: three,
    change: { xor: { at, with: 1 } },
    expect,
    ...more,
  });
  const mended = (name: string, why: string, at: number, expect: CnvCase['expect'], bit = 1): CnvCase => ({
    name,
    why,
    base: three,
    change: { xor: { at, with: bit }, mendCrc: true },
    expect,
  });
  const cases: CnvCase[] = [
    ...[
      0, 3, 7, 8, 9, 11, 15, 16, 40, 60, 87, 95, 103, 110, 120, 121, 123, 127, 135, 140, 170, 200, 255, 256, 303, 304,
      507, 508,
    ].map((at) => flip(`flip-${at}`, 'one bit of the header: the checksum sees it', at, 'header')),
    ...[0, 8, 9, 11].map((at) =>
      mended(`mended-${at}`, 'magic, version, suite or length with a mended checksum', at, 'header'),
    ),
    mended('mended-flags-unknown', 'a flag that has no meaning', 12, 'header'),
    mended('mended-flags', 'a flag that has one: the keys see it', 15, 'key'),
    mended('mended-clock-state', 'a clock state that has no meaning', 120, 'header', 0x80),
    mended('mended-kind', 'a kind that has no meaning', 121, 'header', 0x40),
    mended('mended-reserved-bound', 'a reserved byte inside the bound part', 200, 'header'),
    mended('mended-reserved', 'a reserved byte behind the wrapped key', 400, 'header'),
    mended('mended-chain-huge', 'a chain index of 2^31: refused before any step is made', 124, 'header', 0x80),
    mended('mended-chain-limit', 'a chain index of 16,514: refused before any step is made', 126, 'header', 0x40),
    mended('mended-seq-huge', 'a sequence number beyond 2^53', 80, 'header', 0x80),
    ...[16, 32, 48, 87, 95, 103, 104, 123, 127, 135, 136, 152].map((at) =>
      mended(`mended-bound-${at}`, 'a bound field with a mended checksum: the keys see it', at, 'key'),
    ),
    mended('mended-wrapped-key', 'the wrapped file key', 256, 'key'),
    flip('salt', 'the salt feeds the keys', 512, 'key'),
    flip('commitment', 'the commitment is compared first', 567, 'key'),
    flip('chunk-0', 'first byte of chunk 0', 568, 'chunk', { chunksOpened: 0 }),
    flip('chunk-0-tag', 'tag of chunk 0', 568 + 16_399, 'chunk', { chunksOpened: 0 }),
    flip('chunk-1', 'a byte of chunk 1', 568 + 16_400 + 7000, 'chunk', { chunksOpened: 1 }),
    flip('final', 'a byte of the final chunk', end - 20, 'chunk', { chunksOpened: 2 }),
    {
      name: 'cut-header',
      why: 'the file ends inside the header',
      base: three,
      change: { cutTo: 511 },
      expect: 'header',
    },
    {
      name: 'cut-commitment',
      why: 'the file ends inside the commitment',
      base: three,
      change: { cutTo: 560 },
      expect: 'key',
    },
    {
      name: 'cut-all-chunks',
      why: 'no chunk is left',
      base: three,
      change: { cutTo: 568 },
      expect: 'unterminated',
      chunksOpened: 0,
    },
    {
      name: 'cut-in-chunk',
      why: 'the file ends inside chunk 1',
      base: three,
      change: { cutTo: 568 + 16_400 + 5000 },
      expect: 'chunk',
      chunksOpened: 1,
    },
    {
      name: 'cut-at-chunk',
      why: 'the file ends after chunk 1, as after a crash',
      base: three,
      change: { cutTo: 568 + 2 * 16_400 },
      expect: 'unterminated',
      chunksOpened: 2,
    },
    {
      name: 'cut-in-tag',
      why: 'fewer bytes than a tag follow',
      base: three,
      change: { cutTo: 568 + 2 * 16_400 + 15 },
      expect: 'chunk',
      chunksOpened: 2,
    },
    {
      name: 'cut-one',
      why: 'one byte is missing',
      base: three,
      change: { cutTo: end - 1 },
      expect: 'chunk',
      chunksOpened: 2,
    },
    { name: 'appended', why: 'one byte more', base: three, change: { append: '00' }, expect: 'chunk', chunksOpened: 2 },
    {
      name: 'swapped',
      why: 'chunks 0 and 1 swapped',
      base: three,
      change: { chunks: [1, 0, 2] },
      expect: 'chunk',
      chunksOpened: 0,
    },
    {
      name: 'repeated',
      why: 'chunk 0 in place of chunk 1',
      base: three,
      change: { chunks: [0, 0, 2] },
      expect: 'chunk',
      chunksOpened: 1,
    },
    {
      name: 'dropped',
      why: 'chunk 1 is missing',
      base: three,
      change: { chunks: [0, 2] },
      expect: 'chunk',
      chunksOpened: 1,
    },
    {
      name: 'end-twice',
      why: 'the final chunk is not final',
      base: three,
      change: { chunks: [0, 1, 2, 2] },
      expect: 'chunk',
      chunksOpened: 2,
    },
  ];
  return { format: 'cnv', version: 2, plaintextRule: 'byte i is (i * 7 + 13) mod 256', bases, cases };
}

function cnvBase(name: string, why: string, length: number, chainIndex: number): CnvBase {
  const [fileKey, salt] = [random.bytes(32), random.bytes(24)];
  const header: SegmentHeader = {
    flags: 8,
    segmentId: random.bytes(16),
    streamId: filled(0x33, 16),
    nodeId: filled(0x44, 32),
    seq: 7,
    startUs: 1_795_000_000_000_000,
    startMonoUs: 123_456_789,
    bootId: filled(0x55, 16),
    clockState: 'synced',
    kind: 'video',
    clockErrorMs: 5,
    chainIndex,
    epochId: 1,
    epochKeyId: epochKeyCommitment(nobleHashes, EPOCH_KEY).slice(0, 16),
    prevLeaf: filled(0x88, 32),
  };
  const bound = encodeBoundHeader(header);
  const chainKey = chainKeyAt(nobleHashes, EPOCH_KEY, 0, chainIndex)!;
  const wrapped = wrapFileKey(suite, chainKey, header.segmentId, bound, fileKey);
  const sealer = new ChunkSealer(suite, fileKey, salt, segmentContext(nobleHashes, bound));
  const plaintext = plaintextOf(length);
  const parts: Uint8Array[] = [encodeSegmentHeader(bound, wrapped), sealer.header];
  for (let at = 0; at <= length; at += CHUNK_SIZE) parts.push(sealer.seal(plaintext.subarray(at, at + CHUNK_SIZE)));
  const file = concatBytes(...parts);
  return {
    name,
    why,
    epochKey: toHex(EPOCH_KEY),
    fileKey: toHex(fileKey),
    salt: toHex(salt),
    chainIndex,
    plaintextBytes: length,
    file: base64(file),
    sha256: toHex(nobleHashes.sha256(file)),
  };
}

export interface CnkBase {
  name: string;
  why: string;
  file: string;
  epochKey: string;
  kek: string;
  recipientSeed: string;
  recipientKeyId: string;
  opensWithKek: boolean;
  opensAsRecipient: boolean;
}

export interface CnkCase {
  name: string;
  why: string;
  base: string;
  change: Change;
  /** `form`: refused by its form; `signature`: refused by its signature. */
  expect: 'form' | 'signature';
}

export async function cnkVectors() {
  const secret = filled(0x66, 32);
  const [kek, seed] = [filled(0x77, 32), filled(0x99, 32)];
  const publicKey = xWingPublicKey(await xWingPairOfSeed(suite, seed));
  const recipient = { keyId: filled(0xaa, 16), publicKey };
  const place = {
    streamId: filled(0x33, 16),
    epochId: 5,
    notBeforeUs: 1_795_000_000_000_000,
    commitment: epochKeyCommitment(nobleHashes, EPOCH_KEY),
  };
  const kekStanza = sealKekStanza(suite, kek, random.bytes(12), place, EPOCH_KEY);
  const deviceStanza = (await sealRecipientStanza(suite, recipient, place, EPOCH_KEY))!;
  const opaque: Stanza[] = [
    { type: 'x25519', keyId: filled(0xbb, 16), body: random.bytes(80) },
    { type: 'passphrase', keyId: filled(0xcc, 16), body: random.bytes(84) },
  ];
  const open: EpochKeyFile = { ...place, notAfterUs: null, generation: 1, stanzas: [] };
  const base = (name: string, why: string, changes: Partial<EpochKeyFile>): CnkBase => {
    const file = { ...open, ...changes };
    const bytes = encodeEpochKeyFile(nobleHashes, file, schnorrPublicKey(secret), (digest) =>
      schnorrSign(secret, digest, filled(0, 32)),
    );
    return {
      name,
      why,
      file: base64(bytes),
      epochKey: toHex(EPOCH_KEY),
      kek: toHex(kek),
      recipientSeed: toHex(seed),
      recipientKeyId: toHex(recipient.keyId),
      opensWithKek: file.stanzas.includes(kekStanza),
      opensAsRecipient: file.stanzas.includes(deviceStanza),
    };
  };
  const bases = [
    base('managed', 'the node and one device', { stanzas: [kekStanza, deviceStanza] }),
    base('node-only', 'no device is paired yet', { stanzas: [kekStanza] }),
    base('sealed', 'devices only: the node cannot open it', { stanzas: [deviceStanza] }),
    base('closed', 'the epoch ended: stanzas are the same, generation and end differ', {
      stanzas: [kekStanza, deviceStanza],
      notAfterUs: 1_795_086_400_000_000,
      generation: 2,
    }),
    base('every-type', 'types 3 and 4 stand beside', { stanzas: [kekStanza, ...opaque, deviceStanza] }),
    base('shredded', 'no copy is left: the footage is gone', { stanzas: [] }),
  ];
  const flip = (name: string, why: string, at: number, expect: CnkCase['expect']): CnkCase => ({
    name,
    why,
    base: 'managed',
    change: { xor: { at, with: 1 } },
    expect,
  });
  const size = 96 + 80 + 1188 + 96;
  const cases: CnkCase[] = [
    ...[0, 7, 8, 9, 11, 13, 15].map((at) =>
      flip(`form-${at}`, 'magic, version, suite, flags, count or reserved', at, 'form'),
    ),
    ...[16, 39, 47, 55, 56, 95, 100, 120, 200, 1000].map((at) =>
      flip(`signed-${at}`, 'a signed byte', at, 'signature'),
    ),
    flip('stanza-type', 'a type byte', 96, 'form'),
    flip('stanza-version', 'a stanza version', 97, 'form'),
    flip('stanza-length', 'a stanza length', 99, 'form'),
    flip('signer', 'the signer', size - 96, 'signature'),
    flip('signature', 'the signature', size - 1, 'signature'),
    ...[0, 95, 96 + 19, 96 + 80, size - 97, size - 1].map((cutTo) => ({
      name: `cut-${cutTo}`,
      why: 'the file is cut',
      base: 'managed',
      change: { cutTo },
      expect: 'form' as const,
    })),
    { name: 'appended', why: 'one byte more', base: 'managed', change: { append: '00' }, expect: 'form' },
  ];
  const hpke = await hpkeVectors(seed, publicKey);
  return { format: 'cnk', version: 2, signerSecret: toHex(secret), bases, cases, hpke };
}

/** The suite of type 2 by itself: published vectors of X-Wing stop at other AEADs. */
async function hpkeVectors(seed: Uint8Array, publicKey: Uint8Array) {
  const info = utf8('constitute.cnk/2');
  const messages = ['', 'an epoch key has 32 bytes, really', 'a longer message than any stanza carries'];
  return Promise.all(
    messages.map(async (text) => {
      const [additional, plaintext] = [random.bytes(20), utf8(text)];
      const { enc, sharedSecret } = (await xWingEncapsulate(suite, publicKey))!;
      const { key, baseNonce } = hpkeKeySchedule(nobleHashes, sharedSecret, info);
      const ciphertext = suite.aead.key(key).seal(baseNonce, additional, plaintext);
      const parts = { seed, publicKey, info, additional, plaintext, enc, sharedSecret, key, baseNonce, ciphertext };
      return Object.fromEntries(Object.entries(parts).map(([name, bytes]) => [name, toHex(bytes)]));
    }),
  );
}

export function logVectors() {
  const header = { nodeId: filled(0x44, 32), logId: filled(0xdd, 16) };
  const ids = { streamId: filled(0x33, 16), bootId: filled(0x55, 16), prevLeaf: filled(0x88, 32) };
  const at = { startUs: 1_795_000_000_000_000, startMonoUs: 123_456_789 };
  const segment = {
    ...ids,
    ...at,
    chunkCount: 1843,
    fileBytes: 30_210_538,
    segmentId: filled(0x22, 16),
    seq: 7,
    endUs: 1_795_000_060_000_000,
    endMonoUs: 183_456_789,
    headerHash: filled(0xee, 32),
    chunkRoot: filled(0xff, 32),
    epochId: 5,
  };
  const leaves: [string, LogLeaf][] = [
    ['boot', createLeaf('boot', { ...at, bootId: ids.bootId })],
    ['config', streamAssignedLeaf({ sourceId: 'front-door' as SourceId, stream: 'sub', streamId: ids.streamId }, at)],
    ['key', createLeaf('key', { ...ids, ...at, headerHash: filled(0xee, 32), cause: 1, epochId: 5, generation: 1 })],
    ['segment final', createLeaf('segment', { ...segment, state: 'final' })],
    ['segment recovered', createLeaf('segment', { ...segment, state: 'recovered', seq: 8 })],
    ['segment aborted', createLeaf('segment', { ...segment, state: 'aborted', seq: 9, lostFrames: 12 })],
    ['gap that lasts', createLeaf('gap', { ...ids, seq: 9, startUs: segment.endUs, cause: 4 })],
    [
      'gap that ended',
      createLeaf('gap', { ...ids, seq: 9, startUs: segment.endUs, endUs: segment.endUs + 5_000_000, cause: 4 }),
    ],
    ['clock', createLeaf('clock', { ...at, endUs: at.startUs + 7_000_000, bootId: ids.bootId })],
    ['prune', createLeaf('prune', { ...segment, state: 'final', cause: 1 })],
    ['key removed', createLeaf('key', { ...ids, ...at, cause: 2, epochId: 5 })],
  ];
  const tree = new MerkleTree(nobleHashes);
  const emptyRoot = toHex(tree.root());
  const written = leaves.map(([name, leaf]) => {
    const bytes = encodeLeaf(leaf);
    const hash = leafHash(nobleHashes, bytes);
    tree.add(hash);
    return { name, bytes: toHex(bytes), hash: toHex(hash), rootSoFar: toHex(tree.root()) };
  });
  const flip = (name: string, leaf: string, atByte: number, bit = 1) => ({
    name,
    leaf,
    change: { xor: { at: atByte, with: bit } },
  });
  const refused = [
    flip('version', 'boot', 0),
    flip('type zero', 'segment final', 1),
    flip('type unknown', 'boot', 1, 0x80),
    flip('state unknown', 'segment final', 3, 0x40),
    flip('segment without state', 'segment final', 3),
    flip('state on a gap', 'gap that lasts', 3),
    flip('file size beyond 2^53', 'segment final', 8, 0x80),
    flip('sequence beyond 2^53', 'segment final', 48, 0x80),
    flip('reserved behind the detail', 'config', 211),
    flip('reserved at the end', 'segment final', 255),
    flip('epoch beyond 2^53', 'key', 216, 0x80),
  ];
  return {
    format: 'log',
    version: 1,
    header: toHex(encodeLogHeader(header)),
    nodeId: toHex(header.nodeId),
    logId: toHex(header.logId),
    emptyRoot,
    leaves: written,
    refused,
    words: { emptyLeafHash: toHex(leafHash(nobleHashes, utf8(''))) },
  };
}

/** Every file by name, in the order chance is drawn. */
export async function storageVectors() {
  return { cnv: cnvVectors(), cnk: await cnkVectors(), log: logVectors() };
}

if (process.argv[1] === import.meta.filename) {
  for (const [name, content] of Object.entries(await storageVectors())) {
    writeFileSync(join(import.meta.dirname, `../vectors/${name}.json`), `${JSON.stringify(content, null, 1)}\n`);
  }
}
