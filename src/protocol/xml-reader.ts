import { fromUtf8 } from '../bytes/index.ts';

/** How much of a document is read; what is larger is refused with `limit`. */
export interface XmlLimits {
  /** Elements inside each other; default 16. */
  depth: number;
  /** Elements in all; default 512. */
  elements: number;
  /** Attributes of one element, declarations of namespaces included; default 128, for some cameras declare all they know. */
  attributes: number;
}

// Our choices; an answer to a probe needs a tenth of them.
const LIMITS: XmlLimits = { depth: 16, elements: 512, attributes: 128 };
/** Prefixes known at one place. */
const PREFIXES_MAX = 256;

/** An element with its namespace looked up; comments and instructions are not kept. */
export interface XmlElement {
  /** Namespace name, empty where there is none. */
  namespace: string;
  /** Local name. */
  name: string;
  /**
   * Values by name, entities replaced: `token`, or `{namespace}name` of one with a prefix. Declarations of namespaces are not among
   * them, nor are attributes whose prefix nobody declared.
   */
  attributes: ReadonlyMap<string, string>;
  /** Namespaces by prefix as they are known inside, for text that holds qualified names; `` is the default one. */
  prefixes: ReadonlyMap<string, string>;
  /** Its own character data, entities replaced, without that of its children. */
  text: string;
  children: XmlElement[];
}

/** Why octets are no document that is read here. */
export type XmlReason = 'encoding' | 'markup' | 'declaration' | 'entity' | 'namespace' | 'limit';

interface Open {
  element: XmlElement;
  /** As written, to be met again at its end. */
  written: string;
  /** Pieces of character data, joined once. */
  pieces: string[];
}

const NAME = /[A-Za-z_][\w.-]*(?::[A-Za-z_][\w.-]*)?/y;
const ATTRIBUTE = /[ \t\r\n]+([A-Za-z_][\w.-]*(?::[A-Za-z_][\w.-]*)?)[ \t\r\n]*=[ \t\r\n]*(?:"([^"<]*)"|'([^'<]*)')/y;
const TAG_END = /[ \t\r\n]*(\/?)>/y;
const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };
const XML_PREFIXES: ReadonlyMap<string, string> = new Map([['xml', 'http://www.w3.org/XML/1998/namespace']]);

/**
 * Reads a small XML 1.0 document with namespaces: UTF-8, ASCII names, no document type declaration and so no entities but the
 * five of XML itself and character references. Total: the root element, or the reason why the octets are refused. One pass;
 * depth, elements and attributes are bounded by `limits`, of which those left out are the defaults.
 */
export function readXml(bytes: Uint8Array, limits: Partial<XmlLimits> = {}): XmlElement | XmlReason {
  const most = { ...LIMITS, ...limits };
  const text = fromUtf8(bytes);
  if (text === null) return 'encoding';
  const open: Open[] = [];
  let root: XmlElement | null = null;
  let elements = 0;
  let at = text.startsWith('\ufeff') ? 1 : 0;

  while (at < text.length) {
    if (text[at] !== '<') {
      const end = text.indexOf('<', at);
      const data = replaceEntities(end < 0 ? text.slice(at) : text.slice(at, end));
      if (data === null) return 'entity';
      const inside = open.at(-1);
      if (inside) inside.pieces.push(data);
      else if (data.trim() !== '') return 'markup';
      if (end < 0) break;
      at = end;
    } else if (text.startsWith('<!--', at)) {
      const end = text.indexOf('-->', at + 4);
      if (end < 0) return 'markup';
      at = end + 3;
    } else if (text.startsWith('<![CDATA[', at)) {
      const end = text.indexOf(']]>', at + 9);
      const inside = open.at(-1);
      if (end < 0 || !inside) return 'markup';
      inside.pieces.push(text.slice(at + 9, end));
      at = end + 3;
    } else if (text.startsWith('<?', at)) {
      const end = text.indexOf('?>', at + 2);
      if (end < 0) return 'markup';
      at = end + 2;
    } else if (text.startsWith('<!', at)) {
      return 'declaration';
    } else if (text.startsWith('</', at)) {
      const inside = open.pop();
      const written = match(NAME, text, at + 2)?.[0];
      if (!inside || written !== inside.written) return 'markup';
      const end = match(TAG_END, text, at + 2 + written.length);
      if (!end || end[1] === '/') return 'markup';
      inside.element.text = inside.pieces.join('');
      at += 2 + written.length + end[0].length;
    } else {
      if (root && open.length === 0) return 'markup';
      if (++elements > most.elements || open.length === most.depth) return 'limit';
      const tag = startTag(text, at, open.at(-1)?.element.prefixes ?? XML_PREFIXES, most.attributes);
      if (typeof tag === 'string') return tag;
      const { element, written } = tag;
      open.at(-1)?.element.children.push(element);
      root ??= element;
      if (!tag.closed) open.push({ element, written, pieces: [] });
      at = tag.end;
    }
  }
  return root && open.length === 0 ? root : 'markup';
}

