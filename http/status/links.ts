import type { PageSettings } from '../../domain/status/pages.ts';
import { MAIN_PAGE } from '../../schemas/status/status-page-file.ts';

/** Addresses within a status page. */
export type Links = {
  home: string;
  /** @param path such as `history/2026-11.html` */
  inside(path: string): string;
  /** @param ending of a file beside the page, such as `rss` */
  beside(ending: string): string;
};

const isMain = ({ name }: PageSettings): boolean => name === MAIN_PAGE;

/** Returns the path of a page: `/status`, or `/status/NAME`. */
export const pagePath = (page: PageSettings): string => (isMain(page) ? '/status' : `/status/${page.name}`);

export function liveLinks(page: PageSettings): Links {
  const home = pagePath(page);
  return { home, inside: (path) => `${home}/${path}`, beside: (ending) => `${home}.${ending}` };
}

/**
 * Returns the address of a page for readers elsewhere, such as of feeds.
 *
 * @param publicUrl undefined: not known, so the path stands for it
 */
export const pageUrl = (page: PageSettings, publicUrl: string | undefined): string =>
  page.url?.replace(/\/+$/, '') ?? `${publicUrl ?? ''}${pagePath(page)}`;

/** Returns the path of an incident or a maintenance within its page. */
export const eventPath = ({ id }: { id: string }): string => `incidents/${id}.html`;

export const monthPath = (month: string): string => `history/${month}.html`;
