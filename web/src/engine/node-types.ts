// Types of the node's rooms, by one name for the page: nothing here is code.
export type {
  CommandName,
  CommandParams,
  CommandResult,
  DeviceKey,
  GapCause,
  Role,
  SourceId,
  StreamName,
} from '../../../src/protocol/index.ts';
