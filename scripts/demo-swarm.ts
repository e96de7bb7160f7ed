// `scripts/demo-swarm`: two whole nodes, each with a data folder of its own, in two network namespaces joined by a way that loses a tenth
// of all packets and delays the others by up to 200 ms. They find each other, the way is cut for 30 s and healed, they find each other
// again. Needs root, iproute2, and netem in the kernel or python3. Leaves nothing behind, also after Ctrl-C.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Machine, TwoNamespaces, whyNoNamespaces } from '../test/support/two-namespaces.ts';

const WAY = { lossPercent: 10, delayMs: 100, jitterMs: 100, mtuBytes: 1_280 };
const APART_MS = 30_000;
/** What we promise: so soon both are confirmed, first and after the time apart. */
const FOUND_MS = 6_000;
const AGAIN_MS = 15_000;
const PROGRAM = resolve(import.meta.dirname, '../bin/constitute-nvr');

/** What `constitute-nvr swarm --json` says, as far as it is looked at here. */
interface View {
  peers: { address: string; confirmed: boolean; proved: boolean; confirmedAt: number | null }[];
  records: { type: string; device: string }[];
  counters: { datagramsIn: number; datagramsOut: number; bytesIn: number; bytesOut: number };
}

interface DemoNode {
  letter: string;
  machine: Machine;
  data: string;
  process: ChildProcess;
  startedAt: number;
}

const stopped = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stopped.abort());
process.exitCode = await main();

