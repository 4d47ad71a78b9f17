import { type PageSettings, pagePath } from '../decisions/pages.ts';
import { subscriptionsPath } from '../decisions/subscriptions/links.ts';

/** Addresses within a status page. */
export type Links = {
  home: string;
  /** @param path such as `history/2026-11.html` */
  inside(path: string): string;
  /** @param ending of a file beside the page, such as `rss` */
  beside(ending: string): string;
  /** The form to subscribe. Absent: nobody can subscribe here. */
  subscribe?: string;
};

/** Returns the addresses of a page that Firebreak itself serves. */
export function liveLinks(page: PageSettings): Links {
  const home = pagePath(page);
  return {
    home,
    inside: (path) => `${home}/${path}`,
    beside: (ending) => `${home}.${ending}`,
    ...(page.subscriptions.length > 0 && { subscribe: subscriptionsPath(page) }),
  };
}

/**
 * Returns relative addresses, which work on any static host, in any folder of it, and from `file://`.
 *
 * @param path of the file that contains them, within its page
 */
export function relativeLinks(path: string): Links {
  const up = '../'.repeat(path.split('/').length - 1);
  return { home: `${up}index.html`, inside: (to) => `${up}${to}`, beside: (ending) => `${up}status.${ending}` };
}

/** Addresses from the top of a static host, for a file that stands in for others. */
export const TOP_LINKS: Links = {
  home: '/',
  inside: (path) => `/${path}`,
  beside: (ending) => `/status.${ending}`,
};

export const monthPath = (month: string): string => `history/${month}.html`;
