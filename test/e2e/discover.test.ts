import assert from 'node:assert/strict';
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import type { CamerasDiscoverResult } from '../../src/protocol/index.ts';
import { until } from '../support/wait.ts';

const PROGRAM = resolve(import.meta.dirname, '../../src/cli/main.ts');
const [CAMERAS, LOOKER] = ['cams', 'look'].map((end) => `nvr-find-${process.pid}-${end}`) as [string, string];
const ip = (...args: string[]) => execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });

/** Why this cannot be tried here; null where it can. */
function whyNot(): string | null {
  if (process.platform !== 'linux') return 'network namespaces are a thing of Linux';
  if (process.getuid?.() !== 0) return 'only root may make network namespaces';
  try {
    ip('netns', 'add', LOOKER);
    ip('link', 'add', 'try0', 'netns', LOOKER, 'type', 'veth', 'peer', 'name', 'try1', 'netns', LOOKER);
    return null;
  } catch (error) {
    return `ip makes no namespaces with veth here: ${(error as Error).message.split('\n')[0]}`;
  } finally {
    remove();
  }
}

function remove(): void {
  for (const name of [CAMERAS, LOOKER]) if (existsSync(`/run/netns/${name}`)) ip('netns', 'del', name);
}

/** Three cameras on one network, two of them behind one address; the looker has another network besides, without any. */
function joinBoth(): void {
  for (const name of [CAMERAS, LOOKER]) {
    ip('netns', 'add', name);
    ip('-n', name, 'link', 'set', 'lo', 'up');
  }
  ip('link', 'add', 'cam0', 'netns', CAMERAS, 'type', 'veth', 'peer', 'name', 'cam0', 'netns', LOOKER);
  ip('link', 'add', 'idle0', 'netns', LOOKER, 'type', 'veth', 'peer', 'name', 'idle1', 'netns', LOOKER);
  for (const [name, device, ...addresses] of [
    [CAMERAS, 'cam0', '10.213.8.1/24', '10.213.8.2/24'],
    [LOOKER, 'cam0', '10.213.8.9/24'],
    [LOOKER, 'idle0', '10.213.9.9/24'],
    [LOOKER, 'idle1'],
  ] as const) {
    ip('-n', name, 'link', 'set', device, 'up');
    for (const address of addresses) ip('-n', name, 'address', 'add', address, 'dev', device);
  }
}

/** One virtual device, as a program of its own. */
class Device {
  text = '';
  readonly #child: ChildProcess;

  constructor(address: string, serial: string) {
    const flags = ['--onvif', '--host', address, '--discovery', address, '--serial', serial, '--name', `Eye${serial}`];
    const small = ['--size', '160x96', '--sub-size', 'none', '--fps', '5', '--audio', 'none'];
    const args = ['netns', 'exec', CAMERAS, process.execPath, PROGRAM, 'virtual-camera', ...flags, ...small];
    this.#child = spawn('ip', args, { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) {
      stream.on('data', (bytes: Buffer) => (this.text += String(bytes)));
    }
  }

  get isReady(): boolean {
    assert.equal(this.#child.exitCode, null, this.text);
    return this.text.includes('/onvif/device_service');
  }

  get url(): string {
    return /http:\S*\/onvif\/device_service/.exec(this.text)![0];
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const gone = new Promise((done) => this.#child.once('close', done));
    this.#child.kill('SIGTERM');
    await gone;
  }
}

function discover(data: string, ...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const inside = ['netns', 'exec', LOOKER, process.execPath, PROGRAM, 'discover', '--data', data, ...args];
  return new Promise((done) => {
    execFile('ip', inside, { timeout: 30_000 }, (error, out, err) =>
      done({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, out, err }),
    );
  });
}

test('three virtual devices behind real multicast are exactly three cameras, on the interface they are on', {
  skip: whyNot() ?? false,
}, async () => {
  const data = mkdtempSync(join(tmpdir(), 'nvr-discover-'));
  joinBoth();
  const devices = [new Device('10.213.8.1', 'A1'), new Device('10.213.8.1', 'B2'), new Device('10.213.8.2', 'C3')];
  try {
    await until('all devices answer', () => devices.every((each) => each.isReady), 30_000);
    const { code, out, err } = await discover(data, '--json', '--seconds', '2');
    assert.equal(code, 0, err);
    const { cameras, total, complete, networks } = JSON.parse(out) as CamerasDiscoverResult;
    assert.equal(cameras.length, 3, out);
    assert.deepEqual(
      cameras
        .map(({ name, from, interfaces, urls }) => [name, from.map((each) => each.split(':')[0]), interfaces, urls])
        .sort(),
      devices.map((each, i) => [`Eye${['A1', 'B2', 'C3'][i]}`, [`10.213.8.${i < 2 ? 1 : 2}`], ['cam0'], [each.url]]),
    );
    assert.equal(new Set(cameras.map(({ device }) => device)).size, 3);
    assert.deepEqual([total, complete], [3, true]);
    assert.deepEqual(
      networks.sort((a, b) => (a.name < b.name ? -1 : 1)),
      [
        { name: 'cam0', address: '10.213.8.9', asked: true, port: 33_702 },
        { name: 'idle0', address: '10.213.9.9', asked: true, port: 33_702 },
      ],
    );

    // At the same time: whoever finds the port taken uses another.
    const [elsewhere, named, table] = await Promise.all([
      discover(data, '--json', '--seconds', '1', '--interface', 'idle0'),
      discover(data, '--json', '--seconds', '2', '--host', devices[2]!.url.split('/')[2]!),
      discover(data, '--seconds', '2', '--port', '0'),
    ]);
    assert.deepEqual((JSON.parse(elsewhere.out) as CamerasDiscoverResult).cameras, []);
    const { cameras: one, host } = JSON.parse(named.out) as CamerasDiscoverResult;
    assert.deepEqual(
      one.map(({ name }) => name),
      ['EyeC3'],
    );
    assert.equal(host?.onvif, 'answers', named.out);
    assert.equal(table.out.trim().split('\n').length, 4, table.out);
    assert.match(table.err, /next: source add ID --onvif http:\/\/10\.213\.8\.1:/);
  } finally {
    await Promise.all(devices.map((each) => each.stop()));
    remove();
    rmSync(data, { recursive: true });
  }
});
