import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { utf8 } from '../../src/bytes/index.ts';
import { readXml, type XmlElement, type XmlReason } from '../../src/protocol/xml-reader.ts';

const read = (text: string) => readXml(utf8(text));

/** What is compared of an element. */
interface Plain {
  namespace: string;
  name: string;
  attributes?: Record<string, string>;
  text: string;
  children: Plain[];
}

function plain(read: XmlElement | XmlReason): Plain | XmlReason {
  if (typeof read === 'string') return read;
  const { namespace, name, text } = read;
  const attributes = read.attributes.size === 0 ? {} : { attributes: Object.fromEntries(read.attributes) };
  return { namespace, name, ...attributes, text, children: read.children.map((each) => plain(each) as Plain) };
}
const runs = process.env['SLOW'] ? 20_000 : 1_000;

describe('a small XML document', () => {
  test('becomes elements with their namespaces looked up', () => {
    const text = `<?xml version="1.0"?>
<!-- of a camera -->
<a:x xmlns:a="urn:a" xmlns="urn:b" a:y='1'><z>one<!-- two --> &lt;three&gt;<![CDATA[ <four> & ]]></z><a:z xmlns:a="urn:c" /><z xmlns=""/>
</a:x>\n`;
    assert.deepEqual(plain(read(text)), {
      namespace: 'urn:a',
      name: 'x',
      attributes: { '{urn:a}y': '1' },
      text: '\n',
      children: [
        { namespace: 'urn:b', name: 'z', text: 'one <three> <four> & ', children: [] },
        { namespace: 'urn:c', name: 'z', text: '', children: [] },
        { namespace: '', name: 'z', text: '', children: [] },
      ],
    });
  });

  test('may begin with a byte order mark and have character references', () => {
    assert.deepEqual(plain(read('\ufeff<a>&#65;&#x42;&amp;&quot;&apos;&#x1f600;</a>')), {
      namespace: '',
      name: 'a',
      text: 'AB&"\'\u{1f600}',
      children: [],
    });
  });

  const deep = (depth: number) => `${'<a>'.repeat(depth)}${'</a>'.repeat(depth)}`;
  const refused: [string, string, XmlReason][] = [
    ['nothing', '', 'markup'],
    ['text alone', 'hello', 'markup'],
    ['an element that does not end', '<a>', 'markup'],
    ['an end without a beginning', '</a>', 'markup'],
    ['ends in the wrong order', '<a><b></a></b>', 'markup'],
    ['another end', '<a></b>', 'markup'],
    ['an end that closes itself', '<a></a/>', 'markup'],
    ['two roots', '<a/><b/>', 'markup'],
    ['text behind the root', '<a/>x', 'markup'],
    ['a cut tag', '<a b="1"', 'markup'],
    ['an attribute without quotes', '<a b=1/>', 'markup'],
    ['attributes without space', '<a b="1"c="2"/>', 'markup'],
    ['an attribute twice', '<a b="1" b="2"/>', 'markup'],
    ['a cut comment', '<a><!-- </a>', 'markup'],
    ['a cut section', '<a><![CDATA[ </a>', 'markup'],
    ['a section outside', '<![CDATA[x]]><a/>', 'markup'],
    ['a cut instruction', '<?xml <a/>', 'markup'],
    ['a document type', '<!DOCTYPE a><a/>', 'declaration'],
    ['an entity of its own', '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', 'declaration'],
    ['a declaration inside', '<a><!ENTITY b "c"></a>', 'declaration'],
    ['an unknown entity', '<a>&nbsp;</a>', 'entity'],
    ['an entity in an attribute', '<a b="&c;"/>', 'entity'],
    ['a bare ampersand', '<a>this & that</a>', 'entity'],
    ['a reference to nothing', '<a>&#0;</a>', 'entity'],
    ['a reference to half a character', '<a>&#xd800;</a>', 'entity'],
    ['a reference beyond all characters', '<a>&#x110000;</a>', 'entity'],
    ['an unknown prefix', '<b:a/>', 'namespace'],
    ['too deep', deep(17), 'limit'],
    ['too many elements', `<a>${'<b/>'.repeat(512)}</a>`, 'limit'],
    ['an attribute twice by two prefixes', '<a xmlns:b="urn:x" xmlns:c="urn:x" b:d="1" c:d="2"/>', 'markup'],
    ['too many attributes', `<a ${Array.from({ length: 129 }, (_, i) => `b${i}="1"`).join(' ')}/>`, 'limit'],
  ];
  for (const [what, text, reason] of refused) {
    test(`with ${what} is refused`, () => assert.equal(read(text), reason));
  }

  test('may be as deep and as wide as its limits', () => {
    assert.notEqual(typeof read(deep(16)), 'string');
    assert.notEqual(typeof read(`<a>${'<b/>'.repeat(511)}</a>`), 'string');
    const wide = utf8(`<a>${'<b/>'.repeat(4_095)}</a>`);
    assert.notEqual(typeof readXml(wide, { elements: 4_096 }), 'string');
    assert.equal(readXml(wide, { elements: 4_095 }), 'limit');
    assert.equal(readXml(utf8(deep(4)), { depth: 3 }), 'limit');
    assert.equal(readXml(utf8('<a b="1" c="2"/>'), { attributes: 1 }), 'limit');
  });

  test('may have more than a hundred namespaces, as some cameras declare, but not without end', () => {
    const many = (from: number) => Array.from({ length: 120 }, (_, i) => `xmlns:n${from + i}="u:${i}"`).join(' ');
    assert.notEqual(typeof read(`<n7:a ${many(0)}/>`), 'string');
    assert.equal(read(`<a ${many(0)}><b ${many(200)}><c ${many(400)}/></b></a>`), 'limit');
  });

  test('keeps attributes by their full names, and the prefixes that its text may use', () => {
    const found = read(
      '<a xmlns:p="urn:p" xmlns="urn:d" t="x&#9;&amp;\ty" p:t="1" q:u="2"><b xmlns:p="urn:q">p:c</b></a>',
    );
    assert.ok(typeof found !== 'string');
    assert.deepEqual(
      [...found.attributes],
      [
        ['t', 'x\t& y'],
        ['{urn:p}t', '1'],
      ],
    );
    assert.equal(found.prefixes.get('p'), 'urn:p');
    assert.equal(found.children[0]!.prefixes.get('p'), 'urn:q');
    assert.equal(found.children[0]!.prefixes.get(''), 'urn:d');
    assert.equal(found.children[0]!.attributes.size, 0);
  });

  test('that is not UTF-8 is refused', () => {
    assert.equal(readXml(Uint8Array.of(0x3c, 0x61, 0x2f, 0x3e, 0xff)), 'encoding');
  });
});

