import type { Hashes } from '../crypto/index.ts';
import type { Identity } from '../identity/index.ts';
import type { Clock, Datagrams, Files, Log, Random, Startable } from '../platform/index.ts';
import { codeHashV1, type SignedEvent } from '../protocol/index.ts';
import { createSwarm, type NodeFacts, type Swarm, type SwarmStatus } from '../swarm/index.ts';
import type { Config, SwarmConfig } from './config.ts';
import { type HostedServiceFacts, writeHostedService } from './hosted-service.ts';
import { writeListenAddress } from './listen-address.ts';

/** How often a gateway on this machine is told that we are still here. */
const HOSTED_MS = 60_000;

export interface SwarmPartDeps {
  clock: Clock;
  random: Random;
  log: Log;
  files: Files;
  datagrams: Datagrams;
  hashes: Hashes;
  /** Started before this part. */
  identity: Identity;
  /** Told of each event of others that was obeyed here. */
  obeyed(event: SignedEvent): void;
  /** What changes while the node runs. */
  facts(): Pick<NodeFacts, 'channelAddresses' | 'sessionUrl' | 'camerasTotal' | 'camerasEnabled' | 'uptimeS'> &
    Pick<HostedServiceFacts, 'listening' | 'sources'>;
}

/**
 * This node among others: its swarm, the identity it asks to be taken into, and the gateway beside it. What others say goes to `identity`,
 * which trusts none of it because of the way it came.
 */
export class SwarmPart implements Startable {
  readonly #deps: SwarmPartDeps;
  readonly #config: SwarmConfig;
  readonly #who: Config['identity'];
  readonly #version: string;
  #swarm: Swarm | null = null;
  #enrolment: ReturnType<Identity['pairing']['enrol']> | null = null;
  #cancelHosted: () => void = () => {};

  constructor(
    deps: SwarmPartDeps,
    { swarm, identity, version }: { swarm: SwarmConfig; identity: Config['identity']; version: string },
  ) {
    this.#deps = deps;
    this.#config = swarm;
    this.#who = identity;
    this.#version = version;
  }

  /** The cameras changed: a gateway on this machine reads of them at once. */
  async camerasChanged(): Promise<void> {
    const { hostedService } = this.#config;
    if (this.#swarm === null || hostedService === null) return;
    this.#cancelHosted();
    await this.#tellGateway(hostedService);
  }

  status(): SwarmStatus | null {
    return this.#swarm?.status() ?? null;
  }

  async start(): Promise<void> {
    const { clock, random, log, datagrams, hashes, identity } = this.#deps;
    const { listen, peers, zones, endpoint, announceMs, hostedService } = this.#config;
    const swarm = createSwarm(
      {
        clock,
        random,
        log,
        hashes,
        datagrams,
        nodeId: identity.nodeId,
        sign: (digest) => identity.sign(digest),
        facts: () => this.#facts(),
        onEvent: (event) => this.#hear(event),
      },
      {
        listen,
        peers,
        zones,
        nodeName: `nvr-${identity.nodeId.slice(0, 8)}`,
        role: 'native',
        endpointHint: endpoint ? writeListenAddress(endpoint) : '',
        announceMs,
      },
    );
    await swarm.start();
    this.#swarm = swarm;
    this.#beginEnrolment(swarm);
    if (hostedService !== null) await this.#tellGateway(hostedService);
  }

  async stop(): Promise<void> {
    this.#cancelHosted();
    await this.#enrolment?.stop();
    await this.#swarm?.stop();
  }

  #facts(): NodeFacts {
    const { identity, facts } = this.#deps;
    const { channelAddresses, sessionUrl, camerasTotal, camerasEnabled, uptimeS } = facts();
    return {
      label: this.#who.label,
      identityId: identity.pinned()?.identityId ?? '',
      version: this.#version,
      hostGateway: this.#who.hostGateway ?? '',
      channelKey: identity.channelKey.publicKey,
      channelAddresses,
      ...(sessionUrl ? { sessionUrl } : {}),
      camerasTotal,
      camerasEnabled,
      uptimeS,
    };
  }

  #hear(event: SignedEvent): void {
    void this.#deps.identity.onEvent(event).then((verdict) => {
      if (verdict === 'obeyed') this.#deps.obeyed(event);
    });
    void this.#enrolment?.offer(event);
  }

  /** Asks only where no identity is pinned: a node belongs to one. */
  #beginEnrolment(swarm: Swarm): void {
    const { identity, hashes } = this.#deps;
    const { enrol, label } = this.#who;
    if (!enrol || identity.pinned()) return;
    this.#enrolment = identity.pairing.enrol(
      {
        publish: (event, zones) => swarm.publish(event, zones),
        onEnrolled: async ({ identityId, label, devices }) => {
          await identity.pin({ identityId, label, devices: devices.map(({ device }) => device) });
        },
      },
      {
        identityLabel: enrol.label,
        codeHash: enrol.codeHash ?? codeHashV1(hashes, enrol.label, enrol.code!),
        deviceLabel: label,
        zones: this.#config.zones.map(({ key }) => key),
        owner: enrol.owner,
      },
    );
    void this.#enrolment.start();
  }

  /** A file that cannot be written is told and tried again: the gateway's folder may come later. */
  async #tellGateway(path: string): Promise<void> {
    const { clock, files, identity, log, facts } = this.#deps;
    const { listening, sources } = facts();
    try {
      await writeHostedService(files, path, {
        nodeId: identity.nodeId,
        label: this.#who.label,
        version: this.#version,
        hostGateway: this.#who.hostGateway ?? '',
        listening,
        sources,
        now: clock.now(),
      });
    } catch (error) {
      log.warn({ error }, 'could not write what the gateway on this machine reads');
    }
    this.#cancelHosted();
    this.#cancelHosted = clock.after(HOSTED_MS, () => void this.#tellGateway(path));
  }
}
