import { fromUtf8 } from '../bytes/index.ts';

// Our choices; an answer to a probe needs a tenth of them.
const DEPTH_MAX = 16;
const ELEMENTS_MAX = 512;
const ATTRIBUTES_MAX = 32;

/** An element with its namespace looked up; comments, instructions and attributes other than namespaces are not kept. */
export interface XmlElement {
  /** Namespace name, empty where there is none. */
  namespace: string;
  /** Local name. */
  name: string;
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
  prefixes: ReadonlyMap<string, string>;
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
 * depth, elements and attributes are bounded.
 */
export function readXml(bytes: Uint8Array): XmlElement | XmlReason {
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
      if (++elements > ELEMENTS_MAX || open.length === DEPTH_MAX) return 'limit';
      const tag = startTag(text, at, open.at(-1)?.prefixes ?? XML_PREFIXES);
      if (typeof tag === 'string') return tag;
      const { element, written, prefixes } = tag;
      open.at(-1)?.element.children.push(element);
      root ??= element;
      if (!tag.closed) open.push({ element, written, prefixes, pieces: [] });
      at = tag.end;
    }
  }
  return root && open.length === 0 ? root : 'markup';
}

/** The children of that name, in order. */
export function childrenOf(element: XmlElement, namespaces: readonly string[], name: string): XmlElement[] {
  return element.children.filter((each) => each.name === name && namespaces.includes(each.namespace));
}

function startTag(text: string, at: number, outer: ReadonlyMap<string, string>) {
  const written = match(NAME, text, at + 1)?.[0];
  if (written === undefined) return 'markup';
  let end = at + 1 + written.length;
  const names = new Set<string>();
  let prefixes: ReadonlyMap<string, string> = outer;
  for (let found = match(ATTRIBUTE, text, end); found; found = match(ATTRIBUTE, text, end)) {
    end += found[0].length;
    const name = found[1]!;
    if (names.size === ATTRIBUTES_MAX) return 'limit';
    if (names.has(name)) return 'markup';
    names.add(name);
    const value = replaceEntities(found[2] ?? found[3]!);
    if (value === null) return 'entity';
    if (name === 'xmlns') prefixes = new Map([...prefixes, ['', value]]);
    else if (name.startsWith('xmlns:')) prefixes = new Map([...prefixes, [name.slice(6), value]]);
    if (prefixes.size > ATTRIBUTES_MAX * 2) return 'limit';
  }
  const close = match(TAG_END, text, end);
  if (!close) return 'markup';
  const colon = written.indexOf(':');
  const namespace = prefixes.get(colon < 0 ? '' : written.slice(0, colon));
  if (namespace === undefined && colon >= 0) return 'namespace';
  const element: XmlElement = { namespace: namespace ?? '', name: written.slice(colon + 1), text: '', children: [] };
  return { element, written, prefixes, closed: close[1] === '/', end: end + close[0].length };
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
