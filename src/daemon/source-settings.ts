import type { SourcesSettingsResult } from '../protocol/index.ts';
import type { SourceConfig } from './config.ts';

/** What `sources.settings` tells of a source; no password. */
export function settingsOf(source: SourceConfig, timezone: string): SourcesSettingsResult {
  const { id, name, enabled, input, onvif, find, reader, audio, record, keepMs, size } = source;
  const camera = input.kind === 'camera' ? input : null;
  const credentials = camera?.main.credentials ?? camera?.sub?.credentials ?? null;
  return {
    source: id,
    name,
    enabled,
    virtual: camera === null,
    ...(camera ? { url: camera.main.address } : {}),
    ...(camera?.sub ? { sub: camera.sub.address } : {}),
    ...(credentials ? { username: credentials.username } : {}),
    password: credentials !== null && credentials.password !== '',
    ...(onvif ? { onvif: onvif.service } : {}),
    ...(onvif?.hardwareId ? { hardware: onvif.hardwareId } : {}),
    find,
    transport: camera?.transport ?? 'auto',
    reader,
    audio,
    record: { main: record.main, sub: record.sub },
    schedule: record.schedule?.map(({ from, until }) => ({ from, until })) ?? null,
    timezone,
    on: [...record.on],
    beforeMs: record.beforeMs,
    afterMs: record.afterMs,
    keepMs,
    size: size && 'bytes' in size ? { bytes: size.bytes } : size && { share: size.share },
  };
}
