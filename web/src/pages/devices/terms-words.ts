import type { TFunction } from 'i18next';
import type { Formats } from '../../i18n/formats.ts';
import { roleText } from '../../i18n/words.ts';
import { type GrantFacts, ROLES } from '../../model/access.ts';

/** A grant in one line: "viewer · Front door and Yard · last 7 d · until Thu 3 Dec". `nameOf` gives a camera's name. */
export function termsWords(
  t: TFunction<'devices'>,
  formats: Formats,
  grant: Pick<GrantFacts, 'role' | 'sources' | 'rolesAt' | 'actions' | 'pastMs' | 'notBefore' | 'notAfter'>,
  nameOf: (source: string) => string,
): string {
  const { role, sources, rolesAt = [], actions, pastMs, notBefore, notAfter } = grant;
  const now = Date.now();
  const named = (some: readonly string[]) =>
    some.length <= 3 ? formats.list(some.map(nameOf)) : t('terms.count', { count: some.length });
  const lowered = ROLES.flatMap((at) => {
    const there = rolesAt.filter((each) => each.role === at).map(({ source }) => source);
    return there.length > 0 ? [t('terms.onlyAt', { role: roleText(t, at), cameras: named(there) })] : [];
  });
  return [
    roleText(t, role),
    sources && named(sources),
    ...lowered,
    actions && t('terms.only', { list: formats.list(actions.map((each) => t(`actionShort.${each}`))) }),
    pastMs !== undefined && t('terms.last', { time: formats.duration(pastMs) }),
    notBefore !== undefined && notBefore > now && t('terms.from', { time: formats.moment(notBefore, now) }),
    notAfter !== undefined && t('terms.until', { time: formats.moment(notAfter, now) }),
  ]
    .filter(Boolean)
    .join(' · ');
}
