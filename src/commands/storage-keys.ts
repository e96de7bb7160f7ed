import { fromHex } from '../bytes/index.ts';
import { isNvrError } from '../errors.ts';
import { paramsRefused } from './errors.ts';
import type { CommandDeps, Family } from './handler.ts';

/** `keys.rewrap`. */
export function storageKeyCommands({ vault }: Pick<CommandDeps, 'vault'>): Family<'keys.rewrap'> {
  return {
    async 'keys.rewrap'({ params: { without, limit, cursor }, signal }) {
      try {
        const { faults, ...page } = await vault.rewrap({
          limit,
          signal,
          ...(without === undefined ? {} : { without: without.map((keyId) => fromHex(keyId, 16)!) }),
          ...(cursor === undefined ? {} : { cursor }),
        });
        return { ...page, faults: faults.map(({ sourceId, ...rest }) => ({ source: sourceId, ...rest })) };
      } catch (error) {
        if (isNvrError(error, 'invalid')) throw paramsRefused('cursor: expected one of a page before');
        throw error;
      }
    },
  };
}
