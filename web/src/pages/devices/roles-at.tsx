import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Role, SourceId } from '../../engine/messages.ts';
import { roleText } from '../../i18n/words.ts';
import { type PageAccess, ROLES, rolesGivenAt } from '../../model/access.ts';
import { Toggle } from '../../ui/index.ts';
import { rolesAtWithin, type TermsForm, withRoleAt } from './terms.ts';

/** A lower role at single cameras, of those that the terms name; none for the lowest role. */
export function RolesAt({
  cameras,
  terms,
  access,
  onChange,
}: {
  cameras: readonly { source: string; name: string }[];
  terms: TermsForm;
  access: PageAccess;
  onChange(terms: TermsForm): void;
}) {
  const { t } = useTranslation('devices');
  const [open, setOpen] = useState(terms.rolesAt.length > 0);
  if (terms.role === ROLES[0] || cameras.length === 0) return null;
  // Where this device is less itself, so is everybody whom it lets in.
  const least = rolesAtWithin(access, terms.role, []);
  const shown = open || least.length > 0;
  const roleOf = (source: SourceId) => terms.rolesAt.find((each) => each.source === source)?.role ?? terms.role;
  const nameOf = (role: Role) => (role === terms.role ? t('terms.asAbove') : roleText(t, role));
  return (
    <div className="devices-less">
      <Toggle
        label={t('terms.less')}
        hint={t('terms.lessHint')}
        checked={shown}
        disabled={least.length > 0}
        onChange={(on) => {
          setOpen(on);
          if (!on) onChange({ ...terms, rolesAt: least });
        }}
      />
      {shown && (
        <ul>
          {cameras.map(({ source, name }) => (
            <li key={source} className={roleOf(source as SourceId) === terms.role ? undefined : 'devices-lower'}>
              <span>{name}</span>
              <select
                className="ui-input"
                aria-label={t('terms.roleAt', { camera: name })}
                value={roleOf(source as SourceId)}
                onChange={(event) => onChange(withRoleAt(terms, source as SourceId, event.currentTarget.value as Role))}
              >
                {rolesGivenAt(access, terms.role, source as SourceId).map((role) => (
                  <option key={role} value={role}>
                    {nameOf(role)}
                  </option>
                ))}
              </select>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
