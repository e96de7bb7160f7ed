import type { XmlElement } from '../../protocol/index.ts';
import type { CameraStream } from '../api.ts';
import { all, first, labelOf, numberOf, textAt, tokenOf } from './element-reader.ts';

/** Most profiles and streams of one camera that are used. */
export const PROFILES_MAX = 16;
const SIDE_MAX = 32_768;

/** A profile of a camera: what one stream is made of. */
export interface CameraProfile extends Omit<CameraStream, 'url'> {
  /** Token of the picture sensor, which imaging is about. */
  sourceToken: string | null;
  /** Token of the head that moves the picture, empty where it has one without a token; null where it has none. */
  headToken: string | null;
}

/** Where the two media services put the same things. */
const PLACES = {
  media: {
    video: ['VideoEncoderConfiguration'],
    audio: ['AudioEncoderConfiguration'],
    source: ['VideoSourceConfiguration'],
    head: ['PTZConfiguration'],
  },
  media2: {
    video: ['Configurations', 'VideoEncoder'],
    audio: ['Configurations', 'AudioEncoder'],
    source: ['Configurations', 'VideoSource'],
    head: ['Configurations', 'PTZ'],
  },
} as const;

/** The profiles with video of a `GetProfilesResponse`, largest picture first; what is of no use is left out. Total. */
export function profilesOf(response: XmlElement, service: 'media' | 'media2'): CameraProfile[] {
  const places = PLACES[service];
  const found = all(response, 'Profiles').flatMap((profile): CameraProfile[] => {
    const token = tokenOf(profile.attributes.get('token'));
    const video = first(profile, ...places.video);
    if (token === null || !video) return [];
    const bits = amountOf(textAt(video, 'RateControl', 'BitrateLimit'));
    const head = first(profile, ...places.head);
    return [
      {
        token,
        name: labelOf(textAt(profile, 'Name')),
        codec: codecOf(textAt(video, 'Encoding')),
        width: sideOf(textAt(video, 'Resolution', 'Width')),
        height: sideOf(textAt(video, 'Resolution', 'Height')),
        framesPerSecond: amountOf(textAt(video, 'RateControl', 'FrameRateLimit')),
        // They tell kilobits.
        bitsPerSecond: bits === null ? null : bits * 1_000,
        audio: first(profile, ...places.audio) !== undefined,
        sourceToken: tokenOf(textAt(profile, ...places.source, 'SourceToken')),
        headToken: head ? (tokenOf(textAt(head, 'NodeToken')) ?? '') : null,
      },
    ];
  });
  const seen = new Set<string>();
  const once = found.filter(({ token }) => !seen.has(token) && seen.add(token));
  // Pictures of one size by what they are worth in bits; else in the order of the camera.
  once.sort((a, b) => b.width * b.height - a.width * a.height || (b.bitsPerSecond ?? 0) - (a.bitsPerSecond ?? 0));
  return once.slice(0, PROFILES_MAX);
}

function codecOf(encoding: string): CameraStream['codec'] {
  const name = encoding.toUpperCase().replace(/[^A-Z0-9]/g, '');
  if (name === 'H264') return 'h264';
  return name === 'H265' || name === 'HEVC' ? 'h265' : 'other';
}

function sideOf(text: string): number {
  const side = numberOf(text) ?? 0;
  return Number.isInteger(side) && side > 0 && side <= SIDE_MAX ? side : 0;
}

function amountOf(text: string): number | null {
  const amount = numberOf(text);
  return amount !== null && amount > 0 && amount <= 10_000_000 ? amount : null;
}
