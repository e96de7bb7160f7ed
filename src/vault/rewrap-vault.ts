import type { VaultDeps, VaultOptions } from './options.ts';
import { FAULTS_MAX, type RewrapPage, type RewrapRequest } from './rewrap.ts';
import { createVault } from './vault.ts';

const PAGE_FILES = 100;

/** A whole re-wrapping. */
export type RewrapReport = Omit<RewrapPage, 'cursor'>;

/**
 * Writes every key file of a vault that is not running anew for the present recipients; see `Vault.rewrap`. May be broken off and
 * run again at any point. Throws `ERR_VAULT_LOCKED` (`conflict`) where the vault is open elsewhere.
 */
export async function rewrapVault(
  deps: VaultDeps,
  options: VaultOptions,
  request: Pick<RewrapRequest, 'without' | 'signal'> = {},
  onProgress: (progress: { files: number; total: number }) => void = () => {},
): Promise<RewrapReport> {
  const vault = createVault(deps, options);
  await vault.start();
  try {
    const report: RewrapReport = { total: 0, files: 0, rewritten: 0, dropped: 0, added: 0, faults: [] };
    for (let cursor: string | undefined; ; ) {
      const page = await vault.rewrap({ ...request, limit: PAGE_FILES, ...(cursor === undefined ? {} : { cursor }) });
      report.total = page.total;
      for (const sum of ['files', 'rewritten', 'dropped', 'added'] as const) report[sum] += page[sum];
      report.faults.push(...page.faults.slice(0, FAULTS_MAX - report.faults.length));
      onProgress({ files: report.files, total: report.total });
      if (page.cursor === undefined) return report;
      cursor = page.cursor;
    }
  } finally {
    await vault.stop();
  }
}
