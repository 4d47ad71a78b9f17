import { type Context, Hono } from 'hono';
import { html } from 'hono/html';
import { HTTPException } from 'hono/http-exception';
import * as z from 'zod';
import { readEvidence } from '../../actions/incidents/read-evidence.ts';
import { Refusal } from '../../actions/refusal.ts';
import { sha256 } from '../../stores/core/hash.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import { INTERNAL_PATH } from '../../domain/status/pages.ts';
import { IncidentId } from '../../schemas/config/names.ts';
import { EvidenceName } from '../../schemas/incidents/evidence-pack.ts';
import { explainTextLimits } from '../../schemas/parsing/text.ts';
import type { Env, Viewer } from '../context.ts';
import { credentials } from '../middleware/credentials.ts';
import { rateLimit } from '../middleware/rate-limit.ts';
import { countRefusals } from '../middleware/refusals.ts';
import { identifyRequest } from '../middleware/request.ts';
import { requestId } from '../problem.ts';
import { internalStatus } from '../status/internal.ts';
import { ASSETS } from './assets.ts';
import { consolePage, plainPage } from './layout.ts';
import { loginRoutes } from './login.ts';
import { FEATURE_DOWNLOADS } from './features.ts';
import { PAGES } from './pages/index.ts';
import type { ConsoleDeps, ConsolePage, PageAction } from './pages/page.ts';
import { type Html, type Shown, sentence } from './parts.ts';
import { formOfViewer, identifyViewer, loginFor, pageKeyOf, viewerOfPage } from './viewer.ts';
import { replaceControlCharacters } from './control-characters.ts';

/** Everything that a page loads is from this address, and no markup contains styles or scripts. */
const HEADERS = {
  'content-security-policy':
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  // With `no-referrer`, browsers would send forms without their origin.
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
};

/** Headers of pages whose address is a secret link from a message: no other site and no search engine gets it. */
const LINK_HEADERS = { 'referrer-policy': 'no-referrer', 'x-robots-tag': 'noindex, nofollow' };

const EvidenceParams = z.object({ id: IncidentId, name: EvidenceName });

const ASSET_CACHE_SECONDS = 365 * 24 * 3600;

/** Returns the console with its login and its files. */
export function consoleApp(deps: ConsoleDeps): Hono<Env> {
  explainTextLimits();
  const web = new Hono<Env>();
  web.use(identifyRequest(deps));
  web.use(countRefusals(deps));
  web.use(credentials(deps));
  web.use(rateLimit(deps));
  web.use(replaceControlCharacters());
  web.use('/console/approve/*', async (c, next) => {
    await next();
    for (const [name, value] of Object.entries(LINK_HEADERS)) c.res.headers.set(name, value);
  });
  web.use(async (c, next) => {
    await next();
    for (const [name, value] of Object.entries(HEADERS)) if (!c.res.headers.has(name)) c.res.headers.set(name, value);
  });
  for (const { path, type, text } of Object.values(ASSETS))
    web.get(path, (c) =>
      c.body(text, 200, { 'content-type': type, 'cache-control': `public, max-age=${ASSET_CACHE_SECONDS}, immutable` }),
    );
  loginRoutes(web, deps);
  web.use('/console', identifyViewer(deps));
  web.use('/console/*', identifyViewer(deps));
  for (const page of PAGES) {
    web.get(page.path, (c) => showPage(deps, c, page));
    if (page.actions !== undefined) web.post(`${page.path}/actions/:action`, (c) => runAction(deps, c, page));
  }
  web.get('/console/incidents/:id/evidence/:name', async (c) => {
    const { data } = EvidenceParams.safeParse(c.req.param());
    if (data === undefined) throw new Refusal(404, 'not-found', 'there is no such evidence');
    const { document, headers } = await readEvidence(deps, c.var.viewer.caller, data);
    return c.body(document, 200, headers);
  });
  for (const { path, read } of FEATURE_DOWNLOADS)
    web.get(path, async (c) => {
      const { body, headers } = await read(deps, c.var.viewer.caller, c.req.param());
      return c.body(body, 200, headers);
    });
  const showStatus = internalStatus(deps);
  web.get(`${INTERNAL_PATH}/*`, (c) => {
    c.var.viewer.caller.allow('incidents:read', {});
    return showStatus(c);
  });
  web.notFound(() => {
    throw new Refusal(404, 'not-found', 'there is no such page');
  });
  web.onError((error, c) => errorPage(deps, error, c));
  return web;
}

/**
 * Answers with the page, or with its changes if the browser asks for an event stream.
 *
 * @param notice the result of a form that was sent; `fields`: values that the page shows in the form again; `pageKey`: key of
 *   the forms in it
 */
