import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

/** How bad the way between two namespaces is; for each direction. */
export interface Way {
  lossPercent: number;
  /** Each packet takes `delayMs` and up to `jitterMs` more or less, so that packets overtake each other. */
  delayMs: number;
  jitterMs: number;
  mtuBytes: number;
}

/** One of the two machines: a network namespace with an address of each family. */
export interface Machine {
  name: string;
  four: string;
  six: string;
}

/** What is needed to lay a bad way here. */
interface Means {
  netem: boolean;
  tun: boolean;
  python: boolean;
}

const WIRE = resolve(import.meta.dirname, 'lossy-wire.py');
/** The name of the device in both namespaces. */
const DEVICE = 'way';

/** Why two namespaces cannot be joined here, in words for a person; null where they can. */
export function whyNoNamespaces(): string | null {
  if (process.platform !== 'linux') return 'network namespaces are a thing of Linux';
  if (process.getuid?.() !== 0) return 'only root may make network namespaces';
  if (!runs('ip', '-V')) return 'ip is missing (package iproute2)';
  const found = means();
  if (!found) return 'this machine gives no network namespaces';
  const { netem, tun, python } = found;
  if (netem || (tun && python)) return null;
  const instead = python ? '/dev/net/tun is missing too' : 'python3, which could stand in for it, is missing too';
  return `the kernel has no netem (or tc is missing), and ${instead}`;
}

/**
 * Two network namespaces joined by a bad way: veth with `tc netem` where the kernel has it, else a wire of TUN devices with the
 * same faults. Nothing but these namespaces is touched; `close` and the end of this process remove all of it.
 */
export class TwoNamespaces {
  readonly a: Machine;
  readonly b: Machine;
  /** What makes the way bad. */
  readonly means: 'netem' | 'wire';
  readonly #way: Way;
  #wire: ChildProcess | null = null;
  readonly #atExit = () => this.close();

  private constructor(way: Way, means: 'netem' | 'wire') {
    this.#way = way;
    this.means = means;
    const machine = (letter: string, number: number): Machine => ({
      name: `nvr-swarm-${process.pid}-${letter}`,
      four: `10.213.7.${number}`,
      six: `fd5e:a213:7::${number}`,
    });
    this.a = machine('a', 1);
    this.b = machine('b', 2);
  }

  /** Makes both and joins them; throws where `whyNoNamespaces` names a reason. */
  static async make(way: Way, { seed = 1 }: { seed?: number } = {}): Promise<TwoNamespaces> {
    const made = new TwoNamespaces(way, means()?.netem ? 'netem' : 'wire');
    process.on('exit', made.#atExit);
    try {
      await made.#join(seed);
    } catch (error) {
      made.close();
      throw error;
    }
    return made;
  }

  /** The command that runs another one in a machine, for `spawn`. */
  inside({ name }: Machine, command: string, args: readonly string[]): [string, string[]] {
    return ['ip', ['netns', 'exec', name, command, ...args]];
  }

  /** Lets nothing pass from now on. */
  cut(): void {
    if (this.#wire) this.#wire.stdin!.write('cut\n');
    else for (const { name } of [this.a, this.b]) this.#netem('change', name, 'loss', '100%');
  }

  /** Ends the cut. */
  heal(): void {
    if (this.#wire) this.#wire.stdin!.write('heal\n');
    else for (const { name } of [this.a, this.b]) this.#netem('change', name, ...this.#faults());
  }

  /** Removes all of it; whoever still runs inside keeps running without a way out. Safe to call twice. */
  close(): void {
    process.off('exit', this.#atExit);
    this.#wire?.kill();
    this.#wire = null;
    for (const { name } of [this.a, this.b]) if (existsSync(`/run/netns/${name}`)) ip('netns', 'del', name);
  }

  async #join(seed: number): Promise<void> {
    const { a, b } = this;
    for (const { name } of [a, b]) {
      ip('netns', 'add', name);
      ip('-n', name, 'link', 'set', 'lo', 'up');
    }
    if (this.means === 'netem') {
      ip('link', 'add', DEVICE, 'netns', a.name, 'type', 'veth', 'peer', 'name', DEVICE, 'netns', b.name);
      for (const { name } of [a, b]) this.#netem('add', name, ...this.#faults());
    } else await this.#startWire(seed);
    for (const [{ name, four, six }, other] of [
      [a, b],
      [b, a],
    ] as const) {
      ip('-n', name, 'link', 'set', DEVICE, 'mtu', String(this.#way.mtuBytes), 'up');
      ip('-n', name, 'address', 'add', four, 'peer', other.four, 'dev', DEVICE);
      ip('-n', name, '-6', 'address', 'add', `${six}/64`, 'dev', DEVICE, 'nodad');
    }
  }

  #faults(): string[] {
    const { lossPercent, delayMs, jitterMs } = this.#way;
    return ['loss', `${lossPercent}%`, 'delay', `${delayMs}ms`, `${jitterMs}ms`];
  }

  #netem(verb: 'add' | 'change', name: string, ...faults: string[]): void {
    run('tc', '-n', name, 'qdisc', verb, 'dev', DEVICE, 'root', 'netem', ...faults);
  }

  #startWire(seed: number): Promise<void> {
    const { lossPercent, delayMs, jitterMs } = this.#way;
    const ends = [this.a.name, DEVICE, this.b.name, DEVICE];
    const numbers = [lossPercent, delayMs, jitterMs, seed].map(String);
    const wire = spawn('python3', [WIRE, ...ends, ...numbers], { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#wire = wire;
    let complaint = '';
    wire.stderr.on('data', (bytes: Buffer) => (complaint += String(bytes)));
    wire.stdin.on('error', () => {});
    return new Promise((done, fail) => {
      wire.stdout.once('data', () => done());
      wire.once('error', fail);
      wire.once('close', () => fail(new Error(`the wire ended: ${complaint.trim().split('\n').at(-1)}`)));
    });
  }
}

let tried: { means: Means | null } | null = null;

/** Tries what this machine has, in a namespace that is gone at once; null where it gives none. */
function means(): Means | null {
  tried ??= { means: tryMeans(`nvr-swarm-${process.pid}-try`) };
  return tried.means;
}

function tryMeans(name: string): Means | null {
  if (!runs('ip', 'netns', 'add', name)) return null;
  const netem = runs('tc', '-n', name, 'qdisc', 'add', 'dev', 'lo', 'root', 'netem', 'delay', '1ms');
  ip('netns', 'del', name);
  return { netem, tun: existsSync('/dev/net/tun'), python: runs('python3', '--version') };
}

function ip(...args: string[]): void {
  run('ip', ...args);
}

function run(command: string, ...args: string[]): void {
  execFileSync(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
}

function runs(command: string, ...args: string[]): boolean {
  try {
    run(command, ...args);
    return true;
  } catch {
    return false;
  }
}
