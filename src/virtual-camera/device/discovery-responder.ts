import type { Clock, DatagramAddress, DatagramSocket, Datagrams, Log, Random } from '../../platform/index.ts';
import {
  type DiscoveredSelf,
  type DiscoveryQuestion,
  readDiscovery,
  writeAnnouncement,
  writeMatch,
} from './discovery-messages.ts';

const GROUP = '239.255.255.250';
const PORT = 3702;
/** An answer waits for up to this long, so that those of many devices do not come at once. */
const WAIT_MS_MAX = 100;
/** Answers on their way at a time; a flood of questions gets no more. */
const WAITING_MAX = 64;

/** Answers probes of WS-Discovery on one address, and tells when the device comes and goes. Several may do so on one host. */
export class DiscoveryResponder {
  readonly #deps: { clock: Clock; random: Random; log: Log; datagrams: Datagrams };
  readonly #place: { address: string; port: number };
  readonly #self: () => DiscoveredSelf;
  /** Seconds at which this life began, as AppSequence wants it. */
  readonly #instance: number;
  readonly #waiting = new Set<() => void>();
  #sockets: DatagramSocket[] = [];
  #number = 0;

  constructor(
    deps: { clock: Clock; random: Random; log: Log; datagrams: Datagrams },
    place: { address: string; port?: number },
    self: () => DiscoveredSelf,
  ) {
    this.#deps = deps;
    this.#place = { address: place.address, port: place.port ?? PORT };
    this.#self = self;
    this.#instance = Math.floor(deps.clock.now() / 1000);
  }

  /** Joins the group, listens for direct probes too, and says hello. `ERR_DATAGRAMS_BIND` (`unavailable`). */
  async open(): Promise<void> {
    const { datagrams } = this.#deps;
    const { address, port } = this.#place;
    // The socket at the address sends all answers; that at the group takes only what went to the group.
    const direct = await datagrams.open({ host: address, port, shared: true, multicast: { through: address } });
    this.#sockets.push(direct);
    const group = await datagrams.open({
      host: GROUP,
      port,
      shared: true,
      multicast: { through: address, group: GROUP },
    });
    this.#sockets.push(group);
    for (const socket of this.#sockets) socket.onDatagram((bytes, from) => this.#take(bytes, from));
    await this.#announce('Hello');
  }

  /** Says goodbye and leaves. */
  async close(): Promise<void> {
    for (const cancel of this.#waiting) cancel();
    this.#waiting.clear();
    if (this.#sockets.length > 1) await this.#announce('Bye');
    const sockets = this.#sockets;
    this.#sockets = [];
    await Promise.all(sockets.map((socket) => socket.close()));
  }

  #take(bytes: Uint8Array, from: DatagramAddress): void {
    const { clock, random } = this.#deps;
    const question = readDiscovery(bytes, this.#self());
    if (!question || this.#waiting.size >= WAITING_MAX) return;
    const waitMs = (random.bytes(1)[0]! / 255) * WAIT_MS_MAX;
    const cancel = clock.after(waitMs, () => {
      this.#waiting.delete(cancel);
      void this.#answer(question, from);
    });
    this.#waiting.add(cancel);
  }

  async #answer(question: DiscoveryQuestion, to: DatagramAddress): Promise<void> {
    await this.#sockets[0]?.send(writeMatch(question, this.#self(), this.#message()), to);
  }

  async #announce(kind: 'Hello' | 'Bye'): Promise<void> {
    const to: DatagramAddress = { host: GROUP, port: this.#place.port, family: 4 };
    const sent = await this.#sockets[0]?.send(writeAnnouncement(kind, this.#self(), this.#message()), to);
    if (!sent) this.#deps.log.debug({ kind }, 'nobody could be told');
  }

  #message(): { id: string; instance: number; number: number } {
    const bytes = this.#deps.random.bytes(16);
    bytes[6] = (bytes[6]! & 0x0f) | 0x40;
    bytes[8] = (bytes[8]! & 0x3f) | 0x80;
    return { id: uuidText(bytes), instance: this.#instance, number: ++this.#number };
  }
}

/** 16 bytes as the text of a UUID. */
export function uuidText(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
