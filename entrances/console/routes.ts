import { type Context, Hono, type MiddlewareHandler } from 'hono';
import { compress } from 'hono/compress';
import { html } from 'hono/html';
import { HTTPException } from 'hono/http-exception';
import * as z from 'zod';
import { EVERYWHERE } from '../../core/domain/access/access.ts';
import { readEvidence } from '../../core/actions/incidents/read-evidence.ts';
import { incidentPath } from '../../core/domain/incidents/console-link.ts';
import { numberInAddress } from '../../core/domain/incidents/incident-number.ts';
import { Refusal } from '../../core/domain/refusal.ts';
import { sha256 } from '../../core/stores/hash.ts';
import type { Deps } from '../../core/domain/ports/deps.ts';
import { IncidentId } from '../../schemas/config/names.ts';
import { EvidenceName } from '../../schemas/incidents/evidence-pack.ts';
import type { Env, Viewer } from '../http/context.ts';
import { credentials } from '../http/middleware/credentials.ts';
import { rateLimit } from '../http/middleware/rate-limit.ts';
import { countRefusals } from '../http/middleware/refusals.ts';
import { identifyRequest } from '../http/middleware/request.ts';
import { requestId } from '../http/problem.ts';
import { ASSETS, plotAsset } from './assets.ts';
import { consolePage, iconLink, plainPage } from './layout.ts';
import { loginRoutes } from './login.ts';
import { deliveryParts, FEATURE_DOWNLOADS } from './features.ts';
import { LIVE_LIMITS, type LiveLimits, LiveStreams } from './live.ts';
import { navigationOf, nearestLink } from './navigation.ts';
import { DOCS_PATH, hasDocs } from './pages/docs/docs.ts';
import { PAGES } from './pages/index.ts';
import {
  actionNamed,
  CONFIRMED,
  confirmationOf,
  doneNotice,
  doneQuery,
  isOfLastAction,
  configurationNotice,
  killSwitchNotice,
  unknownValuesNotice,
  noticeOf,
  refusalNotice,
  refusedFormOf,
} from './notices.ts';
import { type ConsoleDeps, type ConsolePage, viewerAsReader } from './pages/page.ts';
import { ASKS } from './pages/reports.ts';
import { type Html, type Shown, sentence } from './parts.ts';
import { type RefusedForm, withRefusedForm } from './refused-form.ts';
import {
  formOfViewer,
  hiddenBy,
  hide,
  identifyViewer,
  isLoopback,
  loginFor,
  pageKeyOf,
  sessionCredential,
  viewerOf,
  viewerOfPage,
} from './viewer.ts';
import { printable } from '../../core/domain/messages/printable.ts';

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

/** Returns the console with its login and its files. @param limits of open event streams */
export function consoleApp(deps: ConsoleDeps, limits: LiveLimits = LIVE_LIMITS): Hono<Env> {
  const web = new Hono<Env>();
  const streams = deps.commits === null ? null : new LiveStreams(deps.commits, limits);
  web.use(compress()); // no event streams
  web.use(identifyRequest(deps));
  web.use(countRefusals(deps));
  web.use(credentials(deps));
  web.use(rateLimit(deps, (c) => sessionCredential(deps, c)));
  web.use(replaceControlCharacters());
  web.use('/console/approve/*', async (c, next) => {
    await next();
    for (const [name, value] of Object.entries(LINK_HEADERS)) c.res.headers.set(name, value);
  });
  web.use(async (c, next) => {
    await next();
    for (const [name, value] of Object.entries(HEADERS)) if (!c.res.headers.has(name)) c.res.headers.set(name, value);
  });
  for (const { path, type, text } of [...Object.values(ASSETS), plotAsset()])
    web.get(path, (c) =>
      c.body(text, 200, { 'content-type': type, 'cache-control': `public, max-age=${ASSET_CACHE_SECONDS}, immutable` }),
    );
  loginRoutes(web, deps);
  web.use('/console', identifyViewer(deps));
  web.use('/console/*', identifyViewer(deps));
  for (const page of PAGES) {
    web.get(page.path, (c) => (isStream(c) ? streamPage(deps, c, page, streams) : showPage(deps, c, page)));
    if (page.actions !== undefined) web.post(`${page.path}/actions/:action`, (c) => runAction(deps, c, page));
  }
  web.get('/console/incidents/:id/evidence/:name', async (c) => {
    const { data } = EvidenceParams.safeParse(await paramOf(deps, c));
    if (data === undefined) throw new Refusal(404, 'not-found', 'there is no such evidence');
    const { document, headers } = await readEvidence(deps, c.var.viewer.caller, data);
    return c.body(document, 200, headers);
  });
  for (const { path, read } of FEATURE_DOWNLOADS)
    web.get(path, async (c) => {
      const request = { path: c.req.path, param: await paramOf(deps, c) };
      const { body, headers } = await read(deps, c.var.viewer.caller, request);
      return c.body(body, 200, headers);
    });
  web.notFound(() => {
    throw new Refusal(404, 'not-found', 'there is no such page');
  });
  web.onError((error, c) => errorPage(deps, error, c));
  return web;
}

