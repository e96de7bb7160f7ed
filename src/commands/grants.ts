import {
  type Access,
  type AccessGetResult,
  actionsOf,
  type CheckedParams,
  eventOf,
  type GrantFacts,
  type GrantTerms,
  isDeviceKey,
  type Role,
} from '../protocol/index.ts';
import { paramsRefused } from './errors.ts';
import type { CommandDeps, Family } from './handler.ts';
import type { GrantView, TermsView } from './views.ts';

/** `access.get`, `grants.list`, `grants.put`, `grants.revoke`, `grants.clock`. */
export function grantCommands({
  clock,
  devices,
}: Pick<CommandDeps, 'clock' | 'devices'>): Family<
  'access.get' | 'grants.list' | 'grants.put' | 'grants.revoke' | 'grants.clock'
> {
  return {
    async 'access.get'({ access }) {
      return accessFacts(access, devices.judgedAt());
    },

    async 'grants.list'({ call, right, params: { device, limit, cursor = '' } }) {
      const asked = right === 'yes' ? device : call.caller.device;
      if (cursor !== '' && !isDeviceKey(cursor)) throw paramsRefused('cursor: expected one of a page before');
      const found = devices
        .grants()
        .filter((each) => (asked === undefined || each.device === asked) && each.device > cursor)
        .sort((a, b) => (a.device < b.device ? -1 : 1));
      const page = found.slice(0, limit);
      const last = page.at(-1);
      return {
        judgedAt: devices.judgedAt(),
        clockAt: clock.now(),
        grants: page.map(grantFacts),
        ...(last && found.length > limit ? { cursor: last.device } : {}),
      };
    },

    async 'grants.put'({ call, params }) {
      const { device: by } = call.caller;
      const { grant, device, role, ...terms } = params;
      if (grant === undefined) return grantFacts(await devices.grant(device!, wishOf({ role: role!, ...terms }), by));
      const event = eventOf(grant);
      if (!event) throw paramsRefused('grant: expected a signed event');
      return grantFacts(await devices.acceptGrant(event, by));
    },

    async 'grants.revoke'({ call, params: { device, adopt } }) {
      return { revoked: await devices.revoke(device, { by: call.caller.device, adopt }) };
    },

    async 'grants.clock'() {
      await devices.trustClock();
      return { judgedAt: devices.judgedAt() };
    },
  };
}

type WrittenTerms = { role: Role } & Pick<
  CheckedParams<'grants.put'>,
  'sources' | 'rolesAt' | 'actions' | 'pastMs' | 'notBefore' | 'notAfter'
>;

/** Terms as a command names them: what is absent is not narrowed. */
export function wishOf({ role, sources, rolesAt, actions, pastMs, notBefore, notAfter }: WrittenTerms): TermsView {
  return {
    role,
    ...(sources ? { sources } : {}),
    ...(rolesAt ? { rolesAt } : {}),
    ...(actions ? { actions } : {}),
    ...(pastMs === undefined ? {} : { pastMs }),
    ...(notBefore === undefined ? {} : { notBefore }),
    ...(notAfter === undefined ? {} : { notAfter }),
  };
}

function accessFacts(access: Access, judgedAt: number): AccessGetResult {
  const { role, sources, rolesAt, pastMs, endsAt } = access;
  const lowered = [...rolesAt].sort(([a], [b]) => (a < b ? -1 : 1)).map(([source, at]) => ({ source, role: at }));
  return {
    role,
    actions: [...actionsOf(access)],
    ...(sources === 'all' ? {} : { sources: [...sources].sort() }),
    ...(lowered.length > 0 ? { rolesAt: lowered } : {}),
    ...(pastMs === null ? {} : { pastMs }),
    ...(endsAt === null ? {} : { endsAt }),
    judgedAt,
  };
}

/** Terms as commands write them: what is not narrowed is absent. */
export function writtenTerms(terms: GrantTerms): WrittenTerms {
  const { role, sources, rolesAt, actions, pastMs, notBefore, notAfter } = terms;
  return {
    role,
    ...(sources === 'all' ? {} : { sources: [...sources] }),
    ...(rolesAt.length > 0 ? { rolesAt: [...rolesAt] } : {}),
    ...(actions === 'all' ? {} : { actions: [...actions] }),
    ...(pastMs === null ? {} : { pastMs }),
    ...(notBefore === null ? {} : { notBefore }),
    ...(notAfter === null ? {} : { notAfter }),
  };
}

function grantFacts(grant: GrantView): GrantFacts {
  const { device, generation, issuer, createdAt, state } = grant;
  return { device, ...writtenTerms(grant), generation, issuer, createdAt, state };
}
