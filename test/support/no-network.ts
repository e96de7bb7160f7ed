import type { Datagrams, Sockets } from '../../src/platform/index.ts';

/** TCP for whoever must not use it: every connection is refused. */
export const noSockets: Sockets = { connect: async () => 'refused' };

/** UDP for whoever must not use it. */
export const noDatagrams: Datagrams = {
  open: () => Promise.reject(new Error('no datagrams here')),
  resolve: async () => [],
};
