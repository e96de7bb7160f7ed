import { RECORDER_STATES, type RecorderState, sees, WARNING_LENGTH_MAX, WARNINGS_MAX } from '../protocol/index.ts';
import type { CommandDeps, Family } from './handler.ts';
import { atOf, printable } from './wire.ts';

/** `status.get`. */
export function statusCommands({
  clock,
  vault,
  live,
  sources,
  node,
}: Pick<CommandDeps, 'clock' | 'vault' | 'live' | 'sources' | 'node'>): Family<'status.get'> {
  return {
    async 'status.get'({ role, access }) {
      const { state, segments, sizeBytes, oldestUs, freeBytes, totalBytes, leaves, daysLeft } = vault.status();
      const { subscriptions, droppedFragments } = live.status();
      const { open, devices, bytesIn, bytesOut } = node.channels();
      const recovery = vault.recovery && { ...vault.recovery, durationMs: Math.ceil(vault.recovery.durationMs) };
      return {
        node: {
          id: node.nodeId,
          version: printable(node.version, 32),
          now: clock.now(),
          startedAt: node.startedAt,
          uptimeMs: Math.floor(clock.monotonic() - node.startedMonotonic),
        },
        storage: {
          state,
          segments,
          size: sizeBytes,
          oldestAt: oldestUs === null ? null : atOf(oldestUs),
          free: freeBytes,
          total: totalBytes,
          leaves,
          daysLeft,
          recovery,
        },
        recorders: countStates(
          sources
            .list()
            .filter(({ id }) => sees(access, id))
            .flatMap((source) => source.streams.map((each) => each.status.state)),
        ),
        live: { subscriptions, droppedFragments },
        channels: { open, devices: devices.length, bytesIn, bytesOut },
        // They may name sources and keys of the configuration.
        warnings: role === 'admin' || role === 'owner' ? toldWarnings(node.warnings()) : [],
      };
    },
  };
}

function countStates(states: readonly RecorderState[]): Record<RecorderState, number> {
  const counted = Object.fromEntries(RECORDER_STATES.map((state) => [state, 0])) as Record<RecorderState, number>;
  for (const state of states) counted[state]++;
  return counted;
}

function toldWarnings(warnings: readonly string[]): string[] {
  return warnings.slice(0, WARNINGS_MAX).map((text) => printable(text, WARNING_LENGTH_MAX));
}
