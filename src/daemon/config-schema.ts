import { z } from 'zod';
import { SOURCE_ID_RULE } from '../protocol/index.ts';
import { age, duration, list, oneOf, origin, parsed, size, viewerUrl, whole, yesNo } from './config-fields.ts';
import { parseListenAddress } from './listen-address.ts';
import {
  enrolShape,
  identityShape,
  peerShape,
  swarmShape,
  v1DeviceShape,
  v1Shape,
  zoneShape,
} from './network-schema.ts';
import { recordShape, sourceShape, virtualShape } from './source-schema.ts';
import { isTimezone } from './week-schedule.ts';

/** Most sources of one node. */
export const SOURCES_MAX = 256;

/** How the node deals with the network of its cameras. */
const camerasShape = z.object({
  discovery_port: whole(0, 65_535).default(33_702),
  interfaces: list(
    parsed('the name or the IPv4 address of a network interface', (text) =>
      /^[A-Za-z0-9][A-Za-z0-9_.:@-]{0,63}$/.test(text) ? text : null,
    ),
    16,
  ).optional(),
  clock_alarm: duration(100, 86_400_000, 'from 100ms to 24h').default(2_000),
  events: yesNo().default(true),
});

/** The whole of `config.yaml`. */
export const configShape = z.object({
  listen: list(parsed('an address and port such as 127.0.0.1:8456', parseListenAddress), 8).default([
    { host: '127.0.0.1', port: 8456 },
  ]),
  addresses: list(parsed('an address and port such as nvr.example:8456', parseListenAddress), 8).optional(),
  viewer: viewerUrl().optional(),
  origins: list(origin(), 16).default([]),
  health: oneOf(['loopback', 'anyone']).default('loopback'),
  log: oneOf(['debug', 'info', 'warn', 'error']).default('info'),
  timezone: parsed('a time zone such as Europe/Madrid', (text) => (isTimezone(text) ? text : null)).optional(),
  storage: z
    .object({
      segment: duration(2_000, 600_000, 'from 2s to 10m').default(60_000),
      keep: age().optional(),
      size: size().optional(),
      reserve: size().optional(),
    })
    .default({ segment: 60_000 }),
  identity: identityShape.default({ approve_codes: false }),
  swarm: swarmShape.optional(),
  v1: v1Shape.optional(),
  audit: z
    .object({ keep: age().default(365 * 86_400_000), size: size().default({ bytes: 64 * 1024 * 1024 }) })
    .default({ keep: 365 * 86_400_000, size: { bytes: 64 * 1024 * 1024 } }),
  cameras: camerasShape.default({ discovery_port: 33_702, clock_alarm: 2_000, events: true }),
  sources: z
    .record(z.string(), sourceShape, 'expected a source for each id')
    .nullable()
    .default(null)
    .transform((sources) => sources ?? {})
    .superRefine((sources, context) => {
      const ids = Object.keys(sources);
      if (ids.length > SOURCES_MAX)
        context.addIssue({ code: 'custom', message: `expected at most ${SOURCES_MAX} sources` });
      for (const id of ids) {
        if (new RegExp(`^${SOURCE_ID_RULE}$`).test(id)) continue;
        context.addIssue({ code: 'custom', path: [id], message: `expected an id of the form ${SOURCE_ID_RULE}` });
      }
    }),
});

/** Keys that are known at each place, for suggestions. */
export const KNOWN_KEYS: Readonly<
  Record<
    | 'top'
    | 'storage'
    | 'cameras'
    | 'source'
    | 'record'
    | 'virtual'
    | 'identity'
    | 'enrol'
    | 'swarm'
    | 'zone'
    | 'peer'
    | 'v1'
    | 'v1Device'
    | 'audit',
    readonly string[]
  >
> = {
  top: Object.keys(configShape.shape),
  storage: ['segment', 'keep', 'size', 'reserve'],
  audit: ['keep', 'size'],
  identity: Object.keys(identityShape.shape),
  swarm: Object.keys(swarmShape.shape),
  v1: Object.keys(v1Shape.shape),
  enrol: Object.keys(enrolShape.shape),
  zone: Object.keys(zoneShape.shape),
  peer: Object.keys(peerShape.shape),
  v1Device: Object.keys(v1DeviceShape.shape),
  cameras: Object.keys(camerasShape.shape),
  source: Object.keys(sourceShape.shape),
  record: Object.keys(recordShape.shape),
  virtual: Object.keys(virtualShape.shape),
};
