import { z } from 'zod';
import { ACTIONS } from '../access.ts';
import { EVENT_LIMITS } from '../event.ts';
import { GRANT_GENERATION_MAX, GRANT_PAST_MS_MAX, GRANT_SOURCES_MAX } from '../grant.ts';
import type { DeviceKey, SourceId } from '../ids.ts';
import { command } from './command.ts';
import { field } from './fields.ts';

/** Most grants on one page: each may name 64 sources, and a role at each. */
export const GRANTS_PAGE_MAX = 5;

const device = '79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798' as DeviceKey;
const issuer = 'c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5' as DeviceKey;

const roleAtShape = { source: field.sourceId(), role: field.role() };
const ROLES_AT = 'lower roles at some of these sources: what it is only there; absent: none';

/** What a grant or an invitation may be narrowed to; what is absent is not narrowed. */
export const termsShape = {
  sources: z
    .array(field.sourceId())
    .min(1)
    .max(GRANT_SOURCES_MAX)
    .optional()
    .meta({ description: 'the only sources it may know of; absent: all' }),
  rolesAt: z
    .array(z.strictObject(roleAtShape))
    .min(1)
    .max(GRANT_SOURCES_MAX)
    .optional()
    .meta({ description: ROLES_AT }),
  actions: z
    .array(z.enum(ACTIONS))
    .min(1)
    .max(ACTIONS.length)
    .optional()
    .meta({ description: 'the only actions of its role; absent: all of them' }),
  pastMs: z
    .int()
    .min(1)
    .max(GRANT_PAST_MS_MAX)
    .optional()
    .meta({ description: 'how far back recordings may be seen; absent: all' }),
  notBefore: field.at().optional().meta({ description: 'absent: at once' }),
  notAfter: field.at().optional().meta({ description: 'absent: it does not end by time' }),
};

/** The same in a reply. */
export const toldTermsShape = {
  ...termsShape,
  rolesAt: z.array(z.object(roleAtShape)).max(GRANT_SOURCES_MAX).optional().meta({ description: ROLES_AT }),
};

const grantShape = z.object({
  device: field.deviceKey(),
  role: field.role(),
  ...toldTermsShape,
  generation: z.int().min(1).max(GRANT_GENERATION_MAX),
  issuer: field.deviceKey().meta({ description: 'whose authority it hangs on; the node itself: on nobody’s' }),
  createdAt: field.at(),
  state: z.enum(['in-force', 'waiting', 'ended', 'cut-off']).meta({
    description: '`waiting` to begin, `ended` by time, `cut-off`: its issuer may not give it (any more)',
  }),
});

/** An event of grants.md, signed by the asking device. */
const eventShape = z.strictObject({
  id: field.hex(32),
  pubkey: field.deviceKey(),
  created_at: field.count(),
  kind: field.count(),
  tags: z.array(z.array(z.string().max(EVENT_LIMITS.tagText)).max(EVENT_LIMITS.tagTexts)).max(EVENT_LIMITS.tags),
  content: z.string().max(EVENT_LIMITS.content),
  sig: field.hex(64),
});

/** What the asking device may. */
export const accessGet = command({
  name: 'access.get',
  version: 1,
  about:
    'What the asking device may at this moment: its own grant, narrowed by what whoever granted it may still give. What is absent is not narrowed.',
  params: z.strictObject({}),
  result: z.object({
    role: field.role(),
    actions: z
      .array(z.enum(ACTIONS))
      .max(ACTIONS.length)
      .meta({ description: 'all that it may where its role is not a lower one, in the order of the table above' }),
    sources: z
      .array(field.sourceId())
      .max(GRANT_SOURCES_MAX)
      .optional()
      .meta({ description: 'the only sources it may know of; absent: all, also those that come later' }),
    rolesAt: z
      .array(z.object(roleAtShape))
      .max(2 * GRANT_SOURCES_MAX)
      .optional()
      .meta({
        description: 'lower roles at some of these sources, its own and those of whoever granted it; absent: none',
      }),
    pastMs: termsShape.pastMs,
    endsAt: field.at().optional().meta({ description: 'when it ends by time; absent: it does not' }),
    judgedAt: field.at().meta({ description: 'the time by which grants are judged' }),
  }),
  notes: [
    '`sources.list` tells the same for each source. A device that may nothing any more has no channel to ask on.',
  ],
  example: {
    params: {},
    result: {
      role: 'operator',
      actions: ['live', 'playback', 'ptz'],
      rolesAt: [{ source: 'nursery' as SourceId, role: 'viewer' }],
      endsAt: 1795003600000,
      judgedAt: 1795000060000,
    },
  },
});

