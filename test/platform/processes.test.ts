import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { utf8 } from '../../src/bytes/index.ts';
import { createNodeProcesses } from '../../src/platform/node/index.ts';

const processes = createNodeProcesses();

async function text(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const part of stream) parts.push(Uint8Array.from(part));
  return Buffer.concat(parts).toString();
}

test('a child gets its input and a bare environment', async () => {
  const child = processes.spawn('sh', ['-c', 'cat; env | sort'], {
    input: utf8('by way of input\n'),
    env: { EXTRA: '1' },
  });
  const lines = (await text(child.stdout)).trim().split('\n');
  assert.equal(lines.shift(), 'by way of input');
  const names = lines
    .map((line) => line.split('=')[0])
    .filter((name) => !['PWD', 'SHLVL', '_', 'OLDPWD'].includes(name!));
  assert.deepEqual(names, ['EXTRA', 'LANG', 'PATH', 'TZ']);
  assert.deepEqual(await child.exited, { code: 0, signal: null });
});

test('a child whose input stays open is told more, and a child that is gone is told nothing', async () => {
  const child = processes.spawn('sh', ['-c', 'read one; read two; echo "$two $one"'], {
    input: utf8('first\n'),
    openInput: true,
  });
  child.write!(utf8('second\n'));
  assert.equal(await text(child.stdout), 'second first\n');
  await child.exited;
  for (let i = 0; i < 10; i++) child.write!(utf8('too late\n'));
  const closed = processes.spawn('cat', []);
  assert.equal(await text(closed.stdout), '', 'otherwise the input ends at once');
});

test('error lines arrive one by one and capped', async () => {
  const child = processes.spawn('sh', ['-c', 'printf "one\\rtwo\\n" >&2; head -c 5000 /dev/zero | tr "\\0" x >&2']);
  const lines: string[] = [];
  child.onErrorLine((line) => lines.push(line));
  await text(child.stdout);
  await child.exited;
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(lines.slice(0, 2), ['one', 'two']);
  assert.ok(lines.every((line) => line.length <= 2_000));
});

test('a program that is not there says so by its exit', async () => {
  const exit = await processes.spawn('/nowhere/at-all', []).exited;
  assert.ok(exit.failed === 'ENOENT' || exit.code === 127, JSON.stringify(exit));
});

test('a child that will not listen is forced', async () => {
  const child = processes.spawn('sh', ['-c', 'trap "" TERM; echo ready; while :; do sleep 1; done']);
  for await (const part of child.stdout) if (Buffer.from(part).toString().includes('ready')) break;
  const exit = await child.stop(50);
  assert.equal(exit.signal, 'SIGKILL');
  assert.equal(await child.stop(), exit, 'asking twice is safe');
});

test('a child has a session of its own, so that Ctrl-C at our terminal does not reach it', async () => {
  const child = processes.spawn('sleep', ['1000']);
  const session = readFileSync(`/proc/${child.pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ')[3];
  assert.equal(Number(session), child.pid);
  assert.equal((await child.stop()).signal, 'SIGTERM');
});

test('no child outlives a parent that was killed', {
  skip: processes.tied ? false : 'setpriv is not installed',
}, async () => {
  const program = `
    import { createNodeProcesses } from ${JSON.stringify(new URL('../../src/platform/node/index.ts', import.meta.url).href)};
    const child = createNodeProcesses().spawn('sleep', ['1000']);
    console.log(child.pid);
    setInterval(() => {}, 1000);`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(parent.stdout, 'data')) as [Buffer];
  const pid = Number(line.toString());
  // The kernel ties the child once setpriv has become sleep.
  await until(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8').startsWith('sleep'));
  parent.kill('SIGKILL');
  await until(() => !alive(pid));
});

function alive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!condition()) {
    assert.ok(Date.now() < deadline, `waited too long for ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
