import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, Socket as TcpSocket } from 'node:net';
import { toHex } from '../../src/bytes/index.ts';
import {
  type ChannelDeps,
  type ChannelLimits,
  type ChannelServer,
  createChannelServer,
} from '../../src/channel/index.ts';
import { type ClientDeps, createDeviceKeys, type DeviceKeys, type NodePin } from '../../src/client/index.ts';
import { type CryptoSuite, type KeyPair, schnorrPublicKey } from '../../src/crypto/index.ts';
import { SeededRandom, SimulatedClock, silentLog } from '../../src/platform/index.ts';
import { createNodeSuite, openNodeSocket } from '../../src/platform/node/index.ts';
import type { CallHandler, DeviceKey } from '../../src/protocol/index.ts';
import { signCertificate } from '../../src/protocol/index.ts';

export const START = 1_795_000_000_000;
export const nodeSuite = createNodeSuite();

/** A node's endpoint behind a real HTTP server on loopback, with a clock that stands still. */
export interface Rig {
  server: ChannelServer;
  clock: SimulatedClock;
  random: SeededRandom;
  pin: NodePin;
  port: number;
  deps: ChannelDeps;
  /** TCP sockets of upgrades, newest last. */
  sockets: TcpSocket[];
  /** Devices that `admit` lets in. */
  known: Set<DeviceKey>;
  /** Waiting invitations, id hex to secret. */
  invitations: Map<string, Uint8Array>;
  /** What admit was asked. */
  admitted: Parameters<ChannelDeps['admit']>[0][];
  client: ClientDeps;
  /** Client deps with another suite. */
  clientWith(suite: CryptoSuite): ClientDeps;
  device(seed: number, admit?: boolean): Promise<DeviceKeys>;
  close(): Promise<void>;
}

/** Tests come faster than a standing clock would allow. */
const OPEN_HANDED = { sourcePerSecond: 1e4, sourceBurst: 1e4, totalPerSecond: 1e4, totalBurst: 1e4 };

export async function createRig(
  handle: CallHandler,
  limits: Partial<ChannelLimits> = {},
  origins: string[] = [],
): Promise<Rig> {
  const clock = new SimulatedClock(START);
  const random = new SeededRandom(7);
  const nodeKey = random.bytes(32);
  const nodeId = toHex(schnorrPublicKey(nodeKey)) as DeviceKey;
  const staticKey = nodeSuite.x25519.fromScalar(random.bytes(32)) as KeyPair;
  const known = new Set<DeviceKey>();
  const invitations = new Map<string, Uint8Array>();
  const admitted: Rig['admitted'] = [];
  const deps: ChannelDeps = {
    clock,
    random,
    log: silentLog,
    suite: nodeSuite,
    staticKey,
    nodeId,
    certificate: () => {
      const createdAtS = Math.floor(clock.now() / 1000);
      const claim = { role: 'node', channelKey: staticKey.publicKey, node: nodeId } as const;
      const life = { createdAtS, expiresAtS: createdAtS + 86_400 };
      return signCertificate(nodeSuite.hashes, nodeKey, { ...claim, ...life }, random.bytes(32));
    },
    invitationSecret: (id) => invitations.get(toHex(id)) ?? null,
    async admit(hello) {
      admitted.push(hello);
      if (hello.suite === 1) return known.has(hello.device) ? { role: 'operator' } : null;
      if (!invitations.delete(hello.invitationId!)) return null;
      known.add(hello.device);
      return { role: 'owner' };
    },
    handle,
  };
  const server = createChannelServer(deps, {
    origins,
    limits: { ...OPEN_HANDED, ...limits },
  });
  const http = createServer((_, response) => response.end('plain'));
  const sockets: TcpSocket[] = [];
  http.on('upgrade', (request, socket, head) => {
    sockets.push(socket as TcpSocket);
    server.upgrade(request, socket, head);
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const { port } = http.address() as AddressInfo;
  const clientWith = (suite: CryptoSuite): ClientDeps => ({
    now: () => clock.now(),
    random,
    suite,
    openSocket: openNodeSocket,
    after: (ms, task) => clock.after(ms, task),
  });
  return {
    server,
    clock,
    random,
    pin: { nodeId, channelKey: staticKey.publicKey, addresses: [`127.0.0.1:${port}`] },
    port,
    deps,
    sockets,
    known,
    invitations,
    admitted,
    client: clientWith(nodeSuite),
    clientWith,
    async device(seed, admit = true) {
      const chance = new SeededRandom(seed);
      const device = await createDeviceKeys(nodeSuite, {
        secretKey: chance.bytes(32),
        channel: chance.bytes(32),
        wrapKey: chance.bytes(1216),
        nodeId,
        now: clock.now(),
        auxiliary: chance.bytes(32),
      });
      if (admit) known.add(device.publicKey);
      return device;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      const stopped = server.stop();
      await clock.advance(10_000);
      await stopped;
      http.close();
      http.closeAllConnections();
    },
  };
}

/** Waits, by turns of the event loop, until `condition` holds; fails after 5 s of real time. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 5_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited in vain until ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
