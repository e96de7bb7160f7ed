import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { udpPortsError } from './errors.ts';

/** The camera's two UDP ports: an even one for RTP, the next for RTCP (RFC 3550 11); all clients share them. */
export interface UdpPair {
  rtp: Socket;
  rtcp: Socket;
  close(): Promise<void>;
}

const TRIES_MAX = 50;
/** Room for the keyframes of many clients that leave in one burst. */
const SEND_BUFFER_BYTES = 4 * 1024 * 1024;

/** Binds a pair on `host`; `ERR_VIRTUAL_CAMERA_UDP` (`unavailable`) when no pair is free. `onReport` hears what comes to RTCP. */
export async function bindUdpPair(
  host: string,
  onReport: (bytes: Uint8Array, address: string, port: number) => void,
): Promise<UdpPair> {
  let cause: unknown;
  for (let attempt = 0; attempt < TRIES_MAX; attempt++) {
    const opened: Socket[] = [];
    try {
      let rtp = await bind(host, 0, opened);
      const port = rtp.address().port;
      if (port % 2 !== 0) rtp = await bind(host, port + 1, opened);
      const rtcp = await bind(host, rtp.address().port + 1, opened);
      await closeAll(opened.filter((socket) => socket !== rtp && socket !== rtcp));
      rtcp.on('message', (bytes, from) => onReport(bytes, from.address, from.port));
      return { rtp, rtcp, close: () => closeAll([rtp, rtcp]) };
    } catch (error) {
      cause = error;
      await closeAll(opened);
    }
  }
  throw udpPortsError(cause);
}

function bind(host: string, port: number, opened: Socket[]): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createSocket({ type: isIPv6(host) ? 'udp6' : 'udp4', sendBufferSize: SEND_BUFFER_BYTES });
    socket.once('error', (error) => {
      socket.close();
      reject(error);
    });
    socket.bind(port, host, () => {
      socket.removeAllListeners('error');
      socket.on('error', () => undefined); // a refused packet of one client is nobody else's trouble
      opened.push(socket);
      resolve(socket);
    });
  });
}

async function closeAll(sockets: readonly Socket[]): Promise<void> {
  await Promise.all(sockets.map((socket) => new Promise<void>((resolve) => socket.close(() => resolve()))));
}
