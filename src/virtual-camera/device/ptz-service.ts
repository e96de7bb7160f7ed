import type { XmlElement } from '../../protocol/index.ts';
import type { HeadPosition } from './head.ts';
import { argument, argumentText, invalidArgument, NAMESPACES, SoapFault } from './soap.ts';
import { dateTimeText, durationMs } from './time-text.ts';
import { type DeviceCall, type DeviceService, type DeviceWorld, TOKENS } from './world.ts';
import { el, elWith, type Markup } from './xml-writer.ts';

/** Presets it can keep. */
export const PRESETS_MAX = 32;
const NAME_LENGTH_MAX = 64;
/** How long a continuous move may go on; without a time-out of its own it takes the default. */
const MOVE_MS = { default: 10_000, min: 100, max: 60_000 };
const SPACES = 'http://www.onvif.org/ver10/tptz';

interface Preset {
  name: string;
  position: HeadPosition;
}

/** The PTZ service: a head with one node, one configuration, presets and a home. */
export function ptzService(world: DeviceWorld): DeviceService {
  const { head } = world;
  const presets = new Map<string, Preset>();
  let home: HeadPosition = { pan: 0, tilt: 0, zoom: 0 };
  let made = 0;

  /** For operations that name a profile. */
  const forProfile = (work: (call: DeviceCall) => Markup | SoapFault) => (call: DeviceCall) => {
    const token = argumentText(call.question.element, 'ProfileToken');
    if (!world.profiles().some((each) => each.token === token)) {
      return invalidArgument('NoProfile', 'The requested profile token does not exist');
    }
    return work(call);
  };
  const presetOf = (call: DeviceCall) => presets.get(argumentText(call.question.element, 'PresetToken') ?? '');
  const noPreset = () => invalidArgument('NoToken', 'The requested preset token does not exist');
  const done = (name: string) => el(`tptz:${name}Response`);

  return {
    path: '/onvif/ptz_service',
    namespace: NAMESPACES.tptz,
    version: { major: 2, minor: 60 },
    listed: true,
    operations: {
      GetNodes: () => el('tptz:GetNodesResponse', ptzNode('tptz:PTZNode')),
      GetNode: () => el('tptz:GetNodeResponse', ptzNode('tptz:PTZNode')),
      GetConfigurations: () => el('tptz:GetConfigurationsResponse', ptzConfiguration('tptz:PTZConfiguration')),
      GetConfigurationOptions: () =>
        el(
          'tptz:GetConfigurationOptionsResponse',
          el(
            'tptz:PTZConfigurationOptions',
            el('tt:Spaces', spaces()),
            el('tt:PTZTimeout', el('tt:Min', 'PT0.1S'), el('tt:Max', 'PT60S')),
          ),
        ),
      GetServiceCapabilities: () =>
        el(
          'tptz:GetServiceCapabilitiesResponse',
          elWith('tptz:Capabilities', { EFlip: false, Reverse: false, MoveStatus: true, StatusPosition: true }),
        ),
      ContinuousMove: forProfile(({ question }) => {
        const speed = vectorOf(argument(question.element, 'Velocity'), -1);
        const written = argumentText(question.element, 'Timeout');
        const forMs = written === undefined ? MOVE_MS.default : durationMs(written);
        if (speed === null) return invalidArgument('InvalidVelocity', 'expected speeds from -1 to 1');
        if (forMs === null || forMs < MOVE_MS.min || forMs > MOVE_MS.max) {
          return invalidArgument('TimeoutNotSupported', 'expected a time-out from 0.1 to 60 s');
        }
        head.move(speed, forMs);
        return done('ContinuousMove');
      }),
      Stop: forProfile(({ question }) => {
        const panTilt = argumentText(question.element, 'PanTilt');
        const zoom = argumentText(question.element, 'Zoom');
        const stops = (text: string | undefined) => text === undefined || text === 'true' || text === '1';
        // With neither written, everything stops; with one, the other stops unless it is excepted.
        if (stops(panTilt)) head.stop('pan', 'tilt');
        if (stops(zoom)) head.stop('zoom');
        return done('Stop');
      }),
      AbsoluteMove: forProfile(({ question }) => {
        const position = vectorOf(argument(question.element, 'Position'), 0);
        if (position === null) return invalidArgument('InvalidPosition', 'The position is out of bounds');
        head.goto(position, vectorOf(argument(question.element, 'Speed'), -1) ?? {});
        return done('AbsoluteMove');
      }),
      RelativeMove: forProfile(({ question }) => {
        const by = vectorOf(argument(question.element, 'Translation'), -1);
        if (by === null) return invalidArgument('InvalidTranslation', 'The translation is out of bounds');
        const from = head.position();
        const target: Partial<HeadPosition> = {};
        for (const axis of ['pan', 'tilt', 'zoom'] as const) {
          if (by[axis] !== undefined) target[axis] = from[axis] + by[axis];
        }
        head.goto(target, vectorOf(argument(question.element, 'Speed'), -1) ?? {});
        return done('RelativeMove');
      }),
      GetStatus: forProfile(() => {
        const { pan, tilt, zoom } = head.position();
        const says = (moving: boolean) => (moving ? 'MOVING' : 'IDLE');
        return el(
          'tptz:GetStatusResponse',
          el(
            'tptz:PTZStatus',
            positionMarkup('tt:Position', { pan, tilt, zoom }),
            el(
              'tt:MoveStatus',
              el('tt:PanTilt', says(head.isMoving('pan', 'tilt'))),
              el('tt:Zoom', says(head.isMoving('zoom'))),
            ),
            el('tt:UtcTime', dateTimeText(world.deviceClock.now())),
          ),
        );
      }),
      GetPresets: forProfile(() =>
        el(
          'tptz:GetPresetsResponse',
          [...presets].map(([token, { name, position }]) =>
            elWith('tptz:Preset', { token }, el('tt:Name', name), positionMarkup('tt:PTZPosition', position)),
          ),
        ),
      ),
      SetPreset: forProfile((call) => {
        const given = argumentText(call.question.element, 'PresetToken');
        const known = presetOf(call);
        if (given !== undefined && given !== '' && !known) return noPreset();
        if (head.isMoving()) return new SoapFault('Receiver', ['ter:Action', 'ter:MovingPTZ'], 'PTZ is moving');
        const token = known ? given! : `preset_${made + 1}`;
        const name = (argumentText(call.question.element, 'PresetName') ?? known?.name ?? token).slice(
          0,
          NAME_LENGTH_MAX,
        );
        if ([...presets].some(([each, preset]) => each !== token && preset.name === name)) {
          return invalidArgument('PresetExist', 'The requested name already exists for another preset');
        }
        if (!known && presets.size >= PRESETS_MAX) {
          return new SoapFault('Receiver', ['ter:Action', 'ter:TooManyPresets'], 'Maximum number of presets reached');
        }
        if (!known) made += 1;
        presets.set(token, { name, position: head.position() });
        return el('tptz:SetPresetResponse', el('tptz:PresetToken', token));
      }),
      GotoPreset: forProfile((call) => {
        const preset = presetOf(call);
        if (!preset) return noPreset();
        head.goto(preset.position, vectorOf(argument(call.question.element, 'Speed'), -1) ?? {});
        return done('GotoPreset');
      }),
      RemovePreset: forProfile((call) => {
        const token = argumentText(call.question.element, 'PresetToken') ?? '';
        return presets.delete(token) ? done('RemovePreset') : noPreset();
      }),
      GotoHomePosition: forProfile(() => {
        head.goto(home);
        return done('GotoHomePosition');
      }),
      SetHomePosition: forProfile(() => {
        home = head.position();
        return done('SetHomePosition');
      }),
    },
  };
}

