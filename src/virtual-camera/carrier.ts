import type { Socket as UdpSocket } from 'node:dgram';
import type { Socket } from 'node:net';

/** The way packets take to one client, for one track. */
export interface Carrier {
  readonly transport: 'tcp' | 'udp';
  /** Interleaved channel of RTP; 0 over UDP. */
  readonly channel: number;
  /** Sends the packets of a bundle's copy. */
  packets(copy: Buffer, starts: readonly number[]): void;
  /** Sends one compound RTCP packet. */
  report(bytes: Buffer): void;
  /** Bytes that were handed over and have not left yet. */
  waitingBytes(): number;
  /** The Transport header of the answer to SETUP, without its SSRC. */
  describe(): string;
}

/** Interleaved in the RTSP connection (RFC 2326 10.12). */
export class TcpCarrier implements Carrier {
  readonly transport = 'tcp';
  readonly channel: number;
  readonly #socket: Socket;
  readonly reportChannel: number;
  readonly #busy: () => boolean;

  /** `busy` is true while a long answer is being written, into which no packet may fall. */
  constructor(socket: Socket, channels: readonly [number, number], busy: () => boolean) {
    this.#socket = socket;
    this.channel = channels[0];
    this.reportChannel = channels[1];
    this.#busy = busy;
  }

  packets(copy: Buffer): void {
    if (this.#socket.writable) this.#socket.write(copy);
  }

  report(bytes: Buffer): void {
    if (!this.#socket.writable || this.#busy()) return;
    const head = Buffer.of(0x24, this.reportChannel, bytes.length >> 8, bytes.length & 0xff);
    this.#socket.write(Buffer.concat([head, bytes]));
  }

  waitingBytes(): number {
    return this.#busy() ? Number.POSITIVE_INFINITY : this.#socket.writableLength;
  }

  describe(): string {
    return `RTP/AVP/TCP;unicast;interleaved=${this.channel}-${this.reportChannel}`;
  }
}

/** A pair of UDP ports of the client's own address; sent from the camera's pair. */
export class UdpCarrier implements Carrier {
  readonly transport = 'udp';
  readonly channel = 0;
  readonly ports: readonly [number, number];
  readonly #rtp: UdpSocket;
  readonly #rtcp: UdpSocket;
  readonly #address: string;

  constructor(sockets: { rtp: UdpSocket; rtcp: UdpSocket }, address: string, ports: readonly [number, number]) {
    this.#rtp = sockets.rtp;
    this.#rtcp = sockets.rtcp;
    this.#address = address;
    this.ports = ports;
  }

  packets(copy: Buffer, starts: readonly number[]): void {
    starts.forEach((start, index) => {
      const end = starts[index + 1] ?? copy.length;
      // The four bytes of the interleaved frame stay behind. Errors (nobody listens) are the client's loss.
      this.#rtp.send(copy, start + 4, end - start - 4, this.ports[0], this.#address, ignore);
    });
  }

  report(bytes: Buffer): void {
    this.#rtcp.send(bytes, this.ports[1], this.#address, ignore);
  }

  /** What waits in the shared socket. */
  waitingBytes(): number {
    return this.#rtp.getSendQueueSize();
  }

  describe(): string {
    const server = `${this.#rtp.address().port}-${this.#rtcp.address().port}`;
    return `RTP/AVP;unicast;client_port=${this.ports[0]}-${this.ports[1]};server_port=${server}`;
  }
}

function ignore(): void {}
