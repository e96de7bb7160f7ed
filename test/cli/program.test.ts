import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, test } from 'node:test';
import type { Command } from 'commander';
import { utf8 } from '../../src/bytes/index.ts';
import { adviceFor } from '../../src/cli/advice.ts';
import { EXIT_CODES } from '../../src/cli/exit-codes.ts';
import { buildProgram, runCommandLine } from '../../src/cli/program.ts';
import { ERROR_KINDS, NvrError } from '../../src/errors.ts';
import { createIdentity } from '../../src/identity/index.ts';
import { silentLog } from '../../src/platform/index.ts';
import { parseInvitation } from '../../src/protocol/index.ts';
import { fakeWorld } from './fake-world.ts';

const docs = readFileSync(resolve(import.meta.dirname, '../../docs/cli.md'), 'utf8');

describe('the page of the command line', () => {
  test('has the exit code of every kind', () => {
    const rows = [...docs.matchAll(/^\| (\d+) \| ([a-z]+) \|/gm)].map(([, code, kind]) => [kind!, Number(code)]);
    const expected = ERROR_KINDS.map((kind) => [kind, EXIT_CODES[kind]] as const);
    assert.deepEqual(Object.fromEntries(rows.filter(([kind]) => kind !== 'ok')), Object.fromEntries(expected));
    assert.equal(new Set(Object.values(EXIT_CODES)).size, ERROR_KINDS.length, 'codes differ by kind');
    assert.ok(!Object.values(EXIT_CODES).includes(0));
  });

  test('has every command and every option', () => {
    const walk = (command: Command, path: string) => {
      const name = path ? `${path} ${command.name()}` : '';
      if (command.commands.length === 0) {
        assert.ok(docs.includes(`\`${name}`), `docs/cli.md does not know ${name}`);
        for (const option of command.options) {
          assert.ok(docs.includes(option.long!), `docs/cli.md does not know ${option.long} of ${name}`);
        }
      }
      for (const inner of command.commands) walk(inner, name || 'constitute-nvr');
    };
    walk(buildProgram(fakeWorld().world), '');
  });
});

describe('errors', () => {
  test('say what happened in one line and what to do next in another', async () => {
    const { world, terminal } = fakeWorld();
    assert.equal(await runCommandLine(world, ['client', 'status']), EXIT_CODES.missing);
    assert.match(
      terminal.stderr,
      /^error: this user is paired with no node \(ERR_CLI_NOT_PAIRED\)\n {2}next: .*devices invite.*\n$/,
    );
    assert.equal(terminal.stdout, '');
  });

  test('with --json are one object', async () => {
    const { world, terminal } = fakeWorld();
    assert.equal(
      await runCommandLine(world, ['client', 'play', 'front', '--at', 'noon', '--seconds', '3', '--json']),
      2,
    );
    const { error } = JSON.parse(terminal.stderr) as { error: Record<string, string> };
    assert.deepEqual([error['code'], error['kind']], ['ERR_CLI_TIME', 'invalid']);
    assert.match(error['next']!, /-10m/);
  });

  test('every kind has advice, every code of our own that is listed too', () => {
    for (const kind of ERROR_KINDS) {
      const advice = adviceFor(new NvrError('ERR_SOMETHING_ELSE', kind, 'x'));
      assert.ok(advice.length > 5 && !advice.includes('\n'), kind);
    }
  });

  const misused: string[][] = [
    ['nonsense'],
    ['client', 'get', 'front'],
    ['client', 'play', 'front'],
    ['client', 'play', 'front', '--at', 'now'],
    ['client', 'play', 'front', '--at', 'now', '--seconds', '3', '--to', 'now'],
    ['client', 'play', 'front', '--at', 'now', '--seconds', '-3'],
    ['client', 'live', 'front', '--seconds', 'x'],
    ['client', 'segments', 'front', '--limit', '0'],
    ['client', 'segments', 'front', '--from', 'now', '--to', '-5m'],
    ['client', 'segments', 'front', '--stream', 'other'],
    ['client', 'pair', 'not an invitation'],
    ['devices', 'invite', '--role', 'king'],
    ['devices', 'invite', '--expires', '3s'],
    ['devices', 'invite', '--role', 'operator', '--at', 'front'],
    ['devices', 'invite', '--role', 'operator', '--at', 'front=operator'],
    ['devices', 'invite', '--role', 'operator', '--at', 'Front=viewer'],
    ['devices', 'invite', '--role', 'operator', '--at', 'front=viewer', '--at', 'front=viewer'],
    ['devices', 'code', '--at', 'front=viewer'],
    ['start', '--unknown'],
    ['virtual-camera', '--size', 'big'],
  ];
  for (const args of misused) {
    test(`"${args.join(' ')}" is refused as invalid`, async () => {
      const { world, terminal } = fakeWorld();
      assert.equal(await runCommandLine(world, args), EXIT_CODES.invalid, terminal.stderr);
      assert.ok(terminal.stderr.length > 10);
    });
  }

  test('help and version are no errors', async () => {
    for (const args of [['--help'], ['help'], ['client', 'play', '--help'], ['--version']]) {
      const { world, terminal } = fakeWorld();
      assert.equal(await runCommandLine(world, args), 0);
      assert.ok(terminal.stdout.length > 4);
    }
  });
});

async function worldWithNode() {
  const all = fakeWorld();
  const { clock, random, files, suite } = all.world;
  const identity = createIdentity({ clock, random, files, suite, log: silentLog }, { folder: '/data' });
  await identity.start();
  return { ...all, identity };
}