/** The one configuration of the head, as profiles carry it. */
export function ptzConfiguration(name: string): Markup {
  return elWith(
    name,
    { token: TOKENS.ptzConfiguration },
    el('tt:Name', TOKENS.ptzConfiguration),
    el('tt:UseCount', 2),
    el('tt:NodeToken', TOKENS.ptzNode),
    el('tt:DefaultAbsolutePantTiltPositionSpace', `${SPACES}/PanTiltSpaces/PositionGenericSpace`),
    el('tt:DefaultAbsoluteZoomPositionSpace', `${SPACES}/ZoomSpaces/PositionGenericSpace`),
    el('tt:DefaultRelativePanTiltTranslationSpace', `${SPACES}/PanTiltSpaces/TranslationGenericSpace`),
    el('tt:DefaultRelativeZoomTranslationSpace', `${SPACES}/ZoomSpaces/TranslationGenericSpace`),
    el('tt:DefaultContinuousPanTiltVelocitySpace', `${SPACES}/PanTiltSpaces/VelocityGenericSpace`),
    el('tt:DefaultContinuousZoomVelocitySpace', `${SPACES}/ZoomSpaces/VelocityGenericSpace`),
    el('tt:DefaultPTZTimeout', `PT${MOVE_MS.default / 1000}S`),
  );
}

