import { type Command, Option } from 'commander';
import type { NvrClient } from '../client/index.ts';
import { withNode } from './node-link.ts';
import type { World } from './world.ts';

/** Who speaks to the node: a paired device, or the operator at the machine. */
export type Speaker = 'client' | 'operator';

/** How a command reaches the node. */
export type Reach = <T>(work: (client: NvrClient) => Promise<T>) => Promise<T>;

/** What says which node is meant. */
export interface ReachOptions {
  /** As a paired device: which node. */
  node?: string;
  /** As the operator: which data folder. */
  data?: string;
  json?: boolean;
}

/** Makes commands below `parent` that exist for both speakers alike, with the options that name the node. */
export function reachingCommands(parent: Command, world: World, as: Speaker) {
  const place = () =>
    as === 'client'
      ? new Option('--node <name>', 'name of a paired node, or the beginning of its id (default: paired last)')
      : new Option('--data <folder>', 'data folder (default: CONSTITUTE_NVR_DATA, else data beside the program)');
  return {
    command: (name: string, about: string): Command =>
      parent
        .command(name)
        .description(about)
        .addOption(place())
        .addOption(new Option('--json', 'one JSON object on standard output')),
    reach:
      (options: ReachOptions): Reach =>
      async (work) => {
        if (as === 'client') return withNode(world, options.node, work);
        const { withOperator } = await import('./operator-link.ts');
        return withOperator(world, options, work);
      },
  };
}
