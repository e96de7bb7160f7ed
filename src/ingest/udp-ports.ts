import type { DatagramSocket, Datagrams } from '../platform/index.ts';

/** The two ports of one track: an even one for RTP and the next for RTCP (RFC 3550 section 11). */
export interface UdpPorts {
  rtp: DatagramSocket;
  rtcp: DatagramSocket;
}

const TRIES_MAX = 30;

/** Binds a pair at the address `host`; null where none is free. */
export async function openUdpPorts(datagrams: Datagrams, host: string): Promise<UdpPorts | null> {
  const open = (port: number) => datagrams.open({ host, port }).catch(() => null);
  for (let n = 0; n < TRIES_MAX; n++) {
    const first = await open(0);
    if (!first) return null;
    const even = first.local.port % 2 === 0;
    const second = first.local.port < 65_535 ? await open(first.local.port + 1) : null;
    if (second && even) return { rtp: first, rtcp: second };
    // The port behind an odd one is even: only the one behind that is still wanted.
    const third = second && second.local.port < 65_535 ? await open(second.local.port + 1) : null;
    await first.close();
    if (second && third) return { rtp: second, rtcp: third };
    await second?.close();
  }
  return null;
}
