import { z } from 'zod';
import { command } from './command.ts';
import { field } from './fields.ts';
import { termsShape } from './grants.ts';

/** Most paired devices of one node. */
export const DEVICES_MAX = 64;

/** Most invitations that wait at once. */
export const INVITATIONS_MAX = 32;

/** How long an invitation is good for: by default, at least, at most. */
export const INVITATION_EXPIRES_MS = { standard: 600_000, min: 60_000, max: 86_400_000 } as const;

const device = '79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798';

/** Paired devices and waiting invitations. */
export const devicesList = command({
  name: 'devices.list',
  version: 1,
  about: 'Paired devices, and invitations that wait. Viewers and operators see themselves only.',
  params: z.strictObject({}),
  result: z.object({
    devices: z
      .array(
        z.object({
          device: field.hex(32),
          role: field.role().optional().meta({ description: 'absent: it may nothing now (`grants.list` tells why)' }),
          label: field.label(),
          pairedAt: field.at(),
          lastSeenAt: field.at(),
          wrapKeyId: field.hex(16).optional().meta({ description: 'id of its storage key; absent where it gave none' }),
          self: z.boolean().meta({ description: 'the asking device' }),
        }),
      )
      .max(DEVICES_MAX),
    invitations: z
      .array(z.object({ id: field.hex(16), role: field.role(), expiresAt: field.at() }))
      .max(INVITATIONS_MAX)
      .meta({ description: 'without their secrets' }),
  }),
  example: {
    params: {},
    result: {
      devices: [
        {
          device,
          role: 'owner',
          label: 'Desk',
          pairedAt: 1795000000000,
          lastSeenAt: 1795000060000,
          wrapKeyId: '0f1e2d3c4b5a69788796a5b4c3d2e1f0',
          self: true,
        },
      ],
      invitations: [],
    },
  },
});

/** A new one-time invitation. */
export const devicesInvite = command({
  name: 'devices.invite',
  version: 1,
  about: 'Makes a one-time invitation by which one more device may pair.',
  params: z.strictObject({
    role: field.role().default('viewer'),
    ...termsShape,
    expiresMs: z
      .int()
      .min(INVITATION_EXPIRES_MS.min)
      .max(INVITATION_EXPIRES_MS.max)
      .default(INVITATION_EXPIRES_MS.standard),
  }),
  result: z.object({
    id: field.hex(16),
    role: field.role(),
    expiresAt: field.at(),
    invitation: z
      .string()
      .max(2048)
      .regex(/^[\x21-\x7e]+$/)
      .meta({
        description: 'the text of docs/protocol/pairing.md; whoever has it may pair, so show it to its addressee only',
      }),
  }),
  notes: [
    'Admins invite viewers and operators, to at most the sources and actions they have themselves; owners invite anybody (`ERR_IDENTITY_GRANT_DENIED`, `ERR_IDENTITY_GRANT_TERMS`).',
    'The grant hangs on the asking device: when that one is removed, what it let in ends with it unless adopted.',
  ],
  example: {
    params: { role: 'viewer' },
    result: {
      id: '5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a',
      role: 'viewer',
      expiresAt: 1795000600000,
      invitation: 'https://viewer.example/#i=AVpaWlpaWlpaWlpaWlpaWlo',
    },
  },
});

/** Takes an invitation back. */
export const invitationsRemove = command({
  name: 'invitations.remove',
  version: 1,
  about: 'Takes an invitation back that waits: whoever opens it from then on is turned away.',
  params: z.strictObject({ id: field.hex(16).meta({ description: 'as `devices.list` tells it' }) }),
  result: z.object({ removed: z.boolean().meta({ description: 'false: it was used, has expired, or never was' }) }),
  notes: ['A device that came in by it already stays: `devices.remove`.'],
  example: { params: { id: '5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a' }, result: { removed: true } },
});

/** Unpairs a device. */
export const devicesRemove = command({
  name: 'devices.remove',
  version: 1,
  about: 'Unpairs a device: its channels are closed within a second and it is refused from then on.',
  params: z.strictObject({
    device: field.deviceKey(),
    adopt: z
      .boolean()
      .default(false)
      .meta({ description: 'true: what the device granted to others goes on, on the word of the asking device' }),
  }),
  result: z.object({ removed: z.boolean() }),
  notes: [
    'Every device may remove itself. Admins remove viewers and operators within their own sources and actions; owners anybody.',
    'What the device granted to others, or invited, ends with it, for good, unless adopted; those devices stay paired.',
    'The last owner cannot be removed while other devices are paired (`ERR_IDENTITY_LAST_OWNER`).',
    'Storage keys already handed out stay known to that device: removal is certain for the future, a matter of policy for the past.',
  ],
  example: { params: { device }, result: { removed: true } },
});

/** Gives a device another name. */
export const devicesRename = command({
  name: 'devices.rename',
  version: 1,
  about: 'Gives a device another name.',
  params: z.strictObject({ device: field.deviceKey(), label: field.label() }),
  result: z.object({ renamed: z.boolean() }),
  notes: ['Every device may rename itself. Admins rename viewers and operators; owners anybody.'],
  example: { params: { device, label: 'Kitchen tablet' }, result: { renamed: true } },
});

export type DevicesListResult = z.output<typeof devicesList.result>;
export type DevicesInviteResult = z.output<typeof devicesInvite.result>;
