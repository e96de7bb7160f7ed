import { join } from 'node:path';
import { fromHex } from '../bytes/index.ts';
import { type ChannelServer, createChannelServer, type V1Deps } from '../channel/index.ts';
import { createCommands, healthReport, metricsText, type SourceView } from '../commands/index.ts';
import type { SyncCryptoSuite } from '../crypto/index.ts';
import { createIdentity, type Identity, type Invitation, type PairingOutcome } from '../identity/index.ts';
import { createLive } from '../live/index.ts';
import type { CapturedFragment } from '../media/index.ts';
import type { Clock, Datagrams, Files, Http, Log, Processes, Random, Sockets, Startable } from '../platform/index.ts';
import {
  AUDIT_DETAIL_MAX,
  type AuditEvent,
  type DeviceKey,
  jsonObjectOf,
  printInvitation,
  type SignedEvent,
  type SourceId,
  type StreamId,
} from '../protocol/index.ts';
import { type AuditLog, createAuditLog, createVault, type DurableMark, type Vault } from '../vault/index.ts';
import { CameraPart } from './camera-part.ts';
import { SECRETS_LABEL } from './camera-secrets.ts';
import { CameraTests } from './camera-test.ts';
import type { Config, V1Config } from './config.ts';
import { ConfigKeeper, type ConfigState, type Reload } from './config-keeper.ts';
import { HttpServer } from './http-server.ts';
import { writeListenAddress } from './listen-address.ts';
import { localAddresses, machineAddresses, nodeAddresses, ownPlaces } from './node-addresses.ts';
import { NodeParts } from './node-parts.ts';
import { removeNodeState, writeNodeState } from './node-state.ts';
import { bytesOf } from './quantities.ts';
import { keysToRestart } from './restart-keys.ts';
import { SourceSet } from './source-set.ts';
import { StreamIds } from './stream-ids.ts';
import { createStreamProbe } from './stream-probe.ts';
import { SwarmPart } from './swarm-part.ts';
import { vaultKeys, vaultOptions } from './vault-setup.ts';
import { isOwnOrigin, ViewerFiles, viewerAddress } from './viewer-files.ts';

export interface DaemonDeps {
  clock: Clock;
  random: Random;
  log: Log;
  files: Files;
  processes: Processes;
  datagrams: Datagrams;
  sockets: Sockets;
  http: Http;
  suite: SyncCryptoSuite;
  /** Told of each fragment before the vault gets it, and of what is durable: for tests of what a crash costs. */
  observe?: { fragment(streamId: StreamId, fragment: CapturedFragment): void; durable(mark: DurableMark): void };
}

export interface DaemonOptions {
  /** Absolute data folder; it exists, and this process holds it (`holdFolder`). */
  folder: string;
  kekCredentialPath?: string;
  config: Config;
  /** Of package.json. */
  version: string;
  pid: number;
  /** Absolute folder of the built viewer; absent: none is served. */
  viewerFolder?: string;
}

/** A running node. */
export interface Daemon extends Startable {
  readonly nodeId: DeviceKey;
  /** `host:port` texts it listens on. */
  listening(): string[];
  /** Configured sources and what their recorders do. */
  sources(): SourceView[];
  /** Reads config.yaml again and applies what changed (docs/configuration.md); mistakes change nothing and are in the log. */
  reload(): Promise<Reload>;
  /** How config.yaml and the running node stand to each other. */
  configState(): ConfigState;
  /** Where people open the viewer this node serves; null where it serves none. */
  viewerAddress(): string | null;
  /** How many devices are paired. */
  devices(): number;
  /** A fresh one-time invitation for one more device (viewer, unless it is the first). */
  invite(): Promise<{ text: string; expiresAt: number }>;
}

/**
 * Puts the rooms together. This is the one place that knows them all: start follows the list of parts below, stop is the same
 * list backwards. A camera that does not answer keeps nothing from starting; a port that is taken does.
 */
export function createDaemon(deps: DaemonDeps, options: DaemonOptions): Daemon {
  return new Node(deps, options);
}

