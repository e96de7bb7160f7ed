import type { SwarmCounters } from './api.ts';

/** Why a datagram, or the record in it, was refused: the names under which refusals are counted (docs/protocol/swarm.md section 8). */
export type Refusal =
  // The datagram itself.
  | 'size'
  | 'magic'
  | 'version'
  | 'kind'
  | 'length'
  | 'body'
  | 'text'
  | 'shape'
  | 'event'
  // Who sent it.
  | 'stranger'
  | 'rate'
  | 'rate-checks'
  | 'wrong-key'
  | 'unasked'
  | 'unconfirmed'
  // Our own form.
  | 'cookie'
  | 'zone-tag'
  | 'code'
  | 'own-key'
  | 'expected-key'
  | 'peers-full'
  | 'hops'
  | 'forger'
  // The record.
  | 'zone'
  | 'own'
  | 'topic'
  | 'type'
  | 'stale'
  | 'future'
  | 'content'
  | 'expired'
  | 'author'
  | 'author-full'
  | 'role'
  | 'not-newer'
  | 'duplicate'
  | 'id'
  | 'signature'
  // What we would have sent.
  | 'out-size'
  | 'out-rate'
  // A fault of ours while handling one datagram.
  | 'fault';

/** Counts what came, went and was refused since the start. */
export class Counters {
  datagramsIn = 0;
  datagramsOut = 0;
  bytesIn = 0;
  bytesOut = 0;
  sendErrors = 0;
  recordsAdmitted = 0;
  signatureChecks = 0;
  readonly #refused = new Map<Refusal, number>();

  refuse(reason: Refusal): void {
    this.#refused.set(reason, (this.#refused.get(reason) ?? 0) + 1);
  }

  /** All of it at this moment. */
  read(): SwarmCounters {
    return {
      datagramsIn: this.datagramsIn,
      datagramsOut: this.datagramsOut,
      bytesIn: this.bytesIn,
      bytesOut: this.bytesOut,
      sendErrors: this.sendErrors,
      recordsAdmitted: this.recordsAdmitted,
      refused: Object.fromEntries([...this.#refused].sort(([a], [b]) => (a < b ? -1 : 1))),
      signatureChecks: this.signatureChecks,
    };
  }
}
