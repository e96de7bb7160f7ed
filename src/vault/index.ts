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
