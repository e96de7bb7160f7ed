import { fromHex } from '../bytes/index.ts';
import type { Identity } from '../identity/index.ts';
import type { VaultKeys, VaultOptions } from '../vault/index.ts';
import type { Config, SourceConfig } from './config.ts';
import { bytesOf } from './quantities.ts';

/** The vault's options as the configuration wishes them, on a volume of `totalBytes`. */
export function vaultOptions(config: Config, folder: string, totalBytes: number): VaultOptions {
  const { segmentMs, keepMs, size, reserve } = config.storage;
  const ruleOf = (source: SourceConfig) => ({
    ageMs: source.keepMs ?? keepMs,
    ...(source.size ? { sizeBytes: bytesOf(source.size, totalBytes) } : {}),
  });
  const own = config.sources.filter((source) => source.keepMs !== null || source.size !== null);
  return {
    root: folder,
    segmentMs,
    retention: {
      default: { ageMs: keepMs },
      sources: Object.fromEntries(own.map((source) => [source.id, ruleOf(source)])),
      totalBytes: bytesOf(size, totalBytes),
    },
    ...(reserve ? { floor: { bytes: bytesOf(reserve, totalBytes), ratio: 0 } } : {}),
  };
}

/** What the vault may use of the node's identity, which must have been started. */
export function vaultKeys(identity: Identity): VaultKeys {
  return {
    kek: identity.kek(),
    nodeId: fromHex(identity.nodeId, 32)!,
    sign: (digest) => identity.sign(digest),
    recipients: () => identity.recipients(),
  };
}
