import { NAMESPACES } from './soap.ts';
import { dateTimeText } from './time-text.ts';
import type { DeviceService } from './world.ts';
import { el, elWith } from './xml-writer.ts';

/** The Recording Search service, as far as it tells what the camera itself keeps. */
export function searchService(recordings: { from: number; until: number; count: number }): DeviceService {
  return {
    path: '/onvif/search_service',
    namespace: NAMESPACES.tse,
    version: { major: 2, minor: 60 },
    listed: true,
    operations: {
      GetRecordingSummary: () =>
        el(
          'tse:GetRecordingSummaryResponse',
          el(
            'tse:Summary',
            el('tt:DataFrom', dateTimeText(recordings.from)),
            el('tt:DataUntil', dateTimeText(recordings.until)),
            el('tt:NumberRecordings', recordings.count),
          ),
        ),
      GetServiceCapabilities: () =>
        el('tse:GetServiceCapabilitiesResponse', elWith('tse:Capabilities', { MetadataSearch: false })),
    },
  };
}
