import { useTranslation } from 'react-i18next';
import type { DeviceKey, Role, SourceId } from '../../engine/messages.ts';
import { useStore } from '../../engine/store.ts';
import { roleMeaning, roleText } from '../../i18n/words.ts';
import { type Action, actionsGivenBy, type PageAccess, rolesGivenBy } from '../../model/access.ts';
import { useModel } from '../../model/model.ts';
import { Choice, TextField, Toggle } from '../../ui/index.ts';
import { RolesAt } from './roles-at.tsx';
import { localInput, rolesAtWithin, type TermsForm as Terms, type TermsFault, widest } from './terms.ts';

const DAY_MS = 86_400_000;

/** What somebody may: role, cameras, actions, how far back, until when. Offers only what this device may give. */
export function TermsForm({
  node,
  access,
  terms,
  fault,
  onChange,
}: {
  node: DeviceKey;
  access: PageAccess;
  terms: Terms;
  fault: TermsFault | null;
  onChange(terms: Terms): void;
}) {
  const { t } = useTranslation('devices');
  const { cameras } = useModel();
  const own = useStore(cameras.all).filter((each) => each.node === node);
  const given = access.sources;
  const all = own.map(({ source, name }) => ({ source, name }));
  // A camera that was taken out of the configuration stays in the grant until somebody takes it out there.
  for (const source of [...(terms.sources ?? []), ...terms.rolesAt.map((each) => each.source)]) {
    if (!all.some((each) => each.source === source)) all.push({ source, name: source });
  }
  const actions = actionsGivenBy(access, terms.role);
  const isOwner = terms.role === 'owner';
  const change = (part: Partial<Terms>) => onChange({ ...terms, ...part });
  const toggled = <T,>(list: readonly T[], item: T, on: boolean) =>
    on ? [...list, item] : list.filter((each) => each !== item);
  return (
    <div className="devices-terms">
      <fieldset className="devices-roles">
        <legend>{t('terms.role')}</legend>
        {rolesGivenBy(access).map((role) => (
          <label key={role} className="devices-role">
            <input
              type="radio"
              name="role"
              checked={terms.role === role}
              onChange={() =>
                onChange({ ...widest(access, role), ...(role === 'owner' ? {} : rest(access, role, terms)) })
              }
            />
            <span>
              <b>{roleText(t, role)}</b>
              <small>{roleMeaning(t, role)}</small>
            </span>
          </label>
        ))}
      </fieldset>
      {isOwner ? (
        <p className="dim">{t('terms.ownerAll')}</p>
      ) : (
        <>
          <div className="devices-line">
            <span className="ui-field-label">{t('terms.cameras')}</span>
            <Choice
              label={t('terms.cameras')}
              value={terms.sources ? 'some' : 'all'}
              options={[
                ...(given ? [] : [{ key: 'all' as const, label: t('terms.allCameras') }]),
                { key: 'some' as const, label: t('terms.someCameras') },
              ]}
              onChange={(key) =>
                change({ sources: key === 'all' ? null : all.map(({ source }) => source as SourceId) })
              }
            />
          </div>
          {terms.sources && (
            <div className="devices-checks">
              {all.map(({ source, name }) => (
                <Toggle
                  key={source}
                  label={name}
                  checked={terms.sources!.includes(source as SourceId)}
                  onChange={(on) => change({ sources: toggled(terms.sources!, source as SourceId, on) })}
                />
              ))}
            </div>
          )}
          {!terms.sources && <p className="dim devices-small">{t('terms.allHint')}</p>}
          <RolesAt
            cameras={all.filter(({ source }) => terms.sources?.includes(source as SourceId) ?? true)}
            terms={terms}
            access={access}
            onChange={onChange}
          />
          <fieldset className="devices-checks" aria-label={t('terms.actions')}>
            {actions.map((action) => (
              <Toggle
                key={action}
                label={t(`action.${action}`)}
                checked={terms.actions?.includes(action) ?? true}
                onChange={(on) => change({ actions: narrowed(actions, toggled(terms.actions ?? actions, action, on)) })}
              />
            ))}
          </fieldset>
          <div className="devices-pair">
            <div>
              <Toggle
                label={t('terms.past')}
                hint={t('terms.pastHint')}
                checked={terms.pastDays !== null}
                onChange={(on) => change({ pastDays: on ? 7 : null })}
              />
              {terms.pastDays !== null && (
                <TextField
                  label={t('terms.pastDays')}
                  type="number"
                  min={0}
                  step="any"
                  value={Number.isNaN(terms.pastDays) ? '' : String(terms.pastDays)}
                  onChange={(text) => change({ pastDays: text === '' ? Number.NaN : Number(text) })}
                />
              )}
            </div>
            <div>
              <Toggle
                label={t('terms.ends')}
                hint={t('terms.endsHint')}
                checked={terms.endsAt !== ''}
                onChange={(on) => change({ endsAt: on ? localInput(Date.now() + 7 * DAY_MS) : '' })}
              />
              {terms.endsAt !== '' && (
                <TextField
                  label={t('terms.endsAt')}
                  type="datetime-local"
                  value={terms.endsAt}
                  onChange={(endsAt) => endsAt !== '' && change({ endsAt })}
                />
              )}
            </div>
          </div>
        </>
      )}
      {fault && (
        <p className="ui-field-error" role="alert">
          {t(`fault.${fault}`)}
        </p>
      )}
    </div>
  );
}

/** What another role keeps of the terms; its actions are its own. */
function rest(access: PageAccess, role: Role, { sources, rolesAt, pastDays, endsAt }: Terms) {
  return { sources, rolesAt: rolesAtWithin(access, role, rolesAt), pastDays, endsAt };
}

/** In the order of the table; null where none was taken away. */
function narrowed(all: readonly Action[], chosen: readonly Action[]): readonly Action[] | null {
  return chosen.length === all.length ? null : all.filter((each) => chosen.includes(each));
}
