import { equalBytesConstantTime, fromUtf8, utf8 } from '../bytes/index.ts';

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

  /** The secret of a text. */
  static of(text: string): Secret {
    return new Secret(utf8(text));
  }

  /** The text it was made of. */
  revealText(): string {
    return fromUtf8(this.#bytes) ?? '';
  }

  equals(other: Secret): boolean {
    return equalBytesConstantTime(this.#bytes, other.#bytes);
  }

  toJSON(): string {
    return '(secret)';
  }
}

/**
 * A user name and a password that only shows to who asks for it by name: neither logs, JSON nor an inspection of the object do.
 *
 * Stands wherever plain credentials are expected. As JSON it has a mark in the password's place, which is another for another
 * password, so that configurations can be compared as text.
 */
export class SecretCredentials {
  readonly username: string;
  readonly #password: string;
  readonly #mark: string;

  /** `mark`: tells this password from others to who holds no key, or empty where nothing is compared. */
  constructor(username: string, password: string, mark = '') {
    this.username = username;
    this.#password = password;
    this.#mark = mark;
  }

  get password(): string {
    return this.#password;
  }

  toJSON(): { username: string; password: string } {
    return {
      username: this.username,
      password: this.#password === '' ? '' : `(secret${this.#mark && ` ${this.#mark}`})`,
    };
  }
}
