import assert from 'node:assert/strict';
import { type ChildProcess, execFile, execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { until } from '../support/wait.ts';

const PROGRAM = resolve(import.meta.dirname, '../../bin/constitute-nvr');
const PROBE = resolve(import.meta.dirname, 'probe-process.ts');
const CLIENT = '10.214.7.1';
/** Two devices on one address of the camera's machine, one on another. */
const CAMERAS = ['10.214.7.2', '10.214.7.2', '10.214.7.3'];

const runs = (command: string, ...args: string[]) => spawnSync(command, args, { stdio: 'ignore' }).status === 0;

/** Why it cannot be tried here; null where it can. */
function whyNot(): string | null {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'only root on Linux may make network namespaces';
  if (!runs('ip', '-V')) return 'ip is missing (package iproute2)';
  if (!runs('ffmpeg', '-version')) return 'ffmpeg is not installed';
  return null;
}

/** Two namespaces with a veth pair between them; the camera's side has two addresses. */
function joinNamespaces(client: string, cameras: string): void {
  const ip = (...args: string[]) => execFileSync('ip', args);
  for (const name of [client, cameras]) {
    ip('netns', 'add', name);
    ip('-n', name, 'link', 'set', 'lo', 'up');
  }
  ip('link', 'add', 'lan', 'netns', client, 'type', 'veth', 'peer', 'name', 'lan', 'netns', cameras);
  ip('-n', client, 'addr', 'add', `${CLIENT}/24`, 'dev', 'lan');
  for (const address of new Set(CAMERAS)) ip('-n', cameras, 'addr', 'add', `${address}/24`, 'dev', 'lan');
  for (const name of [client, cameras]) ip('-n', name, 'link', 'set', 'lan', 'up');
}

interface Told {
  action: string;
  endpoint: string;
  addresses: string;
  relatesTo?: string;
  from: { host: string };
}

test('three devices on one machine are found by multicast, answer on the network, and say goodbye', {
  skip: whyNot() ?? false,
}, async () => {
  const [client, cameras] = ['c', 'd'].map((letter) => `nvr-device-${process.pid}-${letter}`) as [string, string];
  const children: ChildProcess[] = [];
  const start = (name: string, args: string[]) => {
    const child = spawn('ip', ['netns', 'exec', name, process.execPath, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
    child.stdin!.on('error', () => {});
    children.push(child);
    return child;
  };
  try {
    joinNamespaces(client, cameras);
    const devices = CAMERAS.map((address, index) => {
      const picture = ['--size', '64x64', '--fps', '1', '--sub-size', 'none'];
      const onvif = ['--onvif', '--discovery', address, '--serial', `SERIAL-${index}`];
      return start(cameras, [PROGRAM, 'virtual-camera', '--host', address, ...picture, ...onvif]);
    });
    const complaints: string[] = [];
    for (const child of devices) child.stderr!.on('data', (bytes) => complaints.push(String(bytes)));
    const told: Told[] = [];
    const probe = start(client, [PROBE, CLIENT]);
    probe.stderr!.on('data', (bytes) => complaints.push(String(bytes)));
    createInterface({ input: probe.stdout! }).on('line', (line) => told.push(JSON.parse(line) as Told));

    const found = () =>
      new Map(told.filter(({ action }) => action === 'ProbeMatches').map((each) => [each.endpoint, each]));
    await until('three devices answer', () => found().size === 3).catch((error) =>
      assert.fail(`${error} ${complaints.join('')}`),
    );
    for (const each of found().values()) {
      assert.equal(each.relatesTo, 'urn:uuid:probe');
      assert.equal(new URL(each.addresses).hostname, each.from.host, 'it is where it answers from');
    }
    assert.deepEqual([...found().values()].map(({ from }) => from.host).sort(), CAMERAS);

    const question =
      '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>' +
      '<GetDeviceInformation xmlns="http://www.onvif.org/ver10/device/wsdl"/></s:Body></s:Envelope>';
    const script = `for (const url of process.argv.slice(1)) console.log(await (await fetch(url, { method: 'POST', body: ${JSON.stringify(question)} })).text())`;
    const urls = [...found().values()].map(({ addresses }) => addresses);
    const asked = await promisify(execFile)('ip', [
      'netns',
      'exec',
      client,
      process.execPath,
      '--input-type=module',
      '-e',
      script,
      ...urls,
    ]);
    const serials = [...asked.stdout.matchAll(/SerialNumber>([^<]+)</g)].map((match) => match[1]!);
    assert.deepEqual(serials.sort(), ['SERIAL-0', 'SERIAL-1', 'SERIAL-2']);

    devices[0]!.kill('SIGINT');
    await until('it said goodbye', () => told.some(({ action }) => action === 'Bye'));
    const left = told.find(({ action }) => action === 'Bye')!.endpoint;
    assert.ok(found().has(left));
    probe.stdin!.end();
  } finally {
    await Promise.all(
      children.map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        const gone = new Promise((done) => child.once('exit', done));
        child.kill('SIGTERM');
        await gone;
      }),
    );
    for (const name of [client, cameras])
      if (existsSync(`/run/netns/${name}`)) execFileSync('ip', ['netns', 'del', name]);
  }
});
