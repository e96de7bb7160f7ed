import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { z } from 'zod';
import { utf8 } from '../../src/bytes/index.ts';
import { ConfigText } from '../../src/daemon/config-file.ts';
import { configShape } from '../../src/daemon/config-schema.ts';
import { checkConfig } from '../../src/daemon/index.ts';
import { SimulatedFiles } from '../../src/platform/index.ts';

const root = resolve(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'docs/configuration.md'), 'utf8');
const example = readFileSync(join(root, 'docs/config.example.yaml'), 'utf8');

/** Every key anywhere in a schema, as JSON Schema tells it. */
function keysOf(schema: unknown, into = new Set<string>()): Set<string> {
  if (Array.isArray(schema)) for (const each of schema) keysOf(each, into);
  else if (typeof schema === 'object' && schema !== null) {
    for (const [name, inner] of Object.entries(schema)) {
      if (name === 'properties') for (const key of Object.keys(inner as object)) into.add(key);
      if (name !== 'default') keysOf(inner, into);
    }
  }
  return into;
}

/** The example with its commented sections `swarm` and `v1`, and `enrol`, switched on. */
function uncommented(): string {
  const blocks = example.split('\n\n').map((block) => {
    const at = block.search(/^# (?:swarm|v1):$/m);
    if (at >= 0) return block.slice(at).replace(/^# /gm, '');
    return block.replace(/^ {2}# ( *(?:enrol|label|code|owner|host_gateway):.*)$/gm, '  $1');
  });
  return blocks.join('\n\n');
}

test('every key of the schema stands in the page and in the example', () => {
  const keys = keysOf(z.toJSONSchema(configShape, { io: 'input', unrepresentable: 'any' }));
  for (const some of ['listen', 'swarm', 'disclose', 'code_hash', 'allow_from', 'password_file', 'reserve'])
    assert.ok(keys.has(some), `the test reads the schema: ${some}`);
  for (const key of keys) {
    assert.match(page, new RegExp(`\`(?:[a-z_]+\\.)*${key}[.\`]`), `docs/configuration.md has no \`${key}\``);
    assert.match(example, new RegExp(`(?:^|[\\s{,])${key}:`, 'm'), `docs/config.example.yaml has no ${key}`);
  }
});

test('the example holds also with all its sections switched on', async () => {
  const files = new SimulatedFiles();
  await files.makeFolder('/data/secrets');
  await files.replace('/data/secrets/v1-identity-secret', utf8(`${'ab'.repeat(32)}\n`));
  await files.replace('/data/secrets/v1-server-secret', utf8(`${'cd'.repeat(32)}\n`));
  const { swarm, v1, identity } = await checkConfig(files, '/data', new ConfigText('config.yaml', uncommented()));
  assert.deepEqual(
    swarm?.peers.map(({ kind, port }) => [kind, port]),
    [
      ['node', 4050],
      ['peer', 4050],
      ['gateway', 4040],
    ],
  );
  assert.equal(swarm.listen.length, 2);
  assert.equal(identity.enrol?.label, 'Family');
  assert.ok(v1 !== null && v1.devices !== 'any' && v1.devices[0]?.role === 'viewer');
});
