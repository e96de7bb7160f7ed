import { toHex } from '../bytes/index.ts';
import type { Hashes } from '../crypto/index.ts';
import { assert } from '../errors.ts';
import type { Clock, Log, Random, Startable } from '../platform/index.ts';
import {
  codeHashV1,
  type DeviceKey,
  type IdentityTold,
  identityTold,
  type PairAnswer,
  PENDING_MAX,
  pairAnswerOf,
  pairRequest,
  type SignedEvent,
  signEventWith,
  verifyEvent,
} from '../protocol/index.ts';

/** How far ahead and behind of our clock an answer may be dated, seconds (what version 1 readers allow). */
const AHEAD_S = 120;
const BEHIND_S = 600;
/** How long after the last request an answer is still taken: a person decides. */
const ANSWER_MS = 600_000;

export interface EnrolmentDeps {
  clock: Clock;
  random: Random;
  log: Log;
  hashes: Hashes;
  nodeId: DeviceKey;
  /** BIP-340 by the node's key over a 32-byte digest. */
  sign(digest: Uint8Array): Uint8Array;
  /** The text that `peer` enciphered for this node by NIP-04, or null. */
  decipher(peer: DeviceKey, text: string): string | null;
  /** Sends an event to every peer that shares one of `zones`. */
  publish(event: SignedEvent, zones: readonly string[]): void;
  /** Told when an identity has taken this node in: keeps whom to trust from now on. Where it rejects, nothing was decided. */
  onEnrolled(enrolled: Enrolled): Promise<void>;
}

export interface EnrolmentOptions {
  /** Label of the identity. */
  identityLabel: string;
  /** `codeHashV1` of its label and code. */
  codeHash: string;
  /** What people call this node. */
  deviceLabel: string;
  zones: readonly string[];
  /** The key of the device that may take this node in; null: any that somebody here vouches for. */
  owner: DeviceKey | null;
  /** Between requests; default 15,000, at least 5,000. */
  intervalMs?: number;
  /** Requests at most, one for each zone each time; default 24. */
  attempts?: number;
}

/** An identity that took this node in, and the key whose word that is. */
export interface Enrolled extends IdentityTold {
  label: string;
  signer: DeviceKey;
}

/** `asking`: requests go out; `waiting`: no more of them, answers are still taken; the rest are ends. */
export type EnrolmentState = 'asking' | 'waiting' | 'enrolled' | 'rejected' | 'unanswered';

/** Why an event changes nothing here; to count. */
export type EnrolmentReason =
  | 'over'
  | 'shape'
  | 'addressee'
  | 'label'
  | 'sender'
  | 'time'
  | 'code'
  | 'signer'
  | 'signature'
  | 'cipher'
  | 'content'
  | 'full'
  | 'unkept';

/**
 * Asks an identity of version 1 to take this node in, and judges the answers.
 *
 * The requests hold the hash of a code, from which anybody reads the code: so a right code proves nothing. An answer counts when it
 * is fresh, names this node, our label and its own signer, deciphers to an identity that lists the signer, and is signed by the
 * configured owner key; without one it waits until somebody here vouches for the signer by its fingerprint. One answer is taken,
 * once. Total: no event throws.
 */
export class Enrolment implements Startable {
  readonly #deps: EnrolmentDeps;
  readonly #options: Required<EnrolmentOptions>;
  /** Answers that nobody vouched for, by signer; at most 16, the first stay. */
  readonly #candidates = new Map<DeviceKey, Enrolled & { at: number }>();
  #state: EnrolmentState = 'asking';
  #attempts = 0;
  #firstAskedAt = 0;
  #cancel: () => void = () => {};

  constructor(deps: EnrolmentDeps, options: EnrolmentOptions) {
    const { intervalMs = 15_000, attempts = 24 } = options;
    assert(intervalMs >= 5_000 && attempts >= 1, 'an interval of at least 5 s and an attempt');
    this.#deps = deps;
    this.#options = { ...options, intervalMs, attempts };
  }

  get state(): EnrolmentState {
    return this.#state;
  }

  /** Requests sent so far, counted once for all zones. */
  get attempts(): number {
    return this.#attempts;
  }

  async start(): Promise<void> {
    this.#firstAskedAt = this.#deps.clock.now();
    this.#ask();
  }

  async stop(): Promise<void> {
    this.#cancel();
  }