class Node implements Daemon {
  readonly #deps: DaemonDeps;
  readonly #options: DaemonOptions;
  readonly #identity: Identity;
  readonly #sources: SourceSet;
  readonly #keeper: ConfigKeeper;
  readonly #live: ReturnType<typeof createLive>;
  readonly #http: HttpServer;
  readonly #parts: NodeParts;
  readonly #cameras: CameraPart;
  readonly #tests: CameraTests;
  readonly #swarm: SwarmPart | null;
  #viewer: ViewerFiles | null = null;
  #audit: AuditLog | null = null;
  #vault: Vault | null = null;
  /** Of the volume the data folder lies on, as of the start. */
  #volumeBytes = 0;
  #channel: ChannelServer | null = null;
  #startedAt = 0;
  #startedMonotonic = 0;

  constructor(deps: DaemonDeps, options: DaemonOptions) {
    const { log, files } = deps;
    const { folder, config, kekCredentialPath } = options;
    this.#deps = deps;
    this.#options = options;
    this.#identity = createIdentity(
      { ...deps, log: log.child({ room: 'identity' }) },
      {
        folder,
        watch: true,
        approveCodes: config.identity.approveCodes,
        ...(kekCredentialPath ? { kekCredentialPath } : {}),
      },
    );
    this.#live = createLive({ log: log.child({ room: 'live' }) });
    const streamIds = new StreamIds(deps, join(folder, 'streams.json'));
    this.#sources = new SourceSet({
      ...deps,
      live: this.#live,
      vault: () => this.#observed(this.#vault!),
      streamIds,
      timezone: config.timezone,
      cameras: {
        view: (source) => this.#cameras.desk.view(source),
        admits: (source, signal) => this.#cameras.desk.admits(source, signal),
        reported: (source, time) => this.#cameras.desk.reported(source, time),
      },
    });
    this.#keeper = new ConfigKeeper(
      {
        ...deps,
        log: log.child({ room: 'config' }),
        reserve: (sources) => this.#sources.reserve(sources),
        apply: async (changed) => {
          this.#vault!.retain(vaultOptions(changed, folder, this.#volumeBytes).retention);
          const changes = await this.#sources.apply(changed.sources);
          this.#cameras.apply(changed.sources);
          await this.#swarm?.camerasChanged();
          return changes;
        },
        taken: () => this.#note('changed', null, 'config.yaml'),
        needsRestart: keysToRestart,
      },
      { folder, config },
    );
    this.#http = new HttpServer(
      {
        log: log.child({ room: 'http' }),
        health: () => this.#health(),
        metrics: () => this.#metrics(),
        viewer: (request, response) => this.#viewer?.answer(request, response) ?? false,
        upgrade: (request, socket, head) => this.#channel!.upgrade(request, socket, head),
      },
      { listen: config.listen, health: config.health },
    );
    this.#cameras = new CameraPart(
      {
        ...deps,
        log: log.child({ room: 'cameras' }),
        sources: this.#sources,
        keeper: this.#keeper,
        moved: (source, service) => this.#noteMoved(source, service),
      },
      { folder, cameras: config.cameras },
    );
    this.#tests = new CameraTests({
      clock: deps.clock,
      probe: createStreamProbe({ ...deps, log: log.child({ room: 'ingest' }) }),
      driverFor: (order) => this.#cameras.desk.driverFor(order),
      source: (id) => this.#keeper.current.sources.find((source) => source.id === id) ?? null,
    });
    const { swarm } = config;
    const { version } = options;
    this.#swarm = swarm
      ? new SwarmPart(
          {
            ...deps,
            log: log.child({ room: 'swarm' }),
            hashes: deps.suite.hashes,
            identity: this.#identity,
            facts: () => this.#swarmFacts(),
            obeyed: (event) => this.#noteObeyed(event),
          },
          { swarm, identity: config.identity, version },
        )
      : null;
    const swarmPart = this.#swarm;
    this.#parts = new NodeParts(log, [
      { name: 'identity', start: () => this.#identity.start(), stop: () => this.#identity.stop() },
      { name: 'secrets', start: () => this.#unseal(), stop: async () => {} },
      { name: 'audit', start: () => this.#startAudit(), stop: () => this.#stopAudit() },
      { name: 'vault', start: () => this.#startVault(), stop: async () => this.#vault?.stop() },
      { name: 'channel', start: () => this.#startChannel(), stop: async () => this.#channel?.stop() },
      { name: 'http', start: () => this.#startHttp(), stop: () => this.#http.stop() },
      { name: 'cameras', start: () => this.#cameras.start(), stop: () => this.#cameras.stop() },
      {
        name: 'sources',
        start: () => this.#sources.start(this.#keeper.current.sources),
        stop: () => this.#sources.stop(),
      },
      { name: 'config', start: () => this.#startKeeper(), stop: () => this.#keeper.stop() },
      ...(swarmPart ? [{ name: 'swarm', start: () => swarmPart.start(), stop: () => swarmPart.stop() }] : []),
      { name: 'state', start: () => this.#tellState(), stop: () => removeNodeState(files, folder) },
    ]);
  }

  async start(): Promise<void> {
    this.#startedAt = this.#deps.clock.now();
    this.#startedMonotonic = this.#deps.clock.monotonic();
    await this.#parts.start();
  }

  async stop(): Promise<void> {
    await this.#parts.stop();
  }

  get nodeId(): DeviceKey {
    return this.#identity.nodeId;
  }

  listening(): string[] {
    return this.#http.listening.map(writeListenAddress);
  }

  sources(): SourceView[] {
    return this.#sources.list();
  }

  reload(): Promise<Reload> {
    return this.#keeper.reload();
  }

  configState(): ConfigState {
    return this.#keeper.state;
  }

  viewerAddress(): string | null {
    return this.#viewer ? viewerAddress(this.#addresses()) : null;
  }

  devices(): number {
    return this.#identity.devices().length;
  }

  async invite(): Promise<{ text: string; expiresAt: number }> {
    const invitation = await this.#identity.invite({ role: 'viewer' });
    return { text: this.#invitationText(invitation), expiresAt: invitation.expiresAt };
  }

  /** Passwords of cameras, which the identity's keys open. */
  async #unseal(): Promise<void> {
    const key = this.#identity.deriveKey(SECRETS_LABEL);
    await this.#keeper.unseal(key);
    key.fill(0);
  }

  async #startAudit(): Promise<void> {
    const { folder, config } = this.#options;
    const { totalBytes } = await this.#deps.files.space(folder);
    const { nodeId, sign } = vaultKeys(this.#identity);
    const audit = createAuditLog(
      { ...this.#deps, keys: { nodeId, sign } },
      { root: folder, keepMs: config.audit.keepMs, sizeBytesMax: bytesOf(config.audit.size, totalBytes) },
    );
    await audit.start();
    this.#audit = audit;
    // A calendar that stands behind what is known to have been must not revive a grant.
    const head = audit.head();
    if (head) this.#identity.raiseTime(head.at);
    this.#note('started', null, this.#options.version);
    this.#identity.pairing.onOutcome((outcome) => this.#notePairing(outcome));
  }

  async #stopAudit(): Promise<void> {
    this.#note('stopped', null, '');
    await this.#audit?.stop();
  }

  #note(event: AuditEvent, device: DeviceKey | null, detail: string, address = ''): void {
    this.#audit?.note({ event, at: this.#deps.clock.now(), device, source: null, span: null, detail, address });
  }

  /** A camera answers at another address now, and is believed because it said who it is. */
  #noteMoved(source: SourceId, service: string): void {
    const detail = `moved to ${service}`.slice(0, AUDIT_DETAIL_MAX);
    this.#audit?.note({
      event: 'changed',
      at: this.#deps.clock.now(),
      device: null,
      source,
      span: null,
      detail,
      address: '',
    });
  }

  #notePairing({ what, device, address }: PairingOutcome): void {
    if (what === 'waits') return;
    this.#note(what === 'paired' ? 'paired' : 'pair-refused', device, `code: ${what}`, address);
  }

  /** What the identity's devices said elsewhere, and was done here. */
  #noteObeyed({ pubkey, content }: SignedEvent): void {
    const told = String(jsonObjectOf(content)?.['type'] ?? 'identity record');
    this.#note(told.startsWith('device_') ? 'revoked' : 'changed', pubkey, `swarm: ${told}`);
  }

  /** The vault, with somebody told of what goes into it where a test asks for that. */
  #observed(vault: Vault): Pick<Vault, 'openStream' | 'list'> {
    const { observe } = this.#deps;
    if (!observe) return vault;
    return {
      list: (query) => vault.list(query),
      openStream: (place) => {
        const writer = vault.openStream(place);
        return {
          beginRun: (run) => writer.beginRun(run),
          fragment: (fragment) => {
            observe.fragment(place.streamId, fragment);
            return writer.fragment(fragment);
          },
          endRun: (end) => writer.endRun(end),
          release: () => writer.release(),
        };
      },
    };
  }

  /** Cameras are asked once what they tell of themselves can be written down. */
  async #startKeeper(): Promise<void> {
    await this.#keeper.start();
    this.#cameras.apply(this.#keeper.current.sources);
  }

  async #startHttp(): Promise<void> {
    const { viewerFolder } = this.#options;
    this.#viewer = viewerFolder === undefined ? null : await ViewerFiles.load(this.#deps.files, viewerFolder);
    await this.#http.start();
  }

  async #startVault(): Promise<void> {
    const { files } = this.#deps;
    const { folder, config } = this.#options;
    const { totalBytes } = await files.space(folder);
    this.#volumeBytes = totalBytes;
    this.#vault = createVault(
      {
        ...this.#deps,
        keys: vaultKeys(this.#identity),
        ...(this.#deps.observe ? { onDurable: this.#deps.observe.durable } : {}),
      },
      vaultOptions(config, folder, totalBytes),
    );
    await this.#vault.start();
  }

  async #startChannel(): Promise<void> {
    const identity = this.#identity;
    const { v1 } = this.#options.config;
    const { clock, random, suite, log } = this.#deps;
    const handle = createCommands({
      clock,
      log: log.child({ room: 'commands' }),
      vault: this.#vault!,
      live: this.#live,
      devices: identity,
      pairing: identity.pairing,
      cameras: this.#cameras.view,
      events: this.#cameras.events,
      swarm: { status: () => this.#swarm?.status() ?? null },
      audit: this.#audit!,
      sources: {
        list: () => this.sources(),
        upsert: (wish) => this.#keeper.upsert(wish),
        remove: (source) => this.#keeper.remove(source),
        settings: (source) => this.#keeper.settings(source),
        test: (wish, signal) => this.#tests.run(wish, signal),
      },
      node: {
        nodeId: identity.nodeId,
        version: this.#options.version,
        startedAt: this.#startedAt,
        startedMonotonic: this.#startedMonotonic,
        channels: () => this.#channel!.status(),
        warnings: () => this.#warnings(),
        writeInvitation: (invitation) => this.#invitationText(invitation),
      },
    });
    const channel = createChannelServer(
      {
        clock,
        random,
        suite,
        log: log.child({ room: 'channel' }),
        staticKey: identity.channelKey,
        nodeId: identity.nodeId,
        certificate: () => identity.certificate(),
        invitationSecret: (id) => identity.invitationSecret(id),
        codes: identity.pairing,
        admit: async (hello) => {
          const admitted = await identity.admit(hello);
          // Codes tell of themselves.
          if (hello.suite === 3) {
            const event = admitted ? 'paired' : 'pair-refused';
            this.#note(event, hello.device, 'invitation', hello.address);
          }
          return admitted;
        },
        awaiting: (device) => identity.pairing.awaiting(device),
        handle,
        audit: this.#audit!,
        ...(v1 ? { v1: this.#v1Of(v1) } : {}),
      },
      {
        origins: this.#options.config.origins,
        isOwnOrigin: (origin, host) =>
          this.#viewer !== null && isOwnOrigin(origin, host, ownPlaces(this.#http.listening, machineAddresses())),
      },
    );
    this.#channel = channel;
    identity.onAccessChange(({ device, access }) => {
      if (!access) channel.closeDevice(device);
    });
  }

  /** The old session; who may use it follows the configuration. */
  #v1Of({ identityId, identitySecret, serverSecret, allowFrom }: V1Config): V1Deps {
    return {
      identityId,
      identitySecret: identitySecret.reveal(),
      serverSecret: serverSecret.reveal(),
      allowFrom,
      devices: () => this.#keeper.current.v1?.devices ?? [],
      isPaired: (device) => this.#identity.wasPaired(device),
      audit: this.#audit!,
    };
  }

  #swarmFacts() {
    const sources = this.sources();
    const addresses = this.#addresses();
    const { v1 } = this.#options.config;
    return {
      channelAddresses: addresses,
      ...(v1 && v1.allowFrom !== 'loopback' && addresses[0] ? { sessionUrl: `ws://${addresses[0]}/session` } : {}),
      camerasTotal: sources.length,
      camerasEnabled: sources.filter(({ enabled }) => enabled).length,
      uptimeS: Math.floor((this.#deps.clock.monotonic() - this.#startedMonotonic) / 1000),
      listening: this.#http.listening,
      sources,
    };
  }

  #invitationText({ id, secret, expiresAt }: Pick<Invitation, 'id' | 'expiresAt'> & { secret: Uint8Array }): string {
    const { suite } = this.#deps;
    const viewer = this.#keeper.current.viewer ?? this.viewerAddress();
    const code = {
      id: fromHex(id, 16)!,
      nodeId: this.#identity.nodeId,
      channelKey: this.#identity.channelKey.publicKey,
      secret,
      expiresAt,
      addresses: this.#addresses(),
    };
    return viewer === null ? printInvitation(suite.hashes, code) : printInvitation(suite.hashes, code, viewer);
  }

  #addresses(): string[] {
    return nodeAddresses(this.#keeper.current, this.#http.listening, machineAddresses());
  }

  async #tellState(): Promise<void> {
    const local = localAddresses(this.#http.listening);
    const state = { pid: this.#options.pid, startedAt: this.#startedAt, addresses: this.#addresses(), local };
    await writeNodeState(this.#deps.files, this.#options.folder, state);
  }

  #warnings(): string[] {
    const { mistakes, restart } = this.#keeper.state;
    const { warning } = this.#keeper;
    const vault = this.#vault!.status();
    const audit = this.#audit!.status();
    const { v1 } = this.#channel!.status();
    return [
      ...(vault.state === 'ok' ? [] : [`storage: ${vault.reason ?? vault.state}`]),
      ...(audit.state === 'ok' ? [] : [`audit log: ${audit.reason ?? audit.state}`]),
      ...(warning ? [warning] : []),
      ...this.#cameras.warnings(),
      ...mistakes.map((mistake) => `config.yaml is refused: ${mistake}`),
      ...(restart.length > 0 ? [`config.yaml: a restart is needed for ${restart.join(', ')}`] : []),
      ...(v1 ? [v1.warning] : []),
    ];
  }

  #health(): unknown {
    return healthReport({
      nodeId: this.#identity.nodeId,
      version: this.#options.version,
      sources: this.sources(),
      vault: this.#vault!.status(),
      retainedSources: this.#sources.retained(),
      hostGateway: this.#options.config.identity.hostGateway ?? '',
      identityId: this.#identity.pinned()?.identityId ?? '',
    });
  }

  #metrics(): string {
    const { leaves, lost } = this.#audit!.status();
    const swarm = this.#swarm?.status();
    return metricsText({
      version: this.#options.version,
      uptimeS: this.#swarmFacts().uptimeS,
      sources: this.sources(),
      vault: this.#vault!.status(),
      channels: this.#channel!.status(),
      live: this.#live.status(),
      audit: { entries: leaves, lost },
      identityVerdicts: this.#identity.verdicts(),
      swarm: swarm
        ? {
            ...swarm.counters,
            peers: swarm.peers.length,
            confirmed: swarm.peers.filter(({ confirmed }) => confirmed).length,
            records: swarm.records.length,
          }
        : null,
    });
  }
}