const name = fc.stringMatching(/^[A-Za-z_][\w.-]{0,8}$/);
const text = fc.string({ unit: fc.constantFrom('a', '<', '>', '&', '"', "'", 'é', '\u{1f600}', ' ', ']]>') });
const attributes = fc.uniqueArray(fc.tuple(name, text), { selector: ([name]) => name, maxLength: 3 });
const { element } = fc.letrec<{ element: Plain }>((tie) => ({
  element: fc
    .tuple(
      fc.constantFrom('', 'urn:a', 'urn:b&"'),
      name.filter((name) => name !== 'xmlns'),
      attributes.map((all) => all.filter(([name]) => name !== 'xmlns')),
      text,
      fc.oneof({ maxDepth: 3 }, fc.constant<Plain[]>([]), fc.array(tie('element'), { maxLength: 4 })),
    )
    .map(([namespace, name, attributes, text, children]) => ({
      namespace,
      name,
      ...(attributes.length === 0 ? {} : { attributes: Object.fromEntries(attributes) }),
      text,
      children,
    })),
}));

function write({ namespace, name, attributes, text, children }: Plain): string {
  const escaped = (value: string) =>
    value.replace(/[<>&"]/g, (sign) => `&#${sign.charCodeAt(0)};`).replaceAll('a', '<![CDATA[a]]>');
  const quoted = (value: string) => value.replace(/[<>&"]/g, (sign) => `&#x${sign.charCodeAt(0).toString(16)};`);
  const given = Object.entries(attributes ?? {}).map(([name, value]) => ` ${name}="${quoted(value)}"`);
  const inner = escaped(text) + children.map(write).join('<!-- between -->');
  return `<${name} xmlns="${quoted(namespace)}"${given.join('')}>${inner}</${name}>`;
}

test('what is written is read back, and any cut of it is refused', () => {
  fc.assert(
    fc.property(element, fc.nat(), (tree, at) => {
      const written = write(tree);
      assert.deepEqual(plain(read(written)), tree);
      const cut = written.slice(0, at % written.length);
      assert.equal(typeof read(cut), 'string', cut);
    }),
    { numRuns: runs },
  );
});

test('octets changed anywhere give a document or a reason', () => {
  const good = `<?xml version="1.0"?><s:E xmlns:s="urn:s" s:a="1" b='&lt;2'><c>text &amp; <![CDATA[more]]></c><!-- x --><d/></s:E>`;
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }), (changes) => {
      const bytes = utf8(good);
      for (const [at, value] of changes) bytes[at % bytes.length] = value;
      const found = readXml(bytes);
      if (typeof found === 'string') return;
      assert.ok(found.children.length <= 8);
    }),
    { numRuns: runs * 3 },
  );
});

test('hostile texts take time that grows with their length and no more', () => {
  const hostile = [
    '<a>'.repeat(20_000),
    `<a ${'b '.repeat(30_000)}>`,
    `<a b="${'<'.repeat(30_000)}`,
    `<a>${'&'.repeat(60_000)}</a>`,
    `<a>${'&lt;'.repeat(15_000)}</a>`,
    `<${'a'.repeat(60_000)}:`,
    `<a${' '.repeat(60_000)}`,
    `<a>${'<!-- -->'.repeat(8_000)}</a>`,
    `<a>${']]'.repeat(30_000)}</a>`,
    '<'.repeat(60_000),
    `<a ${Array.from({ length: 60 }, (_, i) => `xmlns:n${i}="u"`).join(' ')}>${'<b xmlns="c">'.repeat(4_000)}`,
  ];
  const began = performance.now();
  for (const text of hostile) read(text);
  assert.ok(performance.now() - began < 1_500);
});
