import {
  type Action,
  type CheckedParams,
  type CommandName,
  type DeviceKey,
  eventOf,
  grantOf,
  type Role,
  type SegmentId,
  type SourceId,
} from '../protocol/index.ts';
import type { Vault } from '../vault/index.ts';

/** What a call is about, as far as permission goes by it. */
export interface Concern {
  /** The source it names, or that of the segment it names; null where it names none that is there. */
  source: SourceId | null;
  /** Epoch ms at which the segment it names began; null where it names none. */
  startAt: number | null;
  /** It names a segment that is not stored: there is nothing to answer, whoever asks. */
  isMissing: boolean;
  /** The device it would change or tell of. */
  device: DeviceKey | null;
  /** The role it would give away. */
  role: Role | null;
  /** An action it needs beside that of its row. */
  action: Action | null;
}

/**
 * What a call with these checked params is about. By the names of fields: `source`; `segment`, which stands for the source and the
 * beginning of a stored one; `device`; `role`; `grant`, an event that stands for device and role; `purpose` of a reading;
 * `take` and `set`, which are for those who set up.
 */
export function concernOf<N extends CommandName>(vault: Pick<Vault, 'find'>, params: CheckedParams<N>): Concern {
  const named = params as Named;
  const segment = named.segment === undefined ? null : vault.find(named.segment);
  const event = named.grant === undefined ? null : eventOf(named.grant);
  const grant = event && grantOf(event);
  return {
    source: segment?.sourceId ?? named.source ?? null,
    startAt: segment && segment.startUs / 1000,
    isMissing: named.segment !== undefined && segment === null,
    device: grant?.subject ?? named.device ?? null,
    role: grant?.role ?? named.role ?? null,
    action: actionOf(named),
  };
}

/** To keep a copy, to take a camera from whoever steers it, to set its clock: more than the rest of the same command. */
function actionOf({ purpose, take, set }: Named): Action | null {
  if (purpose === 'export') return 'export';
  return take === true || set !== undefined ? 'configure' : null;
}

interface Named {
  source?: SourceId;
  segment?: SegmentId;
  device?: DeviceKey;
  role?: Role;
  grant?: unknown;
  purpose?: string;
  take?: boolean;
  set?: unknown;
}
