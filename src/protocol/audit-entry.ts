import type { DeviceKey, SourceId } from './ids.ts';

/** What the audit log tells of; numbers are written in the leaves and never reused (docs/formats/audit.md). */
export const AUDIT_EVENTS = {
  connected: 1,
  disconnected: 2,
  'connect-refused': 3,
  paired: 4,
  'pair-refused': 5,
  'live-viewed': 6,
  played: 7,
  exported: 8,
  changed: 9,
  'command-refused': 10,
  granted: 11,
  revoked: 12,
  started: 13,
  stopped: 14,
} as const;
export type AuditEvent = keyof typeof AUDIT_EVENTS;

/** Most characters of an entry's `detail`; longer ones are cut. */
export const AUDIT_DETAIL_MAX = 64;

/** One line of the audit log, before it has a place in it. Never a secret, an address with a password, or a key's secret half. */
export interface AuditEntry {
  event: AuditEvent;
  /** Epoch ms. */
  at: number;
  /** Who did it; null where nobody is proved (a refused stranger, the node itself). */
  device: DeviceKey | null;
  /** The source it was about, or null. */
  source: SourceId | null;
  /** The span of recordings it was about, epoch ms, or null. */
  span: { from: number; to: number } | null;
  /** The command (`segments.get`), the device it was done to, or why it was refused; printable ASCII, cut at 64. */
  detail: string;
  /** Where it came from, numeric, without port; empty where unknown. At most 45 characters. */
  address: string;
}

/** Where rooms tell what happened. It never throws and never waits: what cannot be written is counted and alarmed. */
export interface AuditSink {
  note(entry: AuditEntry): void;
}