describe('devices', () => {
  test('invite makes an invitation the node knows, with the addresses of the configuration', async () => {
    const { world, terminal, files, identity } = await worldWithNode();
    await files.replace('/data/config.yaml', utf8('addresses: nvr.example:1234\nviewer: https://viewer.example/\n'));
    assert.equal(
      await runCommandLine(world, ['devices', 'invite', '--role', 'operator', '--expires', '1h', '--json']),
      0,
    );
    const told = JSON.parse(terminal.stdout) as { invitation: string; role: string; expiresAt: number };
    assert.ok(told.invitation.startsWith('https://viewer.example/#i='));
    assert.equal(told.role, 'owner', 'the first device becomes owner');
    assert.equal(told.expiresAt, world.clock.now() + 3_600_000);
    const invitation = parseInvitation(world.suite.hashes, told.invitation);
    assert.ok(typeof invitation !== 'string');
    assert.deepEqual(invitation.addresses, ['nvr.example:1234']);
    assert.equal(invitation.nodeId, identity.nodeId);
  });

  test('invite prints text, QR code and nothing secret elsewhere', async () => {
    const { world, terminal } = await worldWithNode();
    assert.equal(await runCommandLine(world, ['devices', 'invite']), 0);
    assert.match(terminal.stdout, /client pair '[A-Za-z0-9_-]{100,}'/);
    assert.match(terminal.stdout, /█/);
    const code = /pair '([^']+)'/.exec(terminal.stdout)![1]!;
    assert.ok(!terminal.stderr.includes(code));
  });

  test('an empty list says how to invite, a missing node how to make one', async () => {
    const { world, terminal } = await worldWithNode();
    assert.equal(await runCommandLine(world, ['devices']), 0);
    assert.match(terminal.stderr, /devices invite/);
    const other = fakeWorld();
    assert.equal(await runCommandLine(other.world, ['devices', '--data', '/nowhere']), EXIT_CODES.missing);
    assert.match(other.terminal.stderr, /ERR_IDENTITY_NODE_MISSING/);
  });

  test('withdraw takes a waiting invitation back, named by the beginning of its id', async () => {
    const { world, terminal, identity } = await worldWithNode();
    const { id } = await identity.invite({ role: 'viewer' });
    assert.equal(await runCommandLine(world, ['devices']), 0);
    assert.match(terminal.stderr, new RegExp(`invitation ${id.slice(0, 16)} \\(viewer\\) waits until`));
    const device = '79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798' as never;
    assert.equal(await runCommandLine(world, ['devices', 'withdraw', id.slice(0, 3)]), EXIT_CODES.invalid);
    assert.equal(await runCommandLine(world, ['devices', 'withdraw', id.slice(0, 4)]), 0);
    assert.match(terminal.stdout, /^took invitation [0-9a-f]{16} back$/m);
    assert.equal(await identity.admit({ device, suite: 3, invitationId: id, label: 'Late' }), null);
    assert.equal(await runCommandLine(world, ['devices', 'withdraw', id]), EXIT_CODES.missing);
  });

  test('remove finds a device by its label or the beginning of its key', async () => {
    const { world, terminal, identity } = await worldWithNode();
    const { id } = await identity.invite({ role: 'viewer' });
    const device = '79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798' as never;
    await identity.admit({ device, suite: 3, invitationId: id, label: 'Kitchen' });
    assert.equal(await runCommandLine(world, ['devices', 'remove', 'Cellar']), EXIT_CODES.missing);
    assert.equal(await runCommandLine(world, ['devices', 'list']), 0);
    assert.match(terminal.stdout, /79be667ef9dcbbac {2}owner .* Kitchen/);
    assert.equal(await runCommandLine(world, ['devices', 'remove', '79be']), 0);
    assert.equal(await runCommandLine(world, ['devices', 'remove', 'Kitchen']), EXIT_CODES.missing);
  });
});

describe('config check', () => {
  test('tells what will be recorded, without passwords', async () => {
    const { world, terminal, files } = fakeWorld();
    await files.makeFolder('/data');
    await files.replace(
      '/data/config.yaml',
      utf8('sources: {front: {url: "rtsp://u:hunter2@cam/1"}, b: {virtual: true}}'),
    );
    assert.equal(await runCommandLine(world, ['config', 'check']), 0);
    assert.match(terminal.stdout, /is in order\n {2}front: rtsp:\/\/cam\/1\n {2}b: virtual\n/);
    assert.doesNotMatch(terminal.stdout, /hunter2/);
  });

  test('tells every mistake', async () => {
    const { world, terminal, files } = fakeWorld();
    await files.makeFolder('/data');
    await files.replace('/data/config.yaml', utf8('lgo: info\nhealth: x\n'));
    assert.equal(await runCommandLine(world, ['config', 'check']), EXIT_CODES.invalid);
    assert.match(
      terminal.stderr,
      /has 2 mistakes:\n {2}line 1: lgo: unknown key; did you mean log\?\n {2}line 2: health: /,
    );
  });
});

test('the launcher brings no dependency and reads like plain JavaScript', () => {
  const launcher = readFileSync(join(fakeWorld().world.home, 'bin/constitute-nvr'), 'utf8');
  assert.match(launcher, /^#!\/usr\/bin\/env node\n/);
  for (const [, target] of launcher.matchAll(/from '([^']+)'/g)) assert.match(target!, /^node:/);
});
