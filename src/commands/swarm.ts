import { SWARM_PAGE_MAX, SWARM_REASONS_MAX, SWARM_SOCKETS_MAX, TIME_AT_MAX, ZONES_MAX } from '../protocol/index.ts';
import type { CommandDeps, Family } from './handler.ts';

const ROLE = /[^a-z0-9-]/g;

/** `swarm.status`. */
export function swarmCommands({ swarm }: Pick<CommandDeps, 'swarm'>): Family<'swarm.status'> {
  return {
    async 'swarm.status'({ params: { peersFrom, recordsFrom } }) {
      const status = swarm.status();
      const { listening = [], zones = [], peers = [], records = [] } = status ?? {};
      const { refused = {}, ...counts } = status?.counters ?? {};
      return {
        enabled: status !== null,
        listening: listening.slice(0, SWARM_SOCKETS_MAX),
        zones: zones.slice(0, ZONES_MAX),
        peersTotal: peers.length,
        peersConfirmed: peers.filter((peer) => peer.confirmed).length,
        peers: peers.slice(peersFrom, peersFrom + SWARM_PAGE_MAX).map((peer) => ({
          ...peer,
          zones: peer.zones.slice(0, ZONES_MAX),
        })),
        recordsTotal: records.length,
        // What a record says of itself was written by somebody else.
        records: records.slice(recordsFrom, recordsFrom + SWARM_PAGE_MAX).map((record) => ({
          ...record,
          role: record.role.toLowerCase().replace(ROLE, '').slice(0, 32),
          updatedAt: Math.min(record.updatedAt, TIME_AT_MAX),
        })),
        counters: {
          ...NOTHING,
          ...counts,
          refused: Object.entries(refused)
            .map(([reason, count]) => ({ reason, count }))
            .slice(0, SWARM_REASONS_MAX),
        },
      };
    },
  };
}

const NOTHING = {
  datagramsIn: 0,
  datagramsOut: 0,
  bytesIn: 0,
  bytesOut: 0,
  sendErrors: 0,
  recordsAdmitted: 0,
  signatureChecks: 0,
};
