import type { Role } from './call.ts';
import type { SourceId } from './ids.ts';

/** What a grant may be narrowed to; the role's table says which of them a role has at all (docs/protocol/grants.md). */
export const ACTIONS = ['live', 'playback', 'export', 'ptz', 'configure', 'delete', 'grant'] as const;
export type Action = (typeof ACTIONS)[number];

/** What a device may do at this moment, worked out from its grants by `identity`; `authorize` reads it and nothing else. */
export interface Access {
  role: Role;
  /** `'all'`, or the only sources it may know of. */
  sources: 'all' | ReadonlySet<SourceId>;
  /** `'all'` of the role's, or only these of them. */
  actions: 'all' | ReadonlySet<Action>;
  /** How far back recordings may be seen, ms before now; null: all. */
  pastMs: number | null;
  /** Epoch ms at which it ends; null: never. */
  endsAt: number | null;
}