/** The children of that name, in order. */
export function childrenOf(element: XmlElement, namespaces: readonly string[], name: string): XmlElement[] {
  return element.children.filter((each) => each.name === name && namespaces.includes(each.namespace));
}

function startTag(text: string, at: number, outer: ReadonlyMap<string, string>, attributesMax: number) {
  const written = match(NAME, text, at + 1)?.[0];
  if (written === undefined) return 'markup';
  let end = at + 1 + written.length;
  const given = new Map<string, string>();
  const declared: [prefix: string, namespace: string][] = [];
  for (let found = match(ATTRIBUTE, text, end); found; found = match(ATTRIBUTE, text, end)) {
    end += found[0].length;
    const name = found[1]!;
    if (given.size === attributesMax) return 'limit';
    if (given.has(name)) return 'markup';
    const value = replaceEntities((found[2] ?? found[3]!).replace(/[\t\r\n]/g, ' '));
    if (value === null) return 'entity';
    given.set(name, value);
    if (name === 'xmlns') declared.push(['', value]);
    else if (name.startsWith('xmlns:')) declared.push([name.slice(6), value]);
  }
  const close = match(TAG_END, text, end);
  if (!close) return 'markup';
  const prefixes = declared.length === 0 ? outer : new Map([...outer, ...declared]);
  if (prefixes.size > PREFIXES_MAX) return 'limit';
  const attributes = attributesOf(given, prefixes);
  if (!attributes) return 'markup';
  const [prefix, name] = split(written);
  const namespace = prefixes.get(prefix);
  if (namespace === undefined && prefix !== '') return 'namespace';
  const element: XmlElement = { namespace: namespace ?? '', name, attributes, prefixes, text: '', children: [] };
  return { element, written, closed: close[1] === '/', end: end + close[0].length };
}

const NO_ATTRIBUTES: ReadonlyMap<string, string> = new Map();

/** What was given without the declarations, by full name; null where two prefixes make the same name. */
function attributesOf(given: ReadonlyMap<string, string>, prefixes: ReadonlyMap<string, string>) {
  if (given.size === 0) return NO_ATTRIBUTES;
  const attributes = new Map<string, string>();
  for (const [written, value] of given) {
    const [prefix, local] = split(written);
    if (written === 'xmlns' || prefix === 'xmlns') continue;
    const namespace = prefixes.get(prefix);
    // A name without prefix has no namespace, whatever the default is.
    const name = prefix === '' ? local : namespace === undefined ? null : `{${namespace}}${local}`;
    if (name === null) continue;
    if (attributes.has(name)) return null;
    attributes.set(name, value);
  }
  return attributes;
}

function split(written: string): [prefix: string, local: string] {
  const colon = written.indexOf(':');
  return colon < 0 ? ['', written] : [written.slice(0, colon), written.slice(colon + 1)];
}

/** Character data with its references replaced; null where one is none of ours. */
function replaceEntities(text: string): string | null {
  if (!text.includes('&')) return text;
  let known = true;
  const replaced = text.replace(/&([^;&]{0,10})(;?)/g, (_, name: string, end: string) => {
    const sign = end === ';' ? (ENTITIES[name] ?? characterOf(name)) : null;
    if (sign === null) known = false;
    return sign ?? '';
  });
  return known ? replaced : null;
}

function characterOf(name: string): string | null {
  const digits = /^#(?:([0-9]{1,7})|x([0-9a-fA-F]{1,6}))$/.exec(name);
  if (!digits) return null;
  const code = digits[1] === undefined ? Number.parseInt(digits[2]!, 16) : Number(digits[1]);
  const isCharacter = code === 9 || code === 10 || code === 13 || (code >= 0x20 && code < 0xd800) || code >= 0xe000;
  return isCharacter && code <= 0x10ffff ? String.fromCodePoint(code) : null;
}

function match(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}
