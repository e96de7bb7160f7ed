import {
  AacAssembler,
  type AudioDescription,
  aacConfiguration,
  describedParameterSets,
  type MovieBuilder,
  type OfferedMedia,
  opusSamples,
  type RtpPacket,
  type SessionDescription,
} from '../media/index.ts';

/** What is taken of a camera's offer. */
export interface ChosenTracks {
  video: OfferedMedia & { encoding: 'H264' | 'H265' };
  parameterSets: readonly Uint8Array[];
  audio: { media: OfferedMedia; description: AudioDescription; frameTicks: number } | null;
}

// Sampling rates by index, ISO/IEC 14496-3 section 1.6.3.4.
const AAC_RATES = [
  96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350,
];

/**
 * Chooses the first picture and the first sound of an offer. `beyond` where the first picture is none this reader takes, and
 * `sound-beyond` where sound is wanted (`keep`) that only ffmpeg can take along; with `copy` such sound is left out.
 */
export function chooseTracks(
  offer: SessionDescription,
  sound: 'keep' | 'copy' | 'none',
): ChosenTracks | 'beyond' | 'sound-beyond' {
  const video = offer.media.find((media) => media.kind === 'video');
  if (!video || !readable(video)) return 'beyond';
  const offered = sound === 'none' ? undefined : offer.media.find((media) => media.kind === 'audio');
  const audio = offered ? chooseSound(offered) : null;
  if (offered && !audio && sound === 'keep') return 'sound-beyond';
  return { video, parameterSets: describedParameterSets(video), audio };
}

/** Plain RTP of H.264 or H.265 in transmission order: the interleaved modes of both are for others. */
function readable(video: OfferedMedia): video is OfferedMedia & { encoding: 'H264' | 'H265' } {
  const { encoding, parameters, plain, clockRate } = video;
  if (!plain || clockRate !== 90_000) return false;
  if (encoding === 'H264') return Number(parameters.get('packetization-mode') ?? 0) < 2;
  return encoding === 'H265' && Number(parameters.get('sprop-max-don-diff') ?? 0) === 0;
}

function chooseSound(media: OfferedMedia): ChosenTracks['audio'] {
  const { encoding, clockRate, plain } = media;
  if (!plain) return null;
  if (encoding === 'OPUS' && clockRate === 48_000) {
    const channels = media.parameters.get('sprop-stereo') === '1' ? 2 : 1;
    return { media, description: { codec: 'opus', timescale: clockRate, channels }, frameTicks: 0 };
  }
  const configuration = aacConfiguration(media);
  const facts = configuration && aacFacts(configuration);
  if (!configuration || !facts) return null;
  const { sampleRate, channels, samples } = facts;
  // With spectral band replication a frame lasts twice as long as the core's rate says; the RTP clock counts the doubled one.
  const frameTicks = Math.round((samples * clockRate) / sampleRate);
  return {
    media,
    description: {
      codec: 'aac',
      configuration,
      timescale: clockRate,
      sampleRate,
      channels: channels || media.channels,
    },
    frameTicks,
  };
}

/** Core sampling rate, channels and samples of a frame, as an AudioSpecificConfig says (ISO/IEC 14496-3 section 1.6.2.1). */
function aacFacts(config: Uint8Array): { sampleRate: number; channels: number; samples: number } | null {
  const type = config[0]! >> 3;
  const index = ((config[0]! & 7) << 1) | (config[1]! >> 7);
  const sampleRate = AAC_RATES[index];
  const channels = (config[1]! >> 3) & 15;
  if (sampleRate === undefined || type === 0 || type === 31 || channels > 8) return null;
  // frameLengthFlag stands behind these 13 bits in the plain AAC types.
  const short = type <= 4 && (config[1]! & 4) !== 0;
  return { sampleRate, channels, samples: short ? 960 : 1024 };
}

/** Takes frames out of packets of sound and gives them to the builder; `lost`: packets before this one are missing. */
export function soundTaker(
  description: AudioDescription,
  frameTicks: number,
  builder: MovieBuilder,
): (bytes: Uint8Array, packet: RtpPacket, lost: boolean) => void {
  if (description.codec === 'opus') {
    return (bytes: Uint8Array, { start, end, timestamp }: RtpPacket) => {
      const samples = opusSamples(bytes, start, end);
      if (samples > 0) builder.sound(bytes, start, end, timestamp, samples);
    };
  }
  const assembler = new AacAssembler((bytes, start, end, timestamp, index) =>
    builder.sound(bytes, start, end, (timestamp + index * frameTicks) >>> 0, frameTicks),
  );
  return (bytes: Uint8Array, { start, end, timestamp }: RtpPacket, lost: boolean) =>
    assembler.packet(bytes, start, end, timestamp, lost);
}
