import { argument, argumentText, invalidArgument, NAMESPACES } from './soap.ts';
import { dateTimeMs } from './time-text.ts';
import type { DeviceCall, DeviceService, DeviceWorld } from './world.ts';
import { el, elWith, type Markup } from './xml-writer.ts';

const NAME_LENGTH_MAX = 128;

/** The Device service of ONVIF (Core Specification, chapter 8): who it is, what it can do, its clock. */
export function deviceService(world: DeviceWorld, services: () => readonly DeviceService[]): DeviceService {
  const { identity, deviceClock, options } = world;
  let timeMode: 'Manual' | 'NTP' = 'Manual';
  let timeServer: { type: 'IPv4' | 'IPv6' | 'DNS'; host: string } | null = null;

  const listed = () => services().filter((each) => each.listed);
  const at = (call: DeviceCall, namespace: string) => {
    const found = listed().find((each) => each.namespace === namespace);
    return found && el('tt:XAddr', call.url(found.path));
  };
  const capability = (name: string, address: Markup | undefined, ...content: (Markup | null)[]) =>
    address ? el(name, address, ...content) : null;

  const dateParts = (ms: number) => {
    const date = new Date(ms);
    return [
      el(
        'tt:Time',
        el('tt:Hour', date.getUTCHours()),
        el('tt:Minute', date.getUTCMinutes()),
        el('tt:Second', date.getUTCSeconds()),
      ),
      el(
        'tt:Date',
        el('tt:Year', date.getUTCFullYear()),
        el('tt:Month', date.getUTCMonth() + 1),
        el('tt:Day', date.getUTCDate()),
      ),
    ];
  };

  return {
    path: '/onvif/device_service',
    namespace: NAMESPACES.tds,
    version: { major: 2, minor: 60 },
    listed: true,
    operations: {
      GetSystemDateAndTime: () =>
        el(
          'tds:GetSystemDateAndTimeResponse',
          el(
            'tds:SystemDateAndTime',
            el('tt:DateTimeType', timeMode),
            el('tt:DaylightSavings', false),
            el('tt:TimeZone', el('tt:TZ', 'UTC0')),
            el('tt:UTCDateTime', dateParts(deviceClock.now())),
            el('tt:LocalDateTime', dateParts(deviceClock.now())),
          ),
        ),
      SetSystemDateAndTime: ({ question }) => {
        const mode = argumentText(question.element, 'DateTimeType');
        if (mode === 'NTP') {
          timeMode = 'NTP';
          if (timeServer) deviceClock.lead();
          return el('tds:SetSystemDateAndTimeResponse');
        }
        if (mode !== 'Manual') return invalidArgument('InvalidDateTime', 'expected Manual or NTP');
        const given = argument(question.element, 'UTCDateTime');
        const number = (group: string, name: string) => argumentText(argument(given, group), name) ?? '';
        const digits = (group: string, name: string) => number(group, name).padStart(name === 'Year' ? 4 : 2, '0');
        const date = ['Year', 'Month', 'Day'].map((name) => digits('Date', name)).join('-');
        const time = ['Hour', 'Minute', 'Second'].map((name) => digits('Time', name)).join(':');
        const ms = given ? dateTimeMs(`${date}T${time}Z`) : null;
        if (given && ms === null) return invalidArgument('InvalidDateTime', 'expected a date and a time');
        timeMode = 'Manual';
        if (ms !== null) deviceClock.set(ms - world.clock.now());
        return el('tds:SetSystemDateAndTimeResponse');
      },
      GetNTP: () =>
        el(
          'tds:GetNTPResponse',
          el(
            'tds:NTPInformation',
            el('tt:FromDHCP', false),
            timeServer &&
              el(
                'tt:NTPManual',
                el('tt:Type', timeServer.type),
                el(timeServer.type === 'DNS' ? 'tt:DNSname' : `tt:${timeServer.type}Address`, timeServer.host),
              ),
          ),
        ),
      SetNTP: ({ question }) => {
        const manual = argument(question.element, 'NTPManual');
        const type = argumentText(manual, 'Type');
        if (type !== 'IPv4' && type !== 'IPv6' && type !== 'DNS') {
          return invalidArgument('InvalidIPv4Address', 'expected a type of address');
        }
        const host = argumentText(manual, type === 'DNS' ? 'DNSname' : `${type}Address`) ?? '';
        if (!/^[A-Za-z0-9.:_-]+$/.test(host) || host.length > NAME_LENGTH_MAX) {
          return invalidArgument('InvalidDnsName', 'expected a host');
        }
        timeServer = { type, host };
        if (timeMode === 'NTP') deviceClock.lead();
        return el('tds:SetNTPResponse');
      },
      GetDeviceInformation: () =>
        el(
          'tds:GetDeviceInformationResponse',
          el('tds:Manufacturer', identity.manufacturer),
          el('tds:Model', identity.model),
          el('tds:FirmwareVersion', identity.firmware),
          el('tds:SerialNumber', identity.serial),
          el('tds:HardwareId', '1.0'),
        ),
      GetEndpointReference: () => el('tds:GetEndpointReferenceResponse', el('tds:GUID', identity.endpoint)),
      GetHostname: () =>
        el(
          'tds:GetHostnameResponse',
          el('tds:HostnameInformation', el('tt:FromDHCP', false), el('tt:Name', `camera-${identity.serial}`)),
        ),
      GetScopes: () =>
        el(
          'tds:GetScopesResponse',
          scopesOf(world).map((scope) => el('tds:Scopes', el('tt:ScopeDef', 'Fixed'), el('tt:ScopeItem', scope))),
        ),
      GetNetworkInterfaces: ({ host }) =>
        el(
          'tds:GetNetworkInterfacesResponse',
          elWith(
            'tds:NetworkInterfaces',
            { token: 'eth0' },
            el('tt:Enabled', true),
            el('tt:Info', el('tt:Name', 'eth0'), el('tt:HwAddress', identity.hardwareAddress), el('tt:MTU', 1500)),
            el(
              'tt:IPv4',
              el('tt:Enabled', true),
              el('tt:Config', el('tt:Manual', el('tt:Address', host), el('tt:PrefixLength', 24)), el('tt:DHCP', false)),
            ),
          ),
        ),
      GetCapabilities: (call) =>
        el(
          'tds:GetCapabilitiesResponse',
          el(
            'tds:Capabilities',
            capability('tt:Device', at(call, NAMESPACES.tds)),
            capability(
              'tt:Events',
              at(call, NAMESPACES.tev),
              el('tt:WSSubscriptionPolicySupport', false),
              el('tt:WSPullPointSupport', true),
              el('tt:WSPausableSubscriptionManagerInterfaceSupport', false),
            ),
            capability('tt:Imaging', at(call, NAMESPACES.timg)),
            capability(
              'tt:Media',
              at(call, NAMESPACES.trt),
              el(
                'tt:StreamingCapabilities',
                el('tt:RTPMulticast', false),
                el('tt:RTP_TCP', true),
                el('tt:RTP_RTSP_TCP', true),
              ),
            ),
            capability('tt:PTZ', at(call, NAMESPACES.tptz)),
            options.recordings
              ? el('tt:Extension', el('tt:Search', at(call, NAMESPACES.tse), el('tt:MetadataSearch', false)))
              : null,
          ),
        ),
      GetServices: (call) =>
        el(
          'tds:GetServicesResponse',
          listed().map((service) =>
            el(
              'tds:Service',
              el('tds:Namespace', service.namespace),
              el('tds:XAddr', call.url(service.path)),
              el('tds:Version', el('tt:Major', service.version.major), el('tt:Minor', service.version.minor)),
            ),
          ),
        ),
      GetServiceCapabilities: () =>
        el(
          'tds:GetServiceCapabilitiesResponse',
          el(
            'tds:Capabilities',
            elWith('tds:Network', { IPFilter: false, ZeroConfiguration: false, NTP: 1 }),
            elWith('tds:Security', {
              UsernameToken: accepts(world, 'token'),
              HttpDigest: accepts(world, 'digest'),
            }),
            elWith('tds:System', { DiscoveryResolve: true, DiscoveryBye: true, FirmwareUpgrade: false }),
          ),
        ),
      SystemReboot: () => {
        world.rebootSoon();
        return el('tds:SystemRebootResponse', el('tds:Message', 'Rebooting'));
      },
    },
  };
}

/** What is told of the device in discovery and by GetScopes. */
export function scopesOf({ identity, options }: Pick<DeviceWorld, 'identity' | 'options'>): string[] {
  const scope = (kind: string, value: string) => `onvif://www.onvif.org/${kind}/${encodeURIComponent(value)}`;
  return [
    scope('type', 'video_encoder'),
    ...(options.ptz ? [scope('type', 'ptz')] : []),
    ...['Streaming', ...(options.media2 !== false ? ['T'] : [])].map((profile) => scope('Profile', profile)),
    scope('name', identity.name),
    scope('hardware', identity.model),
    scope('location', 'nowhere'),
  ];
}

function accepts({ options }: DeviceWorld, way: 'digest' | 'token'): boolean {
  return options.authentication?.includes(way) ?? true;
}
