import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { DgramAsPromised } from 'dgram-as-promised';
import { NvrError } from '../../errors.ts';
import type { DatagramAddress, DatagramSocket, Datagrams } from '../datagrams.ts';

/** Room the kernel keeps for datagrams that came while we were busy; it may give less. */
const RECEIVE_BUFFER_BYTES = 1024 * 1024;

/** UDP of this machine. */
export function createNodeDatagrams(): Datagrams {
  return { open, resolve };
}

async function open({
  host,
  port,
  multicast,
  shared = false,
}: Parameters<Datagrams['open']>[0]): Promise<DatagramSocket> {
  const family = isIP(host) === 6 ? 6 : 4;
  const promised = DgramAsPromised.createSocket({
    type: family === 6 ? 'udp6' : 'udp4',
    ipv6Only: family === 6,
    reuseAddr: shared,
    recvBufferSize: RECEIVE_BUFFER_BYTES,
  });
  // Datagrams are taken from the socket itself: promises of one message each lose those of a burst.
  const { socket } = promised;
  let listener: ((bytes: Uint8Array, from: DatagramAddress) => void) | null = null;
  socket.on('message', (bytes, { address, port, family }) => {
    try {
      listener?.(bytes, { host: address, port, family: family === 'IPv6' ? 6 : 4 });
    } catch {
      // An owner that cares about its faults counts them itself; the next datagram is taken all the same.
    }
  });
  try {
    await promised.bind({ address: host, port });
    if (multicast) socket.setMulticastInterface(multicast.through);
    if (multicast?.group !== undefined) socket.addMembership(multicast.group, multicast.through);
  } catch (error) {
    await promised.close().catch(() => undefined);
    const errno = (error as NodeJS.ErrnoException).code ?? 'unknown reason';
    throw new NvrError('ERR_DATAGRAMS_BIND', 'unavailable', `cannot take datagrams at ${host} port ${port}: ${errno}`, {
      cause: error,
    });
  }
  // What comes after binding concerns one datagram that went before. The library would hold it against the next one, to another peer.
  socket.on('error', () => {});
  promised.destroy();
  const { address, port: bound } = socket.address();
  let closed: Promise<void> | null = null;
  return {
    local: { host: address, port: bound, family },
    onDatagram(take) {
      listener = take;
    },
    async send(bytes, to) {
      if (closed || to.family !== family) return false;
      try {
        await promised.send(bytes, 0, bytes.length, to.port, to.host);
        return true;
      } catch {
        return false;
      }
    },
    close() {
      closed ??= promised.close().catch(() => undefined);
      return closed;
    },
  };
}

async function resolve(host: string): Promise<{ host: string; family: 4 | 6 }[]> {
  try {
    const found = await lookup(host, { all: true, verbatim: true });
    const unique = new Map(found.map(({ address, family }) => [address, family === 6 ? (6 as const) : (4 as const)]));
    return [...unique]
      .map(([address, family]) => ({ host: address, family }))
      .sort((a, b) => (a.host < b.host ? -1 : 1));
  } catch {
    return [];
  }
}
