import { html } from 'hono/html';
import { nearest } from '../../schemas/parsing/similar-names.ts';
import type { Viewer } from '../http/context.ts';
import { PAGES } from './pages/index.ts';
import { type ConsolePage, type Section, SECTIONS } from './pages/page.ts';
import type { Html } from './parts.ts';

type NavigationPage = Pick<ConsolePage, 'path' | 'action'> & { label: string };

const isIn = (section: Section, page: ConsolePage): boolean => (page.section ?? 'Admin') === section;

/** Returns the sections with the pages that the viewer may see, without empty ones. */
export const navigationOf = ({ may }: Pick<Viewer, 'may'>): { section: Section; pages: NavigationPage[] }[] =>
  SECTIONS.map((section) => ({
    section,
    pages: PAGES.filter((page) => isIn(section, page) && may(page.action, {}))
      .toSorted((a, b) => Number(b.isOverview ?? false) - Number(a.isOverview ?? false))
      .flatMap((page) => (page.label === null ? [] : [{ ...page, label: page.label }])),
  })).filter(({ pages }) => pages.length > 0);

/** Links the page that an address without one probably means, or else the page above it, of those that the viewer may see. */
export function nearestLink(viewer: Pick<Viewer, 'may'>, address: string): Html {
  const pages = navigationOf(viewer).flatMap((section) => section.pages);
  const [, , named = '', ...rest] = address.split('/');
  const path =
    nearest(
      `/${named}`,
      pages.map((one) => one.path.slice(ROOT.length)),
    ) ?? '';
  const page = pages.find((one) => one.path === `${ROOT}${path}`);
  if (page === undefined || path === '') return html`<a href="/console">Back to the console</a>`;
  const [below = ''] = rest;
  const isMisspelt = page.path !== `${ROOT}/${named}`;
  const isPage =
    isMisspelt && rest.length === 1 && PAGES.some((one) => one.path.replace(/:\w+$/, '') === `${page.path}/`);
  return isPage
    ? html`<a href="${page.path}/${below}">${page.label}: ${below}</a>`
    : html`<a href="${page.path}">${page.label}</a>`;
}

const ROOT = '/console';

/**
 * Shows the sections, and below them the pages of the current one, if there are several.
 *
 * @param path of the current page in the navigation
 * @param inbox number of inputs that wait in the inbox
 */
export function navigation(viewer: Pick<Viewer, 'may'>, path: string, inbox: number): Html {
  const sections = navigationOf(viewer);
  const current = sections.find(({ pages }) => pages.some((page) => page.path === path));
  const waiting =
    inbox === 0 ? '' : html` <span class="count">${inbox}<span class="hidden"> waiting in the inbox</span></span>`;
  return html`<nav aria-label="Console">
      ${sections.map(
        ({ section, pages }) =>
          html`<a
            href="${pages[0]?.path ?? ''}"
            data-key="${KEYS[section]}"
            ${section === current?.section ? (pages[0]?.path === path && pages.length === 1 ? html`aria-current="page"` : html`aria-current="true"`) : ''}
            >${section}${section === 'Admin' ? waiting : ''}</a
          >`,
      )}
    </nav>
    ${
      current === undefined || current.pages.length < 2
        ? ''
        : html`<nav class="sub" aria-label="${current.section}">
            ${current.pages.map(
              (page) =>
                html`<a href="${page.path}" ${page.path === path ? html`aria-current="page"` : ''}
                  >${page.label}${page.path === INBOX_PATH ? waiting : ''}</a
                >`,
            )}
          </nav>`
    }`;
}

const INBOX_PATH = '/console/inbox';

/** After `g`. */
const KEYS: Readonly<Record<Section, string>> = {
  Now: 'n',
  Incidents: 'i',
  Services: 's',
  Deploys: 'd',
  Reliability: 'r',
  Review: 'v',
  Admin: 'a',
};