type SentForm = {
  shown?: Html;
  error?: Refusal;
  status: 200 | Refusal['status'];
  refused?: RefusedForm;
  fields?: URLSearchParams;
  pageKey: string;
};

/** Returns whether an open page asks for its changes. */
const isStream = (c: Context): boolean => (c.req.header('accept') ?? '').includes('text/event-stream');

/** Reads a page. `markup`: of its main part; `version` identifies its content. */
async function readPage(
  deps: ConsoleDeps,
  c: Context<Env>,
  page: ConsolePage,
  { viewer, isOpened, fields = [] }: { viewer: Viewer; isOpened: boolean; fields?: Fields },
): Promise<{ shown: Shown; markup: string; version: string }> {
  viewer.caller.allow(page.action, {});
  const query = new URLSearchParams([...new URL(c.req.url).searchParams, ...fields]);
  const read = await page.show(deps, {
    viewer,
    param: await paramOf(deps, c),
    query,
    isOpened,
    besideDelivery: (selection) => deliveryParts(deps, viewer, selection),
    hidden: hiddenBy(c),
    sandboxPath: sandboxPathFor(deps, c),
    destinations: navigationOf(viewer).flatMap(({ pages }) => pages),
  });
  // As on the settings, only for those who may see the health of all services.
  const banner = viewer.may('health:read', EVERYWHERE) ? configurationNotice(await deps.config.problems()) : undefined;
  const mayBePaused = page.showsKillSwitch !== true && viewer.may('incidents:read', {});
  const killSwitch = mayBePaused ? killSwitchNotice(await deps.automation.read().catch(() => null)) : undefined;
  const asks = read.asks ?? (await anyQuestion(deps, viewer));
  const main = html`${banner ?? ''}${killSwitch ?? ''}${unknownValuesNotice(query, read.known) ?? ''}${await read.main}`;
  const markup = String(await main);
  const version = sha256(read.title + String(asks) + markup.replaceAll(viewer.csrfToken, '')).slice(0, 16);
  return { shown: { ...read, main, asks }, markup, version };
}

/** Returns whether an incident waits for approval that the viewer may see. A page does not fail for its icon. */
const anyQuestion = async ({ reports }: ConsoleDeps, viewer: Viewer): Promise<boolean> =>
  viewer.may('incidents:read', {}) &&
  (await reports.read(ASKS, null, viewerAsReader(viewer)).catch(() => ({ value: false }))).value;

type Fields = Iterable<[string, string]>;

/**
 * Answers with the page.
 *
 * @param notice the result of a form that was sent; `refused`: the form, which the page shows again; `fields`: values that the
 *   page reads as if they were in its address; `pageKey`: key of the forms in it
 */
async function showPage(deps: ConsoleDeps, c: Context<Env>, page: ConsolePage, notice?: SentForm): Promise<Response> {
  const pageKey = notice?.pageKey ?? pageKeyOf(null);
  const viewer = viewerOfPage(c.var.viewer, pageKey);
  const waiting = viewer.may('quarantine:read', EVERYWHERE) ? deps.quarantine.count() : Promise.resolve(0);
  waiting.catch(() => undefined); // handled below
  // Previews and scanners have no session.
  const isOpened = viewer.session !== null;
  const { shown, markup, version } = await readPage(deps, c, page, { viewer, isOpened, ...notice });
  const address = addressOf(c);
  const refused = notice?.refused ?? shown.refused;
  const { marked } = refused === undefined ? { marked: [] } : withRefusedForm(markup, refused);
  const result =
    notice?.error === undefined
      ? (notice?.shown ?? noticeOf(page, new URL(c.req.url).searchParams, pathOf(address), viewer))
      : refusalNotice(notice.error, marked);
  const document = String(
    await consolePage(viewer, {
      ...shown,
      path: page.within ?? page.path,
      live: { address, version, pageKey },
      notice: result,
      inbox: await waiting.catch(() => 0),
      elsewhere: await elsewhere(deps, c),
    }),
  );
  return c.html(refused === undefined ? document : withRefusedForm(document, refused).markup, notice?.status ?? 200);
}

