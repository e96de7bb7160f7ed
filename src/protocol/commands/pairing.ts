import { z } from 'zod';
import type { DeviceKey } from '../ids.ts';
import { PAIRING_CODE_EXPIRES_MS, PAIRING_TRIES } from '../pairing-code.ts';
import { command } from './command.ts';
import { field } from './fields.ts';
import { termsShape, toldTermsShape } from './grants.ts';

/** Most devices, and most answers to our enrolment, that wait for somebody's decision at once: all of them are one reply. */
export const PENDING_MAX = 5;

const device = '79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798' as DeviceKey;
const fingerprint = '79be 667e f9dc bbac 55a0 6295 ce87 0b07';

const fingerprintShape = () =>
  z
    .string()
    .length(39)
    .regex(/^[0-9a-f ]+$/)
    .meta({ description: 'the first 128 bits of the key in groups of four' });
const codeShape = {
  id: field.hex(16),
  role: field.role(),
  approve: z.boolean().meta({ description: 'somebody must approve the device that comes with it' }),
  expiresAt: field.at(),
};

/** A new typed code. */
export const pairingCode = command({
  name: 'pairing.code',
  version: 1,
  about: 'Makes a code of eight digits by which one more device may pair, in place of any code that waits.',
  params: z.strictObject({
    role: field.role().default('viewer'),
    ...termsShape,
    approve: z.boolean().default(false),
    expiresMs: z
      .int()
      .min(PAIRING_CODE_EXPIRES_MS.min)
      .max(PAIRING_CODE_EXPIRES_MS.max)
      .default(PAIRING_CODE_EXPIRES_MS.standard),
  }),
  result: z.object({
    ...codeShape,
    code: z
      .string()
      .length(8)
      .regex(/^[0-9]+$/)
      .meta({ description: 'to be typed on the new device; told here and never again' }),
  }),
  notes: [
    'Admins make codes for viewers and operators, to at most the sources and actions they have themselves; owners for anybody. The grant hangs on the asking device.',
    'The node may be configured to demand approval of every code; `approve` of the result tells.',
    `A code takes ${PAIRING_TRIES.perCode} wrong guesses, a node ${PAIRING_TRIES.perDay} in 24 hours (\`ERR_IDENTITY_CODE_TRIES\` afterwards).`,
  ],
  example: {
    params: { role: 'viewer', approve: true },
    result: {
      id: '5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a',
      role: 'viewer',
      approve: true,
      expiresAt: 1795000600000,
      code: '04711815',
    },
  },
});

/** Takes the code back. */
export const pairingCancel = command({
  name: 'pairing.cancel',
  version: 1,
  about: 'Takes the typed code that waits back.',
  params: z.strictObject({}),
  result: z.object({ cancelled: z.boolean() }),
  example: { params: {}, result: { cancelled: true } },
});

/** Who waits for a decision. */
export const pairingPending = command({
  name: 'pairing.pending',
  version: 1,
  about:
    'The typed code that waits, devices that wait for approval, and answers to an enrolment that nobody vouched for yet.',
  params: z.strictObject({}),
  result: z.object({
    code: z
      .object({ ...codeShape, triesLeft: field.count() })
      .nullable()
      .meta({ description: 'without its digits; null where none waits' }),
    triesLeftToday: field.count().meta({ description: 'wrong guesses until pairing by code pauses' }),
    devices: z
      .array(
        z.object({
          device: field.deviceKey(),
          fingerprint: fingerprintShape(),
          label: field.label().meta({ description: 'what it calls itself: nobody vouches for that' }),
          role: field.role().meta({ description: 'what its code promised, as the terms below' }),
          ...toldTermsShape,
          since: field.at(),
          expiresAt: field.at(),
          present: z.boolean().meta({ description: 'it waits on an open channel' }),
        }),
      )
      .max(PENDING_MAX),
    enrolments: z
      .array(
        z.object({
          signer: field.deviceKey(),
          fingerprint: fingerprintShape(),
          identityId: z
            .string()
            .length(19)
            .regex(/^[A-Za-z0-9_-]+$/),
          identityLabel: field.label(),
          at: field.at(),
        }),
      )
      .max(PENDING_MAX)
      .meta({ description: 'identities whose device of this key claims to have taken this node in' }),
  }),
  example: {
    params: {},
    result: {
      code: null,
      triesLeftToday: 20,
      devices: [
        {
          device,
          fingerprint,
          label: 'Kitchen tablet',
          role: 'viewer',
          since: 1795000000000,
          expiresAt: 1795000600000,
          present: true,
        },
      ],
      enrolments: [],
    },
  },
});

/** Lets a waiting device in. */
export const pairingApprove = command({
  name: 'pairing.approve',
  version: 1,
  about: 'Lets exactly the waiting device of this key in.',
  params: z.strictObject({
    device: field.deviceKey(),
    fingerprint: fingerprintShape(),
    role: field.role(),
    ...termsShape,
    label: field.label().optional().meta({ description: 'what to call it; absent: what it calls itself' }),
  }),
  result: z.object({
    approved: z.boolean(),
    role: field.role().optional().meta({ description: 'the role it has now' }),
  }),
  notes: [
    'Compare the fingerprint with the one the new device shows, then send the one that was compared: `ERR_COMMANDS_FINGERPRINT` where it is not that of the key.',
    'Admins let viewers and operators in, to at most the sources and actions they have themselves; owners anybody. The grant hangs on the asking device, and has the terms of this call: those of the code count only where they are sent again.',
    '`approved` is false where no such device waits (any more).',
  ],
  example: { params: { device, fingerprint, role: 'viewer' }, result: { approved: true, role: 'viewer' } },
});

/** Turns a waiting device away. */
export const pairingReject = command({
  name: 'pairing.reject',
  version: 1,
  about: 'Turns a waiting device away.',
  params: z.strictObject({ device: field.deviceKey() }),
  result: z.object({ rejected: z.boolean() }),
  example: { params: { device }, result: { rejected: true } },
});

/** Decides on an answer to our enrolment. */
export const pairingConfirm = command({
  name: 'pairing.confirm',
  version: 1,
  about: 'Accepts or dismisses the answer of a key to this node’s enrolment with an identity.',
  params: z.strictObject({ signer: field.deviceKey(), fingerprint: fingerprintShape(), accept: z.boolean() }),
  result: z.object({ done: z.boolean() }),
  notes: [
    'Accepting trusts that key to speak for the identity: compare its fingerprint on the device itself.',
    '`done` is false where no such answer waits (any more).',
  ],
  example: { params: { signer: device, fingerprint, accept: true }, result: { done: true } },
});
