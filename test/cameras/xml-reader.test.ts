import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { utf8 } from '../../src/bytes/index.ts';
import { readXml, type XmlElement, type XmlReason } from '../../src/cameras/xml-reader.ts';

const read = (text: string) => readXml(utf8(text));
const runs = process.env['SLOW'] ? 20_000 : 1_000;

describe('a small XML document', () => {
  test('becomes elements with their namespaces looked up', () => {
    const text = `<?xml version="1.0"?>
<!-- of a camera -->
<a:x xmlns:a="urn:a" xmlns="urn:b" a:y='1'><z>one<!-- two --> &lt;three&gt;<![CDATA[ <four> & ]]></z><a:z xmlns:a="urn:c" /><z xmlns=""/>
</a:x>\n`;
    assert.deepEqual(read(text), {
      namespace: 'urn:a',
      name: 'x',
      text: '\n',
      children: [
        { namespace: 'urn:b', name: 'z', text: 'one <three> <four> & ', children: [] },
        { namespace: 'urn:c', name: 'z', text: '', children: [] },
        { namespace: '', name: 'z', text: '', children: [] },
      ],
    });
  });

  test('may begin with a byte order mark and have character references', () => {
    assert.deepEqual(read('\ufeff<a>&#65;&#x42;&amp;&quot;&apos;&#x1f600;</a>'), {
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
    ['too many attributes', `<a ${Array.from({ length: 33 }, (_, i) => `b${i}="1"`).join(' ')}/>`, 'limit'],
  ];
  for (const [what, text, reason] of refused) {
    test(`with ${what} is refused`, () => assert.equal(read(text), reason));
  }

  test('may be as deep and as wide as its limits', () => {
    assert.notEqual(typeof read(deep(16)), 'string');
    assert.notEqual(typeof read(`<a>${'<b/>'.repeat(511)}</a>`), 'string');
  });

  test('that is not UTF-8 is refused', () => {
    assert.equal(readXml(Uint8Array.of(0x3c, 0x61, 0x2f, 0x3e, 0xff)), 'encoding');
  });
});

const name = fc.stringMatching(/^[A-Za-z_][\w.-]{0,8}$/);
const text = fc.string({ unit: fc.constantFrom('a', '<', '>', '&', '"', "'", 'é', '\u{1f600}', ' ', ']]>') });
const { element } = fc.letrec<{ element: XmlElement }>((tie) => ({
  element: fc
    .tuple(
      fc.constantFrom('', 'urn:a', 'urn:b&"'),
      name,
      text,
      fc.oneof({ maxDepth: 3 }, fc.constant<XmlElement[]>([]), fc.array(tie('element'), { maxLength: 4 })),
    )
    .map(([namespace, name, text, children]) => ({ namespace, name, text, children })),
}));

function write({ namespace, name, text, children }: XmlElement): string {
  const escaped = (value: string) =>
    value.replace(/[<>&"]/g, (sign) => `&#${sign.charCodeAt(0)};`).replaceAll('a', '<![CDATA[a]]>');
  const attribute = namespace.replace(/[&"]/g, (sign) => `&#x${sign.charCodeAt(0).toString(16)};`);
  const inner = escaped(text) + children.map(write).join('<!-- between -->');
  return `<${name} xmlns="${attribute}">${inner}</${name}>`;
}

test('what is written is read back, and any cut of it is refused', () => {
  fc.assert(
    fc.property(element, fc.nat(), (tree, at) => {
      const written = write(tree);
      assert.deepEqual(read(written), tree);
      const cut = written.slice(0, at % written.length);
      assert.equal(typeof read(cut), 'string', cut);
    }),
    { numRuns: runs },
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