function ptzNode(name: string): Markup {
  return elWith(
    name,
    { token: TOKENS.ptzNode, FixedHomePosition: false },
    el('tt:Name', TOKENS.ptzNode),
    el('tt:SupportedPTZSpaces', spaces()),
    el('tt:MaximumNumberOfPresets', PRESETS_MAX),
    el('tt:HomeSupported', true),
  );
}

function spaces(): Markup[] {
  const range = (axis: 'X' | 'Y', min: number) => el(`tt:${axis}Range`, el('tt:Min', min), el('tt:Max', 1));
  const flat = (name: string, space: string) =>
    el(`tt:${name}`, el('tt:URI', `${SPACES}/PanTiltSpaces/${space}`), range('X', -1), range('Y', -1));
  const deep = (name: string, space: string, min: number) =>
    el(`tt:${name}`, el('tt:URI', `${SPACES}/ZoomSpaces/${space}`), range('X', min));
  return [
    flat('AbsolutePanTiltPositionSpace', 'PositionGenericSpace'),
    deep('AbsoluteZoomPositionSpace', 'PositionGenericSpace', 0),
    flat('RelativePanTiltTranslationSpace', 'TranslationGenericSpace'),
    deep('RelativeZoomTranslationSpace', 'TranslationGenericSpace', -1),
    flat('ContinuousPanTiltVelocitySpace', 'VelocityGenericSpace'),
    deep('ContinuousZoomVelocitySpace', 'VelocityGenericSpace', -1),
    el('tt:PanTiltSpeedSpace', el('tt:URI', `${SPACES}/PanTiltSpaces/GenericSpeedSpace`), range('X', 0)),
    el('tt:ZoomSpeedSpace', el('tt:URI', `${SPACES}/ZoomSpaces/ZoomGenericSpeedSpace`), range('X', 0)),
  ];
}

function positionMarkup(name: string, { pan, tilt, zoom }: HeadPosition): Markup {
  const short = (value: number) => String(Math.round(value * 1e6) / 1e6);
  return el(
    name,
    elWith('tt:PanTilt', { x: short(pan), y: short(tilt), space: `${SPACES}/PanTiltSpaces/PositionGenericSpace` }),
    elWith('tt:Zoom', { x: short(zoom), space: `${SPACES}/ZoomSpaces/PositionGenericSpace` }),
  );
}

/** The axes a vector names; null where there is none at all, or a value out of range. */
function vectorOf(vector: XmlElement | undefined, zoomMin: number): Partial<HeadPosition> | null {
  const panTilt = argument(vector, 'PanTilt');
  const zoom = argument(vector, 'Zoom');
  if (!panTilt && !zoom) return null;
  const number = (element: XmlElement, name: string) => {
    const text = element.attributes.get(name) ?? '';
    return /^[+-]?(?:\d{1,6}(?:\.\d{0,20})?|\.\d{1,20})(?:[eE][+-]?\d{1,2})?$/.test(text) ? Number(text) : Number.NaN;
  };
  const found: Partial<HeadPosition> = {};
  if (panTilt) {
    found.pan = number(panTilt, 'x');
    found.tilt = number(panTilt, 'y');
  }
  if (zoom) found.zoom = number(zoom, 'x');
  const within = (value: number | undefined, min: number) => value === undefined || (value >= min && value <= 1);
  return within(found.pan, -1) && within(found.tilt, -1) && within(found.zoom, zoomMin) ? found : null;
}
