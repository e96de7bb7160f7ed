import { join } from 'node:path';
import { fromHex } from '../bytes/index.ts';
import { type ChannelServer, createChannelServer } from '../channel/index.ts';
import { createCommands, healthReport, type SourceView } from '../commands/index.ts';
import type { SyncCryptoSuite } from '../crypto/index.ts';
import { createIdentity, type Identity, type Invitation } from '../identity/index.ts';
import { createLive } from '../live/index.ts';
import { type CameraAddress, parseCameraUrl } from '../media/index.ts';
import type { Clock, Files, Log, Processes, Random, Startable } from '../platform/index.ts';
import { type DeviceKey, printInvitation, type StreamName } from '../protocol/index.ts';
import { createVault, type Vault } from '../vault/index.ts';
import type { Config, SourceConfig } from './config.ts';
import { HttpServer } from './http-server.ts';
import { writeListenAddress } from './listen-address.ts';
import { machineAddresses, nodeAddresses } from './node-addresses.ts';
import { type NodePart, NodeParts } from './node-parts.ts';
import { removeNodeState, writeNodeState } from './node-state.ts';
import { RecordedStream } from './recorded-stream.ts';
import { StreamIds } from './stream-ids.ts';
import { vaultKeys, vaultOptions } from './vault-setup.ts';
import { VirtualCameraChild } from './virtual-camera-child.ts';

export interface DaemonDeps {
  clock: Clock;
  random: Random;
  log: Log;
  files: Files;
  processes: Processes;
  suite: SyncCryptoSuite;
}

export interface DaemonOptions {
  /** Absolute data folder; it exists, and this process holds it (`holdFolder`). */
  folder: string;
  kekCredentialPath?: string;
  config: Config;
  /** Of package.json. */
  version: string;
  pid: number;
}

