import type { TFunction } from 'i18next';
import type { Formats } from '../../i18n/formats.ts';
import { roleText } from '../../i18n/words.ts';
import type { GrantFacts } from '../../model/access.ts';

/** A grant in one line: "viewer · Front door and Yard · last 7 d · until Thu 3 Dec". `nameOf` gives a camera's name. */
export function termsWords(
  t: TFunction<'devices'>,
  formats: Formats,
  grant: Pick<GrantFacts, 'role' | 'sources' | 'actions' | 'pastMs' | 'notBefore' | 'notAfter'>,
  nameOf: (source: string) => string,
): string {
  const { role, sources, actions, pastMs, notBefore, notAfter } = grant;
  const now = Date.now();
  const cameras =
    sources && (sources.length <= 3 ? formats.list(sources.map(nameOf)) : t('terms.count', { count: sources.length }));
  return [
    roleText(t, role),
    cameras,
    actions && t('terms.only', { list: formats.list(actions.map((each) => t(`actionShort.${each}`))) }),
    pastMs !== undefined && t('terms.last', { time: formats.duration(pastMs) }),
    notBefore !== undefined && notBefore > now && t('terms.from', { time: formats.moment(notBefore, now) }),
    notAfter !== undefined && t('terms.until', { time: formats.moment(notAfter, now) }),
  ]
    .filter(Boolean)
    .join(' · ');
}
