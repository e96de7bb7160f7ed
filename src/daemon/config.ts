import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { z } from 'zod';
import { fromHex, fromUtf8 } from '../bytes/index.ts';
import { isNvrError } from '../errors.ts';
import type { CameraAddress } from '../media/index.ts';
import type { Files } from '../platform/index.ts';
import type { CameraEventKind, DeviceKey, RecordMode, SourceId } from '../protocol/index.ts';
import type { SwarmPeer } from '../swarm/index.ts';
import type { SecretPurpose } from './camera-secret-file.ts';
import type { PasswordBook } from './camera-secrets.ts';
import { type ConfigText, readConfigText } from './config-file.ts';
import { printable, publishedSecrets, tellUnknownKeys } from './config-mistakes.ts';
import { configShape } from './config-schema.ts';
import { ConfigError } from './errors.ts';
import type { ListenAddress } from './listen-address.ts';
import type { Size } from './quantities.ts';
import { Secret, SecretCredentials } from './secret.ts';
import { originOf, usualService } from './service-url.ts';
import type { sourceShape } from './source-schema.ts';

/** What the environment says; read once, here. */
export interface Environment {
  /** Absolute data folder. */
  folder: string;
  /** Where a service manager put the storage key. */
  kekCredentialPath?: string;
}

/** The whole configuration, checked, with every default in place; frozen. */
export interface Config {
  /** Where it was read from. */
  file: string;
  listen: readonly ListenAddress[];
  /** Addresses told in invitations; null: those listened on. */
  addresses: readonly ListenAddress[] | null;
  /** Address of a viewer, put in front of invitations; null: invitations are the bare code. */
  viewer: string | null;
  origins: readonly string[];
  health: 'loopback' | 'anyone';
  log: 'debug' | 'info' | 'warn' | 'error';
  /** Name of the time zone that schedules go by. */
  timezone: string;
  cameras: CamerasConfig;
  storage: { segmentMs: number; keepMs: number; size: Size; reserve: Size | null };
  audit: { keepMs: number; size: Size };
  identity: IdentityConfig;
  /** Null: this node is in no swarm. */
  swarm: SwarmConfig | null;
  /** The session of version 1; null: there is none. */
  v1: V1Config | null;
  sources: readonly SourceConfig[];
}

/** How the node deals with the network of its cameras. */
export interface CamerasConfig {
  /** UDP port that probes are sent from, so that a firewall can let answers in; 0: any. */
  discoveryPort: number;
  /** Names or IPv4 addresses of the interfaces that are asked; null: all but loopback. */
  interfaces: readonly string[] | null;
  /** A camera's clock that is off by more is told as wrong. */
  clockAlarmMs: number;
  /** False subscribes to no events of any camera. */
  events: boolean;
}

export interface IdentityConfig {
  /** What people call this node; in records, and in requests to be taken in. */
  label: string;
  /** The gateway that hosts it, or null. */
  hostGateway: DeviceKey | null;
  /** Every device that comes with a typed code needs somebody's approval. */
  approveCodes: boolean;
  /** An identity that this node asks to be taken into. */
  enrol: { label: string; code: string | null; codeHash: string | null; owner: DeviceKey | null } | null;
}

export interface SwarmConfig {
  listen: readonly ListenAddress[];
  zones: readonly { key: string; name: string }[];
  peers: readonly SwarmPeer[];
  endpoint: ListenAddress | null;
  announceMs: number;
  /** Where a gateway on this machine looks for the services it hosts, absolute, or null. */
  hostedService: string | null;
}

export interface V1Config {
  identityId: string;
  /** Never printed; a copy of its own that the config keeps. */
  identitySecret: Secret;
  serverSecret: Secret;
  allowFrom: 'loopback' | 'lan' | 'any';
  devices: 'any' | readonly { device: DeviceKey; role: 'viewer' | 'operator' | 'admin' }[];
}

