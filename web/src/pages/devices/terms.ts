import type { CommandParams, DeviceKey, Role, SourceId } from '../../engine/messages.ts';
import {
  type Action,
  actionsGivenBy,
  type GrantFacts,
  isLower,
  type PageAccess,
  ROLE_ACTIONS,
  type RoleAt,
  rolesGivenAt,
} from '../../model/access.ts';

const DAY_MS = 86_400_000;

/** What somebody lets a device do, as the form has it. */
export interface TermsForm {
  role: Role;
  /** Null: every camera, also those that come later. */
  sources: readonly SourceId[] | null;
  /** Lower roles at single cameras, of those above. */
  rolesAt: readonly RoleAt[];
  /** Null: all of the role's. */
  actions: readonly Action[] | null;
  /** Days back; null: as far as there is. */
  pastDays: number | null;
  /** Local date and time of `<input type=datetime-local>`, or empty: no end. */
  endsAt: string;
}

export type TermsFault = 'noSource' | 'noAction' | 'past' | 'ends' | 'owner';
type Terms = Pick<CommandParams<'devices.invite'>, 'role' | 'sources' | 'rolesAt' | 'actions' | 'pastMs' | 'notAfter'>;

/** The widest terms this device may give for a role. */
export function widest(access: PageAccess, role: Role): TermsForm {
  const actions = actionsGivenBy(access, role);
  const narrowed = actions.length < ROLE_ACTIONS[role].length;
  return {
    role,
    sources: access.sources,
    rolesAt: rolesAtWithin(access, role, []),
    actions: narrowed && role !== 'owner' ? actions : null,
    pastDays: null,
    endsAt: '',
  };
}

/** Roles at single cameras as far as this device may give them beside `role`: what is no lower than that is left out. */
export function rolesAtWithin(access: PageAccess, role: Role, chosen: readonly RoleAt[]): readonly RoleAt[] {
  const sources = new Set([...chosen, ...access.rolesAt].map(({ source }) => source));
  return [...sources].flatMap((source) => {
    const given = rolesGivenAt(access, role, source);
    const wished = chosen.find((each) => each.source === source)?.role ?? role;
    const at = given.find((each) => !isLower(wished, each));
    return at && isLower(at, role) ? [{ source, role: at }] : [];
  });
}

/** The terms with this role at one camera; the role of the terms itself: none of its own there. */
export function withRoleAt(form: TermsForm, source: SourceId, role: Role): TermsForm {
  const others = form.rolesAt.filter((each) => each.source !== source);
  return { ...form, rolesAt: role === form.role ? others : [...others, { source, role }] };
}

/** What is wrong with the terms at the moment `now` (epoch ms), or null. Owners have everything, for good. */
export function termsFault(form: TermsForm, now: number): TermsFault | null {
  if (form.role === 'owner') {
    const plain =
      form.sources === null &&
      form.rolesAt.length === 0 &&
      form.actions === null &&
      form.pastDays === null &&
      form.endsAt === '';
    return plain ? null : 'owner';
  }
  if (form.sources?.length === 0) return 'noSource';
  if (form.actions?.length === 0) return 'noAction';
  if (form.pastDays !== null && !(form.pastDays > 0 && form.pastDays <= 36_500)) return 'past';
  if (form.endsAt !== '' && !(Date.parse(form.endsAt) > now)) return 'ends';
  return null;
}

/** The terms as commands take them; what is not narrowed is absent. */
export function termsOf(form: TermsForm): Terms {
  const terms: Terms = { role: form.role };
  if (form.role === 'owner') return terms;
  if (form.sources) terms.sources = [...form.sources];
  const rolesAt = form.rolesAt.filter(({ source }) => form.sources?.includes(source) ?? true);
  if (rolesAt.length > 0) terms.rolesAt = rolesAt.map(({ source, role }) => ({ source, role }));
  if (form.actions) terms.actions = [...form.actions];
  if (form.pastDays !== null) terms.pastMs = Math.round(form.pastDays * DAY_MS);
  if (form.endsAt !== '') terms.notAfter = Date.parse(form.endsAt);
  return terms;
}

/** The form that says what a device has now, or was promised. */
export function formOfGrant(
  grant: Pick<GrantFacts, 'role' | 'sources' | 'rolesAt' | 'actions' | 'pastMs' | 'notAfter'>,
): TermsForm {
  return {
    role: grant.role,
    sources: (grant.sources as SourceId[] | undefined) ?? null,
    rolesAt: (grant.rolesAt as RoleAt[] | undefined) ?? [],
    actions: grant.actions ?? null,
    pastDays: grant.pastMs === undefined ? null : Math.round((grant.pastMs / DAY_MS) * 1_000) / 1_000,
    endsAt: grant.notAfter === undefined ? '' : localInput(grant.notAfter),
  };
}

/** A moment as `<input type=datetime-local>` has it, in the zone of this browser. */
export function localInput(at: number): string {
  const date = new Date(at);
  const two = (value: number) => String(value).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day}T${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** Devices whose rights hang on this one and end with it, over all steps. */
export function hangOn(device: DeviceKey, grants: readonly Pick<GrantFacts, 'device' | 'issuer'>[]): DeviceKey[] {
  const found = new Set<DeviceKey>();
  const waiting: DeviceKey[] = [device];
  while (waiting.length > 0) {
    const issuer = waiting.pop();
    for (const grant of grants) {
      if (grant.issuer !== issuer || grant.device === device || found.has(grant.device)) continue;
      found.add(grant.device);
      waiting.push(grant.device);
    }
  }
  return [...found];
}
