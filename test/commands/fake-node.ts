import assert from 'node:assert/strict';
import {
  type CommandDeps,
  createCommands,
  type DevicesView,
  type EventsView,
  type GrantView,
  type PairingView,
  type SourceView,
  type SourceWish,
} from '../../src/commands/index.ts';
import { type ErrorKind, NvrError } from '../../src/errors.ts';
import { createLive } from '../../src/live/index.ts';
import { SeededRandom, SimulatedClock, silentLog } from '../../src/platform/index.ts';
import {
  type Access,
  type AccessChange,
  type AuditEntry,
  type Call,
  type Caller,
  type CommandName,
  type CommandResult,
  checkResult,
  type DeviceKey,
  type Role,
  type SegmentId,
  type SourceId,
  type StreamId,
  type StreamName,
  type UnitMarks,
} from '../../src/protocol/index.ts';
import type { SegmentReading, StoredGap, StoredSegment, Vault, VaultStatus } from '../../src/vault/index.ts';

import { fakeCameras } from './fake-cameras.ts';

export const START_AT = 1_795_000_000_000;
export const FRONT = 'front' as SourceId;

/** A key of a device, told apart by one octet. */
export const deviceKey = (octet: number) => octet.toString(16).padStart(2, '0').repeat(32) as DeviceKey;

/** A vault in memory that obeys the contract of src/vault/api.ts and counts what it is asked. */
export class FakeVault implements Vault {
  retain(): void {}
  readonly recovery = { recovered: 1, discarded: 0, indexRebuilt: false, durationMs: 12.5 };
  segments: StoredSegment[] = [];
  stored: StoredGap[] = [];
  bytes = new Map<SegmentId, Uint8Array>();
  sealed = false;
  reads: { position: number; length: number }[] = [];
  open = 0;
  openEver = 0;

  add(n: number, options: Partial<StoredSegment> & { size?: number } = {}): StoredSegment {
    const id = n.toString(16).padStart(32, '0') as SegmentId;
    const startUs = (START_AT + n * 60_000) * 1000 + 999;
    const bytes = new SeededRandom(n + 1).bytes(options.size ?? 100);
    const segment: StoredSegment = {
      id,
      sourceId: FRONT,
      stream: 'main',
      streamId: '3f'.repeat(16) as StreamId,
      seq: n,
      startUs,
      endUs: startUs + 60_000_000,
      sizeBytes: bytes.length,
      state: 'final',
      epochId: 1,
      epochKeyId: '71'.repeat(16),
      run: 'aa'.repeat(16),
      tracks: [videoTrack],
      ...options,
    };
    this.segments.push(segment);
    this.bytes.set(segment.id, bytes);
    return segment;
  }

  list(query: Parameters<Vault['list']>[0]) {
    const { sourceId, stream, fromUs, toUs, order, limit, cursor } = query;
    const touching = this.segments
      .filter((each) => each.sourceId === sourceId && each.stream === stream)
      .filter((each) => each.startUs < toUs && each.endUs > fromUs)
      .sort((a, b) => (order === 'oldest' ? a.seq - b.seq : b.seq - a.seq));
    const from = cursor === undefined ? 0 : Number(cursor);
    if (!Number.isInteger(from)) throw new NvrError('ERR_FAKE_CURSOR', 'invalid', 'expected a cursor of ours');
    const segments = touching.slice(from, from + limit);
    const next = from + segments.length;
    return next < touching.length ? { segments, cursor: String(next) } : { segments };
  }

  find(id: SegmentId) {
    return this.segments.find((each) => each.id === id) ?? null;
  }

  gaps({ fromUs, toUs, limit }: Parameters<Vault['gaps']>[0]) {
    return this.stored.filter((gap) => gap.startUs < toUs && (gap.endUs ?? Infinity) > fromUs).slice(0, limit);
  }

