import type { XmlElement } from '../../protocol/index.ts';
import type {
  CameraAbilities,
  CameraDriver,
  CameraEventSink,
  CameraIdentity,
  CameraRecordings,
  CameraStream,
  CameraTime,
  ImagingDriver,
  PtzDriver,
} from '../api.ts';
import { CameraError } from '../errors.ts';
import { within } from './call-deadline.ts';
import { dateOf } from './camera-date.ts';
import { createHead, type HeadAbilities, type HeadVoice, headAbilitiesOf } from './camera-head.ts';
import { createImaging } from './camera-imaging.ts';
import { CameraMedia, isOwnTrouble } from './camera-media.ts';
import type { AccessDeps } from './camera-questions.ts';
import { SNAPSHOT_BYTES_MAX, snapshotTrouble } from './camera-snapshot.ts';
import { setCameraTime } from './camera-time-setting.ts';
import type { Credentials } from './credentials.ts';
import { first, labelOf, numberOf, textAt } from './element-reader.ts';
import { NAMESPACES } from './namespaces.ts';
import { pullEvents } from './pull-point.ts';
import { createSoapSession, type SoapSession } from './soap-session.ts';
import { ownPhrase, type Phrase, phrase } from './vocabulary.ts';

/** What the driver needs: the world, and the hashes cameras use. */
export type OnvifDeps = AccessDeps;

export interface OnvifOptions {
  /** URL of the device service, http or https, without a user. */
  service: string;
  credentials: Credentials | null;
  /** A person gave this address: only then the password may be told in clear, and only where the camera offers nothing else. */
  trustedAddress: boolean;
}

/** Longest time of one call of the driver, whatever it asks on its way, ms. */
const CALL_MS = 15_000;
/** The same of those that ask once for each profile. */
const LONG_CALL_MS = 30_000;
const SNAPSHOT_MS = 15_000;

/** Makes the driver of an ONVIF camera. It sends nothing before the first call, and holds no connection between calls. */
export function createOnvifDriver(deps: OnvifDeps, options: OnvifOptions): CameraDriver {
  return new OnvifDriver(deps, createSoapSession(deps, options));
}

class OnvifDriver implements CameraDriver {
  readonly ptz: PtzDriver;
  readonly imaging: ImagingDriver;
  readonly #deps: OnvifDeps;
  readonly #session: SoapSession;
  readonly #media: CameraMedia;
  #head: { profileToken: string; abilities: HeadAbilities } | null = null;
  #abilities: CameraAbilities | null = null;

