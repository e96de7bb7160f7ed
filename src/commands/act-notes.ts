import type { Clock } from '../platform/index.ts';
import {
  type AuditEvent,
  type AuditSink,
  type Call,
  type Caller,
  type CommandName,
  type DeviceKey,
  methodOf,
  type SourceId,
} from '../protocol/index.ts';

/** Most acts that are remembered so as not to be told again; what is forgotten is told twice, never not at all. */
const ACTS_MAX = 2_048;
/** How long a reading goes on as the same act. */
const READING_MS = 3_600_000;
/** How long the same refusal of the same device is told once. */
const REFUSAL_MS = 60_000;

interface Act {
  from: number;
  to: number;
  /** Monotonic ms. */
  at: number;
}

/** Tells the audit log what devices did: one entry for each act, not for each page or piece of it. */
export class ActNotes {
  readonly #clock: Clock;
  readonly #audit: AuditSink;
  /** By what makes an act the same, oldest first. */
  readonly #acts = new Map<string, Act>();

  constructor({ clock, audit }: { clock: Clock; audit: AuditSink }) {
    this.#clock = clock;
    this.#audit = audit;
  }

  /** A live subscription began. */
  viewed({ caller }: Call, source: SourceId): void {
    this.#note('live-viewed', caller, { source });
  }

  /** A single picture of now was handed out: told once an hour for each channel and source. */
  glimpsed({ caller }: Call, source: SourceId): void {
    const key = `glimpsed ${caller.sessionId} ${source}`;
    if (this.#recent(key, READING_MS)) return;
    this.#remember(key, { from: 0, to: 0, at: this.#clock.monotonic() });
    this.#note('live-viewed', caller, { source, detail: 'snapshot' });
  }

  /**
   * Recordings of a span (epoch ms) were handed out with their keys. Told once for each channel, stream and purpose as long as the
   * new span touches the one told last: pages and pieces of one reading do.
   */
  read({ caller }: Call, place: { source: SourceId; stream: string }, span: Span, purpose: 'play' | 'export'): void {
    const key = `read ${caller.sessionId} ${place.source} ${place.stream} ${purpose}`;
    const { from, to } = span;
    const last = this.#recent(key, READING_MS);
    const isInside = last && (span.piece ? from < last.to && to > last.from : from >= last.from && to <= last.to);
    if (isInside) return;
    this.#remember(key, { from, to, at: this.#clock.monotonic() });
    const event = purpose === 'export' ? 'exported' : 'played';
    this.#note(event, caller, { source: place.source, span: { from, to }, detail: place.stream });
  }

  /** A command was refused, and why. */
  refused({ caller }: Call, command: CommandName, reason: string, source: SourceId | null): void {
    const key = `refused ${caller.device} ${caller.via ?? ''} ${command} ${source ?? ''} ${reason}`;
    if (this.#recent(key, REFUSAL_MS)) return;
    this.#remember(key, { from: 0, to: 0, at: this.#clock.monotonic() });
    this.#note('command-refused', caller, { source, detail: `${methodOf(command)}: ${reason}` });
  }

  /** Something was changed: at a device, a source, or the node. */
  changed({ caller }: Call, event: AuditEvent, command: CommandName, about: About): void {
    const detail =
      event === 'changed' || !about.device ? [methodOf(command), about.device].join(' ').trim() : about.device;
    this.#note(event, caller, { source: about.source, detail });
  }

  #note(
    event: AuditEvent,
    caller: Caller,
    { source = null, span = null, detail = '' }: { source?: SourceId | null; span?: Span | null; detail?: string },
  ): void {
    const { device, address = '' } = caller;
    const told = span && { from: span.from, to: span.to };
    this.#audit.note({
      event,
      at: this.#clock.now(),
      device,
      source,
      span: told,
      detail: detail.slice(0, 64),
      address,
    });
  }

  #recent(key: string, ms: number): Act | null {
    const act = this.#acts.get(key);
    return act && this.#clock.monotonic() - act.at < ms ? act : null;
  }

  #remember(key: string, act: Act): void {
    this.#acts.delete(key);
    this.#acts.set(key, act);
    if (this.#acts.size <= ACTS_MAX) return;
    const [oldest] = this.#acts.keys();
    if (oldest !== undefined) this.#acts.delete(oldest);
  }
}

interface Span {
  from: number;
  to: number;
  /** One segment: it belongs to a reading that it touches. */
  piece?: boolean;
}

interface About {
  source: SourceId | null;
  device: DeviceKey | null;
}
