/** One request to a server that is not trusted. */
export interface HttpRequest {
  /** `http:` or `https:`; the certificate of https is not checked (cameras have none that could be). No user inside. */
  url: string;
  method: 'GET' | 'POST';
  /** Names lower-case. `host`, `content-length` and `connection` are the implementation's. */
  headers?: Readonly<Record<string, string>>;
  body?: Uint8Array;
  /** From the call to the last byte of the answer, ms; nothing that arrives makes it longer. */
  deadlineMs: number;
  /** Longest answer's body; a longer one is `too-large`. */
  bodyBytesMax: number;
  signal?: AbortSignal;
}

/** Why there is no answer. Strangers' misbehaviour is not exceptional. */
export type HttpFailure = 'unreachable' | 'deadline' | 'too-large' | 'malformed' | 'cancelled';

export interface HttpAnswer {
  status: number;
  /** Names lower-case; of a name that came more than once all values. At most 64 headers and 16 KiB, else `malformed`. */
  headers: Readonly<Record<string, readonly string[]>>;
  body: Uint8Array;
}

/** Requests to cameras; one connection each, no proxy, no redirect followed, nothing kept. */
export interface Http {
  /** Never rejects. */
  request(request: HttpRequest): Promise<HttpAnswer | HttpFailure>;
}
