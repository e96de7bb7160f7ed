import { z } from 'zod';
import { command } from './command.ts';
import { field } from './fields.ts';

/** Most cameras of one discovery; a reply with that many still fits. */
export const DISCOVERED_MAX = 64;

/** Longest URL of a discovered camera that is told. */
export const DISCOVERED_URL_MAX = 200;

/** Longest name a discovered camera gives itself, `urn:uuid:…` as a rule. */
export const DISCOVERED_DEVICE_MAX = 100;

/** Visible ASCII that JSON need not escape. */
const visible = (most: number) =>
  z
    .string()
    .min(1)
    .max(most)
    .regex(/^[!#-[\]-~]+$/);

/** Asks the local network for ONVIF cameras. */
export const camerasDiscover = command({
  name: 'cameras.discover',
  version: 1,
  about:
    'Asks the networks this node is on for ONVIF cameras (WS-Discovery over IPv4) and tells who answered within three seconds.',
  params: z.strictObject({}),
  result: z.object({
    cameras: z
      .array(
        z.object({
          endpoint: visible(DISCOVERED_URL_MAX).meta({ description: 'URL of its device service, `http` or `https`' }),
          from: visible(24).meta({ description: 'address and port that answered' }),
          device: visible(DISCOVERED_DEVICE_MAX).meta({ description: 'how the camera calls itself for ever' }),
          name: field.label().optional(),
          hardware: field.label().optional(),
        }),
      )
      .max(DISCOVERED_MAX)
      .meta({ description: 'sorted by address; a camera with several URLs stands here several times' }),
    complete: z.boolean().meta({ description: 'false: more answered than are told' }),
  }),
  notes: [
    'Answers are hints: anybody on the network can send them, and nothing in them is proved. The node itself never opens these URLs because of them.',
    'Discoveries that run at the same time are one.',
  ],
  example: {
    params: {},
    result: {
      cameras: [
        {
          endpoint: 'http://192.168.1.20/onvif/device_service',
          from: '192.168.1.20:3702',
          device: 'urn:uuid:4f1d2e6c-5b7a-4c39-8e21-0a1b2c3d4e5f',
          name: 'Yard',
          hardware: 'IPC-2',
        },
      ],
      complete: true,
    },
  },
});

export type CamerasDiscoverResult = z.output<typeof camerasDiscover.result>;
