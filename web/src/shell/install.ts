import { Store } from '../engine/store.ts';
import { ourScript } from '../engine/trusted-scripts.ts';

/** What a browser hands over when the page could be installed. */
interface InstallOffer extends Event {
  prompt(): Promise<void>;
}

const LATER_MS = 3_000;

/** Present while the browser would install the page as an app. */
export const installOffer = new Store<InstallOffer | null>(null);

/** Makes the page work without the node at hand, and installable. Browsers have no service workers on plain http. */
export function registerServiceWorker(): void {
  addEventListener('beforeinstallprompt', (event) => {
    event.preventDefault();
    installOffer.set(event as InstallOffer);
  });
  addEventListener('appinstalled', () => installOffer.set(null));
  if (!('serviceWorker' in navigator) || import.meta.env.DEV) return;
  const register = () => {
    // Where it cannot be had the page works as well, but needs the node to be opened.
    navigator.serviceWorker.register(ourScript('./sw.js')).catch((error) => console.info(String(error)));
  };
  // It fetches every file: the first pictures come first.
  addEventListener('load', () => setTimeout(register, LATER_MS));
}
