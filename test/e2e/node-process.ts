import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { until } from '../support/wait.ts';

const program = resolve(import.meta.dirname, '../../bin/constitute-nvr');

/** What one command line left behind. */
export interface Ran {
  code: number | null;
  out: Buffer;
  err: string;
  ms: number;
  /** Standard output as JSON. */
  json<T = Record<string, unknown>>(): T;
}

/** A command that is still running. */
export interface Running {
  child: ChildProcess;
  out(): string;
  err(): string;
  ended: Promise<Ran>;
}

/** A data folder, the node on it as a child process, and users with their own pairings: everything through the command line. */
export class NodeUnderTest {
  readonly folder: string;
  readonly data: string;
  node: Running | null = null;

  constructor(folder: string, config: string) {
    this.folder = folder;
    this.data = join(folder, 'data');
    mkdirSync(this.data, { recursive: true, mode: 0o700 });
    writeFileSync(join(this.data, 'config.yaml'), config);
  }

  /** Starts the node; gives what it printed and how long that took, ms. */
  async start(): Promise<{ text: string; ms: number }> {
    const startedAt = performance.now();
    const node = this.begin(['start']);
    this.node = node;
    await until('the node has told what it does', () => {
      assert.equal(node.child.exitCode, null, `the node ended: ${node.err()}`);
      return /^devices {6}.*\n/m.test(node.out());
    });
    const ms = performance.now() - startedAt;
    const text = () => node.out();
    if (text().includes('none paired')) await until('the invitation is printed', () => /▀{20,}\n$/.test(text()));
    return { text: text(), ms };
  }

  /** Sends a signal to the node and waits for its end. */
  async stop(signal: NodeJS.Signals): Promise<Ran> {
    const node = this.node!;
    this.node = null;
    node.child.kill(signal);
    return node.ended;
  }

  /** Processes the node started, and those started by them. */
  descendants(): number[] {
    const parents = new Map<number, number>();
    for (const name of readdirSync('/proc')) {
      if (!/^\d+$/.test(name)) continue;
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
        parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
      } catch {
        // it ended meanwhile
      }
    }
    const root = this.node!.child.pid!;
    const below = (pid: number): boolean => {
      const parent = parents.get(pid);
      return parent !== undefined && parent > 1 && (parent === root || below(parent));
    };
    return [...parents.keys()].filter(below);
  }

  /** Runs a command to its end as `user`. */
  run(args: string[], user = 'owner'): Promise<Ran> {
    return this.begin(args, user).ended;
  }

  /** Runs a command that must go well, and gives its JSON. */
  async json<T = Record<string, unknown>>(args: string[], user = 'owner'): Promise<T> {
    const ran = await this.run([...args, '--json'], user);
    assert.equal(ran.code, 0, `${args.join(' ')} ended with ${ran.code}: ${ran.err}`);
    return ran.json<T>();
  }

  begin(args: string[], user = 'owner'): Running {
    const startedAt = performance.now();
    const env = {
      PATH: process.env['PATH'],
      HOME: this.folder,
      XDG_CONFIG_HOME: join(this.folder, user),
      CONSTITUTE_NVR_DATA: this.data,
      NODE_NO_WARNINGS: '1',
    };
    const child = spawn(process.execPath, [program, ...args], {
      env,
      cwd: this.folder,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const out: Buffer[] = [];
    let err = '';
    child.stdout!.on('data', (bytes: Buffer) => out.push(bytes));
    child.stderr!.on('data', (bytes: Buffer) => (err += String(bytes)));
    const ended = new Promise<Ran>((done) => {
      child.on('close', (code) => {
        const all = Buffer.concat(out);
        const json = <T>() => JSON.parse(String(all)) as T;
        done({ code, out: all, err, ms: performance.now() - startedAt, json });
      });
    });
    return { child, out: () => String(Buffer.concat(out)), err: () => err, ended };
  }
}

/** A TCP port that was free a moment ago: a node that is started twice must be found at the same place. */
export function freePort(): Promise<number> {
  return new Promise((done, fail) => {
    const server = createServer();
    server.once('error', fail);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => done(port));
    });
  });
}

/** True while a process of this number exists and is not a zombie. */
export function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3) !== 'Z';
  } catch {
    return false;
  }
}
