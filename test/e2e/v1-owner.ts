import { createSocket } from 'node:dgram';
import { encrypt } from 'nostr-tools/nip04';
import { finalizeEvent } from 'nostr-tools/pure';
import { toHex } from '../../src/bytes/index.ts';
import { schnorrPublicKey } from '../../src/crypto/index.ts';
import { createNodeClock, createNodeDatagrams, createNodeRandom } from '../../src/platform/node/index.ts';
import { GatewayDouble } from '../support/gateway-double.ts';

/**
 * The owner of an identity of the first version, a browser behind a gateway: sees what the gateway's relay publishes, and says through
 * it that a device may come in. Built on nostr-tools and on nothing of ours but the sockets.
 */
export class V1Owner {
  readonly port: number;
  readonly ownerKey: string;
  readonly #secret: Uint8Array;
  readonly #gateway: GatewayDouble;
  readonly #zone: string;

  private constructor(port: number, secret: Uint8Array, gateway: GatewayDouble, zone: string) {
    this.port = port;
    this.#secret = secret;
    this.ownerKey = toHex(schnorrPublicKey(secret));
    this.#gateway = gateway;
    this.#zone = zone;
  }

  /** `member`: UDP port of the node that the gateway is configured to meet. */
  static async behindGateway(zone: string, member: number): Promise<V1Owner> {
    const random = createNodeRandom();
    const port = await freeUdpPort();
    const gateway = new GatewayDouble(
      { clock: createNodeClock(), datagrams: createNodeDatagrams() },
      {
        host: '127.0.0.1',
        port,
        secret: random.bytes(32),
        zones: [zone],
        peers: [{ host: '127.0.0.1', port: member }],
      },
    );
    await gateway.start();
    return new V1Owner(port, random.bytes(32), gateway, zone);
  }

  get gatewayKey(): string {
    return this.#gateway.device;
  }

  /** True once the gateway keeps a record of that device. */
  knows(device: string): boolean {
    return this.#gateway.devices(this.#zone).includes(device);
  }

  /** What a device asked that wants to be taken in, or null. */
  request(device: string): Record<string, unknown> | null {
    for (const { pubkey, content } of this.#gateway.published) {
      if (pubkey !== device || !content.includes('pair_request')) continue;
      const told = JSON.parse(content) as Record<string, unknown>;
      if (told['type'] === 'pair_request') return told;
    }
    return null;
  }

  /** Takes the device in that asked so. */
  approve(request: Record<string, unknown>, identityId: string): void {
    const { devicePk, identity, requestId } = request;
    const room = {
      identityId,
      roomKeyB64: Buffer.alloc(32, 7).toString('base64'),
      devices: [
        { pk: this.ownerKey, label: 'Browser' },
        { pk: devicePk, label: 'Recorder' },
      ],
    };
    const content = {
      type: 'pair_approve',
      identity,
      requestId,
      toPk: devicePk,
      fromPk: this.ownerKey,
      encryptedRoomKey: encrypt(this.#secret, String(devicePk), JSON.stringify(room)),
    };
    const tags = [
      ['t', 'constitute'],
      ['i', String(identity)],
      ['z', this.#zone],
    ];
    const created_at = Math.floor(Date.now() / 1000);
    const { id, pubkey, sig, kind } = finalizeEvent(
      { kind: 1, created_at, tags, content: JSON.stringify(content) },
      this.#secret,
    );
    this.#gateway.relay({ id, pubkey, sig, kind, created_at, tags, content: JSON.stringify(content) });
  }

  stop(): Promise<void> {
    return this.#gateway.stop();
  }
}

/** A UDP port of loopback that was free a moment ago. */
export function freeUdpPort(): Promise<number> {
  return new Promise((done, fail) => {
    const socket = createSocket('udp4');
    socket.once('error', fail);
    socket.bind(0, '127.0.0.1', () => {
      const { port } = socket.address();
      socket.close(() => done(port));
    });
  });
}
