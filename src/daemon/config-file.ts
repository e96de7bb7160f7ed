import { type Document, isMap, isNode, isScalar, LineCounter, type Node, parseDocument } from 'yaml';
import { fromUtf8, utf8 } from '../bytes/index.ts';
import { isNvrError } from '../errors.ts';
import type { Files } from '../platform/index.ts';
import { ConfigError } from './errors.ts';

/** Most bytes of `config.yaml`: 256 sources with comments. */
export const CONFIG_BYTES_MAX = 256 * 1024;
/** Deepest nesting that is read; a configuration needs four. */
const DEPTH_MAX = 32;

/** Faults of the notation in our words: those of the parser quote what was written, and that may be a password. */
const NOTATION: Readonly<Record<string, string>> = {
  BAD_ALIAS: 'expected a value; one that begins with * or & wants quotes',
  BAD_DQ_ESCAPE: 'expected an escape YAML knows; in single quotes a backslash is a backslash',
  BAD_INDENT: 'expected the indentation of the lines above, or a closing bracket',
  BAD_SCALAR_START: 'expected a value; one that begins with @, ` or % wants quotes',
  BLOCK_AS_IMPLICIT_KEY: 'expected one value on this line; one with ": " in it wants quotes',
  DUPLICATE_KEY: 'expected each key once',
  MISSING_CHAR: 'expected another sign, such as a closing quote or bracket, a colon or a space',
  MULTILINE_IMPLICIT_KEY: 'expected a key on one line with a colon behind it',
  MULTIPLE_DOCS: 'expected one document, found a line ---',
  TAB_AS_INDENT: 'expected spaces, found a tab',
  TAG_RESOLVE_FAILED: 'expected a value; one that begins with ! wants quotes',
};

/**
 * The text of a configuration, kept with its comments so that it can be changed and written back. YAML 1.2; JSON is YAML.
 * Throws `ERR_DAEMON_CONFIG` (`invalid`) with every fault of the notation.
 */
export class ConfigText {
  /** As it was read. */
  readonly written: string;
  readonly #document: Document;
  readonly #lines: LineCounter;
  readonly #file: string;

  constructor(file: string, text: string) {
    this.#file = file;
    this.written = text;
    this.#lines = new LineCounter();
    if (text.length > CONFIG_BYTES_MAX)
      throw new ConfigError(file, [`expected at most ${CONFIG_BYTES_MAX} characters`]);
    if (nestingOf(text) > DEPTH_MAX) throw new ConfigError(file, [`expected nesting of at most ${DEPTH_MAX} levels`]);
    this.#document = parseDocument(text, {
      lineCounter: this.#lines,
      prettyErrors: false,
      stringKeys: true,
      logLevel: 'error',
    });
    const faults = this.#document.errors.map(
      ({ pos, code }) =>
        `line ${this.#lines.linePos(pos[0]).line}: ${NOTATION[code] ?? 'expected YAML, found a sign that means nothing here'}`,
    );
    if (faults.length > 0) throw new ConfigError(file, [...new Set(faults)].slice(0, 20));
  }

  /** Plain values, an empty object for an empty file. Aliases are refused: nothing of ours needs them. */
  values(): unknown {
    try {
      return this.#document.toJS({ maxAliasCount: 0 }) ?? {};
    } catch {
      throw new ConfigError(this.#file, [
        'expected plain values without aliases (a value that begins with * wants quotes)',
      ]);
    }
  }

  /** The line on which the value of `path` stands, or that of its nearest parent; null where there is none. */
  lineOf(path: readonly PropertyKey[]): number | null {
    for (let length = path.length; length > 0; length--) {
      const node = this.#document.getIn(path.slice(0, length), true) as
        | { range?: [number, number, number] }
        | undefined;
      if (node?.range) return this.#lines.linePos(node.range[0]).line;
    }
    return null;
  }

  /** Sets one value; comments and order of everything else stay, and the comment beside a plain value too. */
  set(path: readonly string[], value: unknown): void {
    for (let length = 1; length < path.length; length++) this.#makeMap(path.slice(0, length));
    const before = this.#document.getIn(path, true);
    const plain = typeof value !== 'object' || value === null;
    if (plain && isScalar(before)) before.value = value;
    else this.#document.setIn(path, this.#document.createNode(value));
  }

  /** The plain value at a path, or undefined. */
  get(path: readonly string[]): unknown {
    const node = this.#document.getIn(path, true);
    return isNode(node) ? node.toJS(this.#document) : undefined;
  }

  /** True where something stands at that path. */
  has(path: readonly string[]): boolean {
    return this.#document.hasIn(path);
  }

  /** Takes one value out, with what was said of it; a map that loses its last value stays, empty. */
  delete(path: readonly string[]): void {
    if (this.has(path)) this.#document.deleteIn(path);
  }

  /** Takes a value out and leaves what was said of it, on lines in its place. */
  retire(path: readonly string[]): void {
    const map = this.#document.getIn(path.slice(0, -1), true);
    if (!isMap(map)) return;
    const index = map.items.findIndex(({ key }) => String(isScalar(key) ? key.value : key) === path.at(-1));
    const pair = map.items[index];
    if (!pair) return;
    const [key, value] = [pair.key, pair.value] as (Partial<Node> | null)[];
    map.items.splice(index, 1);
    const lines = [key?.commentBefore, value?.commentBefore, value?.comment].filter((each) => each).join('\n');
    const next = map.items[index]?.key;
    if (lines === '' || map.flow) return;
    if (isNode(next)) next.commentBefore = next.commentBefore ? `${lines}\n${next.commentBefore}` : lines;
    else map.comment = map.comment ? `${lines}\n${map.comment}` : lines;
  }

  /** Puts a remark behind a plain value, after what stands there; inside braces behind them. Once is enough. */
  remark(path: readonly string[], remark: string): void {
    const map = this.#document.getIn(path.slice(0, -1), true);
    const node = this.#document.getIn(path, true);
    if (isMap(map) && map.flow) this.#append(map, remark);
    else if (isNode(node)) this.#append(node, remark);
  }

  #append(node: Partial<Node>, remark: string): void {
    if (node.comment?.includes(remark)) return;
    node.comment = node.comment ? `${node.comment};${remark}` : remark;
  }

  /** `sources:` with nothing but comments below it holds null, into which nothing can be put: a map takes the comments over. */
  #makeMap(path: readonly string[]): void {
    const before = this.#document.getIn(path, true) as { value?: unknown; comment?: string; commentBefore?: string };
    if (before !== undefined && before?.value !== null) return;
    const map = this.#document.createNode({});
    const comments = [before?.commentBefore, before?.comment].filter((each) => each);
    if (comments.length > 0) map.commentBefore = comments.join('\n');
    this.#document.setIn(path, map);
  }

  toString(): string {
    return this.#document.toString({ lineWidth: 0 });
  }
}

