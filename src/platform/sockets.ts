/** Why a connection could not be made, or ended. */
export type SocketEnd = 'refused' | 'unreachable' | 'timeout' | 'reset' | 'closed' | 'certificate';

/** TCP as the rooms see it. */
export interface Sockets {
  /**
   * Connects. `tls` speaks TLS to `host` and checks its certificate as it says. Resolves with the line, or with the reason why there
   * is none; never rejects.
   */
  connect(options: {
    host: string;
    port: number;
    deadlineMs: number;
    tls?: { check: 'none' | { fingerprint256: string } };
    signal?: AbortSignal;
  }): Promise<SocketLine | SocketEnd>;
}

/** One TCP connection. */
export interface SocketLine {
  /** Numeric addresses of both ends, without port. */
  readonly local: string;
  readonly remote: string;
  /** TLS only: SHA-256 of the other end's certificate (DER), 64 lower-case hex digits. */
  readonly fingerprint256?: string;
  /**
   * The one listener of what arrives. A piece is good for this call only; the next bytes may overwrite it. Nothing is read before a
   * listener is there. `more` is true where the piece filled the room there was, so that more may wait in the system.
   */
  onBytes(listener: (bytes: Uint8Array, more: boolean) => void): void;
  /** While paused nothing is read and the system's buffer holds the other end back. */
  pause(): void;
  resume(): void;
  /** Queues bytes; false where too much waits (the caller stops sending, or closes). Never throws. */
  send(bytes: Uint8Array): boolean;
  /** Resolves once it is over, with the reason. */
  readonly ended: Promise<SocketEnd>;
  /** Ends it at once. Safe to call twice. */
  close(): void;
}
