import { type Access, type DiscoveredCamera, type SourceId, sees } from '../protocol/index.ts';
import type { CommandDeps, Family } from './handler.ts';

/** `cameras.discover`. */
export function cameraCommands({ cameras }: Pick<CommandDeps, 'cameras'>): Family<'cameras.discover'> {
  return {
    async 'cameras.discover'({ params, call, access, signal }) {
      const onFound = (camera: DiscoveredCamera) => call.stream.event('cameras.found', shown(access, camera));
      const found = await cameras.discover(params, { onFound, signal });
      return { ...found, cameras: found.cameras.map((camera) => shown(access, camera)) };
    },
  };
}

/** Of a source that the caller may not know of, nothing is told: its camera is one like any other. */
function shown(access: Access, { configured, ...camera }: DiscoveredCamera): DiscoveredCamera {
  return configured !== undefined && sees(access, configured as SourceId) ? { ...camera, configured } : camera;
}
