/** Where a datagram comes from or goes to: a numeric address and a port. */
export interface DatagramAddress {
  /** IPv4 dotted, or IPv6 without brackets; canonical text as the system writes it (a link-local address carries its zone). */
  host: string;
  port: number;
  family: 4 | 6;
}

/** UDP as the rooms see it. */
export interface Datagrams {
  /** Binds a socket. An IPv6 socket takes IPv6 only. `ERR_DATAGRAMS_BIND` (`unavailable`) names address and cause. */
  open(options: {
    host: string;
    port: number;
    multicast?: Multicast;
    /** Others that share may be bound to the same place: each gets what goes to a group, one of them what goes to the address. */
    shared?: boolean;
  }): Promise<DatagramSocket>;
  /** Numeric addresses of a host name, unique and sorted; a numeric address is its own. Empty where there is none. Never rejects. */
  resolve(host: string): Promise<{ host: string; family: 4 | 6 }[]>;
}

/** How a socket takes part in multicast, IPv4. */
export interface Multicast {
  /** Local address of the interface that what is sent to groups leaves by. */
  through: string;
  /** Group that is joined on that interface; the socket is bound to the group's address, or to `0.0.0.0`. */
  group?: string;
}

export interface DatagramSocket {
  readonly local: DatagramAddress;
  /** The one listener; whatever it throws is the owner's fault and ends nothing. A datagram's bytes are good for this call only. */
  onDatagram(listener: (bytes: Uint8Array, from: DatagramAddress) => void): void;
  /** Resolves true once the system took it, false where it refused (too large, no route…). Never rejects, never waits for the peer. */
  send(bytes: Uint8Array, to: DatagramAddress): Promise<boolean>;
  /** Safe to call twice. */
  close(): Promise<void>;
}
