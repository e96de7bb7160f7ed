import { z } from 'zod';
import { AUDIT_DETAIL_MAX, AUDIT_EVENTS, type AuditEvent } from '../audit-entry.ts';
import { AUDIT_DROP_CAUSES, AUDIT_LOSS_CAUSES, type AuditDropCause, type AuditLossCause } from '../audit-leaf.ts';
import { command } from './command.ts';
import { field } from './fields.ts';

/** Most entries of one page. */
export const AUDIT_PAGE_MAX = 100;

const names = <T extends string>(table: Readonly<Record<T, number>>) => Object.keys(table) as [T, ...T[]];

/** One line: what somebody did, or what the log says about itself. */
const lineShape = z.object({
  kind: z.enum(['entry', 'dropped', 'lost']),
  index: field.count().meta({ description: 'place in the log, from 0' }),
  at: field.at(),
  device: field
    .hex(32)
    .nullable()
    .meta({ description: 'who did it, or whose entries are lost; null where of several or of nobody proved' }),
  event: z.enum(names<AuditEvent>(AUDIT_EVENTS)).optional().meta({ description: 'of an entry' }),
  source: field.source().optional().meta({ description: 'the source an entry is about' }),
  from: field
    .at()
    .optional()
    .meta({ description: 'the span of recordings an entry is about; the time of what was lost' }),
  to: field.at().optional(),
  detail: z
    .string()
    .max(AUDIT_DETAIL_MAX)
    .regex(/^[\x20-\x7e]*$/)
    .optional()
    .meta({ description: 'of an entry: the command, the device it was done to, or why it was refused' }),
  address: z
    .string()
    .max(45)
    .regex(/^[0-9a-f.:]+$/)
    .optional()
    .meta({ description: 'where it came from, where that is known' }),
  cause: z
    .enum([...names<AuditDropCause>(AUDIT_DROP_CAUSES), ...names<AuditLossCause>(AUDIT_LOSS_CAUSES)])
    .optional()
    .meta({ description: 'why something was dropped (`age`, `size`) or lost (`disk`, `flood`, `torn`)' }),
  before: field.count().optional().meta({ description: 'everything before this place was dropped' }),
  count: field.count().optional().meta({ description: 'so many entries were lost' }),
});

/** The audit log. */
export const auditList = command({
  name: 'audit.list',
  version: 1,
  about: 'What was done at this node and by whom: the audit log (docs/formats/audit.md).',
  params: z
    .strictObject({
      from: field.at().optional(),
      to: field.at().optional(),
      device: field.deviceKey().optional().meta({ description: 'only what this device did' }),
      order: z.enum(['newest', 'oldest']).default('newest'),
      limit: z.int().min(1).max(AUDIT_PAGE_MAX).default(50),
      cursor: field
        .cursor()
        .optional()
        .meta({ description: 'as given by the page before, with the same other fields' }),
    })
    .refine(({ from, to }) => from === undefined || to === undefined || from <= to, 'from not after to'),
  result: z.object({
    entries: z.array(lineShape).max(AUDIT_PAGE_MAX),
    cursor: field.cursor().optional().meta({ description: 'continues the list; absent at its end' }),
    head: z
      .object({
        logId: field.hex(16),
        leaves: field.count(),
        root: field.hex(32),
        signedAt: field.at(),
      })
      .nullable()
      .meta({
        description: 'the last signed state; who keeps it can tell later whether anything was changed or cut off',
      }),
  }),
  notes: [
    'A page may have no entries and a `cursor`: the node looks at a bounded part of the log for each page.',
    '`dropped` and `lost` are what the log says about itself: what it forgot by age or size, and what it could not take.',
  ],
  example: {
    params: { limit: 1 },
    result: {
      entries: [
        {
          kind: 'entry',
          index: 41,
          at: 1795000000000,
          event: 'played',
          device: '79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798',
          source: 'front',
          from: 1794990000000,
          to: 1794990060000,
          detail: 'main',
          address: '192.0.2.7',
        },
      ],
      cursor: '40',
      head: {
        logId: '5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a',
        leaves: 40,
        root: '3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855f',
        signedAt: 1794999990000,
      },
    },
  },
});

export type AuditListResult = z.output<typeof auditList.result>;