export interface SourceConfig {
  id: SourceId;
  name: string;
  enabled: boolean;
  /** A camera on the network, or the one we generate. */
  input:
    | { kind: 'camera'; main: CameraAddress; sub: CameraAddress | null; transport: 'auto' | 'tcp' | 'udp' }
    | { kind: 'virtual'; camera: VirtualConfig };
  /** What reads the camera: our own reader, ffmpeg, or the one that fits. */
  reader: 'auto' | 'own' | 'ffmpeg';
  /** rtsps: SHA-256 of the certificate the camera must show, hex; null takes any. */
  certificate: string | null;
  audio: 'auto' | 'copy' | 'none';
  record: RecordConfig;
  /** Where its ONVIF device service is, and who must answer there; null where it has none. */
  onvif: { service: string; hardwareId: string | null } | null;
  /** Look for it by its hardware id where it does not answer any more. */
  find: boolean;
  keepMs: number | null;
  size: Size | null;
}

/** When a source is recorded; what is not recorded can still be watched live. */
export interface RecordConfig {
  main: RecordMode;
  sub: RecordMode;
  /** Times of the week at which it may be recorded, in the node's time zone; null: always. */
  schedule: readonly WeekSpan[] | null;
  /** With `event`: what starts a recording, and how much before and after it is kept, ms. */
  on: readonly CameraEventKind[];
  beforeMs: number;
  afterMs: number;
}

/** From one minute of the week to another, Monday 00:00 is 0; `until` is behind `from`, at most 10,080. */
export interface WeekSpan {
  from: number;
  until: number;
}

export type VirtualConfig = NonNullable<z.output<typeof sourceShape>['virtual']>;

/** Where an installed node keeps its data; in its defaults it may fill most of the volume. */
const INSTALLED = '/var/lib/constitute-nvr';
const KEEP_MS = 30 * 86_400_000;
const PASSWORD_BYTES_MAX = 1024;
/** What is kept before and after an event. */
const BEFORE_MS = 5_000;
const AFTER_MS = 10_000;
/** Most mistakes that are told at once. */
const PROBLEMS_MAX = 50;

/** The data folder and credentials as the environment names them; `data` (of the command line) goes first. */
export function readEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  options: { data?: string | undefined; home: string; cwd: string },
): Environment {
  const named = options.data ?? env['CONSTITUTE_NVR_DATA'];
  const folder = named ? absolute(named, options.cwd) : join(options.home, 'data');
  const credentials = env['CREDENTIALS_DIRECTORY'];
  const kekCredentialPath = credentials ? join(credentials, 'storage-kek') : null;
  return { folder, ...(kekCredentialPath && existsSync(kekCredentialPath) ? { kekCredentialPath } : {}) };
}

/** Reads and checks `config.yaml` of a data folder; `text` is null where there is none, and then all is default. */
export async function loadConfig(
  files: Files,
  folder: string,
  book: PasswordBook | null = null,
): Promise<{ config: Config; text: ConfigText | null }> {
  const file = join(folder, 'config.yaml');
  const text = await readConfigText(files, file);
  return { config: await checkConfig(files, folder, text, book), text };
}

/**
 * Checks a configuration; `ERR_DAEMON_CONFIG` (`invalid`) names all mistakes with their lines and paths. Passwords that stand neither in
 * it nor in a file it names are looked up in `book`; without one, or where it knows none, they are empty.
 */
export async function checkConfig(
  files: Pick<Files, 'read'>,
  folder: string,
  text: ConfigText | null,
  book: PasswordBook | null = null,
): Promise<Config> {
  const file = join(folder, 'config.yaml');
  const values = text?.values() ?? {};
  const problems = publishedSecrets(values);
  const tell = (path: readonly PropertyKey[], message: string) => {
    const line = text?.lineOf(path) ?? null;
    const place = path.length > 0 ? `${path.map((each) => printable(String(each))).join('.')}: ` : '';
    problems.push(`${line === null ? '' : `line ${line}: `}${place}${message}`);
  };
  tellUnknownKeys(values, tell);
  const checked = configShape.safeParse(values);
  if (!checked.success) {
    for (const issue of checked.error.issues) tell(issue.path, messageOf(issue));
    throw new ConfigError(file, bounded(problems));
  }
  const passwords = await readPasswords(files, folder, checked.data.sources, tell);
  const v1 = checked.data.v1 ? await readV1(files, folder, checked.data.v1, tell) : null;
  tellForeignZones(checked.data.swarm, tell);
  if (problems.length > 0) throw new ConfigError(file, bounded(problems));
  return deepFreeze(configOf(file, folder, checked.data, { written: passwords, book }, v1));
}

