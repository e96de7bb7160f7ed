/** Pages that may stand in the address. */
const PAGES = ['wall', 'health', 'devices', 'cameras', 'settings', 'pair'] as const;
type Page = (typeof PAGES)[number];

/** The invitation in the part of an address after `#`, or null. It is handed on as it is; the engine reads it. */
export function invitationIn(hash: string): string | null {
  const found = /^#i=([A-Za-z0-9_-]{1,4096})$/.exec(hash);
  return found ? `i=${found[1]}` : null;
}

/** The page named in the query of an address; the wall where none is. */
export function pageIn(search: string): Page {
  const page = new URLSearchParams(search).get('page');
  return PAGES.find((each) => each === page) ?? 'wall';
}

/** The same address at another page, without anything after `#`; the wall has no query. */
export function withPage(href: string, page: Page): string {
  const url = new URL(href);
  url.hash = '';
  if (page === 'wall') url.searchParams.delete('page');
  else url.searchParams.set('page', page);
  return url.pathname + url.search;
}
