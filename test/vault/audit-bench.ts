import { toHex } from '../../src/bytes/index.ts';
import { type Clock, SeededRandom, SimulatedClock, SimulatedFiles, silentLog } from '../../src/platform/index.ts';
import { createNodeSuite } from '../../src/platform/node/index.ts';
import type { AuditEntry, DeviceKey, SourceId } from '../../src/protocol/index.ts';
import {
  type AuditExpectation,
  type AuditLog,
  type AuditLogDeps,
  type AuditLogOptions,
  type AuditQuery,
  type AuditRecord,
  createAuditLog,
  verifyAudit,
} from '../../src/vault/index.ts';
import { NOON, ROOT, testKeys } from './bench.ts';

export const DAY = 86_400_000;
export const device = (octet: number) => toHex(new Uint8Array(32).fill(octet)) as DeviceKey;

/** An audit log on a simulated disk with a clock that stands still until told. */
export class AuditBench {
  readonly clock: SimulatedClock;
  readonly files: SimulatedFiles;
  readonly deps: AuditLogDeps;
  readonly options: AuditLogOptions;
  audit: AuditLog;
  #life = 0;

  constructor({
    seed = 1,
    capacityBytes,
    ...options
  }: Partial<AuditLogOptions> & { seed?: number; capacityBytes?: number } = {}) {
    this.clock = new SimulatedClock(NOON);
    this.files = new SimulatedFiles({ seed, ...(capacityBytes === undefined ? {} : { capacityBytes }) });
    this.deps = {
      clock: this.clock,
      random: new SeededRandom(seed),
      log: silentLog,
      files: this.files,
      suite: createNodeSuite(),
      keys: testKeys,
    };
    this.options = { root: ROOT, ...options };
    this.audit = createAuditLog(this.deps, this.options);
  }

  /** Notes something that is written always, whoever does it how often. */
  note(change: Partial<AuditEntry> = {}): void {
    this.audit.note({
      event: 'changed',
      at: this.clock.now(),
      device: device(2),
      source: 'front' as SourceId,
      span: null,
      detail: 'devices.rename',
      address: '192.0.2.7',
      ...change,
    });
  }

  /** Another life on the same disk; the one before was stopped, or the power was cut. Its timers are gone with it. */
  async again(): Promise<void> {
    const life = ++this.#life;
    const mortal = (task: () => void) => () => {
      if (life === this.#life) task();
    };
    const clock: Clock = {
      now: () => this.clock.now(),
      nowUs: () => this.clock.nowUs(),
      monotonic: () => this.clock.monotonic(),
      monotonicUs: () => this.clock.monotonicUs(),
      sleep: (ms, signal) => this.clock.sleep(ms, signal),
      after: (ms, task) => this.clock.after(ms, mortal(task)),
    };
    this.audit = createAuditLog({ ...this.deps, clock }, this.options);
    await this.audit.start();
  }

  /** Every record, over all pages. */
  async all(query: Partial<AuditQuery> = {}): Promise<AuditRecord[]> {
    const records: AuditRecord[] = [];
    for (let cursor: string | undefined; ; ) {
      const page = await this.audit.list({
        order: 'oldest',
        limit: 500,
        ...query,
        ...(cursor === undefined ? {} : { cursor }),
      });
      records.push(...page.records);
      if (page.cursor === undefined) return records;
      cursor = page.cursor;
    }
  }

  verify(expected: AuditExpectation = { nodeId: testKeys.nodeId }) {
    return verifyAudit({ files: this.files, hashes: this.deps.suite.hashes }, ROOT, expected);
  }

  /** Paths of the log's files, oldest first. */
  paths(): string[] {
    return this.files.paths().filter((path) => path.endsWith('.cna'));
  }
}

export const detailOf = ({ statement }: AuditRecord) =>
  statement.type === 'entry' ? statement.entry.detail : `${statement.type} ${statement.cause}`;