  /** Answers that nobody vouched for yet, oldest first. */
  candidates(): (Enrolled & { at: number })[] {
    return [...this.#candidates.values()];
  }

  /** Takes the answer of this signer, which somebody compared; false where none waits. Rejects where it could not be kept: it waits on. */
  async accept(signer: DeviceKey): Promise<boolean> {
    const found = this.#candidates.get(signer);
    if (!found || !this.#isOpen()) return false;
    const { at: _, ...enrolled } = found;
    await this.#enrol(enrolled);
    return true;
  }

  /** Forgets the answer of this signer; false where none waits. */
  dismiss(signer: DeviceKey): boolean {
    return this.#candidates.delete(signer);
  }

  /**
   * Judges any event: null where it is no answer to a request, the state it brought about (`asking` and `waiting` where it waits for
   * somebody's word), or why nothing changed. The checks come in order of cost.
   */
  async offer(event: SignedEvent): Promise<EnrolmentState | { reason: EnrolmentReason } | null> {
    const answer = pairAnswerOf(event);
    if (answer === null) return null;
    const reason = typeof answer === 'string' ? 'shape' : this.#objection(event, answer);
    if (reason || typeof answer === 'string') return { reason: reason ?? 'shape' };
    if (!verifyEvent(this.#deps.hashes, event)) return { reason: 'signature' };
    return answer.type === 'pair_approve' ? this.#approved(answer) : this.#rejected(answer);
  }

  #objection(event: SignedEvent, answer: PairAnswer): EnrolmentReason | null {
    const { clock, hashes, nodeId } = this.#deps;
    const { identityLabel, codeHash, owner } = this.#options;
    if (!this.#isOpen()) return 'over';
    if (answer.toPk !== nodeId) return 'addressee';
    if (answer.identity !== identityLabel) return 'label';
    if (answer.fromPk !== event.pubkey || event.pubkey === nodeId) return 'sender';
    const nowS = Math.floor(clock.now() / 1000);
    const oldestS = Math.max(nowS - BEHIND_S, Math.floor(this.#firstAskedAt / 1000) - AHEAD_S);
    if (event.created_at > nowS + AHEAD_S || event.created_at < oldestS) return 'time';
    if (answer.code !== null && codeHashV1(hashes, identityLabel, answer.code) !== codeHash) return 'code';
    if (owner !== null && event.pubkey !== owner) return 'signer';
    if (answer.type === 'pair_approve' && owner === null && this.#candidates.size >= PENDING_MAX) return 'full';
    return null;
  }

  async #approved(answer: PairAnswer): Promise<EnrolmentState | { reason: EnrolmentReason }> {
    const { fromPk, identity, encryptedRoomKey } = answer;
    const text = this.#deps.decipher(fromPk, encryptedRoomKey);
    if (text === null) return { reason: 'cipher' };
    const told = identityTold(text);
    if (!told?.devices.some(({ device }) => device === fromPk)) return { reason: 'content' };
    const enrolled = { ...told, label: identity, signer: fromPk };
    if (this.#options.owner !== null) {
      try {
        await this.#enrol(enrolled);
        return this.#state;
      } catch (error) {
        this.#deps.log.error({ signer: fromPk, fault: String(error) }, 'could not keep an identity');
        return { reason: 'unkept' };
      }
    }
    // What a signer said first stays: it may be compared while something else arrives.
    if (!this.#candidates.has(fromPk)) {
      this.#candidates.set(fromPk, { ...enrolled, at: this.#deps.clock.now() });
      this.#deps.log.info({ signer: fromPk }, 'an answer to the enrolment waits for somebody to vouch for it');
    }
    return this.#state;
  }

  /** Only the owner's word ends the asking: anybody could say no. */
  #rejected({ fromPk }: PairAnswer): EnrolmentState | { reason: EnrolmentReason } {
    if (this.#options.owner === null) return { reason: 'signer' };
    this.#end('rejected');
    this.#deps.log.warn({ signer: fromPk }, 'the identity refused to take this node in');
    return this.#state;
  }

  async #enrol(enrolled: Enrolled): Promise<void> {
    const before = this.#state;
    // Decided at once, so that no second answer is taken while this one is being kept.
    this.#state = 'enrolled';
    try {
      await this.#deps.onEnrolled(enrolled);
    } catch (error) {
      this.#state = before;
      throw error;
    }
    this.#end('enrolled');
    const { identityId, signer, devices } = enrolled;
    this.#deps.log.info({ identityId, signer, devices: devices.length }, 'an identity took this node in');
  }

  #isOpen(): boolean {
    return this.#attempts > 0 && (this.#state === 'asking' || this.#state === 'waiting');
  }

  #end(state: EnrolmentState): void {
    this.#state = state;
    this.#cancel();
    this.#candidates.clear();
  }

  #ask(): void {
    const { clock, hashes, nodeId, random, log } = this.#deps;
    const { identityLabel, codeHash, deviceLabel, zones, intervalMs, attempts } = this.#options;
    if (this.#state !== 'asking') {
      this.#cancel = clock.after(intervalMs, () => this.#ask());
      return;
    }
    this.#attempts++;
    for (const zone of zones) {
      const requestId = `req-nvr-${toHex(random.bytes(6))}`;
      const now = clock.now();
      const facts = { device: nodeId, deviceLabel, identity: identityLabel, codeHash, requestId, now, zone };
      // One event for each zone: a peer that shares one of them learns of no other.
      const event = signEventWith(hashes, nodeId, pairRequest(facts), (digest) => this.#deps.sign(digest));
      this.#deps.publish(event, [zone]);
    }
    if (this.#attempts < attempts) {
      this.#cancel = clock.after(intervalMs, () => this.#ask());
      return;
    }
    this.#state = 'waiting';
    this.#cancel = clock.after(ANSWER_MS, () => {
      this.#end('unanswered');
      log.warn({ attempts }, 'nobody took this node in');
    });
  }
}
