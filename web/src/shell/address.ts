import type { Model, Page } from '../model/model.ts';
import { invitationIn, pageIn, withPage } from './address-text.ts';

/**
 * Holds the address bar and the model together: `?page=` both ways, and an invitation (`#i=…`) goes into the model and out of the address and
 * the history at once, so that it is neither copied along nor kept.
 */
export function keepAddress(model: Model): void {
  const read = () => {
    const invitation = invitationIn(location.hash);
    if (invitation !== null) {
      model.invitation.set(invitation);
      history.replaceState(null, '', withPage(location.href, 'pair'));
    }
    model.page.set(pageIn(location.search));
  };
  read();
  addEventListener('hashchange', read);
  addEventListener('popstate', read);
  model.page.subscribe(() => {
    const page: Page = model.page.get();
    if (page !== pageIn(location.search)) history.pushState(null, '', withPage(location.href, page));
  });
}
