import { toHex } from '../bytes/index.ts';
import { isNvrError } from '../errors.ts';
import { type AuditListResult, type CheckedParams, TIME_AT_MAX } from '../protocol/index.ts';
import type { AuditPage, AuditRecord } from '../vault/index.ts';
import { paramsRefused } from './errors.ts';
import type { CommandDeps, Family } from './handler.ts';
import type { AuditView } from './views.ts';

/** `audit.list`. */
export function auditCommands({ audit }: Pick<CommandDeps, 'audit'>): Family<'audit.list'> {
  return {
    async 'audit.list'({ params }) {
      const page = await pageOf(audit, params);
      const head = audit.head();
      return {
        entries: page.records.map(auditLine),
        ...(page.cursor === undefined ? {} : { cursor: page.cursor }),
        head: head && {
          logId: toHex(head.logId),
          leaves: head.count,
          root: toHex(head.root),
          signedAt: timeOf(head.at),
        },
      };
    },
  };
}

/** A cursor that the log does not know is the caller's fault. */
async function pageOf(
  audit: AuditView,
  { from, to, device, order, limit, cursor }: CheckedParams<'audit.list'>,
): Promise<AuditPage> {
  const wishes = { from, to, device, cursor };
  const given = Object.fromEntries(Object.entries(wishes).filter(([, value]) => value !== undefined));
  try {
    return await audit.list({ ...given, order, limit });
  } catch (error) {
    if (isNvrError(error, 'invalid')) throw paramsRefused('cursor: expected one of a page before');
    throw error;
  }
}

/** A record as `audit.list` tells it. */
export function auditLine({ index, statement }: AuditRecord): AuditListResult['entries'][number] {
  if (statement.type === 'entry') {
    const { at, event, device, source, span, detail, address } = statement.entry;
    return {
      kind: 'entry',
      index,
      at: timeOf(at),
      device,
      event,
      ...(source === null ? {} : { source }),
      ...(span === null ? {} : { from: timeOf(span.from), to: timeOf(span.to) }),
      detail,
      ...(address === '' ? {} : { address }),
    };
  }
  const line = { index, at: timeOf(statement.at), cause: statement.cause };
  if (statement.type === 'dropped') return { kind: 'dropped', ...line, device: null, before: statement.before };
  const { count, from, to, device } = statement;
  return { kind: 'lost', ...line, device, count, from: timeOf(from), to: timeOf(to) };
}

/** The log takes any time; the wire ends in 2255. */
function timeOf(at: number): number {
  return Math.min(at, TIME_AT_MAX);
}
