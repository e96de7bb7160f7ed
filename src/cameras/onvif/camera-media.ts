import type { Clock } from '../../platform/index.ts';
import type { XmlElement } from '../../protocol/index.ts';
import type { CameraStream, CameraTrouble } from '../api.ts';
import { CameraError } from '../errors.ts';
import { streamAddress } from './camera-address.ts';
import { type CameraProfile, profilesOf } from './camera-profiles.ts';
import { textAt } from './element-reader.ts';
import { NAMESPACES } from './namespaces.ts';
import type { SoapSession } from './soap-session.ts';
import { type Operation, type Phrase, phrase } from './vocabulary.ts';

type MediaService = 'media' | 'media2';

export interface Profiles {
  /** The service they came from, which is asked for their addresses. */
  service: MediaService;
  list: [CameraProfile, ...CameraProfile[]];
}

/** What a camera told of its profiles is good for so long. */
const PROFILES_FOR_MS = 30_000;
/** Troubles of one question that say nothing of the others. */
const OWN_TROUBLES: readonly CameraTrouble[] = ['refused', 'unsupported', 'malformed'];

/** True for an error that the camera's answer to one question was, and not the camera's as a whole. */
export function isOwnTrouble(error: unknown): error is CameraError {
  return error instanceof CameraError && OWN_TROUBLES.includes(error.trouble);
}

/** The two media services of one camera: the newer one where it works, else the older one. */
export class CameraMedia {
  readonly #clock: Clock;
  readonly #session: SoapSession;
  readonly #ask: (phrase: Phrase, signal: AbortSignal) => Promise<XmlElement>;
  #known: (Profiles & { readAtMs: number }) | null = null;
  /** The newer service was found to be of no use. */
  #withoutMedia2 = false;

  constructor(clock: Clock, session: SoapSession, ask: (phrase: Phrase, signal: AbortSignal) => Promise<XmlElement>) {
    this.#clock = clock;
    this.#session = session;
    this.#ask = ask;
  }

  /** The profiles with video, largest picture first; at most half a minute old, or new. `malformed` where there are none. */
  async profiles(signal: AbortSignal, fresh = false): Promise<Profiles> {
    const known = this.#known;
    if (!fresh && known && this.#clock.monotonic() - known.readAtMs < PROFILES_FOR_MS) return known;
    const services = await this.#session.services(signal);
    if (services.has(NAMESPACES.media2) && !this.#withoutMedia2) {
      if (!services.has(NAMESPACES.media)) return this.#read('media2', signal);
      try {
        return await this.#read('media2', signal);
      } catch (error) {
        if (!isOwnTrouble(error)) throw error;
        // Some offer the newer service and have nothing in it.
      }
    }
    const profiles = await this.#read('media', signal);
    this.#withoutMedia2 = true;
    return profiles;
  }

  async streams(signal: AbortSignal): Promise<CameraStream[]> {
    const { service, list } = await this.profiles(signal, true);
    const streams: CameraStream[] = [];
    let failed: CameraError | null = null;
    for (const { sourceToken: _, headToken: __, ...profile } of list) {
      try {
        const told = await this.#say(
          service,
          'getStreamUri',
          { protocol: 'RTSP', profileToken: profile.token },
          signal,
        );
        streams.push({ ...profile, url: addressIn(told, (text) => streamAddress(this.#session.service, text)) });
      } catch (error) {
        // A profile that was taken away in between, or that nobody can watch, hides no other.
        if (!isOwnTrouble(error)) throw error;
        failed = error;
      }
    }
    if (streams.length === 0 && failed) throw failed;
    return streams;
  }

  /** Where the camera gives pictures of its largest profile. */
  async snapshotUrl(signal: AbortSignal): Promise<string> {
    const { service, list } = await this.profiles(signal);
    const ask = async (service: MediaService) => {
      const told = await this.#say(service, 'getSnapshotUri', { profileToken: list[0].token }, signal);
      return addressIn(told, (text) => this.#session.addressOf(text));
    };
    try {
      return await ask(service);
    } catch (error) {
      // Profiles are the same in both services; pictures some give in the older one only.
      if (!isOwnTrouble(error) || service === 'media') throw error;
      return ask('media');
    }
  }

  async #read(service: MediaService, signal: AbortSignal): Promise<Profiles> {
    const [one, ...others] = profilesOf(await this.#say(service, 'getProfiles', undefined, signal), service);
    if (!one) throw new CameraError('malformed', { detail: 'it told no profile with video' });
    this.#known = { service, list: [one, ...others], readAtMs: this.#clock.monotonic() };
    return this.#known;
  }

  #say(
    service: MediaService,
    operation: Operation,
    parameters: Record<string, string> | undefined,
    signal: AbortSignal,
  ) {
    return this.#ask(phrase(operation, parameters, service === 'media2'), signal);
  }
}

/** Both services tell one address, the older one a level deeper. */
function addressIn(told: XmlElement, lead: (text: string) => string | null): string {
  const address = lead(textAt(told, 'Uri') || textAt(told, 'MediaUri', 'Uri'));
  if (address === null) throw new CameraError('malformed', { detail: 'it told no usable address' });
  return address;
}
