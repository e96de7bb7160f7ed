import { toHex } from '../bytes/index.ts';
import { type Hashes, schnorrPublicKey } from '../crypto/index.ts';
import type { Clock, Random } from '../platform/index.ts';
import { CERTIFICATE_LIFE_S, type DeviceKey, signCertificate } from '../protocol/index.ts';

/** How old a certificate may be handed out, seconds. */
const RENEW_S = CERTIFICATE_LIFE_S / 2;

/** The event by which the node's device key vouches for its channel key (kind 27420, docs/protocol/channel.md section 5). */
export class NodeCertificate {
  readonly #deps: { clock: Clock; random: Random; suite: { hashes: Hashes } };
  readonly #keys: { nodeKey: Uint8Array; channelKey: Uint8Array };
  #text = '';
  #createdAtS = 0;

  constructor(
    deps: { clock: Clock; random: Random; suite: { hashes: Hashes } },
    keys: { nodeKey: Uint8Array; channelKey: Uint8Array },
  ) {
    this.#deps = deps;
    this.#keys = keys;
  }

  /** The certificate as JSON text, with at least half of its life left; also after the clock was set, either way. */
  text(): string {
    const nowS = Math.floor(this.#deps.clock.now() / 1000);
    if (this.#text === '' || nowS < this.#createdAtS || nowS >= this.#createdAtS + RENEW_S) {
      this.#text = this.#sign(nowS);
      this.#createdAtS = nowS;
    }
    return this.#text;
  }

  #sign(createdAtS: number): string {
    const { nodeKey, channelKey } = this.#keys;
    const { suite, random } = this.#deps;
    const node = toHex(schnorrPublicKey(nodeKey)) as DeviceKey;
    const claim = { role: 'node' as const, channelKey, node, createdAtS, expiresAtS: createdAtS + CERTIFICATE_LIFE_S };
    return signCertificate(suite.hashes, nodeKey, claim, random.bytes(32));
  }
}
