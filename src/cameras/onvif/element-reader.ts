import { isLabel, LABEL_LENGTH_MAX, type XmlElement } from '../../protocol/index.ts';

// Elements are looked up by local name alone: makes differ in the namespaces they put parts of their answers into, and what an answer
// is about was settled before, by the service that was asked.

/** All children called `name`. */
export function all(element: XmlElement | undefined, name: string): XmlElement[] {
  return element?.children.filter((each) => each.name === name) ?? [];
}

/** What a path of names leads to, first children only. */
export function first(element: XmlElement | undefined, ...path: readonly string[]): XmlElement | undefined {
  let at = element;
  for (const name of path) at = at?.children.find((each) => each.name === name);
  return at;
}

/** Text at a path, trimmed; empty where there is none. */
export function textAt(element: XmlElement | undefined, ...path: readonly string[]): string {
  return first(element, ...path)?.text.trim() ?? '';
}

/** A number as XML Schema writes it, or null. */
export function numberOf(text: string | undefined): number | null {
  const trimmed = text?.trim() ?? '';
  if (!/^[+-]?(?:\d{1,15}(?:\.\d{0,15})?|\.\d{1,15})(?:[eE][+-]?\d{1,2})?$/.test(trimmed)) return null;
  const number = Number(trimmed);
  return Number.isFinite(number) ? number : null;
}

/** `true` or `1`, `false` or `0`; null for anything else. */
export function booleanOf(text: string | undefined): boolean | null {
  const word = text?.trim().toLowerCase();
  return word === 'true' || word === '1' ? true : word === 'false' || word === '0' ? false : null;
}

/** What may be shown to people, or null; longer texts are cut. */
export function labelOf(text: string | undefined): string | null {
  const trimmed = text?.trim() ?? '';
  // Not in the middle of a character of two units.
  const cut = trimmed
    .slice(0, LABEL_LENGTH_MAX)
    .replace(/[\ud800-\udbff]$/, '')
    .trim();
  return isLabel(cut) ? cut : null;
}

/** Reference tokens of ONVIF have at most 64 characters; some cameras take more. Null for what nobody would call a thing. */
export function tokenOf(text: string | undefined): string | null {
  return text !== undefined && /^[^\p{Cc}\p{Cs}]{1,128}$/u.test(text) ? text : null;
}
