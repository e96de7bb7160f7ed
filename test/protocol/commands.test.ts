import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { z } from 'zod';
import {
  COMMANDS,
  type CommandName,
  checkParams,
  checkResult,
  commandOf,
  commandsReference,
  isLabel,
  methodOf,
  RESULT_BYTES_MAX,
  RIGHTS,
  ROLES,
} from '../../src/protocol/index.ts';

const names = Object.keys(COMMANDS) as CommandName[];
const runs = process.env['SLOW'] ? 20_000 : 2_000;

test('the reference page says what the schemas say', () => {
  const path = resolve(import.meta.dirname, '../../docs/protocol/commands.md');
  if (process.env['UPDATE_DOCS']) writeFileSync(path, commandsReference());
  assert.equal(readFileSync(path, 'utf8'), commandsReference(), 'run this test with UPDATE_DOCS=1');
});

test('every command is found by its own name, with and without version, and by nothing else', () => {
  for (const name of names) {
    assert.equal(COMMANDS[name].name, name);
    assert.equal(commandOf(name), name);
    assert.equal(commandOf(`${name}@1`), name);
    assert.equal(methodOf(name), `${name}@1`);
    for (const wrong of [`${name}@2`, `${name}@01`, `${name}@0`, `${name}@`, `${name}@1.0`, ` ${name}`, `${name}\n`]) {
      assert.equal(commandOf(wrong), null, JSON.stringify(wrong));
    }
  }
  for (const wrong of [
    '',
    'constructor',
    '__proto__',
    'to.string',
    'sources',
    'SOURCES.LIST',
    7,
    null,
    undefined,
    {},
  ]) {
    assert.equal(commandOf(wrong), null, String(wrong));
  }
});

test('a method text of any kind is a command or null', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.anything(), fc.stringMatching(/^[a-z.@0-9]{0,30}$/)), (text) => {
      const name = commandOf(text);
      assert.ok(name === null || text === name || text === `${name}@1`);
    }),
    { numRuns: runs },
  );
});

test('examples satisfy the schemas they stand beside', () => {
  for (const name of names) {
    const { example } = COMMANDS[name];
    assert.ok('params' in checkParams(name, example.params), name);
    assert.deepEqual(checkResult(name, example.result), { result: example.result }, name);
  }
});

test('params of any kind are checked params or a list of broken rules, which never repeats what was sent', () => {
  const marker = 'Zq7Zq7Zq7';
  const value = fc.oneof(fc.anything(), fc.constant(marker), fc.constant([marker]), fc.constant({ [marker]: marker }));
  fc.assert(
    fc.property(fc.constantFrom(...names), value, fc.string(), value, (name, wild, key, other) => {
      const known = Object.keys(COMMANDS[name].example.params)[0] ?? key;
      for (const params of [
        wild,
        { ...COMMANDS[name].example.params, [known]: wild },
        { [key]: wild, [marker]: other },
      ]) {
        const checked = checkParams(name, params);
        if ('params' in checked) continue;
        assert.ok(checked.problems.length > 0 && checked.problems.length < 1_000);
        assert.ok(!checked.problems.includes(marker), checked.problems);
      }
    }),
    { numRuns: runs },
  );
});

test('broken params name the path and the rule', () => {
  const cases: [CommandName, unknown, string][] = [
    ['segments.list', { source: 'front', limt: 3 }, 'params: expected no further field'],
    ['segments.list', {}, 'source: expected string'],
    ['segments.list', { source: '../etc' }, 'source: expected an id of the form [a-z0-9][a-z0-9_-]{0,62}'],
    ['segments.list', { source: 'front', limit: 0 }, 'limit: expected at least 1'],
    ['segments.list', { source: 'front', from: 1.5 }, 'from: expected int'],
    ['segments.list', { source: 'front', from: 2, to: 1 }, 'to: expected a time that is not before from'],
    ['segments.list', { source: 'front', order: 'x' }, 'order: expected one of oldest, newest'],
    [
      'segments.list',
      { source: 'front', from: 9_007_199_254_741 },
      'from: expected at most 9007199254740; to: expected a time that is not before from',
    ],
    ['segments.get', { segment: 'A'.repeat(32) }, 'segment: expected another form'],
    ['segments.get', { segment: 'a'.repeat(32), offset: -1 }, 'offset: expected at least 0'],
    ['devices.rename', { device: 'a'.repeat(64), label: ' x' }, 'label: expected no space at either end'],
    ['devices.rename', { device: 'a'.repeat(64), label: 'a\u202eb' }, 'label: expected another form'],
    ['devices.invite', { role: 'king' }, 'role: expected one of viewer, operator, admin, owner'],
    ['status.get', [], 'params: expected object'],
    ['status.get', null, 'params: expected object'],
  ];
  for (const [name, params, problems] of cases) assert.deepEqual(checkParams(name, params), { problems }, problems);
  assert.deepEqual(checkParams('status.get', undefined), { params: {} });
});

