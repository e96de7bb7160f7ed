/** Text that is markup already, and is not escaped again. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;
/** What stands inside an element: markup as it is, everything else escaped; null and undefined are nothing. */
export type Content = Markup | string | number | boolean | null | undefined | readonly Content[];

const ESCAPES: Readonly<Record<string, string>> = { '<': '&lt;', '>': '&gt;', '&': '&amp;', '"': '&quot;' };

/** An element with content and no attributes. `name` is written as given, prefix and all. */
export function el(name: string, ...content: Content[]): Markup {
  return elWith(name, {}, ...content);
}

/** An element with attributes; one that is undefined is left out. */
export function elWith(name: string, attributes: Attributes, ...content: Content[]): Markup {
  const given = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}="${escapeXml(String(value))}"`)
    .join('');
  const inner = content.map(written).join('');
  return new Markup(inner === '' ? `<${name}${given}/>` : `<${name}${given}>${inner}</${name}>`);
}

/** Character data or the value of an attribute; characters that XML 1.0 does not have become U+FFFD. */
export function escapeXml(text: string): string {
  return (
    text
      .toWellFormed()
      // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is looked for
      .replace(/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, '\ufffd')
      .replace(/[<>&"]/g, (sign) => ESCAPES[sign]!)
      .replace(/[\t\r\n]/g, (sign) => `&#${sign.charCodeAt(0)};`)
  );
}

function written(content: Content): string {
  if (content === null || content === undefined) return '';
  if (content instanceof Markup) return content.text;
  if (typeof content === 'object') return content.map(written).join('');
  return escapeXml(String(content));
}
