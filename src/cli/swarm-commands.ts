import type { NvrClient } from '../client/index.ts';
import type { SwarmStatusResult } from '../protocol/index.ts';
import type { FolderOptions } from './node-commands.ts';
import { withOperator } from './operator-link.ts';
import { harmless, lengthText, printTable, sizeText, type Terminal } from './terminal.ts';
import type { World } from './world.ts';

/** How often the view is drawn again. */
const REFRESH_MS = 1_000;

/** `swarm`: who is there, as the running node sees it; drawn again each second where a person looks, until Ctrl-C. */
export async function swarmCommand(world: World, options: FolderOptions & { once?: boolean }): Promise<void> {
  const { terminal, clock, interrupt } = world;
  await withOperator(world, options, async (client) => {
    const live = !options.json && !options.once && terminal.outInteractive;
    for (;;) {
      const status = await wholeStatus(client, interrupt);
      if (options.json) terminal.out(`${JSON.stringify(status)}\n`);
      else {
        // Home, and nothing of the last picture left behind.
        if (live) terminal.out('\u001b[H\u001b[2J');
        printStatus(terminal, status, clock.now());
      }
      if (!live) return;
      await clock.sleep(REFRESH_MS, interrupt).catch(() => undefined);
      if (interrupt.aborted) return;
    }
  });
}

/** All pages of one moment, or of two moments close to each other. */
async function wholeStatus(client: NvrClient, signal: AbortSignal): Promise<SwarmStatusResult> {
  const first = await client.call('swarm.status', {}, { signal });
  const { peers, records } = first;
  while (peers.length < first.peersTotal || records.length < first.recordsTotal) {
    const next = await client.call(
      'swarm.status',
      { peersFrom: peers.length, recordsFrom: records.length },
      { signal },
    );
    if (next.peers.length === 0 && next.records.length === 0) break;
    peers.push(...next.peers);
    records.push(...next.records);
  }
  return first;
}

function printStatus(terminal: Terminal, status: SwarmStatusResult, now: number): void {
  if (!status.enabled) {
    terminal.out('this node is in no swarm; swarm in config.yaml puts it into one (docs/configuration.md)\n');
    return;
  }
  const ago = (at: number | null) => (at === null ? 'never' : `${lengthText(Math.max(0, now - at))} ago`);
  const nameOf = (key: string) => status.zones.find((zone) => zone.key === key)?.name ?? key;
  terminal.out(`listens on  ${status.listening.join(', ')}\n`);
  terminal.out(`zones       ${status.zones.map(({ name }) => harmless(name)).join(', ') || 'none'}\n`);
  terminal.out(`peers       ${status.peersConfirmed} confirmed of ${status.peersTotal}\n\n`);
  printTable(
    terminal,
    ['PEER', 'KIND', 'STATE', 'SEEN', 'DEVICE', 'IN', 'OUT', 'ZONES'],
    status.peers.map((peer) => [
      peer.address,
      peer.kind,
      peer.confirmed ? (peer.proved ? 'confirmed, proved' : 'confirmed') : 'waiting',
      ago(peer.lastSeenAt),
      peer.device?.slice(0, 16) ?? '-',
      sizeText(peer.bytesIn),
      sizeText(peer.bytesOut),
      harmless(peer.zones.map(nameOf).join(', ')) || '-',
    ]),
  );
  if (status.records.length > 0) {
    terminal.out('\n');
    printTable(
      terminal,
      ['RECORD', 'OF', 'ROLE', 'ZONE', 'CAME', 'FROM'],
      status.records.map((record) => [
        record.type,
        record.device.slice(0, 16),
        harmless(record.role) || '-',
        harmless(nameOf(record.zone)),
        ago(record.receivedAt),
        record.from,
      ]),
    );
  }
  const { counters } = status;
  terminal.out(
    `\nin ${counters.datagramsIn} (${sizeText(counters.bytesIn)}), out ${counters.datagramsOut} (${sizeText(counters.bytesOut)}), ` +
      `not sent ${counters.sendErrors}, records admitted ${counters.recordsAdmitted}, signatures checked ${counters.signatureChecks}\n`,
  );
  const refused = counters.refused.map(({ reason, count }) => `${reason} ${count}`);
  terminal.out(`refused: ${refused.join(', ') || 'nothing'}\n`);
}
