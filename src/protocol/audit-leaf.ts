import { ByteReader, ByteWriter, concatBytes, fromHex, fromUtf8, isZero, toHex, utf8, zeros } from '../bytes/index.ts';
import { type Hashes, schnorrVerify } from '../crypto/index.ts';
import { AUDIT_DETAIL_MAX, AUDIT_EVENTS, type AuditEntry, type AuditEvent } from './audit-entry.ts';
import type { FromFile } from './cnv.ts';
import { type DeviceKey, isSourceId, type SourceId } from './ids.ts';
import { decodeAddress, encodeAddress } from './invitation-address.ts';

// The format (docs/formats/audit.md).
const VERSION = 1;
export const AUDIT_LEAF_SIZE = 256;
const BODY_SIZE = 200;
const SPAN_GIVEN = 1;
const IPV6_FORM = 6;
const IPV4_FORM = 4;
const IPV4_PREFIX = concatBytes(zeros(10), Uint8Array.of(0xff, 0xff));
const HEAD_LABEL = utf8('constitute.audit/1 head');

/** Type bytes of audit leaves. Numbers are for ever. */
export const AUDIT_LEAF_TYPES = { entry: 1, head: 2, dropped: 3, lost: 4 } as const;
/** Why whole files went. */
export const AUDIT_DROP_CAUSES = { age: 1, size: 2 } as const;
export type AuditDropCause = keyof typeof AUDIT_DROP_CAUSES;
/** Why entries are not there: the disk did not take them, too many came at once, or a crash tore them off the end. */
export const AUDIT_LOSS_CAUSES = { disk: 1, flood: 2, torn: 3 } as const;
export type AuditLossCause = keyof typeof AUDIT_LOSS_CAUSES;

/** Node's signature over the tree of all leaves before it. */
export interface AuditHead {
  type: 'head';
  /** Epoch ms. */
  at: number;
  /** RFC 6962 root (32 bytes) over the leaves 0 to index - 1. */
  root: Uint8Array;
  /** BIP-340 signature (64 bytes) of the node's key over `auditHeadDigest`. */
  signature: Uint8Array;
}

/** Files with all leaves before `before` were removed; the hash of the last of them closes what is gone. */
export interface AuditDropped {
  type: 'dropped';
  at: number;
  cause: AuditDropCause;
  before: number;
  closingHash: Uint8Array;
}

/** Entries of a time that are not in the log. */
export interface AuditLost {
  type: 'lost';
  at: number;
  cause: AuditLossCause;
  count: number;
  /** Epoch ms: of the first and the last of them, as far as known. */
  from: number;
  to: number;
  /** Whose entries they are; null where of several or of nobody proved. */
  device: DeviceKey | null;
}

/** What one leaf of the audit log says. */
export type AuditStatement = { type: 'entry'; entry: AuditEntry } | AuditHead | AuditDropped | AuditLost;

/** A leaf in its place. */
export interface AuditLeaf {
  /** Position in the whole log, from 0, dropped leaves counted. */
  index: number;
  /** Leaf hash (32 bytes) of the leaf before; zeros for the first. */
  previous: Uint8Array;
  statement: AuditStatement;
}

/** What a head signs beside its own words: which log and file it stands in, and how many leaves are before it. */
export interface AuditHeadPlace {
  /** 16 bytes. */
  logId: Uint8Array;
  /** SHA-256 (32 bytes) of the header of the file it stands in. */
  headerHash: Uint8Array;
  /** Its own index. */
  count: number;
}

/** The digest (32 bytes) a head signs. */
export function auditHeadDigest(
  hashes: Hashes,
  { logId, headerHash, count }: AuditHeadPlace,
  { at, root }: Pick<AuditHead, 'at' | 'root'>,
): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(HEAD_LABEL.length + 16 + 32 + 8 + 8 + 32)
    .bytes(HEAD_LABEL)
    .bytes(logId, 16)
    .bytes(headerHash, 32)
    .u64(count)
    .u64(at)
    .bytes(root, 32);
  return hashes.sha256(writer.finish());
}

/** True when `node` (32-byte x-only key) signed this head for this place. About 1.3 ms. */
export function verifyAuditHead(hashes: Hashes, node: Uint8Array, place: AuditHeadPlace, head: AuditHead): boolean {
  return schnorrVerify(node, auditHeadDigest(hashes, place, head), head.signature);
}