  constructor(deps: OnvifDeps, session: SoapSession) {
    this.#deps = deps;
    this.#session = session;
    this.#media = new CameraMedia(deps.clock, session, (phrase, signal) => this.#ask(phrase, signal));
    const run: HeadVoice['run'] = (signal, task) => within(deps.clock, CALL_MS, signal, task);
    const say: HeadVoice['say'] = (operation, parameters, signal) => this.#ask(phrase(operation, parameters), signal);
    const sayToHead: HeadVoice['say'] = async (operation, parameters, signal) => {
      try {
        return await say(operation, parameters, signal);
      } catch (error) {
        // Perhaps its profile is not there any more: found anew by the next call.
        if (isOwnTrouble(error)) this.#head = null;
        throw error;
      }
    };
    this.ptz = createHead({ run, say: sayToHead, head: (signal) => this.#headOf(signal) });
    this.imaging = createImaging({ run, say, sourceToken: (signal) => this.#sourceToken(signal) });
  }

  identify(signal?: AbortSignal): Promise<CameraIdentity> {
    return within(this.#deps.clock, CALL_MS, signal, async (signal) => {
      const told = await this.#ask(phrase('getDeviceInformation'), signal);
      const label = (name: string) => labelOf(textAt(told, name));
      const hardwareId = label('SerialNumber') ?? label('HardwareId');
      if (hardwareId === null)
        throw new CameraError('malformed', { detail: 'it told neither serial number nor hardware id' });
      const manufacturer = label('Manufacturer');
      const identity = { hardwareId, manufacturer, model: label('Model'), firmware: label('FirmwareVersion') };
      return { ...identity, endpoint: await this.#endpoint(signal) };
    });
  }

  abilities(signal?: AbortSignal): Promise<CameraAbilities> {
    return within(this.#deps.clock, LONG_CALL_MS, signal, async (signal) => {
      if (this.#abilities) return this.#abilities;
      const { abilities, whole } = await this.#askAbilities(signal);
      if (whole) this.#abilities = abilities;
      return abilities;
    });
  }

  streams(signal?: AbortSignal): Promise<CameraStream[]> {
    return within(this.#deps.clock, LONG_CALL_MS, signal, (signal) => this.#media.streams(signal));
  }

  snapshot(signal?: AbortSignal): Promise<Uint8Array> {
    return within(this.#deps.clock, SNAPSHOT_MS, signal, async (signal) => {
      const url = await this.#media.snapshotUrl(signal);
      const { contentType, body } = await this.#session.get(url, {
        bytesMax: SNAPSHOT_BYTES_MAX,
        deadlineMs: SNAPSHOT_MS,
        signal,
      });
      const trouble = snapshotTrouble(contentType, body);
      if (trouble === 'multipart')
        throw new CameraError('unsupported', { detail: 'it gives a stream of pictures only' });
      if (trouble) throw new CameraError('malformed', { detail: 'it gave no whole JPEG picture' });
      return body;
    });
  }

  async events(sink: CameraEventSink, signal: AbortSignal): Promise<void> {
    const { clock, random, log } = this.#deps;
    await pullEvents(this.#session, { clock, random, log }, sink, signal);
  }

  time(signal?: AbortSignal): Promise<CameraTime> {
    return within(this.#deps.clock, CALL_MS, signal, (signal) => this.#session.time(signal));
  }

  setTime(wish: { clock: boolean; timeServer: string | null }, signal?: AbortSignal): Promise<void> {
    const { clock } = this.#deps;
    return within(clock, CALL_MS, signal, async (signal) => {
      await setCameraTime({ clock, ask: (phrase) => this.#ask(phrase, signal) }, wish, signal);
      await this.#session.time(signal);
    });
  }

  recordings(signal?: AbortSignal): Promise<CameraRecordings | null> {
    return within(this.#deps.clock, CALL_MS, signal, async (signal) => {
      if (!(await this.#session.services(signal)).has(NAMESPACES.search)) return null;
      try {
        const told = first(await this.#ask(phrase('getRecordingSummary'), signal), 'Summary');
        const count = numberOf(textAt(told, 'NumberRecordings'));
        if (count === null || !Number.isInteger(count) || count < 0 || count > 1_000_000) {
          throw new CameraError('malformed', { detail: 'it told no number of recordings' });
        }
        return { from: dateOf(textAt(told, 'DataFrom')), until: dateOf(textAt(told, 'DataUntil')), count };
      } catch (error) {
        if (error instanceof CameraError && error.trouble === 'unsupported') return null;
        throw error;
      }
    });
  }

  async #ask({ service, action, body }: Phrase, signal: AbortSignal): Promise<XmlElement> {
    const url = (await this.#session.services(signal)).get(NAMESPACES[service]);
    if (url === undefined) throw new CameraError('unsupported', { detail: 'it has no such service' });
    return this.#session.call(url, action, body, { signal });
  }

  async #endpoint(signal: AbortSignal): Promise<string | null> {
    try {
      const told = labelOf(textAt(await this.#ask(ownPhrase('device', 'GetEndpointReference'), signal), 'GUID'));
      if (told === null || !/^[!#-[\]-~]+$/.test(told)) return null;
      return /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(told) ? `urn:uuid:${told.toLowerCase()}` : told;
    } catch (error) {
      // Few cameras have it, and who they are is known without.
      if (signal.aborted) throw error;
      return null;
    }
  }

  /** `whole`: nothing was kept from us for want of rights, which may come. */
  async #askAbilities(signal: AbortSignal): Promise<{ abilities: CameraAbilities; whole: boolean }> {
    const services = await this.#session.services(signal);
    const has = (namespace: string) => services.has(namespace);
    const { service, list } = await this.#media.profiles(signal);
    let whole = true;
    const orNull = async <T>(asked: Promise<T>): Promise<T | null> => {
      try {
        return await asked;
      } catch (error) {
        // Profiles were told: what is refused now, this user may not do.
        const mayNot = error instanceof CameraError && error.trouble === 'unauthorized';
        if (mayNot) whole = false;
        if (mayNot || isOwnTrouble(error)) return null;
        throw error;
      }
    };
    const head = await orNull(this.#headOf(signal));
    const snapshot = await orNull(this.#media.snapshotUrl(signal));
    const abilities = {
      media2: service === 'media2',
      snapshot: snapshot !== null,
      ptz: head !== null,
      ptzAbsolute: head !== null && (head.abilities.position !== null || head.abilities.zoomPosition !== null),
      presetsMax: head?.abilities.presetsMax ?? 0,
      imaging: has(NAMESPACES.imaging) && list.some(({ sourceToken }) => sourceToken !== null),
      events: has(NAMESPACES.events),
      recordings: has(NAMESPACES.search),
    };
    return { abilities, whole };
  }

  async #headOf(signal: AbortSignal): Promise<{ profileToken: string; abilities: HeadAbilities }> {
    if (this.#head) return this.#head;
    const { list } = await this.#media.profiles(signal);
    const profile = list.find(({ headToken }) => headToken !== null);
    if (!profile) throw new CameraError('unsupported', { detail: 'no profile has a head to move' });
    const abilities = headAbilitiesOf(await this.#ask(phrase('getNodes'), signal), profile.headToken!);
    if (!abilities) throw new CameraError('unsupported', { detail: 'it has no head to move' });
    this.#head = { profileToken: profile.token, abilities };
    return this.#head;
  }

  async #sourceToken(signal: AbortSignal): Promise<string> {
    const { list } = await this.#media.profiles(signal);
    const token = list.find(({ sourceToken }) => sourceToken !== null)?.sourceToken;
    if (token === undefined || token === null)
      throw new CameraError('unsupported', { detail: 'no profile names its sensor' });
    return token;
  }
}
