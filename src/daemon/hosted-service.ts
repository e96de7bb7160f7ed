import { utf8 } from '../bytes/index.ts';
import type { SourceView } from '../commands/index.ts';
import type { Files } from '../platform/index.ts';
import type { DeviceKey } from '../protocol/index.ts';
import { isLoopback, type ListenAddress, writeListenAddress } from './listen-address.ts';

/** What a gateway on this machine is told of the service it hosts. */
export interface HostedServiceFacts {
  nodeId: DeviceKey;
  label: string;
  version: string;
  /** The gateway's x-only key, or empty. */
  hostGateway: string;
  listening: readonly ListenAddress[];
  sources: readonly SourceView[];
  /** Epoch ms. */
  now: number;
}

/**
 * `hosted-service.json`, from which a gateway of the ecosystem learns that this node runs beside it and where its health is asked
 * (the fields of its manifest of 2026; every 10 s it reads the file, then asks `healthUrl`). No secret, no address of a camera.
 */
export function hostedService(facts: HostedServiceFacts) {
  const { nodeId, label, version, hostGateway, listening, sources, now } = facts;
  const local = listening.find(({ host }) => isLoopback(host)) ?? listening[0];
  const loopback: Record<string, string> = { '0.0.0.0': '127.0.0.1', '::': '::1' };
  const at = local ? writeListenAddress({ host: loopback[local.host] ?? local.host, port: local.port }) : '';
  return {
    service: 'nvr',
    servicePk: nodeId,
    deviceLabel: label,
    serviceVersion: version,
    hostGatewayPk: hostGateway,
    apiBind: local ? writeListenAddress(local) : '',
    apiBaseUrl: at && `http://${at}`,
    healthUrl: at && `http://${at}/health`,
    cameraDevices: sources.map(({ id, name, enabled }) => ({ sourceId: id, name, ptzCapable: false, enabled })),
    updatedAt: now,
  };
}

/** Writes it where the configuration says, readable by the gateway's own user. */
export async function writeHostedService(files: Files, path: string, facts: HostedServiceFacts): Promise<void> {
  await files.replace(path, utf8(`${JSON.stringify(hostedService(facts))}\n`), { mode: 0o644 });
}