async function main(): Promise<number> {
  const reason = whyNoNamespaces();
  if (reason) {
    say(`this cannot be shown here: ${reason}`);
    return 1;
  }
  const folder = mkdtempSync(join(tmpdir(), 'nvr-demo-swarm-'));
  const nodes: DemoNode[] = [];
  let way: TwoNamespaces | null = null;
  try {
    way = await TwoNamespaces.make(WAY, { seed: Date.now() % 1_000_000 });
    const { lossPercent, delayMs, jitterMs, mtuBytes } = WAY;
    const by = way.means === 'netem' ? 'tc netem' : 'a wire of TUN devices (this kernel has no netem)';
    say(`a way through ${by}: ${lossPercent}% lost, ${delayMs} ± ${jitterMs} ms, packets of at most ${mtuBytes} bytes`);
    const zone = randomBytes(15).toString('base64url');
    for (const [letter, machine, other] of [
      ['A', way.a, way.b],
      ['B', way.b, way.a],
    ] as const) {
      nodes.push(startNode(way, folder, letter, machine, other, zone));
    }
    return await show(way, nodes);
  } catch (error) {
    if (!stopped.signal.aborted) throw error;
    say('stopped');
    return 130;
  } finally {
    await Promise.all(nodes.map(stopNode));
    way?.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The demonstration itself; gives the exit code. */
async function show(way: TwoNamespaces, nodes: DemoNode[]): Promise<number> {
  const first = await bothConfirmed(way, nodes, 0, 60_000);
  // Starting the program is part of it.
  const foundMs = Math.max(...first.confirmedAt) - Math.max(...nodes.map(({ startedAt }) => startedAt));
  tell('both confirmed', foundMs, FOUND_MS);
  for (const [i, node] of nodes.entries()) {
    say(`node ${node.letter}, constitute-nvr swarm --json:`);
    process.stdout.write(`${JSON.stringify(first.views[i], null, 2)}\n`);
  }
  say(`the way is cut for ${APART_MS / 1000} s`);
  way.cut();
  const cutAt = Date.now();
  let given = false;
  while (Date.now() - cutAt < APART_MS) {
    await pause(2_000);
    const views = await Promise.all(nodes.map((node) => view(way, node)));
    if (given || !views.every((each) => each && !isConfirmed(each))) continue;
    given = true;
    say(`both have given the other up after ${seconds(Date.now() - cutAt)}`);
  }
  way.heal();
  const healedAt = Date.now();
  say('the way is healed');
  const again = await bothConfirmed(way, nodes, healedAt, 60_000);
  const againMs = Math.max(...again.confirmedAt) - healedAt;
  tell('both confirmed again', againMs, AGAIN_MS);
  for (const [i, { letter }] of nodes.entries()) {
    const { counters, records } = again.views[i]!;
    say(
      `node ${letter}: ${records.length} records, ${counters.datagramsIn} datagrams in, ${counters.datagramsOut} out, ${counters.bytesOut} bytes out`,
    );
  }
  return given && foundMs <= FOUND_MS && againMs <= AGAIN_MS ? 0 : 1;
}

/** Waits until both are confirmed since `sinceAt`; what each sees then, and when it confirmed the other (epoch ms). */
async function bothConfirmed(way: TwoNamespaces, nodes: DemoNode[], sinceAt: number, mostMs: number) {
  const deadlineAt = Date.now() + mostMs;
  for (;;) {
    const views = await Promise.all(nodes.map((node) => view(way, node)));
    if (views.every((each) => each && isConfirmed(each, sinceAt))) {
      const confirmedAt = views.map((each) => Math.min(...confirmedTimes(each!, sinceAt)));
      return { views: views as View[], confirmedAt };
    }
    for (const { letter, process } of nodes)
      if (process.exitCode !== null) throw new Error(`node ${letter} ended with ${process.exitCode}`);
    if (Date.now() > deadlineAt) throw new Error(`not confirmed within ${seconds(mostMs)}`);
    await pause(250);
  }
}

function confirmedTimes({ peers }: View, sinceAt: number): number[] {
  return peers.filter((peer) => peer.confirmed && peer.confirmedAt! >= sinceAt).map((peer) => peer.confirmedAt!);
}

function isConfirmed(view: View, sinceAt = 0): boolean {
  return confirmedTimes(view, sinceAt).length > 0;
}

function startNode(
  way: TwoNamespaces,
  folder: string,
  letter: string,
  machine: Machine,
  other: Machine,
  zone: string,
): DemoNode {
  const data = join(folder, letter);
  mkdirSync(data, { mode: 0o700 });
  // The port is the same on both: each namespace has a loopback of its own.
  const config = `listen: 127.0.0.1:8456
log: warn
swarm:
  listen: ["${machine.four}:4050", "[${machine.six}]:4050"]
  zones: [{ key: "${zone}", name: Demo }]
  peers: [{ node: "${other.four}:4050" }]
`;
  writeFileSync(join(data, 'config.yaml'), config, { mode: 0o600 });
  const args = ['start', '--no-qr', '--data', data];
  const [command, all] = way.inside(machine, process.execPath, [PROGRAM, ...args]);
  // A group of its own: Ctrl-C is ours to hand on, so that the nodes end in order.
  const child = spawn(command, all, { stdio: ['ignore', 'ignore', 'inherit'], detached: true });
  say(`node ${letter} at ${machine.four} starts`);
  return { letter, machine, data, process: child, startedAt: Date.now() };
}

async function stopNode({ process: child }: DemoNode): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((done) => child.once('close', () => done()));
  child.kill('SIGTERM');
  const force = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await ended;
  clearTimeout(force);
}

/** The member's view of a node through its command line; null while it does not answer. */
function view(way: TwoNamespaces, { machine, data }: DemoNode): Promise<View | null> {
  const [command, args] = way.inside(machine, process.execPath, [PROGRAM, 'swarm', '--json', '--data', data]);
  return new Promise((done) => {
    execFile(command, args, { timeout: 10_000 }, (error, text) => {
      try {
        done(error ? null : (JSON.parse(text) as View));
      } catch {
        done(null);
      }
    });
  });
}

/** Waits, or throws once somebody wants to stop. */
function pause(ms: number): Promise<void> {
  const { signal } = stopped;
  return new Promise((done, fail) => {
    const stop = () => fail(new Error('stopped'));
    if (signal.aborted) return stop();
    signal.addEventListener('abort', stop, { once: true });
    setTimeout(() => {
      signal.removeEventListener('abort', stop);
      done();
    }, ms);
  });
}

function tell(what: string, ms: number, most: number): void {
  say(`${what} after ${seconds(ms)} (promised: ${seconds(most)})${ms <= most ? '' : ', TOO LATE'}`);
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

function say(text: string): void {
  process.stderr.write(`demo-swarm: ${text}\n`);
}
