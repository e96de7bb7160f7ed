import { z } from 'zod';
import { ZONES_MAX } from '../swarm/zone.ts';
import { command } from './command.ts';
import { field } from './fields.ts';

/** Most peers, and most records, of one page. */
export const SWARM_PAGE_MAX = 32;

/** Most reasons for which things are refused. */
export const SWARM_REASONS_MAX = 64;

/** Most sockets a node listens on. */
export const SWARM_SOCKETS_MAX = 8;

const address = () =>
  z
    .string()
    .max(72)
    .regex(/^[0-9A-Za-z.:%_[\]-]+$/)
    .meta({ description: '`host:port`, the host numeric' });
const zoneKey = () =>
  z
    .string()
    .length(20)
    .regex(/^[A-Za-z0-9_-]+$/);
const word = (most: number) =>
  z
    .string()
    .max(most)
    .regex(/^[a-z0-9-]*$/);
const from = () => z.int().min(0).max(1_000_000).default(0);

/** Who is there. */
export const swarmStatus = command({
  name: 'swarm.status',
  version: 1,
  about: 'Who is there: peers and records of the swarm, and what was refused, by reason.',
  params: z.strictObject({
    peersFrom: from().meta({ description: 'how many peers to leave out at the front' }),
    recordsFrom: from().meta({ description: 'how many records to leave out at the front' }),
  }),
  result: z.object({
    enabled: z.boolean().meta({ description: 'false where the node is in no swarm; then all else is empty' }),
    listening: z.array(address()).max(SWARM_SOCKETS_MAX),
    zones: z
      .array(z.object({ key: zoneKey(), name: field.label() }))
      .max(ZONES_MAX)
      .meta({ description: 'whoever knows a key is a member' }),
    peersTotal: field.count(),
    peersConfirmed: field.count(),
    peers: z
      .array(
        z.object({
          address: address(),
          configured: z.boolean(),
          kind: z.enum(['gateway', 'peer', 'node', 'stranger']),
          device: field.hex(32).nullable().meta({ description: 'said (old wire) or proved (our form)' }),
          proved: z.boolean(),
          confirmed: z.boolean().meta({ description: 'it answered lately, so it hears us and we hear it' }),
          lastSeenAt: field.at().nullable(),
          confirmedAt: field.at().nullable().meta({ description: 'since when' }),
          zones: z.array(zoneKey()).max(ZONES_MAX),
          datagramsIn: field.count(),
          datagramsOut: field.count(),
          bytesIn: field.count(),
          bytesOut: field.count(),
        }),
      )
      .max(SWARM_PAGE_MAX)
      .meta({ description: 'configured ones first' }),
    recordsTotal: field.count(),
    records: z
      .array(
        z.object({
          type: z.enum(['device', 'identity', 'dht', 'presence']),
          device: field.hex(32).meta({ description: 'the author' }),
          zone: zoneKey(),
          role: word(32),
          updatedAt: field.at().meta({ description: 'as it says itself' }),
          receivedAt: field.at(),
          from: address(),
        }),
      )
      .max(SWARM_PAGE_MAX)
      .meta({ description: 'received last first' }),
    counters: z.object({
      datagramsIn: field.count(),
      datagramsOut: field.count(),
      bytesIn: field.count(),
      bytesOut: field.count(),
      sendErrors: field.count(),
      recordsAdmitted: field.count(),
      signatureChecks: field.count(),
      refused: z
        .array(z.object({ reason: word(16), count: field.count() }))
        .max(SWARM_REASONS_MAX)
        .meta({ description: 'reasons: docs/protocol/swarm.md' }),
    }),
  }),
  notes: ['A longer list is read page by page; between two pages it may change.'],
  example: {
    params: {},
    result: {
      enabled: true,
      listening: ['0.0.0.0:4050'],
      zones: [{ key: 'ZLoI5dHO2oBisXbfazo6', name: 'Home' }],
      peersTotal: 1,
      peersConfirmed: 1,
      peers: [
        {
          address: '192.0.2.7:4050',
          configured: true,
          kind: 'node',
          device: '79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798',
          proved: true,
          confirmed: true,
          lastSeenAt: 1795000060000,
          confirmedAt: 1795000001000,
          zones: ['ZLoI5dHO2oBisXbfazo6'],
          datagramsIn: 41,
          datagramsOut: 40,
          bytesIn: 5120,
          bytesOut: 5090,
        },
      ],
      recordsTotal: 1,
      records: [
        {
          type: 'device',
          device: '79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798',
          zone: 'ZLoI5dHO2oBisXbfazo6',
          role: 'native',
          updatedAt: 1795000060000,
          receivedAt: 1795000060040,
          from: '192.0.2.7:4050',
        },
      ],
      counters: {
        datagramsIn: 43,
        datagramsOut: 40,
        bytesIn: 7520,
        bytesOut: 5090,
        sendErrors: 0,
        recordsAdmitted: 1,
        signatureChecks: 2,
        refused: [{ reason: 'stranger', count: 2 }],
      },
    },
  },
});

export type SwarmStatusResult = z.output<typeof swarmStatus.result>;
