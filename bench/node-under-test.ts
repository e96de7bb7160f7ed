import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createDeviceKeys, createNvrClient, type NvrClient, pairConnect } from '../src/client/index.ts';
import { xWingPairOfSeed, xWingPublicKey } from '../src/crypto/index.ts';
import { createNodeClock, createNodeRandom, createNodeSuite, openNodeSocket } from '../src/platform/node/index.ts';
import { parseInvitation } from '../src/protocol/index.ts';

const cli = resolve(import.meta.dirname, '../bin/constitute-nvr');
const clock = createNodeClock();
const random = createNodeRandom();
const suite = createNodeSuite();

/** A recorder in a process of its own, as `npm start` runs it. */
export interface NodeUnderTest {
  readonly pid: number;
  readonly folder: string;
  /** A paired device's client over loopback; each call pairs another. */
  pair(): Promise<NvrClient>;
  /** Ends the process in order; the folder stays. */
  stop(): Promise<void>;
}

/** An empty data folder, removed when this process ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'constitute-nvr-bench-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A TCP port that is free now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/** Writes `sources` (YAML, indented by two) into the folder's config and starts a node on it. */
export async function startNode(
  folder: string,
  sources: string,
  { segment = '60s' }: { segment?: string } = {},
): Promise<NodeUnderTest> {
  const port = await freePort();
  const config = `listen: 127.0.0.1:${port}\nlog: warn\nstorage:\n  size: 50GB\n  segment: ${segment}\nsources:\n${sources}`;
  writeFileSync(join(folder, 'config.yaml'), config, { mode: 0o600 });
  const child = spawn(process.execPath, [cli, 'start'], { env: envOf(folder), stdio: ['ignore', 'ignore', 'inherit'] });
  process.on('exit', () => child.kill('SIGKILL'));
  const state = join(folder, 'node.json');
  await until('the node is up', () => readJson(state)?.['pid'] === child.pid);
  return {
    pid: child.pid!,
    folder,
    pair: () => pairWith(folder),
    stop: () => stopChild(child),
  };
}

/** Runs a virtual camera in a process of its own with these arguments; gives its port. */
export async function startCamera(
  args: readonly string[],
): Promise<{ pid: number; port: number; stop(): Promise<void> }> {
  const port = await freePort();
  const words = [cli, 'virtual-camera', '--port', String(port), ...args];
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  process.on('exit', () => child.kill('SIGKILL'));
  await once(child.stdout!, 'data');
  return { pid: child.pid!, port, stop: () => stopChild(child) };
}

/** Waits for a condition; looks every 50 ms. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  deadlineMs = 60_000,
): Promise<void> {
  const deadline = Date.now() + deadlineMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited ${deadlineMs} ms in vain until ${what}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

async function pairWith(folder: string): Promise<NvrClient> {
  const printed = execFileSync(process.execPath, [cli, 'devices', 'invite', '--role', 'owner', '--json'], {
    env: envOf(folder),
    encoding: 'utf8',
  });
  const { invitation: text } = JSON.parse(printed) as { invitation: string };
  const invitation = parseInvitation(suite.hashes, text);
  if (typeof invitation === 'string') throw new Error(`the invitation is not one: ${invitation}`);
  const wrapKey = xWingPublicKey(await xWingPairOfSeed(suite, random.bytes(32)));
  const device = await createDeviceKeys(suite, {
    secretKey: random.bytes(32),
    channel: random.bytes(32),
    wrapKey,
    nodeId: invitation.nodeId,
    now: clock.now(),
    auxiliary: random.bytes(32),
  });
  const deps = {
    now: () => clock.now(),
    random,
    suite,
    openSocket: openNodeSocket,
    after: (ms: number, task: () => void) => clock.after(ms, task),
  };
  const { connection } = await pairConnect(deps, { invitation, device, label: 'bench' });
  return createNvrClient({ connection, suite });
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGINT');
  await once(child, 'exit');
}

function envOf(folder: string): NodeJS.ProcessEnv {
  return { ...process.env, CONSTITUTE_NVR_DATA: folder };
}

function readJson(path: string): Record<string, unknown> | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
  } catch {
    return null;
  }
}