/** A running node. */
export interface Daemon extends Startable {
  readonly nodeId: DeviceKey;
  /** `host:port` texts it listens on. */
  listening(): string[];
  /** Configured sources and what their recorders do. */
  sources(): SourceView[];
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
  readonly #streamIds: StreamIds;
  readonly #live: ReturnType<typeof createLive>;
  readonly #http: HttpServer;
  readonly #parts: NodeParts;
  readonly #cameras = new Map<string, VirtualCameraChild>();
  readonly #streams: RecordedStream[] = [];
  #vault: Vault | null = null;
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
      { folder, watch: true, ...(kekCredentialPath ? { kekCredentialPath } : {}) },
    );
    this.#streamIds = new StreamIds(deps, join(folder, 'streams.json'));
    this.#live = createLive({ log: log.child({ room: 'live' }) });
    this.#http = new HttpServer(
      {
        log: log.child({ room: 'http' }),
        health: () => this.#health(),
        upgrade: (request, socket, head) => this.#channel!.upgrade(request, socket, head),
      },
      { listen: config.listen, health: config.health },
    );
    this.#parts = new NodeParts(log, [
      { name: 'identity', start: () => this.#identity.start(), stop: () => this.#identity.stop() },
      { name: 'vault', start: () => this.#startVault(), stop: async () => this.#vault?.stop() },
      { name: 'channel', start: () => this.#startChannel(), stop: async () => this.#channel?.stop() },
      { name: 'http', start: () => this.#http.start(), stop: () => this.#http.stop() },
      ...this.#cameraParts(),
      { name: 'streams', start: () => this.#startStreams(), stop: () => this.#stopStreams() },
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
    return this.#options.config.sources.map(({ id, name, enabled }) => {
      const streams = this.#streams.filter(({ place }) => place.sourceId === id);
      return { id, name, enabled, streams: streams.map((stream) => stream.view()) };
    });
  }

  devices(): number {
    return this.#identity.devices().length;
  }

  async invite(): Promise<{ text: string; expiresAt: number }> {
    const invitation = await this.#identity.invite({ role: 'viewer' });
    return { text: this.#invitationText(invitation), expiresAt: invitation.expiresAt };
  }

  async #startVault(): Promise<void> {
    const { files } = this.#deps;
    const { folder, config } = this.#options;
    const { totalBytes } = await files.space(folder);
    this.#vault = createVault(
      { ...this.#deps, keys: vaultKeys(this.#identity) },
      vaultOptions(config, folder, totalBytes),
    );
    await this.#vault.start();
  }

  async #startChannel(): Promise<void> {
    const identity = this.#identity;
    const { clock, random, suite, log } = this.#deps;
    const handle = createCommands({
      clock,
      log: log.child({ room: 'commands' }),
      vault: this.#vault!,
      live: this.#live,
      devices: identity,
      sources: { list: () => this.sources() },
      node: {
        nodeId: identity.nodeId,
        version: this.#options.version,
        startedAt: this.#startedAt,
        startedMonotonic: this.#startedMonotonic,
        channels: () => this.#channel!.status(),
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
        admit: (hello) => identity.admit(hello),
        handle,
      },
      { origins: this.#options.config.origins },
    );
    this.#channel = channel;
    identity.onLoss(({ device }) => channel.closeDevice(device));
  }

  /** One child for each generated camera. */
  #cameraParts(): NodePart[] {
    const { log } = this.#deps;
    return this.#options.config.sources.flatMap(({ id, enabled, input }) => {
      if (input.kind !== 'virtual' || !enabled) return [];
      const child = new VirtualCameraChild(
        { ...this.#deps, log: log.child({ room: 'camera', source: id }) },
        input.camera,
      );
      this.#cameras.set(id, child);
      return [{ name: `virtual camera ${id}`, start: () => child.start(), stop: () => child.stop() }];
    });
  }

  async #startStreams(): Promise<void> {
    await this.#streamIds.load();
    const wanted = this.#options.config.sources.flatMap((source) =>
      streamNames(source).map((stream) => ({ source, place: { sourceId: source.id, stream } })),
    );
    const ids = await this.#streamIds.assign(wanted.map(({ place }) => place));
    const deps = {
      ...this.#deps,
      log: this.#deps.log.child({ room: 'ingest' }),
      vault: this.#vault!,
      live: this.#live,
    };
    for (const [i, { source, place }] of wanted.entries()) {
      const camera = () => this.#cameraOf(source, place.stream);
      this.#streams.push(new RecordedStream(deps, source, { ...place, streamId: ids[i]! }, camera));
    }
    for (const stream of this.#streams) await stream.start();
  }

  /** All at once: each waits for its own camera and disk, not for the others'. */
  async #stopStreams(): Promise<void> {
    const results = await Promise.allSettled(this.#streams.map((stream) => stream.stop()));
    for (const result of results) {
      if (result.status === 'rejected') this.#deps.log.error({ error: result.reason }, 'a stream did not stop cleanly');
    }
  }

  #cameraOf({ id, input }: SourceConfig, stream: StreamName): CameraAddress {
    if (input.kind === 'camera') return stream === 'main' ? input.main : input.sub!;
    const child = this.#cameras.get(id);
    return child ? parseCameraUrl(child.url(stream)) : parseCameraUrl('rtsp://127.0.0.1:9/disabled');
  }

  #invitationText({ id, secret, expiresAt }: Pick<Invitation, 'id' | 'expiresAt'> & { secret: Uint8Array }): string {
    const { suite } = this.#deps;
    const { viewer } = this.#options.config;
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
    return nodeAddresses(this.#options.config, this.#http.listening, machineAddresses());
  }

  async #tellState(): Promise<void> {
    const state = { pid: this.#options.pid, startedAt: this.#startedAt, addresses: this.#addresses() };
    await writeNodeState(this.#deps.files, this.#options.folder, state);
  }

  #health(): unknown {
    const configured = new Set<string>(this.#options.config.sources.map(({ id }) => id));
    return healthReport({
      nodeId: this.#identity.nodeId,
      version: this.#options.version,
      sources: this.sources(),
      vault: this.#vault!.status(),
      retainedSources: this.#streamIds.sources().filter((id) => !configured.has(id)),
    });
  }
}

function streamNames({ input }: SourceConfig): StreamName[] {
  const hasSub = input.kind === 'camera' ? input.sub !== null : input.camera.sub;
  return hasSub ? ['main', 'sub'] : ['main'];
}
