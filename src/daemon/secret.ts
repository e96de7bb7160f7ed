/** Bytes that no log, no JSON and no error text shows. */
export class Secret {
  readonly #bytes: Uint8Array<ArrayBuffer>;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes.slice() as Uint8Array<ArrayBuffer>;
  }

  /** A copy. */
  reveal(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice();
  }

  toJSON(): string {
    return '(secret)';
  }
}