/** Answers with the changes of a page: from now on, or since the last answer if the platform tells of none or too many pages are open. */
async function streamPage(
  deps: ConsoleDeps,
  c: Context<Env>,
  page: ConsolePage,
  streams: LiveStreams | null,
): Promise<Response> {
  // The key of an open page is in the request of its script only: as part of a link, several loads would share it.
  const pageKey = pageKeyOf(c.req.query('page_key') ?? null);
  let last = c.req.header('last-event-id') || c.req.query('since');
  const look = async (viewer: Viewer): Promise<{ change: string }> => {
    const of = { viewer: viewerOfPage(viewer, pageKey), isOpened: false };
    const { shown, version } = await readPage(deps, c, page, of);
    const change = last === version ? '' : pageEvent(version, await fragment(shown));
    last = version;
    return { change };
  };
  const { session } = c.var.viewer;
  const lookWithSession = async (): Promise<{ change: string }> => {
    const viewer = await viewerOf(deps, c); // the session may have ended, and its permissions may have changed
    if (viewer === undefined) throw new Error('the session has ended');
    return look(viewer);
  };
  c.var.viewer.caller.allow(page.action, {});
  const open = session === null ? undefined : streams?.open(session, page.everySeconds, lookWithSession);
  if (open !== undefined) return c.body(open, 200, EVENTS);
  const { change } = await look(c.var.viewer);
  const every = page.everySeconds;
  return c.body(`retry: ${every * 1000}\n${change}event: tick\ndata: ${every}\n\n`, 200, EVENTS);
}

const EVENTS = { 'content-type': 'text/event-stream; charset=utf-8', 'x-accel-buffering': 'no' };

/** Returns the address of the sandbox, which serves this machine only. Null: there is none. */
const sandboxPathFor = ({ standIns }: Pick<Deps, 'standIns'>, c: Context): string | null =>
  standIns.none || !isLoopback(c) ? null : '/sandbox';

/** Returns what the viewer can open beside the console. */
async function elsewhere(deps: ConsoleDeps, c: Context): Promise<{ text: string; href: string }[]> {
  const config = await deps.config.current();
  const sandbox = sandboxPathFor(deps, c);
  return [
    ...(hasDocs() ? [{ text: 'Docs', href: DOCS_PATH }] : []),
    ...(deps.extensions.publicPages.some((pages) => pages.isConfigured(config))
      ? [{ text: 'Status page', href: '/status' }]
      : []),
    ...(sandbox === null ? [] : [{ text: 'Sandbox', href: sandbox }]),
  ];
}

/** Returns the values in the path, with the ID of an incident in place of its number. */
async function paramOf({ incidents }: Pick<Deps, 'incidents'>, c: Context<Env>): Promise<Record<string, string>> {
  const param = c.req.param() as Record<string, string>;
  const number = c.req.path.startsWith('/console/incidents/') ? numberInAddress(param['id'] ?? '') : undefined;
  const id = number === undefined ? undefined : await incidents.withNumber(number);
  return id === undefined ? param : { ...param, id };
}

/**
 * Runs the action of a form, and returns to the page. A refusal is shown on the page, with the form as it was sent. An action on
 * all services at once is done only after a second step.
 *
 * @throws Refusal 403 without the action's permission anywhere, before the use case reads the form; 404
 */
async function runAction(deps: ConsoleDeps, c: Context<Env>, page: ConsolePage): Promise<Response> {
  const { action: name = '', ...param } = await paramOf(deps, c);
  const action = actionNamed(page.actions ?? {}, name);
  if (action === undefined) throw new Refusal(404, 'not-found', 'there is no such action');
  c.var.viewer.caller.allow(action.permission, {});
  const { form, key } = await formOfViewer(c);
  const isConfirmed = form.get(CONFIRMED) === 'yes';
  form.delete(CONFIRMED);
  const pageKey = pageKeyOf(null);
  const viewer = viewerOfPage(c.var.viewer, pageKey);
  const { csrfToken } = viewer;
  const address = addressOf(c);
  try {
    const sent = { viewer, caller: viewer.caller, param, form, key, trace: c.var.trace };
    const asked = isConfirmed ? undefined : await action.confirm?.(deps, sent);
    if (asked !== undefined) {
      const shown = confirmationOf(asked, { page: pathOf(address), address, action: name, csrfToken, form });
      return c.html(await consolePage(viewer, { ...shown, path: page.within ?? page.path }));
    }
    const shown = await action.run(deps, sent);
    if (shown !== undefined && 'location' in shown) {
      if (shown.hide !== undefined) hide(c, shown.hide);
      return c.redirect(shown.location, 303);
    }
    if (shown !== undefined && !('undo' in shown))
      return await showPage(deps, c, page, { shown: doneNotice(shown), status: 200, pageKey });
    return c.redirect(`${address}${address.includes('?') ? '&' : '?'}${doneQuery(name, shown?.undo)}`, 303);
  } catch (error) {
    if (error instanceof Refusal && error.status !== 404)
      return showPage(deps, c, page, {
        error,
        status: error.status,
        refused: refusedFormOf(error, form, await formPathsOf(deps, c.req.path, param), action),
        pageKey,
        ...(action.keepsFields && { fields: form }),
      });
    throw error;
  }
}

