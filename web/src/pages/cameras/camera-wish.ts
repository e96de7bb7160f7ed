import type { CommandParams, CommandResult, SourceId, StreamName } from '../../engine/messages.ts';
import { type IdFault, idFault } from './source-id.ts';
import { TEXTS_MAX, type Week, weekTexts } from './week.ts';

export type Upsert = CommandParams<'sources.upsert'>;
export type TestWish = CommandParams<'sources.test'>;
export type Settings = CommandResult<'sources.settings'>;
export type RecordMode = 'always' | 'event' | 'never';
export const EVENT_KINDS = ['motion', 'line', 'tamper', 'input'] as const;
export type EventKind = (typeof EVENT_KINDS)[number];

/** What somebody filled in. Undefined: left as it is on the node (a camera that is changed), or as the node has it by itself (a new one). */
export interface CameraForm {
  id: string;
  name: string;
  url: string;
  sub: string;
  /** The small picture the node has is given up. */
  noSub: boolean;
  /** What becomes of the credentials the node has: `keep` sends none. */
  login: 'keep' | 'none' | 'given';
  username: string;
  password: string;
  /** `usual`: at the usual place of the host of `url`. */
  onvif: 'keep' | 'none' | 'usual' | 'given';
  onvifUrl: string;
  transport: 'auto' | 'tcp' | 'udp' | undefined;
  audio: 'auto' | 'copy' | 'none' | undefined;
  record: Partial<Record<StreamName, RecordMode>> | undefined;
  /** Null: at any time. */
  schedule: Week | null | undefined;
  on: readonly EventKind[] | undefined;
  /** Seconds. */
  before: number | undefined;
  after: number | undefined;
  /** Days; null: as the node keeps everything. */
  keepDays: number | null | undefined;
  /** Bytes; null: no limit of its own. */
  sizeGb: number | null | undefined;
}

/** A form for a new camera. */
export const NEW_FORM: CameraForm = {
  id: '',
  name: '',
  url: '',
  sub: '',
  noSub: false,
  login: 'given',
  username: '',
  password: '',
  onvif: 'none',
  onvifUrl: '',
  transport: undefined,
  audio: undefined,
  record: undefined,
  schedule: undefined,
  on: undefined,
  before: undefined,
  after: undefined,
  keepDays: undefined,
  sizeGb: undefined,
};

/** A form that changes nothing of a configured camera. */
export function formOf(id: string, name: string): CameraForm {
  return { ...NEW_FORM, id, name, login: 'keep', onvif: 'keep' };
}

/** The same with what is configured filled in; credentials stay on the node. */
export function formOfSettings(settings: Settings): CameraForm {
  const { source, name, url = '', sub = '', username = '', transport, audio, record, schedule, on, size } = settings;
  return {
    ...formOf(source, name),
    url,
    sub,
    username,
    transport,
    audio,
    record,
    schedule: schedule,
    on,
    before: settings.beforeMs / 1000,
    after: settings.afterMs / 1000,
    keepDays: settings.keepMs === null ? null : settings.keepMs / 86_400_000,
    // A share of the volume has no field here and stays as it is.
    sizeGb: size === null ? null : 'bytes' in size ? size.bytes / 1e9 : undefined,
  };
}

/** What somebody changed in a form that began as `before`; nothing but `source` and `expect` where that is nothing. */
export function changesOf(form: CameraForm, before: CameraForm): Upsert {
  const was = upsertOf(before, false, before.name) as Record<string, unknown>;
  const wish = upsertOf(form, false, before.name);
  const said = Object.entries(wish).filter(
    ([key, value]) => key === 'source' || key === 'expect' || JSON.stringify(value) !== JSON.stringify(was[key]),
  );
  const changed = Object.fromEntries(said) as Upsert;
  // These three mean something beside `event` only.
  const onEvent = form.record?.main === 'event' || form.record?.sub === 'event';
  if (form.record !== undefined && !onEvent) {
    for (const key of ['on', 'before', 'after'] as const) delete changed[key];
  }
  return changed;
}

/** What is wrong with a field, as a key of the words of this page. */
export type Faults = Partial<
  Record<'id', `id.${IdFault}`> &
    Record<'url' | 'sub', 'url' | 'urlNeeded'> &
    Record<'name', 'name'> &
    Record<'onvifUrl', 'onvifUrl'> &
    Record<'username', 'username'> &
    Record<'schedule', 'scheduleMany' | 'scheduleNone'> &
    Record<'before' | 'after' | 'keepDays' | 'sizeGb', 'number'> &
    Record<'on', 'onNone'> &
    Record<'record', 'eventNeedsOnvif'>
>;

