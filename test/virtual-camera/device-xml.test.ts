import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { utf8 } from '../../src/bytes/index.ts';
import { readXml } from '../../src/protocol/index.ts';
import { SoapFault, writeEnvelope } from '../../src/virtual-camera/device/soap.ts';
import { el, elWith } from '../../src/virtual-camera/device/xml-writer.ts';
import { all } from './fake-device.ts';

test('whatever text is written is read back, and stays text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }), (value, text) => {
      const read = readXml(utf8(elWith('a', { b: value }, el('c', text)).text));
      assert.ok(typeof read !== 'string', String(read));
      // Characters that XML does not have are the only ones that change.
      const isXml = (code: number) =>
        (code >= 0x20 || [9, 10, 13].includes(code)) && code !== 0xfffe && code !== 0xffff;
      const kept = (given: string) =>
        [...given.toWellFormed()].map((each) => (isXml(each.codePointAt(0)!) ? each : '\ufffd')).join('');
      assert.equal(read.attributes.get('b'), kept(value));
      assert.equal(read.children[0]!.text, kept(text));
      assert.equal(read.children[0]!.children.length, 0);
    }),
    { numRuns: process.env['SLOW'] ? 20_000 : 1_000 },
  );
});

test('an answer says which question it answers, and a fault nests its codes', () => {
  const question = { namespace: '', name: '', element: null as never, header: null, messageId: 'urn:uuid:<1>' };
  const fault = new SoapFault('Sender', ['ter:InvalidArgVal', 'ter:NoProfile'], 'no "such" profile');
  const read = readXml(writeEnvelope(fault, question));
  assert.ok(typeof read !== 'string', String(read));
  assert.equal(all(read, 'RelatesTo')[0]!.text, 'urn:uuid:<1>');
  const code = all(read, 'Code')[0]!;
  assert.deepEqual(
    all(code, 'Value').map((each) => each.text),
    ['s:Sender', 'ter:InvalidArgVal', 'ter:NoProfile'],
  );
  assert.equal(all(code, 'Subcode').length, 2);
  assert.equal(all(read, 'Text')[0]!.text, 'no "such" profile');
});
