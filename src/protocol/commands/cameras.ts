import { z } from 'zod';
import { command } from './command.ts';
import { field } from './fields.ts';

/** Most cameras one reply tells of; a reply with that many still fits. */
export const DISCOVERED_MAX = 40;

/** Most cameras one search tells of, by notifications. */
export const DISCOVERED_TOLD_MAX = 256;

/** Longest URL of a discovered camera that is told, and most of one camera. */
export const DISCOVERED_URL_MAX = 200;
export const DISCOVERED_URLS_MAX = 3;

/** Longest name a discovered camera gives itself, `urn:uuid:…` as a rule. */
export const DISCOVERED_DEVICE_MAX = 100;

/** Most addresses one camera answered from, and most interfaces it was heard on, that are told. */
export const DISCOVERED_PLACES_MAX = 2;

/** Most networks of one search. */
export const DISCOVER_NETWORKS_MAX = 16;

/** Visible ASCII that JSON need not escape. */
const visible = (most: number) =>
  z
    .string()
    .min(1)
    .max(most)
    .regex(/^[!#-[\]-~]+$/);

/** Name of an interface, or one of its addresses. */
const interfaceText = () =>
  z
    .string()
    .min(1)
    .max(45)
    .regex(/^[A-Za-z0-9_.:@-]+$/);

/** A host name, an IPv4 address or an IPv6 address in brackets, and perhaps a port. */
const hostText = () =>
  z
    .string()
    .min(1)
    .max(253)
    .regex(/^(?:[A-Za-z0-9][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?$/)
    .refine((text) => Number(/:([0-9]+)$/.exec(text)?.[1] ?? 1) <= 65_535, 'a port up to 65535');

const networkShape = z.object({
  name: interfaceText().meta({ description: 'of the interface' }),
  address: visible(45).meta({ description: 'of this node there' }),
  asked: z.boolean().meta({ description: 'false: it could not be asked' }),
  port: z
    .int()
    .min(0)
    .max(65_535)
    .meta({ description: 'UDP port that answers come to: a firewall must let them in; 0 where it was not asked' }),
});

const discoveredShape = z.object({
  device: visible(DISCOVERED_DEVICE_MAX).meta({ description: 'how the camera calls itself for ever' }),
  urls: z.array(visible(DISCOVERED_URL_MAX)).min(1).max(DISCOVERED_URLS_MAX).meta({
    description: 'of its device service, `http` or `https`; those at an address it answered from stand first',
  }),
  from: z
    .array(visible(56))
    .min(1)
    .max(DISCOVERED_PLACES_MAX)
    .meta({ description: 'address and port that answered; two where somebody answered in its name, or it has two' }),
  interfaces: z.array(interfaceText()).max(DISCOVERED_PLACES_MAX).meta({ description: 'of this node, that heard it' }),
  name: field.label().optional(),
  hardware: field.label().optional().meta({ description: 'the model, as it calls itself' }),
  configured: field.source().optional().meta({ description: 'the source that has this address, or this camera' }),
});

const hostShape = z.object({
  url: visible(300).meta({ description: 'that was asked' }),
  onvif: z.enum(['answers', 'protected', 'other', 'silent']).meta({
    description:
      '`answers`: it said who it is without a password; `protected`: it speaks ONVIF and wants a user; `other`: something else answers there; `silent`: nobody does',
  }),
  cameraAt: field.at().optional().meta({ description: 'what its clock said' }),
  manufacturer: field.label().optional(),
  model: field.label().optional(),
  firmware: field.label().optional(),
});

/** Asks the local network for ONVIF cameras. */
export const camerasDiscover = command({
  name: 'cameras.discover',
  version: 1,
  about:
    'Asks the networks this node is on for ONVIF cameras (WS-Discovery over IPv4), or one host, and tells who answered: each camera at once by a notification, and the first 40 in the reply at the end.',
  params: z.strictObject({
    interfaces: z.array(interfaceText()).min(1).max(DISCOVER_NETWORKS_MAX).optional().meta({
      description: 'names or addresses of interfaces of the node; absent: those of its configuration, else all',
    }),
    seconds: z.int().min(1).max(10).default(3).meta({ description: 'how long; nothing that arrives makes it longer' }),
    host: hostText()
      .optional()
      .meta({ description: 'asks this host alone, wherever it is; a port is that of its device service' }),
  }),
  result: z.object({
    cameras: z
      .array(discoveredShape)
      .max(DISCOVERED_MAX)
      .meta({ description: 'sorted by address, one for each camera' }),
    total: z.int().min(0).max(DISCOVERED_TOLD_MAX).meta({ description: 'cameras told by notifications' }),
    complete: z.boolean().meta({ description: 'false: more answered than are told at all' }),
    networks: z.array(networkShape).max(DISCOVER_NETWORKS_MAX).meta({ description: 'that were asked' }),
    host: hostShape.optional().meta({ description: 'of the host that was named' }),
  }),
  events: {
    'cameras.found': {
      about: 'A camera answered, or more is known of one that was told (the same `device`).',
      params: discoveredShape,
    },
  },
  notes: [
    'Answers are hints: anybody on the network can send them, and nothing in them is proved. The node itself never opens these URLs because of them; only a `host` that the caller named is asked over HTTP, without credentials.',
    'Discoveries that ask the same at the same time are one; others wait for each other, at most eight (`ERR_CAMERAS_BUSY`).',
    'Further errors: `ERR_CAMERAS_INTERFACE` (no such interface has an IPv4 address), `ERR_CAMERAS_HOST` (the name leads to no address), `ERR_CAMERAS_SEARCH` (no network could be asked).',
  ],
  example: {
    params: {},
    result: {
      cameras: [
        {
          device: 'urn:uuid:4f1d2e6c-5b7a-4c39-8e21-0a1b2c3d4e5f',
          urls: ['http://192.168.1.20/onvif/device_service'],
          from: ['192.168.1.20:3702'],
          interfaces: ['eth1'],
          name: 'Yard',
          hardware: 'IPC-2',
          configured: 'yard',
        },
      ],
      total: 1,
      complete: true,
      networks: [{ name: 'eth1', address: '192.168.1.2', asked: true, port: 33702 }],
    },
  },
});

export type CamerasDiscoverResult = z.output<typeof camerasDiscover.result>;
/** One camera that answered; a hint. */
export type DiscoveredCamera = z.output<typeof discoveredShape>;
/** A network that was to be asked. */
export type DiscoverNetwork = z.output<typeof networkShape>;
/** What became of the host that was named. */
export type DiscoveredHost = z.output<typeof hostShape>;
