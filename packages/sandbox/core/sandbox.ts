import { Hono, type Context, type MiddlewareHandler } from 'hono';
import { HTTPException } from 'hono/http-exception';
import * as z from 'zod';
import { InstantIn, millisOf } from '../../../schemas/time/time.ts';
import { faultRule, type Faults } from './faults.ts';
import { callId, seqOf, type Journal } from './journal.ts';
import { MAILBOX, mailFault } from '../mail/mail.ts';
import type { Play } from '../play/bad-deploy.ts';
import { document, page } from './page.ts';
import { FORMS_PATH, plainMarkup } from './plain.ts';
import { check, problem, readJson, readQuery } from './problem.ts';
import { sandboxStates, type SandboxStates } from './sandbox-state.ts';
import type { UserActions, StandIn, StandInDeps } from './stand-in.ts';
import type { Store } from './store.ts';

export type SandboxParts = {
  store: Store;
  journal: Journal;
  faults: Faults;
  deps: StandInDeps;
  standIns: readonly StandIn[];
  /** The base URL of each vendor's stand-in. */
  urls: Readonly<Record<string, string>>;
  /** The endpoints for actions of people that the product is notified about, by vendor. */
  userActions: ReadonlyMap<string, UserActions>;
  play: Play;
};

const CallId = z.string().transform((text, context) => {
  const seq = seqOf(text);
  if (seq !== undefined) return seq;
  context.addIssue({ code: 'custom', message: `not a call ID such as call_12: ${text.slice(0, 64)}` });
  return z.NEVER;
});

const CallsQuery = (vendors: readonly string[]) =>
  z.strictObject({
    vendor: z.enum(vendors).optional(),
    since: z
      .union([CallId.transform((seq) => ({ seq })), InstantIn.transform((at) => ({ at: millisOf(at) }))], {
        error: 'since must be an RFC 3339 time with an offset, or a call ID such as call_12',
      })
      .optional(),
    limit: z.coerce.number().int().min(1).max(10_000).default(1000),
    cursor: CallId.optional(),
  });

/**
 * Returns the routes under `/sandbox`: the calls that the stand-ins received, and their faults. They require no
 * credentials, so mount them on loopback only.
 */
export function sandbox(parts: SandboxParts): Hono {
  const { store, deps, standIns, urls } = parts;
  const vendors = standIns.map(({ vendor }) => vendor);

  const app = new Hono();
  app.onError((error) => (error instanceof HTTPException ? error : problem(500, error.message)).getResponse());
  app.use('/sandbox/*', requireOwnOrigin);
  const states = sandboxStates(parts);
  const plain = (why?: string): Promise<string> =>
    store.transaction(async () => plainMarkup(states.since(undefined), why));
  // Outside a transaction, because its files need not wait. What the page shows without JavaScript is read in one of its own.
  app.route('/', page(plain));
  app.route(
    FORMS_PATH,
    forms((path, init) => app.request(path, init), plain),
  );
  // Outside a transaction: these endpoints wait for the product, which calls the stand-ins meanwhile.
  for (const [vendor, userActions] of parts.userActions) app.route(`/sandbox/${vendor}`, userActions.app);
  app.post('/sandbox/play', (c) => {
    parts.play.start();
    return c.json(parts.play.view(), 202);
  });
  app.use('/sandbox/*', (c, next) => store.transaction(() => throwHandlerError(next, () => c.error))); // also matches /sandbox itself
  app.get('/sandbox', (c) => c.json({ urls, faults: parts.faults.list().length }));
  app.route('/sandbox/state', state(states));
  app.route('/sandbox/calls', calls(parts.journal, [...vendors, MAILBOX]));
  app.route('/sandbox/faults', faults(parts.faults, [...vendors, MAILBOX]));
  for (const { vendor, sandbox: helpers } of standIns) {
    if (helpers) app.route(`/sandbox/${vendor}`, helpers(deps));
  }
  return app;
}

/**
 * Throws the error of a failed handler, so that its transaction is rolled back. Hono stores errors instead of throwing
 * them.
 */
async function throwHandlerError(next: () => Promise<void>, errorOf: () => Error | undefined): Promise<void> {
  await next();
  const error = errorOf();
  if (error && !(error instanceof HTTPException)) throw error;
}

/**
 * Rejects requests from other web pages in the same browser, including pages on other ports of this machine. Clients
 * other than browsers send neither header.
 */