test('defaults are filled in', () => {
  assert.deepEqual(checkParams('segments.list', { source: 'front' }), {
    params: { source: 'front', stream: 'main', from: 0, to: 9_007_199_254_740, order: 'newest', limit: 50 },
  });
  assert.deepEqual(checkParams('devices.invite', {}), { params: { role: 'viewer', expiresMs: 600_000 } });
});

test('the widest possible result of every command fits one message', () => {
  for (const name of names) {
    const schema = z.toJSONSchema(COMMANDS[name].result as z.ZodType) as WideSchema;
    const text = JSON.stringify(widest(schema, name));
    const size = new TextEncoder().encode(text).length;
    assert.ok(size <= RESULT_BYTES_MAX, `${name}: ${size} bytes`);
  }
});

interface WideSchema {
  type?: string | string[];
  properties?: Record<string, WideSchema>;
  items?: WideSchema;
  enum?: string[];
  anyOf?: WideSchema[];
  maxLength?: number;
  maxItems?: number;
  maximum?: number;
  pattern?: string;
}

/** The value of a schema whose JSON is longest; fails where something has no greatest size. */
function widest(schema: WideSchema, path: string): unknown {
  const lengthOf = (value: unknown) => new TextEncoder().encode(JSON.stringify(value)).length;
  const longest = (values: unknown[]) => values.reduce((a, b) => (lengthOf(b) > lengthOf(a) ? b : a));
  if (schema.anyOf) return longest(schema.anyOf.map((each) => widest(each, path)));
  if (schema.enum) return longest(schema.enum);
  if (schema.properties) {
    return Object.fromEntries(
      Object.entries(schema.properties).map(([name, value]) => [name, widest(value, `${path}.${name}`)]),
    );
  }
  const types = [schema.type].flat();
  if (types.includes('array')) {
    assert.ok(schema.maxItems !== undefined && schema.items, `${path} has no greatest length`);
    return Array.from({ length: schema.maxItems }, () => widest(schema.items!, `${path}[]`));
  }
  if (types.includes('string')) {
    assert.ok(schema.maxLength !== undefined, `${path} has no greatest length`);
    assert.ok(schema.pattern !== undefined, `${path} may hold anything`);
    // In JSON a unit takes 6 bytes (controls, which no pattern may allow), 3 (UTF-8), 2 (escaped) or 1.
    const pattern = new RegExp(schema.pattern, 'u');
    const fits = ['\n', '\ud800', '€', '"', 'f', '0'].filter((text) => pattern.test(text.repeat(schema.maxLength!)));
    assert.ok(fits[0] !== undefined && fits[0] > ' ' && fits[0] !== '\ud800', `${path} allows controls, or nothing`);
    return fits[0].repeat(schema.maxLength);
  }
  if (types.includes('integer')) return schema.maximum ?? Number.MAX_SAFE_INTEGER;
  if (types.includes('number')) return -Number.MAX_VALUE;
  return false;
}

test('labels are short, visible and say what they are', () => {
  for (const good of ['Desk', 'Küche', '台所', 'a', 'x'.repeat(64), '👩‍👩‍👧']) assert.ok(isLabel(good), good);
  for (const bad of ['', ' a', 'a ', 'a\nb', 'a\0', 'x'.repeat(65), '\ud800', 'a\u202eb', '\u2028', '\ufeffa']) {
    assert.ok(!isLabel(bad), JSON.stringify(bad));
  }
});

test('a higher role may do at least what a lower one may', () => {
  const weight = { no: 0, own: 1, lower: 2, yes: 3 };
  for (const name of names) {
    const rights = ROLES.map((role) => weight[RIGHTS[name][role]]);
    assert.deepEqual(rights, [...rights].sort(), name);
    assert.equal(RIGHTS[name].owner, 'yes');
  }
});
