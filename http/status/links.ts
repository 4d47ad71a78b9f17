import { type PageSettings, pagePath } from '../../domain/status/pages.ts';
import { subscriptionsPath } from '../../domain/status/subscriptions/links.ts';

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

export function liveLinks(page: PageSettings): Links {
  const home = pagePath(page);
  return {
    home,
    inside: (path) => `${home}/${path}`,
    beside: (ending) => `${home}.${ending}`,
    ...(page.subscriptions.length > 0 && { subscribe: subscriptionsPath(page) }),
  };
}

export const monthPath = (month: string): string => `history/${month}.html`;