  gapPage({ cursor, ...query }: Parameters<Vault['gapPage']>[0]) {
    const { order, limit, lengthUsMin, nowUs } = query;
    const found = this.gaps({ ...query, limit: Number.MAX_SAFE_INTEGER })
      .filter(({ startUs, endUs }) => (endUs ?? nowUs) - startUs >= lengthUsMin)
      .sort((a, b) => (order === 'oldest' ? a.startUs - b.startUs : b.startUs - a.startUs));
    const from = cursor === undefined ? 0 : Number(cursor);
    if (!Number.isInteger(from)) throw new NvrError('ERR_FAKE_CURSOR', 'invalid', 'expected a cursor of ours');
    const gaps = found.slice(from, from + limit);
    return from + limit < found.length ? { gaps, cursor: String(from + limit) } : { gaps };
  }

  coverage({ sourceId, stream, edgesUs, exactMax }: Parameters<Vault['coverage']>[0]) {
    const [fromUs, toUs] = [edgesUs[0]!, edgesUs.at(-1)!];
    const mine = this.segments
      .filter((each) => each.sourceId === sourceId && each.stream === stream)
      .map(({ startUs, endUs }) => ({ startUs: Math.max(startUs, fromUs), endUs: Math.min(endUs, toUs) }))
      .filter(({ startUs, endUs }) => startUs < endUs)
      .sort((a, b) => a.startUs - b.startUs);
    const coveredUs = new Float64Array(edgesUs.length - 1).map((_, i) =>
      mine.reduce(
        (sum, { startUs, endUs }) =>
          sum + Math.max(0, Math.min(endUs, edgesUs[i + 1]!) - Math.max(startUs, edgesUs[i]!)),
        0,
      ),
    );
    const gaps = this.gaps({ sourceId, stream, fromUs, toUs, limit: exactMax + 1 });
    const gapsBegun = new Uint32Array(coveredUs.length).map(
      (_, i) => this.stored.filter(({ startUs }) => startUs >= edgesUs[i]! && startUs < edgesUs[i + 1]!).length,
    );
    return {
      coveredUs,
      stretches: mine.length <= exactMax ? mine : null,
      gaps: gaps.length <= exactMax ? gaps : null,
      gapsBegun,
    };
  }

  hints = new Map<SegmentId, Uint8Array>();
  keyframes(id: SegmentId) {
    return this.hints.get(id) ?? null;
  }

  async read(id: SegmentId): Promise<SegmentReading> {
    const segment = this.find(id);
    const bytes = this.bytes.get(id);
    if (!segment || !bytes) throw new NvrError('ERR_VAULT_SEGMENT_MISSING', 'missing', `expected ${id}`);
    this.open++;
    this.openEver++;
    let closed = false;
    return {
      segment,
      read: async (into, position) => {
        assert.ok(!closed, 'nothing is read after close');
        this.reads.push({ position, length: into.length });
        // A disk may answer less than asked.
        const part = bytes.subarray(position, position + Math.min(into.length, 100_000));
        into.set(part);
        return part.length;
      },
      close: async () => {
        assert.ok(!closed, 'closed once');
        closed = true;
        this.open--;
      },
    };
  }

  async fileKey(id: SegmentId) {
    if (this.sealed) throw new NvrError('ERR_VAULT_SEALED', 'denied', 'no key here');
    if (!this.find(id)) throw new NvrError('ERR_VAULT_SEGMENT_MISSING', 'missing', `expected ${id}`);
    return new Uint8Array(32).fill(0x66);
  }

  rewraps: Parameters<Vault['rewrap']>[0][] = [];
  async rewrap(request: Parameters<Vault['rewrap']>[0]): ReturnType<Vault['rewrap']> {
    this.rewraps.push(request);
    const files = request.cursor === undefined ? Math.min(3, request.limit) : 1;
    const cursor = files === 2 ? { cursor: `${'3f'.repeat(16)}.${files}` } : {};
    return { total: 3, files, rewritten: 2, dropped: 2, added: 1, faults: [], ...cursor };
  }