/** What keeps a form from being sent; the node checks again. */
export function faultsOf(form: CameraForm, isNew: boolean, taken: ReadonlySet<string>): Faults {
  const faults: Faults = {};
  const fault = isNew ? idFault(form.id, taken) : null;
  if (fault) faults.id = `id.${fault}`;
  const name = form.name.trim();
  if (name.length > 64 || /[\p{Cc}\p{Cs}\u2028-\u202e\u2066-\u2069\ufeff]/u.test(name)) faults.name = 'name';
  if (form.url.trim() === '' ? isNew : !isCameraUrl(form.url))
    faults.url = form.url.trim() === '' ? 'urlNeeded' : 'url';
  if (!form.noSub && form.sub.trim() !== '' && !isCameraUrl(form.sub)) faults.sub = 'url';
  if (form.onvif === 'given' && !/^https?:\/\/[!#-[\]-~]{1,504}$/.test(form.onvifUrl.trim()))
    faults.onvifUrl = 'onvifUrl';
  if (form.login === 'given' && form.username === '' && (form.password !== '' || !isNew)) faults.username = 'username';
  if (form.schedule) {
    const texts = weekTexts(form.schedule);
    if (texts.length > TEXTS_MAX) faults.schedule = 'scheduleMany';
    if (texts.length === 0) faults.schedule = 'scheduleNone';
  }
  if (form.before !== undefined && !within(form.before, 0, 30)) faults.before = 'number';
  if (form.after !== undefined && !within(form.after, 1, 600)) faults.after = 'number';
  if (typeof form.keepDays === 'number' && !within(form.keepDays, 0.001, 3_650)) faults.keepDays = 'number';
  if (typeof form.sizeGb === 'number' && !within(form.sizeGb, 0.001, 1e6)) faults.sizeGb = 'number';
  if (form.on?.length === 0) faults.on = 'onNone';
  const onEvent = form.record?.main === 'event' || form.record?.sub === 'event';
  if (onEvent && form.onvif === 'none') faults.record = 'eventNeedsOnvif';
  return faults;
}

/** What is sent to the node: only what was said. */
export function upsertOf(form: CameraForm, isNew: boolean, nameBefore = ''): Upsert {
  const wish: Upsert = { source: form.id as SourceId, expect: isNew ? 'new' : 'known' };
  const name = form.name.trim();
  if (name !== nameBefore && (name !== '' || !isNew)) wish.name = name === '' ? null : name;
  Object.assign(wish, addressesOf(form, isNew));
  if (form.transport !== undefined) wish.transport = form.transport;
  if (form.audio !== undefined) wish.audio = form.audio;
  if (form.record !== undefined) {
    const { main = 'always', sub = 'always' } = form.record;
    wish.record = main === sub ? main : { main, sub };
  }
  if (form.schedule !== undefined) wish.schedule = form.schedule === null ? null : weekTexts(form.schedule);
  if (form.on !== undefined) wish.on = [...form.on];
  if (form.before !== undefined) wish.before = `${form.before}s`;
  if (form.after !== undefined) wish.after = `${form.after}s`;
  if (form.keepDays !== undefined) wish.keep = form.keepDays === null ? null : daysText(form.keepDays);
  if (form.sizeGb !== undefined) wish.size = form.sizeGb === null ? null : `${form.sizeGb}GB`;
  return wish;
}

/** What is tried before it is stored; what was not said is taken from the configured camera. */
export function testOf(form: CameraForm, isNew: boolean): TestWish {
  const { username, ...addresses } = addressesOf(form, isNew);
  return {
    ...(isNew ? {} : { source: form.id as SourceId }),
    ...addresses,
    ...(typeof username === 'string' ? { username } : {}),
    ...(form.transport ? { transport: form.transport } : {}),
  };
}

function addressesOf(
  form: CameraForm,
  isNew: boolean,
): Pick<Upsert, 'url' | 'sub' | 'username' | 'password' | 'onvif'> {
  const said: Pick<Upsert, 'url' | 'sub' | 'username' | 'password' | 'onvif'> = {};
  if (form.url.trim() !== '') said.url = form.url.trim();
  if (form.noSub && !isNew) said.sub = null;
  else if (form.sub.trim() !== '') said.sub = form.sub.trim();
  if (form.login === 'none' && !isNew) said.username = null;
  if (form.login === 'given' && form.username !== '') {
    said.username = form.username;
    said.password = form.password;
  }
  if (form.onvif === 'none' && !isNew) said.onvif = null;
  if (form.onvif === 'usual') said.onvif = true;
  if (form.onvif === 'given') said.onvif = form.onvifUrl.trim();
  return said;
}

/** True for the shape of an address of a camera's stream; the node's parser is stricter. */
export function isCameraUrl(text: string): boolean {
  const trimmed = text.trim();
  return trimmed.length <= 2_048 && /^rtsps?:\/\/[^\s/]+(?:\/[^\s]*)?$/i.test(trimmed);
}

/** Where a camera that answered a search is likely to be reached: the host of its device service. */
export function hostOfService(url: string): string | null {
  return /^https?:\/\/(\[[0-9a-f:.]+\]|[^/:\s]+)/i.exec(url)?.[1] ?? null;
}

function daysText(days: number): string {
  return Number.isInteger(days) ? `${days}d` : `${Math.max(1, Math.round(days * 1_440))}m`;
}

function within(value: number, least: number, most: number): boolean {
  return Number.isFinite(value) && value >= least && value <= most;
}
