import { z } from 'zod';
import { CAMERA_EVENT_KINDS, RECORD_MODES } from '../protocol/index.ts';
import { age, duration, label, list, oneOf, parsed, serviceUrl, size, url, whole, yesNo } from './config-fields.ts';
import { mergedSpans, parseWeekTimes } from './week-schedule.ts';

/** Most texts of one schedule. */
export const SCHEDULE_MAX = 32;

/** The camera that is generated. */
export const virtualShape = z.object(
  {
    codec: oneOf(['h264', 'h265']).default('h264'),
    size: parsed('a picture size such as 1280x720', pictureSize).default({ width: 1280, height: 720 }),
    fps: whole(1, 60).default(25),
    audio: oneOf(['none', 'aac', 'pcma', 'pcmu']).default('none'),
    sub: yesNo().default(false),
    onvif: yesNo().default(false),
    ptz: yesNo().default(false),
  },
  'expected true, or settings of the virtual camera',
);

const mode = () => oneOf(RECORD_MODES);
/** Both streams of a source. */
export const recordShape = z.object(
  { main: mode().default('always'), sub: mode().default('always') },
  `expected one of ${RECORD_MODES.join(', ')}, or one each for main and sub`,
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
    onvif: z
      .union([z.boolean(), serviceUrl()], 'expected true, or the http address of its ONVIF device service')
      .transform((value) => (value === false ? undefined : value))
      .optional(),
    hardware: label().optional(),
    find: yesNo().default(true),
    transport: oneOf(['auto', 'tcp', 'udp']).default('auto'),
    reader: oneOf(['auto', 'own', 'ffmpeg']).default('auto'),
    certificate: parsed('a SHA-256 fingerprint: 64 characters 0-9 and a-f, colons allowed', fingerprint).optional(),
    audio: oneOf(['auto', 'copy', 'none']).default('auto'),
    record: z.preprocess(
      (value) => (typeof value === 'string' ? { main: value, sub: value } : value),
      recordShape.default({ main: 'always', sub: 'always' }),
    ),
    schedule: list(parsed('days and times such as mon-fri 08:00-18:00', parseWeekTimes), SCHEDULE_MAX)
      .transform((spans) => mergedSpans(spans.flat()))
      .optional(),
    on: list(oneOf(CAMERA_EVENT_KINDS), CAMERA_EVENT_KINDS.length).optional(),
    before: duration(0, 30_000, 'from 0s to 30s').optional(),
    after: duration(1_000, 600_000, 'from 1s to 10m').optional(),
    virtual: z.preprocess((value) => (value === true ? {} : value), virtualShape.optional()),
    keep: age().optional(),
    size: size().optional(),
  })
  .superRefine((source, context) => {
    const mistake = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
    tellCredentials(source, mistake);
    tellRules(source, mistake);
    if (!source.url === !source.virtual) mistake('url', 'expected either a camera url or virtual: true');
    if (source.certificate && ![source.url, source.sub].some((each) => each?.address.startsWith('rtsps:')))
      mistake('certificate', 'expected an rtsps url beside it');
    if (source.certificate && source.reader === 'ffmpeg')
      mistake('certificate', 'expected another reader beside it: ffmpeg does not check certificates');
    if (!source.virtual) return;
    if (source.sub) mistake('sub', 'expected no sub url beside virtual; write virtual: { sub: true }');
    if (source.onvif) mistake('onvif', 'expected no onvif beside virtual; write virtual: { onvif: true }');
    if (source.virtual.ptz && !source.virtual.onvif) mistake('virtual', 'expected onvif: true beside ptz: true');
  });

type Told = (path: string, message: string) => void;
interface Credentials {
  url?: { credentials: unknown } | undefined;
  sub?: { credentials: unknown } | undefined;
  username?: string | undefined;
  password?: string | undefined;
  password_file?: string | undefined;
}

function tellCredentials(source: Credentials, mistake: Told): void {
  if (source.password !== undefined && source.password_file !== undefined) {
    mistake('password_file', 'expected password or password_file, not both');
  }
  const apart = source.username ?? source.password ?? source.password_file;
  if (apart === undefined) return;
  if (source.username === undefined) mistake('username', 'expected a user name beside the password');
  if (source.url?.credentials || source.sub?.credentials) {
    mistake('username', 'expected the credentials either here or in the url, not in both');
  }
}

interface Rules {
  record: { main: string; sub: string };
  onvif?: unknown;
  hardware?: string | undefined;
  virtual?: { onvif: boolean } | undefined;
  on?: unknown;
  before?: unknown;
  after?: unknown;
}

/** Rules of recording and of knowing a camera: a word that would do nothing is a mistake. */
function tellRules(source: Rules, mistake: Told): void {
  const byEvent = source.record.main === 'event' || source.record.sub === 'event';
  const tells = source.virtual ? source.virtual.onvif : source.onvif !== undefined;
  if (byEvent && !tells) mistake('record', 'expected onvif beside record: event: it is what tells of events');
  for (const key of ['on', 'before', 'after'] as const) {
    if (source[key] !== undefined && !byEvent) mistake(key, `expected record: event beside ${key}`);
  }
  if (source.hardware !== undefined && source.onvif === undefined) {
    mistake('hardware', 'expected onvif beside hardware: it is what tells who answers');
  }
}

function pictureSize(text: string): { width: number; height: number } | null {
  const parts = /^(\d{2,4})x(\d{2,4})$/.exec(text);
  if (!parts) return null;
  const [width, height] = [Number(parts[1]), Number(parts[2])];
  const fits = [width, height].every((side) => side >= 64 && side <= 3840 && side % 2 === 0);
  return fits ? { width, height } : null;
}

/** SHA-256 of a certificate as programs print it, in lower case without colons; null where it is none. */
function fingerprint(text: string): string | null {
  const hex = text.replaceAll(':', '').toLowerCase();
  return /^[0-9a-f]{64}$/.test(hex) ? hex : null;
}