const requireOwnOrigin: MiddlewareHandler = async (c, next) => {
  const site = c.req.header('sec-fetch-site') ?? 'none';
  const origin = c.req.header('origin') ?? new URL(c.req.url).origin;
  const isOwnOrigin = (site === 'same-origin' || site === 'none') && origin === new URL(c.req.url).origin;
  if (isOwnOrigin || isNavigation(c)) return next();
  throw problem(403, 'the request comes from another web page; only the sandbox page itself can use this endpoint');
};

/** Returns whether the request is a navigation. Links to the page are allowed from everywhere. */
const isNavigation = (c: Context): boolean =>
  c.req.method === 'GET' &&
  c.req.header('sec-fetch-mode') === 'navigate' &&
  c.req.header('sec-fetch-dest') === 'document';

/**
 * Returns the target of the forms of the page without JavaScript. Each does what a button of the page does, and leads back to it.
 *
 * @param send sends a request to the sandbox itself
 */
function forms(
  send: (path: string, init: RequestInit) => Response | Promise<Response>,
  plain: (problem: string) => Promise<string>,
): Hono {
  return new Hono().post('/', async (c) => {
    const fields = new URLSearchParams(await c.req.text());
    const { method = 'POST', path, body } = requestOf((name) => fields.get(name) ?? '');
    const answer = await send(`/sandbox${path}`, { method, ...(body && { body: JSON.stringify(body) }) });
    if (answer.ok) return c.redirect('/sandbox', 303);
    const { detail = answer.statusText } = (await answer.json().catch(() => ({}))) as { detail?: string };
    return document(c, await plain(detail), 422);
  });
}

/** Returns the request that a form stands for. @throws HTTPException 422 */
function requestOf(field: (name: string) => string): { method?: string; path: string; body?: object } {
  const part = (name: string): string => encodeURIComponent(field(name));
  switch (field('act')) {
    case 'play':
      return { path: '/play', body: {} };
    case 'page':
      return { path: `/pagerduty/incidents/${part('id')}/${part('answer')}`, body: {} };
    case 'clear':
      return { method: 'DELETE', path: '/faults' };
    case 'say': {
      const [user, channel, text] = [field('user'), field('channel'), field('text').trim()];
      return text.startsWith('/')
        ? { path: '/slack/commands', body: { user, channel, text } }
        : { path: `/slack/channels/${part('channel')}/messages`, body: { user, text } };
    }
    default:
      throw problem(422, 'act: must be play, page, clear, or say');
  }
}

function state(states: SandboxStates): Hono {
  const Query = z.strictObject({ since: z.string().max(100).optional() });
  return new Hono().get('/', (c) => {
    const current = states.since(readQuery(c, Query).since);
    const etag = `"${current.version}"`;
    const headers = { etag, 'cache-control': 'no-cache', 'x-content-type-options': 'nosniff' };
    return c.req.header('if-none-match') === etag ? c.body(null, 304, headers) : c.json(current, 200, headers);
  });
}

function calls(journal: Journal, vendors: readonly string[]): Hono {
  const Query = CallsQuery(vendors);
  return new Hono().get('/', (c) => {
    const { vendor, since, limit, cursor } = readQuery(c, Query);
    const { items, next } = journal.page({ vendor, since, limit, before: cursor });
    return c.json({ items, next_cursor: next === null ? null : callId(next) });
  });
}

function faults(inForce: Faults, vendors: readonly string[]): Hono {
  const Rule = faultRule(vendors).superRefine((rule, context) => {
    const message = mailFault(rule);
    if (message !== undefined) context.addIssue({ code: 'custom', path: ['fault'], message });
  });
  const Clear = z.strictObject({ clear: z.literal(true), vendor: z.enum(vendors).optional() });
  const list = () => ({ items: inForce.list(), next_cursor: null });

  return new Hono()
    .get('/', (c) => c.json(list()))
    .put('/', async (c) => {
      const change = await readJson(c);
      if (Array.isArray(change)) inForce.replace(check(z.array(Rule), change));
      else if (isClear(change)) inForce.clear(check(Clear, change).vendor);
      else inForce.set(check(Rule, change));
      return c.json(list());
    })
    .delete('/', (c) => {
      inForce.clear(readQuery(c, z.strictObject({ vendor: z.enum(vendors).optional() })).vendor);
      return c.json(list());
    });
}

const isClear = (change: unknown): boolean => typeof change === 'object' && change !== null && 'clear' in change;
