/** A JSON value as the first version's programs read it: objects are maps, so that no name is special. */
export type Json = null | boolean | number | string | Json[] | JsonObject;
export type JsonObject = ReadonlyMap<string, Json>;

/** Deeper nesting than any message needs is refused before it can fill a stack. */
const DEPTH_MAX = 16;
const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y;
const WORDS = [
  ['null', null],
  ['true', true],
  ['false', false],
] as const;

/** The object a text holds, or null where it is anything else, names a field twice, or is not JSON. Total; linear in its length. */
export function readObject(text: string): JsonObject | null {
  const reader = new Reader(text);
  try {
    const value = reader.document();
    return value instanceof Map ? value : null;
  } catch (error) {
    if (error instanceof NotJson) return null;
    throw error;
  }
}

/** The text of a field, or null where it is missing or no text. */
export function textOf(object: JsonObject, name: string): string | null {
  const value = object.get(name);
  return typeof value === 'string' ? value : null;
}

/** The whole number of a field, 0 to `most`, or null where it is missing or anything else (`1.0` and `1e3` are not whole here). */
export function countOf(object: JsonObject, name: string, most: number = Number.MAX_SAFE_INTEGER): number | null {
  const value = object.get(name);
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= most ? value : null;
}

/** Compact JSON with the fields of every object in code point order. Fields that are undefined are left out. */
export function writeSorted(value: unknown): string {
  return JSON.stringify(value, (_name, inner: unknown) => {
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner;
    // Every field name we write is ASCII, where code units and code points sort alike.
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

class NotJson extends Error {}

/**
 * JSON.parse would take `{"a":1,"a":2}`, and `1.0` where a whole number is asked for; the first version's programs refuse both.
 * Numbers that are not written as whole ones, or do not fit exactly, come out as NaN.
 */
class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): Json {
    const value = this.#value(0);
    this.#space();
    if (this.#at !== this.#text.length) throw new NotJson();
    return value;
  }

  #value(depth: number): Json {
    if (depth > DEPTH_MAX) throw new NotJson();
    this.#space();
    const sign = this.#text[this.#at];
    if (sign === '{') return this.#object(depth);
    if (sign === '[') return this.#array(depth);
    if (sign === '"') return this.#string();
    for (const [word, value] of WORDS) {
      if (!this.#text.startsWith(word, this.#at)) continue;
      this.#at += word.length;
      return value;
    }
    return this.#number();
  }

  #object(depth: number): JsonObject {
    const found = new Map<string, Json>();
    this.#at++;
    if (this.#took('}')) return found;
    do {
      this.#space();
      const name = this.#string();
      if (found.has(name) || !this.#took(':')) throw new NotJson();
      found.set(name, this.#value(depth + 1));
    } while (this.#took(','));
    if (!this.#took('}')) throw new NotJson();
    return found;
  }

  #array(depth: number): Json[] {
    const found: Json[] = [];
    this.#at++;
    if (this.#took(']')) return found;
    do found.push(this.#value(depth + 1));
    while (this.#took(','));
    if (!this.#took(']')) throw new NotJson();
    return found;
  }

  #string(): string {
    const text = this.#text;
    const start = this.#at;
    if (text[start] !== '"') throw new NotJson();
    let escaped = false;
    for (let at = start + 1; at < text.length; at++) {
      const unit = text.charCodeAt(at);
      if (unit < 0x20) throw new NotJson();
      if (unit === 0x5c) {
        escaped = true;
        at++;
      } else if (unit === 0x22) {
        this.#at = at + 1;
        return escaped ? unescaped(text.slice(start, at + 1)) : wellFormed(text.slice(start + 1, at));
      }
    }
    throw new NotJson();
  }

  #number(): number {
    NUMBER.lastIndex = this.#at;
    const match = NUMBER.exec(this.#text);
    if (!match) throw new NotJson();
    this.#at += match[0].length;
    const value = Number(match[0]);
    const whole = match[1] === undefined && match[2] === undefined && Number.isSafeInteger(value);
    return whole ? value : Number.NaN;
  }

  /** Steps over white space and over `sign` where it stands there. */
  #took(sign: string): boolean {
    this.#space();
    if (this.#text[this.#at] !== sign) return false;
    this.#at++;
    return true;
  }

  #space(): void {
    for (;;) {
      const unit = this.#text.charCodeAt(this.#at);
      if (unit !== 0x20 && unit !== 0x0a && unit !== 0x0d && unit !== 0x09) return;
      this.#at++;
    }
  }
}

function unescaped(quoted: string): string {
  try {
    return wellFormed(JSON.parse(quoted) as string);
  } catch {
    throw new NotJson();
  }
}

function wellFormed(text: string): string {
  if (!text.isWellFormed()) throw new NotJson();
  return text;
}
