import { z } from 'zod';
import { SOURCE_ID_RULE } from '../protocol/index.ts';
import {
  age,
  duration,
  label,
  list,
  oneOf,
  origin,
  parsed,
  size,
  url,
  viewerUrl,
  whole,
  yesNo,
} from './config-fields.ts';
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

/** Most sources of one node. */
export const SOURCES_MAX = 256;

const virtualShape = z.object(
  {
    codec: oneOf(['h264', 'h265']).default('h264'),
    size: parsed('a picture size such as 1280x720', pictureSize).default({ width: 1280, height: 720 }),
    fps: whole(1, 60).default(25),
    audio: oneOf(['none', 'aac', 'pcma', 'pcmu']).default('none'),
    sub: yesNo().default(false),
  },
  'expected true, or settings of the virtual camera',
);

/** One camera. */
export const sourceShape = z
  .object({
    name: label().optional(),
    enabled: yesNo().default(true),
    url: url().optional(),
    sub: url().optional(),
    username: z.string('expected a user name').min(1, 'expected a user name').max(128).optional(),
    password: z.string('expected a password (quote it, if it is a number)').max(128).optional(),
    password_file: z.string('expected a file').min(1, 'expected a file').optional(),
    transport: oneOf(['auto', 'tcp', 'udp']).default('auto'),
    audio: oneOf(['auto', 'copy', 'none']).default('auto'),
    virtual: z.preprocess((value) => (value === true ? {} : value), virtualShape.optional()),
    keep: age().optional(),
    size: size().optional(),
  })
  .superRefine((source, context) => {
    const mistake = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
    if (!source.url === !source.virtual) mistake('url', 'expected either a camera url or virtual: true');
    if (source.virtual && source.sub)
      mistake('sub', 'expected no sub url beside virtual; write virtual: { sub: true }');
    if (source.password !== undefined && source.password_file !== undefined) {
      mistake('password_file', 'expected password or password_file, not both');
    }
    const apart = source.username ?? source.password ?? source.password_file;
    if (apart === undefined) return;
    if (source.username === undefined) mistake('username', 'expected a user name beside the password');
    if (source.url?.credentials || source.sub?.credentials) {
      mistake('username', 'expected the credentials either here or in the url, not in both');
    }
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
    | 'source'
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
  source: Object.keys(sourceShape.shape),
  virtual: Object.keys(virtualShape.shape),
};

function pictureSize(text: string): { width: number; height: number } | null {
  const parts = /^(\d{2,4})x(\d{2,4})$/.exec(text);
  if (!parts) return null;
  const [width, height] = [Number(parts[1]), Number(parts[2])];
  const fits = [width, height].every((side) => side >= 64 && side <= 3840 && side % 2 === 0);
  return fits ? { width, height } : null;
}