/** Who may what, and on whose word. */
export const grantsList = command({
  name: 'grants.list',
  version: 1,
  about: 'The grants of paired devices, by device key. Viewers and operators see their own only.',
  params: z.strictObject({
    device: field.deviceKey().optional().meta({ description: 'this device only' }),
    limit: z.int().min(1).max(GRANTS_PAGE_MAX).default(GRANTS_PAGE_MAX),
    cursor: field.cursor().optional(),
  }),
  result: z.object({
    judgedAt: field.at().meta({ description: 'the time by which grants are judged; never runs back' }),
    clockAt: field.at().meta({ description: 'the node’s clock' }),
    grants: z.array(grantShape).max(GRANTS_PAGE_MAX),
    cursor: field.cursor().optional().meta({ description: 'asks for the next page; absent on the last' }),
  }),
  notes: [
    'A device without a grant is in `devices.list` and not here.',
    'Where `judgedAt` is far ahead of `clockAt`, the clock ran ahead once: see `grants.clock`.',
  ],
  example: {
    params: {},
    result: {
      judgedAt: 1795000060000,
      clockAt: 1795000060000,
      grants: [
        {
          device,
          role: 'viewer',
          sources: ['front' as SourceId],
          pastMs: 604800000,
          generation: 3,
          issuer,
          createdAt: 1795000000000,
          state: 'in-force',
        },
      ],
    },
  },
});

/** Puts a grant in the place of what a device has. */
export const grantsPut = command({
  name: 'grants.put',
  version: 1,
  about:
    'Puts a grant in the place of what a device has: either `grant`, an event that the asking device signed itself, or `device`, `role` and the terms, which the node signs on the word of the asking device.',
  params: z
    .strictObject({
      grant: eventShape.optional().meta({ description: 'kind 27421, grants.md section 2' }),
      device: field.deviceKey().optional(),
      role: field.role().optional(),
      ...termsShape,
    })
    .refine(isOneWay, { path: ['grant'], error: 'either grant alone, or device and role' }),
  result: grantShape,
  notes: [
    'Admins grant viewers and operators, at most the sources, roles at them and actions they have themselves, and replace no grant of an admin or owner; owners grant anything. Nobody grants to itself or to whom its own right comes from.',
    'A signed grant must be fresh (10 minutes) and carry the next generation of its device (`ERR_IDENTITY_GRANT_OUTDATED`: list, sign again).',
    'The device must be paired, or listed by the pinned identity (`ERR_IDENTITY_DEVICE_UNKNOWN`).',
    'Errors of the rules: `ERR_IDENTITY_GRANT_DENIED`, `ERR_IDENTITY_GRANT_TERMS`, `ERR_IDENTITY_GRANT_REFUSED`, `ERR_IDENTITY_LAST_OWNER`.',
  ],
  example: {
    params: {
      device,
      role: 'operator',
      rolesAt: [{ source: 'nursery' as SourceId, role: 'viewer' }],
      pastMs: 604800000,
    },
    result: {
      device,
      role: 'operator',
      rolesAt: [{ source: 'nursery' as SourceId, role: 'viewer' }],
      pastMs: 604800000,
      generation: 3,
      issuer,
      createdAt: 1795000000000,
      state: 'in-force',
    },
  },
});

/** Takes a grant away. */
export const grantsRevoke = command({
  name: 'grants.revoke',
  version: 1,
  about: 'Takes a device’s grant away and leaves it paired: it may nothing until it is granted something again.',
  params: z.strictObject({
    device: field.deviceKey(),
    adopt: z
      .boolean()
      .default(false)
      .meta({ description: 'true: what the device granted to others goes on, on the word of the asking device' }),
  }),
  result: z.object({ revoked: z.boolean().meta({ description: 'false: it had no grant' }) }),
  notes: [
    'Running calls of the device end within a second. What hung on its grant ends with it, for good, unless adopted.',
    'Every device may give its own grant up. Admins revoke viewers and operators within their own sources and actions; owners anybody; the last owner stays (`ERR_IDENTITY_LAST_OWNER`).',
  ],
  example: { params: { device }, result: { revoked: true } },
});

/** The way out after a clock ran ahead. */
export const grantsClock = command({
  name: 'grants.clock',
  version: 1,
  about:
    'Takes the node’s clock as it is for the time by which grants are judged, also where it stands behind a time known before. Look at the clock first: a grant that had ended may hold again.',
  params: z.strictObject({}),
  result: z.object({ judgedAt: field.at() }),
  example: { params: {}, result: { judgedAt: 1795000060000 } },
});

export type GrantsListResult = z.output<typeof grantsList.result>;
export type AccessGetResult = z.output<typeof accessGet.result>;
export type GrantFacts = z.output<typeof grantShape>;

function isOneWay({ grant, device: subject, role, ...terms }: Record<string, unknown>): boolean {
  const named = [subject, role, ...Object.values(terms)].filter((each) => each !== undefined);
  return grant === undefined ? subject !== undefined && role !== undefined : named.length === 0;
}
