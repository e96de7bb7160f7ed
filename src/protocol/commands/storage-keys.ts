import { z } from 'zod';
import { command } from './command.ts';
import { field } from './fields.ts';

/** Most key files of one page: some seconds of work. */
export const REWRAP_PAGE_MAX = 200;

/** Most faults told of one page. */
const FAULTS_MAX = 100;

/** Re-wrapping of old epoch keys. */
export const keysRewrap = command({
  name: 'keys.rewrap',
  version: 1,
  about:
    'Writes the key files of old recordings anew: without the copies of devices that are no recipients any more, with copies for those that are.',
  params: z.strictObject({
    without: z.array(field.hex(16)).max(64).optional().meta({
      description: "ids of storage keys whose copies go; absent: all that are none of the present recipients'",
    }),
    limit: z.int().min(1).max(REWRAP_PAGE_MAX).default(50).meta({ description: 'key files looked at, at most' }),
    cursor: field.cursor().optional().meta({ description: 'as given by the page before, with the same `without`' }),
  }),
  result: z.object({
    total: field.count().meta({ description: 'key files there are' }),
    files: field.count().meta({ description: 'key files this page looked at' }),
    rewritten: field.count(),
    dropped: field.count().meta({ description: 'copies left out' }),
    added: field.count().meta({ description: 'copies made' }),
    faults: z
      .array(
        z.object({
          source: field.source(),
          stream: field.streamName(),
          epochId: field.count(),
          fault: z
            .enum(['missing', 'malformed', 'foreign', 'signature', 'sealed'])
            .meta({ description: '`sealed`: the node has no copy itself and could add none' }),
        }),
      )
      .max(FAULTS_MAX),
    cursor: field.cursor().optional().meta({ description: 'goes on behind this page; absent when all is done' }),
  }),
  notes: [
    'Media is not touched. It may be broken off anywhere and done again: a file that is as it should be is left alone.',
    'It is policy for the past, not secrecy: a device that opened a key before may have kept it. What is recorded after a removal is under other keys in any case.',
  ],
  example: {
    params: { limit: 50 },
    result: {
      total: 480,
      files: 50,
      rewritten: 48,
      dropped: 48,
      added: 0,
      faults: [],
      cursor: '3f0c2d5e8b7a49619c1d2e3f4a5b6c7d.31',
    },
  },
});

export type KeysRewrapResult = z.output<typeof keysRewrap.result>;
