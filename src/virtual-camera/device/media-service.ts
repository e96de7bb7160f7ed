import { ptzConfiguration } from './ptz-service.ts';
import { argumentText, invalidArgument, NAMESPACES, type SoapFault } from './soap.ts';
import { type DeviceCall, type DeviceProfile, type DeviceService, type DeviceWorld, TOKENS } from './world.ts';
import { el, elWith, type Markup } from './xml-writer.ts';

/** Where snapshots are: the path of a profile's is this, its stream's name, and `.jpg`. */
export const SNAPSHOT_PATH = '/snapshot';

/** The Media service (ONVIF Media, version 1): profiles and where their streams are. */
export function mediaService(world: DeviceWorld): DeviceService {
  const answer = (name: string, ...content: Parameters<typeof el>[1][]) => el(`trt:${name}Response`, ...content);
  return {
    path: '/onvif/media_service',
    namespace: NAMESPACES.trt,
    version: { major: 2, minor: 60 },
    listed: true,
    operations: {
      GetProfiles: () =>
        answer(
          'GetProfiles',
          world.profiles().map((profile) => profileMarkup(world, 'trt:Profiles', profile)),
        ),
      GetProfile: (call) =>
        withProfile(world, call, (profile) => answer('GetProfile', profileMarkup(world, 'trt:Profile', profile))),
      GetStreamUri: (call) =>
        withProfile(world, call, (profile) => answer('GetStreamUri', mediaUri(streamUrl(world, call, profile)))),
      GetSnapshotUri: (call) =>
        withProfile(world, call, (profile) =>
          answer('GetSnapshotUri', mediaUri(call.url(`${SNAPSHOT_PATH}${profile.mount}.jpg`))),
        ),
      GetVideoSources: () => {
        const [largest] = world.profiles();
        const size = largest ?? { width: 0, height: 0, fps: 0 };
        return answer(
          'GetVideoSources',
          elWith(
            'trt:VideoSources',
            { token: TOKENS.source },
            el('tt:Framerate', size.fps),
            el('tt:Resolution', el('tt:Width', size.width), el('tt:Height', size.height)),
          ),
        );
      },
      GetVideoSourceConfigurations: () =>
        answer('GetVideoSourceConfigurations', sourceConfiguration(world, 'trt:Configurations')),
      GetVideoEncoderConfigurations: () =>
        answer(
          'GetVideoEncoderConfigurations',
          world.profiles().map((profile) => encoderConfiguration(world, 'trt:Configurations', profile)),
        ),
      GetServiceCapabilities: () =>
        answer(
          'GetServiceCapabilities',
          elWith(
            'trt:Capabilities',
            { SnapshotUri: true, Rotation: false },
            elWith('trt:ProfileCapabilities', { MaximumNumberOfProfiles: 2 }),
            elWith('trt:StreamingCapabilities', { RTPMulticast: false, RTP_TCP: true, RTP_RTSP_TCP: true }),
          ),
        ),
    },
  };
}

/** The Media2 service: the same profiles, told the newer way. */
export function media2Service(world: DeviceWorld): DeviceService {
  const answer = (name: string, ...content: Parameters<typeof el>[1][]) => el(`tr2:${name}Response`, ...content);
  return {
    path: '/onvif/media2_service',
    namespace: NAMESPACES.tr2,
    version: { major: 19, minor: 12 },
    listed: true,
    operations: {
      GetProfiles: ({ question }) => {
        const wanted = question.element.children.filter((each) => each.name === 'Type').map((each) => each.text.trim());
        const token = argumentText(question.element, 'Token');
        const found = world.profiles().filter((each) => token === undefined || each.token === token);
        if (token !== undefined && found.length === 0) return noProfile();
        return answer(
          'GetProfiles',
          found.map((profile) => profile2Markup(world, profile, wanted)),
        );
      },
      GetStreamUri: (call) =>
        withProfile(world, call, (profile) => answer('GetStreamUri', el('tr2:Uri', streamUrl(world, call, profile)))),
      GetSnapshotUri: (call) =>
        withProfile(world, call, (profile) =>
          answer('GetSnapshotUri', el('tr2:Uri', call.url(`${SNAPSHOT_PATH}${profile.mount}.jpg`))),
        ),
      GetVideoSourceConfigurations: () =>
        answer('GetVideoSourceConfigurations', sourceConfiguration(world, 'tr2:Configurations')),
      GetVideoEncoderConfigurations: () =>
        answer(
          'GetVideoEncoderConfigurations',
          world.profiles().map((profile) => encoder2Configuration(world, 'tr2:Configurations', profile)),
        ),
      GetServiceCapabilities: () =>
        answer(
          'GetServiceCapabilities',
          elWith(
            'tr2:Capabilities',
            { SnapshotUri: true },
            elWith('tr2:ProfileCapabilities', {
              MaximumNumberOfProfiles: 2,
              ConfigurationsSupported: 'VideoSource VideoEncoder PTZ',
            }),
            elWith('tr2:StreamingCapabilities', { RTSPStreaming: true, RTPMulticast: false, RTP_RTSP_TCP: true }),
          ),
        ),
    },
  };
}

function withProfile(
  world: DeviceWorld,
  { question }: DeviceCall,
  answer: (profile: DeviceProfile) => Markup,
): Markup | SoapFault {
  const token = argumentText(question.element, 'ProfileToken');
  const profile = world.profiles().find((each) => each.token === token);
  return profile ? answer(profile) : noProfile();
}

