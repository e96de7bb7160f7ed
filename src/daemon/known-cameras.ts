import type { KnownCamera } from '../cameras/index.ts';
import type { SourceConfig } from './config.ts';

/** The configured cameras, as far as an answer on the network can be told to be one of them. `endpointOf`: where one was learned. */
export function knownCameras(
  sources: readonly Pick<SourceConfig, 'id' | 'input' | 'onvif'>[],
  endpointOf: (source: SourceConfig['id']) => string | null = () => null,
): KnownCamera[] {
  return sources.flatMap(({ id, input, onvif }) => {
    if (input.kind === 'virtual') return [];
    const urls = [input.main.address, input.sub?.address, onvif?.service];
    const hosts = urls.flatMap((url) => (url && URL.parse(url)?.hostname.toLowerCase()) || []);
    return [{ source: id, hosts: [...new Set(hosts)], endpoint: endpointOf(id) }];
  });
}
