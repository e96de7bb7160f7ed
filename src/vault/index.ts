export type {
  RecoveryReport,
  SegmentPage,
  SegmentQuery,
  SegmentReading,
  StoredGap,
  StoredSegment,
  StreamPlace,
  StreamWriter,
  Vault,
  VaultStatus,
} from './api.ts';
export { VaultError } from './errors.ts';
export { type ImportProgress, type ImportReport, type ImportRequest, importStreamId, importV1 } from './import-v1.ts';
export type { DurableMark, RetentionRule, VaultDeps, VaultKeys, VaultOptions } from './options.ts';
export { openV1Blob, parseV1Key } from './v1-blob.ts';
export { createVault } from './vault.ts';
export {
  type FindingName,
  VERIFY_FINDINGS,
  type VerifyFinding,
  type VerifyProgress,
  type VerifyReport,
  verifyVault,
} from './verify.ts';