/** The 256 bytes of a leaf. Entries are made to fit: texts cut and cleaned, an address that is none left out. */
export function encodeAuditLeaf({ index, previous, statement }: AuditLeaf): Uint8Array<ArrayBuffer> {
  const { type } = statement;
  const at = type === 'entry' ? statement.entry.at : statement.at;
  return new ByteWriter(AUDIT_LEAF_SIZE)
    .u8(VERSION)
    .u8(AUDIT_LEAF_TYPES[type])
    .u8(numberOf(statement))
    .u8(type === 'entry' && statement.entry.span !== null ? SPAN_GIVEN : 0)
    .zeros(4)
    .u64(index)
    .u64(wholeTime(at))
    .bytes(previous, 32)
    .bytes(bodyOf(statement), BODY_SIZE)
    .finish();
}

/** Reads one leaf of exactly 256 bytes. Total; byte strings are copies. */
export function parseAuditLeaf(bytes: Uint8Array): FromFile<AuditLeaf> {
  if (bytes.length !== AUDIT_LEAF_SIZE) return refuse('an audit leaf has 256 bytes');
  const reader = new ByteReader(bytes);
  if (reader.u8() !== VERSION) return refuse('unknown leaf version');
  const [type, number, flags] = [reader.u8(), reader.u8(), reader.u8()];
  if (!isZero(reader.bytes(4))) return refuse('reserved bytes are not zero');
  const [index, at] = [reader.u64(), reader.u64()];
  if (index > MAX || at > MAX) return refuse('number out of range');
  const previous = reader.bytes(32).slice();
  const body = new ByteReader(reader.bytes(BODY_SIZE));
  const statement = statementOf(type, number, flags, Number(at), body);
  if (typeof statement === 'string') return refuse(statement);
  if (!isZero(body.bytes(body.left))) return refuse('reserved bytes are not zero');
  return { ok: true, value: { index: Number(index), previous, statement } };
}

/** Text for an entry: printable ASCII only, cut at `lengthMax`. */
export function auditText(text: string, lengthMax = AUDIT_DETAIL_MAX): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, lengthMax);
}

function numberOf(statement: AuditStatement): number {
  switch (statement.type) {
    case 'entry':
      return AUDIT_EVENTS[statement.entry.event];
    case 'dropped':
      return AUDIT_DROP_CAUSES[statement.cause];
    case 'lost':
      return AUDIT_LOSS_CAUSES[statement.cause];
    case 'head':
      return 0;
  }
}

function bodyOf(statement: AuditStatement): Uint8Array {
  const writer = new ByteWriter(BODY_SIZE);
  if (statement.type === 'head') writer.bytes(statement.root, 32).bytes(statement.signature, 64);
  else if (statement.type === 'dropped') writer.u64(statement.before).bytes(statement.closingHash, 32);
  else if (statement.type === 'lost') {
    const { count, from, to, device } = statement;
    writer.u64(count).u64(wholeTime(from)).u64(wholeTime(to)).bytes(keyBytes(device), 32);
  } else {
    const { device, source, span, detail, address } = statement.entry;
    writer
      .bytes(keyBytes(device), 32)
      .u64(wholeTime(span?.from ?? 0))
      .u64(wholeTime(span?.to ?? 0))
      .bytes(addressBytes(address), 16);
    text(writer, source !== null && isSourceId(source) ? source : '', 64);
    text(writer, auditText(detail), 64);
  }
  return writer.zeros(BODY_SIZE - writer.offset).finish();
}

function statementOf(
  type: number,
  number: number,
  flags: number,
  at: number,
  body: ByteReader,
): AuditStatement | string {
  if (type === AUDIT_LEAF_TYPES.entry) return entryOf(number, flags, at, body);
  if (flags !== 0) return 'unknown flags';
  if (type === AUDIT_LEAF_TYPES.head) {
    if (number !== 0) return 'reserved bytes are not zero';
    return { type: 'head', at, root: body.bytes(32).slice(), signature: body.bytes(64).slice() };
  }
  if (type === AUDIT_LEAF_TYPES.dropped) {
    const cause = nameOf(AUDIT_DROP_CAUSES, number);
    const before = body.u64();
    if (!cause || before > MAX) return 'unknown cause, or a number out of range';
    return { type: 'dropped', at, cause, before: Number(before), closingHash: body.bytes(32).slice() };
  }
  if (type !== AUDIT_LEAF_TYPES.lost) return 'unknown leaf type';
  const cause = nameOf(AUDIT_LOSS_CAUSES, number);
  const [count, from, to] = [body.u64(), body.u64(), body.u64()];
  if (!cause || count > MAX || from > MAX || to > MAX) return 'unknown cause, or a number out of range';
  const device = keyOf(body.bytes(32));
  return { type: 'lost', at, cause, count: Number(count), from: Number(from), to: Number(to), device };
}