function noProfile(): SoapFault {
  return invalidArgument('NoProfile', 'The requested profile token does not exist');
}

function streamUrl(world: DeviceWorld, { host }: DeviceCall, profile: DeviceProfile): string {
  const port = new URL(world.camera.url(profile.mount)).port;
  return `rtsp://${host}${port === '' ? '' : `:${port}`}${profile.mount}`;
}

function mediaUri(uri: string): Markup {
  return el(
    'trt:MediaUri',
    el('tt:Uri', uri),
    el('tt:InvalidAfterConnect', false),
    el('tt:InvalidAfterReboot', false),
    el('tt:Timeout', 'PT0S'),
  );
}

function profileMarkup(world: DeviceWorld, name: string, profile: DeviceProfile): Markup {
  return elWith(
    name,
    { token: profile.token, fixed: true },
    el('tt:Name', profile.token),
    sourceConfiguration(world, 'tt:VideoSourceConfiguration'),
    encoderConfiguration(world, 'tt:VideoEncoderConfiguration', profile),
    hasAudio(world) ? audioConfiguration('tt:AudioEncoderConfiguration') : null,
    world.options.ptz ? ptzConfiguration('tt:PTZConfiguration') : null,
  );
}

function profile2Markup(world: DeviceWorld, profile: DeviceProfile, wanted: readonly string[]): Markup {
  const tells = (type: string) => wanted.includes('All') || wanted.includes(type);
  return elWith(
    'tr2:Profiles',
    { token: profile.token, fixed: true },
    el('tr2:Name', profile.token),
    el(
      'tr2:Configurations',
      tells('VideoSource') ? sourceConfiguration(world, 'tr2:VideoSource') : null,
      tells('VideoEncoder') ? encoder2Configuration(world, 'tr2:VideoEncoder', profile) : null,
      hasAudio(world) && tells('AudioEncoder') ? audioConfiguration('tr2:AudioEncoder') : null,
      world.options.ptz && tells('PTZ') ? ptzConfiguration('tr2:PTZ') : null,
    ),
  );
}

function hasAudio({ options }: DeviceWorld): boolean {
  return (options.camera?.audio ?? 'none') !== 'none';
}

function sourceConfiguration(world: DeviceWorld, name: string): Markup {
  const [largest] = world.profiles();
  return elWith(
    name,
    { token: TOKENS.sourceConfiguration },
    el('tt:Name', TOKENS.sourceConfiguration),
    el('tt:UseCount', 2),
    el('tt:SourceToken', TOKENS.source),
    elWith('tt:Bounds', { x: 0, y: 0, width: largest?.width ?? 0, height: largest?.height ?? 0 }),
  );
}

function encoderConfiguration(world: DeviceWorld, name: string, profile: DeviceProfile): Markup {
  return elWith(
    name,
    { token: encoderToken(profile) },
    el('tt:Name', encoderToken(profile)),
    el('tt:UseCount', 1),
    // H.265 is not in the schema of this service; cameras that have nothing newer write it all the same.
    el('tt:Encoding', world.codec().toUpperCase()),
    resolution(profile),
    el('tt:Quality', 4),
    el(
      'tt:RateControl',
      el('tt:FrameRateLimit', profile.fps),
      el('tt:EncodingInterval', 1),
      el('tt:BitrateLimit', Math.round(profile.bitrate / 1000)),
    ),
    world.codec() === 'h264' ? el('tt:H264', el('tt:GovLength', profile.gop), el('tt:H264Profile', 'Baseline')) : null,
    el(
      'tt:Multicast',
      el('tt:Address', el('tt:Type', 'IPv4'), el('tt:IPv4Address', '0.0.0.0')),
      el('tt:Port', 0),
      el('tt:TTL', 1),
      el('tt:AutoStart', false),
    ),
    el('tt:SessionTimeout', 'PT60S'),
  );
}

function encoder2Configuration(world: DeviceWorld, name: string, profile: DeviceProfile): Markup {
  return elWith(
    name,
    {
      token: encoderToken(profile),
      GovLength: profile.gop,
      Profile: world.codec() === 'h264' ? 'Baseline' : 'Main',
    },
    el('tt:Name', encoderToken(profile)),
    el('tt:UseCount', 1),
    el('tt:Encoding', world.codec().toUpperCase()),
    resolution(profile),
    elWith(
      'tt:RateControl',
      { ConstantBitRate: true },
      el('tt:FrameRateLimit', profile.fps),
      el('tt:BitrateLimit', Math.round(profile.bitrate / 1000)),
    ),
    el('tt:Quality', 4),
  );
}

function audioConfiguration(name: string): Markup {
  return elWith(
    name,
    { token: 'audio_encoder_1' },
    el('tt:Name', 'audio_encoder_1'),
    el('tt:UseCount', 2),
    el('tt:Encoding', 'AAC'),
    el('tt:Bitrate', 64),
    el('tt:SampleRate', 16),
  );
}

function resolution({ width, height }: DeviceProfile): Markup {
  return el('tt:Resolution', el('tt:Width', width), el('tt:Height', height));
}

function encoderToken({ mount }: DeviceProfile): string {
  return `video_encoder_${mount.slice(1)}`;
}
