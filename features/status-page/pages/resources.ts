import { type MonthView, readEvent, readMonth, readPage, type StatusDeps } from '../actions/read-page.ts';
import type { PageSettings } from '../decisions/pages.ts';
import type { EventView, PageView } from '../decisions/view.ts';
import { API, type PageSource, pageJson } from './api.ts';
import { atom, badge, rss } from './feeds.ts';
import { eventPage, type Frame, homePage, monthPage } from './pages.ts';

/** A file of a status page. */
export type Resource = { type: string; body: string };

export const HTML = 'text/html; charset=utf-8';
const JSON_TYPE = 'application/json; charset=utf-8';

/** What the files of a page are made from. */
export type StatusReader = {
  page(page: PageSettings): Promise<PageView>;
  month(page: PageSettings, month: string): Promise<MonthView | undefined>;
  event(page: PageSettings, id: string): Promise<EventView | undefined>;
};

/** Returns a reader of the table, without a cache. */
export const statusReader = (deps: StatusDeps): StatusReader => ({
  page: (page) => readPage(deps, page),
  month: (page, month) => readMonth(deps, page, month),
  event: (page, id) => readEvent(deps, page, id),
});

/** Which page to render, from which data. */
export type Options = { reader: StatusReader; frame: Frame; publicUrl: string | undefined };

/** Files beside a page, by their ending. */
const BESIDE: Readonly<Record<string, { type: string; body: (source: PageSource) => string }>> = {
  json: { type: JSON_TYPE, body: (source) => JSON.stringify(pageJson(source)) },
  rss: { type: 'application/rss+xml; charset=utf-8', body: rss },
  atom: { type: 'application/atom+xml; charset=utf-8', body: atom },
  svg: { type: 'image/svg+xml', body: badge },
};

/** Files that a page always has: endings of those beside it (`rss`), and paths of those inside it (`api/v2/status.json`). */
export const BESIDE_ENDINGS: readonly string[] = Object.keys(BESIDE);
export const API_PATHS: readonly string[] = Object.keys(API).map((name) => `api/v2/${name}`);

/** Returns the page itself. */
export async function homeResource({ reader, frame }: Options): Promise<Resource> {
  return { type: HTML, body: String(await homePage(frame, await reader.page(frame.page))) };
}

/** Returns a file beside the page, such as `rss`. Undefined: there is none. */
export async function besideResource(options: Options, ending: string): Promise<Resource | undefined> {
  const found = Object.hasOwn(BESIDE, ending) ? BESIDE[ending] : undefined;
  if (found === undefined) return undefined;
  const { reader, frame, publicUrl } = options;
  return { type: found.type, body: found.body({ view: await reader.page(frame.page), publicUrl }) };
}

/** Returns a file inside the page. @param path such as `history/2026-11.html`. Undefined: there is none */
export async function insideResource(options: Options, path: string): Promise<Resource | undefined> {
  const { reader, frame, publicUrl } = options;
  const api = /^api\/v2\/(.*)$/.exec(path)?.[1];
  if (api !== undefined) {
    const answer = Object.hasOwn(API, api) ? API[api] : undefined;
    if (answer === undefined) return undefined;
    return { type: JSON_TYPE, body: JSON.stringify(answer({ view: await reader.page(frame.page), publicUrl })) };
  }
  const [, kind, name = ''] = /^(history|incidents)\/([\w-]{1,64})(?:\.html)?$/.exec(path) ?? [];
  if (kind === 'history') {
    const month = await reader.month(frame.page, name);
    return month && { type: HTML, body: String(await monthPage(frame, month)) };
  }
  if (kind === 'incidents') {
    const event = await reader.event(frame.page, name);
    return event && { type: HTML, body: String(await eventPage(frame, event)) };
  }
  return undefined;
}
