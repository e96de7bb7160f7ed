import type { DeviceKey } from '../protocol/index.ts';
import type { VaultStatus } from '../vault/index.ts';
import type { RecorderView, SourceView } from './views.ts';

/** What `GET /health` is made of. */
export interface HealthFacts {
  nodeId: DeviceKey;
  version: string;
  sources: readonly SourceView[];
  vault: Pick<VaultStatus, 'state'>;
  /** Ids of sources that left recordings and are configured no more. */
  retainedSources?: readonly string[];
  /** The gateway that hosts this node, x-only key; empty or absent: none. */
  hostGateway?: string;
  /** The identity it claims to belong to; empty or absent: none. */
  identityId?: string;
}

/** State words of the old contract; it knows fewer. */
const OLD_STATES = {
  starting: 'starting',
  running: 'running',
  stalled: 'backoff',
  backoff: 'backoff',
  failed: 'failed',
  disabled: 'stopped',
} as const;

/**
 * The body of `GET /health` in the shape that gateways of the ecosystem read: keys alphabetical, no address, no secret, no
 * free text of a camera. `ok` is false while nothing can be stored.
 */
export function healthReport({
  nodeId,
  version,
  sources,
  vault,
  retainedSources = [],
  hostGateway = '',
  identityId = '',
}: HealthFacts) {
  const sorted = [...sources].sort((a, b) => (a.id < b.id ? -1 : 1));
  return {
    cameraDevices: sorted.map(({ id, name, enabled }) => ({ enabled, name, ptzCapable: false, sourceId: id })),
    cameraNetwork: {},
    configuredSources: sorted.length,
    deviceKind: 'service',
    devicePk: nodeId,
    hostGatewayPk: hostGateway,
    identityId,
    mediaProjection: {},
    nodeRole: 'native',
    ok: vault.state === 'ok',
    retainedSources: [...retainedSources].sort(),
    service: 'nvr',
    sourceRuntime: sorted.map((source) => ({ ...runtimeOf(source) })),
    sources: sorted.map(({ id }) => id),
    storageState: vault.state,
    version,
  };
}

/** One row for each source, as the old contract has one recorder for each: that of the main stream. */
function runtimeOf({ id, enabled, streams }: SourceView) {
  const status: RecorderView | undefined = (streams.find((each) => each.stream === 'main') ?? streams[0])?.status;
  const state = enabled && status ? OLD_STATES[status.state] : 'stopped';
  const waitMs = status?.retryAt === undefined ? 0 : Math.max(0, status.retryAt - status.since);
  return {
    backoffSecs: Math.ceil(waitMs / 1000),
    lastError: state === 'running' || state === 'stopped' ? '' : (status?.cause ?? ''),
    restartAttempt: status?.restarts ?? 0,
    sourceId: id,
    state,
    updatedAt: status?.since ?? 0,
  };
}