  status(): VaultStatus {
    return {
      segments: this.segments.length,
      sizeBytes: 1234,
      oldestUs: this.segments[0]?.startUs ?? null,
      freeBytes: 5,
      totalBytes: 10,
      state: 'ok',
      leaves: 3,
      daysLeft: 2.5,
    };
  }

  openStream(): never {
    throw new Error('commands do not write');
  }
  async start() {}
  async stop() {}
}

export const videoTrack = {
  id: 1,
  kind: 'video' as const,
  format: 'avc1',
  codec: 'avc1.64001f',
  timescale: 90_000,
  width: 1280,
  height: 720,
  parameterSets: [Uint8Array.of(0x67, 1, 2)],
  nalLengthSize: 4,
};

export function sourceView(
  id: string,
  streams: StreamName[] = ['main'],
  options: Partial<SourceView> = {},
): SourceView {
  return {
    id: id as SourceId,
    name: `Camera ${id}`,
    enabled: true,
    streams: streams.map((stream) => ({
      stream,
      streamId: '3f'.repeat(16) as StreamId,
      status: { state: 'running', since: START_AT, restarts: 0, tracks: [videoTrack], lastFragmentAt: START_AT + 200 },
    })),
    ...options,
  };
}

/** Paired devices in memory, with the rules of `identity` that commands rely on. */
export class FakeDevices implements DevicesView {
  held = new Map<DeviceKey, Access>();
  labels = new Map<DeviceKey, string>();
  /** What was asked of it, in order. */
  asked: unknown[][] = [];
  invited: Parameters<DevicesView['invite']>[0][] = [];
  stored: GrantView[] = [];
  #listeners = new Set<(change: AccessChange) => void>();

  /** Sets what a device may do, and tells so; null takes everything away. */
  set(device: DeviceKey, access: (Partial<Access> & { role: Role }) | null) {
    if (!access) this.held.delete(device);
    else
      this.held.set(device, {
        sources: 'all',
        rolesAt: new Map(),
        actions: 'all',
        pastMs: null,
        endsAt: null,
        ...access,
      });
    const change = { device, access: this.held.get(device) ?? null };
    for (const listener of this.#listeners) listener(change);
  }

  devices() {
    return [...this.held].map(([device, { role }]) => ({
      device,
      role,
      label: this.labels.get(device) ?? 'Desk',
      pairedAt: START_AT,
      lastSeenAt: START_AT,
      wrapKeyId: role === 'viewer' ? null : '0f'.repeat(16),
    }));
  }

  accessOf(device: DeviceKey) {
    return this.held.get(device) ?? null;
  }

  grants() {
    return this.stored;
  }

  judgedAt() {
    return START_AT;
  }

  async trustClock() {
    this.asked.push(['trustClock']);
  }

  async invite(wish: Parameters<DevicesView['invite']>[0]) {
    this.invited.push(wish);
    const expiresAt = START_AT + (wish.expiresMs ?? 0);
    return { id: '5a'.repeat(16), role: wish.role, expiresAt, secret: new Uint8Array(16).fill(0x5e) };
  }

  invitations() {
    return [{ id: '5a'.repeat(16), role: 'viewer' as const, expiresAt: START_AT, secret: new Uint8Array(16) }];
  }

  async withdraw(id: string) {
    this.asked.push(['withdraw', id]);
    return id === '5a'.repeat(16);
  }

  async grant(...asked: Parameters<DevicesView['grant']>) {
    this.asked.push(['grant', ...asked]);
    const [device, wish, by = deviceKey(0x7e)] = asked;
    return grantView(device, { ...wish, issuer: by });
  }

  async acceptGrant(...asked: Parameters<DevicesView['acceptGrant']>) {
    this.asked.push(['acceptGrant', ...asked]);
    return grantView(deviceKey(9), { issuer: asked[1] });
  }

  async revoke(...asked: Parameters<DevicesView['revoke']>) {
    this.asked.push(['revoke', ...asked]);
    return this.#take(asked[0]);
  }

  async remove(...asked: Parameters<DevicesView['remove']>) {
    this.asked.push(['remove', ...asked]);
    return this.#take(asked[0]);
  }

  async rename(device: DeviceKey, label: string) {
    if (!this.held.has(device)) return false;
    this.labels.set(device, label);
    return true;
  }

  onAccessChange(listener: (change: AccessChange) => void) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #take(device: DeviceKey): boolean {
    const found = this.held.has(device);
    if (found) this.set(device, null);
    return found;
  }
}

