import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { type Machine, TwoNamespaces, whyNoNamespaces } from '../support/two-namespaces.ts';
import { until } from '../support/wait.ts';
import type { SwarmProcessSight, SwarmProcessTask } from './swarm-process.ts';

const SLOW = process.env['SLOW'] === '1';
const ZONE = 'ZLoI5dHO2oBisXbfazo6';
const PORT = 4050;
/** Time until a silent peer is given up, and the length of a partition: in earnest as in a real node, else shorter. */
const CONFIRMED_MS = SLOW ? 20_000 : 5_000;
const APART_MS = SLOW ? 30_000 : 8_000;
const PROGRAM = resolve(import.meta.dirname, 'swarm-process.ts');

/** A swarm in a process of its own, in one of the namespaces. */
class SwarmInside {
  sight: SwarmProcessSight | null = null;
  readonly #child: ChildProcess;
  #complaint = '';

  constructor(way: TwoNamespaces, machine: Machine, peer: string) {
    const [command, args] = way.inside(machine, process.execPath, [PROGRAM]);
    this.#child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child.stderr!.on('data', (bytes: Buffer) => (this.#complaint += String(bytes)));
    createInterface({ input: this.#child.stdout! }).on('line', (line) => {
      this.sight = JSON.parse(line) as SwarmProcessSight;
    });
    const task: SwarmProcessTask = {
      listen: [
        { host: machine.four, port: PORT },
        { host: machine.six, port: PORT },
      ],
      peers: [{ host: peer, port: PORT, kind: 'node', disclose: 'full', zones: [ZONE] }],
      zone: ZONE,
      limits: { confirmedMs: CONFIRMED_MS },
    };
    this.#child.stdin!.write(`${JSON.stringify(task)}\n`);
  }

  /** Peers as it sees them now; fails where the process is gone. */
  peers() {
    assert.equal(this.#child.exitCode, null, `the process ended: ${this.#complaint}`);
    return this.sight?.status.peers ?? [];
  }

  confirmed(): number {
    return this.peers().filter((peer) => peer.confirmed && peer.proved).length;
  }

  async stop(): Promise<void> {
    const ended = new Promise((done) => this.#child.once('close', done));
    if (this.#child.exitCode !== null) return;
    this.#child.stdin!.end();
    await ended;
  }
}

const reason = whyNoNamespaces();

test('two swarms on real UDP find each other over a bad way, lose each other when it is cut, and find each other again', {
  skip: reason ?? false,
}, async (context) => {
  const way = await TwoNamespaces.make({ lossPercent: 10, delayMs: 100, jitterMs: 100, mtuBytes: 1_280 });
  // One direction is dialled over IPv4, the other over IPv6.
  const one = new SwarmInside(way, way.a, way.b.four);
  const other = new SwarmInside(way, way.b, way.a.six);
  const both = (count: number) => one.confirmed() >= count && other.confirmed() >= count;
  try {
    await until('both listen', () => one.sight !== null && other.sight !== null);
    const startedAt = Date.now();
    await until('both confirm the other', () => both(1), 6_000);
    const foundMs = Date.now() - startedAt;
    await until('both ways are in use', () => both(2), 10_000);
    const records = (from: SwarmInside, to: SwarmInside) =>
      to.sight!.status.records.filter(({ device }) => device === from.sight!.status.nodeId).length;
    await until('each has the record of the other', () => records(one, other) > 0 && records(other, one) > 0, 10_000);

    way.cut();
    const cutAt = Date.now();
    const given = CONFIRMED_MS + 4_000;
    await until('both give the other up', () => one.confirmed() === 0 && other.confirmed() === 0, given);
    await until('the time apart is over', () => Date.now() - cutAt >= APART_MS, APART_MS);
    assert.equal(one.confirmed() + other.confirmed(), 0);

    way.heal();
    const healedAt = Date.now();
    await until('both confirm the other again', () => both(1), 15_000);
    context.diagnostic(
      `over ${way.means}: confirmed after ${foundMs} ms; after ${APART_MS} ms apart again after ${Date.now() - healedAt} ms`,
    );
    for (const side of [one, other]) {
      const { counters } = side.sight!.status;
      assert.equal(counters.refused['fault'] ?? 0, 0);
      assert.equal(counters.sendErrors, 0, 'nothing was too large for the way');
      assert.ok(
        side.peers().some(({ address }) => address.startsWith('[')),
        'over IPv6',
      );
      assert.ok(
        side.peers().some(({ address }) => !address.startsWith('[')),
        'over IPv4',
      );
    }
  } finally {
    await Promise.all([one.stop(), other.stop()]);
    way.close();
  }
});

test('two whole nodes keep the promises of the demonstration, and nothing of it is left', {
  skip: reason ?? (SLOW ? false : 'takes a minute: SLOW=1 runs it'),
}, async (context) => {
  const script = resolve(import.meta.dirname, '../../scripts/demo-swarm.ts');
  const { child, out, err } = await new Promise<{ child: ChildProcess; out: string; err: string }>((done) => {
    const child = execFile(process.execPath, [script], { timeout: 120_000 }, (_error, out, err) =>
      done({ child, out, err }),
    );
  });
  assert.equal(child.exitCode, 0, err);
  assert.deepEqual(
    readdirSync('/run/netns').filter((name) => name.includes(`-${child.pid}-`)),
    [],
  );
  for (const line of err.split('\n').filter((each) => each.includes('confirmed'))) context.diagnostic(line);
  const views = out.trim().split(/(?<=^\})\n/m);
  assert.equal(views.length, 2);
  for (const each of views) {
    const { peers } = JSON.parse(each) as { peers: { confirmed: boolean; proved: boolean }[] };
    assert.deepEqual(
      peers.map(({ confirmed, proved }) => [confirmed, proved]),
      [[true, true]],
    );
  }
});
