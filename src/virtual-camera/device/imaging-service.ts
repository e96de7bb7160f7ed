import { LEVEL_MAX, type Levels } from './imaging-levels.ts';
import { argument, argumentText, invalidArgument, NAMESPACES, type SoapFault } from './soap.ts';
import { type DeviceCall, type DeviceService, type DeviceWorld, TOKENS } from './world.ts';
import { el, elWith, type Markup } from './xml-writer.ts';

const NAMES = {
  brightness: 'Brightness',
  contrast: 'Contrast',
  saturation: 'ColorSaturation',
  sharpness: 'Sharpness',
} as const;
type LevelName = keyof typeof NAMES;
const LEVELS = Object.keys(NAMES) as LevelName[];
const CUTS = ['ON', 'OFF', 'AUTO'] as const;

/** The Imaging service: brightness, contrast and colour of the generated picture; sharpness and the infrared filter are kept and change nothing. */
export function imagingService(world: DeviceWorld): DeviceService {
  const ofSource = (work: (call: DeviceCall) => Markup | SoapFault) => (call: DeviceCall) =>
    argumentText(call.question.element, 'VideoSourceToken') === TOKENS.source
      ? work(call)
      : invalidArgument('NoSource', 'The requested video source does not exist');
  return {
    path: '/onvif/imaging_service',
    namespace: NAMESPACES.timg,
    version: { major: 2, minor: 60 },
    listed: true,
    operations: {
      GetImagingSettings: ofSource(() => {
        const { levels } = world.imaging;
        return el(
          'timg:GetImagingSettingsResponse',
          el(
            'timg:ImagingSettings',
            el('tt:Brightness', levels.brightness),
            el('tt:ColorSaturation', levels.saturation),
            el('tt:Contrast', levels.contrast),
            el('tt:IrCutFilter', levels.irCut),
            el('tt:Sharpness', levels.sharpness),
          ),
        );
      }),
      SetImagingSettings: ofSource(({ question }) => {
        const settings = argument(question.element, 'ImagingSettings');
        if (!settings) return invalidArgument('SettingsInvalid', 'expected settings');
        const wish: Partial<Levels> = {};
        for (const name of LEVELS) {
          const text = argumentText(settings, NAMES[name]);
          if (text === undefined) continue;
          const value = /^\d{1,3}(?:\.\d{1,12})?$/.test(text) ? Number(text) : Number.NaN;
          if (!(value <= LEVEL_MAX))
            return invalidArgument('SettingsInvalid', 'The requested settings are out of range');
          wish[name] = value;
        }
        const cut = argumentText(settings, 'IrCutFilter');
        if (cut !== undefined) {
          const known = CUTS.find((each) => each === cut);
          if (!known) return invalidArgument('SettingsInvalid', 'The requested settings are out of range');
          wish.irCut = known;
        }
        world.imaging.set(wish);
        return el('timg:SetImagingSettingsResponse');
      }),
      GetOptions: ofSource(() => {
        const range = (name: LevelName) => el(`tt:${NAMES[name]}`, el('tt:Min', 0), el('tt:Max', LEVEL_MAX));
        return el(
          'timg:GetOptionsResponse',
          el(
            'timg:ImagingOptions',
            range('brightness'),
            range('saturation'),
            range('contrast'),
            CUTS.map((cut) => el('tt:IrCutFilterModes', cut)),
            range('sharpness'),
          ),
        );
      }),
      GetServiceCapabilities: () =>
        el('timg:GetServiceCapabilitiesResponse', elWith('timg:Capabilities', { ImageStabilization: false })),
    },
  };
}
