import type { CommandDeps, Family } from './handler.ts';

/** `cameras.discover`. */
export function cameraCommands({ cameras }: Pick<CommandDeps, 'cameras'>): Family<'cameras.discover'> {
  return {
    'cameras.discover': () => cameras.discover(),
  };
}