function entryOf(number: number, flags: number, at: number, body: ByteReader): AuditStatement | string {
  const event = nameOf<AuditEvent>(AUDIT_EVENTS, number);
  if (!event) return 'unknown event';
  if ((flags & ~SPAN_GIVEN) !== 0) return 'unknown flags';
  const device = keyOf(body.bytes(32));
  const [from, to] = [body.u64(), body.u64()];
  if (from > MAX || to > MAX) return 'number out of range';
  if ((flags & SPAN_GIVEN) === 0 && (from !== 0n || to !== 0n)) return 'a span that is not flagged';
  const address = addressText(body.bytes(16));
  const [source, detail] = [textOf(body.bytes(64)), textOf(body.bytes(64))];
  if (address === null) return 'not an address';
  if (source === null || detail === null) return 'a text is not printable ASCII padded with zeros';
  if (source !== '' && !isSourceId(source)) return 'not a source id';
  const entry: AuditEntry = {
    event,
    at,
    device,
    source: source === '' ? null : (source as SourceId),
    span: (flags & SPAN_GIVEN) === 0 ? null : { from: Number(from), to: Number(to) },
    detail,
    address,
  };
  return { type: 'entry', entry };
}

function keyBytes(device: DeviceKey | null): Uint8Array {
  return (device && fromHex(device, 32)) ?? zeros(32);
}

/** Zeros are no key: no point of the curve has that x. */
function keyOf(bytes: Uint8Array): DeviceKey | null {
  return isZero(bytes) ? null : (toHex(bytes) as DeviceKey);
}

/** 16 bytes: an IPv6 address, an IPv4 address mapped into it, or zeros for anything else. A zone is left out. */
function addressBytes(address: string): Uint8Array {
  const plain = address.split('%')[0]!.replace(/^::ffff:(?=\d+\.)/i, '');
  const bytes = plain.length > 45 ? null : encodeAddress(plain.includes(':') ? `[${plain}]:1` : `${plain}:1`);
  if (bytes?.[0] === IPV4_FORM) return concatBytes(IPV4_PREFIX, bytes.subarray(1, 5));
  return bytes?.[0] === IPV6_FORM ? bytes.subarray(1, 17) : zeros(16);
}

function addressText(bytes: Uint8Array): string | null {
  if (isZero(bytes)) return '';
  if (isZero(bytes.subarray(0, 10)) && bytes[10] === 0xff && bytes[11] === 0xff) return bytes.subarray(12).join('.');
  const text = decodeAddress(new ByteReader(concatBytes(Uint8Array.of(IPV6_FORM), bytes, Uint8Array.of(0, 1))));
  return text?.slice(1, -3) ?? null;
}

function text(writer: ByteWriter, value: string, size: number): void {
  writer.bytes(utf8(value)).zeros(size - value.length);
}

function textOf(bytes: Uint8Array): string | null {
  const end = bytes.indexOf(0);
  const used = end < 0 ? bytes : bytes.subarray(0, end);
  if (!isZero(bytes.subarray(used.length))) return null;
  const value = fromUtf8(used);
  return value !== null && /^[\x20-\x7e]*$/.test(value) ? value : null;
}

/** Times come from clocks and callers; a log that never throws writes what fits. */
function wholeTime(at: number): number {
  return Number.isFinite(at) ? Math.min(Math.max(0, Math.floor(at)), Number.MAX_SAFE_INTEGER) : 0;
}

function nameOf<T extends string>(table: Readonly<Record<T, number>>, number: number): T | undefined {
  return (Object.keys(table) as T[]).find((name) => table[name] === number);
}

const MAX = BigInt(Number.MAX_SAFE_INTEGER);
const refuse = (reason: string): { ok: false; reason: string } => ({ ok: false, reason });