type Checked = z.output<typeof configShape>;

function configOf(file: string, folder: string, checked: Checked, passwords: Passwords, v1: V1Config | null): Config {
  const { listen, addresses, viewer, origins, health, log, storage, audit, identity, swarm, cameras, sources } =
    checked;
  const installed = folder === INSTALLED || folder.startsWith(`${INSTALLED}/`);
  return {
    file,
    listen,
    addresses: addresses ?? null,
    viewer: viewer ?? null,
    origins,
    health,
    log,
    timezone: checked.timezone ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
    cameras: {
      discoveryPort: cameras.discovery_port,
      interfaces: cameras.interfaces ?? null,
      clockAlarmMs: cameras.clock_alarm,
      events: cameras.events,
    },
    storage: {
      segmentMs: storage.segment,
      keepMs: storage.keep ?? KEEP_MS,
      size: storage.size ?? (installed ? { share: 0.8 } : { bytes: 10e9 }),
      reserve: storage.reserve ?? null,
    },
    audit: { keepMs: audit.keep, size: audit.size },
    identity: {
      label: identity.label ?? 'Constitute NVR',
      hostGateway: identity.host_gateway ?? null,
      approveCodes: identity.approve_codes,
      enrol: identity.enrol
        ? {
            label: identity.enrol.label,
            code: identity.enrol.code ?? null,
            codeHash: identity.enrol.code_hash ?? null,
            owner: identity.enrol.owner ?? null,
          }
        : null,
    },
    swarm: swarm ? swarmOf(swarm, folder) : null,
    v1,
    sources: Object.entries(sources).map(([id, source]) => sourceOf(id as SourceId, source, passwords)),
  };
}

/** Passwords by source id as they stand in the text or in a file it names, and where the others are found. */
interface Passwords {
  written: ReadonlyMap<string, string>;
  book: PasswordBook | null;
}

type CheckedSource = Checked['sources'][string];

function sourceOf(id: SourceId, source: CheckedSource, passwords: Passwords): SourceConfig {
  const { url, sub, onvif, hardware, record, schedule, on, before, after } = source;
  return {
    id,
    name: source.name ?? id,
    enabled: source.enabled,
    input: source.virtual
      ? { kind: 'virtual', camera: source.virtual }
      : {
          kind: 'camera',
          main: withCredentials(id, 'main', url!, source.username, passwords),
          sub: sub ? withCredentials(id, 'sub', sub, source.username, passwords) : null,
          transport: source.transport,
        },
    reader: source.reader,
    certificate: source.certificate ?? null,
    audio: source.audio,
    record: {
      ...record,
      schedule: schedule ?? null,
      on: on ?? ['motion'],
      beforeMs: before ?? BEFORE_MS,
      afterMs: after ?? AFTER_MS,
    },
    onvif: onvif && url ? { service: onvif === true ? usualService(url) : onvif, hardwareId: hardware ?? null } : null,
    find: source.find,
    keepMs: source.keep ?? null,
    size: source.size ?? null,
  };
}

function swarmOf(swarm: NonNullable<Checked['swarm']>, folder: string): SwarmConfig {
  const { listen, zones, peers, endpoint, announce, hosted_service } = swarm;
  return {
    listen,
    zones,
    peers: peers.map(({ gateway, peer, node, key, zones: shared, disclose }) => ({
      ...(gateway ?? peer ?? node)!,
      kind: gateway ? 'gateway' : peer ? 'peer' : 'node',
      disclose,
      zones: shared ?? zones.map((zone) => zone.key),
      ...(key ? { key } : {}),
    })),
    endpoint: endpoint ?? null,
    announceMs: announce,
    hostedService: hosted_service === undefined ? null : absolute(hosted_service, folder),
  };
}

