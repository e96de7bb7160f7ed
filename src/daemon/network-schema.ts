import { z } from 'zod';
import { isZoneKey, ZONES_MAX } from '../protocol/index.ts';
import { deviceKey, duration, label, list, oneOf, parsed, secretFile, yesNo } from './config-fields.ts';
import { type ListenAddress, parseListenAddress } from './listen-address.ts';

/** Ports of the swarm where none is named: ours, and a gateway's. */
const SWARM_PORT = 4050;
const GATEWAY_PORT = 4040;

const PEERS_MAX = 64;

const datagramAddress = (port: number) =>
  parsed(`a host and port such as 192.168.1.9:${port}`, (text) => withPort(text, port));

const zoneKey = () =>
  parsed('a zone key of 20 characters A-Z, a-z, 0-9, - and _', (text) => (isZoneKey(text) ? text : null));

/** One peer of the swarm. */
export const peerShape = z
  .object({
    gateway: datagramAddress(GATEWAY_PORT).optional(),
    peer: datagramAddress(SWARM_PORT).optional(),
    node: datagramAddress(SWARM_PORT).optional(),
    key: deviceKey().optional(),
    zones: list(zoneKey(), ZONES_MAX).optional(),
    disclose: oneOf(['least', 'full']).default('least'),
  })
  .superRefine(({ gateway, peer, node }, context) => {
    if ([gateway, peer, node].filter(Boolean).length === 1) return;
    context.addIssue({ code: 'custom', message: 'expected one of gateway, peer or node with its address' });
  });

/** One zone of the swarm. */
export const zoneShape = z.object({ key: zoneKey(), name: label() }, 'expected key and name of a zone');

/** Whom this node meets over UDP. */
export const swarmShape = z.object({
  listen: list(datagramAddress(SWARM_PORT), 8).default([{ host: '0.0.0.0', port: SWARM_PORT }]),
  zones: list(zoneShape, ZONES_MAX),
  peers: list(peerShape, PEERS_MAX, 0).default([]),
  endpoint: datagramAddress(SWARM_PORT).optional(),
  announce: duration(5_000, 600_000, 'from 5s to 10m').default(20_000),
  hosted_service: z.string('expected a file').min(1, 'expected a file').max(1024).optional(),
});

/** An identity this node asks to be taken into. */
export const enrolShape = z
  .object({
    label: label(),
    code: z
      .string('expected six digits in quotes')
      .regex(/^[1-9][0-9]{5}$/, 'expected six digits in quotes')
      .optional(),
    code_hash: z
      .string('expected a code hash')
      .regex(/^[A-Za-z0-9_-]{43}$/, 'expected a code hash of 43 characters')
      .optional(),
    owner: deviceKey().optional(),
  })
  .superRefine(({ code, code_hash }, context) => {
    if ((code === undefined) !== (code_hash === undefined)) return;
    context.addIssue({ code: 'custom', message: 'expected either code or code_hash' });
  });

/** Who this node is to others. */
export const identityShape = z.object({
  label: label().optional(),
  host_gateway: deviceKey().optional(),
  approve_codes: yesNo().default(false),
  enrol: enrolShape.optional(),
});

/** One device of the old session. */
export const v1DeviceShape = z.object(
  { key: deviceKey(), role: oneOf(['viewer', 'operator', 'admin']).default('viewer') },
  'expected a device with its key',
);

/** The old session, for devices that know no other. */
export const v1Shape = z.object({
  identity_id: z.string('expected an identity id').min(1, 'expected an identity id').max(128),
  identity_secret_file: secretFile().default('secrets/v1-identity-secret'),
  server_secret_file: secretFile().default('secrets/v1-server-secret'),
  allow_from: oneOf(['loopback', 'lan', 'any']).default('loopback'),
  devices: z.union([z.literal('any'), z.array(v1DeviceShape).max(64, 'expected at most 64')]).default([]),
});

/** An address where another port is the usual one. */
function withPort(text: string, port: number): ListenAddress | null {
  const address = parseListenAddress(text);
  if (!address) return null;
  return /:\d{1,5}$/.test(text) && !text.endsWith(']') ? address : { ...address, port };
}