/** A grant as `identity` tells of it. */
export function grantView(device: DeviceKey, options: Partial<GrantView> = {}): GrantView {
  return {
    device,
    role: 'viewer',
    sources: 'all',
    rolesAt: [],
    actions: 'all',
    pastMs: null,
    notBefore: null,
    notAfter: null,
    generation: 1,
    issuer: deviceKey(4),
    createdAt: START_AT,
    state: 'in-force',
    ...options,
  };
}

/** Pairing by code where nothing waits. */
export class FakePairing implements PairingView {
  made: Parameters<PairingView['make']>[0][] = [];

  async make(wish: Parameters<PairingView['make']>[0]) {
    this.made.push(wish);
    const { role, approve, expiresMs } = wish;
    return { id: '5a'.repeat(16), digits: '04711815', role, approve, expiresAt: START_AT + expiresMs };
  }

  async cancel() {
    return false;
  }
  code() {
    return null;
  }
  triesLeftToday() {
    return 20;
  }
  pending() {
    return [];
  }
  async approve() {
    return null;
  }
  reject() {
    return false;
  }
  enrolments() {
    return [];
  }
  async confirm() {
    return false;
  }
}

/** One call as a test sees it. */
export interface Outcome {
  /** What was replied, by `reply` or by the resolved value; undefined while nothing was. */
  result: unknown;
  units: { bytes: Uint8Array; marks: UnitMarks }[];
  events: { name: string; params: unknown }[];
  /** Resolves when the handler has; rejects as it does. */
  ended: Promise<unknown>;
  cancel(): void;
  /** While true, `data` does not resolve. */
  held: boolean;
  /** Lets the pieces that wait go on. */
  release(): void;
  /** Units that wait in `data`. */
  readonly waiting: number;
}

/** As which device, on which channel, and what else its channel says of it. */
export type CallOptions = { as?: number; session?: string } & Partial<Pick<Caller, 'role' | 'via' | 'address'>>;

/** Cameras that tell nothing. */
const noEvents: EventsView = {
  list: () => ({ events: [] }),
  open: () => [],
  onChange: () => () => {},
  cameraTimeAt: () => null,
};

