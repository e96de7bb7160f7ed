import { fromUtf8, utf8 } from '../bytes/index.ts';
import { assert, ERROR_KINDS, type ErrorCode, type ErrorKind } from '../errors.ts';
import { RPC_BYTES_MAX } from './frame.ts';
import { isJsonObject } from './json-object.ts';

const DEPTH_MAX = 32;
const METHOD = /^[a-z]{1,24}\.[a-z]{1,24}(?:@[1-9][0-9]{0,2})?$/;
const EVENT = /^[a-z]{1,24}\.[a-z]{1,24}$/;
const ERROR_CODE = /^ERR_[A-Z0-9_]{1,60}$/;
const FIRST_INTEGER = -32001;
/** Nobody is asked to wait longer. */
const RETRY_MS_MAX = 86_400_000;

/** What a device is told of an error beside its code: one fixed text for each kind. */
const ERROR_TEXTS: Readonly<Record<ErrorKind, string>> = {
  invalid: 'the request is not valid',
  unauthenticated: 'prove who you are first',
  denied: 'this device may not do that',
  missing: 'there is no such thing',
  conflict: 'it does not fit the present state',
  exhausted: 'a limit is reached',
  unavailable: 'not possible right now, try again',
  corrupt: 'stored or received bytes are damaged',
  cancelled: 'cancelled',
  internal: 'the node has a fault',
};

/** A request as its sender wrote it. `params` is an object. */
export interface RpcRequest {
  method: string;
  params: Record<string, unknown>;
}

/** An error as it crosses the wire. */
export interface RpcError {
  code: ErrorCode;
  kind: ErrorKind;
  message: string;
  /** After this long it is worth trying again; absent: nobody knows. */
  retryMs?: number;
}

/** The JSON-RPC integer of a kind: -32001 for the first, counting down. */
export function errorInteger(kind: ErrorKind): number {
  return FIRST_INTEGER - ERROR_KINDS.indexOf(kind);
}

/** Body of a REQ. A request that is too large gives null. */
export function encodeRequest(stream: number, { method, params }: RpcRequest): Uint8Array<ArrayBuffer> | null {
  return encode({ jsonrpc: '2.0', id: stream, method, params });
}

/** The request of a REQ body, or null where it is none, has another id than its stream, or an impossible method. Total. */
export function parseRequest(body: Uint8Array, stream: number): RpcRequest | null {
  const value = parse(body);
  if (!value || value['id'] !== stream) return null;
  const { method, params } = value;
  if (typeof method !== 'string' || !METHOD.test(method)) return null;
  if (params === undefined) return { method, params: {} };
  return isJsonObject(params) ? { method, params } : null;
}

/** Body of a RES with a result (`undefined` becomes null). Null where it is too large or no JSON. */
export function encodeResult(stream: number, result: unknown): Uint8Array<ArrayBuffer> | null {
  return encode({ jsonrpc: '2.0', id: stream, result: result === undefined ? null : result });
}

/** Body of a RES with an error; `retryMs` tells when to try again, where that is known. */
export function encodeError(
  stream: number,
  code: ErrorCode,
  kind: ErrorKind,
  retryMs?: number,
): Uint8Array<ArrayBuffer> {
  const body = encode({ jsonrpc: '2.0', id: stream, error: errorObject(code, kind, retryMs) });
  assert(body, 'an error that fits');
  return body;
}

/** The outcome in a RES body, or null where it is none. Total. */
export function parseResponse(body: Uint8Array, stream: number): { result: unknown } | { error: RpcError } | null {
  const value = parse(body);
  if (!value || value['id'] !== stream) return null;
  if ('error' in value) {
    const error = errorOf(value['error']);
    return error && { error };
  }
  return 'result' in value ? { result: value['result'] } : null;
}

/** Body of a CANCEL that says why. */
export function encodeCancelError(code: ErrorCode, kind: ErrorKind): Uint8Array<ArrayBuffer> {
  return utf8(JSON.stringify(errorObject(code, kind)));
}

/** Why a CANCEL was sent, or null where the body is not an error object. Total. */
export function parseCancelError(body: Uint8Array): RpcError | null {
  return errorOf(parseJson(body));
}

/** Body of an EVENT; null where it is too large or no JSON. */
export function encodeEvent(name: string, params: unknown): Uint8Array<ArrayBuffer> | null {
  assert(EVENT.test(name), `an event name, not ${name}`);
  return encode({ jsonrpc: '2.0', method: name, params: params ?? {} });
}

/** The notification in an EVENT body, or null. Total. */
export function parseEvent(body: Uint8Array): { name: string; params: Record<string, unknown> } | null {
  const value = parse(body);
  if (!value || 'id' in value) return null;
  const { method, params } = value;
  if (typeof method !== 'string' || !EVENT.test(method)) return null;
  return params === undefined || isJsonObject(params) ? { name: method, params: params ?? {} } : null;
}

/** True where brackets outside of texts nest at most `max` deep, so that no later walk over the value can go too deep. */
export function jsonDepthWithin(text: string, max: number): boolean {
  let depth = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (quoted) {
      if (code === 0x5c) i++;
      else if (code === 0x22) quoted = false;
    } else if (code === 0x22) quoted = true;
    else if (code === 0x5b || code === 0x7b) {
      if (++depth > max) return false;
    } else if (code === 0x5d || code === 0x7d) depth--;
  }
  return true;
}

function errorObject(code: ErrorCode, kind: ErrorKind, retryMs?: number): Record<string, unknown> {
  const told = ERROR_CODE.test(code) ? code : 'ERR_CHANNEL_INTERNAL';
  const retry = retryMs === undefined ? {} : { retryMs: Math.min(Math.ceil(retryMs), RETRY_MS_MAX) };
  return { code: errorInteger(kind), message: ERROR_TEXTS[kind], data: { code: told, kind, ...retry } };
}

/** Kind by integer and text by kind: what the peer wrote beside them is not repeated to anybody. */
function errorOf(value: unknown): RpcError | null {
  if (!isJsonObject(value) || typeof value['code'] !== 'number') return null;
  const kind = ERROR_KINDS[FIRST_INTEGER - value['code']] ?? 'internal';
  const { data } = value;
  const code = isJsonObject(data) ? data['code'] : undefined;
  const known = typeof code === 'string' && ERROR_CODE.test(code);
  const retryMs = isJsonObject(data) ? data['retryMs'] : undefined;
  const retry = isWait(retryMs) ? { retryMs } : {};
  return { code: known ? (code as ErrorCode) : 'ERR_REMOTE_UNKNOWN', kind, message: ERROR_TEXTS[kind], ...retry };
}

function isWait(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= RETRY_MS_MAX;
}

function encode(value: unknown): Uint8Array<ArrayBuffer> | null {
  let text: string;
  try {
    text = JSON.stringify(value);
  } catch {
    return null;
  }
  const bytes = utf8(text);
  return bytes.length <= RPC_BYTES_MAX ? bytes : null;
}

function parse(body: Uint8Array): Record<string, unknown> | null {
  const value = parseJson(body);
  return isJsonObject(value) && value['jsonrpc'] === '2.0' ? value : null;
}

function parseJson(body: Uint8Array): unknown {
  const text = body.length <= RPC_BYTES_MAX ? fromUtf8(body) : null;
  if (text === null || !jsonDepthWithin(text, DEPTH_MAX)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