/** A peer can share those zones only that this node is in. */
function tellForeignZones(
  swarm: Checked['swarm'],
  tell: (path: readonly PropertyKey[], message: string) => void,
): void {
  const own = new Set(swarm?.zones.map(({ key }) => key));
  for (const [i, { zones = [] }] of (swarm?.peers ?? []).entries()) {
    if (zones.some((key) => !own.has(key)))
      tell(['swarm', 'peers', i, 'zones'], 'expected keys that stand in swarm.zones');
  }
}

/** The two secrets of the old session, from their files; each is 64 hex characters. */
async function readV1(
  files: Pick<Files, 'read'>,
  folder: string,
  { identity_id, identity_secret_file, server_secret_file, allow_from, devices }: NonNullable<Checked['v1']>,
  tell: (path: readonly PropertyKey[], message: string) => void,
): Promise<V1Config> {
  const secret = async (key: string, name: string): Promise<Secret> => {
    const told = 'expected a file with 64 characters 0-9 and a-f';
    try {
      const text = fromUtf8(await files.read(absolute(name, folder), PASSWORD_BYTES_MAX))?.trim() ?? '';
      for (const problem of publishedSecrets(text)) tell(['v1', key], problem.replace(/^: /, ''));
      const bytes = fromHex(text, 32);
      if (bytes) return new Secret(bytes);
      tell(['v1', key], told);
    } catch (error) {
      if (!isNvrError(error)) throw error;
      tell(['v1', key], `${told} (${error.message})`);
    }
    return new Secret(new Uint8Array(32));
  };
  return {
    identityId: identity_id,
    identitySecret: await secret('identity_secret_file', identity_secret_file),
    serverSecret: await secret('server_secret_file', server_secret_file),
    allowFrom: allow_from,
    devices: devices === 'any' ? 'any' : devices.map(({ key, role }) => ({ device: key, role })),
  };
}

/** An address with its credentials: those beside it, or those inside it; a password that is not written is looked up. */
function withCredentials(
  source: SourceId,
  stream: 'main' | 'sub',
  { address, credentials }: CameraAddress,
  apart: string | undefined,
  { written, book }: Passwords,
): CameraAddress {
  const username = apart ?? credentials?.username;
  if (username === undefined) return { address, credentials: null };
  const purpose: SecretPurpose = apart === undefined ? stream : 'password';
  const told = apart === undefined ? credentials?.password || undefined : written.get(source);
  const password = told ?? book?.find({ source, purpose, username, origin: originOf(address) }) ?? '';
  return { address, credentials: new SecretCredentials(username, password, book?.mark(password)) };
}

/** Passwords by source id, from the configuration or from the files it names. */
async function readPasswords(
  files: Pick<Files, 'read'>,
  folder: string,
  sources: Checked['sources'],
  tell: (path: readonly PropertyKey[], message: string) => void,
): Promise<Map<string, string>> {
  const passwords = new Map<string, string>();
  for (const [id, source] of Object.entries(sources)) {
    if (source.password !== undefined) passwords.set(id, source.password);
    if (source.password_file === undefined) continue;
    const path = absolute(source.password_file, folder);
    const place = ['sources', id, 'password_file'];
    try {
      const text = fromUtf8(await files.read(path, PASSWORD_BYTES_MAX))?.replace(/\r?\n$/, '');
      if (!text || /[\n\r\0]/.test(text)) tell(place, 'expected a file with one line of text');
      else passwords.set(id, text);
    } catch (error) {
      if (!isNvrError(error)) throw error;
      tell(place, `expected a readable file of at most ${PASSWORD_BYTES_MAX} bytes (${error.message})`);
    }
  }
  return passwords;
}

/** What was wrong, in our words: zod's own messages may quote what was written. */
function messageOf(issue: z.core.$ZodIssue): string {
  return issue.message.startsWith('expected') ? issue.message : 'expected another kind of value';
}

function bounded(problems: string[]): string[] {
  if (problems.length <= PROBLEMS_MAX) return problems;
  return [...problems.slice(0, PROBLEMS_MAX), `and ${problems.length - PROBLEMS_MAX} more`];
}

function absolute(path: string, base: string): string {
  return path.startsWith('/') ? path : join(base, path);
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !ArrayBuffer.isView(value)) {
    for (const inner of Object.values(value)) deepFreeze(inner);
    Object.freeze(value);
  }
  return value;
}
