import type { CommandResult } from '../../engine/messages.ts';

type Entry = CommandResult<'audit.list'>['entries'][number];

/** What the audit log may be narrowed to. */
export const AUDIT_GROUPS = ['all', 'seen', 'access', 'changed', 'refused', 'node'] as const;
export type AuditGroup = (typeof AUDIT_GROUPS)[number];

const GROUPS: Readonly<Record<NonNullable<Entry['event']>, Exclude<AuditGroup, 'all'>>> = {
  'live-viewed': 'seen',
  played: 'seen',
  exported: 'seen',
  connected: 'access',
  disconnected: 'access',
  paired: 'access',
  granted: 'access',
  revoked: 'access',
  changed: 'changed',
  'connect-refused': 'refused',
  'pair-refused': 'refused',
  'command-refused': 'refused',
  started: 'node',
  stopped: 'node',
};

/** The group an entry belongs to; what the log says about itself belongs to the node. */
export function groupOf(entry: Pick<Entry, 'kind' | 'event'>): Exclude<AuditGroup, 'all'> {
  return entry.kind === 'entry' && entry.event ? GROUPS[entry.event] : 'node';
}