/** A node of fakes around the real commands. */
export function fakeNode(
  options: { live?: Parameters<typeof createLive>[1]; events?: (clock: SimulatedClock) => EventsView } = {},
) {
  const clock = new SimulatedClock(START_AT);
  const vault = new FakeVault();
  const devices = new FakeDevices();
  const live = createLive({ log: silentLog }, options.live);
  const sources: SourceView[] = [sourceView('front', ['main', 'sub'])];
  const logged: unknown[] = [];
  const write = (fields: unknown, text: string) => logged.push([fields, text]);
  const log = { ...silentLog, info: write, warn: write, error: write };
  for (const [octet, role] of [
    [1, 'viewer'],
    [2, 'operator'],
    [3, 'admin'],
    [4, 'owner'],
  ] as const) {
    devices.set(deviceKey(octet), { role });
  }
  const audited: AuditEntry[] = [];
  const cameras = fakeCameras(clock);
  const put: SourceWish[] = [];
  const deps: CommandDeps = {
    clock,
    log,
    vault,
    live,
    devices,
    pairing: new FakePairing(),
    sources: {
      list: () => sources,
      settings: () => assert.fail('no settings here'),
      upsert: async (wish) => {
        put.push(wish);
        return { created: true, changed: true, restarted: true };
      },
      remove: async (source) => sources.some(({ id }) => id === source),
      test: async () => ({
        result: { streams: [{ stream: 'main', ok: true, codec: 'h264', ms: 5 }], picture: 'main', advice: [] },
        picture: { init: new Uint8Array([1, 2]), fragment: new Uint8Array([3]) },
      }),
    },
    cameras: { discover: async () => ({ cameras: [], total: 0, complete: true, networks: [] }), ...cameras.view },
    events: options.events?.(clock) ?? noEvents,
    swarm: { status: () => null },
    audit: { note: (entry) => audited.push(entry), list: async () => ({ records: [] }), head: () => null },
    node: {
      nodeId: deviceKey(0x7e),
      version: '0.1.0',
      startedAt: START_AT,
      startedMonotonic: 0,
      channels: () => ({ open: 2, devices: [deviceKey(1)], bytesIn: 3, bytesOut: 4 }),
      warnings: () => ['storage: the disk is full'],
      writeInvitation: (invitation) => `https://viewer.example/#i=${invitation.id}`,
    },
  };
  const handle = createCommands(deps);

  /** Calls as a device; the result of a call that ends well is checked against the command's schema. */
  function call(method: string, params: unknown, options: CallOptions = {}): Outcome {
    const controller = new AbortController();
    const pending = new Set<() => void>();
    let replied = false;
    const outcome: Outcome = {
      result: undefined,
      units: [],
      events: [],
      ended: Promise.resolve(),
      held: false,
      cancel: () => controller.abort(),
      release() {
        for (const resolve of pending) resolve();
        pending.clear();
      },
      get waiting() {
        return pending.size;
      },
    };
    const { as = 4, session = 'ab', ...more } = options;
    const caller: Caller = { device: deviceKey(as), role: 'owner', sessionId: session, ...more };
    const request: Call = {
      caller,
      method,
      params,
      signal: controller.signal,
      stream: {
        reply(result) {
          assert.ok(!replied, 'replied once');
          replied = true;
          outcome.result = checked(method, result);
        },
        async data(unit, marks = {}) {
          assert.ok(replied, 'the reply stands before the data');
          assert.equal(pending.size, 0, 'one unit at a time');
          outcome.units.push({ bytes: unit.slice(), marks });
          if (outcome.held) await new Promise<void>((resolve) => pending.add(resolve));
          if (controller.signal.aborted) throw new NvrError('ERR_CHANNEL_CLOSED', 'cancelled', 'gone');
        },
        event: (name, params) => outcome.events.push({ name, params }),
      },
    };
    controller.signal.addEventListener('abort', () => outcome.release());
    outcome.ended = handle(request).then((value) => {
      if (value !== undefined) request.stream.reply(value);
      assert.ok(replied, 'every command replies');
      return outcome.result;
    });
    outcome.ended.catch(() => {});
    return outcome;
  }

  /** Calls and waits for the result. */
  async function ask<N extends CommandName>(name: N, params: unknown, options?: CallOptions) {
    return (await call(name, params, options).ended) as CommandResult<N>;
  }

  return { clock, vault, devices, live, cameras, sources, put, logged, audited, handle, call, ask };
}

function checked(method: string, result: unknown): unknown {
  const name = method.split('@')[0] as CommandName;
  const outcome = checkResult(name, result);
  assert.ok('result' in outcome, `${name}: ${'problems' in outcome ? outcome.problems : ''}`);
  assert.deepEqual(outcome.result, result, `${name} tells what its schema names and nothing else`);
  return outcome.result;
}

/** Asserts that a promise rejects with a code and kind. */
export async function refuses(promise: Promise<unknown>, code: string, kind: ErrorKind): Promise<NvrError> {
  const error = await promise.then(
    () => assert.fail(`expected ${code}`),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof NvrError, String(error));
  assert.deepEqual([error.code, error.kind], [code, kind]);
  return error;
}

/** Lets promises that are ready go on. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
}