/** Returns the paths of a form: the page of an incident has its number or its ID in the path, and so have its forms. */
async function formPathsOf(
  { incidents }: Pick<Deps, 'incidents'>,
  path: string,
  { id }: Readonly<Record<string, string>>,
): Promise<string[]> {
  const named = path.startsWith('/console/incidents/') ? IncidentId.safeParse(id) : undefined;
  const incident = named?.success ? await incidents.read(named.data) : undefined;
  if (incident === undefined) return [path];
  return [incident.id, incident].map((name) => path.replace(/^\/console\/incidents\/[^/]+/, incidentPath(name)));
}

/** Returns the address of the page, without the name and result of an action. */
function addressOf(c: Context): string {
  const { pathname, searchParams } = new URL(c.req.url);
  const query = new URLSearchParams([...searchParams].filter(([name]) => !isOfLastAction(name))).toString();
  return `${pathname.replace(/\/actions\/[^/]+$/, '')}${query === '' ? '' : `?${query}`}`;
}

const pathOf = (address: string): string => address.replace(/\?.*/s, '');

const fragment = async ({ title, main, asks }: Shown): Promise<string> =>
  String(
    await html`<title>${title} · Firebreak</title>
      ${iconLink(asks)}
      <main id="main">${main}</main>`,
  );

/** Returns an event with markup. A line break ends a field of an event, so each line of the markup is a field. */
const pageEvent = (version: string, markup: string): string =>
  `id: ${version}\nevent: page\n${withoutControls(markup).replaceAll('\n', '\ndata: ').replace(/^/, 'data: ')}\n\n`;

/** Answers a browser with a page, and a program with a status code alone. */
async function errorPage(deps: Pick<Deps, 'log'>, thrown: Error, c: Context<Env>): Promise<Response> {
  const error = thrown instanceof Refusal && thrown.code === 'bad-cursor' ? badCursor() : thrown;
  const isExpected = error instanceof Refusal || error instanceof HTTPException;
  if (!isExpected) (c.get('log') ?? deps.log).error('a page failed', { error: error.stack ?? String(error) });
  const status = isExpected ? error.status : 503;
  const text = isExpected ? error.message : `the page could not be read because of an internal error (${requestId(c)})`;
  const headers = error instanceof Refusal ? error.headers : {};
  const viewer = c.get('viewer') as Viewer | undefined;
  const shown = {
    title: TITLES[status] ?? 'This did not work',
    main: problemText(TITLES[status], text, { viewer, login: loginFor(addressOf(c)), path: c.req.path }),
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
  { viewer, login, path }: { viewer: Viewer | undefined; login: string; path: string },
): Html =>
  html`<section class="panel problem" role="alert">
    <h1>${title}</h1>
    <p>${sentence(text)}</p>
    <p>${viewer === undefined ? html`<a href="${login}">Sign in</a>` : nearestLink(viewer, path)}</p>
  </section>`;

/** Replaces control characters. A browser reads a carriage return as a line break. */
const withoutControls = (text: string): string => printable(text.replaceAll(/\r\n?/g, '\n'));

/**
 * Returns middleware that replaces control characters in pages with U+FFFD, as in their updates: texts of alerts, labels, and
 * names come from untrusted sources, and could otherwise change how the question reads that a person approves.
 */
export const replaceControlCharacters = (): MiddlewareHandler => async (c, next) => {
  await next();
  if (!/^text\/html\b/.test(c.res.headers.get('content-type') ?? '')) return;
  c.res = new Response(withoutControls(await c.res.text()), c.res);
};
