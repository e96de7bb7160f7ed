import { wipe } from '../../bytes/index.ts';
import type { KeyPair, MaybePromise, SyncCryptoSuite } from '../../crypto/index.ts';
import type { Clock, Random } from '../../platform/index.ts';
import { type DeviceKey, isDeviceKey, type Role } from '../../protocol/index.ts';
import { checkHello, type HelloReason, sessionKey, uuidOf, writeHelloAck } from './hello.ts';
import { ReplayGuard } from './replay-guard.ts';
import type { V1Deps } from './settings.ts';

/** What admission stands on beside the settings. */
export interface AdmissionDeps {
  clock: Clock;
  random: Random;
  suite: SyncCryptoSuite;
  nodeId: DeviceKey;
}

/** Why nobody is let in; for log, counters and audit, never for the peer. */
export type AdmissionReason = HelloReason | 'shared key' | 'replay';

/** Somebody who is let in. */
export interface Admitted {
  /** What it claims to be. */
  device: DeviceKey;
  role: Role;
  /** A UUID. */
  sessionId: string;
  /** 32 bytes. */
  key: Uint8Array<ArrayBuffer>;
  /** The answer to its hello. */
  ack: string;
}

/** Decides who may open an old session, and holds its long-lived secrets. */
export class Admission {
  readonly #deps: AdmissionDeps;
  readonly #v1: V1Deps;
  readonly #identitySecret: Uint8Array;
  readonly #pair: MaybePromise<KeyPair>;
  readonly #replays: ReplayGuard;

  constructor(deps: AdmissionDeps, v1: V1Deps, proofsMax: number) {
    this.#deps = deps;
    this.#v1 = v1;
    this.#identitySecret = v1.identitySecret.slice();
    this.#pair = deps.suite.x25519.fromScalar(v1.serverSecret.slice());
    this.#replays = new ReplayGuard(proofsMax);
  }

  /** The role of whoever claims a device key at this moment, or null where it may not come in. */
  roleOf(key: string): Role | null {
    // Claiming the node's own key must not make anybody its operator.
    if (!isDeviceKey(key) || key === this.#deps.nodeId || this.#v1.isPaired(key)) return null;
    const devices = this.#v1.devices();
    if (devices === 'any') return 'viewer';
    return devices.find(({ device }) => device === key)?.role ?? null;
  }

  /** Judges a first frame. `proved` of a refusal: whoever sent it knew the secret. */
  async judge(text: string): Promise<Admitted | { reason: AdmissionReason; proved: boolean }> {
    const { clock, random, suite } = this.#deps;
    const { identityId } = this.#v1;
    const nowS = Math.floor(clock.now() / 1000);
    const mayEnter = (key: string) => this.roleOf(key) !== null;
    const checked = checkHello(suite.hashes, text, {
      identityId,
      identitySecret: this.#identitySecret,
      nowS,
      mayEnter,
    });
    if ('reason' in checked) return checked;
    const pair = await this.#pair;
    const shared = await suite.x25519.shared(pair, checked.clientKey);
    if (!shared) return { reason: 'shared key', proved: true };
    const role = this.roleOf(checked.devicePk);
    if (!role) return { reason: 'device', proved: true };
    if (!this.#replays.take(checked.proof, checked.ts, nowS)) return { reason: 'replay', proved: true };
    const sessionId = uuidOf(random.bytes(16));
    const key = sessionKey(suite.hashes, shared, this.#identitySecret, { identityId, sessionId });
    wipe(shared);
    const ack = writeHelloAck(sessionId, pair.publicKey, clock.now());
    return { device: checked.devicePk as DeviceKey, role, sessionId, key, ack };
  }

  /** Forgets the secret; nobody is let in any more. */
  close(): void {
    wipe(this.#identitySecret);
  }
}
