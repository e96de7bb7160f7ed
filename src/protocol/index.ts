export { ACTIONS, type Access, type Action } from './access.ts';
export { AUDIT_EVENTS, type AuditEntry, type AuditEvent, type AuditSink } from './audit-entry.ts';
export type { Call, Caller, CallHandler, ReplyStream, Role, UnitMarks } from './call.ts';
export {
  CERTIFICATE_KIND,
  CERTIFICATE_LIFE_S,
  type CertificateClaim,
  type CertificateExpectation,
  type CertificateReason,
  type CertificateRole,
  signCertificate,
  type UnsignedCertificate,
  unsignedCertificate,
  verifyCertificate,
} from './certificate.ts';
export {
  EPOCH_KEY_FILE_MAX,
  type EpochKeyFile,
  encodeEpochKeyFile,
  epochKeyCommitment,
  parseEpochKeyFile,
  STANZA_TYPES,
  STANZAS_MAX,
  type Stanza,
  type StanzaType,
  type StoredEpochKeyFile,
  stanzaContext,
  verifyEpochKeyFile,
} from './cnk.ts';
export {
  kekId,
  openAsRecipient,
  openWithKek,
  type StanzaPlace,
  sealKekStanza,
  sealRecipientStanza,
} from './cnk-stanzas.ts';
export {
  CHAIN_INDEX_LIMIT,
  type ClockState,
  chunkOf,
  chunkRange,
  encodeBoundHeader,
  encodeSegmentHeader,
  type FromFile,
  parseSegmentHeader,
  SEGMENT_BOUND_SIZE,
  SEGMENT_CHUNKS_AT,
  SEGMENT_CHUNKS_MAX,
  SEGMENT_FLAGS,
  SEGMENT_HEADER_SIZE,
  type SegmentHeader,
  type SegmentKind,
  type SegmentShape,
  type StoredHeader,
  segmentContext,
  segmentShape,
} from './cnv.ts';
export { chainKeyAt, nextChainKey, unwrapFileKey, wrapFileKey, wrapKeyOf } from './cnv-keys.ts';
export { type OpenSegment, openSegment } from './cnv-open.ts';
export * from './commands/index.ts';
export {
  EVENT_LIMITS,
  eventDigest,
  eventOf,
  type SignedEvent,
  signEvent,
  signEventWith,
  tagValues,
  type UnsignedEvent,
  verifyEvent,
  writeEvent,
} from './event.ts';
export {
  CHANNEL_CREDIT,
  REKEY_LIMITS,
  ReceiveCredit,
  type RekeyLimits,
  SendCredit,
  STREAM_CREDIT,
  STREAMS_MAX,
} from './flow.ts';
export {
  CREDIT_MAX,
  DATA_BODY_MAX,
  DATA_INIT,
  DATA_KEYFRAME,
  DATA_LAST,
  decodeFrame,
  encodeFrame,
  endBody,
  endTotal,
  FRAME,
  FRAME_HEADER_SIZE,
  FRAME_MAX,
  type Frame,
  type FrameReason,
  type FrameSide,
  type FrameType,
  GOAWAY_AGE,
  GOAWAY_STOPPING,
  PING_NO_ANSWER,
  RESPONSE_END,
  RPC_BYTES_MAX,
  STREAM_MAX,
  windowBody,
  windowCredit,
} from './frame.ts';
export {
  encodeCancelError,
  encodeError,
  encodeEvent,
  encodeRequest,
  encodeResult,
  errorInteger,
  parseCancelError,
  parseEvent,
  parseRequest,
  parseResponse,
  type RpcError,
  type RpcRequest,
} from './frame-rpc.ts';
export { FrameOpener, FrameSealer } from './frame-sealer.ts';
export { GAP_CAUSES, type GapCause } from './gap.ts';
export { type ClientProof, HandshakeInitiator, HandshakeResponder } from './handshake.ts';
export {
  CHANNEL_CLOSE_CODE,
  CHANNEL_MESSAGE_MAX,
  CHANNEL_PATH,
  CHANNEL_SUBPROTOCOL,
  HANDSHAKE_SUITES,
  type HandshakeReason,
  type HandshakeSuite,
  HELLO_SIZE,
  MESSAGE_ANSWER,
  MESSAGE_FINISH,
  MESSAGE_HELLO,
  MESSAGE_SEALED,
} from './handshake-message.ts';
export { type HandshakePayload, WRAP_KEY_SIZE } from './handshake-payload.ts';
export {
  type DeviceKey,
  isDeviceKey,
  isSegmentId,
  isSourceId,
  isStreamId,
  isStreamName,
  type SegmentId,
  SOURCE_ID_RULE,
  type SourceId,
  type StreamId,
  type StreamName,
} from './ids.ts';
export {
  INVITATION_ADDRESSES_MAX,
  INVITATION_TEXT_MAX,
  type InvitationCode,
  type InvitationReason,
  parseInvitation,
  printInvitation,
} from './invitation.ts';
export { encodeAddress } from './invitation-address.ts';
export {
  CONFIG_CAUSES,
  createLeaf,
  encodeLeaf,
  encodeLogHeader,
  KEY_CAUSES,
  LEAF_SIZE,
  LEAF_TYPES,
  type LeafType,
  LOG_HEADER_SIZE,
  type LogHeader,
  type LogLeaf,
  leafHash,
  MerkleTree,
  PRUNE_CAUSES,
  parseLeaf,
  parseLogHeader,
  placeOfConfigLeaf,
  type SegmentState,
  streamAssignedLeaf,
} from './log.ts';
export type { NoiseKeys } from './noise-handshake.ts';
