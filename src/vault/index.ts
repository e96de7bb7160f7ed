export type {
  CoverageQuery,
  GapPage,
  GapQuery,
  RecoveryReport,
  SegmentPage,
  SegmentQuery,
  SegmentReading,
  StoredCoverage,
  StoredGap,
  StoredSegment,
  StreamPlace,
  StreamWriter,
  Vault,
  VaultStatus,
} from './api.ts';
export { type AuditPage, type AuditQuery, type AuditRecord, readAudit } from './audit-files.ts';
export {
  type AuditLog,
  type AuditLogDeps,
  type AuditLogOptions,
  type AuditLogStatus,
  createAuditLog,
  type SignedAuditHead,
} from './audit-log.ts';
export {
  AUDIT_FINDINGS,
  type AuditExpectation,
  type AuditFinding,
  type AuditFindingName,
  type AuditReport,
  verifyAudit,
} from './audit-verify.ts';
export { VaultError } from './errors.ts';
export { type ImportProgress, type ImportReport, type ImportRequest, importStreamId, importV1 } from './import-v1.ts';
export type { DurableMark, RetentionRule, VaultDeps, VaultKeys, VaultOptions } from './options.ts';
export type { RewrapFault, RewrapPage, RewrapRequest } from './rewrap.ts';
export { type RewrapReport, rewrapVault } from './rewrap-vault.ts';
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