/** Reads the file, or gives null where there is none. `ERR_DAEMON_CONFIG` (`invalid`). */
export async function readConfigText(files: Files, path: string): Promise<ConfigText | null> {
  const text = await readText(files, path);
  return text === null ? null : new ConfigText(path, text);
}

/** Replaces the file at one stroke and keeps what was there, or `backup` in its stead, as `config.yaml.bak`. */
export async function writeConfigText(files: Files, path: string, text: string, backup?: string): Promise<void> {
  const before = backup ?? (await readText(files, path));
  if (before !== null) await files.replace(`${path}.bak`, utf8(before), { mode: 0o600 });
  await files.replace(path, utf8(text), { mode: 0o600 });
}

async function readText(files: Files, path: string): Promise<string | null> {
  try {
    const text = fromUtf8(await files.read(path, CONFIG_BYTES_MAX));
    if (text === null) throw new ConfigError(path, ['expected UTF-8 text']);
    return text;
  } catch (error) {
    if (isNvrError(error, 'missing')) return null;
    if (isNvrError(error, 'invalid') && !(error instanceof ConfigError)) {
      throw new ConfigError(path, [`expected at most ${CONFIG_BYTES_MAX} bytes`]);
    }
    throw error;
  }
}

/** An upper bound of how deep a text nests, by brackets and by indentation: read before a recursive parser sees it. */
function nestingOf(text: string): number {
  let brackets = 0;
  let deepest = 0;
  const indents: number[] = [];
  for (const line of text.split('\n')) {
    const indent = line.search(/[^ ]/);
    if (indent < 0 || line[indent] === '#') continue;
    while (indents.length > 0 && indents.at(-1)! >= indent) indents.pop();
    indents.push(indent);
    // `- - - x` and `? ? x` nest without indentation.
    const dashes = /^(?:[-?:]\s+)*/.exec(line.slice(indent))![0].replace(/\s/g, '').length;
    for (const sign of line) {
      if (sign === '[' || sign === '{') brackets += 1;
      if (sign === ']' || sign === '}') brackets = Math.max(0, brackets - 1);
      deepest = Math.max(deepest, brackets + indents.length + dashes);
    }
  }
  return deepest;
}
