import type { Clock } from '../platform/index.ts';
import { UdpCarrier } from './carrier.ts';
import { isReceiverReport } from './rtcp.ts';
import type { RtspConnection } from './rtsp-connection.ts';
import type { RtspSession } from './rtsp-session.ts';

interface Entry {
  session: RtspSession;
  /** The connection it was opened on; packets over TCP leave through it. */
  connection: RtspConnection;
}

/** Sessions of one camera at a time. */
const SESSIONS_MAX = 2048;

/** All sessions of the camera by id, bounded by `SESSIONS_MAX`. */
export class SessionTable {
  readonly #entries = new Map<string, Entry>();
  readonly #make: (connection: RtspConnection, mount: string, address: string) => RtspSession;

  constructor(make: (connection: RtspConnection, mount: string, address: string) => RtspSession) {
    this.#make = make;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(id: string): RtspSession | undefined {
    return this.#entries.get(id)?.session;
  }

  /** A new session without tracks; undefined when there are too many. */
  open(connection: RtspConnection, mount: string, address: string): RtspSession | undefined {
    if (this.#entries.size >= SESSIONS_MAX) return undefined;
    const session = this.#make(connection, mount, address);
    this.#entries.set(session.id, { session, connection });
    return session;
  }

  remove(id: string, farewell: boolean): void {
    this.#entries.get(id)?.session.close(farewell);
    this.#entries.delete(id);
  }

  ofConnection(connection: RtspConnection): RtspSession[] {
    return [...this.#entries.values()].filter((entry) => entry.connection === connection).map((entry) => entry.session);
  }

  /** Sessions whose packets went through a connection end with it; those over UDP live on until they time out. */
  connectionClosed(connection: RtspConnection): void {
    for (const session of this.ofConnection(connection)) {
      const interleaved = [...session.outlets.values()].some((outlet) => outlet.carrier.transport === 'tcp');
      if (interleaved || session.outlets.size === 0) this.remove(session.id, false);
    }
  }

  /** A datagram came to the RTCP port: a sign of life where it is a report of a known client. */
  onReport(bytes: Uint8Array, address: string, port: number): void {
    if (!isReceiverReport(bytes)) return;
    for (const { session } of this.#entries.values()) {
      if (session.address !== address) continue;
      for (const { carrier } of session.outlets.values()) {
        if (carrier instanceof UdpCarrier && carrier.ports[1] === port) session.heard();
      }
    }
  }

  /** Ends the sessions that gave no sign of life for `timeoutMs`. */
  expire(timeoutMs: number): number {
    let count = 0;
    for (const { session } of [...this.#entries.values()]) {
      if (session.silentMs() <= timeoutMs) continue;
      this.remove(session.id, true);
      count++;
    }
    return count;
  }

  closeAll(): void {
    for (const id of [...this.#entries.keys()]) this.remove(id, true);
  }
}

/** Calls `task` each `intervalMs` until the returned function is called. */
export function every(clock: Clock, intervalMs: number, task: () => void): () => void {
  let cancel = () => {};
  const again = () => {
    cancel = clock.after(intervalMs, () => {
      task();
      again();
    });
  };
  again();
  return () => cancel();
}