async function showPage(
  deps: ConsoleDeps,
  c: Context<Env>,
  page: ConsolePage,
  notice?: { shown: Html; status: 200 | Refusal['status']; fields?: URLSearchParams; pageKey: string },
): Promise<Response> {
  c.var.viewer.caller.allow(page.action, {});
  const query = new URLSearchParams([...new URL(c.req.url).searchParams, ...(notice?.fields ?? [])]);
  const isStream = (c.req.header('accept') ?? '').includes('text/event-stream');
  // The key of an open page is in the request of its script only: as part of a link, several loads would share it.
  const pageKey = notice?.pageKey ?? pageKeyOf(isStream ? query.get('page_key') : null);
  const viewer = viewerOfPage(c.var.viewer, pageKey);
  // Previews and scanners have no session.
  const isOpened = !isStream && viewer.session !== null;
  const shown = await page.show(deps, { viewer, param: c.req.param(), query, isOpened });
  const main = String(await shown.main);
  const version = sha256(shown.title + main.replaceAll(pageKey, '')).slice(0, 16);
  if (!isStream) {
    const live = { address: addressOf(c), version, pageKey };
    const done = actionOf(page, query.get('done') ?? undefined)?.done;
    const shownNotice = notice?.shown ?? (done === undefined ? undefined : doneNotice(html`<p>${done}</p>`));
    return c.html(
      await consolePage(viewer, { ...shown, path: page.within ?? page.path, live, notice: shownNotice }),
      notice?.status ?? 200,
    );
  }
  const before = c.req.header('last-event-id') || query.get('since');
  const changes = before === version ? '' : pageEvent(version, await fragment(shown));
  return c.body(`retry: ${page.everySeconds * 1000}\n${changes}event: tick\ndata: ${deps.clock.now()}\n\n`, 200, {
    'content-type': 'text/event-stream; charset=utf-8',
  });
}

const doneNotice = (text: Html): Html => html`<div class="notice" role="status">${text}</div>`;

const refusalNotice = ({ detail }: Refusal): Html =>
  html`<div class="notice error" role="alert"><p>${sentence(detail)}</p></div>`;

const actionOf = ({ actions = {} }: ConsolePage, name: string | undefined): PageAction | undefined =>
  name !== undefined && Object.hasOwn(actions, name) ? actions[name] : undefined;

/**
 * Runs the action of a form, and returns to the page. A refusal is shown on the page.
 *
 * @throws Refusal 403 without the action's permission anywhere, before the use case reads the form; 404
 */
async function runAction(deps: ConsoleDeps, c: Context<Env>, page: ConsolePage): Promise<Response> {
  const { action: name, ...param } = c.req.param() as Record<string, string>;
  const action = actionOf(page, name);
  if (action === undefined) throw new Refusal(404, 'not-found', 'there is no such action');
  c.var.viewer.caller.allow(action.permission, {});
  const { form, key } = await formOfViewer(c);
  const pageKey = pageKeyOf(null);
  const viewer = viewerOfPage(c.var.viewer, pageKey);
  try {
    const shown = await action.run(deps, { viewer, caller: viewer.caller, param, form, key, trace: c.var.trace });
    if (shown !== undefined) return await showPage(deps, c, page, { shown: doneNotice(shown), status: 200, pageKey });
  } catch (error) {
    if (error instanceof Refusal && error.status !== 404)
      return showPage(deps, c, page, {
        shown: refusalNotice(error),
        status: error.status,
        pageKey,
        ...(action.keepsFields && { fields: form }),
      });
    throw error;
  }
  return c.redirect(`${addressOf(c)}?done=${name}`, 303);
}

/** Returns the address of the page, without the name and result of an action. */
function addressOf(c: Context): string {
  const { pathname, searchParams } = new URL(c.req.url);
  searchParams.delete('done');
  return `${pathname.replace(/\/actions\/[^/]+$/, '')}${searchParams.size === 0 ? '' : `?${searchParams.toString()}`}`;
}

const fragment = async ({ title, main }: Shown): Promise<string> =>
  String(
    await html`<title>${title} · Firebreak</title>
      <main id="main">${main}</main>`,
  );

/** Returns an event with markup. A line break ends a field of an event, so each line of the markup is a field. */
const pageEvent = (version: string, markup: string): string =>
  `id: ${version}\nevent: page\n${markup.replaceAll(/\r\n?|\n/g, '\ndata: ').replace(/^/, 'data: ')}\n\n`;

/** Answers a browser with a page, and a program with a status code alone. */
async function errorPage(deps: Pick<Deps, 'log'>, thrown: Error, c: Context<Env>): Promise<Response> {
  const error = thrown.name === 'BadCursor' ? badCursor() : thrown;
  const isExpected = error instanceof Refusal || error instanceof HTTPException;
  if (!isExpected) (c.get('log') ?? deps.log).error('a page failed', { error: error.stack ?? String(error) });
  const status = isExpected ? error.status : 503;
  const text = isExpected ? error.message : `the page could not be read because of an internal error (${requestId(c)})`;
  const headers = error instanceof Refusal ? error.headers : {};
  const viewer = c.get('viewer') as Viewer | undefined;
  const shown = {
    title: TITLES[status] ?? 'This did not work',
    main: problemText(TITLES[status], text, { viewer, login: loginFor(addressOf(c)) }),
  };
  const page = viewer === undefined ? plainPage(shown) : consolePage(viewer, { ...shown, path: '' });
  return c.html(await page, status as 400, headers);
}

const badCursor = (): Refusal =>
  new Refusal(400, 'bad-cursor', 'there is no such part of the list; open the page again to begin at the newest item');

const TITLES: Readonly<Record<number, string>> = {
  401: 'Sign in first',
  403: 'No permission',
  404: 'Not found',
  409: 'Not possible now',
  429: 'Too many requests',
};

const problemText = (
  title = 'This did not work',
  text: string,
  { viewer, login }: { viewer: Viewer | undefined; login: string },
): Html =>
  html`<section class="panel problem" role="alert">
    <h1>${title}</h1>
    <p>${sentence(text)}</p>
    <p>
      ${viewer === undefined ? html`<a href="${login}">Sign in</a>` : html`<a href="/console">Back to the console</a>`}
    </p>
  </section>`;
